/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Half-open connections: what a listener's SYN queue holds, and what happens beyond. */
#include <inttypes.h>

#include "base/units.h"
#include "core/capacity_facts.h"
#include "core/capacity.h"
#include "core/check_key.h"
#include "sys/nl_sockdiag.h"

#define ID "listen.syn_queue"

static const char *const predicts[] = {"listen.syncookies", "listen.syn_overflow", NULL};

struct syn_settings {
	uint64_t cookies, max_backlog;
};

/*
 * tcp_conn_request() (net/ipv4/tcp_input.c, 5.15 to 6.18): the listener's own limit bounds the
 * queue in any case; only without cookies does tcp_max_syn_backlog keep its last quarter for peers
 * that are known already.
 */
static uint64_t bound_of(const struct syn_settings *s, uint64_t limit)
{
	uint64_t three_quarters = s->max_backlog - s->max_backlog / 4;

	return s->cookies || limit < three_quarters ? limit : three_quarters;
}

static void judge_settings(const struct syn_settings *s, struct findings *out)
{
	struct finding *f = finding_add(out, ID, FINDING_PASS, "SYN cookies");

	if (s->cookies == 1) {
		f->observed =
			"on: a SYN queue is as long as its listener's backlog, and a full one "
			"answers with cookies";
		return;
	}
	f->status = FINDING_WARN;
	f->fix = "sysctl -w net.ipv4.tcp_syncookies=1";
	if (s->cookies == 0) {
		f->observed = finding_text(
			out,
			"off: a SYN queue is as long as its listener's backlog, at most %" PRIu64,
			bound_of(s, UINT64_MAX));
		f->why = "a full SYN queue then drops connection attempts; clients try again after "
			 "1, 3 and 7 s";
		return;
	}
	f->observed = finding_text(out, "%" PRIu64 ": every connection gets a cookie", s->cookies);
	f->why = "that is for testing the kernel: without timestamps no connection has window "
		 "scaling or SACK";
}

static void judge_listener(const struct syn_settings *s, const struct listener_group *g,
			   const struct demand *d, struct findings *out)
{
	char name[LISTENER_NAME_MAX], a[UNITS_MAX], b[UNITS_MAX];
	struct finding *f = finding_add(out, ID, FINDING_PASS, listener_name(g->first, name));
	uint64_t bound = bound_of(s, g->limit), need = (d->value + g->len - 1) / g->len;

	f->needed = true;
	f->observed =
		finding_text(out, "holds %s half-open connections (%s)", units_count(bound, a),
			     bound == g->limit ? "its own backlog" : "3/4 of tcp_max_syn_backlog");
	f->required = finding_text(out, "%s", units_count(need, b));
	f->arithmetic =
		finding_text(out, "%s%s", d->arithmetic,
			     g->len > 1 ? finding_text(out, ", over %zu sockets", g->len) : "");
	/* Both compare with >, so a queue of N holds N + 1. */
	if (need <= bound + 1)
		return;
	f->status = s->cookies ? FINDING_WARN : FINDING_FAIL;
	f->why =
		s->cookies
			? "beyond that connections are let in by SYN cookies: nothing is lost, but "
			  "without timestamps they have no window scaling and no SACK"
			: "beyond that the kernel drops the SYN without a word; clients try again "
			  "after 1, 3 and 7 s";
	f->fix = finding_text(out,
			      "raise net.core.somaxconn and the server's listen() backlog to "
			      "%" PRIu64 " and restart it%s",
			      need, s->cookies ? "" : "; sysctl -w net.ipv4.tcp_syncookies=1");
}

static int judge_listeners(const struct check_input *in, const struct syn_settings *s,
			   const struct demand *d, struct findings *out, struct err *e)
{
	const struct listener *l;
	size_t len;
	int r = check_listeners(in, &l, &len, e);

	for (size_t i = 0; r == 0 && i < len;) {
		struct listener_group g = listener_group_next(&l[i], len - i);

		i += g.len;
		if (!load_states(in->load, LOAD_PORT) ||
		    ranges_contain(&in->load->ports, g.first->port, g.first->port))
			judge_listener(s, &g, d, out);
	}
	return r;
}

static int run(const struct check_input *in, struct findings *out, struct err *e)
{
	struct demand d = demand_syn_queue(in->load);
	struct syn_settings s = {0};

	check_profile_sysctls(in, ID, out);
	int r = check_read_key(in, ID, "net.ipv4.tcp_syncookies", &s.cookies, 1, out, e);

	if (r > 0)
		r = check_read_key(in, ID, "net.ipv4.tcp_max_syn_backlog", &s.max_backlog, 1, out,
				   e);
	if (r <= 0)
		return r;
	judge_settings(&s, out);
	/* A generator's listeners do not carry the load. */
	if (!d.known || in->load->role == ROLE_GENERATOR)
		return 0;
	return judge_listeners(in, &s, &d, out, e);
}

const struct check check_listen_syn_queue = {
	.id = "listen.syn_queue",
	.title = "SYN queues hold the handshakes under way",
	.why = "A connection whose SYN has come and whose final ACK has not waits in the SYN queue "
	       "of its listener. The queue is as long as the listener's own backlog, however large "
	       "tcp_max_syn_backlog is; that counts only with SYN cookies off, and then keeps its "
	       "last quarter for known peers. When the queue is full the kernel answers with SYN "
	       "cookies, which let connections in without keeping state, or with cookies off drops "
	       "the SYN without a word.",
	.predicts = predicts,
	.run = run,
};
