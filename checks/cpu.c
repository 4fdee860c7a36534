/* SPDX-License-Identifier: GPL-2.0-or-later */
/* CPU time: what control groups allow, how fast CPUs run, and who else uses them. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/units.h"
#include "core/check.h"
#include "sys/cgroup.h"
#include "sys/cpu.h"
#include "sys/file.h"
#include "sys/pressure.h"

/* Tasks that wait a fifth of the time: the other side of k6's rule to keep 20 % of the CPU idle. */
#define BUSY_PERCENT 20
/* A virtual CPU that is kept waiting this much makes the tail of every latency. */
#define STEAL_PERCENT 5

static const char *const throttled[] = {"cpu.throttled", NULL};
static const char *const saturated[] = {"cpu.saturated", NULL};
static const char *const stolen[] = {"cpu.steal", NULL};

struct own_group {
	char path[PATH_MAX]; /* the first one that a walk meets is the process's own */
};

static void keep_first(const struct host *h, int version, const char *folder, const char *group,
		       void *data)
{
	struct own_group *own = data;

	(void)h;
	(void)version;
	(void)folder;
	if (!own->path[0])
		snprintf(own->path, sizeof(own->path), "%s", group);
}

static uint64_t whole_cpus(const struct cgroup_cpu *c)
{
	return (c->quota_us + c->period_us - 1) / c->period_us;
}

/*
 * What runtimes make of a quota. Go before 1.25 and most thread pools count the CPUs they may run
 * on, which a quota does not change; Go from 1.25 on rounds the quota up, but reads it from the
 * process's own group alone (golang/go#81180).
 */
static const char *runtime_text(const struct check_input *in, const struct cgroup_cpu *c,
				uint64_t cpus, struct findings *out)
{
	struct own_group own = {.path = ""};
	struct err ignored;

	if (cpus <= whole_cpus(c))
		return "";
	if (cgroup_walk(in->host, in->load->pid, "cpu", keep_first, &own, &ignored) < 0 ||
	    strcmp(own.path, c->owner) == 0)
		return finding_text(out,
				    "; a runtime that counts CPUs (Go before 1.25) starts threads "
				    "for all %" PRIu64,
				    cpus);
	return finding_text(out,
			    "; a runtime starts threads for all %" PRIu64
			    " CPUs: even Go 1.25 reads only the process's own group, where this "
			    "quota is not",
			    cpus);
}

static const char *quota_fix(const struct cgroup_cpu *c, uint64_t cpus, struct findings *out)
{
	if (cpus <= whole_cpus(c))
		return "run the test outside the group, or raise its quota to whole CPUs";
	return finding_text(out,
			    "run the test outside the group, raise its quota to whole CPUs, or "
			    "tell the runtime (GOMAXPROCS=%" PRIu64 ")",
			    whole_cpus(c));
}

static int run_quota(const struct check_input *in, struct findings *out, struct err *e)
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
	uint64_t cpus = cpu_online(in->host);

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
		"(throttled in %" PRIu64 " of %" PRIu64 " periods so far)%s",
		c.throttled, c.periods, runtime_text(in, &c, cpus, out));
	f->fix = quota_fix(&c, cpus, out);
	return 0;
}

/*
 * The pstate drivers' own "powersave" is no fixed lowest frequency but follows the load
 * (intel_pstate.rst, amd-pstate.rst); of the others it is.
 */
static bool stays_slow(const struct cpu_policy *p)
{
	return strcmp(p->governor, "powersave") == 0 && strcmp(p->driver, "intel_pstate") != 0 &&
	       strcmp(p->driver, "amd-pstate-epp") != 0;
}

/* The policy to show: one that stays slow, else one that is not "performance", else the first. */
static const struct cpu_policy *worst_policy(const struct cpu_policy *p, size_t len,
					     size_t *ret_other)
{
	const struct cpu_policy *worst = &p[0];
	size_t other = 0;

	for (size_t i = 0; i < len; i++) {
		if (strcmp(p[i].governor, "performance") == 0)
			continue;
		if (other++ == 0 || (stays_slow(&p[i]) && !stays_slow(worst)))
			worst = &p[i];
	}
	*ret_other = other;
	return worst;
}

static int run_governor(const struct check_input *in, struct findings *out, struct err *e)
{
	cleanup_free struct cpu_policy *p = NULL;
	size_t len, other;
	bool load = load_asks(in->load) || in->profile;

	check_profile_settings(in, "cpu.governor", out);
	if (cpu_read_policies(in->host, &p, &len, e) < 0)
		return finding_cannot_tell(out, "cpu.governor", false, e);
	if (len == 0) {
		finding_add(out, "cpu.governor", FINDING_NA, NULL)->observed =
			"no cpufreq here: the hypervisor or the firmware decides";
		return 0;
	}

	const struct cpu_policy *worst = worst_policy(p, len, &other);
	struct finding *f = finding_add(out, "cpu.governor", FINDING_PASS, "CPU frequency");

	f->observed = finding_text(out, "governor %s%s%s, %zu of %zu polic%s", worst->governor,
				   *worst->driver ? " of " : "", worst->driver, other ? other : len,
				   len, len == 1 ? "y" : "ies");
	if (!other || (!stays_slow(worst) && !load))
		return 0;
	f->status = FINDING_WARN;
	f->required = "governor performance";
	f->why = stays_slow(worst) ? "these CPUs stay at their lowest frequency whatever the load"
				   : "frequencies follow the load with a delay, so the first "
				     "requests after a pause are slower and two runs are not alike";
	f->fix = "on the host: cpupower frequency-set -g performance, or in a profile: [sysfs] "
		 "/sys/devices/system/cpu/cpu*/cpufreq/scaling_governor = performance";
	return 0;
}

