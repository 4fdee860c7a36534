/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The folder that a run leaves its report in. */
#ifndef RUNUP_REPORT_RUNDIR_H
#define RUNUP_REPORT_RUNDIR_H

#include <limits.h>

#include "base/attr.h"
#include "base/err.h"
#include "sys/run_as.h"

/* Start with RUNDIR_INIT; rundir_close() releases. */
struct rundir {
	int fd;
	char path[PATH_MAX]; /* as the user gave it */
};

#define RUNDIR_INIT                                                                                \
	{                                                                                          \
		.fd = -1                                                                           \
	}

/*
 * Makes the folder with mode 0700, as the user the command runs as and with that user's rights
 * alone. path: a folder that is not there yet (its parent is) or is empty and that user's; NULL:
 * runup/runs/<YYYYMMDD-HHMMSS-PID> below $XDG_STATE_HOME or ~/.local/state. The error says what to
 * do.
 */
must_check int rundir_make(struct rundir *ret, const struct run_as *user, const char *path,
			   struct err *e);

/*
 * Writes a file there, again as that user: under a temporary name, synced and renamed, so that
 * nobody ever finds half of one.
 */
must_check int rundir_write(const struct rundir *d, const struct run_as *user, const char *name,
			    const char *text, struct err *e);

void rundir_close(struct rundir *d);

#endif
