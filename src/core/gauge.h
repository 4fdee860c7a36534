/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How things stand at one moment of a watch: how full what has a limit is. */
#ifndef RUNUP_CORE_GAUGE_H
#define RUNUP_CORE_GAUGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct gauge {
	const char *id;	  /* "listen.queue", "conntrack.entries"; static */
	char subject[64]; /* "tcp 0.0.0.0:8080" */
	uint16_t port;	  /* of a listener; 0: none */
	uint64_t value;
	uint64_t limit;
	bool has_limit;
};

/* A host may have thousands of listeners; the fullest are what people look at. */
#define GAUGES_MAX 64

/* Zero-initialise; owns nothing. */
struct gauges {
	struct gauge item[GAUGES_MAX];
	size_t len;
	size_t left_out; /* less full than those that are there */
};

/* Is a a larger part of its limit than b of its own? What has no limit is never full. */
bool gauge_fuller(const struct gauge *a, const struct gauge *b);

/* Copies it in; with no room left the least full of all is left out. */
void gauges_add(struct gauges *g, const struct gauge *one);

#endif
