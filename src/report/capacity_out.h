/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The rows of the capacity model, as JSON and as text of 80 columns. */
#ifndef RUNUP_REPORT_CAPACITY_OUT_H
#define RUNUP_REPORT_CAPACITY_OUT_H

#include <jansson.h>

#include "base/strbuf.h"
#include "core/capacity_rows.h"
#include "report/text.h"

json_t *rows_to_json(const struct rows *rows); /* a new reference: the list */

/* The sentence, what breaks with its sum, and a table; verbose: the sums of all. */
void text_rows(const struct rows *rows, const struct load *l, const struct text_style *style,
	       struct strbuf *out);

#endif
