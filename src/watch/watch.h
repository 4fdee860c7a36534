/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A watch: all sources read on one clock. */
#ifndef RUNUP_WATCH_WATCH_H
#define RUNUP_WATCH_WATCH_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/err.h"
#include "core/gauge.h"
#include "core/observation.h"
#include "sys/host.h"

struct watch;

struct watch_options {
	bool bpf;	      /* load BPF programs too */
	uint64_t interval_ns; /* between readings; 0: 500 ms */
};

/*
 * Opens every source and takes the first reading. observed is the caller's, must outlive the watch,
 * and is filled as the watch goes on. Fails only when no source at all could be opened.
 */
must_check int watch_open(const struct host *h, const struct watch_options *o,
			  struct observation *observed, struct watch **ret, struct err *e);

/* Readable (poll(2)) when watch_turn() should be called. */
int watch_fd(const struct watch *w);

/* Reads what is due. A source that fails becomes a blind spot and is not asked again. */
void watch_turn(struct watch *w);

/* Reads at once, whatever is due. What a source cannot do any more is a blind spot from then on. */
void watch_read(struct watch *w);

/* One of its sources, and by which of its ways that reads. Static texts. */
struct watched_source {
	const char *id, *rung;
};

/* Sources that are open at present; puts up to max of them into ret, returns how many there are. */
size_t watch_sources(const struct watch *w, struct watched_source *ret, size_t max);

/* Who counts the cause at present, a source or its rung; NULL: nobody, it would not be seen. */
const char *watch_counted_by(const struct watch *w, const struct cause *c);

/* Capabilities that its sources go on needing, as of caps_keep(). */
uint64_t watch_keeps(struct watch *w);

/* How things stood at the last reading; replaces what was there. */
void watch_measure(const struct watch *w, struct gauges *ret);

/*
 * Last reading, owners looked up, counts reconciled, duration set. Once, before watch_close(). A
 * place is named where it was seen up to now, so what is still counting is best stopped first.
 */
void watch_finish(struct watch *w);
void watch_close(struct watch *w); /* accepts NULL */

/* Loads and attaches the BPF programs as a watch would, and takes them off again: 0, or why not. */
must_check int watch_probe_bpf(const struct host *h, struct err *e);

#endif
