/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Facts and a load in, rows out: what each resource holds, what the load asks, where it breaks. */
#ifndef RUNUP_CORE_CAPACITY_ROWS_H
#define RUNUP_CORE_CAPACITY_ROWS_H

#include <stdbool.h>
#include <stdint.h>

#include "core/capacity.h"
#include "core/capacity_facts.h"

enum row_state {
	ROW_FITS,
	ROW_BREAKS,  /* the load asks for more than there is */
	ROW_UNSIZED, /* the load states too little to have a demand */
	ROW_NA,	     /* the load does not touch it, or it is not here */
	ROW_UNKNOWN, /* the limit could not be read; never green */
};

/* One load at which a resource breaks: the largest that still fits, the rest of the load as stated.
 */
struct breaking {
	bool known; /* false: this alone never breaks it */
	double value;
};

/* Text is "" where there is nothing to say. */
struct row {
	enum resource_id resource;
	enum row_state state;
	bool has_limit;
	uint64_t limit;
	double fraction; /* of the limit, beyond whole numbers: half a CPU */
	uint64_t room;	 /* what fits; the limit, but for queues that admit one more */
	uint64_t held;	 /* of it taken already, by others or by the last run */
	struct demand load;
	uint64_t demand; /* held + load.value; only if load.known; 0 held where that is not known */
	struct breaking connections, new_connections, rate;
	/* How many times the load fits into what is left; < 1: it breaks. INFINITY: it does not
	 * grow with the load. Only with a limit and a demand. */
	double times;
	char owner[300]; /* who sets the limit */
	char arithmetic[800];
	char reason[300]; /* why limit or demand is not there, or what breaking means */
};

/* The sum for one resource. Pure: no host is read. */
struct row row_for(enum resource_id r, const struct facts *f, const struct load *l);

/* The accept queue of one listener or group; row_for() does that of f->queue. */
struct row row_of_queue(const struct queue_facts *q, const struct load *l);

struct rows {
	struct row row[RESOURCES_LEN];
	const struct row *first; /* breaks first as the load grows; NULL: nothing can be told */
};

void rows_for(const struct facts *f, const struct load *l, struct rows *ret);

const char *row_state_name(enum row_state s); /* "fits" … */

#endif
