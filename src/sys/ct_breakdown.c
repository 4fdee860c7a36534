/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "sys/ct.h"

#include <errno.h>
#include <netinet/in.h> /* before linux/in.h, which then leaves its part out */

#include <linux/netfilter/nf_conntrack_sctp.h>
#include <linux/netfilter/nf_conntrack_tcp.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/cleanup.h"

#define PORTS 65536

/* As conntrack(8) names them. */
static const char *const tcp_states[] = {
	[TCP_CONNTRACK_NONE] = "NONE",	       [TCP_CONNTRACK_SYN_SENT] = "SYN_SENT",
	[TCP_CONNTRACK_SYN_RECV] = "SYN_RECV", [TCP_CONNTRACK_ESTABLISHED] = "ESTABLISHED",
	[TCP_CONNTRACK_FIN_WAIT] = "FIN_WAIT", [TCP_CONNTRACK_CLOSE_WAIT] = "CLOSE_WAIT",
	[TCP_CONNTRACK_LAST_ACK] = "LAST_ACK", [TCP_CONNTRACK_TIME_WAIT] = "TIME_WAIT",
	[TCP_CONNTRACK_CLOSE] = "CLOSE",       [TCP_CONNTRACK_SYN_SENT2] = "SYN_SENT2",
};

static const char no_state[] = "-";

static const char *const sctp_states[] = {
	[SCTP_CONNTRACK_NONE] = "NONE",
	[SCTP_CONNTRACK_CLOSED] = "CLOSED",
	[SCTP_CONNTRACK_COOKIE_WAIT] = "COOKIE_WAIT",
	[SCTP_CONNTRACK_COOKIE_ECHOED] = "COOKIE_ECHOED",
	[SCTP_CONNTRACK_ESTABLISHED] = "ESTABLISHED",
	[SCTP_CONNTRACK_SHUTDOWN_SENT] = "SHUTDOWN_SENT",
	[SCTP_CONNTRACK_SHUTDOWN_RECD] = "SHUTDOWN_RECD",
	[SCTP_CONNTRACK_SHUTDOWN_ACK_SENT] = "SHUTDOWN_ACK_SENT",
};

/*
 * One protocol and state. A histogram over all ports is exact and its size is fixed; a table of the
 * ports met so far would have to forget some when a scan or many UDP flows fill it.
 */
struct pair {
	uint8_t protocol;
	const char *state;
	uint64_t entries;
	uint32_t *by_port; /* NULL: no ports in this protocol */
};

struct breakdown {
	struct pair *pair;
	size_t len, cap;
};

static void breakdown_reset(void *data)
{
	struct breakdown *b = data;

	for (size_t i = 0; i < b->len; i++)
		free(b->pair[i].by_port);
	b->len = 0;
}

static void breakdown_done(struct breakdown *b)
{
	breakdown_reset(b);
	free(b->pair);
}

static struct pair *get_pair(struct breakdown *b, uint8_t protocol, const char *state)
{
	for (size_t i = 0; i < b->len; i++) {
		/* States are the strings above, each one object, so the pointer tells. */
		if (b->pair[i].protocol == protocol && b->pair[i].state == state)
			return &b->pair[i];
	}
	struct pair *p = array_push((void **)&b->pair, &b->len, &b->cap, sizeof(*p));

	p->protocol = protocol;
	p->state = state;
	return p;
}

struct member {
	uint16_t type, bytes; /* bytes 0: a nest */
	const struct nlattr *found;
};

static int take_member(const struct nlattr *attr, void *data)
{
	struct member *m = data;

	if (mnl_attr_get_type(attr) != m->type)
		return MNL_CB_OK;
	if (m->bytes && mnl_attr_get_payload_len(attr) != m->bytes) {
		errno = EPROTO;
		return MNL_CB_ERROR;
	}
	m->found = attr;
	return MNL_CB_OK;
}

/*
 * Follows a path of nests to its last member. 0 and *ret NULL where there is none; -1 with errno
 * for one that is not as long as it has to be. libnetfilter_conntrack would fill in an object of
 * the whole entry, of which three numbers are wanted, and 1.0.9 ends the program on such a length:
 * a record is a file from anywhere.
 */
static int find_member(const struct nlmsghdr *m, struct member *path, size_t len,
		       const struct nlattr **ret)
{
	*ret = NULL;
	for (size_t i = 0; i < len; i++) {
		int r = i ? mnl_attr_parse_nested(path[i - 1].found, take_member, &path[i])
			  : mnl_attr_parse(m, sizeof(struct nfgenmsg), take_member, &path[i]);

		if (r < 0)
			return -1;
		if (!path[i].found)
			return 0;
	}
	*ret = path[len - 1].found;
	return 0;
}

static int find_proto(const struct nlmsghdr *m, uint16_t type, uint16_t bytes,
		      const struct nlattr **ret)
{
	struct member path[] = {{CTA_TUPLE_ORIG, 0, NULL},
				{CTA_TUPLE_PROTO, 0, NULL},
				{type, bytes, NULL}};

	return find_member(m, path, ARRAY_LEN(path), ret);
}

/* Protocols that have states, and where an entry has its own. */
static const struct {
	uint8_t protocol;
	uint16_t nest, state;
	const char *const *names;
	size_t len;
} stateful[] = {
	{IPPROTO_TCP, CTA_PROTOINFO_TCP, CTA_PROTOINFO_TCP_STATE, tcp_states,
	 ARRAY_LEN(tcp_states)},
	{IPPROTO_SCTP, CTA_PROTOINFO_SCTP, CTA_PROTOINFO_SCTP_STATE, sctp_states,
	 ARRAY_LEN(sctp_states)},
};

