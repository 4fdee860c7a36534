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

/*
 * The devices that sysfs shows are those of the namespace it was mounted in, whatever namespace a
 * thread is in. So with --netns a sysfs of its own is made, which is mounted nowhere (fsopen(2),
 * 5.2); that takes CAP_SYS_ADMIN.
 */
struct sysnet {
	struct host view; /* with the root that holds class/net */
	const char *prefix;
	int fd; /* of the mount, -1: none was made */
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

/* "00000000,0000000f" to CPU numbers. -EPROTO: it is no mask. */
must_check int cpu_mask_parse(const char *text, struct ranges *ret);

#endif
