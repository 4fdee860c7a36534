/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Local ports: enough of them, none stolen from a listener, none still held by the last run. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "base/ranges.h"
#include "base/units.h"
#include "core/capacity_rows.h"
#include "core/check.h"
#include "sys/procnet.h"
#include "sys/sysctl.h"

/*
 * connect() slows down about fortyfold once half of the range toward one destination is taken
 * (__inet_hash_connect searches even offsets first, then odd ones, one by one; measured on 6.18),
 * long before the first EADDRNOTAVAIL.
 */
#define SLOW_PERCENT 50
#define EXHAUSTED_PERCENT 85

static const char *const predicts[] = {"ports.exhausted", NULL};

static void judge_load(const struct check_input *in, const struct port_facts *ports,
		       const struct row *row, struct findings *out)
{
	char a[UNITS_MAX], b[UNITS_MAX];
	uint64_t percent = row->limit ? row->demand * 100 / row->limit : UINT64_MAX;
	static const struct threshold t = {SLOW_PERCENT, EXHAUSTED_PERCENT, FINDING_FAIL};
	struct port_hold hold = port_hold_of(in->load, (int)ports->tw_reuse, ports->timestamps != 0,
					     ports->tw_reuse_delay_ms);
	struct finding *f =
		finding_add(out, "ports.range", FINDING_PASS, "ports toward each target");

	f->needed = true;
	f->observed = finding_text(out, "%s local ports (%u-%u)", units_count(row->limit, a),
				   ports->low, ports->high);
	f->required = finding_text(out, "%s", units_count(row->demand, b));
	f->arithmetic =
		finding_text(out, "%s; %s / %s = %" PRIu64 "%%", row->arithmetic, b, a, percent);
	f->status = check_threshold(in, "ports.range", &t, percent);
	if (f->status == FINDING_PASS)
		return;
	f->why = percent > EXHAUSTED_PERCENT
			 ? "without a free port connect() fails with EADDRNOTAVAIL; no "
			   "counter and no "
			   "log line tells"
			 : "from half of the range on, each connect() searches longer for "
			   "a free port";
	f->fix = finding_text(out,
			      "keep connections alive; %swiden net.ipv4.ip_local_port_range; or "
			      "use more %ssource addresses",
			      hold.seconds >= 60 && !load_binds_first(in->load)
				      ? "set net.ipv4.tcp_tw_reuse=1; "
				      : "",
			      load_binds_first(in->load) ? "" : "targets or ");
}

/* It says how much, in terms that do not tell how many connections. */
static bool load_asks_for_connections(const struct load *l)
{
	return load_states(l, LOAD_RATE) || (load_states(l, LOAD_KEEPALIVE) && !l->keepalive);
}

static int run_range(const struct check_input *in, struct findings *out, struct err *e)
{
	struct facts facts = {0};
	const struct listener *l;
	size_t len;

	check_profile_sysctls(in, "ports.range", out);
	int r = check_listeners(in, &l, &len, e);

	if (r < 0)
		return r;
	facts_read_ports(in->host, l, len, &facts.ports);
	if (facts.ports.is.known != KNOWN)
		return err_set(e, EIO, "%s", facts.ports.is.why);

	struct row row = row_for(RESOURCE_ports, &facts, in->load);

	if (row.load.known) {
		judge_load(in, &facts.ports, &row, out);
	} else if (load_connects(in->load) && load_asks_for_connections(in->load)) {
		struct finding *f = finding_add(out, "ports.range", FINDING_UNKNOWN,
						"ports toward each target");

		f->needed = true;
		f->why = "how many connections that makes was not stated";
		f->fix = finding_text(out, "state %s%s", row.load.unsized,
				      load_states(in->load, LOAD_RATE) ? ", or --latency" : "");
	} else if (!in->profile ||
		   !profile_want(in->profile, "sysctl", "net.ipv4.ip_local_port_range")) {
		char n[UNITS_MAX];
		uint64_t usable = (uint64_t)facts.ports.high - facts.ports.low + 1 -
				  facts.ports.reserved - facts.ports.bound;
		struct finding *f = finding_add(out, "ports.range", FINDING_PASS,
						"net.ipv4.ip_local_port_range");

		f->observed = finding_text(out, "%u-%u: %s ports", facts.ports.low,
					   facts.ports.high, units_count(usable, n));
	}
	return 0;
}

