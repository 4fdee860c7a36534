/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/strbuf.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"

static void reserve(struct strbuf *b, size_t more)
{
	if (b->cap - b->len > more)
		return;

	size_t grown = (b->cap ? b->cap : 64) * 2;

	while (grown - b->len <= more)
		grown *= 2;
	char *p = realloc(b->text, grown);

	if (!p)
		out_of_memory();
	b->text = p;
	b->cap = grown;
}

void strbuf_addn(struct strbuf *b, const char *s, size_t len)
{
	reserve(b, len);
	memcpy(b->text + b->len, s, len);
	b->len += len;
	b->text[b->len] = '\0';
}

void strbuf_add(struct strbuf *b, const char *s)
{
	strbuf_addn(b, s, strlen(s));
}

void strbuf_addf(struct strbuf *b, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	int n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	if (n <= 0)
		return;

	reserve(b, (size_t)n);
	va_start(ap, fmt);
	vsnprintf(b->text + b->len, (size_t)n + 1, fmt, ap);
	va_end(ap);
	b->len += (size_t)n;
}

const char *strbuf_get(const struct strbuf *b)
{
	return b->text ? b->text : "";
}

void strbuf_reset(struct strbuf *b)
{
	b->len = 0;
	if (b->text)
		b->text[0] = '\0';
}

void strbuf_done(struct strbuf *b)
{
	free(b->text);
	*b = (struct strbuf){0};
}
