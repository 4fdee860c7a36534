/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The load: what the host is asked to carry, in the user's own terms. */
#ifndef RUNUP_CORE_LOAD_H
#define RUNUP_CORE_LOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/arena.h"
#include "base/attr.h"
#include "base/err.h"
#include "base/ranges.h"

enum role { ROLE_NONE, ROLE_SERVER, ROLE_GENERATOR, ROLE_PROXY };

struct target {
	char *host; /* as given: a name or an address, brackets removed */
	uint16_t port;
};

/* One bit for each field that somebody stated; what is not stated is 0 and means nothing. */
enum load_field {
	LOAD_ROLE = 1 << 0,
	LOAD_RATE = 1 << 1,
	LOAD_CONNECTIONS = 1 << 2,
	LOAD_NEW_CONNECTIONS = 1 << 3,
	LOAD_KEEPALIVE = 1 << 4,
	LOAD_BURST = 1 << 5,
	LOAD_TARGET = 1 << 6,
	LOAD_PORT = 1 << 7,
	LOAD_SOURCE_IPS = 1 << 8,
	LOAD_DURATION = 1 << 9,
	LOAD_LATENCY = 1 << 10,
	LOAD_PID = 1 << 11,
	LOAD_CLOSES = 1 << 12,
	LOAD_BIND_FIRST = 1 << 13,
	LOAD_PROCESS = 1 << 14,
	LOAD_UNIT = 1 << 15,
};
#define LOAD_FIELDS 16

/* Which end of its connections closes first, and so keeps them in TIME_WAIT. */
enum closes { CLOSES_UNKNOWN, CLOSES_CLIENT, CLOSES_SERVER };

/* Open: requests go out at a rate, come what may. Closed: each waits for the answer before it. */
enum load_model { MODEL_UNKNOWN, MODEL_OPEN, MODEL_CLOSED };

/* What is known of the load generator, from its own command line (src/gen); name NULL: nothing is.
 */
struct generator {
	const char *name; /* "wrk"; static */
	enum load_model model;
	bool binds_first; /* bind() before connect(): one port for all destinations, no tw_reuse */
	bool raises_nofile; /* its runtime raises the soft descriptor limit to the hard one */
	uint64_t threads;   /* threads or processes of its own; 0: not said */
	bool container;	    /* its descriptor limit is not this shell's … */
	uint64_t container_nofile; /* … but this, where it says so; 0: not said */
	/* What could not be read from the command line; NULL: nothing. With no name: why not. */
	const char *message;
};

/* Zero-initialise; load_done() releases. */
struct load {
	unsigned stated;  /* enum load_field */
	unsigned derived; /* those of `stated` that load_complete() filled in */
	/* Where each field was stated, in the order of its bits: "profiles/server.ini:12", "wrk -c
	 * 400"; NULL: nobody said, or an option. Static, or in the arena. */
	const char *from[LOAD_FIELDS];
	enum role role;
	uint64_t rate;		  /* requests/s */
	uint64_t connections;	  /* open at once */
	uint64_t new_connections; /* opened per second */
	bool keepalive;		  /* requests share connections */
	uint64_t burst;		  /* connections that arrive at once */
	struct target *targets;	  /* generator: what it connects to */
	size_t targets_len;
	struct ranges ports; /* server: where it listens */
	uint64_t source_ips; /* addresses it connects from */
	uint64_t duration_ns, latency_ns;
	pid_t pid;		    /* the process whose limits count */
	const char *process, *unit; /* the same by name; cli/session.c finds the pid */
	enum closes closes;
	bool bind_first; /* as generator.binds_first, but stated; see load_binds_first() */
	struct generator generator;
	struct arena arena;
};

/*
 * One table for the LOAD options of the command line and the keys of a profile's [load]:
 * `--new-connections` there, `new_connections` here. The switch `--no-keepalive` is
 * `no_keepalive = yes` in a profile.
 */
struct load_key {
	const char *name;    /* profile key; the option is the same with '-' */
	const char *metavar; /* NULL: a switch, yes or no in a profile */
	const char *help;
	enum load_field field;
};
extern const struct load_key load_keys[];
extern const size_t load_keys_len;

/* The row for a profile key or an option name (either spelling), or NULL. */
const struct load_key *load_key_find(const char *name);

/*
 * Sets one key from its text (NULL for a switch). -ERR_BAD_INPUT with "expected …": the caller
 * puts the key, its value and the place in front; the load is then unchanged.
 */
must_check int load_set(struct load *l, const struct load_key *key, const char *value,
			struct err *e);

/* Takes from `from` what `l` does not state itself: the command line wins over the profile. */
void load_merge(struct load *l, const struct load *from);

/*
 * Fills what follows from what was stated, and refuses what contradicts itself (says which two):
 * without keep-alive each request is a new connection; connections by Little's law from rate and
 * latency. Derived fields count as stated. -ERR_BAD_INPUT.
 */
must_check int load_complete(struct load *l, struct err *e);

/* Whose limits count, in one of the three ways to say it. */
#define LOAD_WHOSE (LOAD_PID | LOAD_PROCESS | LOAD_UNIT)

/* Is there something to carry? Whose limits count is not a load by itself. */
static inline bool load_asks(const struct load *l)
{
	return (l->stated & ~(unsigned)LOAD_WHOSE) != 0;
}

static inline bool load_states(const struct load *l, unsigned fields)
{
	return (l->stated & fields) == fields;
}

/* Does the client bind() before it connects? What was stated wins over what its name tells. */
static inline bool load_binds_first(const struct load *l)
{
	return load_states(l, LOAD_BIND_FIRST) ? l->bind_first : l->generator.binds_first;
}

/* Does this host open connections under the load: a generator, a proxy, or one with a target? */
bool load_connects(const struct load *l);

/* Different targets, at least 1: a port is taken once for each; so are their hosts. */
uint64_t load_distinct_targets(const struct load *l);
uint64_t load_distinct_hosts(const struct load *l);

/* Do all targets lie on this very host? False without targets. */
bool load_loopback_only(const struct load *l);

/* Does it say how much, so that there is something to size by? */
static inline bool load_sized(const struct load *l)
{
	return l->stated & (LOAD_RATE | LOAD_CONNECTIONS | LOAD_NEW_CONNECTIONS | LOAD_BURST);
}

const char *closes_name(enum closes c);	   /* "client"; "" for CLOSES_UNKNOWN */
const char *role_name(enum role r);	   /* "server"; "" for ROLE_NONE */
const char *model_name(enum load_model m); /* "open"; NULL for MODEL_UNKNOWN */
void load_done(struct load *l);

#endif
