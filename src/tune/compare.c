/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "tune/apply.h"
#include "tune/chain.h"
#include "tune/knob.h"
#include "tune/scope.h"

static void set(struct changeset *cs, size_t n, enum change_result r, const char *why)
{
	cs->changes.item[n].result = r;
	cs->changes.item[n].why = why;
}

static void set_all(struct changeset *cs, enum change_result r, const char *why)
{
	for (size_t n = 0; n < cs->changes.len; n++)
		if (!cs->undone[n] && *cs->changes.item[n].kind)
			set(cs, n, r, why);
}

/* What a later changeset holds is judged by what that one found when it took over. */
static void compare_held(struct changeset *cs, size_t n, const struct changeset *heir, size_t m)
{
	struct arena *a = &cs->changes.arena;
	const char *found = heir->changes.item[m].before;

	switch (chain_judge(cs, n, found)) {
	case VALUE_IS_OURS:
		set(cs, n, CHANGE_IN_FORCE, arena_printf(a, "changeset %s builds on it", heir->id));
		return;
	case VALUE_IS_BEFORE:
		if (!cs->done[n]) {
			set(cs, n, CHANGE_UNCHANGED, "it was not written");
			return;
		}
		/* fall through */
	case VALUE_IS_OTHERS:
		set(cs, n, CHANGE_DRIFTED,
		    arena_printf(a, "somebody set it to %s before changeset %s took over", found,
				 heir->id));
	}
}

static void compare_value(struct changeset *cs, size_t n, const char *value)
{
	struct change *c = &cs->changes.item[n];
	struct arena *a = &cs->changes.arena;

	c->now = arena_strdup(a, value);
	switch (chain_judge(cs, n, value)) {
	case VALUE_IS_OURS:
		set(cs, n, CHANGE_IN_FORCE, NULL);
		return;
	case VALUE_IS_BEFORE:
		if (cs->done[n])
			set(cs, n, CHANGE_DRIFTED, "somebody has set it back");
		else
			set(cs, n, CHANGE_UNCHANGED, "it was not written");
		return;
	case VALUE_IS_OTHERS:
		set(cs, n, CHANGE_DRIFTED,
		    arena_printf(a, "now %s, runup wrote %s: somebody changed it since", value,
				 cs->done[n] ? c->after : c->write));
	}
}

/* False: there is no value to compare, and why. */
static bool still_its_own(const struct host *h, const struct knob *k, struct changeset *cs,
			  size_t n)
{
	char identity[KNOB_IDENTITY_MAX], device[LINK_NAME_MAX];
	struct arena *a = &cs->changes.arena;
	struct err e;
	int r = knob_holder(h, k, cs->changes.item[n].key, cs->identity[n], identity, device, &e);

	if (r < 0) {
		set(cs, n, CHANGE_UNKNOWN, arena_strdup(a, e.msg));
		return false;
	}
	switch ((enum holder)r) {
	case HOLDER_SAME:
		return true;
	case HOLDER_NONE:
	case HOLDER_ANOTHER:
		set(cs, n, CHANGE_GONE, "it is not there any more");
		break;
	case HOLDER_RENAMED:
		set(cs, n, CHANGE_UNKNOWN,
		    arena_printf(a, "its device is called '%s' now", device));
		break;
	case HOLDER_NOT_PROVEN:
		set(cs, n, CHANGE_UNKNOWN, "the journal names another object for it");
		break;
	}
	return false;
}

static void compare_change(const struct host *h, const struct chain *chain, struct changeset *cs,
			   size_t n)
{
	struct change *c = &cs->changes.item[n];
	const struct knob *k = knob_find(c->kind);
	char value[KNOB_VALUE_MAX];
	struct err e;
	size_t m;

	if (!k) {
		set(cs, n, CHANGE_UNKNOWN, "of a kind that this version does not know");
		return;
	}
	if (!still_its_own(h, k, cs, n))
		return;
	chain_inherit(chain, cs, n);

	const struct changeset *heir = chain_heir(chain, cs, n, &m);

	if (heir) {
		compare_held(cs, n, heir, m);
		return;
	}

	int r = k->read(h, c->key, value, &e);

	if (r == -ENOENT)
		set(cs, n, CHANGE_GONE, "it is not there any more");
	else if (r < 0)
		set(cs, n, CHANGE_UNKNOWN, arena_strdup(&cs->changes.arena, e.msg));
	else
		compare_value(cs, n, value);
}

/* gone: why only what lies on disk is left, or NULL. */
static void compare_all(const struct host *h, const struct chain *chain, struct changeset *cs,
			const char *gone)
{
	for (size_t n = 0; n < cs->changes.len; n++) {
		const struct change *c = &cs->changes.item[n];
		const struct knob *k = knob_find(c->kind);

		if (cs->undone[n] || !*c->kind)
			continue;
		if (gone && !(k && knob_durable(k, c->key)))
			set(cs, n, CHANGE_GONE, gone);
		else
			compare_change(h, chain, cs, n);
	}
}

int changeset_compare(const struct host *h, struct changeset *cs, struct err *e)
{
	cleanup_with(chain_done) struct chain chain = {0};
	struct place place;
	struct err why;

	if (!changeset_stands(cs))
		return 0;
	if (!*h->boot_id) {
		set_all(cs, CHANGE_UNKNOWN, "cannot tell whether the host was rebooted since");
		return 0;
	}
	int r = chain_load(&chain, cs->dir, cs, e);
	if (r < 0)
		return r;
	if (strcmp(h->boot_id, cs->boot_id) != 0) {
		compare_all(h, &chain, cs, "the host was rebooted since");
		return 0;
	}
	r = place_enter(&place, h, cs, &why);
	if (r == -ENOENT) {
		compare_all(h, &chain, cs, arena_strdup(&cs->changes.arena, why.msg));
		return 0;
	}
	if (r < 0) {
		set_all(cs, CHANGE_UNKNOWN, arena_strdup(&cs->changes.arena, why.msg));
		return 0;
	}
	compare_all(&place.host, &chain, cs, NULL);
	return place_leave(&place, e);
}
