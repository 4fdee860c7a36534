/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "sys/child.h"

#include <errno.h>
#include <limits.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/cleanup.h"
#include "base/parse.h"
#include "sys/file.h"
#include "sys/netns.h"

extern char **environ;

/* End runup, unless they were ignored. */
static const int ending[] = {SIGINT, SIGQUIT, SIGTERM, SIGHUP};
/*
 * Stop the terminal's foreground group. runup stops when the command has, not with it: a command
 * may first put the terminal in order. And a message written from the background (SIGTTOU, stty
 * tostop) must not stop runup between a change and its rollback.
 */
static const int stopping[] = {SIGTSTP, SIGTTIN, SIGTTOU};

int child_signals_take(struct child_signals *ret, struct err *e)
{
	struct child_signals s = {.fd = -1};
	sigset_t watched;

	sigemptyset(&watched);
	sigemptyset(&s.ignored);
	for (int sig = 1; sig <= SIGRTMAX; sig++) {
		struct sigaction now;

		if (sigaction(sig, NULL, &now) == 0 && now.sa_handler == SIG_IGN)
			sigaddset(&s.ignored, sig);
	}
	/* main() ignores it for runup alone. */
	sigdelset(&s.ignored, SIGXFSZ);
	/* A signal that is blocked is queued even if it is ignored (sig_ignored(),
	 * kernel/signal.c), so what was ignored must not be blocked. */
	for (size_t i = 0; i < ARRAY_LEN(ending); i++)
		if (!sigismember(&s.ignored, ending[i]))
			sigaddset(&watched, ending[i]);
	for (size_t i = 0; i < ARRAY_LEN(stopping); i++) {
		sigaddset(&watched, stopping[i]);
		signal(stopping[i], SIG_DFL);
	}
	/* While SIGCHLD is ignored, the kernel reaps children and their status is lost. */
	sigaddset(&watched, SIGCHLD);
	signal(SIGCHLD, SIG_DFL);
	signal(SIGPIPE, SIG_IGN);
	if (sigprocmask(SIG_BLOCK, &watched, &s.mask) < 0)
		return err_errno(e, errno, "block signals");
	s.fd = signalfd(-1, &watched, SFD_CLOEXEC | SFD_NONBLOCK);
	if (s.fd < 0)
		return err_errno(e, errno, "make a signalfd");
	if (prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) < 0)
		return err_errno(e, errno, "become the reaper of the command's descendants");
	*ret = s;
	return 0;
}

static void restore_signals(const struct child_signals *s)
{
	for (int sig = 1; sig <= SIGRTMAX; sig++)
		if (sig != SIGKILL && sig != SIGSTOP)
			signal(sig, sigismember(&s->ignored, sig) ? SIG_IGN : SIG_DFL);
	sigprocmask(SIG_SETMASK, &s->mask, NULL);
}

/* What the child writes to the pipe when it cannot go on. */
enum step { STEP_NETNS, STEP_USER, STEP_ENVIRONMENT, STEP_DESCRIPTORS, STEP_EXEC };

struct report {
	enum step step;
	int error;
};

/* Everything between fork and exec; returns only on failure, with the step in *step. */
/* Is there such a file, be it executable or not? */
static bool on_path(const char *name)
{
	const char *path = getenv("PATH");
	char file[PATH_MAX];

	if (strchr(name, '/') || !path)
		return true;
	for (;; path++) {
		int len = (int)strcspn(path, ":");
		int n = snprintf(file, sizeof(file), "%.*s/%s", len, path, name);

		if (n > 0 && (size_t)n < sizeof(file) && access(file, F_OK) == 0)
			return true;
		path += len;
		if (!*path)
			return false;
	}
}

static int become_command(const struct child_options *o, enum step *step)
{
	bool changes = o->user && o->user->changes;
	const char *call;
	int r;

	*step = STEP_NETNS;
	r = o->netns_fd >= 0 ? netns_enter_fd(o->netns_fd, NULL) : 0;
	if (r < 0)
		return r;
	*step = STEP_USER;
	r = changes ? run_as_become(o->user, &call) : 0;
	if (r < 0)
		return r;
	*step = STEP_ENVIRONMENT;
	r = changes ? run_as_environment(o->user) : 0;
	if (r < 0)
		return r;
	/* By close-on-exec, so that the pipe lives until exec; by number, since glibc has the
	 * function only since 2.34. */
	*step = STEP_DESCRIPTORS;
	if (syscall(SYS_close_range, 3U, ~0U, CLOSE_RANGE_CLOEXEC) < 0)
		return -errno;
	*step = STEP_EXEC;
	restore_signals(o->signals);
	execvpe(o->argv[0], o->argv, environ);
	/* A folder of PATH that may not be searched makes it EACCES; a shell says "not found". */
	return errno == EACCES && !on_path(o->argv[0]) ? -ENOENT : -errno;
}

static _Noreturn void child_main(const struct child_options *o, int go_fd, int exec_fd)
{
	struct report report = {.step = STEP_NETNS};
	char nothing;

	/* Ends with the parent's end of the pipe. */
	while (read(go_fd, &nothing, 1) < 0 && errno == EINTR)
		;
	report.error = -become_command(o, &report.step);
	/* A full pipe is impossible, a parent that is gone needs no report. */
	if (write(exec_fd, &report, sizeof(report)) < 0)
		_exit(EXIT_FAILURE);
	_exit(EXIT_FAILURE);
}

/*
 * An INT or QUIT from the terminal reaches the whole group; one that came before the fork reached
 * runup alone and would be lost. The child still waits with both blocked, so where it came after
 * the fork, this one merges with it.
 */
