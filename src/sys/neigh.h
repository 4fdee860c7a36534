/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How full the neighbour tables are: /proc/net/stat/arp_cache and ndisc_cache. */
#ifndef RUNUP_SYS_NEIGH_H
#define RUNUP_SYS_NEIGH_H

#include <stdint.h>

#include "base/attr.h"
#include "base/err.h"
#include "sys/host.h"

struct neigh_stats {
	uint64_t entries;     /* of all namespaces; some of them (PERMANENT) do not count against
			       * gc_thresh3 since 5.0 */
	uint64_t table_fulls; /* since boot: refused because the table was full (4.19) */
};

/*
 * family: AF_INET, AF_INET6. The tables are one for all namespaces, and only the first one shows
 * them (neigh_table_init, net/core/neighbour.c); -ENOENT elsewhere, and without IPv6.
 */
must_check int neigh_read(const struct host *h, int family, struct neigh_stats *ret, struct err *e);

#endif
