/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "sys/nl_ethtool_set.h"

#include <errno.h>
#include <linux/ethtool_netlink.h>
#include <linux/genetlink.h>
#include <stddef.h>
#include <string.h>

static const struct {
	const char *record; /* for messages */
	enum ethtool_ask ask;
	size_t now, max; /* in struct ethtool_device */
	uint8_t command;
	uint16_t header, attribute;
} numbers[ETHTOOL_NUMBERS] = {
	[ETHTOOL_RX_RING] = {"ethtool-rings-set", ETHTOOL_ASK_RINGS,
			     offsetof(struct ethtool_device, rx_ring),
			     offsetof(struct ethtool_device, rx_ring_max), ETHTOOL_MSG_RINGS_SET,
			     ETHTOOL_A_RINGS_HEADER, ETHTOOL_A_RINGS_RX},
	[ETHTOOL_TX_RING] = {"ethtool-rings-set", ETHTOOL_ASK_RINGS,
			     offsetof(struct ethtool_device, tx_ring),
			     offsetof(struct ethtool_device, tx_ring_max), ETHTOOL_MSG_RINGS_SET,
			     ETHTOOL_A_RINGS_HEADER, ETHTOOL_A_RINGS_TX},
	[ETHTOOL_COMBINED_CHANNELS] = {"ethtool-channels-set", ETHTOOL_ASK_CHANNELS,
				       offsetof(struct ethtool_device, combined),
				       offsetof(struct ethtool_device, combined_max),
				       ETHTOOL_MSG_CHANNELS_SET, ETHTOOL_A_CHANNELS_HEADER,
				       ETHTOOL_A_CHANNELS_COMBINED_COUNT},
	[ETHTOOL_RX_CHANNELS] = {"ethtool-channels-set", ETHTOOL_ASK_CHANNELS,
				 offsetof(struct ethtool_device, rx_channels),
				 offsetof(struct ethtool_device, rx_channels_max),
				 ETHTOOL_MSG_CHANNELS_SET, ETHTOOL_A_CHANNELS_HEADER,
				 ETHTOOL_A_CHANNELS_RX_COUNT},
	[ETHTOOL_TX_CHANNELS] = {"ethtool-channels-set", ETHTOOL_ASK_CHANNELS,
				 offsetof(struct ethtool_device, tx_channels),
				 offsetof(struct ethtool_device, tx_channels_max),
				 ETHTOOL_MSG_CHANNELS_SET, ETHTOOL_A_CHANNELS_HEADER,
				 ETHTOOL_A_CHANNELS_TX_COUNT},
};

enum ethtool_ask ethtool_number_ask(enum ethtool_number n)
{
	return numbers[n].ask;
}

void ethtool_number(const struct ethtool_device *d, enum ethtool_number n, uint32_t *ret_now,
		    uint32_t *ret_max)
{
	memcpy(ret_now, (const char *)d + numbers[n].now, sizeof(*ret_now));
	memcpy(ret_max, (const char *)d + numbers[n].max, sizeof(*ret_max));
}

static int no_answer(const struct nlmsghdr *m unused_, void *data unused_)
{
	return MNL_CB_OK;
}

int ethtool_set(const struct host *h, enum ethtool_number n, uint32_t index, uint32_t value,
		struct err *e)
{
	_Alignas(struct nlmsghdr) char buf[NL_REQUEST_MAX];
	uint16_t family;

	if (h->captured)
		return err_set(e, EROFS, "set '%s': a captured host is never written",
			       numbers[n].record);
	int r = ethtool_family(h, &family, e);
	if (r < 0)
		return r;

	struct nlmsghdr *m = mnl_nlmsg_put_header(buf);
	struct genlmsghdr *g = mnl_nlmsg_put_extra_header(m, sizeof(*g));

	m->nlmsg_type = family;
	g->cmd = numbers[n].command;
	g->version = ETHTOOL_GENL_VERSION;

	struct nlattr *header = mnl_attr_nest_start(m, numbers[n].header);

	mnl_attr_put_u32(m, ETHTOOL_A_HEADER_DEV_INDEX, index);
	mnl_attr_nest_end(m, header);
	mnl_attr_put_u32(m, numbers[n].attribute, value);

	struct nl_question q = {.bus = NETLINK_GENERIC,
				.record = numbers[n].record,
				.request = m,
				.change = true};

	return nl_ask(h, &q, no_answer, NULL, NULL, e);
}
