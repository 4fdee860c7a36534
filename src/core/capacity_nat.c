/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/capacity_nat.h"

#include <stdio.h>

#include "core/capacity.h"

#define NAT_PORTS UINT64_C(64512)

uint64_t nat_ports_each(const struct conntrack_facts *c, const struct load *l)
{
	/* Ports of a client that binds first are for all its targets, those of NAT for each. */
	uint64_t targets = load_binds_first(l) ? load_distinct_targets(l) : 1;

	if (!c->use.nat.one_source || !load_states(l, LOAD_SOURCE_IPS) || l->source_ips < 2)
		return UINT64_MAX;
	return NAT_PORTS * targets / l->source_ips;
}

bool nat_text(const struct conntrack_facts *c, char buf[NAT_TEXT_MAX])
{
	const struct ct_nat *n = &c->use.nat;
	char who[RULE_NAME_MAX + 80];

	if (!c->nat || (n->known && !n->source))
		return false;
	if (n->known)
		snprintf(who, sizeof(who), "the rule %s %s the load's source addresses", n->rule,
			 n->all_sources ? "translates" : "may translate");
	else
		snprintf(who, sizeof(who),
			 "nf_nat is here, and whether a rule translates source addresses is not "
			 "known");
	snprintf(buf, NAT_TEXT_MAX,
		 "%s: all hosts and containers behind one address share its 64 512 ports toward a "
		 "target, and near the end of them connections fail by insert_failed",
		 who);
	return true;
}
