/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Listening sockets: does the accept queue in force hold what the load brings at once? */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/parse.h"
#include "base/units.h"
#include "core/capacity.h"
#include "core/check.h"
#include "sys/nl_sockdiag.h"
#include "sys/proc.h"
#include "sys/proc_find.h"
#include "sys/sysctl.h"

static const char *const predicts[] = {"listen.accept_overflow", NULL};

/* Sockets of one address: an SO_REUSEPORT group, or one socket. */
struct group {
	const struct listener *first;
	size_t len;
	uint32_t limit, queue; /* of the smallest, of the fullest */
	uint64_t drops;
};

static bool same_address(const struct listener *a, const struct listener *b)
{
	return a->family == b->family && a->port == b->port && a->ifindex == b->ifindex &&
	       memcmp(a->address, b->address, sizeof(a->address)) == 0;
}

/* The listeners are sorted, so a group stands together. */
static struct group next_group(const struct listener *l, size_t len)
{
	struct group g = {.first = l, .limit = UINT32_MAX};

	while (g.len < len && same_address(l, &l[g.len])) {
		const struct listener *one = &l[g.len++];

		if (one->limit < g.limit)
			g.limit = one->limit;
		if (one->queue > g.queue)
			g.queue = one->queue;
		g.drops += one->drops;
	}
	return g;
}

static uint64_t read_somaxconn(const struct host *h)
{
	char text[SYSCTL_VALUE_MAX];
	uint64_t n;
	struct err ignored;

	if (sysctl_read(h, "net.core.somaxconn", text, &ignored) < 0 ||
	    parse_u64(text, 0, UINT32_MAX, &n) < 0)
		return 0;
	return n;
}

/* Only asked for listeners with something to say: looking through all descriptors takes a while. */
static void name_owner(const struct check_input *in, const struct group *g, struct finding *f,
		       struct findings *out)
{
	struct socket_owner owner;
	unsigned unreadable;
	struct err ignored;

	if (proc_socket_owners(in->host, &g->first->inode, 1, &owner, &unreadable, &ignored) < 0)
		return;
	if (!owner.pid)
		return;
	f->process = (struct process_ref){
		.pid = owner.pid,
		.comm = finding_text(out, "%s", owner.comm),
		.holders = owner.holders,
	};
	if (in->verbose) {
		char group[PROC_GROUP_MAX];

		proc_group(in->host, owner.pid, group);
		f->process.group = *group ? finding_text(out, "%s", group) : NULL;
	}
}

/*
 * Two parties cap a backlog: the server's own listen() call and somaxconn at the moment of the
 * call (__sys_listen, net/socket.c). Which of the two decides what has to be done.
 */
static const char *advice(const struct group *g, uint64_t need, uint64_t somaxconn,
			  struct findings *out)
{
	const char *own = finding_text(out,
				       "give the server a backlog of %" PRIu64
				       " (nginx: listen %u backlog=%" PRIu64 ";)",
				       need, g->first->port, need);

	if (somaxconn >= need && g->limit == somaxconn)
		return own;
	if (somaxconn >= need)
		return finding_text(out,
				    "%s and restart it: a listener keeps the limit that it got",
				    own);
	return finding_text(
		out,
		"raise net.core.somaxconn to %" PRIu64 " (now %" PRIu64
		"), then restart the server with a backlog as large: a listener keeps the "
		"limit that it got",
		need, somaxconn);
}

