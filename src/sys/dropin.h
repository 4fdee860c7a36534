/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Our drop-in files for systemd units: one limit each, written so that no crash leaves half of it.
 */
#ifndef RUNUP_SYS_DROPIN_H
#define RUNUP_SYS_DROPIN_H

#include <stdbool.h>

#include "base/attr.h"
#include "base/err.h"
#include "sys/host.h"
#include "sys/proc.h"
#include "sys/rlimit.h"

/*
 * /etc/systemd/system/UNIT.d/50-runup-NAME.conf: a file for each limit, so that each has a value
 * before and a rollback of its own. It says itself what was in force without it and whether the
 * folder was made for it, so that taking it away needs nothing else.
 */
struct dropin {
	struct proc_limit limit;
	struct proc_limit before; /* what systemd had without it */
	bool made_folder;
};

/*
 * 1 and *ret: ours is there; 0: no file of that name. -EEXIST: there is one that is not exactly as
 * runup writes it, so it is somebody's and is left alone.
 */
must_check int dropin_read(const struct host *h, const char *unit, const struct rlimit_key *k,
			   struct dropin *ret, struct err *e);

/*
 * Writes it, or replaces ours: a whole file beside the folder, synced, then renamed into place, and
 * the folders synced. made_folder is found out here. systemd does not know of it yet.
 */
must_check int dropin_write(const struct host *h, const char *unit, const struct rlimit_key *k,
			    const struct dropin *d, struct err *e);

/*
 * Takes it away, but keeps it beside until dropin_sweep(), so that a kill before systemd has read
 * the files again is seen. That there is none is fine.
 */
must_check int dropin_remove(const struct host *h, const char *unit, const struct rlimit_key *k,
			     struct err *e);

/* 1 and *ret: one that was killed on its way in or out still lies beside; 0: none does. */
must_check int dropin_left(const struct host *h, const char *unit, const struct rlimit_key *k,
			   struct dropin *ret, struct err *e);

/* Removes what lies beside, and the folder if that was made for it and is empty. */
must_check int dropin_sweep(const struct host *h, const char *unit, const struct rlimit_key *k,
			    struct err *e);

#endif
