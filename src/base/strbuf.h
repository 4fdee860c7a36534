/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A string that grows while it is written. */
#ifndef RUNUP_BASE_STRBUF_H
#define RUNUP_BASE_STRBUF_H

#include <stdarg.h>
#include <stddef.h>

#include "base/attr.h"

/* Zero-initialise; strbuf_done() releases. text is NULL until something was added. */
struct strbuf {
	char *text;
	size_t len, cap;
};

void strbuf_add(struct strbuf *b, const char *s);
void strbuf_addn(struct strbuf *b, const char *s, size_t len);
void strbuf_addf(struct strbuf *b, const char *fmt, ...) printf_(2, 3);

/* The text so far, never NULL; borrowed. */
const char *strbuf_get(const struct strbuf *b);

void strbuf_reset(struct strbuf *b);
void strbuf_done(struct strbuf *b);

#endif
