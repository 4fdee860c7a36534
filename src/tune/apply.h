/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Apply, rollback and status: from a profile to the host and back. */
#ifndef RUNUP_TUNE_APPLY_H
#define RUNUP_TUNE_APPLY_H

#include <stdbool.h>

#include "base/attr.h"
#include "base/err.h"
#include "core/change.h"
#include "core/profile.h"
#include "sys/host.h"
#include "tune/journal.h"

/*
 * What a profile (resolved) would change here: one change per want that a knob exists for, in the
 * order of writing, each CHANGE_PLANNED, CHANGE_SATISFIED or CHANGE_MISSING. Reads only. Fails when
 * a key that is not optional is missing, belongs to the host while this is another namespace, or
 * may not be written: -ENOENT, -EROFS, -EACCES, -EPERM, with what to do.
 */
must_check int plan_changes(const struct host *h, const struct profile *p, struct changes *ret,
			    struct err *e);

/*
 * Journals and writes a plan: all planned changes get CHANGE_WRITTEN, or, when one fails,
 * everything before it is rolled back, its result is CHANGE_FAILED with the reason, and -errno is
 * returned. id is filled when a changeset was made; with nothing planned none is made and it stays
 * "".
 */
must_check int apply_changes(const struct host *h, const struct state_dir *d,
			     const struct journal_header *header, struct changes *plan,
			     char id[CHANGESET_ID_MAX], struct err *e);

struct rollback_options {
	bool dry_run; /* says what it would do; neither host nor journal is written */
	bool force;   /* restores a drifted value too */
};

/*
 * Undoes one changeset, last change first, by the rules of the design: value now = after (or, with
 * no `done`, = the value expected) → restore; = before → nothing to do; anything else → drifted,
 * left. A later open changeset that holds the same key of the same object inherits `before`
 * instead. Another boot: nothing is written. Another namespace than the host's: fails with -EXDEV
 * and says which to enter, unless that namespace is gone. ret gets one change per intent with its
 * result. The changeset is closed when nothing is left to do; drifted ones are left to their
 * owner and count as dealt with; unproven or failed ones keep it open.
 *
 * Returns 0 also for drift: the caller counts results. -errno when it could not go on.
 */
must_check int rollback_changeset(const struct host *h, const struct state_dir *d, const char *id,
				  const struct rollback_options *o, struct changes *ret,
				  struct err *e);

/*
 * Compares an open or unfinished changeset with the host: each change gets `now` and
 * CHANGE_IN_FORCE, _DRIFTED, _GONE or _UNKNOWN. Reads only.
 */
must_check int changeset_compare(const struct host *h, struct changeset *cs, struct err *e);

#endif
