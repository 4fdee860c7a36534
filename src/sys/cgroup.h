/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Control groups, v1 and v2: the limits in force, of a group or of any above it. */
#ifndef RUNUP_SYS_CGROUP_H
#define RUNUP_SYS_CGROUP_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/attr.h"
#include "base/err.h"
#include "sys/host.h"

struct cgroup_cpu {
	int version;	   /* 1, 2; 0: no cpu controller found */
	uint64_t quota_us; /* of the tightest group; 0: no quota anywhere, and nothing below is set
			    */
	uint64_t period_us;
	uint64_t periods, throttled; /* cpu.stat of that group: nr_periods, nr_throttled */
	char owner[PATH_MAX];	     /* path of the group that sets it, as in /proc/PID/cgroup */
	int unreadable; /* errno of a group that could not be read; cgroup_cpu() fails then */
};

/*
 * The tightest CPU quota over the group of pid (0: this process) and all its ancestors that are
 * mounted here: cpu.max (v2), cpu.cfs_quota_us over cpu.cfs_period_us (v1). A runtime that reads
 * only the leaf sees none of the others (golang/go#81180), the scheduler enforces them all. Where
 * both versions are mounted, the controller is in v1 if a v1 hierarchy has it. -ESRCH: no such
 * process.
 */
must_check int cgroup_cpu(const struct host *h, pid_t pid, struct cgroup_cpu *ret, struct err *e);

/*
 * Calls each() for the group of pid (0: this process) and all its ancestors that are mounted here,
 * the group itself first: folder is where its files are, group its path as in /proc/PID/cgroup.
 * Returns the version of the hierarchy that has the controller: 1, 2; 0: none has. -ESRCH.
 */
typedef void (*cgroup_visit)(const struct host *h, int version, const char *folder,
			     const char *group, void *data);
must_check int cgroup_walk(const struct host *h, pid_t pid, const char *controller,
			   cgroup_visit each, void *data, struct err *e);

/* The group with the least left below its limit. */
struct cgroup_room {
	int version;  /* 1, 2; 0: no such controller found */
	bool limited; /* false: no group has a limit; nothing below is set */
	uint64_t max, now;
	char owner[PATH_MAX]; /* path of the group that sets it */
};

/* v1 shows "no limit" as the largest number of whole pages (PAGE_COUNTER_MAX x 4096). */
#define CGROUP_NO_LIMIT UINT64_C(0x7000000000000000)

/* Processes and threads: pids.max. */
must_check int cgroup_pids(const struct host *h, pid_t pid, struct cgroup_room *ret, struct err *e);

/* Bytes: memory.max (v2), memory.limit_in_bytes (v1). `now` is without idle page cache. */
must_check int cgroup_memory(const struct host *h, pid_t pid, struct cgroup_room *ret,
			     struct err *e);

/*
 * memory.high (v2 alone has it): above it tasks of the group are slowed down and its memory is
 * taken back, but nothing is refused and nobody killed (try_charge_memcg(), mm/memcontrol.c).
 */
must_check int cgroup_memory_high(const struct host *h, pid_t pid, struct cgroup_room *ret,
				  struct err *e);

#endif
