/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Steps of the commands that change the host: `apply` and `run --apply`. */
#ifndef RUNUP_CLI_CHANGING_H
#define RUNUP_CLI_CHANGING_H

#include "base/attr.h"
#include "base/err.h"
#include "cli/session.h"
#include "core/change.h"
#include "tune/journal.h"

/* Opens the state folder for writing; says so when another runup holds the lock. */
must_check int changing_open_state(struct state_dir *d, struct err *e);

/*
 * Journals and writes a plan in the name of the user behind sudo, or the present one; d is open for
 * writing, argv is what the journal says was called (redacted here), id as of apply_changes().
 */
must_check int changing_apply(const struct session *s, const struct state_dir *d, char *const *argv,
			      struct changes *plan, char id[CHANGESET_ID_MAX], struct err *e);

#endif