/* What is reserved and the ports together: writing the new ones alone would free the old ones. */
static const char *reserve_text(const struct ranges *reserved, const struct ranges *ports,
				struct findings *out)
{
	struct ranges all = {0};
	struct strbuf text = {0};

	ranges_add_all(&all, reserved);
	ranges_add_all(&all, ports);
	ranges_format(&all, &text);
	const char *fix = finding_text(out, "sysctl -w net.ipv4.ip_local_reserved_ports=%s",
				       strbuf_get(&text));

	strbuf_done(&text);
	ranges_done(&all);
	return fix;
}

#define RESERVED_WHY                                                                               \
	"an outgoing connection may take the port while the server is down, and its restart then fails with EADDRINUSE"

static void judge_stated_ports(const struct check_input *in, const struct local_ports *ports,
			       struct findings *out)
{
	const struct ranges *listen = &in->load->ports;

	for (size_t i = 0; i < listen->len; i++) {
		uint32_t low = listen->item[i].low, high = listen->item[i].high;
		struct finding *f = finding_add(out, "ports.reserved", FINDING_PASS,
						finding_text(out, "tcp port %" PRIu32, low));

		f->needed = true;
		if (high < ports->low || low > ports->high ||
		    ranges_contain(&ports->reserved, low, high)) {
			f->observed = "not given to outgoing connections";
			continue;
		}
		f->status = FINDING_WARN;
		f->observed = finding_text(out, "inside the local range %u-%u and not reserved",
					   ports->low, ports->high);
		f->why = RESERVED_WHY;
		f->fix = reserve_text(&ports->reserved, listen, out);
	}
}

/* The range as it will be: a profile that widens it puts more listeners inside. */
static void widen_as_wanted(const struct check_input *in, struct local_ports *ports)
{
	const struct want *w =
		in->profile ? profile_want(in->profile, "sysctl", "net.ipv4.ip_local_port_range")
			    : NULL;
	unsigned low, high;

	if (!w || !w->value || sscanf(w->value, "%u %u", &low, &high) != 2)
		return;
	if (low < ports->low || w->op == OP_EXACT)
		ports->low = low;
	if (high > ports->high || w->op == OP_EXACT)
		ports->high = high;
}

/* On a host that connects: what listens there already. */
static int judge_listeners(const struct check_input *in, struct local_ports *ports,
			   struct findings *out, struct err *e)
{
	const struct listener *l;
	struct ranges inside = {0};
	struct strbuf text = {0};
	size_t len;
	int r = check_listeners(in, &l, &len, e);

	if (r < 0)
		return r;
	widen_as_wanted(in, ports);
	for (size_t i = 0; i < len; i++)
		if (l[i].port >= ports->low && l[i].port <= ports->high &&
		    !ranges_contain(&ports->reserved, l[i].port, l[i].port))
			ranges_add(&inside, l[i].port, l[i].port);

	struct finding *f =
		finding_add(out, "ports.reserved", FINDING_PASS, "listeners of this host");

	f->observed = finding_text(out, "none inside the local range %u-%u that is not reserved",
				   ports->low, ports->high);
	if (inside.len) {
		ranges_format(&inside, &text);
		f->status = FINDING_WARN;
		f->observed = finding_text(out, "%s inside the local range %u-%u, not reserved",
					   strbuf_get(&text), ports->low, ports->high);
		f->why = RESERVED_WHY;
		f->fix = reserve_text(&ports->reserved, &inside, out);
	}
	strbuf_done(&text);
	ranges_done(&inside);
	return 0;
}

