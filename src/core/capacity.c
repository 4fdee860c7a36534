/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/capacity.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/units.h"

/* Descriptors a server or generator needs besides its connections: logs, epoll, timers, libraries.
 */
#define DESCRIPTORS_OWN 64
#define TIME_WAIT_S 60 /* TCP_TIMEWAIT_LEN, include/net/tcp.h: not a setting */

/*
 * Kernel memory of an open connection, one end: TCP socket, inode, file, dentry, epoll item and
 * bind buckets (4.9 KiB of slab each over 39 990 sockets, measured on 6.18).
 */
#define SOCKET_BYTES 5018
#define PORTS_MAX 65535

/*
 * What a generator keeps by itself and for each connection. k6: its documentation says 1 to 5 MB a
 * virtual user, of which the larger has to be there. The others: highest resident memory of runs of
 * 3 s with 100 and 2 000 connections (siege 250) against nginx 1.22.1 with keep-alive and answers
 * of 3 bytes, November 2026, Linux 6.18; between versions and longer answers it moves by some tens
 * of percent. wrk's 4.9 KiB grow to 9 as answers fill its buffer (RECVBUF, wrk.h); what hey, siege
 * and autocannon remember of each request is not in it.
 */
static const struct user_memory {
	const char *name, *source;
	uint64_t base_kib, each_kib;
} user_memories[] = {
	{"k6", "k6's documentation: 1 to 5 MB", 0, 4883},
	{"wrk", "measured with wrk 4.1.0", 5 << 10, 9},
	{"hey", "measured with hey 0.1.4", 72 << 10, 51},
	{"h2load", "measured with h2load 1.52.0", 10 << 10, 16},
	{"ab", "measured with ab 2.3", 7 << 10, 19},
	{"siege", "measured with siege 4.0.7, a thread each", 10 << 10, 515},
	{"autocannon", "measured with autocannon 9.0.0 on Node 20", 79 << 10, 58},
};

static bool states_any(const struct load *l, unsigned fields)
{
	return (l->stated & fields) != 0;
}

/* Adds up the parts. */
static void total(struct demand *d)
{
	double sum =
		d->fixed + d->per_connection * d->connections + d->seconds * d->new_connections;

	/* Sums of tenths and thirds: what is a whole number but for the last bits is that. */
	d->value = (uint64_t)(sum + 1e-6);
	d->value += (double)d->value + 1e-6 < sum;
	if (d->ceiling && d->value > d->ceiling)
		d->value = d->ceiling;
	d->known = true;
}

struct demand demand_accept_queue(const struct load *l)
{
	char n[UNITS_MAX];
	struct demand d = {.per_connection = 1, .unsized = "--connections or --burst"};

	if (!states_any(l, LOAD_BURST | LOAD_CONNECTIONS))
		return d;
	d.connections = (double)(load_states(l, LOAD_BURST) ? l->burst : l->connections);
	total(&d);
	snprintf(d.arithmetic, sizeof(d.arithmetic),
		 load_states(l, LOAD_BURST)
			 ? "a burst of %s connections may all wait for accept() at once"
			 : "%s connections that open together, as at the start of a test, may all "
			   "wait for accept() (state --burst if fewer arrive at once)",
		 units_count(d.value, n));
	return d;
}

struct demand demand_syn_queue(const struct load *l)
{
	char a[UNITS_MAX], b[UNITS_MAX], c[UNITS_MAX];
	/* A queue turned round says how many may come at once. */
	struct demand d = {.per_connection = 1,
			   .unsized = "--burst, or --new-connections and --latency"};

	if (load_states(l, LOAD_BURST)) {
		d.connections = (double)l->burst;
		total(&d);
		snprintf(d.arithmetic, sizeof(d.arithmetic),
			 "a burst of %s SYNs comes before the first handshake is done",
			 units_count(l->burst, a));
	} else if (load_states(l, LOAD_NEW_CONNECTIONS | LOAD_LATENCY)) {
		d.per_connection = 0;
		d.seconds = (double)l->latency_ns / (double)NS_PER_S;
		d.new_connections = (double)l->new_connections;
		total(&d);
		snprintf(d.arithmetic, sizeof(d.arithmetic),
			 "%s new/s x %s, as a handshake takes no longer than a request = %s half "
			 "open",
			 units_count(l->new_connections, a), units_duration(l->latency_ns, b),
			 units_count(d.value, c));
	}
	return d;
}

