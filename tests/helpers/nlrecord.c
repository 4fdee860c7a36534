/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Writes the netlink records of a captured host: asks the live kernel what runup asks, and takes
 * out whatever tells whose host it was. Addresses become documentation ones (the same for the
 * same, so that what belongs together stays together); inodes, cookies, users and interfaces are
 * numbered anew; attributes that runup does not read are left out. Network devices but lo and ethN
 * are named ifN; what those that are up are called is printed: name, new name, new index.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <linux/inet_diag.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/arena.h"
#include "base/cleanup.h"
#include "base/parse.h"
#include "sys/ct.h"
#include "sys/nl.h"
#include "sys/nl_ethtool.h"
#include "sys/nl_link.h"
#include "sys/nl_sockdiag.h"
#include "sys/nl_sockets.h"
#include "tests/helpers/record_devices.h"

#define ENTRIES_DEFAULT 200

/* 192.0.2.0/24, 198.51.100.0/24 and 203.0.113.0/24 are nobody's (RFC 5737). */
static void map_inet4(struct recorder *r, void *address)
{
	static const uint32_t nets[] = {0xc0000200, 0xc6336400, 0xcb007100};
	uint32_t a;

	memcpy(&a, address, sizeof(a));
	if (a == 0 || ntohl(a) >> 24 == IN_LOOPBACKNET)
		return;
	uint32_t n = (number(r, KIND_INET4, &a, sizeof(a)) - 1) % (254 * ARRAY_LEN(nets));
	a = htonl(nets[n / 254] + 1 + n % 254);
	memcpy(address, &a, sizeof(a));
}

/* 2001:db8::/32 as well (RFC 3849). */
static void map_inet6(struct recorder *r, void *address)
{
	static const unsigned char net[16] = {0x20, 0x01, 0x0d, 0xb8};
	struct in6_addr a;

	memcpy(&a, address, sizeof(a));
	if (IN6_IS_ADDR_UNSPECIFIED(&a) || IN6_IS_ADDR_LOOPBACK(&a))
		return;
	if (IN6_IS_ADDR_V4MAPPED(&a)) {
		map_inet4(r, &a.s6_addr[12]);
	} else {
		uint32_t n = htonl(number(r, KIND_INET6, &a, sizeof(a)));

		memcpy(a.s6_addr, net, sizeof(net));
		memcpy(&a.s6_addr[12], &n, sizeof(n));
	}
	memcpy(address, &a, sizeof(a));
}

static int copy_meminfo(const struct nlattr *attr, void *data)
{
	if (mnl_attr_get_type(attr) == INET_DIAG_SKMEMINFO)
		mnl_attr_put(data, INET_DIAG_SKMEMINFO, mnl_attr_get_payload_len(attr),
			     mnl_attr_get_payload(attr));
	return MNL_CB_OK;
}

static int record_listener(const struct nlmsghdr *m, void *data)
{
	_Alignas(struct nlmsghdr) char buf[MESSAGE_MAX];
	struct recorder *r = data;
	struct nlmsghdr *copy = start_message(buf, m);
	struct inet_diag_msg *d = mnl_nlmsg_put_extra_header(copy, sizeof(*d));

	if (mnl_nlmsg_get_payload_len(m) < sizeof(*d) || m->nlmsg_len > sizeof(buf)) {
		errno = EPROTO;
		return MNL_CB_ERROR;
	}
	memcpy(d, mnl_nlmsg_get_payload(m), sizeof(*d));
	if (d->idiag_family == AF_INET)
		map_inet4(r, d->id.idiag_src);
	else
		map_inet6(r, d->id.idiag_src);
	memset(d->id.idiag_dst, 0, sizeof(d->id.idiag_dst));
	d->id.idiag_cookie[0] =
		number(r, KIND_COOKIE, d->id.idiag_cookie, sizeof(d->id.idiag_cookie));
	d->id.idiag_cookie[1] = 0;
	if (d->id.idiag_if)
		d->id.idiag_if = number(r, KIND_INTERFACE, &d->id.idiag_if, sizeof(d->id.idiag_if));
	if (d->idiag_uid)
		d->idiag_uid = 999 + number(r, KIND_USER, &d->idiag_uid, sizeof(d->idiag_uid));
	if (d->idiag_inode)
		d->idiag_inode =
			10000 + number(r, KIND_INODE, &d->idiag_inode, sizeof(d->idiag_inode));
	if (mnl_attr_parse(m, sizeof(*d), copy_meminfo, copy) < 0)
		return MNL_CB_ERROR;
	write_message(r, copy);
	return MNL_CB_OK;
}

