/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Listening sockets: whose queue was full, how full, and who holds the socket. */
#include "watch/list.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/cleanup.h"
#include "base/log.h"
#include "base/units.h"
#include "sys/nl_sockdiag.h"
#include "sys/proc.h"
#include "sys/proc_find.h"

/* A socket as it was sampled last. */
struct sample {
	uint64_t cookie;
	uint32_t drops;
	uint32_t queue, limit; /* when the queue was longest */
};

/* An address that dropped; with SO_REUSEPORT several sockets listen on one. */
struct dropper {
	struct place *overflow, *syn_overflow; /* its places */
	uint32_t queue, limit;
	uint32_t inode; /* of the socket that dropped most in one interval, while it is there */
	uint64_t cookie;
	uint32_t most;
	uint64_t asked_ns; /* who holds it; 0: not yet */
};

/* A socket may pass to another process: whoever it was is asked for again after that long. */
#define ASK_AGAIN_NS (60 * NS_PER_S)

struct listen {
	struct sample *sample; /* sorted by cookie */
	size_t samples;
	struct listener *last; /* as they were read last */
	size_t lasts;
	struct dropper *dropper;
	size_t droppers, droppers_cap;
};

static int by_cookie(const void *a, const void *b)
{
	uint64_t x = ((const struct sample *)a)->cookie, y = ((const struct sample *)b)->cookie;

	return x < y ? -1 : x > y;
}

static struct dropper *dropper_of(const struct watch_context *ctx, struct listen *s,
				  const struct listener *l)
{
	char name[LISTENER_NAME_MAX];

	listener_name(l, name);

	struct place *overflow =
		tally_place(ctx->tally, cause_find("listen.accept_overflow"), name);

	for (size_t i = 0; i < s->droppers; i++)
		if (s->dropper[i].overflow == overflow)
			return &s->dropper[i];

	struct dropper *d =
		array_push((void **)&s->dropper, &s->droppers, &s->droppers_cap, sizeof(*d));

	d->overflow = overflow;
	d->syn_overflow = tally_place(ctx->tally, cause_find("listen.syn_overflow"), name);
	d->overflow->port = d->syn_overflow->port = l->port;
	d->overflow->source = d->syn_overflow->source = source_listen.id;
	return d;
}

/*
 * sk_drops rises for each lost SYN and twice for a lost final ACK, but also where a SYN is refused
 * for other reasons (tcp_conn_request(), net/ipv4/tcp_input.c). So it only attributes what
 * ListenOverflows and TCPReqQFullDrop have counted, and to both, as it does not tell them apart.
 */
static void note_drops(const struct watch_context *ctx, struct listen *s, const struct listener *l,
		       const struct sample *now, uint32_t drops)
{
	struct dropper *d = dropper_of(ctx, s, l);

	place_see(d->overflow, drops);
	place_see(d->syn_overflow, drops);
	if (drops > d->most) {
		d->most = drops;
		d->asked_ns = d->inode == l->inode ? d->asked_ns : 0;
		d->inode = l->inode;
		d->cookie = l->cookie;
	}
	if (now->queue >= d->queue || now->limit != d->limit) {
		d->queue = now->queue;
		d->limit = now->limit;
	}
}

/* A server that was restarted listens on another socket. */
static void forget_closed(struct listen *s, const struct listener *l, size_t len)
{
	for (size_t i = 0; i < s->droppers; i++) {
		struct dropper *d = &s->dropper[i];
		size_t j = 0;

		while (j < len && l[j].cookie != d->cookie)
			j++;
		if (j == len)
			d->most = 0;
	}
}

/* Takes a sample of every listener; tells what is new unless it is the first. */
static int sample_all(const struct watch_context *ctx, struct listen *s, bool first, struct err *e)
{
	cleanup_free struct listener *l = NULL;
	size_t len;
	int r = sockdiag_listeners(ctx->host, &l, &len, e);

	if (r < 0)
		return r;
	struct sample *now = calloc(len ? len : 1, sizeof(*now));

	if (!now)
		out_of_memory();
	forget_closed(s, l, len);
	for (size_t i = 0; i < len; i++) {
		const struct sample key = {.cookie = l[i].cookie};
		const struct sample *was =
			s->samples ? bsearch(&key, s->sample, s->samples, sizeof(key), by_cookie)
				   : NULL;

		now[i] = (struct sample){l[i].cookie, l[i].drops, l[i].queue, l[i].limit};
		if (was && was->queue > l[i].queue && was->limit == l[i].limit) {
			now[i].queue = was->queue;
			now[i].limit = was->limit;
		}
		/* A socket made since the last sample began at zero. */
		uint32_t drops = l[i].drops - (was ? was->drops : 0);

		if (!first && drops > 0)
			note_drops(ctx, s, &l[i], &now[i], drops);
	}
	qsort(now, len, sizeof(*now), by_cookie);
	free(s->sample);
	s->sample = now;
	s->samples = len;
	free(s->last);
	s->last = TAKE_PTR(l);
	s->lasts = len;
	return 0;
}

