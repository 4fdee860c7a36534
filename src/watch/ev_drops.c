/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Dropped packets by reason and place, from tp_btf/kfree_skb. */
#include "watch/ev_drops.h"

#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "watch/list.h"
#include "watch/watch.h"

#if WITH_BPF

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include <src/watch/ev_drops.skel.h>

#include "base/arena.h"
#include "base/cleanup.h"
#include "base/log.h"
#include "sys/bpf.h"
#include "sys/caps.h"
#include "sys/kallsyms.h"
#include "sys/sysctl.h"

/* One row of the map as it was read last. */
struct drop_row {
	struct drop_key key;
	uint64_t count;
	const struct cause *cause; /* NULL: no cause names its reason */
	struct place *place;	   /* NULL: it says nothing about a place */
	bool hook;		   /* freed in nf_hook_slow(), or nobody knows where */
	bool located;		   /* its function has been looked up */
	const char *function;
};

struct drops {
	struct ev_drops_bpf *skel;
	struct drop_reasons reasons;
	int kallsyms_fd; /* -errno: functions cannot be told */
	uint64_t netns_cookie;
	struct drop_row *row;
	size_t rows, rows_cap;
	int cpus;
	uint64_t *per_cpu;
	uint64_t misses; /* recursion misses so far */
	uint64_t other;	 /* of those that found the map full */
	struct arena arena;
};

static void drops_close(void *state)
{
	struct drops *d = state;

	ev_drops_bpf__destroy(d->skel);
	if (d->kallsyms_fd >= 0)
		close(d->kallsyms_fd);
	free(d->row);
	free(d->per_cpu);
	arena_done(&d->arena);
	free(d);
}

/*
 * Left in the kernel uncounted: a queue that is emptied (52 000 of them beside 221 drops on a busy
 * host), packets that were only consumed, and those freed without a reason, which loses nothing
 * more often than not. What is lost among these moves a counter.
 */
static bool is_benign(const char *reason)
{
	static const char *const benign[] = {
		"SKB_NOT_DROPPED_YET",
		"SKB_CONSUMED",
		"NOT_SPECIFIED",
		"QUEUE_PURGE",
	};

	for (size_t i = 0; i < ARRAY_LEN(benign); i++)
		if (strcmp(reason, benign[i]) == 0)
			return true;
	return false;
}

static void set_port_range(const struct host *h, struct ev_drops_bpf *skel)
{
	char text[SYSCTL_VALUE_MAX];
	unsigned low = 32768, high = 60999; /* the kernel's own default */
	struct err e;

	if (sysctl_read(h, "net.ipv4.ip_local_port_range", text, &e) == 0 &&
	    sscanf(text, "%u %u", &low, &high) != 2)
		log_debug("net.ipv4.ip_local_port_range: '%s' is not a range", text);
	skel->rodata->ephemeral_low = (uint16_t)low;
	skel->rodata->ephemeral_high = (uint16_t)high;
}

/* Opens, loads and attaches the program; its features are told before, as they shape the load. */
static int attach(const struct host *h, const struct kfree_skb_features *f,
		  struct ev_drops_bpf **ret, struct err *e)
{
	struct ev_drops_bpf *skel = ev_drops_bpf__open();

	if (!skel)
		return bpf_refused(e, errno, "open the BPF program 'kfree_skb'");
	skel->rodata->has_rx_sk = f->has_rx_sk;
	skel->rodata->only_netns = h->netns_cookie;
	for (uint32_t i = 0; i < f->reasons.len && i < DROP_REASONS; i++)
		skel->rodata->benign[i] = f->reasons.name[i] && is_benign(f->reasons.name[i]);
	set_port_range(h, skel);

	int r = ev_drops_bpf__load(skel);
	const char *what = "load the BPF program 'kfree_skb'";

	if (r == 0) {
		r = ev_drops_bpf__attach(skel);
		what = "attach the BPF program 'kfree_skb'";
	}
	if (r < 0) {
		ev_drops_bpf__destroy(skel);
		return bpf_refused(e, -r, what);
	}
	*ret = skel;
	return 0;
}

static int open_features(const struct host *h, struct arena *a, struct kfree_skb_features *f,
			 struct err *e)
{
	if (h->captured)
		return err_set(e, EOPNOTSUPP, "a captured host runs no kernel to watch");
	int r = bpf_kfree_skb_features(a, f, e);

	if (r < 0)
		return r;
	if (!f->has_reason)
		return err_set(e, EOPNOTSUPP,
			       "tracepoint 'kfree_skb' gives no reasons on this kernel; needs "
			       "5.17 or a kernel with c504e5c2f964");
	return 0;
}

static int open_kallsyms(const struct host *h)
{
	struct err e;
	int fd = kallsyms_open(h, &e);

	if (fd < 0)
		log_debug("functions that drop packets: %s", e.msg);
	return fd;
}

