/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/capacity_rows.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/units.h"
#include "core/capacity_nat.h"

const char *row_state_name(enum row_state s)
{
	static const char *const names[] = {
		[ROW_FITS] = "fits", [ROW_BREAKS] = "breaks",	[ROW_UNSIZED] = "unsized",
		[ROW_NA] = "na",     [ROW_UNKNOWN] = "unknown",
	};

	return names[s];
}

#define SAY(field, ...) snprintf((field), sizeof(field), __VA_ARGS__)

/* Appends to what is said already, with a semicolon between. */
#define SAY_MORE(field, ...)                                                                       \
	do {                                                                                       \
		if ((field)[0])                                                                    \
			strncat((field), "; ", sizeof(field) - strlen(field) - 1);                 \
		snprintf((field) + strlen(field), sizeof(field) - strlen(field), __VA_ARGS__);     \
	} while (0)

static void not_touched(struct row *r, const char *why)
{
	r->state = ROW_NA;
	r->load = (struct demand){0};
	SAY(r->reason, "%s", why);
}

/* False: the facts are not known, and the row says so; what the load asks for is shown even so. */
static bool knows(struct row *r, const struct knowing *is)
{
	if (is->known == KNOWN)
		return true;
	if (is->known == NOT_HERE) {
		not_touched(r, is->why);
		return false;
	}
	r->state = ROW_UNKNOWN;
	r->demand = r->load.value;
	SAY(r->arithmetic, "%s", r->load.arithmetic);
	SAY(r->reason, "%s", is->known == NOT_READ ? "it was not read" : is->why);
	return false;
}

static struct breaking breaks(double left, double per_unit)
{
	if (per_unit <= 0)
		return (struct breaking){0};
	return (struct breaking){true, left > 0 ? left / per_unit : 0};
}

/*
 * The sum turned round, one term at a time with the others as stated. Where a request is a new
 * connection, or connections follow from the rate, they move together.
 */
static void solve(struct row *r, const struct load *l)
{
	const struct demand *d = &r->load;
	double left = (double)r->room - (double)r->held - d->fixed;
	double open = d->per_connection * d->connections, opened = d->seconds * d->new_connections;
	bool request_each = load_states(l, LOAD_KEEPALIVE) && !l->keepalive;
	bool follows = l->derived & LOAD_CONNECTIONS;
	double latency_s = (double)l->latency_ns / (double)NS_PER_S;

	/* No load fills it: all tuples that there are fit. */
	if (d->ceiling && r->held + d->ceiling <= r->room)
		return;
	r->connections = breaks(left - opened, d->per_connection);
	/* Connections are whole; no host has 2^60 of them. */
	if (r->connections.value < 0x1p60)
		r->connections.value = (double)(uint64_t)(r->connections.value + 1e-9);
	r->new_connections = breaks(left - open, d->seconds);
	if (request_each) {
		r->rate = breaks(left - (follows ? 0 : open),
				 d->seconds + (follows ? d->per_connection * latency_s : 0));
		if (follows && r->new_connections.known)
			r->new_connections = r->rate;
	} else if (follows && r->connections.known && latency_s > 0) {
		r->rate = (struct breaking){true, r->connections.value / latency_s};
	}
}

