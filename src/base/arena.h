/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Memory that lives exactly as long as one result: many strings, one release. */
#ifndef RUNUP_BASE_ARENA_H
#define RUNUP_BASE_ARENA_H

#include <stdarg.h>
#include <stddef.h>

#include "base/attr.h"

struct arena_block;

/* Zero-initialise; release with arena_done(). Pointers stay valid until then. */
struct arena {
	struct arena_block *head;
};

/* size bytes, zeroed and aligned for any type. Never NULL (out_of_memory() otherwise). */
void *arena_alloc(struct arena *a, size_t size);

char *arena_strdup(struct arena *a, const char *s);
char *arena_strndup(struct arena *a, const char *s, size_t len);
char *arena_printf(struct arena *a, const char *fmt, ...) printf_(2, 3);
char *arena_vprintf(struct arena *a, const char *fmt, va_list ap) printf_(2, 0);

void arena_done(struct arena *a);

/*
 * Growing arrays that own their memory (free() with cleanup_free): makes room for one more element
 * of `size` bytes in *items, doubling, and returns its zeroed place; *len grows by one.
 */
void *array_push(void **items, size_t *len, size_t *cap, size_t size);

#endif
