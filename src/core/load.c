/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/load.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/parse.h"
#include "base/units.h"

#define COUNT_MAX UINT64_C(1000000000000)

const struct load_key load_keys[] = {
	{"role", "server|generator|proxy", "what this host does in the test", LOAD_ROLE},
	{"rate", "N", "requests per second", LOAD_RATE},
	{"connections", "N", "connections open at once", LOAD_CONNECTIONS},
	{"new_connections", "N", "connections opened per second", LOAD_NEW_CONNECTIONS},
	{"no_keepalive", NULL, "each request opens a connection of its own", LOAD_KEEPALIVE},
	{"burst", "N", "connections that arrive at once (default: all of them)", LOAD_BURST},
	{"target", "HOST:PORT[,...]", "where the load goes, seen from a generator", LOAD_TARGET},
	{"port", "N[,...]", "where the server listens", LOAD_PORT},
	{"source_ips", "N", "addresses that the generator connects from", LOAD_SOURCE_IPS},
	{"duration", "DURATION", "how long the test runs: 30s, 10m", LOAD_DURATION},
	{"latency", "DURATION", "how long a request takes: 20ms", LOAD_LATENCY},
	{"pid", "PID", "the process whose limits count", LOAD_PID},
	{"process", "NAME", "the same by its name or its program's", LOAD_PROCESS},
	{"unit", "UNIT", "the same by its systemd unit", LOAD_UNIT},
	{"closes", "client|server", "which end closes first (default: the worse for this host)",
	 LOAD_CLOSES},
	{"bind_first", NULL, "the client binds before it connects, as vegeta does",
	 LOAD_BIND_FIRST},
};
const size_t load_keys_len = ARRAY_LEN(load_keys);

static const char *const roles[] = {
	[ROLE_NONE] = "",
	[ROLE_SERVER] = "server",
	[ROLE_GENERATOR] = "generator",
	[ROLE_PROXY] = "proxy",
};

static const char *const closes_names[] = {
	[CLOSES_UNKNOWN] = "",
	[CLOSES_CLIENT] = "client",
	[CLOSES_SERVER] = "server",
};

const char *role_name(enum role r)
{
	return roles[r];
}

const char *closes_name(enum closes c)
{
	return closes_names[c];
}

const char *model_name(enum load_model m)
{
	return m == MODEL_OPEN ? "open" : m == MODEL_CLOSED ? "closed" : NULL;
}

static bool same_name(const char *a, const char *b)
{
	for (; *a && *b; a++, b++)
		if (*a != *b && !(strchr("-_", *a) && strchr("-_", *b)))
			return false;
	return *a == *b;
}

const struct load_key *load_key_find(const char *name)
{
	for (size_t i = 0; i < load_keys_len; i++)
		if (same_name(load_keys[i].name, name))
			return &load_keys[i];
	return NULL;
}

/* Callers put the key and its value in front: they know where it was written. */
static int bad(struct err *e, const char *expected)
{
	return err_set(e, ERR_BAD_INPUT, "expected %s", expected);
}

static int set_role(struct load *l, const struct load_key *key, const char *value, struct err *e)
{
	for (size_t i = 1; i < ARRAY_LEN(roles); i++) {
		if (strcmp(value, roles[i]) == 0) {
			l->role = (enum role)i;
			return 0;
		}
	}
	return bad(e, key->metavar);
}

static int set_closes(struct load *l, const struct load_key *key, const char *value, struct err *e)
{
	for (size_t i = 1; i < ARRAY_LEN(closes_names); i++) {
		if (strcmp(value, closes_names[i]) == 0) {
			l->closes = (enum closes)i;
			return 0;
		}
	}
	return bad(e, key->metavar);
}

static int set_count(uint64_t *field, const char *value, struct err *e)
{
	if (parse_count(value, 1, COUNT_MAX, field) < 0)
		return bad(e, "a whole number of at least 1 (10000, 10k, 2M)");
	return 0;
}

static int set_duration(uint64_t *field, const char *value, struct err *e)
{
	uint64_t ns;

	if (parse_duration_ns(value, &ns) < 0 || ns == 0)
		return bad(e, "a duration with its unit (250ms, 30s, 10m)");
	*field = ns;
	return 0;
}

