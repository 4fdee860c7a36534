/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the writers of export_*.c share. */
#ifndef RUNUP_REPORT_EXPORT_PART_H
#define RUNUP_REPORT_EXPORT_PART_H

#include "report/export.h"

#define EXPORT_SLUG_MAX 64

/*
 * A comment on lines of 80 columns, each beginning with `mark` ("# "). Text of profiles and command
 * lines is not trusted: control characters, which would end the comment, become '?', and bytes that
 * are no UTF-8 U+FFFD.
 */
void export_comment(const char *mark, const char *text, struct strbuf *out);
void export_commentf(const char *mark, struct strbuf *out, const char *fmt, ...) printf_(3, 4);

/* Comments: the profile, who made this, and for what load it holds. */
void export_head(const struct export *x, struct strbuf *out);

/* Comments: why a line is there, and the sum behind its value. */
void export_reason(const char *mark, const struct want *w, struct strbuf *out);

/* The profile's name without folder and suffix, fit for a file name. */
const char *export_slug(const struct export *x, char buf[EXPORT_SLUG_MAX]);

/* The value as the kernel would print it, with single blanks. */
void export_value(const struct want *w, struct strbuf *out);

/* "at least 4096", "4096". */
void export_wish(const struct want *w, struct strbuf *out);

/*
 * Comments: what is not in the file, each with how to have it. why_not() returns NULL for what is
 * in it. Nothing where all is.
 */
void export_rest(const struct export *x, const char *(*why_not)(const struct want *w),
		 struct strbuf *out);

/* why_not() of what has no value, or is of a kind that is no sysctl: how to have it elsewhere. */
const char *export_no_sysctl(const struct want *w);

#endif
