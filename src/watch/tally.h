/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reconciling: counters say how many, places say where, and their sums have to agree. A cause for
 * which the table has no counter is counted by its places.
 */
#ifndef RUNUP_WATCH_TALLY_H
#define RUNUP_WATCH_TALLY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "core/cause.h"
#include "core/observation.h"

/* Where a cause was seen. Stays where it is in memory until tally_done(). */
struct place {
	struct place *next;
	const char *subject;
	const char *source;
	struct detail detail; /* the source's to set */
	struct process_ref process;
	uint16_t port;
	uint64_t seen;	/* in all */
	uint64_t fresh; /* since the last settling */
	uint64_t carry; /* seen, but not in the counter yet when it was read */
	uint64_t count; /* what it has got of the counter */
	uint64_t published;
	bool shared; /* some of it by share, among several places */
	bool rest;   /* CAUSE_OTHER: of several subjects, so it has no port, owner or detail */
};

/* A watch may go on for months: what more subjects see than this goes to CAUSE_OTHER. */
#define TALLY_PLACES 256

struct tally_row {
	const char *counted_by; /* source of its counter */
	uint64_t fresh;		/* counted since the last settling */
	unsigned subjects;	/* places with a subject of their own */
	struct place *places;
};

/* tally_init(), tally_done(). */
struct tally {
	struct tally_row *row; /* one for each of causes[] */
	uint64_t hook_drops;   /* tally_see_hook(), since the last settling */
	uint64_t hook_credit;  /* counted by conntrack, their drops not seen yet */
	bool places_lossy;
	struct arena arena;
};

void tally_init(struct tally *t);
void tally_done(struct tally *t);

/*
 * source (static) counts the cause: by this kernel's counter for it or, where the table names none,
 * by its drop reasons.
 */
void tally_has_counter(struct tally *t, const struct cause *c, const char *source);

/* The counter rose by n. */
void tally_count(struct tally *t, const struct cause *c, uint64_t n);

/* The place of that subject, made if needed while there is room, else CAUSE_OTHER; borrowed. */
struct place *tally_place(struct tally *t, const struct cause *c, const char *subject);

/* The place saw n more. */
void place_see(struct place *p, uint64_t n);

/* Its detail: the kernel function that dropped. */
void place_dropped_at(struct place *p, const char *function);

/*
 * n packets were dropped in nf_hook_slow(): by iptables, or by conntrack, which counts its own.
 * What conntrack does not explain becomes firewall.drop.
 */
void tally_see_hook(struct tally *t, uint64_t n);

/* What saw places may have missed some: where they are the count, it is not exact. */
void tally_places_lossy(struct tally *t);

/* Gives what was counted since the last time to the places that saw it. */
void tally_settle(struct tally *t);

/* Adds what was settled since the last time to the observation, and brings its alerts up to date.
 */
void tally_publish(struct tally *t, struct observation *o, uint64_t at_ns);

#endif
