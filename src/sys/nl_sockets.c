/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "sys/nl_sockets.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/cleanup.h"

/* Not in headers before 6.8: TCP_BOUND_INACTIVE, a state of inet_diag alone (net/tcp_states.h). */
#define STATE_BOUND 13

struct sockets {
	struct inet_socket *item;
	size_t len, cap;
	size_t start; /* of the family that is being asked for */
};

static void sockets_done(struct sockets *s)
{
	free(s->item);
}

static void sockets_reset(void *data)
{
	struct sockets *s = data;

	s->len = s->start;
}

struct nl_question sockets_question(enum sockets_ask ask, uint8_t family, void *buf)
{
	static const char *const records[][2] = {
		[SOCKETS_TCP_PORTS] = {"inet_diag-tcp4-ports", "inet_diag-tcp6-ports"},
		[SOCKETS_UDP] = {"inet_diag-udp4", "inet_diag-udp6"},
		[SOCKETS_TCP_BOUND] = {"inet_diag-tcp4-bound", "inet_diag-tcp6-bound"},
	};
	struct nlmsghdr *m = mnl_nlmsg_put_header(buf);
	struct inet_diag_req_v2 *req = mnl_nlmsg_put_extra_header(m, sizeof(*req));

	m->nlmsg_type = SOCK_DIAG_BY_FAMILY;
	req->sdiag_family = family;
	req->sdiag_protocol = ask == SOCKETS_UDP ? IPPROTO_UDP : IPPROTO_TCP;
	req->idiag_states = UINT32_MAX;
	if (ask == SOCKETS_UDP)
		req->idiag_ext = 1 << (INET_DIAG_SKMEMINFO - 1);
	else if (ask == SOCKETS_TCP_BOUND)
		req->idiag_states = 1 << STATE_BOUND;
	else /* neither listeners nor what is being accepted (both hold the listener's port) */
		req->idiag_states = 1 << TCP_ESTABLISHED | 1 << TCP_SYN_SENT | 1 << TCP_FIN_WAIT1 |
				    1 << TCP_FIN_WAIT2 | 1 << TCP_TIME_WAIT | 1 << TCP_CLOSE_WAIT |
				    1 << TCP_LAST_ACK | 1 << TCP_CLOSING;
	return (struct nl_question){
		.bus = NETLINK_SOCK_DIAG,
		.record = records[ask][family == AF_INET6],
		.request = m,
		.dump = true,
	};
}

static int on_attribute(const struct nlattr *attr, void *data)
{
	struct inet_socket *s = data;
	uint32_t mem[SK_MEMINFO_VARS] = {0};
	size_t len = mnl_attr_get_payload_len(attr);

	if (mnl_attr_get_type(attr) != INET_DIAG_SKMEMINFO)
		return MNL_CB_OK;
	memcpy(mem, mnl_attr_get_payload(attr), len < sizeof(mem) ? len : sizeof(mem));
	s->receive_queue = mem[SK_MEMINFO_RMEM_ALLOC];
	s->receive_buffer = mem[SK_MEMINFO_RCVBUF];
	s->drops = mem[SK_MEMINFO_DROPS];
	return MNL_CB_OK;
}

static int on_socket(const struct nlmsghdr *m, void *data)
{
	struct sockets *all = data;
	const struct inet_diag_msg *d = mnl_nlmsg_get_payload(m);

	if (m->nlmsg_type != SOCK_DIAG_BY_FAMILY || mnl_nlmsg_get_payload_len(m) < sizeof(*d)) {
		errno = EPROTO;
		return MNL_CB_ERROR;
	}
	if (d->idiag_family != AF_INET && d->idiag_family != AF_INET6)
		return MNL_CB_OK;

	struct inet_socket *s =
		array_push((void **)&all->item, &all->len, &all->cap, sizeof(*all->item));
	size_t size = d->idiag_family == AF_INET ? 4 : 16;

	s->family = d->idiag_family;
	memcpy(s->local, d->id.idiag_src, size);
	memcpy(s->peer, d->id.idiag_dst, size);
	s->local_port = ntohs(d->id.idiag_sport);
	s->peer_port = ntohs(d->id.idiag_dport);
	return mnl_attr_parse(m, sizeof(*d), on_attribute, s);
}

static bool tells_bound(const struct host *h)
{
	unsigned major, minor;

	return sscanf(h->release, "%u.%u", &major, &minor) == 2 &&
	       (major > 6 || (major == 6 && minor >= 8));
}

int sockets_read(const struct host *h, enum sockets_ask ask, struct inet_socket **ret,
		 size_t *ret_len, struct err *e)
{
	_Alignas(struct nlmsghdr) char buf[NL_REQUEST_MAX];
	cleanup_with(sockets_done) struct sockets all = {0};
	struct nl_question q = sockets_question(ask, AF_INET, buf);
	struct err v6 = {0};

	if (ask == SOCKETS_TCP_BOUND && !tells_bound(h))
		return err_set(e, EOPNOTSUPP, "list bound sockets: Linux 6.8 is the first to tell");

	int r = nl_ask(h, &q, on_socket, sockets_reset, &all, e);

	if (r < 0)
		return err_wrap(e, "list sockets");
	all.start = all.len;
	q = sockets_question(ask, AF_INET6, buf);
	r = nl_ask(h, &q, on_socket, sockets_reset, &all, &v6);
	/* A kernel without IPv6 has no handler for it. */
	if (r < 0 && r != -ENOENT && r != -EAFNOSUPPORT && r != -EPROTONOSUPPORT)
		return err_set(e, -r, "list sockets: %s", v6.msg);
	*ret_len = all.len;
	*ret = TAKE_PTR(all.item);
	return 0;
}
