/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "sys/file.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sched.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/parse.h"

/* Without end only where somebody renames or mounts without end. */
#define OPEN_TRIES 1000

int file_open_beneath(int folder_fd, const char *path, int flags, uint64_t resolve)
{
	struct open_how how = {
		.flags = (uint64_t)(flags | O_CLOEXEC),
		.resolve = resolve | RESOLVE_NO_MAGICLINKS,
	};
	int fd = -1;

	/*
	 * A path with ".." in it, as the links of /sys/class have, is only proven to stay beneath
	 * if nothing on the whole host was renamed or mounted meanwhile; else the kernel says
	 * EAGAIN (handle_dots(), fs/namei.c, 5.6), and its caller is to ask again.
	 */
	for (int i = 0; i < OPEN_TRIES; i++) {
		fd = (int)syscall(SYS_openat2, folder_fd, path, &how, sizeof(how));
		if (fd >= 0 || errno != EAGAIN)
			break;
		sched_yield();
	}
	return fd < 0 ? -errno : fd;
}

/*
 * A filter of system calls cannot look into openat2(2)'s flags, so RestrictSUIDSGID=, and
 * DynamicUser= which brings it along, have it fail with ENOSYS (seccomp_restrict_suid_sgid(),
 * systemd 252). The root of a live host is the one that every path is resolved in anyway. Only for
 * reading: what is written is worth the guarantee.
 */
static int open_beneath(const struct host *h, const char *path, int flags)
{
	int fd = file_open_beneath(h->root_fd, path, flags, RESOLVE_IN_ROOT);

	if (fd != -ENOSYS || h->captured || (flags & O_ACCMODE) != O_RDONLY)
		return fd;
	fd = openat(h->root_fd, path, flags | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

int file_open(const struct host *h, const char *path, int flags, struct err *e)
{
	int fd = open_beneath(h, path, flags);

	if (fd < 0)
		return err_errno(e, -fd, "open '%s'", path);
	return fd;
}

bool file_exists(const struct host *h, const char *path)
{
	cleanup_close int fd = open_beneath(h, path, O_PATH);

	return fd >= 0;
}

/* Fills buf to the end of the file or of the room; returns the bytes read or -errno. */
static long read_full(int fd, char *buf, size_t size)
{
	size_t have = 0;

	while (have < size) {
		ssize_t n = read(fd, buf + have, size - have);

		if (n < 0) {
			if (errno == EINTR)
				continue;
			return -errno;
		}
		if (n == 0)
			break;
		have += (size_t)n;
	}
	return (long)have;
}

long file_read_fd(int fd, const char *path, char *buf, size_t size, struct err *e)
{
	long n = read_full(fd, buf, size);

	if (n < 0)
		return err_errno(e, (int)-n, "read '%s'", path);
	if ((size_t)n == size)
		return err_set(e, EFBIG, "read '%s': longer than %zu bytes", path, size - 1);
	if (n > 0 && buf[n - 1] == '\n')
		n--;
	buf[n] = '\0';
	return n;
}

long file_read(const struct host *h, const char *path, char *buf, size_t size, struct err *e)
{
	cleanup_close int fd = file_open(h, path, O_RDONLY, e);

	return fd < 0 ? fd : file_read_fd(fd, path, buf, size, e);
}

long file_read_all(const struct host *h, const char *path, size_t max, char **ret, struct err *e)
{
	/* /proc files have no size to ask for, so the room doubles until the file fits. */
	for (size_t size = 16384;; size *= 4) {
		cleanup_free char *buf = malloc(size);

		if (!buf)
			out_of_memory();
		long n = file_read(h, path, buf, size, e);
		if (n == -EFBIG && size < max)
			continue;
		if (n >= 0)
			*ret = TAKE_PTR(buf);
		return n;
	}
}

int file_read_u64(const struct host *h, const char *path, uint64_t *ret, struct err *e)
{
	char text[32];
	long n = file_read(h, path, text, sizeof(text), e);

	if (n < 0)
		return (int)n;
	if (parse_u64(text, 0, UINT64_MAX, ret) < 0)
		return err_set(e, EINVAL, "read '%s': '%s' is not a number", path, text);
	return 0;
}
