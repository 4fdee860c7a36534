/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sets of numbers (ports, CPUs), held as sorted ranges: "80,443,9100-9102". */
#ifndef RUNUP_BASE_RANGES_H
#define RUNUP_BASE_RANGES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/strbuf.h"

struct range {
	uint32_t low, high; /* both in the set */
};

/* Sorted, disjoint, not touching: equal sets have equal arrays. Zero-initialise; ranges_done(). */
struct ranges {
	struct range *item;
	size_t len, cap;
};

void ranges_add(struct ranges *r, uint32_t low, uint32_t high);
void ranges_add_all(struct ranges *r, const struct ranges *more);
bool ranges_contain(const struct ranges *r, uint32_t low, uint32_t high);
bool ranges_cover(const struct ranges *r, const struct ranges *inner);
bool ranges_equal(const struct ranges *a, const struct ranges *b);

/* Leaves what is also in `only`; turns the set within 0…max into what was not in it. */
void ranges_keep(struct ranges *r, const struct ranges *only);
void ranges_invert(struct ranges *r, uint32_t max);

/* How many numbers of low…high are in the set. */
uint64_t ranges_count_within(const struct ranges *r, uint32_t low, uint32_t high);

/*
 * Adds what s lists: numbers and a-b, separated by commas; an empty string is the empty set (as
 * ip_local_reserved_ports shows it). 0, -EINVAL, or -ERANGE above max. r may hold part of it on
 * failure.
 */
must_check int ranges_parse(struct ranges *r, const char *s, uint32_t max);

/* "9100-9102,9200", as the kernel prints ip_local_reserved_ports. */
void ranges_format(const struct ranges *r, struct strbuf *out);

void ranges_done(struct ranges *r);

#endif
