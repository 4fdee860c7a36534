/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Loads as they are stated, and facts that are made up, for the sums. */
#ifndef RUNUP_TESTS_CAPACITY_FIXTURE_H
#define RUNUP_TESTS_CAPACITY_FIXTURE_H

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "core/capacity_rows.h"

static inline void set(struct load *l, const char *key, const char *value)
{
	struct err e;

	if (load_set(l, load_key_find(key), value, &e) < 0)
		fail_msg("%s = %s: %s", key, value, e.msg);
}

static inline struct load loaded(const char *const *pairs)
{
	struct load l = {0};
	struct err e;

	for (; *pairs; pairs += 2)
		set(&l, pairs[0], strcmp(pairs[1], "-") ? pairs[1] : NULL);
	if (load_complete(&l, &e) < 0)
		fail_msg("%s", e.msg);
	return l;
}
#define LOADED(...) loaded((const char *const[]){__VA_ARGS__, NULL})

/* A host with nothing odd about it. */
static inline struct facts usual(void)
{
	return (struct facts){
		.ports = {.is = {.known = KNOWN},
			  .low = 32768,
			  .high = 60999,
			  .tw_reuse_known = true,
			  .tw_reuse = 2,
			  .timestamps = 1,
			  .tw_reuse_delay_ms = 1000},
		.queue = {.is = {.known = KNOWN},
			  .listening = true,
			  .limit = 511,
			  .sockets = 1,
			  .name = "tcp 0.0.0.0:80",
			  .comm = "nginx",
			  .somaxconn_known = true,
			  .somaxconn = 4096,
			  .syn_known = true,
			  .syncookies = 1,
			  .max_syn_backlog = 2048},
		.conntrack = {.is = {.known = KNOWN},
			      .max = 262144,
			      .buckets = 262144,
			      .time_wait_s = 120},
		.process = {.is = {.known = KNOWN}, .soft = 1024, .hard = 4096},
		.system_files = {{KNOWN, ""}, 1000000, 500},
		.time_wait = {{KNOWN, ""}, 131072, 0},
		.neighbours = {{KNOWN, ""}, 1024, 3},
		.tcp_memory = {{KNOWN, ""}, 383867, 51},
		.pids = {.is = {.known = KNOWN},
			 .tasks = 100,
			 .pid_max = 32768,
			 .threads_max = 100000},
		.cpu = {.is = {.known = KNOWN}, .online = 4},
		.memory = {.is = {.known = KNOWN}, .available_bytes = 1u << 30},
	};
}

#define NEAR(a, b) assert_true(fabs((double)(a) - (double)(b)) < 0.01)

#endif
