/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The numbers of a network device that ethtool netlink sets: rings and channels. */
#ifndef RUNUP_SYS_NL_ETHTOOL_SET_H
#define RUNUP_SYS_NL_ETHTOOL_SET_H

#include <stdint.h>

#include "base/attr.h"
#include "base/err.h"
#include "sys/host.h"
#include "sys/nl_ethtool.h"

enum ethtool_number {
	ETHTOOL_RX_RING,
	ETHTOOL_TX_RING,
	ETHTOOL_COMBINED_CHANNELS,
	ETHTOOL_RX_CHANNELS,
	ETHTOOL_TX_CHANNELS,
	ETHTOOL_NUMBERS
};

/* The question whose answer holds it. */
enum ethtool_ask ethtool_number_ask(enum ethtool_number n);

/* Its value in such an answer, and the largest one; 0 for that: the driver has no such thing. */
void ethtool_number(const struct ethtool_device *d, enum ethtool_number n, uint32_t *ret_now,
		    uint32_t *ret_max);

/*
 * Sets one number of the device with that index in the calling thread's namespace; the others stay
 * as they are (ethnl_set_rings(), ethnl_set_channels(): what is not in the request is not changed).
 * -EPERM without CAP_NET_ADMIN; -EINVAL: too large, or the driver does not take it (the message has
 * the kernel's words); -ENODEV. Only src/tune calls this (make lint checks that).
 */
must_check int ethtool_set(const struct host *h, enum ethtool_number n, uint32_t index,
			   uint32_t value, struct err *e);

#endif
