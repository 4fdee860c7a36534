/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/change.h"

#include <stdlib.h>
#include <string.h>

/* Also the spelling of `undone` records on disk, so a name is never changed. */
static const char *const result_names[] = {
	[CHANGE_PLANNED] = "planned",	  [CHANGE_WRITTEN] = "written",
	[CHANGE_SATISFIED] = "satisfied", [CHANGE_MISSING] = "missing",
	[CHANGE_FAILED] = "failed",	  [CHANGE_RESTORED] = "restored",
	[CHANGE_UNCHANGED] = "unchanged", [CHANGE_DRIFTED] = "drifted",
	[CHANGE_GONE] = "gone",		  [CHANGE_INHERITED] = "inherited",
	[CHANGE_IN_FORCE] = "in_force",	  [CHANGE_UNKNOWN] = "unknown",
};

struct change *changes_add(struct changes *cs, const char *kind, const char *key)
{
	struct change *c = array_push((void **)&cs->item, &cs->len, &cs->cap, sizeof(*c));

	c->kind = arena_strdup(&cs->arena, kind);
	c->key = arena_strdup(&cs->arena, key);
	return c;
}

size_t changes_count(const struct changes *cs, enum change_result r)
{
	size_t n = 0;

	for (size_t i = 0; i < cs->len; i++)
		n += cs->item[i].result == r;
	return n;
}

const char *change_result_name(enum change_result r)
{
	return (size_t)r < ARRAY_LEN(result_names) ? result_names[r] : "unknown";
}

bool change_result_find(const char *name, enum change_result *ret)
{
	for (size_t i = 0; i < ARRAY_LEN(result_names); i++) {
		if (strcmp(result_names[i], name) == 0) {
			*ret = (enum change_result)i;
			return true;
		}
	}
	return false;
}

void changes_done(struct changes *cs)
{
	free(cs->item);
	arena_done(&cs->arena);
	*cs = (struct changes){0};
}
