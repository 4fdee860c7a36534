/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/observation.h"

#include <stdlib.h>
#include <string.h>

struct alert *observation_find(const struct observation *o, const struct cause *c,
			       const char *subject)
{
	for (size_t i = 0; i < o->alerts; i++)
		if (o->alert[i].cause == c && strcmp(o->alert[i].subject, subject) == 0)
			return &o->alert[i];
	return NULL;
}

struct alert *observation_add(struct observation *o, const struct cause *c, const char *subject,
			      uint64_t count, uint64_t at_ns)
{
	struct alert *a = observation_find(o, c, subject);

	if (!a) {
		a = array_push((void **)&o->alert, &o->alerts, &o->alerts_cap, sizeof(*a));
		a->cause = c;
		a->subject = arena_strdup(&o->arena, subject);
		a->exact = true;
		a->first_ns = at_ns;
	}
	a->count += count;
	a->last_ns = at_ns;
	return a;
}

void observation_blind(struct observation *o, const char *source, const char *reason)
{
	for (size_t i = 0; i < o->blinds; i++)
		if (strcmp(o->blind[i].source, source) == 0)
			return;

	struct blind_spot *b =
		array_push((void **)&o->blind, &o->blinds, &o->blinds_cap, sizeof(*b));

	b->source = arena_strdup(&o->arena, source);
	b->reason = arena_strdup(&o->arena, reason);
}

void observation_done(struct observation *o)
{
	free(o->alert);
	free(o->blind);
	arena_done(&o->arena);
	*o = (struct observation){0};
}
