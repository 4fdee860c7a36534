/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "sys/nl_link.h"

#include <errno.h>
#include <linux/gen_stats.h>
#include <linux/if_link.h>
#include <linux/netlink.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/cleanup.h"

struct list {
	void *item;
	size_t len, cap;
};

static void list_done(struct list *l)
{
	free(l->item);
}

static void list_reset(void *data)
{
	((struct list *)data)->len = 0;
}

bool link_is_hardware(const struct link *l)
{
	return !l->loopback && !l->kind[0] && l->type == ARPHRD_ETHER;
}

struct nl_question link_question(bool stats, void *buf)
{
	struct nlmsghdr *m = mnl_nlmsg_put_header(buf);
	struct ifinfomsg *info = mnl_nlmsg_put_extra_header(m, sizeof(*info));

	m->nlmsg_type = RTM_GETLINK;
	info->ifi_family = AF_UNSPEC;
	if (!stats)
		mnl_attr_put_u32(m, IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS);
	return (struct nl_question){.bus = NETLINK_ROUTE,
				    .record = "rtnl-link",
				    .request = m,
				    .dump = true};
}

struct nl_question qdisc_question(void *buf)
{
	struct nlmsghdr *m = mnl_nlmsg_put_header(buf);
	struct tcmsg *tc = mnl_nlmsg_put_extra_header(m, sizeof(*tc));

	m->nlmsg_type = RTM_GETQDISC;
	tc->tcm_family = AF_UNSPEC;
	return (struct nl_question){.bus = NETLINK_ROUTE,
				    .record = "rtnl-qdisc",
				    .request = m,
				    .dump = true};
}

/* Cut to size; what is no text stays empty. */
static void copy_text(const struct nlattr *attr, char *buf, size_t size)
{
	if (mnl_attr_validate(attr, MNL_TYPE_STRING) < 0)
		return;

	size_t len = strnlen(mnl_attr_get_str(attr), mnl_attr_get_payload_len(attr));

	if (len >= size)
		len = size - 1;
	memcpy(buf, mnl_attr_get_payload(attr), len);
	buf[len] = '\0';
}

static void copy_u32(const struct nlattr *attr, uint32_t *ret)
{
	if (mnl_attr_validate(attr, MNL_TYPE_U32) >= 0)
		*ret = mnl_attr_get_u32(attr);
}

static int on_link_info(const struct nlattr *attr, void *data)
{
	struct link *l = data;

	if (mnl_attr_get_type(attr) == IFLA_INFO_KIND)
		copy_text(attr, l->kind, sizeof(l->kind));
	return MNL_CB_OK;
}

/* An older kernel's struct is shorter: what it does not have stays 0. */
static void copy_stats(const struct nlattr *attr, struct link_stats *ret)
{
	struct rtnl_link_stats64 s = {0};
	size_t len = mnl_attr_get_payload_len(attr);

	memcpy(&s, mnl_attr_get_payload(attr), len < sizeof(s) ? len : sizeof(s));
	*ret = (struct link_stats){
		.rx_packets = s.rx_packets,
		.tx_packets = s.tx_packets,
		.rx_errors = s.rx_errors,
		.rx_dropped = s.rx_dropped,
		.rx_missed = s.rx_missed_errors,
		.rx_fifo = s.rx_fifo_errors,
		.rx_crc = s.rx_crc_errors,
		.tx_errors = s.tx_errors,
		.tx_dropped = s.tx_dropped,
		.tx_carrier = s.tx_carrier_errors,
	};
}

static int on_link_attribute(const struct nlattr *attr, void *data)
{
	struct link *l = data;
	uint16_t len = mnl_attr_get_payload_len(attr);

	switch (mnl_attr_get_type(attr)) {
	case IFLA_IFNAME:
		copy_text(attr, l->name, sizeof(l->name));
		break;
	case IFLA_QDISC:
		copy_text(attr, l->qdisc, sizeof(l->qdisc));
		break;
	case IFLA_MTU:
		copy_u32(attr, &l->mtu);
		break;
	case IFLA_TXQLEN:
		copy_u32(attr, &l->queue_length);
		break;
	case IFLA_ADDRESS:
		if (len <= sizeof(l->address)) {
			memcpy(l->address, mnl_attr_get_payload(attr), len);
			l->address_len = (uint8_t)len;
		}
		break;
	case IFLA_PERM_ADDRESS:
		if (len <= sizeof(l->permanent)) {
			memcpy(l->permanent, mnl_attr_get_payload(attr), len);
			l->permanent_len = (uint8_t)len;
		}
		break;
	case IFLA_STATS64:
		copy_stats(attr, &l->stats);
		break;
	case IFLA_LINKINFO:
		return mnl_attr_parse_nested(attr, on_link_info, l);
	}
	return MNL_CB_OK;
}

