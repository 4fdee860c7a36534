/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Memory: what is left for the test, of the host and of the control group; swap; huge pages. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/units.h"
#include "core/capacity.h"
#include "core/check.h"
#include "sys/cgroup.h"
#include "sys/file.h"
#include "sys/meminfo.h"
#include "sys/pressure.h"

/* k6's guide: keep memory below 90 %; so do the dashboards (node-mixin). */
#define LEFT_PERCENT 10
#define GROUP_PERCENT 90
#define PRESSURE_PERCENT 10
#define SWAPPED_PERCENT 10

static const char *const predicts[] = {"memory.oom", "memory.pressure", NULL};
static const char *const swapped[] = {"memory.swap", NULL};
static const char *const stalls[] = {"memory.pressure", NULL};

static const char *bytes_text(uint64_t bytes, struct findings *out)
{
	if (bytes >= UINT64_C(10) << 30)
		return finding_text(out, "%.1f GiB", (double)bytes / (double)(1 << 30));
	return finding_text(out, "%.0f MiB", (double)bytes / (double)(1 << 20));
}

/* What a known generator takes, else the kernel's part; 0: the load states no connections. */
static struct demand least_need(const struct load *l)
{
	struct demand d = {0};

	if (!load_states(l, LOAD_CONNECTIONS))
		return d;
	if (l->role == ROLE_GENERATOR)
		d = demand_generator_memory(l);
	return d.known ? d : demand_sockets(l);
}

static void state_need(const struct demand *need, struct finding *f, struct findings *out)
{
	if (!need->value)
		return;
	f->required = bytes_text(need->value, out);
	f->arithmetic = finding_text(out, "%s", need->arithmetic);
}

static int run_available(const struct check_input *in, struct findings *out, struct err *e)
{
	struct meminfo m;
	struct pressure p = {0};
	struct err ignored;
	if (meminfo_read(in->host, &m, e) < 0)
		return finding_cannot_tell(out, "memory.available", least_need(in->load).known, e);

	bool pressure = pressure_read(in->host, "memory", &p, &ignored) == 0;
	struct demand need = least_need(in->load);
	struct finding *f =
		finding_add(out, "memory.available", FINDING_PASS, "memory of the host");

	f->needed = need.known;
	f->observed =
		finding_text(out, "%s available of %s%s", bytes_text(m.available_kib * 1024, out),
			     bytes_text(m.total_kib * 1024, out),
			     pressure ? finding_text(out, ", waited for in %.1f%% of the last 10 s",
						     p.some_avg10)
				      : "");
	state_need(&need, f, out);
	if (need.value > m.available_kib * 1024) {
		f->status = FINDING_FAIL;
		f->why = "the connections alone take more than there is: the kernel will swap, "
			 "refuse memory to sockets or kill a process";
		f->fix = "add memory, or spread the connections over more hosts";
	} else if (m.available_kib < m.total_kib / 100 * LEFT_PERCENT ||
		   (pressure && p.some_avg10 >= PRESSURE_PERCENT)) {
		f->status = FINDING_WARN;
		f->why = "short of memory, the kernel makes tasks wait while it takes pages back, "
			 "which shows as latency";
		f->fix = "stop what uses the memory, or add some";
	}
	return 0;
}

/* "process 77", "this shell", with something in front. */
static const char *whose(const struct check_input *in, const char *before, struct findings *out)
{
	return in->load->pid ? finding_text(out, "%sprocess %d", before, (int)in->load->pid)
			     : finding_text(out, "%sthis shell", before);
}

static void judge_max(const struct check_input *in, const struct cgroup_room *room,
		      const struct demand *need, struct findings *out)
{
	struct finding *f = finding_add(out, "memory.cgroup", FINDING_PASS, whose(in, "", out));

	f->needed = need->known;
	if (!room->limited) {
		f->observed = finding_text(out, "no limit (cgroup v%d)", room->version);
		return;
	}

	uint64_t left = room->max > room->now ? room->max - room->now : 0;

	f->observed =
		finding_text(out, "%s left of %s, set by %s (cgroup v%d)", bytes_text(left, out),
			     bytes_text(room->max, out), room->owner, room->version);
	state_need(need, f, out);
	if (need->value > left)
		f->status = FINDING_FAIL;
	else if (left < room->max / 100 * (100 - GROUP_PERCENT))
		f->status = FINDING_WARN;
	if (f->status == FINDING_PASS)
		return;
	f->why = "at the limit the kernel takes pages back from the group, and when that is not "
		 "enough it kills a process of it, however much memory the host has left";
	f->fix = "raise the limit of the group (MemoryMax= of the unit, --memory of the container)";
}

/* Where the group is slowed down before it is stopped. */
static void judge_high(const struct check_input *in, const struct demand *need,
		       struct findings *out)
{
	struct cgroup_room room;
	struct err ignored;

	/* That it cannot be read memory.max has said. */
	if (cgroup_memory_high(in->host, in->load->pid, &room, &ignored) < 0 || !room.limited)
		return;

	struct finding *f =
		finding_add(out, "memory.cgroup", FINDING_PASS, whose(in, "memory.high of ", out));
	uint64_t left = room.max > room.now ? room.max - room.now : 0;

	f->observed = finding_text(out, "%s left below %s, set by %s", bytes_text(left, out),
				   bytes_text(room.max, out), room.owner);
	state_need(need, f, out);
	if (need->value <= left && left >= room.max / 100 * (100 - GROUP_PERCENT))
		return;
	f->status = FINDING_WARN;
	f->why = "above memory.high nothing is killed and nothing fails: tasks of the group sleep "
		 "up to 2 s each time they leave the kernel, which the test measures as latency";
	f->fix = "raise MemoryHigh= of the unit";
}