static int find_state(const struct nlmsghdr *m, uint8_t protocol, const char **ret)
{
	*ret = no_state;
	for (size_t i = 0; i < ARRAY_LEN(stateful); i++) {
		struct member path[] = {{CTA_PROTOINFO, 0, NULL},
					{stateful[i].nest, 0, NULL},
					{stateful[i].state, 1, NULL}};
		const struct nlattr *attr;

		if (stateful[i].protocol != protocol)
			continue;
		if (find_member(m, path, ARRAY_LEN(path), &attr) < 0)
			return -1;
		if (attr && mnl_attr_get_u8(attr) < stateful[i].len)
			*ret = stateful[i].names[mnl_attr_get_u8(attr)];
	}
	return 0;
}

static void count_entry(struct breakdown *b, uint8_t protocol, const char *state,
			const struct nlattr *port)
{
	struct pair *p = get_pair(b, protocol, state);

	p->entries++;
	if (!port)
		return;
	if (!p->by_port) {
		p->by_port = calloc(PORTS, sizeof(*p->by_port));
		if (!p->by_port)
			out_of_memory();
	}
	p->by_port[ntohs(mnl_attr_get_u16(port))]++;
}

static int on_entry(const struct nlmsghdr *m, void *data)
{
	const struct nlattr *number, *port;
	const char *state;

	errno = EPROTO;
	if (m->nlmsg_type != (NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_NEW) ||
	    mnl_nlmsg_get_payload_len(m) < sizeof(struct nfgenmsg))
		return MNL_CB_ERROR;
	if (find_proto(m, CTA_PROTO_NUM, 1, &number) < 0 ||
	    find_proto(m, CTA_PROTO_DST_PORT, 2, &port) < 0)
		return MNL_CB_ERROR;

	uint8_t protocol = number ? mnl_attr_get_u8(number) : 0;

	if (find_state(m, protocol, &state) < 0)
		return MNL_CB_ERROR;
	count_entry(data, protocol, state, port);
	return MNL_CB_OK;
}

static int by_name(const void *pa, const void *pb)
{
	const struct pair *a = pa, *b = pb;

	return a->protocol != b->protocol ? (int)a->protocol - (int)b->protocol
					  : strcmp(a->state, b->state);
}

static int by_entries(const void *pa, const void *pb)
{
	const struct ct_group *a = pa, *b = pb;

	if (a->entries != b->entries)
		return a->entries > b->entries ? -1 : 1;
	if (a->protocol != b->protocol)
		return a->protocol < b->protocol ? -1 : 1;
	int state = strcmp(a->state, b->state);
	return state ? state : (int)a->port - (int)b->port;
}

/* Keeps the largest CT_GROUPS_APART in top, largest first; of equal ones the first met. */
static void keep_top(struct ct_group *top, size_t *len, const struct ct_group *g)
{
	size_t at = *len;

	while (at > 0 && top[at - 1].entries < g->entries)
		at--;
	if (at == CT_GROUPS_APART)
		return;
	if (*len < CT_GROUPS_APART)
		++*len;
	memmove(&top[at + 1], &top[at], (*len - at - 1) * sizeof(*top));
	top[at] = *g;
}

static size_t top_ports(const struct breakdown *b, struct ct_group *top)
{
	size_t len = 0;

	for (size_t i = 0; i < b->len; i++) {
		const struct pair *p = &b->pair[i];

		for (uint32_t port = 1; p->by_port && port < PORTS; port++) {
			struct ct_group g = {p->protocol, p->state, (uint16_t)port,
					     p->by_port[port]};

			if (g.entries > 0)
				keep_top(top, &len, &g);
		}
	}
	return len;
}

int ct_breakdown(const struct host *h, struct ct_group **ret, size_t *ret_len, struct err *e)
{
	_Alignas(struct nlmsghdr) char buf[NL_REQUEST_MAX];
	struct nl_question q = ct_question(CT_ASK_DUMP, buf);
	cleanup_with(breakdown_done) struct breakdown b = {0};

	if (!ct_netlink_loaded(h))
		return err_set(e, EOPNOTSUPP,
			       "list tracked connections: nf_conntrack_netlink is not loaded, and "
			       "asking would load it (modprobe nf_conntrack_netlink)");
	int r = nl_ask(h, &q, on_entry, breakdown_reset, &b, e);
	if (r == -EPERM)
		return err_set(e, EPERM,
			       "list tracked connections: %s (needs CAP_NET_ADMIN; use sudo)",
			       strerror(EPERM));
	if (r < 0)
		return err_wrap(e, "list tracked connections");

	if (b.len > 1)
		qsort(b.pair, b.len, sizeof(*b.pair), by_name);
	struct ct_group *all = calloc(b.len + CT_GROUPS_APART, sizeof(*all));
	if (!all)
		out_of_memory();
	size_t len = top_ports(&b, all), apart = len;
	for (size_t i = 0; i < b.len; i++) {
		struct ct_group rest = {b.pair[i].protocol, b.pair[i].state, 0, b.pair[i].entries};

		for (size_t j = 0; j < apart; j++) {
			if (all[j].protocol == rest.protocol && all[j].state == rest.state)
				rest.entries -= all[j].entries;
		}
		if (rest.entries > 0)
			all[len++] = rest;
	}
	qsort(all, len, sizeof(*all), by_entries);
	*ret = all;
	*ret_len = len;
	return 0;
}