static void hand_on_pending(pid_t pid)
{
	sigset_t pending;

	if (sigpending(&pending) < 0)
		return;
	if (sigismember(&pending, SIGINT))
		kill(pid, SIGINT);
	if (sigismember(&pending, SIGQUIT))
		kill(pid, SIGQUIT);
}

int child_start(const struct child_options *o, struct child *ret, struct err *e)
{
	int go[2], exec[2];

	if (pipe2(go, O_CLOEXEC) < 0)
		return err_errno(e, errno, "make a pipe");

	cleanup_close int go_read = go[0];
	cleanup_close int go_write = go[1];

	if (pipe2(exec, O_CLOEXEC) < 0)
		return err_errno(e, errno, "make a pipe");

	cleanup_close int exec_read = exec[0];
	cleanup_close int exec_write = exec[1];
	pid_t pid = fork();

	if (pid < 0)
		return err_errno(e, errno, "start a process for '%s'", o->argv[0]);
	if (pid == 0) {
		close(TAKE_FD(go_write));
		child_main(o, go_read, exec_write);
	}
	hand_on_pending(pid);
	ret->pid = pid;
	ret->exec_fd = TAKE_FD(exec_read);
	return 0;
}

static int step_error(const struct child_options *o, const struct report *r, struct err *e)
{
	switch (r->step) {
	case STEP_NETNS:
		return err_errno(e, r->error,
				 "return to the network namespace runup was started in");
	case STEP_USER:
		return err_errno(e, r->error, "become user '%s' to run '%s'", o->user->name,
				 o->argv[0]);
	case STEP_ENVIRONMENT:
		return err_errno(e, r->error, "set the environment of '%s'", o->argv[0]);
	case STEP_DESCRIPTORS:
		return err_errno(
			e, r->error,
			"close runup's descriptors for '%s' (close_range needs Linux 5.11)",
			o->argv[0]);
	case STEP_EXEC:
		break;
	}
	if (r->error == ENOENT && !strchr(o->argv[0], '/'))
		return err_set(e, ENOENT, "run '%s': not found on PATH", o->argv[0]);
	return err_errno(e, r->error, "run '%s'", o->argv[0]);
}

int child_read_report(int exec_fd, void *report, size_t size)
{
	ssize_t n;

	do
		n = read(exec_fd, report, size);
	while (n < 0 && errno == EINTR);
	return n == 0 ? 0 : n == (ssize_t)size ? 1 : -ECHILD;
}

int child_exec_result(struct child *c, const struct child_options *o, struct err *e)
{
	struct report r;
	int result = child_read_report(c->exec_fd, &r, sizeof(r));

	child_close(c);
	if (result == 0)
		return 0;
	if (result < 0)
		return err_set(e, ECHILD, "run '%s': the new process did not say how it went",
			       o->argv[0]);

	int code = step_error(o, &r, e);

	return r.step == STEP_EXEC ? code : -ECHILD;
}

void child_close(struct child *c)
{
	if (c->exec_fd >= 0)
		close(TAKE_FD(c->exec_fd));
}

/* pid (comm) state ppid …: comm may hold blanks and parentheses, so the last ')' ends it. */
static bool read_stat(const struct host *h, const char *pid, struct descendant *d)
{
	char path[64], text[512], state;
	uint64_t number;
	int parent;

	if (parse_u64(pid, 1, INT32_MAX, &number) < 0)
		return false;
	snprintf(path, sizeof(path), "/proc/%s/stat", pid);
	if (file_read(h, path, text, sizeof(text), NULL) < 0)
		return false;

	const char *open = strchr(text, '('), *close = strrchr(text, ')');

	if (!open || !close || sscanf(close + 1, " %c %d", &state, &parent) != 2)
		return false;
	if (state == 'Z' || state == 'X')
		return false;
	d->pid = (pid_t)number;
	d->parent = parent;
	snprintf(d->comm, sizeof(d->comm), "%.*s", (int)(close - open - 1), open + 1);
	return true;
}

static int by_pid(const void *a, const void *b)
{
	const struct descendant *x = a, *y = b;

	return (x->pid > y->pid) - (x->pid < y->pid);
}

/* Moves the descendants of `top` to the front and returns how many they are. */
static size_t keep_descendants(struct descendant *all, size_t len, pid_t top)
{
	size_t kept = 0;
	bool found;

	do {
		found = false;
		for (size_t i = kept; i < len; i++) {
			bool ours = all[i].parent == top;

			for (size_t k = 0; k < kept && !ours; k++)
				ours = all[i].parent == all[k].pid;
			if (!ours)
				continue;

			struct descendant d = all[i];

			all[i] = all[kept];
			all[kept++] = d;
			found = true;
		}
	} while (found);
	return kept;
}

int child_descendants(const struct host *h, struct descendant **ret, size_t *ret_len, struct err *e)
{
	cleanup_close int fd = file_open(h, "/proc", O_RDONLY | O_DIRECTORY, e);

	if (fd < 0)
		return fd;

	cleanup_closedir DIR *dir = fdopendir(fd);
	cleanup_free void *all = NULL;
	size_t len = 0, cap = 0;

	if (!dir)
		return err_errno(e, errno, "read '/proc'");
	(void)TAKE_FD(fd);
	for (const struct dirent *entry; (entry = readdir(dir));) {
		struct descendant d;

		if (read_stat(h, entry->d_name, &d))
			*(struct descendant *)array_push(&all, &len, &cap, sizeof(d)) = d;
	}
	len = keep_descendants(all, len, getpid());
	if (all)
		qsort(all, len, sizeof(struct descendant), by_pid);
	*ret_len = len;
	*ret = TAKE_PTR(all);
	return 0;
}
