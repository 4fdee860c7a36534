/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Changesets as `status` and `rollback` print them. */
#ifndef RUNUP_CLI_CHANGESET_OUT_H
#define RUNUP_CLI_CHANGESET_OUT_H

#include <jansson.h>

#include "base/strbuf.h"
#include "tune/journal.h"
#include "tune/tenure.h"

const char *changeset_state_name(enum changeset_state s); /* "open" … */

/* NULL for a text that the journal does not prove. */
const char *proven(const char *text);

/* An object with id, profile, state and bad_lines: what both outputs begin with. */
json_t *changeset_to_json(const struct changeset *cs);

/* For how long it is to stay; null where the journal does not say. */
json_t *tenure_to_json(const struct host *h, const struct changeset *cs, enum tenure_state ts);

/* The same as a line; nothing where it stays until it is rolled back. */
void tenure_text(const struct host *h, const struct changeset *cs, enum tenure_state ts,
		 struct strbuf *out);

/* A line for each line of the journal that is not believed. */
void changeset_bad_lines(const struct changeset *cs, struct strbuf *out);

/* 1 before 3: drift is a finding; what could not be told or done is 3. */
void raise_exit(int *exit_code, int code);

#endif
