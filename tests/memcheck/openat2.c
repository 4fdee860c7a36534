/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * For LD_PRELOAD under a valgrind before 3.20, which does not know openat2(2) and answers ENOSYS:
 * runup would read nothing, and nothing of it would be checked. The same file is opened by
 * openat(2) instead; only what RESOLVE_… forbids is not seen to.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdarg.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static long open_beneath(int folder, const char *path, const struct open_how *how)
{
	/* In a root, "/" is that root. */
	if (how->resolve & RESOLVE_IN_ROOT)
		path += strspn(path, "/");
	return openat(folder, *path ? path : ".", (int)how->flags, (mode_t)how->mode);
}

long syscall(long number, ...)
{
	long (*next)(long, ...);
	long a[6];
	va_list ap;

	va_start(ap, number);
	for (size_t i = 0; i < 6; i++)
		a[i] = va_arg(ap, long);
	va_end(ap);
	if (number == SYS_openat2)
		return open_beneath((int)a[0], (const char *)a[1], (const struct open_how *)a[2]);
	*(void **)&next = dlsym(RTLD_NEXT, "syscall");
	return next(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}