/* What the load asks for against what is left; the row has limit, room, held and load. */
static void settle(struct row *r, const struct load *l)
{
	const struct demand *d = &r->load;
	char a[UNITS_MAX], b[UNITS_MAX];

	r->has_limit = r->limit != PROC_UNLIMITED;
	if (r->room < r->limit)
		r->room = r->limit;
	if (r->has_limit)
		solve(r, l);
	else
		SAY(r->reason, "no limit is set");
	if (!d->known) {
		r->state = ROW_UNSIZED;
		SAY(r->reason, "not sized: state %s", d->unsized);
		return;
	}
	if (__builtin_add_overflow(r->held, d->value, &r->demand))
		r->demand = UINT64_MAX;
	r->state = r->demand > r->room ? ROW_BREAKS : ROW_FITS;
	SAY(r->arithmetic, "%s", d->arithmetic);
	if (r->held)
		SAY_MORE(r->arithmetic, "with %s taken already %s", units_count(r->held, a),
			 units_count(r->demand, b));

	double grows = d->per_connection * d->connections + d->seconds * d->new_connections;
	double left = (double)r->room - (double)r->held - d->fixed;

	if (grows <= 0 || !r->has_limit || (d->ceiling && r->held + d->ceiling <= r->room))
		r->times = r->state == ROW_BREAKS ? 0 : INFINITY;
	else
		r->times = left > 0 ? left / grows : 0;
}

/*
 * TIME_WAIT sockets of the last run hold ports of the same tuples, if the client closed first then
 * as now; where they are soon taken again, or are the server's, they are not in the way. Whose they
 * are takes a dump of them all: on a proxy they may be either end's and are left out.
 */
static uint64_t left_over(const struct port_facts *p, const struct load *l,
			  const struct port_hold *hold)
{
	uint64_t spread = port_spread(l);

	if (hold->seconds < 60 || l->role == ROLE_PROXY)
		return 0;
	return (p->time_wait + spread - 1) / spread;
}

static void row_ports(const struct facts *f, const struct load *l, struct row *r)
{
	const struct port_facts *p = &f->ports;
	char a[UNITS_MAX], b[UNITS_MAX], c[UNITS_MAX], text[NAT_TEXT_MAX];

	SAY(r->owner, "net.ipv4.ip_local_port_range");
	if (l->role == ROLE_SERVER && !load_states(l, LOAD_TARGET)) {
		not_touched(r, "a server opens no connections");
		return;
	}
	if (!knows(r, &p->is))
		return;

	uint64_t all = (uint64_t)p->high - p->low + 1;
	struct port_hold hold =
		port_hold_of(l, (int)p->tw_reuse, p->timestamps != 0, p->tw_reuse_delay_ms);

	/* Not known is taken for off, which holds a port longest. */
	if (!p->tw_reuse_known)
		hold = port_hold_of(l, 0, false, p->tw_reuse_delay_ms);
	r->limit = all - p->reserved - p->bound;
	r->load = demand_ports(l, &hold);
	r->held = left_over(p, l, &hold);
	if (nat_ports_each(&f->conntrack, l) < r->limit) {
		r->limit = nat_ports_each(&f->conntrack, l);
		SAY(r->owner, "the rule %s, which makes one address of %" PRIu64,
		    f->conntrack.use.nat.rule, l->source_ips);
	}
	if (!load_connects(l)) {
		r->load.known = false;
		r->load.unsized = "--role generator or --target, if this host connects";
	}
	settle(r, l);
	if (p->reserved || p->bound)
		SAY_MORE(r->arithmetic,
			 "of %s ports (%" PRIu32 "-%" PRIu32 ") %s are reserved and %s bound",
			 units_count(all, a), p->low, p->high, units_count(p->reserved, b),
			 units_count(p->bound, c));
	if (p->not_broken_down)
		SAY_MORE(r->arithmetic,
			 "those bound without listening are not broken down: %s sockets",
			 units_count(p->not_broken_down, a));
	if (nat_text(&f->conntrack, text))
		SAY_MORE(r->arithmetic, "%s", text);
}

static void queue_owner(const struct queue_facts *q, struct row *r)
{
	if (!q->listening || (q->somaxconn_known && q->limit >= q->somaxconn))
		SAY(r->owner, "net.core.somaxconn");
	else if (q->comm[0])
		SAY(r->owner, "%s's listen backlog (%s)", q->comm, q->name);
	else
		SAY(r->owner, "the server's listen backlog (%s)", q->name);
}

