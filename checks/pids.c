/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Limits of processes: how many tasks there may be, how much memory may be locked. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "base/units.h"
#include "core/capacity_read.h"
#include "core/check_limit.h"
#include "sys/caps.h"
#include "sys/cgroup.h"
#include "sys/proc.h"
#include "sys/proc_tasks.h"

/* As dashboards have it (netdata: active_processes). */
#define WARN_PERCENT 90
#define FAIL_PERCENT 95

/* What watch's maps take before Linux 5.11, with room to spare. */
#define MEMLOCK_NEED (UINT64_C(16) << 20)

/* One limit on tasks: what is in use, and what it allows. */
struct room {
	const char *name, *fix;
	uint64_t max, used;
};

static uint64_t left(const struct room *r)
{
	return r->max > r->used ? r->max - r->used : 0;
}

static void keep_tightest(struct room *best, struct room other)
{
	if (!best->name || left(&other) < left(best))
		*best = other;
}

/*
 * What of RLIMIT_NPROC is used: all tasks of the real user (copy_process(), kernel/fork.c, counts
 * them by is_rlimit_overlimit() of its user namespace). Counting takes a file for each process, so
 * it is done only where this limit may be the tightest, were all tasks of the host the user's.
 */
static uint64_t user_tasks(const struct check_input *in, const struct proc_user *user,
			   const struct room *best, uint64_t soft, uint64_t all)
{
	uint64_t n = user->threads;
	struct err ignored;

	if (soft > all && soft - all >= left(best))
		return n;
	if (proc_user_tasks(in->host, user->uid, &n, &ignored) < 0)
		n = user->threads; /* a captured host has no processes to count */
	return n;
}

static void add_rlimit(const struct check_input *in, uint64_t all, struct room *best,
		       struct findings *out)
{
	struct proc_limit limit;
	struct proc_user user = {0};
	struct err ignored;

	if (proc_limit(in->host, in->load->pid, limit_row(LIMIT_NPROC), &limit, &ignored) < 0 ||
	    limit.soft == PROC_UNLIMITED)
		return;
	/* A captured host does not say whose process it was; then the limit is taken to bind. */
	if (proc_user(in->host, in->load->pid, &user, &ignored) == 0 && user.exempt)
		return;

	uint64_t used = user_tasks(in, &user, best, limit.soft, all);

	keep_tightest(best, (struct room){finding_text(out,
						       "the user's limit (ulimit -u), of which "
						       "%" PRIu64 " are in use,",
						       used),
					  "raise nproc in /etc/security/limits.conf, LimitNPROC= "
					  "of the unit, or --ulimit nproc of the container",
					  limit.soft, used});
}

static int find_tightest(const struct check_input *in, struct room *best, struct findings *out,
			 struct err *e)
{
	static const char *const keys[] = {"kernel.pid_max", "kernel.threads-max"};
	struct cgroup_room group;
	uint64_t tasks = 0, max = 0;
	int r = proc_tasks(in->host, &tasks, e);

	if (r < 0)
		return r;
	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		r = fact_sysctl(in->host, keys[i], &max, e);
		if (r < 0)
			return r;
		keep_tightest(best,
			      (struct room){keys[i],
					    finding_text(out, "raise %s on the host", keys[i]), max,
					    tasks});
	}
	r = cgroup_pids(in->host, in->load->pid, &group, e);
	if (r < 0)
		return r;
	if (group.limited)
		keep_tightest(best,
			      (struct room){finding_text(out, "pids.max of control group %s",
							 group.owner),
					    "raise TasksMax= of the unit, or --pids-limit of the "
					    "container",
					    group.max, group.now});
	add_rlimit(in, tasks, best, out);
	return 0;
}

static void say_full(const struct room *room, struct finding *f)
{
	f->why = "at the limit clone() fails with EAGAIN: no new thread and no new process, which "
		 "programs report as \"cannot allocate memory\" or \"resource unavailable\"";
	f->fix = room->fix;
}

