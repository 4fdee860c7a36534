/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Apply, rollback and status: from a profile to the host and back. */
#ifndef RUNUP_TUNE_APPLY_H
#define RUNUP_TUNE_APPLY_H

#include <stdbool.h>
#include <stdint.h>

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
 * may not be written: -ENOENT, -EROFS, -EACCES, -EPERM, with what to do. look_only (a dry run): a
 * lack of privileges is no failure, and said in `why`.
 */
must_check int plan_changes(const struct host *h, const struct profile *p, bool look_only,
			    struct changes *ret, struct err *e);

/*
 * The profile's wishes in the order of writing, those that no knob takes last: fills ret, which has
 * room for p->wants_len. For who writes them down instead of applying them.
 */
void plan_order(const struct profile *p, const struct want **ret);

/*
 * Journals and writes a plan. The values are read again first, since the plan may have been made
 * before the lock was taken. All planned changes get CHANGE_WRITTEN, or, when one fails, everything
 * before it is rolled back, its result is CHANGE_FAILED with the reason, and -errno is returned;
 * those behind it stay CHANGE_PLANNED. With header->keep_going, what fails is CHANGE_FAILED, the
 * rest is written, and that is no error: the caller counts results. id is filled when a changeset
 * was made; with nothing planned none is made and it stays "".
 */
must_check int apply_changes(const struct host *h, const struct state_dir *d,
			     const struct journal_header *header, struct changes *plan,
			     char id[CHANGESET_ID_MAX], struct err *e);

struct rollback_options {
	bool dry_run; /* says what it would do; neither host nor journal is written */
	bool force;   /* restores a drifted value too, and closes what cannot be proven */
};

/*
 * Undoes one changeset, last change first, by the rules of the design: value now = after (or, with
 * no `done`, = the value expected) → restore; = before → nothing to do; anything else → drifted,
 * left. A later open changeset that holds the same key of the same object inherits `before`
 * instead. Another boot, or a namespace that is gone: nothing is written. Another namespace than
 * the host's is found by its cookie and entered for the time being; where that cannot be, -EXDEV
 * says what to do.
 *
 * ret gets one change per intent that no earlier rollback has undone, with its result and, in
 * `why`, the reason. A dry run shows what would be restored as CHANGE_PLANNED. The changeset is
 * closed when nothing is left to do; drifted ones are left to their owner and count as dealt with,
 * but `force` takes them up again, closed or not. Unproven or failed ones keep it open.
 *
 * Returns 0 also for drift: the caller counts results. -errno when it could not go on: -EBADMSG for
 * a journal whose header is not proven. An error of writing the journal is returned at the end,
 * after every value that could be restored was.
 */
must_check int rollback_changeset(const struct host *h, const struct state_dir *d, const char *id,
				  const struct rollback_options *o, struct changes *ret,
				  struct err *e);

/*
 * The capabilities that the knobs of what is planned, or satisfied for now, name: a set of
 * CAP_BIT() (sys/caps.h).
 */
uint64_t plan_caps(const struct changes *plan);
/*
 * Those that it takes to roll back the changeset `id` (may be NULL) and every open one: what their
 * knobs name, and what it takes to find the namespace of one that is of another.
 */
must_check int rollback_caps(const struct host *h, const struct state_dir *d, const char *id,
			     uint64_t *ret, struct err *e);

/*
 * Compares an open or unfinished changeset with the host: each change that was not rolled back gets
 * `now` and CHANGE_IN_FORCE, _DRIFTED, _GONE, _UNKNOWN, or _UNCHANGED where its write was not
 * recorded and did not happen. What a later changeset holds is in force as long as that one found
 * it so. Reads only; cs->dir must still be open.
 */
must_check int changeset_compare(const struct host *h, struct changeset *cs, struct err *e);

#endif