static int run_cgroup(const struct check_input *in, struct findings *out, struct err *e)
{
	struct cgroup_room room;
	struct demand need = least_need(in->load);

	if (cgroup_memory(in->host, in->load->pid, &room, e) < 0)
		return finding_cannot_tell(out, "memory.cgroup", need.known, e);
	if (room.version == 0) {
		finding_add(out, "memory.cgroup", FINDING_NA, NULL)->observed =
			"no memory controller is mounted here";
		return 0;
	}
	judge_max(in, &room, &need, out);
	judge_high(in, &need, out);
	return 0;
}

static int run_swap(const struct check_input *in, struct findings *out, struct err *e)
{
	struct meminfo m;
	if (meminfo_read(in->host, &m, e) < 0)
		return finding_cannot_tell(out, "memory.swap", false, e);

	struct finding *f = finding_add(out, "memory.swap", FINDING_PASS, "swap of the host");
	uint64_t used = m.swap_total_kib > m.swap_free_kib ? m.swap_total_kib - m.swap_free_kib : 0;

	if (m.swap_total_kib == 0) {
		f->observed = "none is on";
		return 0;
	}
	f->observed = finding_text(out, "%s of %s in use", bytes_text(used * 1024, out),
				   bytes_text(m.swap_total_kib * 1024, out));
	/* What has lain there for weeks is no sign of trouble, so only a test is warned of it. */
	if (!load_asks(in->load) || used <= m.swap_total_kib / 100 * SWAPPED_PERCENT)
		return 0;
	f->status = FINDING_WARN;
	f->why = "what was swapped out comes back page by page when the test touches it, and each "
		 "page is a wait for a disk";
	f->fix = "free memory, then swapoff -a and swapon -a bring it back before the test";
	return 0;
}

/* The word in brackets of "always [madvise] never". */
static bool chosen_word(const char *text, char *word, size_t size)
{
	const char *open = strchr(text, '['), *close = open ? strchr(open, ']') : NULL;

	if (!close || (size_t)(close - open) > size)
		return false;
	snprintf(word, size, "%.*s", (int)(close - open - 1), open + 1);
	return true;
}

static int run_thp(const struct check_input *in, struct findings *out, struct err *e)
{
	char text[128], mode[32];
	long n = file_read(in->host, "/sys/kernel/mm/transparent_hugepage/enabled", text,
			   sizeof(text), e);

	check_profile_settings(in, "memory.thp", out);
	if (n == -ENOENT && file_exists(in->host, "/sys/kernel/mm")) {
		finding_add(out, "memory.thp", FINDING_NA, NULL)->observed =
			"no transparent huge pages here";
		return 0;
	}
	if (n < 0)
		return finding_cannot_tell(out, "memory.thp", load_states(in->load, LOAD_LATENCY),
					   e);
	if (!chosen_word(text, mode, sizeof(mode)))
		return err_set(e, EPROTO, "read the mode of transparent huge pages: '%s'", text);

	struct finding *f = finding_add(out, "memory.thp", FINDING_PASS, "transparent huge pages");

	f->observed = finding_text(out, "%s", mode);
	/* They help as often as they harm: only who states a latency is told. */
	if (strcmp(mode, "always") != 0 || !load_states(in->load, LOAD_LATENCY))
		return 0;
	f->status = FINDING_WARN;
	f->required = "madvise or never";
	f->why = "with \"always\" any page fault may wait while 2 MiB are put together and zeroed, "
		 "which shows in the tail of latencies";
	f->fix = "on the host: echo madvise >/sys/kernel/mm/transparent_hugepage/enabled, or in a "
		 "profile: [sysfs] that path = madvise";
	return 0;
}

const struct check check_memory_available = {
	.id = "memory.available",
	.title = "memory left for the test",
	.why = "Every open connection takes about 4.9 KiB of kernel memory on each end even when "
	       "nothing is sent, and more with data in its buffers. MemAvailable is what the "
	       "kernel "
	       "can give without swapping. How much a generator needs for each virtual user no "
	       "kernel knows: run a hundred and multiply (k6 names 1 to 5 MB each).",
	.predicts = predicts,
	.run = run_available,
};

const struct check check_memory_cgroup = {
	.id = "memory.cgroup",
	.title = "no memory limit of a control group in the way",
	.why = "A control group's memory limit is enforced by every ancestor, and the one with the "
	       "least left counts. Sockets are charged to the group, too. At the limit the kernel "
	       "reclaims pages and then kills a process of the group, and a generator that was "
	       "killed looks like a test that ended.",
	.predicts = predicts,
	.run = run_cgroup,
};

const struct check check_memory_swap = {
	.id = "memory.swap",
	.title = "nothing of the test waits in swap",
	.why = "A process that touches a page that was swapped out stands still until it has been "
	       "read back from a disk (do_swap_page(), mm/memory.c). That swap is there is no "
	       "harm, and a little in it is normal after weeks. Much in it before a test makes "
	       "the first minutes slow, and pages that move during one show as latency of "
	       "whatever was waiting.",
	.predicts = swapped,
	.run = run_swap,
};

const struct check check_memory_thp = {
	.id = "memory.thp",
	.title = "huge pages do not make the tail of latencies",
	.why = "With transparent huge pages on \"always\" the kernel may put 2 MiB together, and "
	       "move other pages to do so, inside any page fault. That saves page table work and "
	       "helps throughput, but a request that meets it waits. It is judged only for a load "
	       "that states a latency.",
	.predicts = stalls,
	.run = run_thp,
};
