/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Steps of the commands that change the host: `apply` and `run --apply`. */
#ifndef RUNUP_CLI_CHANGING_H
#define RUNUP_CLI_CHANGING_H

#include "base/attr.h"
#include "base/err.h"
#include "cli/session.h"
#include "core/change.h"
#include "tune/guardian.h"
#include "tune/journal.h"

/* Opens the state folder for writing; says so when another runup holds the lock. */
must_check int changing_open_state(struct state_dir *d, struct err *e);

/*
 * Rolls back what an `apply --for` left over: past its deadline, and nobody was there. For what
 * writes, before it plans; without such a changeset nothing is locked or written. What was done is
 * noted on stderr, and what could not be done too: that does not stand in the way of the caller.
 */
void changing_finish_ended(const struct app *app, const struct host *h);

/*
 * Notes on stderr which satisfied settings of the plan are so only until an `apply --for` or a run
 * in progress puts them back: this apply does not hold them.
 */
void changing_note_borrowed(const struct app *app, const struct host *h,
			    const struct changes *plan);

/* How a plan is applied. */
struct changing {
	struct tenure tenure; /* its maker is filled in by changing_apply() */
	bool keep_going;
	struct guardian guardian;
	char timer[64]; /* what tenure.timer points to */
};

/*
 * Starts the guardian that a run and a --for need (c->tenure.run, .deadline_ns), and for the
 * latter, where systemd runs, a timer; nothing for others. d is open for writing. Follow with
 * changing_let_go() whatever comes.
 */
must_check int changing_guard(const struct session *s, const struct state_dir *d,
			      const struct changes *plan, struct changing *c, struct err *e);

/* applied: the changes of a --for are to stay until their time; else nothing is left to guard. */
void changing_let_go(struct changing *c, bool applied);

/*
 * Journals and writes a plan in the name of the user behind sudo, or the present one; d is open for
 * writing, argv is what the journal says was called (redacted here), id as of apply_changes().
 */
must_check int changing_apply(const struct session *s, const struct state_dir *d, char *const *argv,
			      struct changing *c, struct changes *plan, char id[CHANGESET_ID_MAX],
			      struct err *e);

#endif
