/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Rings, channels, link modes and offloads of network devices, by ethtool's generic netlink. */
#ifndef RUNUP_SYS_NL_ETHTOOL_H
#define RUNUP_SYS_NL_ETHTOOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/err.h"
#include "sys/host.h"
#include "sys/nl.h"
#include "sys/nl_link.h"

enum ethtool_ask {
	ETHTOOL_ASK_RINGS,
	ETHTOOL_ASK_CHANNELS,
	ETHTOOL_ASK_MODES,
	ETHTOOL_ASK_FEATURES,
	ETHTOOL_ASKS
};

/* Offloads that change what a packet costs. */
enum ethtool_offload {
	ETHTOOL_TSO,	 /* tx-tcp-segmentation */
	ETHTOOL_GSO,	 /* tx-generic-segmentation */
	ETHTOOL_GRO,	 /* rx-gro */
	ETHTOOL_RX_CSUM, /* rx-checksum */
	ETHTOOL_OFFLOADS
};

#define ETHTOOL_SPEED_UNKNOWN 0
#define ETHTOOL_DUPLEX_HALF 0
#define ETHTOOL_DUPLEX_UNKNOWN 255

/* What one answer says of a device; only the part that was asked for is set. */
struct ethtool_device {
	uint32_t index;
	char name[LINK_NAME_MAX];
	/* rings: descriptors; 0 in a maximum: the driver has no such ring */
	uint32_t rx_ring, rx_ring_max, tx_ring, tx_ring_max;
	/* channels: queues with an interrupt of their own */
	uint32_t rx_channels, rx_channels_max, tx_channels, tx_channels_max;
	uint32_t combined, combined_max;
	/* modes: Mb/s, 0 where not known; the fastest one that the device could do */
	uint32_t speed, speed_max;
	uint8_t duplex;
	/* features: bits of enum ethtool_offload */
	unsigned changeable, active;
};

/* "tx-tcp-segmentation": the kernel's name (netdev_features_strings, net/ethtool/common.c). */
const char *ethtool_offload_name(enum ethtool_offload o);

/*
 * Asks every device of the namespace at once; one whose driver has nothing to say is not among the
 * answers (ethnl_default_dump_one skips EOPNOTSUPP). Reading needs no privilege. -EOPNOTSUPP: the
 * kernel has no ethtool netlink (before 5.6). *ret is the caller's to free, and may be NULL when
 * *ret_len is 0.
 */
must_check int ethtool_read(const struct host *h, enum ethtool_ask ask, struct ethtool_device **ret,
			    size_t *ret_len, struct err *e);

/*
 * The questions behind it, built in buf (NL_REQUEST_MAX bytes, aligned for struct nlmsghdr;
 * borrowed): first for the family's number, then for the devices.
 */
struct nl_question ethtool_family_question(void *buf);
must_check int ethtool_family(const struct host *h, uint16_t *ret, struct err *e);
struct nl_question ethtool_question(enum ethtool_ask ask, uint16_t family, void *buf);

#endif
