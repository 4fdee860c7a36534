/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Connection tracking: how long the chains are that every packet walks. */
#include <errno.h>
#include <inttypes.h>

#include "base/units.h"
#include "core/capacity.h"
#include "core/check_key.h"
#include "core/ct_use.h"
#include "sys/file.h"

#define ID "conntrack.buckets"
#define KEYS "/proc/sys/net/netfilter/"

/* The default is 2 in a full table, and was 8 before 5.15 (nf_conntrack_init_start). */
#define LONG_CHAIN 8

static const char *const predicts[] = {"conntrack.insert_failed", NULL};

struct table {
	uint64_t buckets, max, entries;
};

/* 0; 1: tracking is not loaded. */
static int read_table(const struct host *h, struct table *t, struct err *e)
{
	int r = file_read_u64(h, KEYS "nf_conntrack_buckets", &t->buckets, e);

	if (r == -ENOENT)
		return 1;
	if (r == 0)
		r = file_read_u64(h, KEYS "nf_conntrack_max", &t->max, e);
	if (r == 0)
		r = file_read_u64(h, KEYS "nf_conntrack_count", &t->entries, e);
	if (r == 0 && t->buckets == 0)
		return err_set(e, EPROTO, "read nf_conntrack_buckets: it is 0");
	return r;
}

static uint64_t power_of_two(uint64_t n)
{
	uint64_t power = 1;

	while (power < n && power <= UINT64_MAX / 2)
		power *= 2;
	return power;
}

static double chain(const struct table *t, uint64_t entries)
{
	/* Each entry is in the table twice, once for each direction. */
	return 2.0 * (double)entries / (double)t->buckets;
}

static void judge(const struct table *t, uint64_t entries, struct finding *f, struct findings *out)
{
	char a[UNITS_MAX], b[UNITS_MAX];

	f->arithmetic = finding_text(out, "2 x %s entries / %s buckets = %.1f in a chain",
				     units_count(entries, a), units_count(t->buckets, b),
				     chain(t, entries));
	if (chain(t, entries) <= LONG_CHAIN)
		return;
	f->status = FINDING_WARN;
	f->required = finding_text(out, "at most %d in a chain", LONG_CHAIN);
	f->why =
		"every packet walks such a chain, and where one is far too long the kernel refuses "
		"the new entry and drops its packet";
	f->fix = finding_text(out,
			      "on the host: sysctl -w net.netfilter.nf_conntrack_buckets=%" PRIu64,
			      power_of_two(entries));
}

/* Asked only where it matters, since it takes reading the rules of the packet filter. */
static void excuse(const struct check_input *in, const struct table *t, struct finding *f,
		   struct findings *out)
{
	struct ct_use use;

	ct_use_read(in->host, in->load, t->entries, &use);
	if (!ct_use_needs_none(&use) && use.activity != CT_ACTIVITY_UNKNOWN)
		return;
	f->status = ct_use_needs_none(&use) ? FINDING_NA : FINDING_UNKNOWN;
	f->why = finding_text(out, "%s", use.why);
	f->fix = NULL;
}

static int run(const struct check_input *in, struct findings *out, struct err *e)
{
	struct table t = {0};
	uint64_t time_wait;
	char a[UNITS_MAX], b[UNITS_MAX];
	int r = read_table(in->host, &t, e);

	if (r < 0)
		return r;
	if (r > 0) {
		finding_add(out, ID, FINDING_NA, NULL)->observed =
			"connection tracking is not loaded";
		return 0;
	}
	check_profile_sysctls(in, ID, out);

	struct finding *f = finding_add(out, ID, FINDING_PASS, "chains now");

	/* Without hooks here no packet makes an entry; with them an idle namespace has none either.
	 */
	f->observed =
		finding_text(out, "%s buckets for at most %s entries, %.1f in a chain if full%s%s",
			     units_count(t.buckets, a), units_count(t.max, b), chain(&t, t.max),
			     in->host->init_netns ? "" : " (all namespaces share the buckets)",
			     t.entries ? ""
				       : "; nothing is tracked in this namespace at the moment");
	judge(&t, t.entries, f, out);

	check_read_key_or(in, "net.netfilter.nf_conntrack_tcp_timeout_time_wait", &time_wait, 1,
			  120);
	struct demand d = demand_conntrack(in->load, time_wait);

	if (!d.known)
		return 0;
	f = finding_add(out, ID, FINDING_PASS, "chains under the load");
	f->needed = true;
	f->observed = finding_text(out, "%s buckets", a);
	judge(&t, t.entries + d.value, f, out);
	if (f->status != FINDING_PASS)
		excuse(in, &t, f, out);
	return 0;
}

const struct check check_conntrack_buckets = {
	.id = "conntrack.buckets",
	.title = "short chains in the connection tracking table",
	.why = "The table is an array of hash chains, and every packet of a tracked connection "
	       "walks one of them. Each entry is in it twice, so the mean chain has 2 x entries / "
	       "nf_conntrack_buckets links; all network namespaces share the buckets. Raising "
	       "nf_conntrack_max alone makes chains longer: packets cost more, and a chain that is "
	       "far too long makes the kernel drop the packet that would have opened a connection.",
	.predicts = predicts,
	.run = run,
};
