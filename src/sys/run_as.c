/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "sys/run_as.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/parse.h"

static int from_passwd(const struct passwd *pw, struct run_as *u, struct err *e)
{
	u->uid = pw->pw_uid;
	u->gid = pw->pw_gid;
	if ((size_t)snprintf(u->name, sizeof(u->name), "%s", pw->pw_name) >= sizeof(u->name) ||
	    (size_t)snprintf(u->home, sizeof(u->home), "%s", pw->pw_dir) >= sizeof(u->home))
		return err_set(e, ENAMETOOLONG, "look up user '%s': its name or home is too long",
			       pw->pw_name);
	return 0;
}

static int find_by_name(const char *name, struct run_as *u, struct err *e)
{
	errno = 0;

	const struct passwd *pw = getpwnam(name);

	if (!pw && errno != 0 && errno != ENOENT && errno != ESRCH)
		return err_errno(e, errno, "look up user '%s'", name);
	if (!pw)
		return err_set(e, ERR_BAD_INPUT, "--user '%s': there is no such user", name);
	return from_passwd(pw, u, e);
}

/* An id without a password entry is a user all the same (containers have such). */
static int find_by_ids(uid_t uid, gid_t gid, struct run_as *u, struct err *e)
{
	const struct passwd *pw = getpwuid(uid);

	if (pw)
		return from_passwd(pw, u, e);
	u->uid = uid;
	u->gid = gid;
	snprintf(u->name, sizeof(u->name), "%ju", (uintmax_t)uid);
	snprintf(u->home, sizeof(u->home), "/");
	return 0;
}

static int sudo_id(const char *variable, const char *text, uint64_t *ret, struct err *e)
{
	/* The highest is -1, "leave it" to setresuid(2). */
	if (!text || parse_u64(text, 0, UINT32_MAX - 1, ret) < 0)
		return err_set(e, ERR_BAD_INPUT,
			       "find the user behind sudo: %s is '%s', which is no id (unset "
			       "SUDO_UID, or name the user with --user)",
			       variable, text ? text : "");
	return 0;
}

static int find_present(struct run_as *u, struct err *e)
{
	const char *home = getenv("HOME");
	int r = find_by_ids(getuid(), getgid(), u, e);

	if (r == 0 && home && home[0] == '/' &&
	    (size_t)snprintf(u->home, sizeof(u->home), "%s", home) >= sizeof(u->home))
		r = err_set(e, ENAMETOOLONG, "HOME is too long");
	u->gid = getgid();
	return r;
}

int run_as_find(const char *name, struct run_as *ret, struct err *e)
{
	const char *sudo_uid = geteuid() == 0 ? getenv("SUDO_UID") : NULL;
	struct run_as u = {.uid = getuid()};
	uint64_t caller = getuid(), group = 0;
	int r = 0;

	if (sudo_uid) {
		r = sudo_id("SUDO_UID", sudo_uid, &caller, e);
		if (r == 0)
			r = sudo_id("SUDO_GID", getenv("SUDO_GID"), &group, e);
		if (r < 0 && !name)
			return r;
	}
	if (name)
		r = find_by_name(name, &u, e);
	else if (sudo_uid)
		r = find_by_ids((uid_t)caller, (gid_t)group, &u, e);
	else
		r = find_present(&u, e);
	if (r < 0)
		return r;
	u.changes = u.uid != getuid() || u.uid != geteuid();
	u.other = name && u.uid != (uid_t)caller && u.changes;
	if (u.changes && geteuid() != 0)
		return err_set(e, EPERM, "run as user '%s': only root may (use sudo)", u.name);
	*ret = u;
	return 0;
}

int run_as_become(const struct run_as *u, const char **step)
{
	*step = "initgroups";
	if (initgroups(u->name, u->gid) < 0)
		return -errno;
	*step = "setresgid";
	if (setresgid(u->gid, u->gid, u->gid) < 0)
		return -errno;
	*step = "setresuid";
	if (setresuid(u->uid, u->uid, u->uid) < 0)
		return -errno;
	return 0;
}