/* wrk keeps an epoll and a wake-up a thread, and little else (measured on 4.1.0). */
static bool is_wrk(const struct load *l)
{
	return l->generator.name && l->generator.threads &&
	       (!strcmp(l->generator.name, "wrk") || !strcmp(l->generator.name, "wrk2"));
}

struct demand demand_descriptors(const struct load *l)
{
	char a[UNITS_MAX], b[UNITS_MAX], c[UNITS_MAX];
	uint64_t own = is_wrk(l) ? 2 * l->generator.threads + 10 : DESCRIPTORS_OWN;
	struct demand d = {.fixed = (double)own,
			   .per_connection = l->role == ROLE_PROXY ? 2 : 1,
			   .connections = (double)l->connections,
			   .unsized = "--connections"};

	if (!load_states(l, LOAD_CONNECTIONS))
		return d;
	total(&d);
	snprintf(d.arithmetic, sizeof(d.arithmetic), "%s%s connections + %s of its own = %s",
		 l->role == ROLE_PROXY ? "2 x " : "", units_count(l->connections, a),
		 units_count(own, b), units_count(d.value, c));
	return d;
}

/* What is left of `seconds` when the whole test is shorter. */
static double within_test(const struct load *l, double seconds)
{
	double duration = (double)l->duration_ns / (double)NS_PER_S;

	return load_states(l, LOAD_DURATION) && duration < seconds ? duration : seconds;
}

/*
 * All tuples that a generator can have: 65 535 ports of each source address toward each target,
 * however wide the range is set. 0: not known.
 */
static uint64_t tuples(const struct load *l)
{
	uint64_t n;

	if (l->role != ROLE_GENERATOR || !load_states(l, LOAD_TARGET) ||
	    __builtin_mul_overflow(port_spread(l), (uint64_t)PORTS_MAX, &n))
		return 0;
	return n;
}

/* "244 000 entries, of which port numbers allow 65 535": what the sum was before its ceiling. */
static const char *ceiling_text(const struct demand *d, const char *what, char buf[120])
{
	double sum =
		d->fixed + d->per_connection * d->connections + d->seconds * d->new_connections;
	char a[UNITS_MAX], b[UNITS_MAX];

	if (d->ceiling && d->value == d->ceiling)
		snprintf(buf, 120, "%s%s, of which port numbers allow %s",
			 units_count((uint64_t)sum, a), what, units_count(d->value, b));
	else
		snprintf(buf, 120, "%s%s", units_count(d->value, a), what);
	return buf;
}

struct demand demand_conntrack(const struct load *l, uint64_t time_wait_s)
{
	char a[UNITS_MAX], b[UNITS_MAX], most[120];
	double sides = l->role == ROLE_PROXY ? 2 : 1, kept = within_test(l, (double)time_wait_s);
	struct demand d = {.per_connection = sides,
			   .seconds = sides * kept,
			   .connections = (double)l->connections,
			   .new_connections = (double)l->new_connections,
			   .ceiling = tuples(l),
			   .unsized = "--connections or --new-connections"};

	if (!states_any(l, LOAD_CONNECTIONS | LOAD_NEW_CONNECTIONS))
		return d;
	total(&d);
	snprintf(d.arithmetic, sizeof(d.arithmetic),
		 "%s%s open + %s new/s for %g s in conntrack's TIME_WAIT%s%s = %s",
		 sides > 1 ? "both sides: 2 x (" : "", units_count(l->connections, a),
		 units_count(l->new_connections, b), kept,
		 kept < (double)time_wait_s ? " (the test is shorter)" : "", sides > 1 ? ")" : "",
		 ceiling_text(&d, " entries", most));
	return d;
}

/*
 * On how many of its connections does this host close first? A proxy is the server of one and the
 * client of another, so whichever end it is, one of the two is its own.
 */
static double closes_here(const struct load *l)
{
	bool client = l->role == ROLE_GENERATOR;

	if (l->role == ROLE_PROXY)
		return l->closes == CLOSES_UNKNOWN ? 2 : 1;
	if (l->role == ROLE_NONE || l->closes == CLOSES_UNKNOWN)
		return 1;
	return (l->closes == CLOSES_CLIENT) == client ? 1 : 0;
}

