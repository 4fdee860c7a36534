/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Starting the command of `run`. */
#ifndef RUNUP_SYS_CHILD_H
#define RUNUP_SYS_CHILD_H

#include <signal.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/attr.h"
#include "base/err.h"

/* The user a command runs as. */
struct child_user {
	uid_t uid;
	gid_t gid;
	char name[64], home[256];
};

/*
 * name NULL: the user behind sudo (SUDO_UID), else the present one. -ERR_BAD_INPUT: no such user.
 */
must_check int child_user_find(const char *name, struct child_user *ret, struct err *e);

struct child_options {
	char *const *argv;
	const struct child_user *user; /* NULL: unchanged */
	uint64_t nofile;	       /* raise soft (and hard) RLIMIT_NOFILE to it; 0: leave it */
	int netns_fd;		       /* enter this network namespace; -1: stay */
	const sigset_t *signal_mask;   /* the mask to start with */
};

/*
 * Forks and executes argv in this process group, with no descriptors but 0, 1 and 2 and default
 * dispositions. Order: limits as root, namespace, initgroups, setresgid, setresuid, HOME USER
 * LOGNAME, then found on that user's PATH. Returns 0 and the pid once exec(2) has succeeded;
 * -ENOENT: not found (a shell's 127), -EACCES or another errno of exec: not executable (126),
 * -ECHILD with the reason in e: a step before exec failed (125).
 */
must_check int child_start(const struct child_options *o, pid_t *ret_pid, struct err *e);

#endif
