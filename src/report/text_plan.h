/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Changes as text where more is told than what became of them. */
#ifndef RUNUP_REPORT_TEXT_PLAN_H
#define RUNUP_REPORT_TEXT_PLAN_H

#include "base/strbuf.h"
#include "core/change.h"
#include "report/text.h"

/*
 * What would be written: old → new, the sum behind it and the reason. What is so already is
 * counted, or listed with style->verbose.
 */
void text_plan(const struct changes *cs, const struct text_style *style, struct strbuf *out);

/* What stands of a changeset: before, wanted and now of each key, and the reason where they differ.
 */
void text_standing(const struct changes *cs, const struct text_style *style, struct strbuf *out);

#endif
