/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tune/knob.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define X_POINTER(name) &knob_##name,
static const struct knob *const knobs[] = {KNOBS(X_POINTER)};
#undef X_POINTER

const struct knob *knob_find(const char *kind)
{
	for (size_t i = 0; i < ARRAY_LEN(knobs); i++)
		if (strcmp(knobs[i]->kind, kind) == 0)
			return knobs[i];
	return NULL;
}

void knob_normalise(const struct knob *k, const struct host *h, const char *key, const char *value,
		    char *buf)
{
	if (k->normalise)
		k->normalise(h, key, value, buf);
	else
		snprintf(buf, KNOB_VALUE_MAX, "%s", value);
}

uint64_t knob_caps(const struct knob *k, const char *key)
{
	return k->caps ? k->caps(key) : 0;
}

bool knob_ends(const struct knob *k, const char *key)
{
	return k->ends && k->ends(key);
}

bool knob_durable(const struct knob *k, const char *key)
{
	return k->durable && k->durable(key);
}

void knob_keys_add(struct knob_keys *keys, const char *fmt, ...)
{
	va_list ap;
	const char **place =
		array_push((void **)&keys->item, &keys->len, &keys->cap, sizeof(*place));

	va_start(ap, fmt);
	*place = arena_vprintf(&keys->arena, fmt, ap);
	va_end(ap);
}

void knob_keys_done(struct knob_keys *keys)
{
	free(keys->item);
	arena_done(&keys->arena);
	*keys = (struct knob_keys){0};
}

bool knob_value_sane(const char *value)
{
	size_t len = strlen(value);

	for (size_t i = 0; i < len; i++)
		if (iscntrl((unsigned char)value[i]) && value[i] != '\t')
			return false;
	return len < KNOB_VALUE_MAX;
}
