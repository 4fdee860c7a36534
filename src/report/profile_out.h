/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The lines of a profile, resolved for a load and held against a host. */
#ifndef RUNUP_REPORT_PROFILE_OUT_H
#define RUNUP_REPORT_PROFILE_OUT_H

#include <jansson.h>

#include "core/change.h"
#include "core/profile.h"
#include "report/text.h"

/* Zero-initialise; the texts are borrowed, the changes the caller's. */
struct profile_line {
	const struct want *want;
	struct changes changes; /* what it would change here: one for each object it names */
	const char *error;	/* why that cannot be told; NULL: it can */
};

/* What it wants, what that comes to, what is there, whether it would change, and why. */
void text_profile_line(const struct profile_line *l, const struct text_style *style,
		       struct strbuf *out);
json_t *profile_line_to_json(const struct profile_line *l);

#endif
