/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/ct_use.h"

#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <linux/netfilter.h>

#include "base/cleanup.h"
#include "base/units.h"
#include "sys/file.h"
#include "sys/modules.h"
#include "sys/rules.h"

/* A load with more ports than this is not looked up port by port. */
#define PORTS_MAX 256
#define ADDRESSES_MAX (256u << 10)

/* Packets of one side at one hook. */
struct way {
	unsigned hook;
	enum rule_field field;
};

static const struct way server_ways[] = {{NF_INET_PRE_ROUTING, FIELD_DPORT},
					 {NF_INET_LOCAL_OUT, FIELD_SPORT}};
static const struct way client_ways[] = {{NF_INET_LOCAL_OUT, FIELD_DPORT},
					 {NF_INET_PRE_ROUTING, FIELD_SPORT}};

/* What is asked of the rules, and the first of them that answered. */
struct asking {
	const struct rules *rules;
	bool families[2]; /* IPv4, IPv6 */
	const struct rule *first;
};

static bool ways_untracked(struct asking *a, const struct way way[2], uint16_t port)
{
	static const uint8_t families[] = {NFPROTO_IPV4, NFPROTO_IPV6};

	for (unsigned f = 0; f < 2; f++)
		for (unsigned i = 0; a->families[f] && i < 2; i++) {
			struct traffic t = {families[f], IPPROTO_TCP, way[i].field, port};
			const struct rule *r = rules_untrack(a->rules, way[i].hook, &t);

			if (!r)
				return false;
			if (!a->first)
				a->first = r;
		}
	return true;
}

/* Without an address of IPv6 in the namespace there is none of its traffic. */
static bool has_ipv6(const struct host *h)
{
	cleanup_free char *text = NULL;
	struct err ignored;
	long n = file_read_all(h, "/proc/net/if_inet6", ADDRESSES_MAX, &text, &ignored);

	return n != 0 && n != -ENOENT;
}

static bool server_untracked(const struct host *h, const struct load *l, struct asking *a)
{
	if (ranges_count_within(&l->ports, 0, 65535) > PORTS_MAX)
		return false;
	a->families[0] = true;
	a->families[1] = has_ipv6(h);
	for (size_t i = 0; i < l->ports.len; i++)
		for (uint32_t port = l->ports.item[i].low; port <= l->ports.item[i].high; port++)
			if (!ways_untracked(a, server_ways, (uint16_t)port))
				return false;
	return true;
}

/* On this very host each packet passes both ways' hooks, on loopback. */
static bool client_untracked(const struct host *h, const struct load *l, struct asking *a)
{
	bool loopback = load_loopback_only(l);

	for (size_t i = 0; i < l->targets_len; i++) {
		const struct target *t = &l->targets[i];
		unsigned char address[16];

		a->families[0] = inet_pton(AF_INET6, t->host, address) != 1;
		a->families[1] = inet_pton(AF_INET, t->host, address) != 1 && has_ipv6(h);
		if (!ways_untracked(a, client_ways, t->port) ||
		    (loopback && !ways_untracked(a, server_ways, t->port)))
			return false;
	}
	return true;
}

static bool load_untracked(const struct host *h, const struct load *l, struct asking *a)
{
	bool serves = l->role == ROLE_SERVER || l->role == ROLE_PROXY;
	bool connects = l->role == ROLE_PROXY || load_connects(l);

	/* Ports that are not stated may be any. */
	if ((!serves && !connects) || (serves && !l->ports.len) || (connects && !l->targets_len))
		return false;
	return (!serves || server_untracked(h, l, a)) && (!connects || client_untracked(h, l, a));
}

/* The load's connections of one port, of one side: where their addresses are translated. */
static void look_for_nat(const struct rules *rules, bool serves, const bool families[2],
			 uint16_t port, struct ct_nat *n)
{
	const struct {
		unsigned use, hook;
		bool *may;
	} ways[] = {
		{RULE_SNAT, serves ? NF_INET_LOCAL_IN : NF_INET_POST_ROUTING, &n->source},
		{RULE_DNAT, serves ? NF_INET_PRE_ROUTING : NF_INET_LOCAL_OUT, &n->destination},
	};
	static const uint8_t family[] = {NFPROTO_IPV4, NFPROTO_IPV6};

	for (unsigned f = 0; f < 2; f++)
		for (size_t i = 0; families[f] && i < ARRAY_LEN(ways); i++) {
			struct traffic t = {family[f], IPPROTO_TCP, FIELD_DPORT, port};
			bool sure;
			const struct rule *r =
				rules_translate(rules, ways[i].use, ways[i].hook, &t, &sure);

			*ways[i].may |= r != NULL;
			if (r && !n->rule[0])
				rule_name(r, n->rule);
			if (ways[i].use == RULE_DNAT)
				continue;
			n->all_sources &= sure;
			n->one_source &= sure && r && (r->uses & RULE_MASQUERADE);
		}
}

