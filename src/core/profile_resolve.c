/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What `auto` comes to. */
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "core/capacity.h"
#include "core/capacity_facts.h"
#include "core/capacity_read.h"
#include "core/listen_key.h"
#include "core/profile.h"
#include "sys/nl_sockdiag.h"

/* A demand with head-room, as the text to write; these sysctls are ints. */
static void set_number(struct profile *p, struct want *w, const struct demand *d)
{
	uint64_t value = with_headroom(d->value);

	if (value > INT_MAX)
		value = INT_MAX;
	if (!d->known) {
		w->unsized = d->unsized;
		return;
	}
	w->value = arena_printf(&p->arena, "%" PRIu64, value);
	w->minimum = arena_printf(&p->arena, "%" PRIu64, d->value);
	w->arithmetic =
		arena_printf(&p->arena, "%s; with head-room %" PRIu64, d->arithmetic, value);
}

static void set_listen_ports(struct profile *p, struct want *w, const struct load *l)
{
	struct strbuf ports = {0};

	if (!load_states(l, LOAD_PORT)) {
		w->unsized = "--port";
		return;
	}
	ranges_format(&l->ports, &ports);
	w->value = arena_strdup(&p->arena, strbuf_get(&ports));
	w->arithmetic = "the load's own listeners";
	strbuf_done(&ports);
}

/*
 * The kernel spreads connections over a group by hash, so each of its sockets takes a share.
 * Several groups may have the port: the smallest one's share is the largest, and does for all.
 */
static void size_listener(struct profile *p, struct want *w, const struct load *l,
			  const struct host *h)
{
	cleanup_free struct listener *all = NULL;
	struct demand d = demand_accept_queue(l);
	size_t len = 0, least = 0;
	struct listen_key k;
	struct err ignored;

	if (listen_key_parse(w->key, &k) == 0 && sockdiag_listeners(h, &all, &len, &ignored) < 0)
		len = 0;
	for (size_t i = 0; i < len;) {
		struct listener_group g = listener_group_next(&all[i], len - i);

		if (listen_key_matches(&k, g.first) && (!least || g.len < least))
			least = g.len;
		i += g.len;
	}
	if (d.known && least > 1) {
		d.value = (d.value + least - 1) / least;
		snprintf(d.arithmetic + strlen(d.arithmetic),
			 sizeof(d.arithmetic) - strlen(d.arithmetic),
			 "; shared by %zu sockets: %" PRIu64 " each", least, d.value);
	}
	set_number(p, w, &d);
}

static void size_want(struct profile *p, struct want *w, const struct load *l, const struct host *h)
{
	enum auto_value kind = w->sysctl ? w->sysctl->auto_value : AUTO_NONE;
	struct demand d;

	if (strcmp(w->kind, "listen") == 0) {
		size_listener(p, w, l, h);
		return;
	}
	switch (kind) {
	case AUTO_ACCEPT_QUEUE:
		d = demand_accept_queue(l);
		set_number(p, w, &d);
		break;
	case AUTO_CONNTRACK:
		d = demand_conntrack(l, conntrack_time_wait_s(h));
		set_number(p, w, &d);
		break;
	case AUTO_LISTEN_PORTS:
		set_listen_ports(p, w, l);
		break;
	case AUTO_NONE: /* [rlimit] nofile */
		d = demand_descriptors(l);
		set_number(p, w, &d);
		break;
	}
}

int profile_resolve(struct profile *p, const struct load *l, const struct host *h, bool strict,
		    struct err *e)
{
	for (size_t i = 0; i < p->wants_len; i++) {
		struct want *w = &p->wants[i];

		if (!w->is_auto)
			continue;
		size_want(p, w, l, h);
		if (!w->value && strict && !w->optional)
			return err_set(e, ERR_BAD_INPUT,
				       "%s:%u: '%s = auto' has nothing to be sized by: state %s",
				       w->file, w->line, w->key, w->unsized);
	}
	return 0;
}
