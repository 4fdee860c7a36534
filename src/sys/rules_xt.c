/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Extensions of iptables, which nf_tables carries as they are for iptables-nft. */
#include <linux/netfilter/xt_CT.h>
#include <linux/netfilter/xt_multiport.h>
#include <linux/netfilter/xt_tcpudp.h>
#include <netinet/in.h>
#include <string.h>

#include "base/cleanup.h"
#include "sys/rules_build.h"

/* struct xt_tcp and struct xt_udp begin alike. */
struct ports {
	uint16_t source[2], destination[2];
};

static void read_ports(struct rule *r, const void *info, uint8_t invert)
{
	struct ports p;

	memcpy(&p, info, sizeof(p));
	rule_limit_range(r, FIELD_SPORT, p.source[0], p.source[1], invert & XT_TCP_INV_SRCPT);
	rule_limit_range(r, FIELD_DPORT, p.destination[0], p.destination[1],
			 invert & XT_TCP_INV_DSTPT);
	/* The whole range is how "any port" is written: not a limit at all. */
	for (enum rule_field f = FIELD_SPORT; f <= FIELD_DPORT; f++)
		if (ranges_contain(&r->only[f], 0, 65535))
			r->limited[f] = false;
}

static void read_tcp(struct rule *r, const void *info, size_t len)
{
	struct xt_tcp tcp;

	if (len < sizeof(tcp)) {
		r->narrowed = true;
		return;
	}
	memcpy(&tcp, info, sizeof(tcp));
	rule_limit_range(r, FIELD_PROTOCOL, IPPROTO_TCP, IPPROTO_TCP, false);
	read_ports(r, info, tcp.invflags);
	if (tcp.option || tcp.flg_mask)
		r->narrowed = true;
}

static void read_udp(struct rule *r, const void *info, size_t len)
{
	struct xt_udp udp;

	if (len < sizeof(udp)) {
		r->narrowed = true;
		return;
	}
	memcpy(&udp, info, sizeof(udp));
	rule_limit_range(r, FIELD_PROTOCOL, IPPROTO_UDP, IPPROTO_UDP, false);
	read_ports(r, info, udp.invflags);
}

/* Revision 1: every iptables since 1.3 writes it (struct xt_multiport_v1). */
static void read_multiport(struct rule *r, const void *info, size_t len)
{
	cleanup_with(ranges_done) struct ranges set = {0};
	struct xt_multiport_v1 m;

	if (len >= sizeof(m))
		memcpy(&m, info, sizeof(m));
	if (len < sizeof(m) || m.flags == XT_MULTIPORT_EITHER || m.count > XT_MULTI_PORTS) {
		r->narrowed = true;
		return;
	}
	for (unsigned i = 0; i < m.count; i++) {
		uint16_t low = m.ports[i];

		/* A flag on a port: the next one is the end of its range. */
		if (m.pflags[i] && i + 1 < m.count)
			i++;
		if (low <= m.ports[i])
			ranges_add(&set, low, m.ports[i]);
	}
	rule_limit(r, m.flags == XT_MULTIPORT_SOURCE ? FIELD_SPORT : FIELD_DPORT, &set, m.invert);
}

static const struct {
	const char *name;
	unsigned use;					   /* enum rule_use, 0: none */
	void (*read)(struct rule *, const void *, size_t); /* NULL: its fields are not needed */
} matches[] = {
	{"tcp", 0, read_tcp},
	{"udp", 0, read_udp},
	{"multiport", 0, read_multiport},
	{"conntrack", RULE_CT_MATCH, NULL},
	{"state", RULE_CT_MATCH, NULL},
	{"connmark", RULE_CT_MATCH, NULL},
	{"connbytes", RULE_CT_MATCH, NULL},
	{"connlabel", RULE_CT_MATCH, NULL},
	{"connlimit", RULE_CT_MATCH, NULL},
	{"helper", RULE_CT_MATCH, NULL},
	{"cluster", RULE_CT_MATCH, NULL},
};

void xt_read_match(struct rule *r, struct arena *a, const char *name, const void *info, size_t len)
{
	if (!strcmp(name, "comment"))
		return;
	for (size_t i = 0; i < ARRAY_LEN(matches); i++) {
		if (strcmp(name, matches[i].name) != 0)
			continue;
		if (matches[i].use)
			rule_use(r, matches[i].use, arena_printf(a, "-m %s", name));
		if (matches[i].read)
			matches[i].read(r, info, len);
		else
			r->narrowed = true;
		return;
	}
	r->narrowed = true;
}

/* What goes on to the next rule; any other target may end the chain. */
static const char *const continues[] = {"LOG",	   "NFLOG",    "MARK",	"CONNMARK", "CONNSECMARK",
					"SECMARK", "TCPMSS",   "DSCP",	"TOS",	    "CLASSIFY",
					"TRACE",   "CHECKSUM", "AUDIT", "SET"};

static const struct {
	const char *name;
	unsigned use;
} targets[] = {
	{"NOTRACK", RULE_NOTRACK},   {"DNAT", RULE_DNAT},
	{"SNAT", RULE_SNAT},	     {"MASQUERADE", RULE_SNAT | RULE_MASQUERADE},
	{"REDIRECT", RULE_DNAT},     {"NETMAP", RULE_NAT},
	{"CONNMARK", RULE_CT_OTHER}, {"CONNSECMARK", RULE_CT_OTHER},
	{"SYNPROXY", RULE_CT_MATCH},
};

void xt_read_target(struct rule *r, struct arena *a, const char *name, const void *info, size_t len)
{
	uint16_t flags;

	if (!strcmp(name, "CT")) {
		memcpy(&flags, info, len >= sizeof(flags) ? sizeof(flags) : 0);
		if (len >= sizeof(flags) && (flags & XT_CT_NOTRACK))
			rule_use(r, RULE_NOTRACK, "-j CT --notrack");
		else
			rule_use(r, RULE_CT_OTHER, "-j CT");
		return;
	}
	for (size_t i = 0; i < ARRAY_LEN(targets); i++)
		if (!strcmp(name, targets[i].name))
			rule_use(r, targets[i].use, arena_printf(a, "-j %s", name));
	for (size_t i = 0; i < ARRAY_LEN(continues); i++)
		if (!strcmp(name, continues[i]))
			return;
	if (!(r->uses & RULE_NOTRACK))
		rule_use(r, RULE_LEAVES, NULL);
}