/* A switch, which a profile spells out. */
static int set_switch(bool *field, const char *value, struct err *e)
{
	if (strcmp(value, "yes") == 0)
		*field = true;
	else if (strcmp(value, "no") == 0)
		*field = false;
	else
		return bad(e, "yes or no");
	return 0;
}

static int set_keepalive(struct load *l, const char *value, struct err *e)
{
	bool without = false;
	int r = set_switch(&without, value, e);

	if (r == 0)
		l->keepalive = !without;
	return r;
}

static int set_ports(struct load *l, const char *value, struct err *e)
{
	struct ranges ports = {0};

	if (!*value || ranges_parse(&ports, value, 65535) < 0 || ranges_contain(&ports, 0, 0)) {
		ranges_done(&ports);
		return bad(e, "port numbers (8080, or 80,443,9000-9010)");
	}
	ranges_done(&l->ports);
	l->ports = ports;
	return 0;
}

/* "host:port" or "[v6]:port", len characters. */
static int set_one_target(struct load *l, struct target *t, const char *s, size_t len)
{
	char *text = arena_strndup(&l->arena, s, len);
	char *colon = strrchr(text, ':');
	uint64_t port;

	if (!colon || colon == text || parse_u64(colon + 1, 1, 65535, &port) < 0)
		return -EINVAL;
	*colon = '\0';
	if (text[0] == '[' && colon[-1] == ']') {
		colon[-1] = '\0';
		text++;
	} else if (strchr(text, ':')) {
		return -EINVAL; /* an IPv6 address without its brackets: which colon is the port's?
				 */
	}
	t->host = text;
	t->port = (uint16_t)port;
	return *text ? 0 : -EINVAL;
}

static int set_targets(struct load *l, const char *value, struct err *e)
{
	size_t len = 1, n = 0;

	for (const char *p = value; *p; p++)
		len += *p == ',';

	struct target *targets = arena_alloc(&l->arena, len * sizeof(*targets));

	for (const char *s = value;; s += strcspn(s, ",") + 1) {
		if (set_one_target(l, &targets[n++], s, strcspn(s, ",")) < 0)
			return bad(e, "HOST:PORT[,...] ([ADDRESS]:PORT for IPv6)");
		if (!s[strcspn(s, ",")])
			break;
	}
	l->targets = targets;
	l->targets_len = n;
	return 0;
}

static int set_pid(struct load *l, const char *value, struct err *e)
{
	uint64_t pid;

	if (parse_u64(value, 1, INT_MAX, &pid) < 0)
		return bad(e, "a process id");
	l->pid = (pid_t)pid;
	return 0;
}

static int set_name(struct load *l, const char **field, const char *value, struct err *e)
{
	if (!*value || strchr(value, '/'))
		return bad(e, "a name without a path");
	*field = arena_strdup(&l->arena, value);
	return 0;
}

static int set_field(struct load *l, const struct load_key *key, const char *value, struct err *e)
{
	switch (key->field) {
	case LOAD_ROLE:
		return set_role(l, key, value, e);
	case LOAD_RATE:
		return set_count(&l->rate, value, e);
	case LOAD_CONNECTIONS:
		return set_count(&l->connections, value, e);
	case LOAD_NEW_CONNECTIONS:
		return set_count(&l->new_connections, value, e);
	case LOAD_KEEPALIVE:
		return set_keepalive(l, value, e);
	case LOAD_BURST:
		return set_count(&l->burst, value, e);
	case LOAD_TARGET:
		return set_targets(l, value, e);
	case LOAD_PORT:
		return set_ports(l, value, e);
	case LOAD_SOURCE_IPS:
		return set_count(&l->source_ips, value, e);
	case LOAD_DURATION:
		return set_duration(&l->duration_ns, value, e);
	case LOAD_LATENCY:
		return set_duration(&l->latency_ns, value, e);
	case LOAD_PID:
		return set_pid(l, value, e);
	case LOAD_PROCESS:
		return set_name(l, &l->process, value, e);
	case LOAD_UNIT:
		return set_name(l, &l->unit, value, e);
	case LOAD_CLOSES:
		return set_closes(l, key, value, e);
	case LOAD_BIND_FIRST:
		return set_switch(&l->bind_first, value, e);
	}
	return err_set(e, ERR_BAD_INPUT, "'%s' is not a load option", key->name);
}