int run_as_environment(const struct run_as *u)
{
	/* Of whoever runs runup; the named user could not use them. */
	static const char *const others[] = {"MAIL",	      "XDG_CACHE_HOME", "XDG_CONFIG_HOME",
					     "XDG_DATA_HOME", "XDG_STATE_HOME", "XDG_RUNTIME_DIR"};

	if (setenv("HOME", u->home, 1) < 0 || setenv("USER", u->name, 1) < 0 ||
	    setenv("LOGNAME", u->name, 1) < 0)
		return -errno;
	for (size_t i = 0; u->other && i < ARRAY_LEN(others); i++)
		unsetenv(others[i]);
	return 0;
}

/* What the helper sends back; the descriptor travels beside it. */
struct answer {
	int result;
	struct err error;
};

/* Room for one descriptor, aligned as the kernel wants it (cmsg(3)). */
union one_fd {
	struct cmsghdr header;
	char room[CMSG_SPACE(sizeof(int))];
};

static void send_answer(int sock, struct answer *a, int fd)
{
	struct iovec io = {.iov_base = a, .iov_len = sizeof(*a)};
	union one_fd control = {.room = {0}};
	struct msghdr m = {.msg_iov = &io, .msg_iovlen = 1};

	if (fd >= 0) {
		m.msg_control = control.room;
		m.msg_controllen = sizeof(control.room);

		struct cmsghdr *c = CMSG_FIRSTHDR(&m);

		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(c), &fd, sizeof(fd));
	}
	if (sendmsg(sock, &m, MSG_NOSIGNAL) < 0)
		_exit(1);
}

/* Returns false when the helper ended without an answer. */
static bool receive_answer(int sock, struct answer *a, int *ret_fd)
{
	struct iovec io = {.iov_base = a, .iov_len = sizeof(*a)};
	union one_fd control = {.room = {0}};
	struct msghdr m = {.msg_iov = &io,
			   .msg_iovlen = 1,
			   .msg_control = control.room,
			   .msg_controllen = sizeof(control.room)};
	ssize_t n;

	do
		n = recvmsg(sock, &m, MSG_CMSG_CLOEXEC);
	while (n < 0 && errno == EINTR);
	if (n != (ssize_t)sizeof(*a))
		return false;

	const struct cmsghdr *c = CMSG_FIRSTHDR(&m);

	if (c && c->cmsg_type == SCM_RIGHTS && c->cmsg_len == CMSG_LEN(sizeof(int)))
		memcpy(ret_fd, CMSG_DATA(c), sizeof(*ret_fd));
	return true;
}

static _Noreturn void helper(const struct run_as *u,
			     int (*task)(void *data, int *fd, struct err *e), void *data, int sock)
{
	struct answer a = {.result = 0};
	const char *step;
	int fd = -1, r = run_as_become(u, &step);

	if (r < 0)
		a.result = err_errno(&a.error, -r, "become user '%s': %s", u->name, step);
	else
		a.result = task(data, &fd, &a.error);
	send_answer(sock, &a, fd);
	_exit(0);
}

int run_as(const struct run_as *u, int (*task)(void *data, int *fd, struct err *e), void *data,
	   int *ret_fd, struct err *e)
{
	int pair[2], fd = -1;

	if (!u->changes) {
		int r = task(data, &fd, e);

		if (ret_fd)
			*ret_fd = TAKE_FD(fd);
		else if (fd >= 0)
			close(fd);
		return r;
	}
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return err_errno(e, errno, "make a socket pair");

	cleanup_close int ours = pair[0];
	cleanup_close int theirs = pair[1];
	pid_t pid = fork();

	if (pid < 0)
		return err_errno(e, errno, "start a process for user '%s'", u->name);
	if (pid == 0)
		helper(u, task, data, theirs);
	close(TAKE_FD(theirs));

	struct answer a;
	bool answered = receive_answer(ours, &a, &fd);

	/* ECHILD where SIGCHLD is ignored: the kernel has reaped it. */
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
	if (!answered)
		return err_set(e, ECHILD, "do something as user '%s': the process for it died",
			       u->name);
	if (a.result < 0 && e)
		*e = a.error;
	if (ret_fd)
		*ret_fd = TAKE_FD(fd);
	else if (fd >= 0)
		close(fd);
	return a.result;
}
