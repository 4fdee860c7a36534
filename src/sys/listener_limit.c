/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "sys/listener_limit.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "sys/caps.h"
#include "sys/file.h"
#include "sys/proc.h"

struct taking {
	uint64_t cookie;
	int fd;	    /* the duplicate, -1: not yet */
	int error;  /* why the last holder did not give it; 0: none was asked */
	pid_t from; /* that holder */
};

static bool is_socket(int fd, uint64_t cookie)
{
	uint64_t own = 0;
	socklen_t len = sizeof(own);

	return getsockopt(fd, SOL_SOCKET, SO_COOKIE, &own, &len) == 0 && own == cookie;
}

static bool take_from(pid_t pid, int number, void *data)
{
	struct taking *t = data;
	cleanup_close int pidfd = (int)syscall(SYS_pidfd_open, pid, 0U);
	cleanup_close int fd = pidfd < 0 ? -1 : (int)syscall(SYS_pidfd_getfd, pidfd, number, 0U);

	if (fd >= 0 && is_socket(fd, t->cookie)) {
		t->fd = TAKE_FD(fd);
		return false;
	}
	/* Process or descriptor went away meanwhile, or the inode is another socket's by now. */
	if (fd < 0 && errno != ESRCH && errno != EBADF) {
		t->error = errno;
		t->from = pid;
	}
	return true;
}

/* Yama's setting, where it forbids what the same user could else do (security/yama, 3.4). */
static void yama_hint(const struct host *h, char *buf, size_t size)
{
	uint64_t scope;
	struct err ignored;

	buf[0] = '\0';
	if (file_read_u64(h, "/proc/sys/kernel/yama/ptrace_scope", &scope, &ignored) == 0 && scope)
		snprintf(buf, size,
			 "; Yama (kernel.yama.ptrace_scope = %" PRIu64
			 ") also refuses it for processes of one's own%s",
			 scope, scope > 2 ? ", and even to root" : "");
}

static int refused(const struct host *h, const char *name, const struct taking *t,
		   unsigned unreadable, struct err *e)
{
	char yama[160], comm[PROC_COMM_MAX];

	if (t->error == ENOSYS)
		return err_set(e, ENOSYS,
			       "change the limit of listener '%s': this kernel has no "
			       "pidfd_getfd(2) (5.6)",
			       name);
	yama_hint(h, yama, sizeof(yama));
	if (t->error) {
		proc_comm(h, t->from, comm);
		return err_set(e, t->error == EMFILE || t->error == ENFILE ? t->error : EPERM,
			       "change the limit of listener '%s': take its descriptor from "
			       "process %d (%s): %s; it takes %s%s",
			       name, (int)t->from, comm, strerror(t->error),
			       caps_name(CAP_SYS_PTRACE), yama);
	}
	if (unreadable)
		return err_set(e, EPERM,
			       "change the limit of listener '%s': %u processes may not be looked "
			       "into for its descriptor; it takes %s and %s%s",
			       name, unreadable, caps_name(CAP_SYS_PTRACE),
			       caps_name(CAP_DAC_READ_SEARCH), yama);
	return err_set(e, ENOENT, "listener '%s': no process holds it any more", name);
}

int listener_take(const struct host *h, const struct listener *l, struct err *e)
{
	struct taking t = {.cookie = l->cookie, .fd = -1};
	char name[LISTENER_NAME_MAX];
	unsigned unreadable = 0;

	listener_name(l, name);
	if (!l->inode)
		return err_set(e, ENXIO,
			       "change the limit of listener '%s': it belongs to the kernel (NFS, "
			       "MPTCP), not to a process that could be asked for it",
			       name);
	int r = proc_socket_each(h, l->inode, take_from, &t, &unreadable, e);
	if (t.fd >= 0)
		return t.fd;
	return r < 0 ? r : refused(h, name, &t, unreadable, e);
}

int listener_set_limit(const struct host *h, const struct listener *l, uint32_t limit,
		       struct err *e)
{
	char name[LISTENER_NAME_MAX];
	uint64_t somaxconn;
	int listens = 0;
	socklen_t len = sizeof(listens);
	struct err ignored;
	cleanup_close int fd = listener_take(h, l, e);

	if (fd < 0)
		return fd;
	listener_name(l, name);
	if (file_read_u64(h, "/proc/sys/net/core/somaxconn", &somaxconn, &ignored) == 0 &&
	    somaxconn < limit)
		return err_set(e, EINVAL,
			       "give listener '%s' a limit of %" PRIu32
			       ": net.core.somaxconn is %" PRIu64
			       " and caps it (raise that first, in the same profile)",
			       name, limit, somaxconn);
	/* listen() would open again what shutdown() has closed. */
	if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &len) < 0 || !listens)
		return err_set(e, ENOENT, "listener '%s': it does not listen any more", name);
	if (listen(fd, (int)limit) < 0)
		return err_errno(e, errno, "give listener '%s' a limit of %" PRIu32, name, limit);
	return 0;
}
