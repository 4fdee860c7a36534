/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The user that a command runs as, and doing something of our own as that user. */
#ifndef RUNUP_SYS_RUN_AS_H
#define RUNUP_SYS_RUN_AS_H

#include <limits.h>
#include <stdbool.h>
#include <sys/types.h>

#include "base/attr.h"
#include "base/err.h"

struct run_as {
	uid_t uid;
	gid_t gid;
	char name[64]; /* "1234" where no password entry has the id */
	char home[PATH_MAX];
	bool changes; /* ids have to be set; false: this is who runup runs as */
	/* Asked for by name, and neither who runs runup nor who called sudo: the environment's
	 * folders (XDG_…) are somebody else's. */
	bool other;
};

/*
 * name NULL: the user behind sudo (SUDO_UID, believed only from root), else the present one.
 * -ERR_BAD_INPUT: no such user, or an id that is none; -EPERM: only root may become somebody else.
 */
must_check int run_as_find(const char *name, struct run_as *ret, struct err *e);

/*
 * Becomes that user for good: initgroups, setresgid, setresuid, in this order, since only root may
 * do the first two. Returns 0, or -errno with the name of the call that failed in *step. For a
 * process of its own: nothing is undone.
 */
must_check int run_as_become(const struct run_as *u, const char **step);

/*
 * Sets HOME, USER and LOGNAME of this process to that user's, and forgets the folders (XDG_…) of
 * somebody else. Returns 0 or -errno.
 */
must_check int run_as_environment(const struct run_as *u);

/*
 * Runs task() as that user, in a process of its own unless ids stay as they are, so that the kernel
 * checks every step of every path by that user's rights: root never follows links that a user made.
 * A negative return of task() comes back with its error; *ret_fd (may be NULL) is the descriptor it
 * opened and left in *fd, -1 for none.
 */
must_check int run_as(const struct run_as *u, int (*task)(void *data, int *fd, struct err *e),
		      void *data, int *ret_fd, struct err *e);

#endif
