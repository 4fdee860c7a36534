/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "sys/ct.h"

#include <errno.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include <libnetfilter_conntrack/libnetfilter_conntrack.h>
#include <libnetfilter_conntrack/libnetfilter_conntrack_sctp.h>
#include <libnetfilter_conntrack/libnetfilter_conntrack_tcp.h>

#include "base/arena.h"
#include "base/cleanup.h"

#define PORTS 65536

/* libnetfilter_conntrack names states only inside the text of a whole entry. */
static const char *const tcp_states[] = {
	[TCP_CONNTRACK_NONE] = "NONE",
	[TCP_CONNTRACK_SYN_SENT] = "SYN_SENT",
	[TCP_CONNTRACK_SYN_RECV] = "SYN_RECV",
	[TCP_CONNTRACK_ESTABLISHED] = "ESTABLISHED",
	[TCP_CONNTRACK_FIN_WAIT] = "FIN_WAIT",
	[TCP_CONNTRACK_CLOSE_WAIT] = "CLOSE_WAIT",
	[TCP_CONNTRACK_LAST_ACK] = "LAST_ACK",
	[TCP_CONNTRACK_TIME_WAIT] = "TIME_WAIT",
	[TCP_CONNTRACK_CLOSE] = "CLOSE",
	[TCP_CONNTRACK_LISTEN] = "SYN_SENT2", /* simultaneous open; once LISTEN's number */
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
	bool check; /* the messages do not come from the kernel */
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

static const char *state_name(const struct nf_conntrack *ct, uint8_t protocol)
{
	uint8_t n;

	if (protocol == IPPROTO_TCP && nfct_attr_is_set(ct, ATTR_TCP_STATE) > 0) {
		n = nfct_get_attr_u8(ct, ATTR_TCP_STATE);
		return n < ARRAY_LEN(tcp_states) ? tcp_states[n] : no_state;
	}
	if (protocol == IPPROTO_SCTP && nfct_attr_is_set(ct, ATTR_SCTP_STATE) > 0) {
		n = nfct_get_attr_u8(ct, ATTR_SCTP_STATE);
		return n < ARRAY_LEN(sctp_states) ? sctp_states[n] : no_state;
	}
	return no_state;
}

static void count_entry(struct breakdown *b, const struct nf_conntrack *ct)
{
	uint8_t protocol = nfct_get_attr_u8(ct, ATTR_L4PROTO);
	struct pair *p = get_pair(b, protocol, state_name(ct, protocol));

	p->entries++;
	if (nfct_attr_is_set(ct, ATTR_ORIG_PORT_DST) <= 0)
		return;
	if (!p->by_port) {
		p->by_port = calloc(PORTS, sizeof(*p->by_port));
		if (!p->by_port)
			out_of_memory();
	}
	p->by_port[ntohs(nfct_get_attr_u16(ct, ATTR_ORIG_PORT_DST))]++;
}

/* What may stand in a recorded entry, nest by nest; bytes of a nest are its members'. */
struct shape {
	uint16_t type, bytes;
	const struct shape *nest;
};

static const struct shape ip_shape[] = {
	{CTA_IP_V4_SRC, 4, NULL},
	{CTA_IP_V4_DST, 4, NULL},
	{CTA_IP_V6_SRC, 16, NULL},
	{CTA_IP_V6_DST, 16, NULL},
	{0, 0, NULL},
};
static const struct shape proto_shape[] = {
	{CTA_PROTO_NUM, 1, NULL},	  {CTA_PROTO_SRC_PORT, 2, NULL},
	{CTA_PROTO_DST_PORT, 2, NULL},	  {CTA_PROTO_ICMP_ID, 2, NULL},
	{CTA_PROTO_ICMP_TYPE, 1, NULL},	  {CTA_PROTO_ICMP_CODE, 1, NULL},
	{CTA_PROTO_ICMPV6_ID, 2, NULL},	  {CTA_PROTO_ICMPV6_TYPE, 1, NULL},
	{CTA_PROTO_ICMPV6_CODE, 1, NULL}, {0, 0, NULL},
};
static const struct shape tuple_shape[] = {
	{CTA_TUPLE_IP, 0, ip_shape},
	{CTA_TUPLE_PROTO, 0, proto_shape},
	{0, 0, NULL},
};
static const struct shape tcp_shape[] = {
	{CTA_PROTOINFO_TCP_STATE, 1, NULL},	   {CTA_PROTOINFO_TCP_WSCALE_ORIGINAL, 1, NULL},
	{CTA_PROTOINFO_TCP_WSCALE_REPLY, 1, NULL}, {CTA_PROTOINFO_TCP_FLAGS_ORIGINAL, 2, NULL},
	{CTA_PROTOINFO_TCP_FLAGS_REPLY, 2, NULL},  {0, 0, NULL},
};
static const struct shape sctp_shape[] = {
	{CTA_PROTOINFO_SCTP_STATE, 1, NULL},
	{CTA_PROTOINFO_SCTP_VTAG_ORIGINAL, 4, NULL},
	{CTA_PROTOINFO_SCTP_VTAG_REPLY, 4, NULL},
	{0, 0, NULL},
};
static const struct shape info_shape[] = {
	{CTA_PROTOINFO_TCP, 0, tcp_shape},
	{CTA_PROTOINFO_SCTP, 0, sctp_shape},
	{0, 0, NULL},
};
static const struct shape entry_shape[] = {
	{CTA_TUPLE_ORIG, 0, tuple_shape},
	{CTA_TUPLE_REPLY, 0, tuple_shape},
	{CTA_STATUS, 4, NULL},
	{CTA_PROTOINFO, 0, info_shape},
	{CTA_TIMEOUT, 4, NULL},
	{CTA_USE, 4, NULL},
	{CTA_ID, 4, NULL},
	{0, 0, NULL},
};

struct shapes {
	const struct shape *first;
};

/* Walks attributes against their shapes; the tables nest three deep, and so does this. */
static int check_shape(const struct nlattr *attr, void *data)
{
	const struct shape *s = ((const struct shapes *)data)->first;

	while (s->type && s->type != mnl_attr_get_type(attr))
		s++;
	if (s->nest) {
		struct shapes inner = {.first = s->nest};

		return mnl_attr_parse_nested(attr, check_shape, &inner);
	}
	if (!s->type || mnl_attr_get_payload_len(attr) != s->bytes) {
		errno = EPROTO;
		return MNL_CB_ERROR;
	}
	return MNL_CB_OK;
}

static void free_entry(struct nf_conntrack **ct)
{
	if (*ct)
		nfct_destroy(*ct);
}

static int on_entry(const struct nlmsghdr *m, void *data)
{
	struct breakdown *b = data;

	struct shapes outer = {.first = entry_shape};

	errno = EPROTO;
	if (m->nlmsg_type != (NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_NEW) ||
	    mnl_nlmsg_get_payload_len(m) < sizeof(struct nfgenmsg))
		return MNL_CB_ERROR;
	/*
	 * The library trusts its messages: 1.0.9 aborts the whole program on a wrong length. The
	 * kernel's are right; a record is a file from anywhere, and is held to what records are
	 * made of.
	 */
	if (b->check && mnl_attr_parse(m, sizeof(struct nfgenmsg), check_shape, &outer) < 0)
		return MNL_CB_ERROR;
	/* A new one each time: what one entry sets would stay for the next. */
	cleanup_with(free_entry) struct nf_conntrack *ct = nfct_new();
	if (!ct)
		out_of_memory();
	if (nfct_nlmsg_parse(m, ct) < 0)
		return MNL_CB_ERROR;
	count_entry(b, ct);
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
	cleanup_with(breakdown_done) struct breakdown b = {.check = h->captured};

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