struct demand demand_time_wait(const struct load *l)
{
	char a[UNITS_MAX], most[120];
	double each = closes_here(l), kept = within_test(l, TIME_WAIT_S);
	struct demand d = {.seconds = each * kept,
			   .new_connections = (double)l->new_connections,
			   .ceiling = tuples(l),
			   .unsized = "--new-connections"};

	if (!load_states(l, LOAD_NEW_CONNECTIONS))
		return d;
	total(&d);
	if (each > 0)
		snprintf(d.arithmetic, sizeof(d.arithmetic),
			 "%s%s new/s x %g s, if this end closes first = %s",
			 each > 1 ? "2 sides x " : "", units_count(l->new_connections, a), kept,
			 ceiling_text(&d, " in TIME_WAIT", most));
	else
		snprintf(d.arithmetic, sizeof(d.arithmetic),
			 "the other end closes first and keeps them");
	return d;
}

struct demand demand_socket_memory(const struct load *l)
{
	char a[UNITS_MAX], b[UNITS_MAX], c[UNITS_MAX];
	struct demand d = {.per_connection = l->role == ROLE_PROXY ? 4 : 2,
			   .connections = (double)l->connections,
			   .unsized = "--connections"};

	if (!load_states(l, LOAD_CONNECTIONS))
		return d;
	total(&d);
	snprintf(d.arithmetic, sizeof(d.arithmetic),
		 "%s connections x %g pages of buffers at least = %s pages, and %s MiB of kernel "
		 "memory for the sockets themselves",
		 units_count(l->connections, a), d.per_connection, units_count(d.value, b),
		 units_count((uint64_t)(d.per_connection / 2 * d.connections * SOCKET_BYTES) >> 20,
			     c));
	return d;
}

struct demand demand_pids(const struct load *l)
{
	char a[UNITS_MAX];
	struct demand d = {.fixed = 1, .per_connection = 1};

	if (!l->generator.threads)
		return (struct demand){.fixed = 1,
				       .per_connection = 1,
				       .unsized = "a generator whose threads are known"};
	d.fixed = (double)l->generator.threads + 1;
	d.per_connection = 0;
	total(&d);
	snprintf(d.arithmetic, sizeof(d.arithmetic), "%s threads of %s and its first one",
		 units_count(l->generator.threads, a),
		 l->generator.name ? l->generator.name : "the generator");
	return d;
}

struct demand demand_sockets(const struct load *l)
{
	char a[UNITS_MAX], b[UNITS_MAX];
	double ends = l->role == ROLE_PROXY ? 2 : 1;
	struct demand d = {.per_connection = ends * SOCKET_BYTES,
			   .connections = (double)l->connections,
			   .unsized = "--connections"};

	if (!load_states(l, LOAD_CONNECTIONS))
		return d;
	total(&d);
	snprintf(d.arithmetic, sizeof(d.arithmetic),
		 "%s%s connections x 4.9 KiB of kernel memory = %s MiB, without what they buffer "
		 "and what the program keeps",
		 ends > 1 ? "2 x " : "", units_count(l->connections, a),
		 units_count(d.value >> 20, b));
	return d;
}

static const struct user_memory *find_user_memory(const struct load *l)
{
	for (size_t i = 0; l->generator.name && i < ARRAY_LEN(user_memories); i++)
		if (strcmp(user_memories[i].name, l->generator.name) == 0)
			return &user_memories[i];
	return NULL;
}

struct demand demand_generator_memory(const struct load *l)
{
	const struct user_memory *m = find_user_memory(l);
	char a[UNITS_MAX], b[UNITS_MAX], c[UNITS_MAX], d_text[UNITS_MAX];
	struct demand d = {.connections = (double)l->connections, .unsized = "--connections"};

	if (!m)
		return d;
	d.fixed = (double)m->base_kib * 1024;
	d.per_connection = (double)m->each_kib * 1024 + SOCKET_BYTES;
	if (!load_states(l, LOAD_CONNECTIONS))
		return d;
	total(&d);
	snprintf(d.arithmetic, sizeof(d.arithmetic),
		 "%s MiB + %s connections x %s KiB (%s), with 4.9 KiB of kernel memory each = %s "
		 "MiB",
		 units_count(m->base_kib >> 10, a), units_count(l->connections, b),
		 units_count(m->each_kib, c), m->source,
		 units_count((d.value + (1 << 20) - 1) >> 20, d_text));
	return d;
}

