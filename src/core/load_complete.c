/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What follows from a load as it was stated, and what contradicts itself. */
#include <inttypes.h>
#include <string.h>

#include "base/units.h"
#include "core/load.h"

/* "'rate' (profiles/server.ini:12)", "'connections'": a field by its name, and where it was stated.
 */
static const char *stated_where(struct load *l, enum load_field field)
{
	const char *from = l->from[__builtin_ctz(field)], *name = "";

	for (size_t i = 0; i < load_keys_len; i++)
		if (load_keys[i].field == field)
			name = load_keys[i].name;
	return from ? arena_printf(&l->arena, "'%s' (%s)", name, from)
		    : arena_printf(&l->arena, "'%s'", name);
}

/* "the load contradicts itself: A says one thing, B another": both by name and place. */
static int contradiction(struct load *l, enum load_field a, const char *says_a, enum load_field b,
			 const char *says_b, struct err *e)
{
	return err_set(e, ERR_BAD_INPUT, "the load contradicts itself: %s %s, but %s %s",
		       stated_where(l, a), says_a, stated_where(l, b), says_b);
}

static const char *number(struct load *l, const char *before, uint64_t n, const char *after)
{
	return arena_printf(&l->arena, "%s%" PRIu64 "%s", before, n, after);
}

static void derive(struct load *l, enum load_field field)
{
	l->stated |= field;
	l->derived |= field;
}

/* Little's law: what is open at once is what arrives per second times how long it stays. */
static int complete_connections(struct load *l, struct err *e)
{
	if (!load_states(l, LOAD_RATE | LOAD_LATENCY))
		return 0;

	double open = (double)l->rate * (double)l->latency_ns / (double)NS_PER_S;
	uint64_t need = (uint64_t)open + ((double)(uint64_t)open < open);

	if (!load_states(l, LOAD_CONNECTIONS)) {
		l->connections = need;
		derive(l, LOAD_CONNECTIONS);
	} else if (l->connections < need) {
		return contradiction(l, LOAD_RATE,
				     number(l, "with that latency keeps ", need, " requests open"),
				     LOAD_CONNECTIONS, number(l, "is ", l->connections, ""), e);
	}
	return 0;
}

/* Without keep-alive a request and a new connection are the same thing. */
static int complete_rates(struct load *l, struct err *e)
{
	bool same = load_states(l, LOAD_KEEPALIVE) && !l->keepalive;

	if (same && !load_states(l, LOAD_NEW_CONNECTIONS) && load_states(l, LOAD_RATE)) {
		l->new_connections = l->rate;
		derive(l, LOAD_NEW_CONNECTIONS);
	} else if (same && load_states(l, LOAD_NEW_CONNECTIONS) && !load_states(l, LOAD_RATE)) {
		l->rate = l->new_connections;
		derive(l, LOAD_RATE);
	}
	if (!load_states(l, LOAD_RATE | LOAD_NEW_CONNECTIONS))
		return 0;
	if (same && l->new_connections != l->rate)
		return contradiction(l, LOAD_RATE,
				     number(l, "without keep-alive makes ", l->rate,
					    " new connections/s"),
				     LOAD_NEW_CONNECTIONS, number(l, "is ", l->new_connections, ""),
				     e);
	if (l->new_connections > l->rate)
		return contradiction(l, LOAD_NEW_CONNECTIONS,
				     number(l, "opens ", l->new_connections,
					    "/s, each for a request"),
				     LOAD_RATE, number(l, "is ", l->rate, ""), e);
	return 0;
}

static int check_role(struct load *l, struct err *e)
{
	static const struct {
		enum load_field field;
		const char *says;
	} client_only[] = {
		{LOAD_SOURCE_IPS, "is about the end that connects"},
		{LOAD_BIND_FIRST, "is about the end that connects"},
	};

	for (size_t i = 0; l->role == ROLE_SERVER && i < ARRAY_LEN(client_only); i++)
		if (load_states(l, client_only[i].field) && !load_states(l, LOAD_TARGET))
			return contradiction(l, client_only[i].field, client_only[i].says,
					     LOAD_ROLE, "is server, which states no target", e);
	return 0;
}

int load_complete(struct load *l, struct err *e)
{
	/* Who names only what is connected to speaks of the side that connects. */
	if (load_states(l, LOAD_TARGET) && !(l->stated & (LOAD_ROLE | LOAD_PORT))) {
		l->role = ROLE_GENERATOR;
		derive(l, LOAD_ROLE);
	}
	int r = complete_rates(l, e);

	if (__builtin_popcount(l->stated & LOAD_WHOSE) > 1)
		return err_set(
			e, ERR_BAD_INPUT,
			"the load contradicts itself: pid, process and unit say the same thing "
			"in three ways; state one");
	if (r == 0)
		r = complete_connections(l, e);
	if (r == 0)
		r = check_role(l, e);
	if (r < 0)
		return r;
	if (load_states(l, LOAD_BURST | LOAD_CONNECTIONS) && l->burst > l->connections)
		return contradiction(l, LOAD_BURST,
				     number(l, "has a burst of ", l->burst, " open at once"),
				     LOAD_CONNECTIONS, number(l, "is ", l->connections, ""), e);
	if (load_states(l, LOAD_LATENCY | LOAD_DURATION) && l->latency_ns > l->duration_ns)
		return contradiction(l, LOAD_LATENCY, "is how long one request takes",
				     LOAD_DURATION, "is shorter", e);
	return 0;
}