static void listen_close(void *state)
{
	struct listen *s = state;

	free(s->sample);
	free(s->last);
	free(s->dropper);
	free(s);
}

static int listen_open(const struct watch_context *ctx, void **ret_state, struct err *e)
{
	struct listen *s = calloc(1, sizeof(*s));

	if (!s)
		out_of_memory();
	int r = sample_all(ctx, s, true, e);

	if (r < 0) {
		listen_close(s);
		return r;
	}
	*ret_state = s;
	return 0;
}

static int listen_drain(const struct watch_context *ctx, void *state, struct err *e)
{
	return sample_all(ctx, state, false, e);
}

/* Has something been counted for it that is not told yet? */
static bool has_news(const struct dropper *d)
{
	return d->overflow->count > d->overflow->published ||
	       d->syn_overflow->count > d->syn_overflow->published;
}

static void set_owner(const struct watch_context *ctx, struct dropper *d,
		      const struct socket_owner *o)
{
	const char *comm = d->overflow->process.comm;
	struct process_ref who = {
		.pid = o->pid,
		/* Restarted again and again, it keeps its name, and this its memory. */
		.comm = comm && strcmp(comm, o->comm) == 0
				? comm
				: arena_strdup(&ctx->tally->arena, o->comm),
		.holders = o->holders,
	};
	char group[PROC_GROUP_MAX];

	proc_group(ctx->host, o->pid, group);
	if (*group)
		who.group = arena_strdup(&ctx->tally->arena, group);
	d->overflow->process = d->syn_overflow->process = who;
}

/*
 * Asked at a subject's first alert, while its process still lives, and not again for a while: what
 * happens to run when a SYN is dropped is the client or ksoftirqd, never the owner.
 */
static void find_owners(const struct watch_context *ctx, struct listen *s)
{
	cleanup_free uint32_t *inodes = calloc(s->droppers, sizeof(*inodes));
	cleanup_free struct dropper **whose = calloc(s->droppers, sizeof(struct dropper *));
	uint64_t now_ns = now_monotonic_ns();
	size_t len = 0;

	if (!inodes || !whose)
		out_of_memory();
	for (size_t i = 0; i < s->droppers; i++) {
		struct dropper *d = &s->dropper[i];

		if (!has_news(d) || d->overflow->rest ||
		    (d->asked_ns && now_ns - d->asked_ns < ASK_AGAIN_NS))
			continue;
		d->asked_ns = now_ns;
		whose[len] = d;
		inodes[len++] = d->inode;
	}
	if (len == 0)
		return;

	cleanup_free struct socket_owner *owner = calloc(len, sizeof(*owner));
	unsigned unreadable = 0;
	struct err e;

	if (!owner)
		out_of_memory();
	if (proc_socket_owners(ctx->host, inodes, len, owner, &unreadable, &e) < 0) {
		log_debug("owners of listeners: %s", e.msg);
		return;
	}
	for (size_t i = 0; i < len; i++) {
		if (owner[i].pid != 0)
			set_owner(ctx, whose[i], &owner[i]);
		else
			log_debug("owner of '%s' not found; %u processes could not be read",
				  whose[i]->overflow->subject, unreadable);
	}
}

static void listen_describe(const struct watch_context *ctx, void *state)
{
	struct listen *s = state;

	if (s->droppers == 0)
		return;
	find_owners(ctx, s);
	for (size_t i = 0; i < s->droppers; i++) {
		struct dropper *d = &s->dropper[i];

		/* Between two readings a queue may fill and drain: then only the limit is known. */
		if (has_news(d))
			d->overflow->detail = d->syn_overflow->detail =
				(struct detail){DETAIL_QUEUE, d->queue > d->limit, d->queue,
						d->limit, ""};
	}
}

/* Sockets of one SO_REUSEPORT group stand side by side and are one gauge, by the fullest. */
static void listen_measure(const void *state, struct gauges *out)
{
	const struct listen *s = state;
	struct gauge g = {.id = "listen.queue"};
	char name[LISTENER_NAME_MAX];

	for (size_t i = 0; i < s->lasts; i++) {
		const struct listener *l = &s->last[i];
		struct gauge one = {.id = "listen.queue",
				    .port = l->port,
				    .value = l->queue,
				    .limit = l->limit,
				    .has_limit = true};

		snprintf(one.subject, sizeof(one.subject), "%s", listener_name(l, name));
		bool same = *g.subject && strcmp(g.subject, one.subject) == 0;

		if (*g.subject && !same)
			gauges_add(out, &g);
		if (!same || gauge_fuller(&one, &g))
			g = one;
	}
	if (*g.subject)
		gauges_add(out, &g);
}

const struct source source_listen = {
	.id = "inet_diag",
	.open = listen_open,
	.drain = listen_drain,
	.describe = listen_describe,
	.measure = listen_measure,
	.close = listen_close,
};