static int read_load(const struct host *h, double *ret, struct err *e)
{
	char text[128];
	long n = file_read(h, "/proc/loadavg", text, sizeof(text), e);

	if (n < 0)
		return (int)n;
	if (sscanf(text, "%lf", ret) != 1)
		return err_set(e, EPROTO, "read '/proc/loadavg': '%s'", text);
	return 0;
}

static int run_busy(const struct check_input *in, struct findings *out, struct err *e)
{
	uint64_t cpus = cpu_online(in->host);
	struct pressure p;
	struct err ignored;
	double load;
	bool busy, pressure = pressure_read(in->host, "cpu", &p, &ignored) == 0;
	int r = read_load(in->host, &load, e);

	if (r < 0)
		return r;
	if (cpus == 0)
		return err_set(e, EPROTO, "how many CPUs are online cannot be read");

	struct finding *f = finding_add(out, "cpu.busy", FINDING_PASS, "CPU in use now");

	f->needed = load_asks(in->load);
	if (pressure) {
		/* The load average also counts who runs and who waits for a disk; pressure only
		 * who waits for a CPU. */
		f->observed = finding_text(out,
					   "in %.1f%% of the last 10 s a task waited for a CPU "
					   "(load %.2f on %" PRIu64 " CPUs)",
					   p.some_avg10, load, cpus);
		f->required = finding_text(out, "less than %d%%", BUSY_PERCENT);
		busy = p.some_avg10 >= BUSY_PERCENT;
	} else {
		f->observed = finding_text(out, "load %.2f on %" PRIu64 " CPUs", load, cpus);
		f->required = finding_text(out, "a load below %" PRIu64, cpus);
		busy = load >= (double)cpus;
	}
	if (!busy)
		return 0;
	f->status = FINDING_WARN;
	f->why = "what runs already takes CPU time from the test, and its waiting ends up in the "
		 "latencies that are reported";
	f->fix = "wait for it to end, or stop it (top, or pidstat 1)";
	return 0;
}

/* A sum since boot says nothing about now: it is shown, and only what --observe saw is judged. */
static int run_steal(const struct check_input *in, struct findings *out, struct err *e)
{
	struct cpu_times t;

	if (cpu_read_times(in->host, &t, e) < 0)
		return finding_cannot_tell(out, "cpu.steal", false, e);

	struct finding *f = finding_add(out, "cpu.steal", FINDING_NA, "taken by the hypervisor");
	const struct cpu_times *now = in->observed ? &in->observed->cpu : NULL;

	if (!now || !now->total) {
		f->observed = finding_text(out, "%.2f%% since boot; judged with --observe",
					   t.total ? (double)t.steal * 100 / (double)t.total : 0);
		return 0;
	}

	double percent = (double)now->steal * 100 / (double)now->total;
	char duration[UNITS_MAX];

	f->status = percent < STEAL_PERCENT ? FINDING_PASS : FINDING_WARN;
	f->observed = finding_text(out, "%.1f%% in %s", percent,
				   units_duration(in->observed->duration_ns, duration));
	f->required = finding_text(out, "less than %d%%", STEAL_PERCENT);
	if (f->status == FINDING_PASS)
		return 0;
	f->why = "while another guest runs, everything here stands still; it shows as latency of "
		 "whoever is measured";
	f->fix = "move to a host or an instance type with CPUs of its own";
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
	.predicts = throttled,
	.run = run_quota,
};

const struct check check_cpu_governor = {
	.id = "cpu.governor",
	.title = "CPUs run at full speed",
	.why = "cpufreq lowers the frequency of CPUs that have little to do and raises it with a "
	       "delay. A test begins on slow CPUs, and its numbers depend on what ran before. The "
	       "governor \"performance\" keeps the frequency up; \"powersave\" is a fixed lowest "
	       "frequency, except with intel_pstate and amd-pstate-epp, where it follows the load.",
	.predicts = saturated,
	.run = run_governor,
};

const struct check check_cpu_busy = {
	.id = "cpu.busy",
	.title = "nothing else uses the CPUs",
	.why = "A generator or a server that has to wait for a CPU measures that waiting. The "
	       "kernel's pressure figure (/proc/pressure/cpu) says in how much of the last ten "
	       "seconds some task was ready to run and did not; where a kernel has none, the load "
	       "average is compared with the number of CPUs. k6 asks for 20% of the CPU to stay "
	       "idle.",
	.predicts = saturated,
	.run = run_busy,
};

const struct check check_cpu_steal = {
	.id = "cpu.steal",
	.title = "the hypervisor leaves the CPUs alone",
	.why = "Steal is time in which a virtual CPU had something to do and the hypervisor ran "
	       "another guest instead; the hypervisor tells it to the kernel, which adds it up in "
	       "/proc/stat. Nothing inside the guest can prevent it, and the same test gives "
	       "other numbers at another hour. The sum since boot is shown and never judged, "
	       "since it says nothing about now; what was stolen during --observe is.",
	.predicts = stolen,
	.run = run_steal,
};