static void client_nat(const struct host *h, const struct rules *rules, const struct load *l,
		       struct ct_nat *n)
{
	for (size_t i = 0; i < l->targets_len; i++) {
		const struct target *t = &l->targets[i];
		unsigned char address[16];
		bool families[2] = {inet_pton(AF_INET6, t->host, address) != 1,
				    inet_pton(AF_INET, t->host, address) != 1 && has_ipv6(h)};

		look_for_nat(rules, false, families, t->port, n);
	}
}

static void server_nat(const struct host *h, const struct rules *rules, const struct load *l,
		       struct ct_nat *n)
{
	const bool families[2] = {true, has_ipv6(h)};

	for (size_t i = 0; i < l->ports.len; i++)
		for (uint32_t port = l->ports.item[i].low; port <= l->ports.item[i].high; port++)
			look_for_nat(rules, true, families, (uint16_t)port, n);
	n->all_sources = n->one_source = false; /* of what comes in, not of what goes out */
}

static void find_nat(const struct host *h, const struct rules *rules, const struct load *l,
		     struct ct_nat *n)
{
	bool serves = l->role == ROLE_SERVER || l->role == ROLE_PROXY;
	bool connects = l->role == ROLE_PROXY || load_connects(l);
	const struct rule *any = rules_first(rules, RULE_NAT);
	struct ct_nat out = {.known = true, .all_sources = true, .one_source = true};

	if (!any) {
		*n = (struct ct_nat){.known = true};
		return;
	}
	if ((!serves && !connects) || (serves && !l->ports.len) || (connects && !l->targets_len) ||
	    ranges_count_within(&l->ports, 0, 65535) > PORTS_MAX) {
		/* Ports that are not stated may be any. */
		*n = (struct ct_nat){.known = true,
				     .source = rules_first(rules, RULE_SNAT) != NULL,
				     .destination = rules_first(rules, RULE_DNAT) != NULL};
		rule_name(any, n->rule);
		return;
	}
	if (connects)
		client_nat(h, rules, l, &out);
	else
		out.all_sources = out.one_source = false;
	out.all_sources &= out.source;
	out.one_source &= out.source;
	*n = out;
	if (serves) {
		server_nat(h, rules, l, &out);
		n->destination |= out.destination;
		n->source |= out.source;
		memcpy(n->rule, out.rule, sizeof(n->rule));
	}
}

/* What tracks without a rule of the packet filter; NULL: none of it is loaded. */
static const char *other_user(const struct host *h)
{
	static const char *const users[] = {"openvswitch", "act_ct", "ip_vs"};
	cleanup_free char *modules = modules_read(h);

	for (size_t i = 0; modules && i < ARRAY_LEN(users); i++)
		if (modules_list(modules, users[i]))
			return users[i];
	return NULL;
}

#define SAY(...) snprintf(ret->why, sizeof(ret->why), __VA_ARGS__)

void ct_use_read(const struct host *h, const struct load *l, uint64_t entries, struct ct_use *ret)
{
	cleanup_with(rules_done) struct rules rules = {0};
	struct asking a = {.rules = &rules};
	char name[RULE_NAME_MAX], n[UNITS_MAX];
	struct err e = {0};
	bool read = rules_read(h, &rules, &e) == 0;
	const struct rule *user = rules_first(&rules, RULE_TRACKS);
	const char *other = read && !user && !entries ? other_user(h) : NULL;

	*ret = (struct ct_use){.activity = CT_ACTIVE};
	if (read)
		find_nat(h, &rules, l, &ret->nat);
	if (read && load_untracked(h, l, &a) && a.first) {
		ret->untracked = true;
		SAY("rules take the load's TCP traffic out of connection tracking: %s",
		    rule_name(a.first, name));
	} else if (user) {
		SAY("%s uses it", rule_name(user, name));
	} else if (entries) {
		SAY("it has %s entries", units_count(entries, n));
	} else if (!read) {
		ret->activity = CT_ACTIVITY_UNKNOWN;
		SAY("%s", e.msg);
	} else if (other) {
		ret->activity = CT_ACTIVITY_UNKNOWN;
		SAY("no rule uses it, but '%s' is loaded, which may", other);
	} else {
		ret->activity = CT_INACTIVE;
		SAY("connection tracking is not active in this network namespace: no rule uses it "
		    "and it has no entry");
	}
}