/* Does this kernel know a reason that places the cause? */
static bool has_reason_of(const struct drop_reasons *r, const struct cause *c)
{
	for (size_t i = 0; i < CAUSE_REASONS && c->reasons[i]; i++)
		for (uint32_t n = 0; n < r->len; n++)
			if (r->name[n] && strcmp(r->name[n], c->reasons[i]) == 0)
				return true;
	return false;
}

static int drops_open(const struct watch_context *ctx, void **ret_state, struct err *e)
{
	struct drops *d = calloc(1, sizeof(*d));
	struct kfree_skb_features f = {0};

	if (!d)
		out_of_memory();
	d->kallsyms_fd = -1;
	int r = open_features(ctx->host, &d->arena, &f, e);

	if (r == 0)
		r = attach(ctx->host, &f, &d->skel, e);
	if (r < 0) {
		drops_close(d);
		return r;
	}
	d->reasons = f.reasons;
	d->kallsyms_fd = open_kallsyms(ctx->host);
	for (size_t i = 0; i < causes_len; i++)
		if (!causes[i].counters[0] && has_reason_of(&f.reasons, &causes[i]))
			tally_has_counter(ctx->tally, &causes[i], source_drops.id);
	d->netns_cookie = ctx->host->netns_cookie;
	d->cpus = libbpf_num_possible_cpus();
	d->per_cpu = calloc(d->cpus > 0 ? (size_t)d->cpus : 1, sizeof(*d->per_cpu));
	if (!d->per_cpu)
		out_of_memory();
	*ret_state = d;
	return 0;
}

/* The sum over CPUs of a map's value; 0 where the key is not there. */
static uint64_t sum_of(struct drops *d, const struct bpf_map *map, const void *key)
{
	uint64_t sum = 0;

	if (bpf_map_lookup_elem(bpf_map__fd(map), key, d->per_cpu) < 0)
		return 0;
	for (int i = 0; i < d->cpus; i++)
		sum += d->per_cpu[i];
	return sum;
}

static const char *reason_name(const struct drops *d, uint32_t reason)
{
	return reason < d->reasons.len ? d->reasons.name[reason] : NULL;
}

/*
 * Where that row's drops go. Listeners are left to inet_diag, which sees the SYNs too, while this
 * tracepoint is passed by dropped final ACKs only. Reasons that no cause names (NO_SOCKET,
 * TCP_OLD_DATA …) are mostly the protocol at work; they are told with -v and alarm nobody, since a
 * loss that matters moves a counter.
 */
static void classify(const struct watch_context *ctx, const struct drops *d, struct drop_row *row)
{
	const char *reason = reason_name(d, row->key.reason);
	const struct cause *c = reason ? cause_by_reason(reason, row->key.protocol) : NULL;

	row->cause = c;
	if (!c || strcmp(c->subject_kind, "listener") == 0)
		return;
	/* Told neither by socket nor by device: may be another namespace's. */
	if (d->netns_cookie && row->key.netns != d->netns_cookie)
		return;

	char subject[32];

	if (c->subject)
		snprintf(subject, sizeof(subject), "%s", c->subject);
	else if (row->key.port)
		snprintf(subject, sizeof(subject), "%s port %u",
			 row->key.protocol == IPPROTO_UDP ? "udp" : "tcp", row->key.port);
	else
		snprintf(subject, sizeof(subject), "%s", CAUSE_UNATTRIBUTED);
	row->place = tally_place(ctx->tally, c, subject);
	row->place->source = "tp_btf";
	row->place->port = row->key.port;
}

static struct drop_row *row_of(const struct watch_context *ctx, struct drops *d,
			       const struct drop_key *key)
{
	for (size_t i = 0; i < d->rows; i++)
		if (memcmp(&d->row[i].key, key, sizeof(*key)) == 0)
			return &d->row[i];

	struct drop_row *row = array_push((void **)&d->row, &d->rows, &d->rows_cap, sizeof(*row));

	row->key = *key;
	classify(ctx, d, row);
	return row;
}

static bool is_firewall(const struct drop_row *row)
{
	return row->place && strcmp(row->cause->id, "firewall.drop") == 0;
}

/*
 * The function tells nftables (nft_do_chain, since it drops there itself) from iptables and
 * conntrack (nf_hook_slow). Looked up for firewall drops only: it means reading all of kallsyms.
 */
static void locate_firewall(struct drops *d)
{
	uint64_t addr[16];
	const char *name[16] = {NULL};
	struct drop_row *row[16];
	size_t len = 0;
	struct err e;

	for (size_t i = 0; i < d->rows && len < ARRAY_LEN(addr); i++) {
		if (!is_firewall(&d->row[i]) || d->row[i].located)
			continue;
		d->row[i].located = true;
		row[len] = &d->row[i];
		addr[len++] = d->row[i].key.location;
	}
	if (len == 0)
		return;
	if (d->kallsyms_fd >= 0 &&
	    kallsyms_names(d->kallsyms_fd, addr, len, &d->arena, name, &e) < 0)
		log_debug("functions that drop packets: %s", e.msg);
	for (size_t i = 0; i < len; i++) {
		row[i]->function = name[i];
		row[i]->hook = !name[i] || strcmp(name[i], "nf_hook_slow") == 0;
		/* Several rules may drop, at both: one that nftables names says more. */
		if (name[i] && (!row[i]->hook || row[i]->place->detail.kind == DETAIL_NONE))
			place_dropped_at(row[i]->place, name[i]);
	}
}

