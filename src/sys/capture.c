/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "sys/capture.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/strbuf.h"
#include "base/units.h"
#include "sys/child.h"
#include "sys/netns.h"

extern char **environ;

static void change_environment(char *const *env)
{
	for (; env && *env; env++) {
		/* putenv(3) removes a name without '='; it keeps the string, which outlives exec.
		 */
		if (putenv(*env) != 0)
			_exit(EXIT_FAILURE);
	}
}

/* Returns only if it fails, with the errno. */
static int become(const struct capture_options *o, int out_fd)
{
	const char *step;
	int null = open("/dev/null", O_RDWR | O_CLOEXEC), r = 0;

	if (null < 0 || setsid() < 0)
		return errno;
	if (o->netns_fd >= 0)
		r = netns_enter_fd(o->netns_fd, NULL);
	if (r == 0 && o->user && o->user->changes)
		r = run_as_become(o->user, &step);
	if (r == 0 && o->user && o->user->changes)
		r = run_as_environment(o->user);
	if (r < 0)
		return -r;
	if (dup2(null, STDIN_FILENO) < 0 || dup2(out_fd, STDOUT_FILENO) < 0 ||
	    dup2(null, STDERR_FILENO) < 0)
		return errno;
	if (syscall(SYS_close_range, 3U, ~0U, CLOSE_RANGE_CLOEXEC) < 0)
		return errno;
	change_environment(o->env);
	execvpe(o->argv[0], o->argv, environ);
	return errno;
}

static int wait_for_exec(int exec_fd, const char *name, struct err *e)
{
	int error = 0, r = child_read_report(exec_fd, &error, sizeof(error));

	return r == 0 ? 0 : err_errno(e, r > 0 ? error : ECHILD, "run '%s'", name);
}

/* Milliseconds to the deadline, rounded up so that the last poll() does not spin. */
static int left_ms(uint64_t deadline_ns)
{
	uint64_t now = now_monotonic_ns();

	return now >= deadline_ns ? 0 : (int)((deadline_ns - now) / NS_PER_MS) + 1;
}

static int wait_readable(int fd, uint64_t deadline_ns)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};
	int r;

	do
		r = poll(&p, 1, left_ms(deadline_ns));
	while (r < 0 && errno == EINTR);
	return r < 0 ? -errno : r == 0 ? -ETIMEDOUT : 0;
}

static int read_all(int fd, uint64_t deadline_ns, size_t max, struct strbuf *out)
{
	char block[16384];

	for (;;) {
		int r = wait_readable(fd, deadline_ns);

		if (r < 0)
			return r;

		ssize_t n = read(fd, block, sizeof(block));

		if (n < 0 && errno != EINTR)
			return -errno;
		if (n == 0)
			return 0;
		if (n > 0 && out->len + (size_t)n > max)
			return -EFBIG;
		if (n > 0)
			strbuf_addn(out, block, (size_t)n);
	}
}

static int follow(pid_t pid, int out_fd, const struct capture_options *o, struct strbuf *out)
{
	uint64_t deadline_ns = now_monotonic_ns() + o->timeout_ns;
	cleanup_close int pidfd = (int)syscall(SYS_pidfd_open, pid, 0U);

	if (pidfd < 0)
		return -errno;

	int r = read_all(out_fd, deadline_ns, o->max, out);

	return r < 0 ? r : wait_readable(pidfd, deadline_ns);
}

static int finish(pid_t pid, int r, const struct capture_options *o, int *ret_status, struct err *e)
{
	char text[UNITS_MAX];

	/* Before it is reaped, while the number of its group cannot be anybody else's. */
	kill(-pid, SIGKILL);
	while (waitpid(pid, ret_status, 0) < 0) {
		if (errno != EINTR)
			return err_errno(e, errno, "wait for '%s'", o->argv[0]);
	}
	if (r == -ETIMEDOUT)
		return err_set(e, ETIMEDOUT, "run '%s': not done within %s", o->argv[0],
			       units_duration(o->timeout_ns, text));
	if (r == -EFBIG)
		return err_set(e, EFBIG, "run '%s': its answer is longer than %zu bytes",
			       o->argv[0], o->max);
	return r < 0 ? err_errno(e, -r, "read the answer of '%s'", o->argv[0]) : 0;
}

int capture(const struct capture_options *o, char **ret, int *ret_status, struct err *e)
{
	int out[2], exec[2];

	if (pipe2(out, O_CLOEXEC) < 0)
		return err_errno(e, errno, "make a pipe");

	cleanup_close int out_read = out[0];
	cleanup_close int out_write = out[1];

	if (pipe2(exec, O_CLOEXEC) < 0)
		return err_errno(e, errno, "make a pipe");

	cleanup_close int exec_read = exec[0];
	cleanup_close int exec_write = exec[1];
	pid_t pid = fork();

	if (pid < 0)
		return err_errno(e, errno, "start a process for '%s'", o->argv[0]);
	if (pid == 0) {
		int error = become(o, out_write);

		/* A parent that is gone needs no report. */
		_exit(write(exec_write, &error, sizeof(error)) < 0 ? EXIT_FAILURE : 127);
	}
	close(TAKE_FD(out_write));
	close(TAKE_FD(exec_write));

	cleanup_with(strbuf_done) struct strbuf text = {0};
	int r = wait_for_exec(exec_read, o->argv[0], e);

	if (r < 0) {
		waitpid(pid, ret_status, 0);
		return r;
	}
	r = finish(pid, follow(pid, out_read, o, &text), o, ret_status, e);
	if (r < 0)
		return r;
	*ret = strdup(strbuf_get(&text));
	if (!*ret)
		out_of_memory();
	return 0;
}
