/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/table.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

void table_add(struct table *t, const char *text)
{
	const char **place = array_push((void **)&t->cell, &t->cells, &t->cap, sizeof(*t->cell));

	*place = arena_strdup(&t->arena, text);
}

void table_addf(struct table *t, const char *fmt, ...)
{
	va_list ap;
	const char **place = array_push((void **)&t->cell, &t->cells, &t->cap, sizeof(*t->cell));

	va_start(ap, fmt);
	*place = arena_vprintf(&t->arena, fmt, ap);
	va_end(ap);
}

void table_format(const struct table *t, unsigned indent, struct strbuf *out)
{
	size_t width[TABLE_COLUMNS] = {0};

	for (size_t i = 0; i < t->cells; i++) {
		size_t len = strlen(t->cell[i]);

		if (len > width[i % t->columns])
			width[i % t->columns] = len;
	}
	for (size_t i = 0; i < t->cells; i++) {
		size_t column = i % t->columns;

		if (column == 0)
			strbuf_addf(out, "%*s", (int)indent, "");
		if (column + 1 == t->columns)
			strbuf_addf(out, "%s\n", t->cell[i]);
		else
			strbuf_addf(out, "%-*s  ", (int)width[column], t->cell[i]);
	}
}

void table_done(struct table *t)
{
	free(t->cell);
	arena_done(&t->arena);
	*t = (struct table){0};
}
