/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What people read: findings and changes as text of 80 columns. */
#ifndef RUNUP_REPORT_TEXT_H
#define RUNUP_REPORT_TEXT_H

#include <stdbool.h>

#include "base/strbuf.h"
#include "core/change.h"
#include "core/finding.h"

struct text_style {
	bool color;
	bool verbose; /* passes and not-applicables too, not only their count */
};

/* Failures first, then unknowns and warnings, passes folded into a count. */
void text_findings(const struct findings *fs, const struct text_style *style, struct strbuf *out);

/* One line a change: what became of it, old → new, and why. */
void text_changes(const struct changes *cs, const struct text_style *style, struct strbuf *out);

/* Wraps text at blanks to 80 columns, `indent` blanks in front of each line. */
void text_wrapped(const char *text, unsigned indent, struct strbuf *out);

/* "label  text", the text wrapped under itself; nothing for NULL. */
void text_labelled(const char *label, const char *text, struct strbuf *out);

/* The same, `margin` blanks in front. */
void text_labelled_at(unsigned margin, const char *label, const char *text, struct strbuf *out);

/* What became of a change, padded to the width of all results. */
void text_result(const struct change *c, const struct text_style *style, struct strbuf *out);

/* The first line of text_changes() for one change. */
void text_change(const struct change *c, const struct text_style *style, struct strbuf *out);

/* A value on one line: the kernel puts tabs where people write blanks. */
void text_value(const char *value, struct strbuf *out);

/* "VALID" in green and the like; the word alone without color. */
enum text_color { TEXT_PLAIN, TEXT_GREEN, TEXT_YELLOW, TEXT_RED, TEXT_BOLD, TEXT_DIM };
void text_colored(const char *text, enum text_color c, const struct text_style *style,
		  struct strbuf *out);

#endif