static int run_pids(const struct check_input *in, struct findings *out, struct err *e)
{
	struct room room = {0};
	char a[UNITS_MAX], b[UNITS_MAX];
	uint64_t need = in->load->generator.threads;

	check_profile_sysctls(in, "limits.pids", out);
	check_profile_limits(in, "limits.pids", "nproc", out);
	if (find_tightest(in, &room, out, e) < 0)
		return finding_cannot_tell(out, "limits.pids", need != 0, e);

	struct finding *f =
		finding_add(out, "limits.pids", FINDING_PASS,
			    in->load->pid ? finding_text(out, "process %d", in->load->pid)
					  : "this shell");
	double percent = room.max ? (double)(room.used + need) * 100 / (double)room.max : 100;

	f->needed = need != 0;
	f->observed = finding_text(out, "room for %s more tasks: %s allows %" PRIu64,
				   units_count(left(&room), a), room.name, room.max);
	if (need) {
		f->required = finding_text(out, "%s threads", units_count(need, b));
		f->arithmetic = finding_text(out, "%s starts %s threads of its own",
					     in->load->generator.name, b);
	}
	if (need > left(&room) || percent >= FAIL_PERCENT)
		f->status = FINDING_FAIL;
	else if (percent >= WARN_PERCENT)
		f->status = FINDING_WARN;
	if (f->status != FINDING_PASS)
		say_full(&room, f);
	check_limit_beside(in, "limits.pids", LIMIT_NPROC, out);
	return 0;
}

/* Since 5.11 maps are charged to the control group (bpf_map_charge_memlock() went away). */
static bool charges_memlock(const struct host *h)
{
	unsigned major, minor;

	return sscanf(h->release, "%u.%u", &major, &minor) == 2 &&
	       (major < 5 || (major == 5 && minor < 11));
}

static int run_memlock(const struct check_input *in, struct findings *out, struct err *e)
{
	struct proc_limit limit;

	check_profile_limits(in, "limits.memlock", "memlock", out);
	if (!*in->host->release) {
		(void)!err_set(e, ENOENT, "which kernel this is cannot be read");
		return finding_cannot_tell(out, "limits.memlock", false, e);
	}
	if (!charges_memlock(in->host)) {
		finding_add(out, "limits.memlock", FINDING_NA, NULL)->observed =
			"BPF does not count against it here (Linux 5.11 and later)";
		check_limit_beside(in, "limits.memlock", LIMIT_MEMLOCK, out);
		return 0;
	}
	if (proc_limit(in->host, 0, limit_row(LIMIT_MEMLOCK), &limit, e) < 0)
		return finding_cannot_tell(out, "limits.memlock", false, e);

	struct finding *f = finding_add(out, "limits.memlock", FINDING_PASS, "this shell");
	char n[UNITS_MAX];

	f->observed = limit.soft == PROC_UNLIMITED
			      ? "unlimited"
			      : finding_text(out, "%s bytes", units_count(limit.soft, n));
	f->required =
		finding_text(out, "%s bytes for --observe and watch", units_count(MEMLOCK_NEED, n));
	/* libbpf raises it by itself where it may. */
	if (in->observed && limit.soft < MEMLOCK_NEED && !caps_effective(CAP_SYS_RESOURCE)) {
		f->status = FINDING_WARN;
		f->why = "before Linux 5.11 the maps of BPF programs count as locked memory: "
			 "without room runup does not see where packets are lost, only how many";
		f->fix = "use sudo, or ulimit -l unlimited";
	}
	check_limit_beside(in, "limits.memlock", LIMIT_MEMLOCK, out);
	return 0;
}

const struct check check_limits_pids = {
	.id = "limits.pids",
	.title = "room for threads and processes",
	.why = "Threads and processes are one thing to the kernel, and four limits count them: "
	       "kernel.pid_max and kernel.threads-max for the host, pids.max of the control group "
	       "and of each one above it, and RLIMIT_NPROC for all tasks of the user (root is "
	       "exempt). At any of them fork() and clone() fail with EAGAIN, whatever memory is "
	       "left. Generators with a thread for each connection get there first; the limit "
	       "with the least room is shown.",
	.run = run_pids,
};

const struct check check_limits_memlock = {
	.id = "limits.memlock",
	.title = "locked memory for watching",
	.why = "Before Linux 5.11 the maps of BPF programs counted against RLIMIT_MEMLOCK, which "
	       "is small for users. Later kernels charge them to the control group, and the limit "
	       "says nothing. It matters for what runup itself loads with --observe and watch, not "
	       "for the load.",
	.run = run_memlock,
};
