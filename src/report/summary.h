/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The end of a run whose command was started, for people. */
#ifndef RUNUP_REPORT_SUMMARY_H
#define RUNUP_REPORT_SUMMARY_H

#include "base/strbuf.h"
#include "report/record.h"
#include "report/text.h"

/*
 * Verdict first, why, what to do, what was changed, where the report is (path of run.json; NULL:
 * there is none). 80 columns and no more than a screen: what does not fit is counted, and in
 * run.json.
 */
void summary_format(const struct run_record *r, const char *path, const struct text_style *style,
		    struct strbuf *out);

#endif
