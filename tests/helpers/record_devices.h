/* SPDX-License-Identifier: GPL-2.0-or-later */
/* For nlrecord: network devices and their qdiscs, and what ethtool says of them. */
#ifndef RUNUP_TESTS_RECORD_DEVICES_H
#define RUNUP_TESTS_RECORD_DEVICES_H

#include <errno.h>
#include <linux/ethtool_netlink.h>
#include <linux/genetlink.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "sys/nl_ethtool.h"
#include "sys/nl_link.h"
#include "tests/helpers/recorder.h"

/* lo and eth0 are nobody's names; any other may be a customer's or a machine's. */
static void map_name(struct recorder *r, uint32_t index, const char *name, char buf[LINK_NAME_MAX])
{
	unsigned n;
	char rest;

	if (strcmp(name, "lo") == 0 || sscanf(name, "eth%u%c", &n, &rest) == 1)
		snprintf(buf, LINK_NAME_MAX, "%s", name);
	else
		snprintf(buf, LINK_NAME_MAX, "if%u",
			 number(r, KIND_INTERFACE, &index, sizeof(index)));
}

static int copy_kind(const struct nlattr *attr, void *data)
{
	if (mnl_attr_get_type(attr) == IFLA_INFO_KIND)
		mnl_attr_put(data, IFLA_INFO_KIND, mnl_attr_get_payload_len(attr),
			     mnl_attr_get_payload(attr));
	return MNL_CB_OK;
}

/* What a device is copied to, and as which. */
struct device_copy {
	struct recorder *recorder;
	struct nlmsghdr *to;
	uint32_t index; /* the host's own */
	bool told;
};

static int copy_link_member(const struct nlattr *attr, void *data)
{
	struct device_copy *c = data;
	uint16_t type = mnl_attr_get_type(attr);
	char name[LINK_NAME_MAX];

	switch (type) {
	case IFLA_IFNAME:
		map_name(c->recorder, c->index, mnl_attr_get_str(attr), name);
		mnl_attr_put_strz(c->to, type, name);
		if (c->told)
			printf("%s %s %u\n", mnl_attr_get_str(attr), name,
			       number(c->recorder, KIND_INTERFACE, &c->index, sizeof(c->index)));
		break;
	case IFLA_LINKINFO: {
		struct nlattr *nest = mnl_attr_nest_start(c->to, type);

		if (mnl_attr_parse_nested(attr, copy_kind, c->to) < 0)
			return MNL_CB_ERROR;
		mnl_attr_nest_end(c->to, nest);
		break;
	}
	case IFLA_QDISC:
	case IFLA_MTU:
	case IFLA_TXQLEN:
	case IFLA_STATS64:
		mnl_attr_put(c->to, type, mnl_attr_get_payload_len(attr),
			     mnl_attr_get_payload(attr));
		break;
	}
	return MNL_CB_OK;
}

static int record_link(const struct nlmsghdr *m, void *data)
{
	_Alignas(struct nlmsghdr) char buf[MESSAGE_MAX];
	struct recorder *r = data;
	struct device_copy c = {.recorder = r, .to = start_message(buf, m)};
	struct ifinfomsg *info = mnl_nlmsg_put_extra_header(c.to, sizeof(*info));

	memcpy(info, mnl_nlmsg_get_payload(m), sizeof(*info));
	c.index = (uint32_t)info->ifi_index;
	c.told = (info->ifi_flags & IFF_UP) && !(info->ifi_flags & IFF_LOOPBACK);
	info->ifi_index = (int)number(r, KIND_INTERFACE, &c.index, sizeof(c.index));
	if (mnl_attr_parse(m, sizeof(*info), copy_link_member, &c) < 0)
		return MNL_CB_ERROR;
	write_message(r, c.to);
	return MNL_CB_OK;
}

static int copy_qdisc_member(const struct nlattr *attr, void *data)
{
	uint16_t type = mnl_attr_get_type(attr);

	if (type == TCA_KIND || type == TCA_OPTIONS || type == TCA_STATS2)
		mnl_attr_put(data, type, mnl_attr_get_payload_len(attr),
			     mnl_attr_get_payload(attr));
	return MNL_CB_OK;
}

