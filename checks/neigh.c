/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Neighbour tables: room for everybody on the same network. */
#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/socket.h>

#include "base/units.h"
#include "core/check_key.h"
#include "sys/neigh.h"

#define ID "neigh.table"

static const char *const predicts[] = {"neigh.full", NULL};

struct family {
	int family;
	const char *name, *threshold[3];
};

static const struct family families[] = {
	{AF_INET,
	 "IPv4 neighbours",
	 {"net.ipv4.neigh.default.gc_thresh1", "net.ipv4.neigh.default.gc_thresh2",
	  "net.ipv4.neigh.default.gc_thresh3"}},
	{AF_INET6,
	 "IPv6 neighbours",
	 {"net.ipv6.neigh.default.gc_thresh1", "net.ipv6.neigh.default.gc_thresh2",
	  "net.ipv6.neigh.default.gc_thresh3"}},
};

/* Hosts that the load names; each may be on the same network. A name may be of either family. */
static uint64_t expected(const struct load *l, const struct family *f)
{
	uint64_t n = 0;

	for (size_t i = 0; i < l->targets_len; i++) {
		const char *host = l->targets[i].host;
		unsigned char address[16];
		bool other =
			inet_pton(f->family == AF_INET ? AF_INET6 : AF_INET, host, address) == 1;
		bool again = false;

		for (size_t j = 0; j < i && !again; j++)
			again = strcmp(l->targets[j].host, host) == 0;
		n += !other && !again;
	}
	return n;
}

/*
 * neigh_alloc() (net/core/neighbour.c, 5.15 to 6.18): from gc_thresh3 on, and from gc_thresh2 on if
 * five seconds have passed, it first looks for entries to throw out; if there are none at
 * gc_thresh3 it refuses.
 */
static int judge(const struct check_input *in, const struct family *family, struct findings *out,
		 struct err *e)
{
	uint64_t t[3], more = expected(in->load, family);
	struct neigh_stats s;
	char a[UNITS_MAX], b[UNITS_MAX], c[UNITS_MAX];
	int r = neigh_read(in->host, family->family, &s, e);

	if (r == -ENOENT) {
		check_not_here(in, ID, family->name, out);
		return 0;
	}
	for (unsigned i = 0; r >= 0 && i < 3; i++) {
		r = check_read_key(in, ID, family->threshold[i], &t[i], 1, out, e);
		if (r == 0)
			return 0;
	}
	if (r < 0)
		return r;

	struct finding *f = finding_add(out, ID, FINDING_PASS, family->name);

	f->needed = more > 0;
	f->observed =
		finding_text(out,
			     "%s entries; the kernel clears up from %s and refuses from %s on, "
			     "%" PRIu64 " times since boot",
			     units_count(s.entries, a), units_count(t[1], b), units_count(t[2], c),
			     s.table_fulls);
	if (more)
		f->arithmetic = finding_text(out, "%s entries + %" PRIu64 " target(s) = %" PRIu64,
					     a, more, s.entries + more);
	if (s.entries + more <= t[1])
		return 0;
	/* Permanent entries are in the number, but not held against the limit: never a fail alone.
	 */
	f->status = more && more > t[2] ? FINDING_FAIL : FINDING_WARN;
	f->required = finding_text(out, "at most %s entries", b);
	f->why = "in a full table packets to a new neighbour are dropped, for every namespace of "
		 "the "
		 "host";
	f->fix = finding_text(out, "on the host: sysctl -w %s=%" PRIu64 " %s=%" PRIu64,
			      family->threshold[2], 4 * (s.entries + more), family->threshold[1],
			      2 * (s.entries + more));
	return 0;
}

static int run(const struct check_input *in, struct findings *out, struct err *e)
{
	int r = 0;

	check_profile_sysctls(in, ID, out);
	for (size_t i = 0; r == 0 && i < ARRAY_LEN(families); i++)
		r = judge(in, &families[i], out, e);
	return r < 0 ? check_untold(ID, e, out) : 0;
}

const struct check check_neigh_table = {
	.id = "neigh.table",
	.title = "room in the neighbour tables",
	.why = "Each host on the same network that is spoken to has an entry with its hardware "
	       "address, and all namespaces share one table for IPv4 and one for IPv6. From "
	       "gc_thresh2 entries on the kernel throws out old ones, and at gc_thresh3 it refuses "
	       "a "
	       "new one if none can go: packets to that host are dropped, and the log says "
	       "\"neighbour table overflow\". Hosts behind a router need no entry but the "
	       "router's.",
	.predicts = predicts,
	.run = run,
};
