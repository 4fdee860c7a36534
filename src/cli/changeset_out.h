/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Changesets as `status` and `rollback` print them. */
#ifndef RUNUP_CLI_CHANGESET_OUT_H
#define RUNUP_CLI_CHANGESET_OUT_H

#include <jansson.h>

#include "base/strbuf.h"
#include "tune/journal.h"

const char *changeset_state_name(enum changeset_state s); /* "open" … */

/* NULL for a text that the journal does not prove. */
const char *proven(const char *text);

/* An object with id, profile, state and bad_lines: what both outputs begin with. */
json_t *changeset_to_json(const struct changeset *cs);

/* A line for each line of the journal that is not believed. */
void changeset_bad_lines(const struct changeset *cs, struct strbuf *out);

#endif
