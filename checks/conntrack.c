/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Connection tracking: room in the table for the load. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "base/cleanup.h"
#include "base/strbuf.h"
#include "base/units.h"
#include "core/capacity_rows.h"
#include "core/check.h"
#include "core/ct_use.h"
#include "sys/ct.h"

/* The fill at which dashboards warn (node-mixin: 75 %), and where little is left. */
#define WARN_PERCENT 75
#define FAIL_PERCENT 90

/* A table this small is dumped in about 20 ms; a larger one only where -v asks for it. */
#define SMALL_TABLE 10000
#define GROUPS_SHOWN 3
#define CPUS_SHOWN 8

static const char *const predicts[] = {"conntrack.full", "conntrack.early_drop", NULL};

static const char *protocol_name(uint8_t protocol, char buf[16])
{
	switch (protocol) {
	case 6:
		return "tcp";
	case 17:
		return "udp";
	case 1:
		return "icmp";
	}
	snprintf(buf, 16, "protocol %u", protocol);
	return buf;
}

/* "filled by 9 000 tcp TIME_WAIT to port 8080, …", or why that is not said. */
static const char *breakdown(const struct check_input *in, const struct ct_stats *s,
			     struct findings *out)
{
	cleanup_free struct ct_group *g = NULL;
	char n[UNITS_MAX];
	size_t len;
	struct err e;

	if (!in->verbose && s->entries > SMALL_TABLE)
		return finding_text(out, "not broken down: %s entries (-v does)",
				    units_count(s->entries, n));
	if (ct_breakdown(in->host, &g, &len, &e) < 0)
		return finding_text(out, "not broken down: %s", e.msg);

	struct strbuf text = {0};

	for (size_t i = 0; i < len && i < GROUPS_SHOWN; i++) {
		char protocol[16];

		strbuf_addf(&text, "%s%s %s %s", i ? ", " : "filled by ",
			    units_count(g[i].entries, n), protocol_name(g[i].protocol, protocol),
			    g[i].state);
		if (g[i].port)
			strbuf_addf(&text, " to port %u", g[i].port);
	}
	const char *said = finding_text(out, "%s", len ? strbuf_get(&text) : "empty by now");

	strbuf_done(&text);
	return said;
}

/* " (CPU 0: 2 000, CPU 3: 911)": drops on one CPU alone point at one queue or one flow. */
static const char *drops_by_cpu(const struct ct_stats *s, struct findings *out)
{
	struct strbuf text = {0};
	char n[UNITS_MAX];
	unsigned shown = 0;

	for (unsigned cpu = 0; cpu < s->cpus && shown < CPUS_SHOWN; cpu++)
		if (s->drop_by_cpu[cpu])
			strbuf_addf(&text, "%sCPU %u: %s", shown++ ? ", " : " (", cpu,
				    units_count(s->drop_by_cpu[cpu], n));
	if (shown)
		strbuf_add(&text, shown == CPUS_SHOWN ? " ...)" : ")");
	const char *said = finding_text(out, "%s", strbuf_get(&text));

	strbuf_done(&text);
	return said;
}

static void judge_fill(const struct check_input *in, const struct ct_stats *s, struct findings *out)
{
	char a[UNITS_MAX], b[UNITS_MAX], c[UNITS_MAX];
	uint64_t percent = s->max ? s->entries * 100 / s->max : 0;
	static const struct threshold t = {WARN_PERCENT, FAIL_PERCENT - 1, FINDING_FAIL};
	struct finding *f = finding_add(out, "conntrack.capacity", FINDING_PASS, "conntrack table");

	f->observed = finding_text(out, "%s of %s entries (%" PRIu64 "%%), %s dropped since boot%s",
				   units_count(s->entries, a), units_count(s->max, b), percent,
				   units_count(s->total.drop, c), drops_by_cpu(s, out));
	f->needed = true;
	f->status = check_threshold(in, "conntrack.capacity", &t, percent);
	if (!s->max)
		f->observed = finding_text(out, "%s entries, no limit", a);
	if (in->verbose && !s->entries) {
		struct ct_use use;

		ct_use_read(in->host, in->load, 0, &use);
		f->observed = finding_text(out, "%s; %s", f->observed,
					   use.activity == CT_ACTIVITY_UNKNOWN
						   ? "whether it is active here is not known"
						   : use.why);
	}
	if (f->status == FINDING_PASS && !in->verbose)
		return;
	f->why = breakdown(in, s, out);
	if (f->status == FINDING_PASS)
		return;
	f->fix = finding_text(
		out, "raise net.netfilter.nf_conntrack_max (on the host), wait for old entries "
		     "to go, or do not track the load's traffic");
}

static void judge_load(const struct check_input *in, struct findings *out)
{
	char a[UNITS_MAX], b[UNITS_MAX];
	struct facts facts;

	facts_read(in->host, in->load, 1u << RESOURCE_conntrack, false, &facts);

	struct row row = row_for(RESOURCE_conntrack, &facts, in->load);

	if (!row.load.known && row.state != ROW_NA)
		return;

	struct finding *f =
		finding_add(out, "conntrack.capacity", FINDING_PASS, "room for the load");

	if (row.state == ROW_NA) {
		f->status = FINDING_NA;
		f->observed = finding_text(out, "%s", row.reason);
		return;
	}
	/* __nf_conntrack_alloc(): with nf_conntrack_max 0 nothing is ever full. */
	uint64_t left = row.limit > row.held ? row.limit - row.held : 0;

	f->needed = true;
	f->observed = row.has_limit ? finding_text(out, "%s free entries", units_count(left, a))
				    : "no limit";
	f->required = finding_text(out, "%s", units_count(row.load.value, b));
	f->arithmetic = finding_text(out, "%s", row.load.arithmetic);
	if (row.state == ROW_UNKNOWN) {
		f->status = FINDING_UNKNOWN;
		f->why = finding_text(out, "%s", row.reason);
	}
	if (row.state != ROW_BREAKS)
		return;
	f->status = FINDING_FAIL;
	f->why =
		"in a full table the kernel drops packets of new connections; only a counter and a "
		"rate-limited log line tell";
	f->fix = finding_text(out, "on the host: sysctl -w net.netfilter.nf_conntrack_max=%" PRIu64,
			      with_headroom(row.demand));
}

static int run(const struct check_input *in, struct findings *out, struct err *e)
{
	struct ct_stats s;
	int r = ct_read_stats(in->host, &s, e);

	if (r < 0)
		return r;
	if (!s.present) {
		finding_add(out, "conntrack.capacity", FINDING_NA, NULL)->observed =
			"connection tracking is not loaded";
		return 0;
	}
	check_profile_sysctls(in, "conntrack.capacity", out);
	judge_fill(in, &s, out);
	judge_load(in, out);
	return 0;
}

const struct check check_conntrack_capacity = {
	.id = "conntrack.capacity",
	.title = "room in the connection tracking table",
	.why = "Where connection tracking is active every connection has an entry, and a closed "
	       "TCP "
	       "connection keeps its entry for another 120 s by default, twice the socket's own "
	       "TIME_WAIT. nf_conntrack_max is one number, set on the host, that limits each "
	       "network "
	       "namespace's table. In a full table the kernel drops the packets of new "
	       "connections: "
	       "TCP clients see timeouts, UDP senders EPERM.",
	.predicts = predicts,
	.has_threshold = true,
	.run = run,
};
