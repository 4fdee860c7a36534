/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/capacity.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/units.h"

/* Descriptors a server or generator needs besides its connections: logs, epoll, timers, libraries.
 */
#define DESCRIPTORS_OWN 64

static struct demand unsized(const char *what)
{
	return (struct demand){.unsized = what};
}

struct demand demand_accept_queue(const struct load *l)
{
	char n[UNITS_MAX];

	if (load_states(l, LOAD_BURST)) {
		struct demand d = {.known = true, .value = l->burst};

		snprintf(d.arithmetic, sizeof(d.arithmetic),
			 "a burst of %s connections may all wait for accept() at once",
			 units_count(l->burst, n));
		return d;
	}
	if (load_states(l, LOAD_CONNECTIONS)) {
		struct demand d = {.known = true, .value = l->connections};

		snprintf(d.arithmetic, sizeof(d.arithmetic),
			 "%s connections that open together, as at the start of a test, may all "
			 "wait for accept() (state --burst if fewer arrive at once)",
			 units_count(l->connections, n));
		return d;
	}
	return unsized("--connections or --burst");
}

struct demand demand_descriptors(const struct load *l)
{
	char a[UNITS_MAX], b[UNITS_MAX], c[UNITS_MAX];
	uint64_t each = l->role == ROLE_PROXY ? 2 : 1;

	if (!load_states(l, LOAD_CONNECTIONS))
		return unsized("--connections");

	struct demand d = {.known = true, .value = l->connections * each + DESCRIPTORS_OWN};

	snprintf(d.arithmetic, sizeof(d.arithmetic), "%s%s connections + %s of its own = %s",
		 each == 2 ? "2 x " : "", units_count(l->connections, a),
		 units_count(DESCRIPTORS_OWN, b), units_count(d.value, c));
	return d;
}

/* New connections of the whole test while one lasts `seconds`. */
static uint64_t opened_within(const struct load *l, double seconds)
{
	double duration = (double)l->duration_ns / (double)NS_PER_S;

	if (load_states(l, LOAD_DURATION) && duration < seconds)
		seconds = duration;

	double opened = (double)l->new_connections * seconds;
	uint64_t whole = (uint64_t)opened;

	return whole + ((double)whole < opened);
}

struct demand demand_conntrack(const struct load *l, uint64_t time_wait_s)
{
	char a[UNITS_MAX], b[UNITS_MAX], c[UNITS_MAX];

	if (!load_states(l, LOAD_CONNECTIONS) && !load_states(l, LOAD_NEW_CONNECTIONS))
		return unsized("--connections or --new-connections");

	uint64_t closed = opened_within(l, (double)time_wait_s);
	struct demand d = {.known = true, .value = l->connections + closed};

	snprintf(d.arithmetic, sizeof(d.arithmetic),
		 "%s open + %s new/s for %" PRIu64 " s in conntrack's TIME_WAIT%s = %s entries",
		 units_count(l->connections, a), units_count(l->new_connections, b), time_wait_s,
		 closed < l->new_connections * time_wait_s ? " (the test is shorter)" : "",
		 units_count(d.value, c));
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
	return (struct port_hold){.seconds = 60, .reason = "TIME_WAIT"};
}

struct demand demand_ports(const struct load *l, const struct port_hold *hold)
{
	char a[UNITS_MAX], b[UNITS_MAX], c[UNITS_MAX], spread_text[96] = "";

	if (!load_states(l, LOAD_CONNECTIONS) && !load_states(l, LOAD_NEW_CONNECTIONS))
		return unsized("--connections or --new-connections");

	/* The four-tuple must be unique, so each target and each source address has ports of its
	 * own. */
	uint64_t targets = l->targets_len ? l->targets_len : 1;
	uint64_t sources = load_states(l, LOAD_SOURCE_IPS) ? l->source_ips : 1;
	uint64_t spread = targets * sources;
	uint64_t held = opened_within(l, hold->seconds);
	uint64_t total = l->connections + held;
	struct demand d = {.known = true, .value = (total + spread - 1) / spread};

	if (spread > 1)
		snprintf(spread_text, sizeof(spread_text),
			 ", over %" PRIu64 " target(s) x %" PRIu64 " source address(es)", targets,
			 sources);
	snprintf(d.arithmetic, sizeof(d.arithmetic), "%s open + %s new/s x %g s of %s%s = %s ports",
		 units_count(l->connections, a), units_count(l->new_connections, b), hold->seconds,
		 hold->reason, spread_text, units_count(d.value, c));
	return d;
}
