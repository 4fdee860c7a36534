/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/capacity_facts.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/parse.h"
#include "base/ranges.h"
#include "core/capacity_read.h"
#include "sys/ct.h"
#include "sys/modules.h"
#include "sys/nl_sockets.h"
#include "sys/procnet.h"
#include "sys/sysctl.h"

/* nf_ct_tcp_timeouts (nf_conntrack_proto_tcp.c): 2 minutes unless somebody set it. */
#define CONNTRACK_TIME_WAIT_S 120
/* tcp_tw_reuse_delay is a sysctl since 6.14; before, a second was fixed. */
#define TW_REUSE_DELAY_MS 1000
/* So many sockets are gone through in a few milliseconds. */
#define SMALL_TABLE 10000

const char *resource_name(enum resource_id r)
{
#define X_NAME(name) #name,
	static const char *const names[] = {RESOURCES(X_NAME)};
#undef X_NAME
	return names[r];
}

void knowing_not(struct knowing *is, enum known known, const char *fmt, ...)
{
	va_list ap;

	is->known = known;
	va_start(ap, fmt);
	vsnprintf(is->why, sizeof(is->why), fmt, ap);
	va_end(ap);
}

int fact_sysctl(const struct host *h, const char *key, uint64_t *ret, struct err *e)
{
	char text[SYSCTL_VALUE_MAX], word[24];
	int r = sysctl_read(h, key, text, e);

	if (r < 0)
		return r;
	if (!parse_word(text, word, sizeof(word)) || parse_u64(word, 0, UINT64_MAX, ret) < 0)
		return err_set(e, EPROTO, "read %s: '%s' is not a number", key, text);
	return 0;
}

/* A key that only the host's first namespace has is not "unreadable": it is somewhere else. */
void knowing_sysctl(struct knowing *is, const struct host *h, const char *key, int r,
		    const struct err *e)
{
	if (r == -ENOENT && !h->init_netns && !h->captured)
		knowing_not(is, NOT_HERE,
			    "%s belongs to the host and is not shown in this network namespace: "
			    "ask there",
			    key);
	else
		knowing_not(is, UNREADABLE, "%s", e->msg);
}

int facts_local_ports(const struct host *h, struct local_ports *ret, struct err *e)
{
	struct local_ports p = {0};
	char text[SYSCTL_VALUE_MAX];
	int r = sysctl_read(h, "net.ipv4.ip_local_port_range", text, e);

	if (r < 0)
		return r;
	if (sscanf(text, "%" SCNu32 " %" SCNu32, &p.low, &p.high) != 2 || p.high < p.low ||
	    p.high > 65535)
		return err_set(e, EPROTO, "read net.ipv4.ip_local_port_range: '%s' is no range",
			       text);
	/* Reserved ports are left out of the automatic choice (ip-sysctl.rst); a kernel without the
	 * key reserves nothing. */
	r = sysctl_read(h, "net.ipv4.ip_local_reserved_ports", text, e);
	if (r == 0 && ranges_parse(&p.reserved, text, 65535) < 0)
		r = err_set(e, EPROTO, "read net.ipv4.ip_local_reserved_ports: '%s' is no list",
			    text);
	if (r < 0 && r != -ENOENT) {
		ranges_done(&p.reserved);
		return r;
	}
	p.usable = (uint64_t)p.high - p.low + 1 - ranges_count_within(&p.reserved, p.low, p.high);
	*ret = p;
	return 0;
}

static void local_ports_done(struct local_ports *p)
{
	ranges_done(&p->reserved);
}

/* Each port once, however many hold it. */
static void add_bound(const struct port_facts *p, const struct ranges *reserved, uint16_t port,
		      struct ranges *seen)
{
	if (port >= p->low && port <= p->high && !ranges_contain(reserved, port, port))
		ranges_add(seen, port, port);
}

static void add_bound_idle(const struct host *h, const struct sockstat *now,
			   const struct ranges *reserved, struct port_facts *p, struct ranges *seen)
{
	cleanup_free struct inet_socket *s = NULL;
	uint64_t all = now->tcp_inuse + now->tcp6_inuse;
	struct err ignored;
	size_t len;

	if (all > SMALL_TABLE) {
		p->not_broken_down = all;
		return;
	}
	if (sockets_read(h, SOCKETS_TCP_BOUND, &s, &len, &ignored) < 0)
		return;
	for (size_t i = 0; i < len; i++)
		add_bound(p, reserved, s[i].local_port, seen);
}

void facts_read_ports(const struct host *h, const struct listener *l, size_t len,
		      struct port_facts *p)
{
	cleanup_with(local_ports_done) struct local_ports local = {0};
	cleanup_with(ranges_done) struct ranges bound = {0};
	struct sockstat s;
	struct err e;

	if (facts_local_ports(h, &local, &e) < 0 || procnet_sockstat(h, &s, &e) < 0) {
		knowing_not(&p->is, UNREADABLE, "%s", e.msg);
		return;
	}
	p->is.known = KNOWN;
	p->low = local.low;
	p->high = local.high;
	p->reserved = (uint64_t)local.high - local.low + 1 - local.usable;
	p->time_wait = s.tcp_time_wait;
	for (size_t i = 0; i < len; i++)
		add_bound(p, &local.reserved, l[i].port, &bound);
	add_bound_idle(h, &s, &local.reserved, p, &bound);
	p->bound = ranges_count_within(&bound, 0, 65535);
	p->tw_reuse_known = fact_sysctl(h, "net.ipv4.tcp_tw_reuse", &p->tw_reuse, &e) == 0 &&
			    fact_sysctl(h, "net.ipv4.tcp_timestamps", &p->timestamps, &e) == 0;
	if (fact_sysctl(h, "net.ipv4.tcp_tw_reuse_delay", &p->tw_reuse_delay_ms, &e) < 0)
		p->tw_reuse_delay_ms = TW_REUSE_DELAY_MS;
}

