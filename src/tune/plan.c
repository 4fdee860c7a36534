/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tune/plan.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/strbuf.h"
#include "core/sysctl_key.h"
#include "tune/apply.h"

bool plan_satisfied(const struct change *c, const char *value)
{
	const struct sysctl_key *k =
		strcmp(c->kind, "sysctl") == 0 ? sysctl_key_find(c->key) : NULL;

	return sysctl_satisfies(k, c->value_kind, c->op, value, c->want) ||
	       value_equal(c->value_kind, value, c->expect);
}

int plan_value(const struct host *h, const struct knob *k, struct changes *cs, struct change *c,
	       struct err *e)
{
	cleanup_with(strbuf_done) struct strbuf merged = {0};
	char value[KNOB_VALUE_MAX];
	int r = k->read(h, c->key, value, e);

	if (r < 0)
		return r;
	if (!knob_value_sane(value))
		return err_set(e, EILSEQ,
			       "plan %s '%s': its present value is not one line of text and could "
			       "not be restored",
			       c->kind, c->key);
	c->before = arena_strdup(&cs->arena, value);
	value_merge(c->value_kind, c->op, c->before, c->want, &merged);
	if (!knob_value_sane(strbuf_get(&merged)))
		return err_set(e, ERR_BAD_INPUT,
			       "plan %s '%s': the value wanted is too long or not one line of text",
			       c->kind, c->key);
	c->write = arena_strdup(&cs->arena, strbuf_get(&merged));
	knob_normalise(k, h, c->key, c->write, value);
	c->expect = arena_strdup(&cs->arena, value);
	c->result = plan_satisfied(c, c->before) ? CHANGE_SATISFIED : CHANGE_PLANNED;
	return 0;
}

/* Why it cannot be had, where its line begins with a '-'. */
static const char *missing_why(const struct host *h, struct changes *cs, int r, const struct err *e)
{
	if (r == -EROFS && !h->init_netns)
		return "belongs to the host, not to this network namespace";
	return arena_strdup(&cs->arena, e->msg);
}

/* Two lines of a profile may name the same object by different words; which one would win? */
static bool planned_before(const struct changes *cs, const char *kind, const char *key)
{
	for (size_t i = 0; i < cs->len; i++)
		if (strcmp(cs->item[i].kind, kind) == 0 && strcmp(cs->item[i].key, key) == 0)
			return true;
	return false;
}

static const char *copy_reason(const struct want *w, struct changes *cs)
{
	const char *reason = want_reason(w);

	return reason ? arena_strdup(&cs->arena, reason) : NULL;
}

static int plan_key(const struct host *h, const struct knob *k, const struct want *w,
		    const char *key, bool look_only, struct changes *cs, struct err *e)
{
	char value[KNOB_VALUE_MAX];

	if (planned_before(cs, w->kind, key))
		return err_set(e, ERR_BAD_INPUT,
			       "%s '%s' is named by an earlier line of the profile too", w->kind,
			       key);

	struct change *c = changes_add(cs, w->kind, key);
	int r = 0;

	c->value_kind = w->value_kind;
	c->op = w->op;
	c->want = w->value;
	c->why = w->arithmetic ? arena_strdup(&cs->arena, w->arithmetic) : NULL;
	c->reason = copy_reason(w, cs);
	if (k->resolve) {
		r = k->resolve(h, key, w->value, value, e);
		c->want = value;
	}
	c->want = arena_strdup(&cs->arena, c->want);
	if (r == 0)
		r = plan_value(h, k, cs, c, e);
	if (r == 0 && c->result == CHANGE_PLANNED)
		r = k->permitted(h, key, e);
	/* Who only looks may be told what root would write. */
	if (look_only && (r == -EACCES || r == -EPERM)) {
		c->why =
			arena_printf(&cs->arena, "%s%s%s", c->why ? c->why : "", c->why ? "; " : "",
				     r == -EACCES ? "writing it takes root" : e->msg);
		return 0;
	}
	if (r == -ENOENT) {
		/* Absent because it is the host's, or absent everywhere? */
		r = k->permitted(h, key, e);
		if (r == 0)
			r = err_set(e, ENOENT, "'%s' came and went while it was read", key);
	}
	/* Of the objects that a wish names (a server's workers), one may end at any time. */
	bool ended = k->expand && r == -ENOENT && strcmp(key, w->key) != 0;
	if (ended || (w->optional && (r == -ENOENT || r == -EROFS))) {
		c->result = CHANGE_MISSING;
		c->why = missing_why(h, cs, r, e);
		return 0;
	}
	return r;
}

