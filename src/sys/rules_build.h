/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Steps that the readers of rules share. */
#ifndef RUNUP_SYS_RULES_BUILD_H
#define RUNUP_SYS_RULES_BUILD_H

#include "sys/rules.h"

/* Where conntrack's own hooks stand (NF_IP_PRI_CONNTRACK): notrack has to come before. */
#define PRIORITY_CONNTRACK (-200)

/* The rule is for these values of the field only, or (invert) for all others. set is left alone. */
void rule_limit(struct rule *r, enum rule_field field, const struct ranges *set, bool invert);
void rule_limit_range(struct rule *r, enum rule_field field, uint32_t low, uint32_t high,
		      bool invert);

/* Adds a use; the first that is not a mere verdict names the rule. what: static or in the arena. */
void rule_use(struct rule *r, unsigned use, const char *what);

/* Is its chain one where notrack belongs? */
bool rule_before_tracking(const struct rule *r);

/* Does each rule of its chain count, as one before may take the packet out of it? */
bool rule_chain_counts(const struct rule *r);

/* Does it matter, so that it is kept? */
bool rule_matters(const struct rule *r);

/* Releases what the rule owns. */
void rule_done(struct rule *r);

/* One match or target extension of iptables, in its own binary form; too short is narrowed. */
void xt_read_match(struct rule *r, struct arena *a, const char *name, const void *info, size_t len);
void xt_read_target(struct rule *r, struct arena *a, const char *name, const void *info,
		    size_t len);

/* Each source appends to *ret; errors as rules_read(). */
must_check int rules_read_nft(const struct host *h, struct rules *ret, struct err *e);
must_check int rules_read_iptables(const struct host *h, struct rules *ret, struct err *e);

/*
 * The rules of one table of iptables (NFPROTO_IPV6: of ip6tables), appended to *ret: info->size
 * bytes, as IPT_SO_GET_ENTRIES gives them. -EPROTO: an entry is cut.
 */
struct ipt_getinfo;
must_check int rules_read_entries(uint8_t family, const char *name, const struct ipt_getinfo *info,
				  const unsigned char *bytes, struct rules *ret, struct err *e);

#endif
