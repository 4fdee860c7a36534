/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Is connection tracking active in this network namespace, and does it see the load's traffic? */
#ifndef RUNUP_CORE_CT_USE_H
#define RUNUP_CORE_CT_USE_H

#include <stdbool.h>
#include <stdint.h>

#include "core/load.h"
#include "sys/host.h"
#include "sys/rules.h"

/* Zero is "not asked". */
enum ct_activity {
	CT_ACTIVITY_NOT_READ,
	CT_ACTIVE,
	CT_INACTIVE, /* loaded, but nothing here asks for it: no packet makes an entry */
	CT_ACTIVITY_UNKNOWN,
};

/* Which of the load's own connections have their addresses translated on this host. */
struct ct_nat {
	bool known;		  /* the rules were read; else the rest is false */
	bool source, destination; /* a rule may translate some of theirs */
	bool all_sources;	  /* one translates all of theirs */
	bool one_source;	  /* and into the one address of the way out (masquerade) */
	char rule[RULE_NAME_MAX]; /* one of them by name; "" none */
};

struct ct_use {
	enum ct_activity activity;
	/* The load's traffic is taken out of tracking, both ways, by rules of the packet filter. */
	bool untracked;
	struct ct_nat nat;
	char why[400]; /* how that is known, or why it is not; the rule by name */
};

/*
 * The kernel hooks tracking into a network namespace only while a rule there needs it
 * (nf_ct_netns_get(), nf_conntrack_proto.c, since 4.10), so: entries there are, or a rule that uses
 * it, and it is active; rules that could be read, none of them, and no entry: it is not. What may
 * use it without a rule (Open vSwitch, tc's ct action, IPVS), if loaded, leaves it unknown.
 *
 * A server's connections are looked up by its ports, at the hooks that come first on their way in;
 * where a client asks for another port, which a rule changes into the server's, that is not seen.
 *
 * Never fails. Reads the rules: see rules_read() for what that costs. A load is taken to be TCP.
 */
void ct_use_read(const struct host *h, const struct load *l, uint64_t entries, struct ct_use *ret);

/* Does the load need no entry at all, so far as is known? */
static inline bool ct_use_needs_none(const struct ct_use *u)
{
	return u->activity == CT_INACTIVE || u->untracked;
}

#endif
