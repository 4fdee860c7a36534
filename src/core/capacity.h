/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The sums: what a load demands of one resource, in numbers and in words. */
#ifndef RUNUP_CORE_CAPACITY_H
#define RUNUP_CORE_CAPACITY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "core/load.h"

#define ARITHMETIC_MAX 300

/*
 * known: the load states enough. Otherwise `unsized` says what to state and value is 0.
 * arithmetic: the sum in numbers, "10 000 connections + 64 = 10 064 descriptors".
 */
struct demand {
	bool known;
	uint64_t value;
	const char *unsized;
	char arithmetic[ARITHMETIC_MAX];
};

/*
 * Connections that may wait for accept() at once: the burst, else all connections together (they
 * open at the start of a test). The kernel admits limit + 1 (sk_acceptq_is_full,
 * include/net/sock.h: sk_ack_backlog > sk_max_ack_backlog).
 */
struct demand demand_accept_queue(const struct load *l);

/* Descriptors of one process: its connections (twice for a proxy) and 64 of its own. */
struct demand demand_descriptors(const struct load *l);

/* Entries: open connections, and closed ones for time_wait_s (nf_conntrack_tcp_timeout_time_wait).
 */
struct demand demand_conntrack(const struct load *l, uint64_t time_wait_s);

/* Head-room put on top by `auto`: a quarter, rounded up to a power of two, so that values look
 * chosen. */
uint64_t with_headroom(uint64_t demand);

/* How long a closed connection keeps its local port, and why. */
struct port_hold {
	double seconds; /* 60: TCP_TIMEWAIT_LEN, fixed at compile time */
	const char *reason;
};
struct port_hold port_hold_time(int tw_reuse, bool timestamps, uint64_t tw_reuse_delay_ms,
				bool loopback_only);

/*
 * Local ports of one source address toward one destination: open connections plus those of the last
 * `hold`. destinations and source addresses multiply what is there, so they divide the demand.
 */
struct demand demand_ports(const struct load *l, const struct port_hold *hold);

#endif