/* A queue of N admits N + 1 (sk_acceptq_is_full() and reqsk's compare with >), in each socket. */
static uint64_t admits(uint64_t limit, unsigned sockets)
{
	return (limit + 1) * sockets;
}

struct row row_of_queue(const struct queue_facts *q, const struct load *l)
{
	struct row r = {.resource = RESOURCE_accept_queue};
	char a[UNITS_MAX];

	if (l->role == ROLE_GENERATOR) {
		not_touched(&r, "a generator accepts no connections");
		return r;
	}
	r.load = demand_accept_queue(l);
	if (!knows(&r, &q->is))
		return r;
	queue_owner(q, &r);
	r.limit = q->limit;
	r.room = admits(q->limit, q->sockets);
	settle(&r, l);
	SAY_MORE(r.arithmetic, "the kernel admits limit + 1%s%s",
		 q->sockets > 1 ? " in each of its sockets, " : "",
		 q->sockets > 1 ? units_count(r.room, a) : "");
	return r;
}

static void row_accept_queue(const struct facts *f, const struct load *l, struct row *r)
{
	*r = row_of_queue(&f->queue, l);
}

/*
 * With cookies the queue is the listener's own limit, and what does not fit still gets in, by a
 * cookie. Without them the last quarter of tcp_max_syn_backlog is kept for peers that are proven
 * (tcp_conn_request(), net/ipv4/tcp_input.c: dropped when max - queue < max / 4).
 */
static void row_syn_queue(const struct facts *f, const struct load *l, struct row *r)
{
	static const struct knowing unread = {
		UNREADABLE, "net.ipv4.tcp_syncookies or tcp_max_syn_backlog could not be read"};
	const struct queue_facts *q = &f->queue;

	if (l->role == ROLE_GENERATOR) {
		not_touched(r, "a generator accepts no connections");
		return;
	}
	r->load = demand_syn_queue(l);
	if (!knows(r, &q->is) || !knows(r, q->syn_known ? &q->is : &unread))
		return;
	if (q->syncookies == 2) {
		not_touched(r, "tcp_syncookies is 2: every SYN gets a cookie, and no queue is "
			       "used");
		return;
	}
	uint64_t open_to_all = q->max_syn_backlog - q->max_syn_backlog / 4;

	queue_owner(q, r);
	r->limit = q->limit;
	if (q->syncookies == 0 && open_to_all < q->limit) {
		SAY(r->owner, "net.ipv4.tcp_max_syn_backlog");
		r->limit = open_to_all;
	}
	r->room = admits(r->limit, q->sockets);
	settle(r, l);
	SAY_MORE(r->arithmetic, "%s",
		 q->syncookies ? "what does not fit gets in by a cookie, which loses TCP options"
			       : "without cookies what does not fit is dropped");
}

static void row_conntrack(const struct facts *f, const struct load *l, struct row *r)
{
	const struct conntrack_facts *c = &f->conntrack;
	char a[UNITS_MAX], b[UNITS_MAX];

	SAY(r->owner, "net.netfilter.nf_conntrack_max, on the host");
	r->load = demand_conntrack(l, c->time_wait_s);
	if (!knows(r, &c->is))
		return;
	if (ct_use_needs_none(&c->use)) {
		not_touched(r, c->use.why);
		return;
	}
	/* __nf_conntrack_alloc(): with nf_conntrack_max 0 nothing is ever full. */
	r->limit = c->max ? c->max : PROC_UNLIMITED;
	r->held = c->entries;
	settle(r, l);
	if (r->state == ROW_UNSIZED)
		return;
	if (r->state == ROW_BREAKS && c->use.activity == CT_ACTIVITY_UNKNOWN) {
		r->state = ROW_UNKNOWN;
		SAY(r->reason,
		    "it breaks if connection tracking is active here, which is not "
		    "known: %s",
		    c->use.why);
	}

	uint64_t entries = r->demand < r->limit ? r->demand : r->limit;
	/* 256 B of slab an entry; what NAT, accounting or labels add is another 128 or so. */
	uint64_t bytes = entries * (c->nat ? 384 : 256) + c->buckets * 8;

	SAY_MORE(r->arithmetic, "%s MiB of memory%s", units_count((bytes >> 20) + 1, a),
		 c->nat ? " with NAT" : "");
	/* Each entry is in the table once per direction. */
	if (c->buckets)
		SAY_MORE(r->arithmetic, "mean chain 2 x %s / %s = %.1f", units_count(entries, a),
			 units_count(c->buckets, b), 2 * (double)entries / (double)c->buckets);
}

