/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How long a changeset is to stay, and whether somebody is there to end it. */
#ifndef RUNUP_TUNE_TENURE_H
#define RUNUP_TUNE_TENURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/err.h"
#include "sys/host.h"
#include "tune/journal.h"

enum tenure_state {
	TENURE_PLAIN,	  /* until it is rolled back; also: confirmed, or rolled back already */
	TENURE_WORKING,	  /* the runup that made it is at it: an apply under way, a run */
	TENURE_RESTORING, /* its runup is gone or its time over, and its guardian is putting it back
			   */
	TENURE_LOST,	  /* its runup was killed, and there is no guardian (any more) */
	TENURE_WAITING,	  /* --for: a guardian or a timer ends it at its deadline */
	TENURE_UNWATCHED, /* --for: nobody does at the deadline, only the next runup after it */
	TENURE_OVER,	  /* --for: past its deadline, or of another boot, and still open */
};

/*
 * cs as changeset_read() has it. Processes are told by pid and start time, so that another one with
 * that number is not taken for them; one that could not be looked at is taken to live.
 */
enum tenure_state tenure_state(const struct host *h, const struct changeset *cs);
const char *tenure_state_name(enum tenure_state s); /* "plain" … */

/* Of a --for: nanoseconds to its deadline; 0: it is past, or was set in another boot. */
uint64_t tenure_left_ns(const struct host *h, const struct changeset *cs);

/*
 * The open changesets whose time is over, newest first; lost_too: also those of a `run --apply`
 * that nobody will put back. What to do with them is rollback_changeset(), under the lock: whoever
 * holds it looks again. Of most journals only the first line is looked at. *ret is the caller's to
 * free().
 */
must_check int tenure_ended(const struct host *h, const struct state_dir *d, bool lost_too,
			    char (**ret)[CHANGESET_ID_MAX], size_t *ret_len, struct err *e);

/*
 * Ends the guardian or the timer of a --for that was confirmed or rolled back. Under the lock,
 * since a guardian that has it is at work. Neither is needed for what is right: both look into the
 * journal before they do anything.
 */
void tenure_dismiss(const struct host *h, const struct changeset *cs);

#endif
