/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "sys/netns.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/parse.h"

#ifndef SO_NETNS_COOKIE
#define SO_NETNS_COOKIE 71 /* include/uapi/asm-generic/socket.h, 5.14 */
#endif

static int open_by_pid(const char *spec, uint64_t pid, struct err *e)
{
	int fd = (int)syscall(SYS_pidfd_open, (pid_t)pid, 0);

	if (fd < 0)
		return err_set(e, errno == ESRCH ? ERR_BAD_INPUT : errno,
			       "open the network namespace of process '%s': %s", spec,
			       strerror(errno));
	fcntl(fd, F_SETFD, FD_CLOEXEC); /* a pidfd is born with it; said again for old kernels */
	return fd;
}

static int open_by_path(const char *spec, struct err *e)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s%s", strchr(spec, '/') ? "" : "/run/netns/", spec);
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return err_set(e, errno == ENOENT ? ERR_BAD_INPUT : errno,
			       "open network namespace '%s': %s (a process id, a path, or a name "
			       "that `ip netns` lists)",
			       spec, strerror(errno));
	return fd;
}

int netns_enter(const char *spec, struct err *e)
{
	uint64_t pid;
	bool number = parse_u64(spec, 1, INT_MAX, &pid) == 0;
	cleanup_close int fd = number ? open_by_pid(spec, pid, e) : open_by_path(spec, e);
	struct err ignored;

	/* `ip netns add 4242` makes a name of digits. */
	if (fd < 0 && number)
		fd = open_by_path(spec, &ignored);

	if (fd < 0)
		return fd;
	if (setns(fd, CLONE_NEWNET) < 0) {
		if (errno == EINVAL)
			return err_set(e, ERR_BAD_INPUT, "'%s' is not a network namespace", spec);
		return err_set(e, errno, "enter network namespace '%s': %s%s", spec,
			       strerror(errno),
			       errno == EPERM ? " (needs CAP_SYS_ADMIN; use sudo)" : "");
	}
	return 0;
}

uint64_t netns_cookie(void)
{
	uint64_t cookie = 0;
	socklen_t len = sizeof(cookie);
	/* Every family knows it (sk_getsockopt(), net/core/sock.c, 5.14), and this one is refused
	 * nowhere: hardened services may not have IP sockets. */
	cleanup_close int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || getsockopt(fd, SOL_SOCKET, SO_NETNS_COOKIE, &cookie, &len) < 0)
		return 0;
	return cookie;
}