static void row_descriptors(const struct facts *f, const struct load *l, struct row *r)
{
	const struct process_facts *p = &f->process;

	r->load = demand_descriptors(l);
	if (!knows(r, &p->is))
		return;
	/* A process that runs has raised what it wanted to; the next one may raise its own. */
	bool hard = !p->pid && l->generator.raises_nofile;

	r->limit = hard ? p->hard : p->soft;
	/* What a running process has open beyond its allowance is there already. */
	if (p->open > (uint64_t)r->load.fixed)
		r->held = p->open - (uint64_t)r->load.fixed;
	if (p->pid)
		SAY(r->owner, "soft RLIMIT_NOFILE of %s (pid %d)", p->comm, (int)p->pid);
	else if (hard)
		SAY(r->owner, "hard RLIMIT_NOFILE of this shell, to which %s raises its own",
		    l->generator.name ? l->generator.name : "the generator");
	else
		SAY(r->owner, "soft RLIMIT_NOFILE of this shell");
	settle(r, l);
}

static void row_used(const struct used_facts *u, struct demand d, const struct load *l,
		     struct row *r)
{
	r->load = d;
	if (!knows(r, &u->is))
		return;
	r->limit = u->max;
	r->held = u->used;
	settle(r, l);
}

static void row_system_files(const struct facts *f, const struct load *l, struct row *r)
{
	SAY(r->owner, "fs.file-max, on the host");
	row_used(&f->system_files, demand_descriptors(l), l, r);
}

static void row_time_wait(const struct facts *f, const struct load *l, struct row *r)
{
	SAY(r->owner, "net.ipv4.tcp_max_tw_buckets");
	row_used(&f->time_wait, demand_time_wait(l), l, r);
}

static void row_socket_memory(const struct facts *f, const struct load *l, struct row *r)
{
	char a[UNITS_MAX];

	SAY(r->owner, "net.ipv4.tcp_mem, on the host");
	row_used(&f->tcp_memory, demand_socket_memory(l), l, r);
	if (r->has_limit && r->load.known)
		SAY_MORE(r->arithmetic,
			 "from tcp_mem's second number on buffers shrink, at the third (%s) "
			 "packets are dropped",
			 units_count(f->tcp_memory_high, a));
}

/* Of the four limits on threads, the one with the least left. */
static void least_pids(const struct pids_facts *p, struct row *r)
{
	const struct {
		bool there;
		uint64_t max, used;
		const char *owner;
	} limits[] = {
		{p->pid_max != 0, p->pid_max, p->tasks, "kernel.pid_max, on the host"},
		{p->threads_max != 0, p->threads_max, p->tasks, "kernel.threads-max, on the host"},
		{p->cgroup.limited, p->cgroup.max, p->cgroup.now, p->cgroup.owner},
		{p->nproc_applies, p->nproc, p->user_tasks, "soft RLIMIT_NPROC, of the user"},
	};
	uint64_t least = UINT64_MAX;

	for (size_t i = 0; i < ARRAY_LEN(limits); i++) {
		uint64_t left = limits[i].max > limits[i].used ? limits[i].max - limits[i].used : 0;

		if (!limits[i].there || left >= least)
			continue;
		least = left;
		r->has_limit = true;
		r->limit = limits[i].max;
		r->held = limits[i].used;
		SAY(r->owner, "%s%s", limits[i].owner == p->cgroup.owner ? "pids.max of " : "",
		    limits[i].owner);
	}
}

