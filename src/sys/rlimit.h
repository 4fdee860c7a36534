/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The limits of processes that runup knows: their names everywhere, and setting them. */
#ifndef RUNUP_SYS_RLIMIT_H
#define RUNUP_SYS_RLIMIT_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/attr.h"
#include "base/err.h"
#include "sys/host.h"
#include "sys/proc.h"

struct rlimit_key {
	const char *name;      /* in a profile: "nofile" */
	const char *proc_name; /* its row in /proc/PID/limits */
	const char *unit_name; /* systemd.exec(5): "LimitNOFILE" */
	const char *what;      /* in a sentence: "open files" */
	int resource;	       /* RLIMIT_… of getrlimit(2) */
};

/* NULL: no such one, or no i-th. */
const struct rlimit_key *rlimit_key_find(const char *name);
const struct rlimit_key *rlimit_key_at(size_t i);

/*
 * Raises a limit of this process, soft and where needed hard, so that checks see what a command
 * that it starts will inherit; never lowers it. -EPERM says what it takes.
 */
must_check int rlimit_raise(const struct rlimit_key *k, uint64_t want, struct err *e);

/*
 * Sets soft and hard limit of a live process by prlimit(2). -ESRCH: no such process; -EPERM with
 * what it takes: CAP_SYS_RESOURCE to raise a hard limit or for a process of another user, and for
 * open files an fs.nr_open that is no lower (do_prlimit(), kernel/sys.c, 5.15 to 6.18).
 */
must_check int rlimit_set(const struct host *h, pid_t pid, const struct rlimit_key *k,
			  const struct proc_limit *l, struct err *e);

/* May rlimit_set() be asked for this process at all? -EPERM, -ESRCH. */
must_check int rlimit_settable(pid_t pid, const struct rlimit_key *k, struct err *e);

#endif
