/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The expressions that a rule of nf_tables is made of (nft_expr_ops of the kernel). */
#ifndef RUNUP_SYS_RULES_EXPR_H
#define RUNUP_SYS_RULES_EXPR_H

#include <libmnl/libmnl.h>

#include "sys/rules_build.h"

/* A field that is looked up in a set, which has to be asked for. */
struct port_lookup {
	size_t rule; /* its place */
	enum rule_field field;
	bool invert;
	const char *set;
};

/* One element of a set of ports: an interval has an element for its end (not in it any more). */
struct port_element {
	uint32_t key;
	bool end;
};

/* Numbers are in network byte order; 0 where the attribute is missing or too short. */
uint32_t expr_u32(const struct nlattr *attr);
uint64_t expr_u64(const struct nlattr *attr);

/* "" where it is missing or not terminated. Borrowed. */
const char *expr_string(const struct nlattr *attr);

/* The attributes nested in one, by number: max + 1 places. */
void expr_nested(const struct nlattr *nest, const struct nlattr **tb, size_t max);

/* May any of them have to do with tracking? The names alone are looked at, which is quick. */
bool expr_any_matters(const struct nlattr *list);

/*
 * Reads all expressions of a rule into it; what: may be allocated from a. lookup: RULE_FIELDS
 * places, *lookups of them are filled, their set names borrowed from the message.
 */
void expr_read_all(struct rule *r, const struct nlattr *list, struct arena *a,
		   struct port_lookup lookup[RULE_FIELDS], size_t *lookups);

/* False: its key is no port and no protocol. */
bool expr_element(const struct nlattr *attr, struct port_element *ret);

/* What the elements hold, in any order; item is sorted. */
void expr_element_ranges(struct port_element *item, size_t len, struct ranges *ret);

#endif
