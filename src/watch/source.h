/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The contract of a source: something that is read while watching, and what it tells. */
#ifndef RUNUP_WATCH_SOURCE_H
#define RUNUP_WATCH_SOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/err.h"
#include "core/observation.h"
#include "sys/host.h"

/* What a source is opened with and reports into. */
struct watch_context {
	const struct host *host;
	struct observation *observed;
	uint64_t start_ns; /* CLOCK_MONOTONIC; alerts are stamped relative to it */
};

/*
 * open() takes the first reading: only what changes after it counts, values since boot never alarm.
 * drain() reads again and adds what is new to the observation; it is called every period and once
 * at the end. Sources only report; which alert wins is reconcile's business.
 * A source that cannot be opened is a blind spot of the observation, not a failure of the watch.
 */
struct source {
	const char *id; /* "netstat", "inet_diag", "ctnetlink", "tp_btf/kfree_skb" */
	bool bpf;	/* needs BPF: only where the watch was asked for it */
	int (*open)(const struct watch_context *ctx, void **ret_state, struct err *e);
	int (*drain)(const struct watch_context *ctx, void *state, struct err *e);
	/* Called once after the last drain of all sources (owners, names); may be NULL. */
	int (*finish)(const struct watch_context *ctx, void *state, struct err *e);
	void (*close)(void *state);
};

extern const struct source *const sources[];
extern const size_t sources_len;

#endif
