/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tune/chain.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/cleanup.h"
#include "base/log.h"
#include "sys/netns.h"
#include "sys/sysctl.h"
#include "tune/knob.h"

static bool belongs(const struct changeset *cs, const struct changeset *self)
{
	return strcmp(cs->id, self->id) != 0 && cs->state != CHANGESET_EMPTY &&
	       cs->state != CHANGESET_UNREADABLE;
}

int chain_load(struct chain *ch, const struct state_dir *d, const struct changeset *self,
	       struct err *e)
{
	cleanup_free char(*ids)[CHANGESET_ID_MAX] = NULL;
	size_t len;
	int r = changeset_ids(d, &ids, &len, e);

	for (size_t i = 0; r == 0 && i < len; i++) {
		struct changeset cs = {0};
		struct err skipped;

		/* A file that is no journal holds no key. */
		if (changeset_read(d, ids[i], &cs, &skipped) < 0) {
			log_debug("%s", skipped.msg);
			continue;
		}
		if (belongs(&cs, self))
			*(struct changeset *)array_push((void **)&ch->item, &ch->len, &ch->cap,
							sizeof(cs)) = cs;
		else
			changeset_done(&cs);
	}
	return r;
}

void chain_done(struct chain *ch)
{
	for (size_t i = 0; i < ch->len; i++)
		changeset_done(&ch->item[i]);
	free(ch->item);
	*ch = (struct chain){0};
}

/* Does cs have a proven intent for change n of self? */
static bool holds(const struct changeset *cs, const struct changeset *self, size_t n, size_t *ret_n)
{
	const struct change *want = &self->changes.item[n];
	const struct knob *k = knob_find(want->kind);

	/* Of another boot only what lies on disk is left. */
	if (strcmp(cs->boot_id, self->boot_id) != 0 && !(k && knob_durable(k, want->key)))
		return false;
	for (size_t i = 0; i < cs->changes.len; i++) {
		const struct change *c = &cs->changes.item[i];

		if (*c->kind && strcmp(c->kind, want->kind) == 0 &&
		    strcmp(c->key, want->key) == 0 &&
		    strcmp(cs->identity[i], self->identity[n]) == 0) {
			*ret_n = i;
			return true;
		}
	}
	return false;
}

struct changeset *chain_heir(const struct chain *ch, const struct changeset *cs, size_t n,
			     size_t *ret_n)
{
	for (size_t i = 0; i < ch->len; i++) {
		struct changeset *later = &ch->item[i];

		if (later->state != CHANGESET_CLOSED &&
		    changeset_number(later->id) > changeset_number(cs->id) &&
		    holds(later, cs, n, ret_n) && !later->undone[*ret_n])
			return later;
	}
	return NULL;
}

/* The nearest earlier changeset that ever held it, rolled back or not. */
static const struct changeset *ancestor(const struct chain *ch, const struct changeset *cs,
					size_t n, size_t *ret_n)
{
	for (size_t i = ch->len; i > 0; i--) {
		const struct changeset *earlier = &ch->item[i - 1];

		if (changeset_number(earlier->id) < changeset_number(cs->id) &&
		    holds(earlier, cs, n, ret_n))
			return earlier;
	}
	return NULL;
}

void chain_inherit(const struct chain *ch, struct changeset *cs, size_t n)
{
	const struct changeset *at = cs;
	const char *before = NULL;
	size_t at_n = n;

	/* An heir's number is the next one, so only the nearest ancestor can have handed over. */
	while (!at->first_before[at_n]) {
		size_t m;
		const struct changeset *a = ancestor(ch, at, at_n, &m);

		if (!a || !a->undone[m] || a->changes.item[m].result != CHANGE_INHERITED)
			break;
		before = a->changes.item[m].before;
		at = a;
		at_n = m;
	}
	if (before) {
		cs->first_before[n] = cs->changes.item[n].before;
		cs->changes.item[n].before = arena_strdup(&cs->changes.arena, before);
	}
}

enum value_is chain_judge(const struct changeset *cs, size_t n, const char *value)
{
	const struct change *c = &cs->changes.item[n];
	const char *first = cs->first_before[n];

	if (value_equal(c->value_kind, value, c->before))
		return VALUE_IS_BEFORE;
	if (cs->done[n])
		return value_equal(c->value_kind, value, c->after) ? VALUE_IS_OURS
								   : VALUE_IS_OTHERS;
	if (value_equal(c->value_kind, value, c->expect))
		return VALUE_IS_OURS;
	/*
	 * Killed before its write, and meanwhile heir to an earlier changeset: what it found then
	 * is still there and is that one's to take back.
	 */
	return first && value_equal(c->value_kind, value, first) ? VALUE_IS_OURS : VALUE_IS_OTHERS;
}

static int elsewhere(const struct changeset *cs, const char *why, struct err *e)
{
	return err_set(e, EXDEV,
		       "changeset '%s' belongs to network namespace %" PRIu64
		       "%s%s%s, not to this one: %s; go there with --netns",
		       cs->id, cs->netns_cookie, *cs->netns ? " ('" : "", cs->netns,
		       *cs->netns ? "')" : "", why);
}

bool place_is_elsewhere(const struct host *h, const struct changeset *cs)
{
	return cs->netns_cookie != h->netns_cookie || (!h->netns_cookie && !h->init_netns);
}

int place_enter(struct place *p, const struct host *h, const struct changeset *cs, struct err *e)
{
	char ignored[SYSCTL_VALUE_MAX];
	struct err why;

	*p = (struct place){.host = *h, .back_fd = -1};
	if (!place_is_elsewhere(h, cs))
		return 0;
	/* Without cookies (before 5.14) changesets are of the first namespace only. */
	if (!cs->netns_cookie || !h->netns_cookie)
		return elsewhere(cs, "this kernel cannot find it", e);

	cleanup_close int there = netns_open_cookie(cs->netns_cookie, &why);
	if (there == -ENOENT)
		return err_set(e, ENOENT, "%s", why.msg);
	if (there < 0)
		return elsewhere(cs, why.msg, e);
	cleanup_close int back = netns_open_present(&why);
	if (back < 0 || netns_enter_fd(there, &why) < 0)
		return elsewhere(cs, why.msg, e);
	p->back_fd = TAKE_FD(back);
	p->host.netns_cookie = cs->netns_cookie;
	p->host.init_netns =
		sysctl_read(&p->host, "net.core.netdev_max_backlog", ignored, &why) == 0;
	return 0;
}

int place_leave(struct place *p, struct err *e)
{
	cleanup_close int back = TAKE_FD(p->back_fd);

	if (back < 0)
		return 0;
	int r = netns_enter_fd(back, e);
	return r < 0 ? err_wrap(e, "come back from the changeset's namespace") : 0;
}
