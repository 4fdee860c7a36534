/* SPDX-License-Identifier: GPL-2.0-or-later */
/* CPU time that control groups allow. */
#include <inttypes.h>

#include "base/ranges.h"
#include "core/check.h"
#include "sys/cgroup.h"
#include "sys/file.h"

static const char *const predicts[] = {"cpu.throttled", NULL};

/* How many CPUs are online: /sys/devices/system/cpu/online, "0-3,6". 0: cannot be read. */
static uint64_t online_cpus(const struct host *h)
{
	char text[256];
	struct ranges r = {0};
	struct err ignored;
	uint64_t n = 0;

	if (file_read(h, "/sys/devices/system/cpu/online", text, sizeof(text), &ignored) > 0 &&
	    ranges_parse(&r, text, 65535) == 0)
		n = ranges_count_within(&r, 0, 65535);
	ranges_done(&r);
	return n;
}

static int run(const struct check_input *in, struct findings *out, struct err *e)
{
	struct cgroup_cpu c;
	int r = cgroup_cpu(in->host, in->load->pid, &c, e);

	if (r < 0)
		return r;
	if (c.version == 0) {
		finding_add(out, "cpu.quota", FINDING_NA, NULL)->observed =
			"no cpu controller is mounted here";
		return 0;
	}

	struct finding *f =
		finding_add(out, "cpu.quota", FINDING_PASS,
			    in->load->pid ? finding_text(out, "process %d", in->load->pid)
					  : "this shell");
	uint64_t cpus = online_cpus(in->host);

	if (c.quota_us == 0) {
		f->observed = finding_text(out, "no quota (cgroup v%d)", c.version);
		return 0;
	}

	double allowed = (double)c.quota_us / (double)c.period_us;

	f->observed =
		finding_text(out, "%.2f CPUs, set by %s (cgroup v%d)", allowed, c.owner, c.version);
	f->arithmetic =
		finding_text(out, "%" PRIu64 " us in each %" PRIu64 " us", c.quota_us, c.period_us);
	if (cpus && allowed >= (double)cpus)
		return 0;
	f->status = FINDING_WARN;
	f->why = finding_text(
		out,
		"once the quota of a period is used up everything in the group stands still "
		"for the rest of it: the median looks healthy, the tail is the quota's "
		"(throttled in %" PRIu64 " of %" PRIu64 " periods so far)",
		c.throttled, c.periods);
	f->fix = "run the test outside the group, or raise its quota to whole CPUs";
	return 0;
}

const struct check check_cpu_quota = {
	.id = "cpu.quota",
	.title = "no CPU quota in the way",
	.why = "A control group's CPU quota is enforced by every ancestor, and the tightest one "
	       "counts. "
	       "A process that has used up its share of a 100 ms period stands still until the "
	       "next. "
	       "In a generator that shows as latency of the server: with half a CPU wrk's median "
	       "stayed at 71 us while its 99th percentile went from 2 ms to 33 ms.",
	.predicts = predicts,
	.run = run,
};
