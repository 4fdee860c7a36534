/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The kernel's SNMP counters and socket totals. */
#ifndef RUNUP_SYS_PROCNET_H
#define RUNUP_SYS_PROCNET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/err.h"
#include "sys/host.h"

/* Named as nstat(8) names them: "TcpExtListenOverflows", "UdpRcvbufErrors", "Udp6RcvbufErrors". */
struct counter {
	char name[48];
	uint64_t value;
};

/* Zero-initialise; counters_done() releases. */
struct counters {
	struct counter *item;
	size_t len, cap;
};

/*
 * Reads /proc/net/netstat and /proc/net/snmp of the host's namespace: pairs of lines, names then
 * values, under one prefix; and /proc/net/snmp6 where there is IPv6: a name and a value a line.
 * What is there replaces what ret held. A pair whose two lines do not match in length or prefix is
 * -EPROTO. A negative value (Tcp MaxConn is -1) is a setting, not a count, and is left out.
 */
must_check int procnet_counters(const struct host *h, struct counters *ret, struct err *e);
bool counters_get(const struct counters *c, const char *name, uint64_t *ret);
void counters_done(struct counters *c);

/*
 * /proc/net/sockstat (and sockstat6 for inuse): totals that need no dump. tcp_alloc, tcp_mem_pages
 * and tcp_orphan are of the whole host, the others of the namespace (sockstat_seq_show(),
 * net/ipv4/proc.c).
 */
struct sockstat {
	uint64_t tcp_inuse, tcp_orphan, tcp_time_wait, tcp_alloc, tcp_mem_pages;
	uint64_t tcp6_inuse;
};
must_check int procnet_sockstat(const struct host *h, struct sockstat *ret, struct err *e);

/* UDP's part: inuse of the namespace, memory of the whole host. */
struct sockstat_udp {
	uint64_t inuse, inuse6, mem_pages;
};
must_check int procnet_sockstat_udp(const struct host *h, struct sockstat_udp *ret, struct err *e);

#endif
