/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/run_loop.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/units.h"

struct loop {
	const struct child_options *options;
	struct child child;
	struct run_outcome *outcome;
	bool ended;
};

/* The next signal from the signalfd, 0 when there is none. */
static int next_signal(int fd)
{
	struct signalfd_siginfo info;
	ssize_t n;

	do
		n = read(fd, &info, sizeof(info));
	while (n < 0 && errno == EINTR);
	return n == (ssize_t)sizeof(info) ? (int)info.ssi_signo : 0;
}

static bool asks_to_end(int sig)
{
	return sig == SIGINT || sig == SIGQUIT || sig == SIGTERM || sig == SIGHUP;
}

int run_loop_interrupted(const struct child_signals *s)
{
	int found = 0;

	for (int sig = next_signal(s->fd); sig; sig = next_signal(s->fd))
		if (!found && asks_to_end(sig))
			found = sig;
	return found;
}

/*
 * Stops by the same signal as the command, so that the shell says "stopped" or "stopped (tty
 * input)" as it would without runup. The signal is blocked: raised first, it waits, merges with the
 * terminal's own if that is still there, and takes effect when it is let in. Where the kernel
 * discards it (an orphaned process group has no shell that could continue it) nothing happens, and
 * the command goes on.
 *
 * While runup is stopped nobody watches: a command that something else continues goes on alone
 * until runup is continued too.
 */
static void stop_with(pid_t pid, int sig)
{
	sigset_t one;

	raise(sig);
	sigemptyset(&one);
	sigaddset(&one, sig);
	sigprocmask(SIG_UNBLOCK, &one, NULL);
	/* Stopped here, but for SIGSTOP, which raise() does not return from. */
	sigprocmask(SIG_BLOCK, &one, NULL);
	/* The shell continues the whole group; a plain `kill -CONT` of runup means the command. */
	kill(pid, SIGCONT);
}

static void learn_start(struct loop *l)
{
	struct run_outcome *o = l->outcome;
	int r = child_exec_result(&l->child, l->options, &o->error);

	o->started = r == 0;
	o->start_error = -r;
}

static void reap(struct loop *l)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG | WUNTRACED)) > 0) {
		if (pid != l->child.pid)
			continue; /* an orphan that came to us */
		if (WIFSTOPPED(status)) {
			stop_with(pid, WSTOPSIG(status));
			continue;
		}
		l->outcome->end_ns = now_monotonic_ns();
		l->outcome->status = status;
		l->ended = true;
	}
}

static void read_signals(struct loop *l, int fd)
{
	for (int sig = next_signal(fd); sig; sig = next_signal(fd)) {
		if (asks_to_end(sig) && !l->outcome->interrupted && !l->ended)
			l->outcome->interrupted = sig;
		switch (sig) {
		case SIGCHLD:
			reap(l);
			break;
		case SIGTERM:
		case SIGHUP:
			/* Not to a number that may already be somebody else's. */
			if (!l->ended)
				kill(l->child.pid, sig);
			break;
		default:
			/*
			 * INT and QUIT of the terminal went to the command as well; forwarded, they
			 * would arrive twice, and a second Ctrl-C means "at once" to k6 and others.
			 * TSTP, TTIN, TTOU: runup stops when the command has.
			 */
			break;
		}
	}
}

int run_loop(const struct child_options *o, struct watch *w, struct run_outcome *ret, struct err *e)
{
	struct loop l = {.options = o, .outcome = ret};

	ret->start_ns = ret->end_ns = now_monotonic_ns();

	int r = child_start(o, &l.child, e);

	if (r < 0)
		return r;
	while (!l.ended) {
		struct pollfd fds[] = {
			{.fd = o->signals->fd, .events = POLLIN},
			{.fd = l.child.exec_fd, .events = POLLIN},
			{.fd = watch_fd(w), .events = POLLIN},
		};

		/* With these three descriptors it fails for want of memory alone; reaping and
		 * signals then still work, only later. */
		if (poll(fds, ARRAY_LEN(fds), 1000) < 0 && errno != EINTR)
			fds[0].revents = POLLIN;
		if (fds[1].revents)
			learn_start(&l);
		if (fds[0].revents)
			read_signals(&l, o->signals->fd);
		if (fds[2].revents)
			watch_turn(w);
	}
	if (l.child.exec_fd >= 0)
		learn_start(&l);
	return 0;
}
