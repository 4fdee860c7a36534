/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "sys/nl_ethtool.h"

#include <errno.h>
#include <linux/ethtool_netlink.h>
#include <linux/genetlink.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/cleanup.h"

_Static_assert(ETHTOOL_DUPLEX_HALF == DUPLEX_HALF, "as the kernel counts them");
_Static_assert(ETHTOOL_DUPLEX_UNKNOWN == DUPLEX_UNKNOWN, "as the kernel counts them");
_Static_assert((int)ETHTOOL_A_RINGS_HEADER == (int)ETHTOOL_A_CHANNELS_HEADER &&
		       (int)ETHTOOL_A_RINGS_HEADER == (int)ETHTOOL_A_LINKMODES_HEADER &&
		       (int)ETHTOOL_A_RINGS_HEADER == (int)ETHTOOL_A_FEATURES_HEADER,
	       "one number for the header of all questions");

static const char *const offload_names[ETHTOOL_OFFLOADS] = {
	[ETHTOOL_TSO] = "tx-tcp-segmentation",
	[ETHTOOL_GSO] = "tx-generic-segmentation",
	[ETHTOOL_GRO] = "rx-gro",
	[ETHTOOL_RX_CSUM] = "rx-checksum",
};

const char *ethtool_offload_name(enum ethtool_offload o)
{
	return offload_names[o];
}

struct devices {
	struct ethtool_device *item;
	size_t len, cap;
	mnl_attr_cb_t each;
	uint8_t command; /* of the answers */
};

static void devices_done(struct devices *d)
{
	free(d->item);
}

static void devices_reset(void *data)
{
	((struct devices *)data)->len = 0;
}

static void put_u32(const struct nlattr *attr, uint32_t *ret)
{
	if (mnl_attr_validate(attr, MNL_TYPE_U32) >= 0)
		*ret = mnl_attr_get_u32(attr);
}

static int on_header(const struct nlattr *attr, void *data)
{
	struct ethtool_device *d = data;

	switch (mnl_attr_get_type(attr)) {
	case ETHTOOL_A_HEADER_DEV_INDEX:
		put_u32(attr, &d->index);
		break;
	case ETHTOOL_A_HEADER_DEV_NAME:
		if (mnl_attr_validate(attr, MNL_TYPE_NUL_STRING) >= 0 &&
		    mnl_attr_get_payload_len(attr) <= sizeof(d->name))
			memcpy(d->name, mnl_attr_get_str(attr), mnl_attr_get_payload_len(attr));
		break;
	}
	return MNL_CB_OK;
}

static int on_rings(const struct nlattr *attr, void *data)
{
	struct ethtool_device *d = data;

	switch (mnl_attr_get_type(attr)) {
	case ETHTOOL_A_RINGS_HEADER:
		return mnl_attr_parse_nested(attr, on_header, d);
	case ETHTOOL_A_RINGS_RX_MAX:
		put_u32(attr, &d->rx_ring_max);
		break;
	case ETHTOOL_A_RINGS_RX:
		put_u32(attr, &d->rx_ring);
		break;
	case ETHTOOL_A_RINGS_TX_MAX:
		put_u32(attr, &d->tx_ring_max);
		break;
	case ETHTOOL_A_RINGS_TX:
		put_u32(attr, &d->tx_ring);
		break;
	}
	return MNL_CB_OK;
}

static int on_channels(const struct nlattr *attr, void *data)
{
	struct ethtool_device *d = data;

	switch (mnl_attr_get_type(attr)) {
	case ETHTOOL_A_CHANNELS_HEADER:
		return mnl_attr_parse_nested(attr, on_header, d);
	case ETHTOOL_A_CHANNELS_RX_MAX:
		put_u32(attr, &d->rx_channels_max);
		break;
	case ETHTOOL_A_CHANNELS_RX_COUNT:
		put_u32(attr, &d->rx_channels);
		break;
	case ETHTOOL_A_CHANNELS_TX_MAX:
		put_u32(attr, &d->tx_channels_max);
		break;
	case ETHTOOL_A_CHANNELS_TX_COUNT:
		put_u32(attr, &d->tx_channels);
		break;
	case ETHTOOL_A_CHANNELS_COMBINED_MAX:
		put_u32(attr, &d->combined_max);
		break;
	case ETHTOOL_A_CHANNELS_COMBINED_COUNT:
		put_u32(attr, &d->combined);
		break;
	}
	return MNL_CB_OK;
}

/* A bit of a bit set with names: which, and is it set? */
struct bit {
	const char *name;
	bool value;
};

