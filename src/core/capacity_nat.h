/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What translating the load's source addresses does to the sum of its ports. */
#ifndef RUNUP_CORE_CAPACITY_NAT_H
#define RUNUP_CORE_CAPACITY_NAT_H

#include <stdbool.h>
#include <stdint.h>

#include "core/capacity_facts.h"
#include "core/load.h"

/*
 * How many ports each source address has toward a target where a rule makes one address of them
 * all: its share of 64 512. UINT64_MAX: none does, or there is only one.
 *
 * nf_nat_l4proto_unique_tuple(), net/netfilter/nf_nat_core.c (5.15 to 6.12): a source port that
 * another flow to the same target has already is replaced by one of 1024 to 65535, for which about
 * 250 are tried. Flows with a port of their own keep it, so with one source address the sum of this
 * host does not change.
 */
uint64_t nat_ports_each(const struct conntrack_facts *c, const struct load *l);

/* A remark for the sum; false: there is nothing to say. */
#define NAT_TEXT_MAX 480
bool nat_text(const struct conntrack_facts *c, char buf[NAT_TEXT_MAX]);

#endif
