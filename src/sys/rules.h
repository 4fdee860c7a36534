/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the packet filter of a network namespace has to do with connection tracking: rules of
 * nf_tables (iptables-nft among them) and of the older iptables, read without either tool.
 */
#ifndef RUNUP_SYS_RULES_H
#define RUNUP_SYS_RULES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/attr.h"
#include "base/err.h"
#include "base/ranges.h"
#include "sys/host.h"
#include "sys/nl.h"

enum rule_use {
	RULE_NOTRACK = 1 << 0,
	RULE_CT_MATCH = 1 << 1, /* asks what tracking knows of the packet's connection */
	RULE_SNAT = 1 << 2,
	RULE_CT_OTHER = 1 << 3, /* zone, mark, helper, flow table … */
	RULE_LEAVES = 1 << 4,	/* a verdict: what comes after it in the chain may not be reached */
	RULE_DNAT = 1 << 5,
	RULE_MASQUERADE = 1 << 6, /* beside RULE_SNAT: into the one address of the way out */
};

#define RULE_NAT (RULE_SNAT | RULE_DNAT)

/*
 * Any of these makes the kernel track every packet of the namespace: the rule's expression or
 * extension calls nf_ct_netns_get() when it is loaded (nft_ct_get_init(), nft_nat_init(),
 * conntrack_mt_check(), xt_nat_checkentry() …; 4.10 to 6.18). notrack does not.
 */
#define RULE_TRACKS (RULE_CT_MATCH | RULE_NAT | RULE_CT_OTHER)

enum rule_field { FIELD_FAMILY, FIELD_PROTOCOL, FIELD_SPORT, FIELD_DPORT, RULE_FIELDS };

/* Which packets it is for, as far as these fields tell, and what it does with them. */
struct rule {
	uint8_t family; /* NFPROTO_IPV4, NFPROTO_IPV6, NFPROTO_INET, NFPROTO_BRIDGE … */
	bool legacy;	/* of the older iptables: handle is its number in the chain */
	const char *table, *chain;
	uint64_t handle;
	unsigned uses;	  /* enum rule_use */
	const char *what; /* "ct state", "MASQUERADE": its use of tracking, in its own words */
	bool limited[RULE_FIELDS];
	struct ranges only[RULE_FIELDS]; /* where limited; NFPROTO_…, IPPROTO_…, ports */
	bool narrowed;			 /* there are conditions besides, or one was not read */
	/* In a base chain, at a hook (NF_INET_PRE_ROUTING …); in another one it is jumped to. */
	bool base, nat_chain;
	unsigned hook;
	int priority;
};

/* Zero-initialise; rules_done() releases. Rules of one chain stand together and in order. */
struct rules {
	struct rule *item;
	size_t len, cap;
	struct arena arena;
};

/*
 * Reads the rules that use connection tracking, and those of the chains where notrack or NAT
 * belong. Costs about 1 us a rule of nf_tables, 0.1 ms in all where there are few (three netlink
 * dumps; sets only where such a rule looks a port up). Loads no module: where nf_tables is not
 * loaded there is no rule of it, and iptables' tables are those that /proc/net/ip_tables_names
 * shows.
 *
 * 0; -EPERM, -EACCES: needs CAP_NET_ADMIN (the message says so); -ENODATA: a captured host without
 * such a record; -EOPNOTSUPP: it cannot be told whether asking would load nf_tables.
 */
must_check int rules_read(const struct host *h, struct rules *ret, struct err *e);

/* The same of one table of nf_tables' inet family alone, whatever else there is. */
must_check int rules_read_table(const struct host *h, const char *table, struct rules *ret,
				struct err *e);
void rules_done(struct rules *r);

/* Packets: of one family and protocol, to or from some ports. */
struct traffic {
	uint8_t family, protocol;
	enum rule_field field; /* FIELD_SPORT or FIELD_DPORT: where the port below stands */
	uint16_t port;
};

/* May the rule be for some of that traffic? True unless its fields rule that out. */
bool rule_may_match(const struct rule *r, const struct traffic *t);

/* The rule that takes all of that traffic out of tracking at this hook, or NULL: none surely does.
 */
const struct rule *rules_untrack(const struct rules *r, unsigned hook, const struct traffic *t);

/*
 * A rule that may translate some of that traffic at this hook (use: RULE_SNAT, RULE_DNAT), or NULL.
 * sure: it does so for all of it; else its conditions or what stands before it may let some pass,
 * or it is in a chain that is jumped to.
 */
const struct rule *rules_translate(const struct rules *r, unsigned use, unsigned hook,
				   const struct traffic *t, bool *sure);

/* The first rule with any of these uses, or NULL. */
const struct rule *rules_first(const struct rules *r, unsigned uses);

/* "inet filter input handle 5 (ct state)", "iptables nat POSTROUTING rule 2 (MASQUERADE)". */
#define RULE_NAME_MAX 200
const char *rule_name(const struct rule *r, char buf[RULE_NAME_MAX]);

/* The questions behind rules_read(), for what records or measures: in buf, as nl.h says. */
enum rules_ask { RULES_ASK_TABLES, RULES_ASK_CHAINS, RULES_ASK_RULES };
struct nl_question rules_question(enum rules_ask ask, void *buf);

#endif
