/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Receive steering of network devices: /sys/class/net/DEVICE/queues. */
#ifndef RUNUP_SYS_SYSNET_H
#define RUNUP_SYS_SYSNET_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/err.h"
#include "base/ranges.h"
#include "sys/host.h"
#include "sys/nl_link.h"
#include "sys/sysfs.h"

/*
 * The sysfs of the host's network namespace; where that cannot be made (privileges) and --netns was
 * not given, /sys, which may show the devices of another one: steering_read() tells that.
 */
struct sysnet {
	struct sysfs fs;
};
must_check int sysnet_open(struct sysnet *s, const struct host *h, struct err *e);
void sysnet_close(struct sysnet *s);

struct steering {
	unsigned queues;      /* of receiving */
	unsigned rps;	      /* queues with a mask */
	struct ranges cpus;   /* union of the masks */
	uint64_t flow_counts; /* sum of rps_flow_cnt */
};

/*
 * -ESTALE: sysfs shows another namespace's devices (told by index and address). Zero-initialise
 * ret; steering_done() releases it. More than 256 queues are not looked at.
 */
must_check int steering_read(const struct sysnet *s, const struct link *l, struct steering *ret,
			     struct err *e);
void steering_done(struct steering *s);

#endif
