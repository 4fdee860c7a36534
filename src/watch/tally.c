/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "watch/tally.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"

void tally_init(struct tally *t)
{
	*t = (struct tally){.row = calloc(causes_len, sizeof(*t->row))};
	if (!t->row)
		out_of_memory();
}

void tally_done(struct tally *t)
{
	free(t->row);
	arena_done(&t->arena);
	*t = (struct tally){0};
}

static struct tally_row *row_of(struct tally *t, const struct cause *c)
{
	return &t->row[c - causes];
}

void tally_has_counter(struct tally *t, const struct cause *c, const char *source)
{
	row_of(t, c)->counted_by = source;
}

void tally_count(struct tally *t, const struct cause *c, uint64_t n)
{
	row_of(t, c)->fresh += n;
}

struct place *tally_place(struct tally *t, const struct cause *c, const char *subject)
{
	struct place **end = &row_of(t, c)->places;

	for (; *end; end = &(*end)->next)
		if (strcmp((*end)->subject, subject) == 0)
			return *end;

	struct tally_row *row = row_of(t, c);
	bool fixed = strcmp(subject, CAUSE_OTHER) == 0 || strcmp(subject, CAUSE_UNATTRIBUTED) == 0;

	if (!fixed && row->subjects >= TALLY_PLACES)
		return tally_place(t, c, CAUSE_OTHER);
	row->subjects += !fixed;

	struct place *p = arena_alloc(&t->arena, sizeof(*p));

	p->rest = strcmp(subject, CAUSE_OTHER) == 0;
	p->subject = arena_strdup(&t->arena, subject);
	*end = p;
	return p;
}

void place_see(struct place *p, uint64_t n)
{
	p->fresh += n;
	p->seen += n;
}

void place_dropped_at(struct place *p, const char *function)
{
	p->detail = (struct detail){.kind = DETAIL_PLACE};
	snprintf(p->detail.function, sizeof(p->detail.function), "%s", function);
}

void tally_see_hook(struct tally *t, uint64_t n)
{
	t->hook_drops += n;
}

void tally_places_lossy(struct tally *t)
{
	t->places_lossy = true;
}

static uint64_t *fresh_of(struct place *p)
{
	return &p->fresh;
}

static uint64_t *carry_of(struct place *p)
{
	return &p->carry;
}

/*
 * Gives up to need of the counter to the places, to each no more than it saw (`weight` picks fresh
 * or carry). If together they saw more than there is, by share; running sums make the shares add
 * up. Returns what is left of need.
 */
static uint64_t spend(struct tally_row *row, uint64_t need, uint64_t *(*weight)(struct place *))
{
	uint64_t sum = 0, below = 0, given = 0;
	unsigned candidates = 0;

	for (struct place *p = row->places; p; p = p->next) {
		sum += *weight(p);
		candidates += *weight(p) > 0;
	}
	if (sum == 0)
		return need;

	uint64_t spent = need < sum ? need : sum;

	for (struct place *p = row->places; p; p = p->next) {
		uint64_t *w = weight(p);

		if (*w == 0)
			continue;
		below += *w;
		uint64_t end = (uint64_t)((unsigned __int128)spent * below / sum);

		p->count += end - given;
		*w -= end - given;
		given = end;
		if (spent > 0 && spent < sum && candidates > 1)
			p->shared = true;
	}
	return need - spent;
}

/*
 * Places are read after the counters, so they may have seen what the counter shows only next time:
 * that is carried. It is spent after what is fresh, and forgotten once the counter stands still,
 * since it never counted that (sk_drops and some drop reasons say more than their counter does).
 */
static void settle_counted(struct tally *t, const struct cause *c, struct tally_row *row)
{
	uint64_t need = row->fresh;
	bool still = need == 0;

	if (!c->subject) {
		need = spend(row, need, fresh_of);
		need = spend(row, need, carry_of);
	}
	if (need > 0) {
		struct place *p = tally_place(t, c, c->subject ? c->subject : CAUSE_UNATTRIBUTED);

		p->count += need;
		if (!p->source)
			p->source = row->counted_by;
	}
	for (struct place *p = row->places; p; p = p->next) {
		p->carry = still ? p->fresh : p->carry + p->fresh;
		p->fresh = 0;
	}
	row->fresh = 0;
}

static void settle_seen(struct tally_row *row)
{
	for (struct place *p = row->places; p; p = p->next) {
		p->count += p->fresh;
		p->fresh = 0;
	}
}

/*
 * nf_hook_slow() (net/netfilter/core.c) frees with the same reason what iptables and what conntrack
 * dropped. Conntrack counts each: `drop` in nf_conntrack_in(), `drop` and insert_failed for a clash
 * and insert_failed alone for a chain too long in __nf_conntrack_confirm() (6.1 to 6.18), which is
 * conntrack.full + conntrack.insert_failed here. Its counters are read after the drops, so what
 * they count more is kept for the next time, unless they stand still.
 */
static void settle_hook(struct tally *t)
{
	const struct cause *firewall = cause_find("firewall.drop");
	uint64_t counted = row_of(t, cause_find("conntrack.full"))->fresh +
			   row_of(t, cause_find("conntrack.insert_failed"))->fresh;
	uint64_t credit = t->hook_credit + counted;
	uint64_t explained = t->hook_drops < credit ? t->hook_drops : credit;

	if (t->hook_drops > explained) {
		struct place *p = tally_place(t, firewall, firewall->subject);

		p->source = "tp_btf";
		place_see(p, t->hook_drops - explained);
	}
	t->hook_drops = 0;
	t->hook_credit = counted > 0 ? credit - explained : 0;
}

void tally_settle(struct tally *t)
{
	settle_hook(t);
	for (size_t i = 0; i < causes_len; i++) {
		/* Without its counter, what drops on a listener is not known to be an overflow. */
		if (causes[i].counters[0])
			settle_counted(t, &causes[i], &t->row[i]);
		else
			settle_seen(&t->row[i]);
	}
}

/* The text that is there if it says the same, so that a long watch does not grow by copies. */
static const char *keep_text(struct arena *a, const char *old, const char *text)
{
	if (!text || (old && strcmp(old, text) == 0))
		return text ? old : NULL;
	return arena_strdup(a, text);
}

static void publish_place(const struct tally *t, size_t i, struct place *p, struct observation *o,
			  uint64_t at_ns)
{
	struct alert *a;

	if (p->count == 0)
		return;
	if (p->count > p->published)
		a = observation_add(o, &causes[i], p->subject, p->count - p->published, at_ns);
	else
		a = observation_find(o, &causes[i], p->subject);
	if (!a)
		return;
	p->published = p->count;
	a->port = p->rest ? 0 : p->port;
	a->source = p->source;
	a->exact = !p->shared || p->seen == p->count;
	if (!causes[i].counters[0] && t->places_lossy)
		a->exact = false;
	if (p->rest)
		return;
	a->detail = p->detail;
	if (a->process.pid != p->process.pid) {
		const char *comm = a->process.comm, *group = a->process.group;

		a->process = p->process;
		/* A server that is restarted again and again keeps its name. */
		a->process.comm = keep_text(&o->arena, comm, p->process.comm);
		a->process.group = keep_text(&o->arena, group, p->process.group);
	}
}

void tally_publish(struct tally *t, struct observation *o, uint64_t at_ns)
{
	for (size_t i = 0; i < causes_len; i++)
		for (struct place *p = t->row[i].places; p; p = p->next)
			publish_place(t, i, p, o, at_ns);
}