static int on_bit_member(const struct nlattr *attr, void *data)
{
	struct bit *b = data;

	if (mnl_attr_get_type(attr) == ETHTOOL_A_BITSET_BIT_NAME &&
	    mnl_attr_validate(attr, MNL_TYPE_NUL_STRING) >= 0)
		b->name = mnl_attr_get_str(attr);
	if (mnl_attr_get_type(attr) == ETHTOOL_A_BITSET_BIT_VALUE)
		b->value = true;
	return MNL_CB_OK;
}

/* "10000baseT/Full" says its speed first; what is no speed ("Autoneg", "TP") begins otherwise. */
static int on_mode_bit(const struct nlattr *attr, void *data)
{
	struct ethtool_device *d = data;
	struct bit b = {0};

	if (mnl_attr_get_type(attr) != ETHTOOL_A_BITSET_BITS_BIT)
		return MNL_CB_OK;
	if (mnl_attr_parse_nested(attr, on_bit_member, &b) < 0)
		return MNL_CB_ERROR;

	uint32_t speed = 0;
	const char *c = b.name ? b.name : "";

	while (*c >= '0' && *c <= '9' && speed < 100000000)
		speed = speed * 10 + (uint32_t)(*c++ - '0');
	if (strncmp(c, "base", 4) == 0 && speed > d->speed_max)
		d->speed_max = speed;
	return MNL_CB_OK;
}

static int on_mode_set(const struct nlattr *attr, void *data)
{
	if (mnl_attr_get_type(attr) == ETHTOOL_A_BITSET_BITS)
		return mnl_attr_parse_nested(attr, on_mode_bit, data);
	return MNL_CB_OK;
}

static int on_modes(const struct nlattr *attr, void *data)
{
	struct ethtool_device *d = data;

	switch (mnl_attr_get_type(attr)) {
	case ETHTOOL_A_LINKMODES_HEADER:
		return mnl_attr_parse_nested(attr, on_header, d);
	case ETHTOOL_A_LINKMODES_OURS: /* its mask is what the device supports */
		return mnl_attr_parse_nested(attr, on_mode_set, d);
	case ETHTOOL_A_LINKMODES_SPEED:
		put_u32(attr, &d->speed);
		if (d->speed == (uint32_t)SPEED_UNKNOWN)
			d->speed = ETHTOOL_SPEED_UNKNOWN;
		break;
	case ETHTOOL_A_LINKMODES_DUPLEX:
		if (mnl_attr_validate(attr, MNL_TYPE_U8) >= 0)
			d->duplex = mnl_attr_get_u8(attr);
		break;
	}
	return MNL_CB_OK;
}

/* Lists without a mask (ETHTOOL_A_BITSET_NOMASK) name the bits that are set, and only those. */
static int on_feature_bit(const struct nlattr *attr, void *data)
{
	unsigned *set = data;
	struct bit b = {0};

	if (mnl_attr_get_type(attr) != ETHTOOL_A_BITSET_BITS_BIT)
		return MNL_CB_OK;
	if (mnl_attr_parse_nested(attr, on_bit_member, &b) < 0)
		return MNL_CB_ERROR;
	for (unsigned i = 0; b.name && i < ETHTOOL_OFFLOADS; i++)
		if (strcmp(b.name, offload_names[i]) == 0)
			*set |= 1u << i;
	return MNL_CB_OK;
}

static int on_feature_set(const struct nlattr *attr, void *data)
{
	if (mnl_attr_get_type(attr) == ETHTOOL_A_BITSET_BITS)
		return mnl_attr_parse_nested(attr, on_feature_bit, data);
	return MNL_CB_OK;
}

static int on_features(const struct nlattr *attr, void *data)
{
	struct ethtool_device *d = data;

	switch (mnl_attr_get_type(attr)) {
	case ETHTOOL_A_FEATURES_HEADER:
		return mnl_attr_parse_nested(attr, on_header, d);
	case ETHTOOL_A_FEATURES_HW:
		return mnl_attr_parse_nested(attr, on_feature_set, &d->changeable);
	case ETHTOOL_A_FEATURES_ACTIVE:
		return mnl_attr_parse_nested(attr, on_feature_set, &d->active);
	}
	return MNL_CB_OK;
}

static const struct {
	const char *record;
	uint8_t command, answer;
	mnl_attr_cb_t each;
} asks[ETHTOOL_ASKS] = {
	[ETHTOOL_ASK_RINGS] = {"ethtool-rings", ETHTOOL_MSG_RINGS_GET, ETHTOOL_MSG_RINGS_GET_REPLY,
			       on_rings},
	[ETHTOOL_ASK_CHANNELS] = {"ethtool-channels", ETHTOOL_MSG_CHANNELS_GET,
				  ETHTOOL_MSG_CHANNELS_GET_REPLY, on_channels},
	[ETHTOOL_ASK_MODES] = {"ethtool-linkmodes", ETHTOOL_MSG_LINKMODES_GET,
			       ETHTOOL_MSG_LINKMODES_GET_REPLY, on_modes},
	[ETHTOOL_ASK_FEATURES] = {"ethtool-features", ETHTOOL_MSG_FEATURES_GET,
				  ETHTOOL_MSG_FEATURES_GET_REPLY, on_features},
};

