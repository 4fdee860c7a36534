/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Connection tracking: what its statistics count as lost. */
#include "watch/list.h"

#include <stdlib.h>

#include "sys/ct.h"

struct conntrack {
	struct ct_counters last;
	uint64_t highest; /* entries seen at once, and the limit then */
	uint64_t max;
	bool present;
	uint64_t entries, limit; /* as they were read last */
	const char *source;	 /* NULL: nothing is tracked */
};

static const char *const counters[] = {"ct.drop", "ct.insert_failed", "ct.early_drop"};

/* Where it stands, and who counts: once privileges are dropped that is another file. */
static void note_state(struct tally *t, struct conntrack *c, const struct ct_stats *now)
{
	c->present = now->present;
	c->entries = now->entries;
	c->limit = now->max;
	c->source = now->source;
	for (size_t i = 0; now->source && i < ARRAY_LEN(counters); i++)
		tally_has_counter(t, cause_by_counter(counters[i]), now->source);
	if (!now->present || (now->entries < c->highest && now->max == c->max))
		return;
	c->highest = now->entries;
	c->max = now->max;
}

static int conntrack_open(const struct watch_context *ctx, void **ret_state, struct err *e)
{
	struct ct_stats *now = calloc(1, sizeof(*now));
	struct conntrack *c = calloc(1, sizeof(*c));

	if (!now || !c)
		out_of_memory();
	int r = ct_read_stats(ctx->host, now, e);

	if (r < 0) {
		free(now);
		free(c);
		return r;
	}
	/* Where nothing is tracked yet the counters are zero, and so is the first reading. */
	c->last = now->total;
	for (size_t i = 0; i < ARRAY_LEN(counters); i++)
		tally_has_counter(ctx->tally, cause_by_counter(counters[i]), source_conntrack.id);
	note_state(ctx->tally, c, now);
	free(now);
	*ret_state = c;
	return 0;
}

/* Each CPU's counter has 32 bits and comes round, and so does their sum. */
static uint64_t rise(uint64_t now, uint64_t last)
{
	return (uint32_t)(now - last);
}

static uint64_t less(uint64_t a, uint64_t b)
{
	return a > b ? a - b : 0;
}

static void count(const struct watch_context *ctx, const char *counter, uint64_t n)
{
	tally_count(ctx->tally, cause_by_counter(counter), n);
}

/*
 * `drop` counts a full table (nf_conntrack_in()), but also a clash that could not be resolved
 * (nf_ct_resolve_clash()), which raises insert_failed with it; a hash chain that is too long raises
 * insert_failed and chaintoolong alone (__nf_conntrack_confirm(), 6.1 to 6.18). So the packets that
 * found the table full are the drops without the clashes.
 */
static void count_rise(const struct watch_context *ctx, const struct ct_counters *now,
		       const struct ct_counters *last)
{
	uint64_t failed = rise(now->insert_failed, last->insert_failed);
	uint64_t clashes = less(failed, rise(now->chain_toolong, last->chain_toolong));

	count(ctx, "ct.insert_failed", failed);
	count(ctx, "ct.drop", less(rise(now->drop, last->drop), clashes));
	count(ctx, "ct.early_drop", rise(now->early_drop, last->early_drop));
}

static int conntrack_drain(const struct watch_context *ctx, void *state, struct err *e)
{
	struct conntrack *c = state;
	struct ct_stats *now = calloc(1, sizeof(*now));

	if (!now)
		out_of_memory();
	int r = ct_read_stats(ctx->host, now, e);

	if (r == 0) {
		/* Unloaded: it starts from zero again when it comes back. */
		if (now->present)
			count_rise(ctx, &now->total, &c->last);
		c->last = now->total;
		note_state(ctx->tally, c, now);
	}
	free(now);
	return r;
}

static void conntrack_describe(const struct watch_context *ctx, void *state)
{
	static const char *const about_fill[] = {"conntrack.full", "conntrack.early_drop"};
	const struct conntrack *c = state;

	for (size_t i = 0; i < ARRAY_LEN(about_fill); i++) {
		const struct cause *cause = cause_find(about_fill[i]);
		struct place *p = tally_place(ctx->tally, cause, cause->subject);

		if (p->count > p->published)
			p->detail = (struct detail){DETAIL_TABLE, true, c->highest, c->max, ""};
	}
}

static void conntrack_measure(const void *state, struct gauges *out)
{
	const struct conntrack *c = state;
	struct gauge g = {.id = "conntrack.entries",
			  .subject = "conntrack table",
			  .value = c->entries,
			  .limit = c->limit,
			  .has_limit = true};

	if (c->present)
		gauges_add(out, &g);
}

static const char *conntrack_rung(const void *state)
{
	const struct conntrack *c = state;

	return c->source ? c->source : "connection tracking is not loaded";
}

const struct source source_conntrack = {
	.id = "ctnetlink",
	.open = conntrack_open,
	.drain = conntrack_drain,
	.describe = conntrack_describe,
	.measure = conntrack_measure,
	.rung = conntrack_rung,
	.close = free,
};
