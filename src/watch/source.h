/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The contract of a source: something that is read while watching, and what it tells. */
#ifndef RUNUP_WATCH_SOURCE_H
#define RUNUP_WATCH_SOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/err.h"
#include "core/gauge.h"
#include "sys/host.h"
#include "watch/tally.h"

/* What a source is opened with and reports into. */
struct watch_context {
	const struct host *host;
	struct tally *tally;
};

/*
 * open() takes the first reading: only what changes after it counts, values since boot never alarm.
 * drain() reads again and tells the tally what is new, every period and once at the end; which
 * subject a count goes to is the tally's business. describe() follows every drain, once the counts
 * are settled: who and in what state, for places that have a count now. summarise() comes once,
 * after the last. A source that cannot be opened or fails is a blind spot of the observation, not a
 * failure of the watch.
 */
struct source {
	const char *id; /* "netstat", "inet_diag", "ctnetlink", "tp_btf/kfree_skb" */
	bool bpf;	/* needs BPF: only where the watch was asked for it */
	int (*open)(const struct watch_context *ctx, void **ret_state, struct err *e);
	int (*drain)(const struct watch_context *ctx, void *state, struct err *e);
	void (*describe)(const struct watch_context *ctx, void *state);	 /* may be NULL */
	void (*summarise)(const struct watch_context *ctx, void *state); /* may be NULL */
	/* How things stood at the last drain; what it tells never alarms. May be NULL. */
	void (*measure)(const void *state, struct gauges *out);
	/* By which of its ways it reads at present; NULL: it has one, its id. Static text. */
	const char *(*rung)(const void *state);
	/* The capabilities it goes on needing once it is open; NULL: none. */
	uint64_t (*keeps)(const struct watch_context *ctx, void *state);
	void (*close)(void *state);
};

/* Opened in this order and drained in reverse; see sources.c. */
extern const struct source *const sources[];
extern const size_t sources_len;

#endif
