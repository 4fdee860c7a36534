/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What each CPU did with packets: /proc/net/softnet_stat. */
#ifndef RUNUP_SYS_SOFTNET_H
#define RUNUP_SYS_SOFTNET_H

#include <stdint.h>

#include "base/attr.h"
#include "base/err.h"
#include "sys/host.h"

/* Since boot, summed over CPUs, of the whole host: every namespace shows the same. */
struct softnet {
	unsigned cpus;
	uint64_t processed;
	uint64_t dropped;  /* by a full backlog or the flow limit (enqueue_to_backlog) */
	uint64_t squeezed; /* times that net_rx_action stopped with work left */
};
must_check int softnet_read(const struct host *h, struct softnet *ret, struct err *e);

#endif
