/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "sys/nl_sockdiag.h"

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

struct listeners {
	struct listener *item;
	size_t len, cap;
};

static void listeners_done(struct listeners *l)
{
	free(l->item);
}

struct nl_question sockdiag_listen_question(uint8_t family, void *buf)
{
	struct nlmsghdr *m = mnl_nlmsg_put_header(buf);
	struct inet_diag_req_v2 *req = mnl_nlmsg_put_extra_header(m, sizeof(*req));

	m->nlmsg_type = SOCK_DIAG_BY_FAMILY;
	req->sdiag_family = family;
	req->sdiag_protocol = IPPROTO_TCP;
	req->idiag_ext = 1 << (INET_DIAG_SKMEMINFO - 1);
	/* LISTEN has a hash of its own: other states would cost a walk over every socket. */
	req->idiag_states = 1 << TCP_LISTEN;
	return (struct nl_question){
		.bus = NETLINK_SOCK_DIAG,
		.record = family == AF_INET ? "inet_diag-tcp4-listen" : "inet_diag-tcp6-listen",
		.request = m,
		.dump = true,
	};
}

/* SK_MEMINFO_DROPS came last into the array (4.7), so an older kernel's is shorter. */
static int on_attribute(const struct nlattr *attr, void *data)
{
	struct listener *l = data;
	uint32_t drops;

	if (mnl_attr_get_type(attr) != INET_DIAG_SKMEMINFO ||
	    mnl_attr_get_payload_len(attr) < (SK_MEMINFO_DROPS + 1) * sizeof(drops))
		return MNL_CB_OK;
	memcpy(&drops, (const char *)mnl_attr_get_payload(attr) + SK_MEMINFO_DROPS * sizeof(drops),
	       sizeof(drops));
	l->drops = drops;
	return MNL_CB_OK;
}

static int on_socket(const struct nlmsghdr *m, void *data)
{
	struct listeners *all = data;
	const struct inet_diag_msg *d = mnl_nlmsg_get_payload(m);

	if (m->nlmsg_type != SOCK_DIAG_BY_FAMILY || mnl_nlmsg_get_payload_len(m) < sizeof(*d)) {
		errno = EPROTO;
		return MNL_CB_ERROR;
	}
	if (d->idiag_state != TCP_LISTEN ||
	    (d->idiag_family != AF_INET && d->idiag_family != AF_INET6))
		return MNL_CB_OK;

	struct listener *l =
		array_push((void **)&all->item, &all->len, &all->cap, sizeof(*all->item));
	l->family = d->idiag_family;
	memcpy(l->address, d->id.idiag_src, l->family == AF_INET ? 4 : 16);
	l->port = ntohs(d->id.idiag_sport);
	l->ifindex = d->id.idiag_if;
	l->queue = d->idiag_rqueue;
	l->limit = d->idiag_wqueue;
	l->inode = d->idiag_inode;
	l->uid = d->idiag_uid;
	l->cookie = (uint64_t)d->id.idiag_cookie[1] << 32 | d->id.idiag_cookie[0];
	return mnl_attr_parse(m, sizeof(*d), on_attribute, l);
}

/* A repeated dump starts its own family over, and keeps what the other family gave. */
struct dump {
	struct listeners *all;
	size_t start;
};

static int on_dump(const struct nlmsghdr *m, void *data)
{
	return on_socket(m, ((struct dump *)data)->all);
}

static void reset_dump(void *data)
{
	struct dump *d = data;

	d->all->len = d->start;
}

static int ask_family(const struct host *h, uint8_t family, struct listeners *all, struct err *e)
{
	_Alignas(struct nlmsghdr) char buf[NL_REQUEST_MAX];
	struct nl_question q = sockdiag_listen_question(family, buf);
	struct dump d = {.all = all, .start = all->len};

	return nl_ask(h, &q, on_dump, reset_dump, &d, e);
}

static int by_port(const void *pa, const void *pb)
{
	const struct listener *a = pa, *b = pb;
	int address = memcmp(a->address, b->address, sizeof(a->address));

	if (a->port != b->port)
		return a->port < b->port ? -1 : 1;
	if (a->family != b->family)
		return a->family < b->family ? -1 : 1;
	if (address)
		return address;
	return (a->cookie > b->cookie) - (a->cookie < b->cookie);
}

int sockdiag_listeners(const struct host *h, struct listener **ret, size_t *ret_len, struct err *e)
{
	cleanup_with(listeners_done) struct listeners all = {0};
	struct err v6 = {0};
	int r = ask_family(h, AF_INET, &all, e);

	if (r == -ENOENT)
		return err_set(e, ENOENT,
			       "list listening sockets: this kernel has no inet_diag for TCP "
			       "(module tcp_diag)");
	if (r < 0)
		return err_wrap(e, "list listening sockets");
	r = ask_family(h, AF_INET6, &all, &v6);
	/* A kernel without IPv6 has no handler for it, or an empty one. */
	if (r < 0 && r != -ENOENT && r != -EAFNOSUPPORT && r != -EPROTONOSUPPORT)
		return err_set(e, -r, "list listening sockets: %s", v6.msg);
	if (all.len > 1)
		qsort(all.item, all.len, sizeof(*all.item), by_port);
	*ret_len = all.len;
	*ret = TAKE_PTR(all.item);
	return 0;
}

const char *listener_name(const struct listener *l, char buf[LISTENER_NAME_MAX])
{
	char address[INET6_ADDRSTRLEN];

	inet_ntop(l->family, l->address, address, sizeof(address));
	snprintf(buf, LISTENER_NAME_MAX, l->family == AF_INET6 ? "tcp [%s]:%u" : "tcp %s:%u",
		 address, l->port);
	return buf;
}