static bool same_address(const struct listener *a, const struct listener *b)
{
	return a->family == b->family && a->port == b->port && a->ifindex == b->ifindex &&
	       memcmp(a->address, b->address, sizeof(a->address)) == 0;
}

struct listener_group listener_group_next(const struct listener *l, size_t len)
{
	struct listener_group g = {.first = l, .limit = UINT32_MAX};

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

struct queue_facts queue_of_group(const struct queue_facts *read, const struct listener_group *g)
{
	struct queue_facts q = *read;

	q.is.known = KNOWN;
	q.listening = true;
	q.limit = g->limit;
	q.sockets = (unsigned)g->len;
	q.comm[0] = '\0';
	listener_name(g->first, q.name);
	return q;
}

void facts_read_queue_settings(const struct host *h, struct queue_facts *q)
{
	struct err e;

	q->somaxconn_known = fact_sysctl(h, "net.core.somaxconn", &q->somaxconn, &e) == 0;
	q->syn_known = fact_sysctl(h, "net.ipv4.tcp_syncookies", &q->syncookies, &e) == 0 &&
		       fact_sysctl(h, "net.ipv4.tcp_max_syn_backlog", &q->max_syn_backlog, &e) == 0;
}

/* The group among the load's listeners that holds least; all of them where no port is stated. */
static void read_queue(const struct host *h, const struct load *l, const struct listener *all,
		       size_t len, bool names, struct queue_facts *q)
{
	struct listener_group least = {0};

	for (size_t i = 0; i < len;) {
		struct listener_group g = listener_group_next(&all[i], len - i);

		i += g.len;
		if (load_states(l, LOAD_PORT) &&
		    !ranges_contain(&l->ports, g.first->port, g.first->port))
			continue;
		if (!least.len || g.limit * g.len < least.limit * least.len)
			least = g;
	}
	if (least.len) {
		*q = queue_of_group(q, &least);
		if (names) {
			struct socket_owner owner = {0};
			unsigned unreadable;
			struct err ignored;

			if (proc_socket_owners(h, &least.first->inode, 1, &owner, &unreadable,
					       &ignored) == 0)
				memcpy(q->comm, owner.comm, sizeof(q->comm));
		}
	} else if (load_states(l, LOAD_PORT)) {
		knowing_not(&q->is, UNREADABLE,
			    "nothing listens on the load's port; a listener's limit is set when "
			    "it listens");
	} else if (q->somaxconn_known) {
		q->is.known = KNOWN;
		q->limit = q->somaxconn;
		q->sockets = 1;
	} else {
		knowing_not(&q->is, UNREADABLE, "net.core.somaxconn cannot be read");
	}
}

static void read_conntrack(const struct host *h, const struct load *l, struct conntrack_facts *c)
{
	cleanup_free struct ct_stats *s = calloc(1, sizeof(*s));
	struct err e;

	if (!s)
		out_of_memory();
	if (ct_read_stats(h, s, &e) < 0) {
		knowing_not(&c->is, UNREADABLE, "%s", e.msg);
		return;
	}
	if (!s->present) {
		knowing_not(&c->is, NOT_HERE, "connection tracking is not loaded");
		return;
	}
	c->is.known = KNOWN;
	c->entries = s->entries;
	c->max = s->max;
	if (fact_sysctl(h, "net.netfilter.nf_conntrack_buckets", &c->buckets, &e) < 0)
		c->buckets = 0;
	c->time_wait_s = conntrack_time_wait_s(h);
	if (!load_asks(l))
		return;
	ct_use_read(h, l, c->entries, &c->use);
	c->nat = c->use.nat.known ? c->use.nat.rule[0] != '\0'
				  : module_state(h, "nf_nat") == MODULE_HERE;
}

uint64_t conntrack_time_wait_s(const struct host *h)
{
	uint64_t s;
	struct err ignored;

	if (fact_sysctl(h, "net.netfilter.nf_conntrack_tcp_timeout_time_wait", &s, &ignored) < 0)
		return CONNTRACK_TIME_WAIT_S;
	return s;
}

void facts_read(const struct host *h, const struct load *l, unsigned resources, bool names,
		struct facts *ret)
{
	cleanup_free struct listener *listeners = NULL;
	const unsigned of_listeners =
		1u << RESOURCE_ports | 1u << RESOURCE_accept_queue | 1u << RESOURCE_syn_queue;
	size_t len = 0;
	struct err e = {0};
	int r = 0;

	memset(ret, 0, sizeof(*ret));
	if (resources & of_listeners)
		r = sockdiag_listeners(h, &listeners, &len, &e);
	if (resources & 1u << RESOURCE_ports) {
		facts_read_ports(h, listeners, len, &ret->ports);
		if (r < 0)
			knowing_not(&ret->ports.is, UNREADABLE, "%s", e.msg);
	}
	if (resources & (1u << RESOURCE_accept_queue | 1u << RESOURCE_syn_queue)) {
		facts_read_queue_settings(h, &ret->queue);
		if (r < 0)
			knowing_not(&ret->queue.is, UNREADABLE, "%s", e.msg);
		else
			read_queue(h, l, listeners, len, names, &ret->queue);
	}
	if (resources & 1u << RESOURCE_conntrack)
		read_conntrack(h, l, &ret->conntrack);
	facts_read_process(h, l, resources, ret);
	facts_read_system(h, l, resources, ret);
}