/* Reads the whole map; how many more there are is in more[], by row. */
static void read_map(const struct watch_context *ctx, struct drops *d, uint64_t more[DROP_KEYS])
{
	struct drop_key key, next;
	int fd = bpf_map__fd(d->skel->maps.drops);
	bool any = bpf_map_get_next_key(fd, NULL, &next) == 0;

	/* Rows are never taken out, so there are at most DROP_KEYS; the bound is for sure. */
	for (unsigned i = 0; any && i < 2 * DROP_KEYS; i++) {
		key = next;
		struct drop_row *row = row_of(ctx, d, &key);
		uint64_t now = sum_of(d, d->skel->maps.drops, &key);

		more[row - d->row] += now - row->count;
		row->count = now;
		any = bpf_map_get_next_key(fd, &key, &next) == 0;
	}
}

static void note_losses(const struct watch_context *ctx, struct drops *d)
{
	uint32_t zero = 0;

	d->misses = bpf_recursion_misses(bpf_program__fd(d->skel->progs.drop));
	d->other = sum_of(d, d->skel->maps.other, &zero);
	if (d->misses || d->other)
		tally_places_lossy(ctx->tally);
}

static int drops_drain(const struct watch_context *ctx, void *state, struct err *e unused_)
{
	struct drops *d = state;
	uint64_t more[DROP_KEYS] = {0};

	read_map(ctx, d, more);
	locate_firewall(d);
	for (size_t i = 0; i < d->rows; i++) {
		if (!d->row[i].place || more[i] == 0)
			continue;
		if (d->row[i].hook)
			tally_see_hook(ctx->tally, more[i]);
		else
			place_see(d->row[i].place, more[i]);
	}
	note_losses(ctx, d);
	return 0;
}

static bool can_read_map(void *state)
{
	const struct drops *d = state;
	struct drop_key next;

	return bpf_map_get_next_key(bpf_map__fd(d->skel->maps.drops), NULL, &next) == 0 ||
	       errno == ENOENT;
}

/*
 * Before 5.19 no bpf(2) at all is for those without the capability where unprivileged BPF is off;
 * since then maps that are open can be read (c8644cd0efe7). Tried, since it is backported.
 */
static uint64_t drops_keeps(const struct watch_context *ctx unused_, void *state)
{
	return caps_works_without(can_read_map, state) ? 0 : CAP_BIT(CAP_BPF);
}

static void drops_summarise(const struct watch_context *ctx unused_, void *state)
{
	const struct drops *d = state;

	for (size_t i = 0; i < d->rows; i++) {
		const struct drop_row *row = &d->row[i];
		const char *reason = reason_name(d, row->key.reason);

		log_debug("kfree_skb: %" PRIu64 " packets for %s (%u) at 0x%" PRIx64
			  ", protocol %u port %u: %s",
			  row->count, reason ? reason : "a reason without a name", row->key.reason,
			  (uint64_t)row->key.location, row->key.protocol, row->key.port,
			  row->cause ? row->cause->id : "no cause");
	}
	log_debug("kfree_skb: %" PRIu64
		  " not counted as the program was running on that CPU, %" PRIu64
		  " not placed as the map was full",
		  d->misses, d->other);
}

int watch_probe_bpf(const struct host *h, struct err *e)
{
	cleanup_with(arena_done) struct arena a = {0};
	struct kfree_skb_features f = {0};
	struct ev_drops_bpf *skel = NULL;
	int r = open_features(h, &a, &f, e);

	if (r == 0)
		r = attach(h, &f, &skel, e);
	ev_drops_bpf__destroy(skel);
	return r;
}

#else

static int drops_open(const struct watch_context *ctx unused_, void **ret_state unused_,
		      struct err *e)
{
	return err_set(e, EOPNOTSUPP, "built without BPF; build with clang and bpftool");
}

static int drops_drain(const struct watch_context *ctx unused_, void *state unused_,
		       struct err *e unused_)
{
	return 0;
}

static void drops_close(void *state)
{
	free(state);
}

#define drops_summarise NULL
#define drops_keeps NULL

int watch_probe_bpf(const struct host *h unused_, struct err *e)
{
	return err_set(e, EOPNOTSUPP, "built without BPF; build with clang and bpftool");
}

#endif

const struct source source_drops = {
	.id = "tp_btf/kfree_skb",
	.bpf = true,
	.open = drops_open,
	.drain = drops_drain,
	.summarise = drops_summarise,
	.keeps = drops_keeps,
	.close = drops_close,
};
