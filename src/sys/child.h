/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Starting the command of `run`, the signals around it, and what it leaves behind. */
#ifndef RUNUP_SYS_CHILD_H
#define RUNUP_SYS_CHILD_H

#include <signal.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/attr.h"
#include "base/err.h"
#include "sys/host.h"
#include "sys/proc.h"
#include "sys/run_as.h"

/* How signals were when runup was started, and where they arrive since. */
struct child_signals {
	sigset_t mask;	  /* as found: what the command starts with */
	sigset_t ignored; /* were ignored (nohup, a shell's background job): stay so for it */
	int fd;		  /* signalfd(2), not blocking */
};

/*
 * From here on no signal but SIGKILL and SIGSTOP ends or stops runup by itself: INT, QUIT, TERM,
 * HUP, CHLD and the terminal's stop signals are blocked and read from the signalfd, SIGPIPE is
 * ignored. INT, QUIT, TERM and HUP that were ignored stay ignored and do not arrive. The process
 * becomes the reaper of its descendants (PR_SET_CHILD_SUBREAPER). It is not undone.
 */
must_check int child_signals_take(struct child_signals *ret, struct err *e);

struct child_options {
	char *const *argv;
	const struct run_as *user; /* NULL: unchanged */
	int netns_fd;		   /* enter this network namespace; -1: stay */
	const struct child_signals *signals;
};

struct child {
	pid_t pid;
	int exec_fd; /* readable once exec(2) has succeeded or failed; child_close() */
};

/*
 * Forks a process that executes argv in this process group, with no descriptors but 0, 1 and 2 and
 * the signals as they were. Order: namespace, initgroups, setresgid, setresuid,
 * HOME USER LOGNAME, then found on that user's PATH. An INT or QUIT that had arrived before the
 * process was there is handed on to it.
 */
must_check int child_start(const struct child_options *o, struct child *ret, struct err *e);

/*
 * How exec(2) went; waits until that is known, so ask when exec_fd is readable: a command that is
 * stopped before it got there would keep the caller waiting. 0; -ENOENT: not found (a shell's 127);
 * -EACCES or another errno of exec: not executable (126); -ECHILD with the reason in e: a step
 * before exec failed (125). The process still has to be waited for.
 */
must_check int child_exec_result(struct child *c, const struct child_options *o, struct err *e);
void child_close(struct child *c);

/* A living process that descends from this one. */
struct descendant {
	pid_t pid, parent;
	char comm[PROC_COMM_MAX];
};

/* All of them, in order of pid; *ret is the caller's to free, and may be NULL for none. */
must_check int child_descendants(const struct host *h, struct descendant **ret, size_t *ret_len,
				 struct err *e);

/*
 * Waits for what a child writes to its pipe when it cannot go on. 0: nothing, since exec closed the
 * pipe; 1: a whole report; -ECHILD: less than that.
 */
must_check int child_read_report(int exec_fd, void *report, size_t size);

#endif
