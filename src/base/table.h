/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Text in aligned columns. */
#ifndef RUNUP_BASE_TABLE_H
#define RUNUP_BASE_TABLE_H

#include <stddef.h>

#include "base/arena.h"
#include "base/strbuf.h"

#define TABLE_COLUMNS 8

/* Zero-initialise, then set columns; table_done() releases. */
struct table {
	size_t columns;
	const char **cell; /* row by row */
	size_t cells, cap;
	struct arena arena;
};

/* Appends one cell (copied); a row is full after `columns` of them. */
void table_add(struct table *t, const char *text);
void table_addf(struct table *t, const char *fmt, ...) printf_(2, 3);

/* Writes all rows, each column padded to its widest cell, two blanks between, `indent` in front. */
void table_format(const struct table *t, unsigned indent, struct strbuf *out);

void table_done(struct table *t);

#endif