static int run_reserved(const struct check_input *in, struct findings *out, struct err *e)
{
	struct local_ports ports;

	check_profile_sysctls(in, "ports.reserved", out);
	if (in->profile && profile_want(in->profile, "sysctl", "net.ipv4.ip_local_reserved_ports"))
		return 0;
	int r = facts_local_ports(in->host, &ports, e);

	if (r < 0)
		return r;
	if (in->load->ports.len)
		judge_stated_ports(in, &ports, out);
	else if (load_connects(in->load))
		r = judge_listeners(in, &ports, out, e);
	else
		finding_add(out, "ports.reserved", FINDING_NA, NULL)->observed =
			"the load names no port that it listens on";
	ranges_done(&ports.reserved);
	return r;
}

static int run_time_wait(const struct check_input *in, struct findings *out, struct err *e)
{
	struct local_ports ports;
	struct sockstat s;
	char a[UNITS_MAX], b[UNITS_MAX];
	int r = procnet_sockstat(in->host, &s, e);

	if (r < 0)
		return r;
	r = facts_local_ports(in->host, &ports, e);
	if (r < 0)
		return r;

	struct finding *f =
		finding_add(out, "ports.time_wait", FINDING_PASS, "TIME_WAIT left over");
	uint64_t percent = ports.usable ? s.tcp_time_wait * 100 / ports.usable : 0;
	static const struct threshold t = {SLOW_PERCENT + 1, SLOW_PERCENT, FINDING_WARN};

	f->needed = in->load->role == ROLE_GENERATOR;
	f->observed = finding_text(out, "%s sockets", units_count(s.tcp_time_wait, a));
	f->arithmetic = finding_text(out, "%s / %s local ports = %" PRIu64 "%%", a,
				     units_count(ports.usable, b), percent);
	f->status = check_threshold(in, "ports.time_wait", &t, percent);
	if (f->status != FINDING_PASS) {
		f->why = "each may still hold a local port toward its destination for up to 60 s "
			 "after "
			 "the last run";
		f->fix = "wait a minute before the next run";
	}
	ranges_done(&ports.reserved);
	return 0;
}

const struct check check_ports_range = {
	.id = "ports.range",
	.title = "enough local ports for outgoing connections",
	.why = "Each connection from one address to one address and port needs a local port of its "
	       "own, taken from ip_local_port_range (IPv6 uses the same range). The side that "
	       "closes "
	       "first keeps its port in TIME_WAIT for 60 s, or for one second where tcp_tw_reuse "
	       "and timestamps let it be taken again. When none is left connect() fails with "
	       "EADDRNOTAVAIL, which no kernel counter and no log line tells. Ports that "
	       "something is bound to are taken off the range, those that do not listen where the "
	       "kernel tells them (6.8) and has few sockets.",
	.predicts = predicts,
	.has_threshold = true,
	.run = run_range,
};

const struct check check_ports_reserved = {
	.id = "ports.reserved",
	.title = "no listener's port is given to an outgoing connection",
	.why = "A port inside ip_local_port_range may be handed to any outgoing connection. If "
	       "that "
	       "happens while the server is being restarted, its bind() fails with EADDRINUSE. "
	       "ip_local_reserved_ports keeps ports out of the automatic choice and does not "
	       "hinder "
	       "a bind() that asks for them.",
	.run = run_reserved,
};

const struct check check_ports_time_wait = {
	.id = "ports.time_wait",
	.title = "no ports still held by the last run",
	.why = "A closed connection stays in TIME_WAIT for 60 s on the side that closed first, and "
	       "its "
	       "local port stays taken toward that destination. A run that begins right after "
	       "another "
	       "starts with fewer ports and slower connects. tcp_fin_timeout does not shorten "
	       "this.",
	.predicts = predicts,
	.has_threshold = true,
	.run = run_time_wait,
};
