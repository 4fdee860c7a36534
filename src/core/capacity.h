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
 * A sum. known: the load states enough; otherwise `unsized` says what to state and value is 0.
 * value = fixed + per_connection x connections + seconds x new connections/s, rounded up, but never
 * above `ceiling` (0: none). The parts are there even when the load states too little, so that a
 * limit can still be turned round into the load at which it breaks.
 * arithmetic: the sum in numbers, "10 000 connections + 64 = 10 064 descriptors".
 */
struct demand {
	bool known;
	uint64_t value;
	double fixed, per_connection, seconds;
	double connections, new_connections; /* those that the sum counted */
	uint64_t ceiling;
	const char *unsized;
	char arithmetic[ARITHMETIC_MAX];
};

/*
 * Connections that may wait for accept() at once: the burst, else all connections together (they
 * open at the start of a test). The kernel admits limit + 1 (sk_acceptq_is_full,
 * include/net/sock.h: sk_ack_backlog > sk_max_ack_backlog).
 */
struct demand demand_accept_queue(const struct load *l);

/*
 * Handshakes that may be under way at once: the burst, or those of one round trip, for which a
 * request's latency stands as the longest it can be.
 */
struct demand demand_syn_queue(const struct load *l);

/*
 * Descriptors of one process: its connections (twice for a proxy) and those of its own, 64 unless
 * the generator is known to need fewer (wrk: two a thread and ten).
 */
struct demand demand_descriptors(const struct load *l);

/*
 * Entries: open connections, and closed ones for time_wait_s (nf_conntrack_tcp_timeout_time_wait);
 * a proxy has both sides. A generator's tuples are what port numbers allow and no more: a port that
 * is used again finds its old entry (nf_conntrack_tcp_packet(): a SYN in TIME_WAIT replaces it).
 */
struct demand demand_conntrack(const struct load *l, uint64_t time_wait_s);

/* Sockets in TIME_WAIT on this host, if it is the end that closes first or that is not known. */
struct demand demand_time_wait(const struct load *l);

/* Pages of TCP buffers, two at least for a connection with something queued both ways. */
struct demand demand_socket_memory(const struct load *l);

/* Threads of the generator; unsized for what is not known to have a certain number. */
struct demand demand_pids(const struct load *l);

/* Bytes of kernel memory that the connections take on this host, idle ones: the least there is. */
struct demand demand_sockets(const struct load *l);

/*
 * Bytes on the generator: sockets, and what its users take. Not known for a generator that neither
 * its documentation nor a measurement of ours gives a figure for, and then nothing else is, either.
 */
struct demand demand_generator_memory(const struct load *l);

/* Entries of the neighbour table: hosts that the load goes to. */
struct demand demand_neighbours(const struct load *l);

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

/* The same for a load: which end closes first, and whether its client binds first. */
struct port_hold port_hold_of(const struct load *l, int tw_reuse, bool timestamps,
			      uint64_t tw_reuse_delay_ms);

/* Over how many the local ports multiply: targets x source addresses, or those addresses alone for
 * a client that binds first. */
uint64_t port_spread(const struct load *l);

/*
 * Local ports of one source address toward one destination: open connections plus those of the last
 * `hold`. destinations and source addresses multiply what is there, so they divide the demand.
 */
struct demand demand_ports(const struct load *l, const struct port_hold *hold);

#endif