int load_set(struct load *l, const struct load_key *key, const char *value, struct err *e)
{
	if (!value) {
		if (key->metavar)
			return err_set(e, ERR_BAD_INPUT, "expected %s", key->metavar);
		value = "yes"; /* a switch that stands alone */
	}

	int r = set_field(l, key, value, e);

	if (r == 0)
		l->stated |= key->field;
	return r;
}

static void take_targets(struct load *l, const struct load *from)
{
	l->targets = arena_alloc(&l->arena, from->targets_len * sizeof(*l->targets));
	l->targets_len = from->targets_len;
	for (size_t i = 0; i < from->targets_len; i++)
		l->targets[i] = (struct target){
			.host = arena_strdup(&l->arena, from->targets[i].host),
			.port = from->targets[i].port,
		};
}

static void take_generator(struct load *l, const struct load *from)
{
	const char *message = from->generator.message;

	if (!from->generator.name && !message)
		return;
	l->generator = from->generator;
	l->generator.message = message ? arena_strdup(&l->arena, message) : NULL;
}

void load_merge(struct load *l, const struct load *from)
{
	unsigned missing = from->stated & ~l->stated;

	/* Three ways to say one thing: --pid wins over the profile's unit. */
	if (l->stated & LOAD_WHOSE)
		missing &= ~(unsigned)LOAD_WHOSE;

#define TAKE(bit, field)                                                                           \
	if (missing & (bit))                                                                       \
	l->field = from->field
	TAKE(LOAD_ROLE, role);
	TAKE(LOAD_RATE, rate);
	TAKE(LOAD_CONNECTIONS, connections);
	TAKE(LOAD_NEW_CONNECTIONS, new_connections);
	TAKE(LOAD_KEEPALIVE, keepalive);
	TAKE(LOAD_BURST, burst);
	TAKE(LOAD_SOURCE_IPS, source_ips);
	TAKE(LOAD_DURATION, duration_ns);
	TAKE(LOAD_LATENCY, latency_ns);
	TAKE(LOAD_PID, pid);
	TAKE(LOAD_CLOSES, closes);
	TAKE(LOAD_BIND_FIRST, bind_first);
#undef TAKE
	if (missing & LOAD_PORT)
		ranges_add_all(&l->ports, &from->ports);
	if (missing & LOAD_PROCESS)
		l->process = arena_strdup(&l->arena, from->process);
	if (missing & LOAD_UNIT)
		l->unit = arena_strdup(&l->arena, from->unit);
	if (missing & LOAD_TARGET)
		take_targets(l, from);
	if (!l->generator.name)
		take_generator(l, from);
	for (unsigned i = 0; i < LOAD_FIELDS; i++)
		if ((missing & 1u << i) && from->from[i])
			l->from[i] = arena_strdup(&l->arena, from->from[i]);
	l->derived |= missing & from->derived;
	l->stated |= missing;
}

bool load_connects(const struct load *l)
{
	return l->role == ROLE_GENERATOR || l->role == ROLE_PROXY || load_states(l, LOAD_TARGET);
}

static uint64_t distinct(const struct load *l, bool with_port)
{
	uint64_t n = 0;

	for (size_t i = 0; i < l->targets_len; i++) {
		bool seen = false;

		for (size_t j = 0; j < i && !seen; j++)
			seen = strcmp(l->targets[i].host, l->targets[j].host) == 0 &&
			       (!with_port || l->targets[i].port == l->targets[j].port);
		n += !seen;
	}
	return n ? n : 1;
}

uint64_t load_distinct_targets(const struct load *l)
{
	return distinct(l, true);
}

uint64_t load_distinct_hosts(const struct load *l)
{
	return distinct(l, false);
}

bool load_loopback_only(const struct load *l)
{
	for (size_t i = 0; i < l->targets_len; i++) {
		const char *host = l->targets[i].host;

		if (strncmp(host, "127.", 4) != 0 && strcmp(host, "::1") != 0 &&
		    strcmp(host, "localhost") != 0)
			return false;
	}
	return l->targets_len > 0;
}

void load_done(struct load *l)
{
	ranges_done(&l->ports);
	arena_done(&l->arena);
	*l = (struct load){0};
}
