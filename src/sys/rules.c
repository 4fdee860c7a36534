/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "sys/rules.h"

#include <errno.h>
#include <inttypes.h>
#include <linux/netfilter.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "sys/rules_build.h"

static uint32_t field_max(enum rule_field field)
{
	return field == FIELD_SPORT || field == FIELD_DPORT ? 65535 : 255;
}

void rule_limit(struct rule *r, enum rule_field field, const struct ranges *set, bool invert)
{
	cleanup_with(ranges_done) struct ranges only = {0};

	ranges_add_all(&only, set);
	if (invert)
		ranges_invert(&only, field_max(field));
	if (r->limited[field])
		ranges_keep(&r->only[field], &only);
	else
		ranges_add_all(&r->only[field], &only);
	r->limited[field] = true;
}

void rule_limit_range(struct rule *r, enum rule_field field, uint32_t low, uint32_t high,
		      bool invert)
{
	cleanup_with(ranges_done) struct ranges set = {0};

	if (low <= high)
		ranges_add(&set, low, high);
	rule_limit(r, field, &set, invert);
}

void rule_use(struct rule *r, unsigned use, const char *what)
{
	if (!(r->uses & ~(unsigned)RULE_LEAVES))
		r->what = what;
	r->uses |= use;
}

bool rule_before_tracking(const struct rule *r)
{
	return r->base && !r->nat_chain && r->priority < PRIORITY_CONNTRACK &&
	       (r->hook == NF_INET_PRE_ROUTING || r->hook == NF_INET_LOCAL_OUT);
}

bool rule_chain_counts(const struct rule *r)
{
	return rule_before_tracking(r) || (r->base && r->nat_chain);
}

bool rule_matters(const struct rule *r)
{
	return (r->uses & (RULE_TRACKS | RULE_NOTRACK)) ||
	       (rule_chain_counts(r) && (r->uses & RULE_LEAVES));
}

void rule_done(struct rule *r)
{
	for (size_t i = 0; i < RULE_FIELDS; i++)
		ranges_done(&r->only[i]);
}

void rules_done(struct rules *r)
{
	for (size_t i = 0; i < r->len; i++)
		rule_done(&r->item[i]);
	free(r->item);
	arena_done(&r->arena);
	*r = (struct rules){0};
}

int rules_read(const struct host *h, struct rules *ret, struct err *e)
{
	cleanup_with(rules_done) struct rules r = {0};
	int result = rules_read_nft(h, &r, e);

	if (result == 0)
		result = rules_read_iptables(h, &r, e);
	if (result == -EPERM || result == -EACCES)
		return err_set(e, -result,
			       "read the rules of the packet filter: that takes CAP_NET_ADMIN; run "
			       "as root");
	if (result < 0)
		return err_wrap(e, "read the rules of the packet filter");
	*ret = r;
	r = (struct rules){0};
	return 0;
}

static bool holds(const struct rule *r, enum rule_field field, uint32_t value)
{
	return !r->limited[field] || ranges_contain(&r->only[field], value, value);
}

static bool of_family(const struct rule *r, uint8_t family)
{
	return (r->family == family || r->family == NFPROTO_INET) && holds(r, FIELD_FAMILY, family);
}

/* The other end's port is one that a client was given: none of the privileged ones. */
static bool any_client_port(const struct rule *r, enum rule_field field)
{
	return !r->limited[field] || ranges_count_within(&r->only[field], 1024, 65535);
}

bool rule_may_match(const struct rule *r, const struct traffic *t)
{
	enum rule_field other = t->field == FIELD_SPORT ? FIELD_DPORT : FIELD_SPORT;

	return of_family(r, t->family) && holds(r, FIELD_PROTOCOL, t->protocol) &&
	       holds(r, t->field, t->port) && any_client_port(r, other);
}

static bool takes_all(const struct rule *r, const struct traffic *t)
{
	enum rule_field other = t->field == FIELD_SPORT ? FIELD_DPORT : FIELD_SPORT;

	return (r->uses & RULE_NOTRACK) && !r->narrowed && !r->limited[other] &&
	       rule_may_match(r, t);
}

static bool same_chain(const struct rule *a, const struct rule *b)
{
	return a->family == b->family && a->legacy == b->legacy && !strcmp(a->table, b->table) &&
	       !strcmp(a->chain, b->chain);
}

const struct rule *rules_untrack(const struct rules *r, unsigned hook, const struct traffic *t)
{
	bool left = false; /* the traffic may have left the chain before its end */

	for (size_t i = 0; i < r->len; i++) {
		const struct rule *one = &r->item[i];

		if (i == 0 || !same_chain(one, one - 1))
			left = false;
		if (left || !rule_before_tracking(one) || one->hook != hook ||
		    !rule_may_match(one, t))
			continue;
		if (takes_all(one, t))
			return one;
		left = one->uses & RULE_LEAVES;
	}
	return NULL;
}

const struct rule *rules_translate(const struct rules *r, unsigned use, unsigned hook,
				   const struct traffic *t, bool *sure)
{
	enum rule_field other = t->field == FIELD_SPORT ? FIELD_DPORT : FIELD_SPORT;
	const struct rule *found = NULL;
	bool left = false;

	*sure = false;
	for (size_t i = 0; i < r->len && !*sure; i++) {
		const struct rule *one = &r->item[i];

		if (i == 0 || !same_chain(one, one - 1))
			left = false;
		if ((one->base && one->hook != hook) || !rule_may_match(one, t))
			continue;
		if (one->uses & use) {
			*sure = one->base && !left && !one->narrowed && !one->limited[other];
			if (!found || *sure)
				found = one;
		}
		left |= (one->uses & RULE_LEAVES) != 0;
	}
	return found;
}

const struct rule *rules_first(const struct rules *r, unsigned uses)
{
	for (size_t i = 0; i < r->len; i++)
		if (r->item[i].uses & uses)
			return &r->item[i];
	return NULL;
}

static const char *family_name(uint8_t family)
{
	switch (family) {
	case NFPROTO_IPV4:
		return "ip";
	case NFPROTO_IPV6:
		return "ip6";
	case NFPROTO_INET:
		return "inet";
	case NFPROTO_BRIDGE:
		return "bridge";
	case NFPROTO_NETDEV:
		return "netdev";
	}
	return "arp";
}

const char *rule_name(const struct rule *r, char buf[RULE_NAME_MAX])
{
	const char *what = r->what ? r->what : "a verdict";

	if (r->legacy)
		snprintf(buf, RULE_NAME_MAX, "%s %.32s %.32s rule %" PRIu64 " (%s)",
			 r->family == NFPROTO_IPV6 ? "ip6tables" : "iptables", r->table, r->chain,
			 r->handle, what);
	else
		snprintf(buf, RULE_NAME_MAX, "%s %.48s %.48s handle %" PRIu64 " (%s)",
			 family_name(r->family), r->table, r->chain, r->handle, what);
	return buf;
}