struct demand demand_neighbours(const struct load *l)
{
	char a[UNITS_MAX];
	struct demand d = {.unsized = "--target"};

	if (!load_states(l, LOAD_TARGET))
		return d;
	d.fixed = load_loopback_only(l) ? 0 : (double)load_distinct_hosts(l);
	total(&d);
	snprintf(d.arithmetic, sizeof(d.arithmetic),
		 d.fixed > 0 ? "%s host(s) that the load goes to, if all are on this link"
			     : "%s: the load stays on this host",
		 units_count(d.value, a));
	return d;
}

uint64_t with_headroom(uint64_t demand)
{
	uint64_t want, power = 1;

	if (__builtin_add_overflow(demand, demand / 4, &want))
		return demand;
	while (power < want && power <= UINT64_MAX / 2)
		power *= 2;
	return power < want ? want : power;
}

struct port_hold port_hold_time(int tw_reuse, bool timestamps, uint64_t tw_reuse_delay_ms,
				bool loopback_only)
{
	/* tcp_twsk_unique() (net/ipv4/tcp_ipv4.c): 2 means only between loopback addresses. */
	bool reused = timestamps && (tw_reuse == 1 || (tw_reuse == 2 && loopback_only));

	if (reused)
		return (struct port_hold){.seconds = (double)tw_reuse_delay_ms / 1000.0,
					  .reason = "tcp_tw_reuse"};
	return (struct port_hold){.seconds = TIME_WAIT_S, .reason = "TIME_WAIT"};
}

struct port_hold port_hold_of(const struct load *l, int tw_reuse, bool timestamps,
			      uint64_t tw_reuse_delay_ms)
{
	/* The end that closes first keeps the TIME_WAIT; the other's port is free at once. */
	if (l->closes == CLOSES_SERVER)
		return (struct port_hold){.seconds = 0, .reason = "the server's TIME_WAIT"};
	/* inet_csk_get_port() looks at the bucket alone and never asks tcp_twsk_unique(). */
	if (load_binds_first(l))
		return (struct port_hold){.seconds = TIME_WAIT_S,
					  .reason = "TIME_WAIT (tcp_tw_reuse does nothing for a "
						    "client that binds first)"};
	return port_hold_time(tw_reuse, timestamps, tw_reuse_delay_ms, load_loopback_only(l));
}

uint64_t port_spread(const struct load *l)
{
	uint64_t sources = load_states(l, LOAD_SOURCE_IPS) ? l->source_ips : 1;

	return sources * (load_binds_first(l) ? 1 : load_distinct_targets(l));
}

struct demand demand_ports(const struct load *l, const struct port_hold *hold)
{
	char a[UNITS_MAX], b[UNITS_MAX], c[UNITS_MAX], spread_text[96] = "";
	uint64_t spread = port_spread(l);
	double kept = within_test(l, hold->seconds);
	struct demand d = {.per_connection = 1 / (double)spread,
			   .seconds = kept / (double)spread,
			   .connections = (double)l->connections,
			   .new_connections = (double)l->new_connections,
			   .unsized = "--connections or --new-connections"};

	if (!states_any(l, LOAD_CONNECTIONS | LOAD_NEW_CONNECTIONS))
		return d;
	/* Without keep-alive the connections that are opened decide, and an unknown rate is not 0.
	 */
	if (load_states(l, LOAD_KEEPALIVE) && !l->keepalive &&
	    !load_states(l, LOAD_NEW_CONNECTIONS)) {
		d.unsized = "--rate or --new-connections";
		return d;
	}
	total(&d);
	/* The four-tuple must be unique, so each target and each source address has ports of its
	 * own; what is bound before it connects has none but the source address's. */
	if (spread > 1)
		snprintf(spread_text, sizeof(spread_text),
			 ", over %" PRIu64 " target(s) x %" PRIu64 " source address(es)",
			 load_binds_first(l) ? 1 : load_distinct_targets(l),
			 load_states(l, LOAD_SOURCE_IPS) ? l->source_ips : 1);
	snprintf(d.arithmetic, sizeof(d.arithmetic), "%s open + %s new/s x %g s of %s%s = %s ports",
		 units_count(l->connections, a), units_count(l->new_connections, b), kept,
		 hold->reason, spread_text, units_count(d.value, c));
	return d;
}
