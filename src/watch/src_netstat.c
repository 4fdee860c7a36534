/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The SNMP counters: every one that the table of causes names. */
#include "watch/list.h"

#include <errno.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/cleanup.h"
#include "sys/procnet.h"

struct watched_counter {
	const struct cause *cause;
	const char *name;
	uint64_t last;
};

struct netstat {
	struct watched_counter *item;
	size_t len, cap;
};

static void netstat_close(void *state)
{
	struct netstat *n = state;

	free(n->item);
	free(n);
}

static void watch_counters_of(struct netstat *n, const struct cause *c, const struct counters *now,
			      struct tally *t)
{
	for (size_t i = 0; i < CAUSE_COUNTERS && c->counters[i]; i++) {
		uint64_t value;

		if (!counters_get(now, c->counters[i], &value))
			continue; /* another source's, or this kernel has none */

		struct watched_counter *w =
			array_push((void **)&n->item, &n->len, &n->cap, sizeof(*w));

		*w = (struct watched_counter){c, c->counters[i], value};
		tally_has_counter(t, c, source_netstat.id);
	}
}

static int netstat_open(const struct watch_context *ctx, void **ret_state, struct err *e)
{
	cleanup_with(counters_done) struct counters now = {0};
	int r = procnet_counters(ctx->host, &now, e);

	if (r < 0)
		return r;
	struct netstat *n = calloc(1, sizeof(*n));

	if (!n)
		out_of_memory();
	for (size_t i = 0; i < causes_len; i++)
		watch_counters_of(n, &causes[i], &now, ctx->tally);
	*ret_state = n;
	return 0;
}

static int netstat_drain(const struct watch_context *ctx, void *state, struct err *e)
{
	struct netstat *n = state;
	cleanup_with(counters_done) struct counters now = {0};
	int r = procnet_counters(ctx->host, &now, e);

	if (r < 0)
		return r;
	for (size_t i = 0; i < n->len; i++) {
		struct watched_counter *w = &n->item[i];
		uint64_t value;

		if (!counters_get(&now, w->name, &value))
			continue;
		/* Sums over CPUs may step back for a moment while they are added up. */
		if (value > w->last) {
			tally_count(ctx->tally, w->cause, value - w->last);
			w->last = value;
		}
	}
	return 0;
}

const struct source source_netstat = {
	.id = "netstat",
	.open = netstat_open,
	.drain = netstat_drain,
	.close = netstat_close,
};