static int on_link(const struct nlmsghdr *m, void *data)
{
	struct list *all = data;
	const struct ifinfomsg *info = mnl_nlmsg_get_payload(m);

	if (m->nlmsg_type != RTM_NEWLINK || mnl_nlmsg_get_payload_len(m) < sizeof(*info)) {
		errno = EPROTO;
		return MNL_CB_ERROR;
	}
	struct link *l = array_push(&all->item, &all->len, &all->cap, sizeof(*l));

	l->index = (uint32_t)info->ifi_index;
	l->type = info->ifi_type;
	l->up = info->ifi_flags & IFF_UP;
	l->loopback = info->ifi_flags & IFF_LOOPBACK;
	/* IFF_RUNNING is operstate: up, or unknown where the driver does not tell (lo). */
	l->carrier = info->ifi_flags & IFF_RUNNING;
	return mnl_attr_parse(m, sizeof(*info), on_link_attribute, l);
}

static int by_index(const void *pa, const void *pb)
{
	const struct link *a = pa, *b = pb;

	return (a->index > b->index) - (a->index < b->index);
}

int links_read(const struct host *h, bool stats, struct link **ret, size_t *ret_len, struct err *e)
{
	_Alignas(struct nlmsghdr) char buf[NL_REQUEST_MAX];
	cleanup_with(list_done) struct list all = {0};
	struct nl_question q = link_question(stats, buf);
	int r = nl_ask(h, &q, on_link, list_reset, &all, e);

	if (r < 0)
		return err_wrap(e, "list network devices");
	if (all.len > 1)
		qsort(all.item, all.len, sizeof(struct link), by_index);
	*ret_len = all.len;
	*ret = TAKE_PTR(all.item);
	return 0;
}

static int on_qdisc_stats(const struct nlattr *attr, void *data)
{
	struct qdisc *d = data;
	struct gnet_stats_queue queue;

	if (mnl_attr_get_type(attr) != TCA_STATS_QUEUE ||
	    mnl_attr_get_payload_len(attr) < sizeof(queue))
		return MNL_CB_OK;
	memcpy(&queue, mnl_attr_get_payload(attr), sizeof(queue));
	d->waiting = queue.qlen;
	d->drops = queue.drops;
	d->overlimits = queue.overlimits;
	return MNL_CB_OK;
}

static int on_qdisc_attribute(const struct nlattr *attr, void *data)
{
	struct qdisc *d = data;
	struct tc_fifo_qopt fifo;

	switch (mnl_attr_get_type(attr)) {
	case TCA_KIND:
		copy_text(attr, d->kind, sizeof(d->kind));
		break;
	case TCA_OPTIONS: /* comes after the kind (tc_fill_qdisc, net/sched/sch_api.c) */
		if (strcmp(d->kind, "pfifo") != 0 || mnl_attr_get_payload_len(attr) < sizeof(fifo))
			break;
		memcpy(&fifo, mnl_attr_get_payload(attr), sizeof(fifo));
		d->has_limit = true;
		d->limit = fifo.limit;
		break;
	case TCA_STATS2:
		return mnl_attr_parse_nested(attr, on_qdisc_stats, d);
	}
	return MNL_CB_OK;
}

static int on_qdisc(const struct nlmsghdr *m, void *data)
{
	struct list *all = data;
	const struct tcmsg *tc = mnl_nlmsg_get_payload(m);

	if (m->nlmsg_type != RTM_NEWQDISC || mnl_nlmsg_get_payload_len(m) < sizeof(*tc)) {
		errno = EPROTO;
		return MNL_CB_ERROR;
	}
	struct qdisc *d = array_push(&all->item, &all->len, &all->cap, sizeof(*d));

	d->ifindex = (uint32_t)tc->tcm_ifindex;
	d->parent = tc->tcm_parent;
	return mnl_attr_parse(m, sizeof(*tc), on_qdisc_attribute, d);
}

int qdiscs_read(const struct host *h, struct qdisc **ret, size_t *ret_len, struct err *e)
{
	_Alignas(struct nlmsghdr) char buf[NL_REQUEST_MAX];
	cleanup_with(list_done) struct list all = {0};
	struct nl_question q = qdisc_question(buf);
	int r = nl_ask(h, &q, on_qdisc, list_reset, &all, e);

	if (r < 0)
		return err_wrap(e, "list queueing disciplines");
	*ret_len = all.len;
	*ret = TAKE_PTR(all.item);
	return 0;
}
