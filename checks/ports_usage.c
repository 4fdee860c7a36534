/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How many local ports are taken toward each target right now. */
#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/units.h"
#include "core/capacity_facts.h"
#include "core/check_key.h"
#include "sys/nl_sockets.h"
#include "sys/procnet.h"

#define ID "ports.usage"

/* Half of the range makes connect() search long; little is left above 85 % (see ports.range). */
#define SLOW_PERCENT 50
#define EXHAUSTED_PERCENT 85

/* So many sockets are listed in about 10 ms; more only where -v asks for it. */
#define SMALL_TABLE 10000
#define SHOWN 3

static const char *const predicts[] = {"ports.exhausted", NULL};

/* The ports of one source address toward one address and port. */
struct toward {
	const struct inet_socket *socket; /* one of them */
	uint64_t ports;
};

static int by_tuple(const void *pa, const void *pb)
{
	const struct inet_socket *a = pa, *b = pb;
	int r = memcmp(a->peer, b->peer, sizeof(a->peer));

	if (a->family != b->family)
		return a->family < b->family ? -1 : 1;
	if (r == 0)
		r = (a->peer_port > b->peer_port) - (a->peer_port < b->peer_port);
	return r ? r : memcmp(a->local, b->local, sizeof(a->local));
}

static bool is_target(const struct load *l, const struct inet_socket *s)
{
	for (size_t i = 0; i < l->targets_len; i++) {
		uint8_t address[16] = {0};

		if (l->targets[i].port == s->peer_port &&
		    inet_pton(s->family, l->targets[i].host, address) == 1 &&
		    memcmp(address, s->peer, sizeof(address)) == 0)
			return true;
	}
	return false;
}

static void judge_toward(const struct check_input *in, const struct local_ports *range,
			 const struct toward *t, struct findings *out)
{
	char address[INET6_ADDRSTRLEN], source[INET6_ADDRSTRLEN], a[UNITS_MAX], b[UNITS_MAX];
	uint64_t percent = range->usable ? t->ports * 100 / range->usable : 100;
	static const struct threshold limit = {SLOW_PERCENT, EXHAUSTED_PERCENT, FINDING_FAIL};
	bool six = t->socket->family == AF_INET6;

	inet_ntop(t->socket->family, t->socket->peer, address, sizeof(address));
	inet_ntop(t->socket->family, t->socket->local, source, sizeof(source));

	struct finding *f = finding_add(out, ID, FINDING_PASS,
					finding_text(out, six ? "toward [%s]:%u" : "toward %s:%u",
						     address, t->socket->peer_port));

	f->needed = in->load->targets_len == 0 || is_target(in->load, t->socket);
	f->observed = finding_text(out, "%s of %s local ports taken, from %s",
				   units_count(t->ports, a), units_count(range->usable, b), source);
	f->arithmetic = finding_text(out, "%s / %s = %" PRIu64 "%%", a, b, percent);
	f->status = check_threshold(in, ID, &limit, percent);
	if (f->status == FINDING_PASS)
		return;
	/* A full range toward somebody else slows this load down, it does not stop it. */
	if (!f->needed)
		f->status = FINDING_WARN;
	f->why = "from half of the range on each connect() searches longer; with none left it "
		 "fails with EADDRNOTAVAIL";
	f->fix = "end what holds them (ss -tan shows it), or wait a minute for TIME_WAIT to pass";
}

static int by_ports(const void *pa, const void *pb)
{
	const struct toward *a = pa, *b = pb;

	return (a->ports < b->ports) - (a->ports > b->ports);
}

/* Only connections that hold a port of the range count; those of a server hold its own port. */
static int break_down(const struct check_input *in, const struct local_ports *range,
		      struct findings *out, struct err *e)
{
	cleanup_free struct inet_socket *s = NULL;
	cleanup_free struct toward *t = NULL;
	size_t len, groups = 0;
	int r = sockets_read(in->host, SOCKETS_TCP_PORTS, &s, &len, e);

	if (r < 0)
		return r;
	t = calloc(len + 1, sizeof(*t));
	if (!t)
		out_of_memory();
	if (len > 1)
		qsort(s, len, sizeof(*s), by_tuple);
	for (size_t i = 0; i < len; i++) {
		if (s[i].local_port < range->low || s[i].local_port > range->high)
			continue;
		if (!groups || by_tuple(t[groups - 1].socket, &s[i]) != 0)
			t[groups++].socket = &s[i];
		t[groups - 1].ports++;
	}
	if (groups > 1)
		qsort(t, groups, sizeof(*t), by_ports);
	for (size_t i = 0; i < groups; i++)
		if (i < SHOWN || is_target(in->load, t[i].socket))
			judge_toward(in, range, &t[i], out);
	if (!groups)
		finding_add(out, ID, FINDING_PASS, "toward any one target")->observed =
			"no local port of the range is taken";
	return 0;
}

static int run(const struct check_input *in, struct findings *out, struct err *e)
{
	struct local_ports range;
	struct sockstat s;
	char a[UNITS_MAX], b[UNITS_MAX];
	int r = facts_local_ports(in->host, &range, e);

	if (r == -ENOENT) {
		check_not_here(in, ID, "net.ipv4.ip_local_port_range", out);
		return 0;
	}
	if (r < 0)
		return r;
	ranges_done(&range.reserved); /* what is usable is counted already */
	r = procnet_sockstat(in->host, &s, e);
	if (r < 0)
		return r;

	/* inuse has no TIME_WAIT in it (tcp_time_wait() leaves the protocol's count). */
	uint64_t most = s.tcp_inuse + s.tcp6_inuse + s.tcp_time_wait;
	bool few = most * 100 < range.usable * SLOW_PERCENT;

	if ((in->verbose && !in->host->captured) || (!few && most <= SMALL_TABLE))
		return break_down(in, &range, out, e);

	struct finding *f = finding_add(out, ID, FINDING_PASS, "toward any one target");

	f->needed = in->load->role == ROLE_GENERATOR || in->load->role == ROLE_PROXY;
	f->observed = finding_text(out, "at most %s of %s local ports taken", units_count(most, a),
				   units_count(range.usable, b));
	f->arithmetic = finding_text(out, "%" PRIu64 " open + %" PRIu64 " in TIME_WAIT, to all",
				     s.tcp_inuse + s.tcp6_inuse, s.tcp_time_wait);
	if (few)
		return 0;
	f->status = FINDING_UNKNOWN;
	f->observed = finding_text(out, "not broken down: %s sockets", a);
	f->why = "if most of them go to one address and port, its local ports run out";
	f->fix = "-v lists them all (about 1 us each), or wait a minute for TIME_WAIT to pass";
	return 0;
}

const struct check check_ports_usage = {
	.id = "ports.usage",
	.title = "local ports are free toward the targets now",
	.why = "What runs already, or ran a minute ago, holds local ports toward its targets, and "
	       "a "
	       "test starts with the rest. Ports count for each pair of source address and target "
	       "apart, so many connections to many targets take few. The kernel's totals bound the "
	       "number from above at no cost; only if that bound is near the range and the sockets "
	       "are few are they listed one by one.",
	.predicts = predicts,
	.has_threshold = true,
	.run = run,
};