/* Nothing but counters is in these. */
static int record_statistics(const struct nlmsghdr *m, void *data)
{
	_Alignas(struct nlmsghdr) char buf[MESSAGE_MAX];
	struct nlmsghdr *copy = (struct nlmsghdr *)buf;

	if (m->nlmsg_len > sizeof(buf)) {
		errno = EPROTO;
		return MNL_CB_ERROR;
	}
	memcpy(buf, m, m->nlmsg_len);
	copy->nlmsg_seq = copy->nlmsg_pid = 0;
	write_message(data, copy);
	return MNL_CB_OK;
}

/* Where an entry is copied to. */
struct copying {
	struct recorder *recorder;
	struct nlmsghdr *to;
};

static int copy_address(const struct nlattr *attr, void *data)
{
	struct copying *c = data;
	unsigned char address[16];
	uint16_t type = mnl_attr_get_type(attr), len = mnl_attr_get_payload_len(attr);

	if (len != 4 && len != 16)
		return MNL_CB_OK;
	memcpy(address, mnl_attr_get_payload(attr), len);
	if (len == 4)
		map_inet4(c->recorder, address);
	else
		map_inet6(c->recorder, address);
	mnl_attr_put(c->to, type, len, address);
	return MNL_CB_OK;
}

static int copy_tuple_member(const struct nlattr *attr, void *data)
{
	struct copying *c = data;
	uint16_t type = mnl_attr_get_type(attr);

	if (type == CTA_TUPLE_IP) {
		struct nlattr *nest = mnl_attr_nest_start(c->to, type);

		if (mnl_attr_parse_nested(attr, copy_address, c) < 0)
			return MNL_CB_ERROR;
		mnl_attr_nest_end(c->to, nest);
	} else if (type == CTA_TUPLE_PROTO) {
		mnl_attr_put(c->to, NLA_F_NESTED | type, mnl_attr_get_payload_len(attr),
			     mnl_attr_get_payload(attr));
	}
	return MNL_CB_OK;
}

static int copy_protocol_state(const struct nlattr *attr, void *data)
{
	struct copying *c = data;
	uint16_t type = mnl_attr_get_type(attr);

	if (type == CTA_PROTOINFO_TCP || type == CTA_PROTOINFO_SCTP)
		mnl_attr_put(c->to, NLA_F_NESTED | type, mnl_attr_get_payload_len(attr),
			     mnl_attr_get_payload(attr));
	return MNL_CB_OK;
}

/* What is not named here (marks, labels, security contexts, times, helpers) stays behind. */
static int copy_member(const struct nlattr *attr, void *data)
{
	struct copying *c = data;
	uint16_t type = mnl_attr_get_type(attr), len = mnl_attr_get_payload_len(attr);
	struct nlattr *nest;
	int r;

	switch (type) {
	case CTA_TUPLE_ORIG:
	case CTA_TUPLE_REPLY:
	case CTA_PROTOINFO:
		nest = mnl_attr_nest_start(c->to, type);
		r = mnl_attr_parse_nested(attr,
					  type == CTA_PROTOINFO ? copy_protocol_state
								: copy_tuple_member,
					  c);
		if (r < 0)
			return r;
		mnl_attr_nest_end(c->to, nest);
		break;
	case CTA_STATUS:
	case CTA_TIMEOUT:
	case CTA_USE:
		mnl_attr_put(c->to, type, len, mnl_attr_get_payload(attr));
		break;
	case CTA_ID:
		mnl_attr_put_u32(c->to, type,
				 htonl(number(c->recorder, KIND_ID, mnl_attr_get_payload(attr),
					      len < 16 ? len : 16)));
		break;
	}
	return MNL_CB_OK;
}

static int record_entry(const struct nlmsghdr *m, void *data)
{
	_Alignas(struct nlmsghdr) char buf[MESSAGE_MAX];
	struct recorder *r = data;
	struct copying c = {.recorder = r, .to = start_message(buf, m)};
	struct nfgenmsg *nf = mnl_nlmsg_put_extra_header(c.to, sizeof(*nf));

	if (mnl_nlmsg_get_payload_len(m) < sizeof(*nf) || m->nlmsg_len > sizeof(buf)) {
		errno = EPROTO;
		return MNL_CB_ERROR;
	}
	if (r->entries == r->entries_max)
		return MNL_CB_STOP;
	r->entries++;
	memcpy(nf, mnl_nlmsg_get_payload(m), sizeof(*nf));
	if (mnl_attr_parse(m, sizeof(*nf), copy_member, &c) < 0)
		return MNL_CB_ERROR;
	write_message(r, c.to);
	return MNL_CB_OK;
}