static void row_pids(const struct facts *f, const struct load *l, struct row *r)
{
	r->load = demand_pids(l);
	if (!knows(r, &f->pids.is))
		return;
	least_pids(&f->pids, r);
	if (!r->has_limit) {
		const struct knowing unread = {UNREADABLE, "no limit on threads could be read"};

		(void)knows(r, &unread);
		return;
	}
	settle(r, l);
	if (r->state == ROW_UNSIZED)
		SAY(r->reason, "how many threads the load makes is not known; it breaks there if "
			       "each connection has a thread of its own");
}

static void row_cpu(const struct facts *f, const struct load *l, struct row *r)
{
	const struct cpu_facts *c = &f->cpu;
	double allowed;

	(void)l;
	if (!knows(r, &c->is))
		return;
	allowed = (double)c->online;
	SAY(r->owner, "the CPUs that are online");
	if (c->quota.quota_us && (double)c->quota.quota_us / (double)c->quota.period_us < allowed) {
		allowed = (double)c->quota.quota_us / (double)c->quota.period_us;
		SAY(r->owner, "CPU quota of %s", c->quota.owner);
		SAY(r->arithmetic, "%" PRIu64 " us in each %" PRIu64 " us", c->quota.quota_us,
		    c->quota.period_us);
	}
	r->has_limit = true;
	r->limit = (uint64_t)allowed;
	r->fraction = allowed - (double)r->limit;
	r->state = ROW_UNSIZED;
	SAY(r->reason, "what a request costs is not known before it ran");
}

static void row_generator_memory(const struct facts *f, const struct load *l, struct row *r)
{
	const struct memory_facts *m = &f->memory;
	uint64_t group;

	if (l->role == ROLE_SERVER || l->role == ROLE_PROXY) {
		not_touched(r, "no generator runs here");
		return;
	}
	r->load = demand_generator_memory(l);
	if (!knows(r, &m->is))
		return;
	r->limit = m->available_bytes;
	SAY(r->owner, "the host's available memory");
	group = m->cgroup.max > m->cgroup.now ? m->cgroup.max - m->cgroup.now : 0;
	if (m->cgroup.limited && group < r->limit) {
		r->limit = group;
		SAY(r->owner, "memory limit of %s", m->cgroup.owner);
	}
	settle(r, l);
	if (r->load.per_connection > 0)
		return;
	SAY(r->reason,
	    "what %s takes for each of its users is not known: run it with 100 and multiply "
	    "(kernel memory, 4.9 KiB a connection, comes on top)",
	    l->generator.name ? l->generator.name : "the generator");
}

static void row_neighbours(const struct facts *f, const struct load *l, struct row *r)
{
	SAY(r->owner, "net.ipv4.neigh.default.gc_thresh3, on the host");
	row_used(&f->neighbours, demand_neighbours(l), l, r);
}

struct row row_for(enum resource_id resource, const struct facts *f, const struct load *l)
{
#define X_SUM(name) row_##name,
	static void (*const sums[])(const struct facts *, const struct load *,
				    struct row *) = {RESOURCES(X_SUM)};
#undef X_SUM
	struct row r = {.resource = resource};

	sums[resource](f, l, &r);
	r.resource = resource;
	return r;
}

void rows_for(const struct facts *f, const struct load *l, struct rows *ret)
{
	ret->first = NULL;
	for (unsigned i = 0; i < RESOURCES_LEN; i++) {
		struct row *r = &ret->row[i];

		*r = row_for((enum resource_id)i, f, l);
		if ((r->state != ROW_FITS && r->state != ROW_BREAKS) || isinf(r->times))
			continue;
		if (!ret->first || r->times < ret->first->times)
			ret->first = r;
	}
}
