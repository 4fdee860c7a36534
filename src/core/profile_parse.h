/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the reader of profiles and the parsers of their sections share. */
#ifndef RUNUP_CORE_PROFILE_PARSE_H
#define RUNUP_CORE_PROFILE_PARSE_H

#include <stdbool.h>
#include <stdio.h>

#include "base/attr.h"
#include "base/err.h"
#include "base/strbuf.h"
#include "core/profile.h"

struct parser {
	struct profile *profile;
	const char *path;
	unsigned line;
	FILE *file;
	struct strbuf *above; /* the comment that stands above the line */
	bool above_taken;     /* a setting stands beneath it: the next comment is another one */
	const char *behind;   /* the comment behind the line, or NULL */
	struct err *err;
	bool failed;
	const struct section *section; /* that the line stands in; NULL: before the first */
	char *subject;	     /* "unit:nginx.service" of [rlimit unit:nginx.service], or NULL */
	const char *include; /* NULL: none */
	unsigned include_line;
	unsigned load_lines[32]; /* by bit of enum load_field: where it was set, for duplicates */
};

/* One row of the table of sections. parse() returns 1, or 0 after profile_fail(). */
struct section {
	const char *name;
	const char *subject; /* what may stand behind the name, for messages; NULL: nothing */
	bool bare;	     /* it may stand without a subject */
	int (*parse)(struct parser *ps, const char *key, const char *value);
};

/*
 * The row for "rlimit unit:nginx.service", the text between the brackets, and into ps->subject what
 * stands behind the name. NULL after profile_fail().
 */
const struct section *section_find(struct parser *ps, const char *text);

/* Splits "op value": moves *value behind the operator; a bare value is exact. */
enum op profile_split_op(const char **value);

/*
 * Adds a wish. A leading '-' of the key makes it optional; `word` (may be NULL) is taken in place
 * of a value of that kind and resolved on the host. Returns as parse() does.
 */
int profile_add_want(struct parser *ps, const char *kind, const char *key, const char *value,
		     enum value_kind value_kind, const char *word);

/* [sysfs] and [nic DEVICE] */
int profile_parse_sysfs(struct parser *ps, const char *key, const char *value);
int profile_parse_nic(struct parser *ps, const char *key, const char *value);

/* "server.ini:12: message"; the reader stops at the first. Returns inih's "error", 0. */
int profile_fail(struct parser *ps, const char *fmt, ...) printf_(2, 3);

#endif