/*
 * Asks, and writes <folder>/<record>.hex. A refusal leaves no record (the captured host then
 * answers as one where it was refused); -ENOENT for IPv6 leaves an empty one.
 */
static int record(struct recorder *r, const struct host *h, const char *folder,
		  const struct nl_question *q, mnl_cb_t each)
{
	struct err e = {0};
	char path[4096];

	snprintf(path, sizeof(path), "%s/%s.hex", folder, q->record);
	cleanup_fclose FILE *out = fopen(path, "we");
	if (!out) {
		fprintf(stderr, "nlrecord: write '%s': %s\n", path, strerror(errno));
		return -1;
	}
	r->out = out;
	fprintf(out, "# %s, of Linux %.*s\n", q->record, (int)strcspn(h->release, "-+ "),
		h->release);
	int error = nl_ask(h, q, each, NULL, r, &e);
	if (error == -ENOENT && q->bus == NETLINK_SOCK_DIAG)
		error = 0;
	if (error < 0) {
		fprintf(stderr, "nlrecord: no record '%s': %s\n", q->record, e.msg);
		remove(path);
	}
	return fflush(out) == 0 ? 0 : -1;
}

/* First of all, so that devices are numbered in their order, lo as 1. */
static int record_devices(struct recorder *r, const struct host *h, const char *folder)
{
	_Alignas(struct nlmsghdr) char buf[NL_REQUEST_MAX];
	struct nl_question q = link_question(true, buf);
	struct err e = {0};
	uint16_t family;
	int failed = record(r, h, folder, &q, record_link);

	q = qdisc_question(buf);
	failed |= record(r, h, folder, &q, record_qdisc);
	q = ethtool_family_question(buf);
	failed |= record(r, h, folder, &q, record_family);
	if (ethtool_family(h, &family, &e) < 0)
		return failed;
	for (enum ethtool_ask ask = 0; ask < ETHTOOL_ASKS; ask++) {
		q = ethtool_question(ask, family, buf);
		failed |= record(r, h, folder, &q, record_ethtool);
	}
	return failed;
}

static int record_all(struct recorder *r, const struct host *h, const char *folder)
{
	static const mnl_cb_t each[] = {
		[CT_ASK_STATS_CPU] = record_statistics,
		[CT_ASK_STATS] = record_statistics,
		[CT_ASK_DUMP] = record_entry,
	};
	_Alignas(struct nlmsghdr) char buf[NL_REQUEST_MAX];
	int failed = record_devices(r, h, folder);
	struct nl_question q = sockdiag_listen_question(AF_INET, buf);

	failed |= record(r, h, folder, &q, record_listener);
	q = sockdiag_listen_question(AF_INET6, buf);
	failed |= record(r, h, folder, &q, record_listener);
	q = sockets_question(SOCKETS_UDP, AF_INET, buf);
	failed |= record(r, h, folder, &q, record_listener);
	q = sockets_question(SOCKETS_UDP, AF_INET6, buf);
	failed |= record(r, h, folder, &q, record_listener);
	if (!ct_netlink_loaded(h))
		return failed;
	for (enum ct_ask ask = CT_ASK_STATS_CPU; ask <= CT_ASK_DUMP; ask++) {
		q = ct_question(ask, buf);
		failed |= record(r, h, folder, &q, each[ask]);
	}
	return failed;
}

int main(int argc, char **argv)
{
	struct recorder r = {.entries_max = ENTRIES_DEFAULT};
	struct host h;
	struct err e = {0};

	if (argc < 2 || argc > 3 ||
	    (argc == 3 && parse_u64(argv[2], 0, UINT32_MAX, &r.entries_max) < 0)) {
		fprintf(stderr, "usage: nlrecord FOLDER [CONNTRACK_ENTRIES]\n");
		return 2;
	}
	if (mkdir(argv[1], 0755) < 0 && errno != EEXIST) {
		fprintf(stderr, "nlrecord: make '%s': %s\n", argv[1], strerror(errno));
		return 1;
	}
	if (host_open(&h, NULL, NULL, &e) < 0) {
		fprintf(stderr, "nlrecord: %s\n", e.msg);
		return 1;
	}
	int failed = record_all(&r, &h, argv[1]);
	for (size_t i = 0; i < KINDS; i++)
		free(r.numbers[i].item);
	host_close(&h);
	return failed ? 1 : 0;
}
