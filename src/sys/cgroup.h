/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Control groups, v1 and v2: the CPU quota in force. */
#ifndef RUNUP_SYS_CGROUP_H
#define RUNUP_SYS_CGROUP_H

#include <limits.h>
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
};

/*
 * The tightest CPU quota over the group of pid (0: this process) and all its ancestors that are
 * mounted here: cpu.max (v2), cpu.cfs_quota_us over cpu.cfs_period_us (v1). A runtime that reads
 * only the leaf sees none of the others (golang/go#81180), the scheduler enforces them all. Where
 * both versions are mounted, the controller is in v1 if a v1 hierarchy has it. -ESRCH: no such
 * process.
 */
must_check int cgroup_cpu(const struct host *h, pid_t pid, struct cgroup_cpu *ret, struct err *e);

#endif
