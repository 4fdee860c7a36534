/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Listening sockets: does the accept queue in force hold what the load brings at once? */
#include <errno.h>
#include <inttypes.h>

#include "base/cleanup.h"
#include "base/units.h"
#include "core/capacity_rows.h"
#include "core/check.h"
#include "sys/nl_sockdiag.h"
#include "sys/proc.h"
#include "sys/proc_find.h"

static const char *const predicts[] = {"listen.accept_overflow", "tcp.retransmit", NULL};

/* So many listeners with nothing to say are shown one by one; -v shows all. */
#define PASSES_SHOWN 16

/* What is being judged, and what is left to do when all are. */
struct judging {
	const struct check_input *in;
	const struct queue_facts *settings;
	struct findings *out;
	size_t passes;
	bool sized; /* the load has a demand for an accept queue here */
	/* Findings whose process is to be named, and the sockets to find it by. */
	size_t *finding;
	uint32_t *inode;
	size_t nameless;
};

/*
 * Only asked for listeners with something to say, and once for all of them: looking through all
 * descriptors of the host takes a while.
 */
static void name_owners(const struct judging *j)
{
	cleanup_free struct socket_owner *owner = calloc(j->nameless + 1, sizeof(*owner));
	unsigned unreadable;
	struct err ignored;

	if (!owner)
		out_of_memory();
	if (!j->nameless || proc_socket_owners(j->in->host, j->inode, j->nameless, owner,
					       &unreadable, &ignored) < 0)
		return;
	for (size_t i = 0; i < j->nameless; i++) {
		struct process_ref *p = &j->out->item[j->finding[i]].process;
		char group[PROC_GROUP_MAX];

		if (!owner[i].pid)
			continue;
		*p = (struct process_ref){
			.pid = owner[i].pid,
			.comm = finding_text(j->out, "%s", owner[i].comm),
			.holders = owner[i].holders,
		};
		proc_group(j->in->host, owner[i].pid, group);
		p->group = *group ? finding_text(j->out, "%s", group) : NULL;
	}
}

/*
 * Two parties cap a backlog: the server's own listen() call and somaxconn at the moment of the
 * call (__sys_listen, net/socket.c). Which of the two decides what has to be done.
 */
static const char *advice(const struct listener_group *g, uint64_t need, uint64_t somaxconn,
			  struct findings *out)
{
	const char *own = finding_text(out,
				       "give the server a backlog of %" PRIu64
				       " (nginx: listen %u backlog=%" PRIu64 ";)",
				       need, g->first->port, need);

	if (somaxconn >= need)
		return finding_text(out,
				    "%s and restart it, since a listener keeps the limit that it "
				    "got; or, without a restart, runup apply a profile with "
				    "[listen] tcp:%u",
				    own, g->first->port);
	return finding_text(
		out,
		"raise net.core.somaxconn to %" PRIu64 " (now %" PRIu64
		"), then restart the server with a backlog as large, since a listener keeps the "
		"limit that it got; or, without a restart, runup apply a profile with both and "
		"[listen] tcp:%u",
		need, somaxconn, g->first->port);
}

static struct finding *add_finding(const struct judging *j, const struct listener_group *g)
{
	char name[LISTENER_NAME_MAX];
	struct finding *f =
		finding_add(j->out, "listen.backlog", FINDING_PASS, listener_name(g->first, name));

	f->observed = finding_text(j->out,
				   "limit %u in force%s, %u waiting, %" PRIu64 " dropped since it "
				   "was opened",
				   g->limit, g->len > 1 ? " (the smallest of its group)" : "",
				   g->queue, g->drops);
	return f;
}

static void name_later(struct judging *j, const struct listener_group *g)
{
	j->finding[j->nameless] = j->out->len - 1;
	j->inode[j->nameless++] = g->first->inode;
}

/* Nothing is asked of it: is it full right now? */
static void judge_idle(struct judging *j, const struct listener_group *g)
{
	if (g->queue <= g->limit) {
		if (j->in->verbose || j->passes++ < PASSES_SHOWN)
			add_finding(j, g);
		return;
	}
	struct finding *f = add_finding(j, g);

	f->status = FINDING_WARN;
	f->why = "its accept queue is full right now: new connections are dropped";
	f->fix = "find out why its server does not accept() them";
	name_later(j, g);
}

static void judge_group(struct judging *j, const struct listener_group *g)
{
	const struct load *l = j->in->load;

	if (!j->sized || (load_states(l, LOAD_PORT) &&
			  !ranges_contain(&l->ports, g->first->port, g->first->port))) {
		judge_idle(j, g);
		return;
	}
	struct queue_facts q = queue_of_group(j->settings, g);
	struct row row = row_of_queue(&q, l);
	struct finding *f = add_finding(j, g);
	/* The kernel spreads connections over a group by hash, so each socket takes its share. */
	uint64_t need = (row.demand + g->len - 1) / g->len;
	char a[UNITS_MAX];

	f->needed = true;
	f->required = finding_text(j->out, "a limit of at least %s", units_count(need - 1, a));
	f->arithmetic = finding_text(j->out, "%s", row.arithmetic);
	if (row.state != ROW_BREAKS)
		return;
	f->status = FINDING_FAIL;
	f->why = finding_text(
		j->out,
		"when more than %u connections wait for accept(), the kernel drops the "
		"next ones without a word; clients try again after 1, 3 and 7 s",
		g->limit);
	f->fix = advice(g, need - 1, q.somaxconn, j->out);
	name_later(j, g);
}

static void judge_all(struct judging *j, const struct listener *l, size_t len)
{
	cleanup_free size_t *finding = calloc(len + 1, sizeof(*finding));
	cleanup_free uint32_t *inode = calloc(len + 1, sizeof(*inode));

	if (!finding || !inode)
		out_of_memory();
	j->finding = finding;
	j->inode = inode;
	for (size_t i = 0; i < len;) {
		struct listener_group g = listener_group_next(&l[i], len - i);

		judge_group(j, &g);
		i += g.len;
	}
	name_owners(j);
	if (j->passes > PASSES_SHOWN && !j->in->verbose)
		finding_add(j->out, "listen.backlog", FINDING_PASS, "the other listeners")
			->observed = finding_text(j->out,
						  "none of %zu more has a full queue (-v shows "
						  "each)",
						  j->passes - PASSES_SHOWN);
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
	struct queue_facts settings = {0};
	struct judging j = {
		.in = in,
		.settings = &settings,
		.out = out,
		/* A generator's listeners do not carry the load. */
		.sized = demand_accept_queue(in->load).known && in->load->role != ROLE_GENERATOR,
	};
	const struct listener *l;
	size_t len;

	check_profile_sysctls(in, "listen.backlog", out);
	int r = check_listeners(in, &l, &len, e);

	if (r < 0)
		return r;
	check_profile_listeners(in, "listen.backlog", l, len, out);
	facts_read_queue_settings(in->host, &settings);
	judge_all(&j, l, len);
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
