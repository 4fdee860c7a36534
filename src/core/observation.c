/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/observation.h"

#include <inttypes.h>
#include <stdio.h>
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

const char *detail_text(const struct detail *d, char buf[DETAIL_TEXT_MAX])
{
	switch (d->kind) {
	case DETAIL_NONE:
		return NULL;
	case DETAIL_QUEUE:
		if (d->fill_known)
			snprintf(buf, DETAIL_TEXT_MAX, "queue %" PRIu64 " of %" PRIu64, d->fill,
				 d->limit);
		else
			snprintf(buf, DETAIL_TEXT_MAX, "limit %" PRIu64, d->limit);
		break;
	case DETAIL_TABLE:
		snprintf(buf, DETAIL_TEXT_MAX, "%" PRIu64 " of %" PRIu64 " entries", d->fill,
			 d->limit);
		break;
	case DETAIL_PLACE:
		snprintf(buf, DETAIL_TEXT_MAX, "at %s", d->function);
		break;
	}
	return buf;
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