/* why: what expand() said, NULL: only that there is none. */
static int plan_none(const struct knob *k, const struct want *w, const char *why,
		     struct changes *cs, struct err *e)
{
	if (k->none_is_fine && k->none_is_fine(w->key))
		return 0;
	if (!w->optional)
		return err_set(e, ENOENT,
			       "%s '%s': there is none on this host (start the profile's line with "
			       "'-' if that is fine)",
			       w->kind, w->key);

	struct change *c = changes_add(cs, w->kind, w->key);

	c->value_kind = w->value_kind;
	c->op = w->op;
	c->want = arena_strdup(&cs->arena, w->value);
	c->result = CHANGE_MISSING;
	c->why = why ? arena_strdup(&cs->arena, why) : "there is none on this host";
	c->reason = copy_reason(w, cs);
	return 0;
}

/* `auto` that the load does not size: as with a key that is not there, a '-' says it is fine. */
static int plan_unsized(const struct want *w, struct changes *cs, struct err *e)
{
	const char *state = w->unsized ? w->unsized : "more of the load";

	if (!w->optional)
		return err_set(e, ERR_BAD_INPUT, "'%s' cannot be sized: state %s", w->key, state);

	struct change *c = changes_add(cs, w->kind, w->key);

	c->value_kind = w->value_kind;
	c->op = w->op;
	c->result = CHANGE_MISSING;
	c->why = arena_printf(&cs->arena, "nothing sizes it: state %s", state);
	c->reason = copy_reason(w, cs);
	return 0;
}

static int plan_want(const struct host *h, const struct want *w, bool look_only, struct changes *cs,
		     struct err *e)
{
	cleanup_with(knob_keys_done) struct knob_keys keys = {0};
	const struct knob *k = knob_find(w->kind);
	int r = 0;

	if (!w->value)
		return plan_unsized(w, cs, e);
	if (!k->expand)
		return plan_key(h, k, w, w->key, look_only, cs, e);
	r = k->expand(h, w->key, &keys, e);
	if (r == 0 && keys.len == 0)
		return plan_none(k, w, NULL, cs, e);
	if (r == -ENOENT && w->optional) {
		struct err why = *e;

		return plan_none(k, w, why.msg, cs, e);
	}
	for (size_t i = 0; r == 0 && i < keys.len; i++)
		r = plan_key(h, k, w, keys.item[i], look_only, cs, e);
	return r;
}

/* By rank, else in the profile's order; a profile has few lines. */
static void sort_by_rank(struct changes *cs)
{
	for (size_t i = 1; i < cs->len; i++) {
		struct change c = cs->item[i];
		int rank = knob_find(c.kind)->rank(c.key);
		size_t at = i;

		for (; at > 0; at--) {
			const struct change *before = &cs->item[at - 1];

			if (knob_find(before->kind)->rank(before->key) <= rank)
				break;
			cs->item[at] = *before;
		}
		cs->item[at] = c;
	}
}

static int want_rank(const struct want *w)
{
	const struct knob *k = knob_find(w->kind);

	return k ? k->rank(w->key) : INT_MAX;
}

void plan_order(const struct profile *p, const struct want **ret)
{
	for (size_t i = 0; i < p->wants_len; i++) {
		const struct want *w = &p->wants[i];
		size_t at = i;

		for (; at > 0 && want_rank(ret[at - 1]) > want_rank(w); at--)
			ret[at] = ret[at - 1];
		ret[at] = w;
	}
}

int plan_changes(const struct host *h, const struct profile *p, bool look_only, struct changes *ret,
		 struct err *e)
{
	cleanup_with(changes_done) struct changes cs = {0};

	for (size_t i = 0; i < p->wants_len; i++) {
		const struct want *w = &p->wants[i];

		/* Kinds without a knob are no settings of the host. */
		if (!knob_find(w->kind))
			continue;
		int r = plan_want(h, w, look_only, &cs, e);
		if (r < 0 && w->file)
			return err_wrap(e, "%s:%u", w->file, w->line);
		if (r < 0)
			return r;
	}
	sort_by_rank(&cs);
	*ret = cs;
	cs = (struct changes){0};
	return 0;
}

uint64_t plan_caps(const struct changes *plan)
{
	uint64_t caps = 0;

	for (size_t i = 0; i < plan->len; i++)
		/* What is satisfied now is looked at again under the lock, and may not be then. */
		if (plan->item[i].result == CHANGE_PLANNED ||
		    plan->item[i].result == CHANGE_SATISFIED)
			caps |= knob_caps(knob_find(plan->item[i].kind), plan->item[i].key);
	return caps;
}
