/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/arena.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"

#define BLOCK_SIZE 4096

struct arena_block {
	struct arena_block *next;
	size_t used, size;
	max_align_t data[];
};

void *arena_alloc(struct arena *a, size_t size)
{
	size_t align = _Alignof(max_align_t);
	size_t need = (size + align - 1) / align * align;

	if (need < size)
		out_of_memory();
	if (!a->head || a->head->size - a->head->used < need) {
		size_t room = need > BLOCK_SIZE ? need : BLOCK_SIZE;
		struct arena_block *b = calloc(1, sizeof(*b) + room);

		if (!b)
			out_of_memory();
		b->next = a->head;
		b->size = room;
		a->head = b;
	}
	void *p = (char *)a->head->data + a->head->used;
	a->head->used += need;
	return p;
}

char *arena_strndup(struct arena *a, const char *s, size_t len)
{
	char *copy = arena_alloc(a, len + 1);

	memcpy(copy, s, len);
	return copy;
}

char *arena_strdup(struct arena *a, const char *s)
{
	return arena_strndup(a, s, strlen(s));
}

char *arena_vprintf(struct arena *a, const char *fmt, va_list ap)
{
	va_list again;

	va_copy(again, ap);
	int n = vsnprintf(NULL, 0, fmt, ap);
	char *s = arena_alloc(a, (size_t)(n < 0 ? 0 : n) + 1);

	if (n > 0)
		vsnprintf(s, (size_t)n + 1, fmt, again);
	va_end(again);
	return s;
}

char *arena_printf(struct arena *a, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	char *s = arena_vprintf(a, fmt, ap);
	va_end(ap);
	return s;
}

void arena_done(struct arena *a)
{
	while (a->head) {
		struct arena_block *next = a->head->next;

		free(a->head);
		a->head = next;
	}
}

void *array_push(void **items, size_t *len, size_t *cap, size_t size)
{
	if (*len == *cap) {
		size_t grown = *cap ? *cap * 2 : 16;
		void *p = reallocarray(*items, grown, size);

		if (!p)
			out_of_memory();
		*items = p;
		*cap = grown;
	}
	void *place = (char *)*items + *len * size;

	memset(place, 0, size);
	++*len;
	return place;
}