static int record_qdisc(const struct nlmsghdr *m, void *data)
{
	_Alignas(struct nlmsghdr) char buf[MESSAGE_MAX];
	struct recorder *r = data;
	struct nlmsghdr *copy = start_message(buf, m);
	struct tcmsg *tc = mnl_nlmsg_put_extra_header(copy, sizeof(*tc));

	if (m->nlmsg_len > sizeof(buf)) {
		errno = EPROTO;
		return MNL_CB_ERROR;
	}
	memcpy(tc, mnl_nlmsg_get_payload(m), sizeof(*tc));
	uint32_t index = (uint32_t)tc->tcm_ifindex;

	tc->tcm_ifindex = (int)number(r, KIND_INTERFACE, &index, sizeof(index));
	if (mnl_attr_parse(m, sizeof(*tc), copy_qdisc_member, copy) < 0)
		return MNL_CB_ERROR;
	write_message(r, copy);
	return MNL_CB_OK;
}

static int read_index(const struct nlattr *attr, void *data)
{
	if (mnl_attr_get_type(attr) == ETHTOOL_A_HEADER_DEV_INDEX)
		*(uint32_t *)data = mnl_attr_get_u32(attr);
	return MNL_CB_OK;
}

static int copy_header_member(const struct nlattr *attr, void *data)
{
	struct device_copy *c = data;
	char name[LINK_NAME_MAX];

	if (mnl_attr_get_type(attr) == ETHTOOL_A_HEADER_DEV_NAME) {
		map_name(c->recorder, c->index, mnl_attr_get_str(attr), name);
		mnl_attr_put_strz(c->to, ETHTOOL_A_HEADER_DEV_NAME, name);
	}
	return MNL_CB_OK;
}

/* The header is member 1 of each answer (ETHTOOL_A_RINGS_HEADER …). */
static int copy_ethtool_member(const struct nlattr *attr, void *data)
{
	struct device_copy *c = data;
	uint16_t type = mnl_attr_get_type(attr);

	if (type != ETHTOOL_A_RINGS_HEADER) {
		mnl_attr_put(c->to, (uint16_t)(attr->nla_type & ~NLA_F_NET_BYTEORDER),
			     mnl_attr_get_payload_len(attr), mnl_attr_get_payload(attr));
		return MNL_CB_OK;
	}
	struct nlattr *nest = mnl_attr_nest_start(c->to, type);

	if (mnl_attr_parse_nested(attr, read_index, &c->index) < 0)
		return MNL_CB_ERROR;
	mnl_attr_put_u32(c->to, ETHTOOL_A_HEADER_DEV_INDEX,
			 number(c->recorder, KIND_INTERFACE, &c->index, sizeof(c->index)));
	if (mnl_attr_parse_nested(attr, copy_header_member, c) < 0)
		return MNL_CB_ERROR;
	mnl_attr_nest_end(c->to, nest);
	return MNL_CB_OK;
}

static int record_ethtool(const struct nlmsghdr *m, void *data)
{
	_Alignas(struct nlmsghdr) char buf[MESSAGE_MAX * 8];
	struct recorder *r = data;
	struct device_copy c = {.recorder = r, .to = start_message(buf, m)};
	struct genlmsghdr *g = mnl_nlmsg_put_extra_header(c.to, sizeof(*g));

	if (m->nlmsg_len > sizeof(buf) / 2) {
		errno = EPROTO;
		return MNL_CB_ERROR;
	}
	memcpy(g, mnl_nlmsg_get_payload(m), sizeof(*g));
	if (mnl_attr_parse(m, sizeof(*g), copy_ethtool_member, &c) < 0)
		return MNL_CB_ERROR;
	write_message(r, c.to);
	return MNL_CB_OK;
}

static int copy_family(const struct nlattr *attr, void *data)
{
	if (mnl_attr_get_type(attr) == CTRL_ATTR_FAMILY_ID)
		mnl_attr_put_u16(data, CTRL_ATTR_FAMILY_ID, mnl_attr_get_u16(attr));
	return MNL_CB_OK;
}

static int record_family(const struct nlmsghdr *m, void *data)
{
	_Alignas(struct nlmsghdr) char buf[MESSAGE_MAX];
	struct nlmsghdr *copy = start_message(buf, m);
	struct genlmsghdr *g = mnl_nlmsg_put_extra_header(copy, sizeof(*g));

	memcpy(g, mnl_nlmsg_get_payload(m), sizeof(*g));
	if (mnl_attr_parse(m, sizeof(*g), copy_family, copy) < 0)
		return MNL_CB_ERROR;
	write_message(data, copy);
	return MNL_CB_OK;
}

#endif
