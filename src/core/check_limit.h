/* SPDX-License-Identifier: GPL-2.0-or-later */
/* For the checks: what is configured beside a limit in force, and where to change it. */
#ifndef RUNUP_CORE_CHECK_LIMIT_H
#define RUNUP_CORE_CHECK_LIMIT_H

#include <stdint.h>
#include <sys/types.h>

#include "core/check.h"
#include "core/limit_origin.h"

/* One process's limit. */
struct limit_seen {
	pid_t pid; /* 0: this shell */
	enum limit_kind kind;
	struct proc_limit now; /* in force */
	uint64_t need;	       /* 0: nothing asks for it */
};

/*
 * Adds to what was observed what is configured, by which line of which file. A pass becomes a
 * warning where the need is met now and would not be after the next start. Of a finding that fails
 * already it adds to the fix the file that counts for this process, or that a restart or a login is
 * all that is missing.
 */
void check_limit_origin(const struct check_input *in, const struct limit_seen *seen,
			struct finding *f, struct findings *out);

/*
 * Adds a finding of check `id` about a limit of the load's process, or of this shell where
 * something is configured for that: what is in force and what is configured. Nothing needs it.
 */
void check_limit_beside(const struct check_input *in, const char *id, enum limit_kind kind,
			struct findings *out);

/*
 * Adds to check `id` a warning for each limit of the process (0: this shell) of which less is in
 * force than is configured, and one pass for those that are as configured. Nothing where nothing is
 * configured or where that cannot be told.
 */
void check_limits_in_force(const struct check_input *in, const char *id, pid_t pid,
			   struct findings *out);

/* "unlimited", or the number. */
const char *check_limit_text(uint64_t n, struct findings *out);

#endif