static struct nlmsghdr *start(void *buf, uint16_t type, uint8_t command, uint8_t version)
{
	struct nlmsghdr *m = mnl_nlmsg_put_header(buf);
	struct genlmsghdr *g = mnl_nlmsg_put_extra_header(m, sizeof(*g));

	m->nlmsg_type = type;
	g->cmd = command;
	g->version = version;
	return m;
}

struct nl_question ethtool_family_question(void *buf)
{
	struct nlmsghdr *m = start(buf, GENL_ID_CTRL, CTRL_CMD_GETFAMILY, 1);

	mnl_attr_put_strz(m, CTRL_ATTR_FAMILY_NAME, ETHTOOL_GENL_NAME);
	return (struct nl_question){.bus = NETLINK_GENERIC, .record = "genl-ethtool", .request = m};
}

struct nl_question ethtool_question(enum ethtool_ask ask, uint16_t family, void *buf)
{
	struct nlmsghdr *m = start(buf, family, asks[ask].command, ETHTOOL_GENL_VERSION);

	/*
	 * An empty header means all devices, and bit sets with their names. None at all means that
	 * too, but not on 6.1: ethnl_parse_header_dev_get() (net/ethtool/netlink.c) says EINVAL.
	 * It is member 1 of every request, as the assertions above say.
	 */
	mnl_attr_nest_end(m, mnl_attr_nest_start(m, ETHTOOL_A_RINGS_HEADER));
	return (struct nl_question){
		.bus = NETLINK_GENERIC,
		.record = asks[ask].record,
		.request = m,
		.dump = true,
	};
}

static int on_family_attribute(const struct nlattr *attr, void *data)
{
	if (mnl_attr_get_type(attr) == CTRL_ATTR_FAMILY_ID &&
	    mnl_attr_validate(attr, MNL_TYPE_U16) >= 0)
		*(uint16_t *)data = mnl_attr_get_u16(attr);
	return MNL_CB_OK;
}

static int on_family(const struct nlmsghdr *m, void *data)
{
	if (mnl_nlmsg_get_payload_len(m) < sizeof(struct genlmsghdr)) {
		errno = EPROTO;
		return MNL_CB_ERROR;
	}
	return mnl_attr_parse(m, sizeof(struct genlmsghdr), on_family_attribute, data);
}

int ethtool_family(const struct host *h, uint16_t *ret, struct err *e)
{
	_Alignas(struct nlmsghdr) char buf[NL_REQUEST_MAX];
	struct nl_question q = ethtool_family_question(buf);
	uint16_t family = 0;
	int r = nl_ask(h, &q, on_family, NULL, &family, e);

	if (r == -ENOENT)
		return err_set(e, EOPNOTSUPP, "this kernel has no ethtool netlink (Linux 5.6)");
	if (r < 0)
		return r;
	if (!family)
		return err_set(e, EPROTO, "the kernel's answer to '%s' has no number", q.record);
	*ret = family;
	return 0;
}

static int on_device(const struct nlmsghdr *m, void *data)
{
	struct devices *all = data;
	const struct genlmsghdr *g = mnl_nlmsg_get_payload(m);

	if (mnl_nlmsg_get_payload_len(m) < sizeof(*g) || g->cmd != all->command) {
		errno = EPROTO;
		return MNL_CB_ERROR;
	}
	struct ethtool_device *d =
		array_push((void **)&all->item, &all->len, &all->cap, sizeof(*d));

	d->duplex = ETHTOOL_DUPLEX_UNKNOWN;
	return mnl_attr_parse(m, sizeof(*g), all->each, d);
}

int ethtool_read(const struct host *h, enum ethtool_ask ask, struct ethtool_device **ret,
		 size_t *ret_len, struct err *e)
{
	_Alignas(struct nlmsghdr) char buf[NL_REQUEST_MAX];
	cleanup_with(devices_done) struct devices all = {.each = asks[ask].each,
							 .command = asks[ask].answer};
	uint16_t family;
	int r = ethtool_family(h, &family, e);

	if (r < 0)
		return r;
	struct nl_question q = ethtool_question(ask, family, buf);

	r = nl_ask(h, &q, on_device, devices_reset, &all, e);
	if (r < 0)
		return r;
	*ret_len = all.len;
	*ret = TAKE_PTR(all.item);
	return 0;
}