static void judge_group(const struct check_input *in, const struct group *g,
			const struct demand *demand, uint64_t somaxconn, struct findings *out)
{
	char name[LISTENER_NAME_MAX], a[UNITS_MAX];
	struct finding *f =
		finding_add(out, "listen.backlog", FINDING_PASS, listener_name(g->first, name));
	bool asked = !load_states(in->load, LOAD_PORT) ||
		     ranges_contain(&in->load->ports, g->first->port, g->first->port);

	f->observed = finding_text(out,
				   "limit %u in force%s, %u waiting, %" PRIu64 " dropped since it "
				   "was opened",
				   g->limit, g->len > 1 ? " (the smallest of its group)" : "",
				   g->queue, g->drops);
	if (!demand->known || !asked) {
		if (g->queue > g->limit) {
			f->status = FINDING_WARN;
			f->why = "its accept queue is full right now: new connections are dropped";
			f->fix = "find out why its server does not accept() them";
			name_owner(in, g, f, out);
		}
		return;
	}

	/* The kernel spreads connections over a group by hash, so each socket takes its share. */
	uint64_t need = (demand->value + g->len - 1) / g->len;

	f->needed = true;
	f->required = finding_text(out, "a limit of at least %s", units_count(need - 1, a));
	f->arithmetic =
		finding_text(out, "%s%s; the kernel admits limit + 1", demand->arithmetic,
			     g->len > 1 ? finding_text(out, ", over %zu sockets", g->len) : "");
	/* sk_acceptq_is_full(): sk_ack_backlog > sk_max_ack_backlog, so a limit of N holds N + 1.
	 */
	if ((uint64_t)g->limit + 1 >= need)
		return;
	f->status = FINDING_FAIL;
	f->why = finding_text(
		out,
		"when more than %u connections wait for accept(), the kernel drops the "
		"next ones without a word; clients try again after 1, 3 and 7 s",
		g->limit);
	f->fix = advice(g, need - 1, somaxconn, out);
	name_owner(in, g, f, out);
}

static void judge_absent_ports(const struct check_input *in, const struct listener *l, size_t len,
			       struct findings *out)
{
	const struct ranges *ports = &in->load->ports;

	for (size_t i = 0; i < ports->len; i++) {
		bool found = false;

		/* A range says "somewhere here"; each single port must be there. */
		for (size_t j = 0; j < len && !found; j++)
			found = l[j].port >= ports->item[i].low && l[j].port <= ports->item[i].high;
		if (found)
			continue;

		struct finding *f =
			finding_add(out, "listen.backlog", FINDING_UNKNOWN,
				    finding_text(out, "tcp port %" PRIu32, ports->item[i].low));

		f->needed = true;
		f->observed = "nothing listens there";
		f->fix = "start the server, then check again: its limit is set when it listens";
	}
}

static int run(const struct check_input *in, struct findings *out, struct err *e)
{
	cleanup_free struct listener *l = NULL;
	struct demand demand = demand_accept_queue(in->load);
	size_t len;

	check_profile_sysctls(in, "listen.backlog", out);
	/* A generator's listeners do not carry the load. */
	if (in->load->role == ROLE_GENERATOR)
		demand.known = false;

	int r = sockdiag_listeners(in->host, &l, &len, e);

	if (r < 0)
		return r;
	uint64_t somaxconn = read_somaxconn(in->host);

	for (size_t i = 0; i < len;) {
		struct group g = next_group(&l[i], len - i);

		judge_group(in, &g, &demand, somaxconn, out);
		i += g.len;
	}
	if (load_states(in->load, LOAD_PORT))
		judge_absent_ports(in, l, len, out);
	else if (len == 0)
		finding_add(out, "listen.backlog", FINDING_NA, NULL)->observed =
			"nothing listens on TCP here";
	return 0;
}

const struct check check_listen_backlog = {
	.id = "listen.backlog",
	.title = "accept queues hold what arrives at once",
	.why = "A finished connection waits in its listener's accept queue until the server calls "
	       "accept(). The queue's limit is the smaller of the server's own backlog and "
	       "net.core.somaxconn at the moment of listen(); raising somaxconn later changes "
	       "nothing "
	       "for a listener that is there. When the queue is full the kernel drops the SYN and "
	       "says nothing: the client tries again after 1 s, 3 s and 7 s, and the test reports "
	       "latencies that the server never had.",
	.predicts = predicts,
	.run = run,
};
