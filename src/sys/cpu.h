/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The host's CPUs: how many, what they did with their time, how their frequency is chosen. */
#ifndef RUNUP_SYS_CPU_H
#define RUNUP_SYS_CPU_H

#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/err.h"
#include "sys/host.h"

/* How many CPUs are online (/sys/devices/system/cpu/online, "0-3,6"); 0: cannot be read. */
uint64_t cpu_online(const struct host *h);

/* Ticks of all CPUs since boot: the first line of /proc/stat. */
struct cpu_times {
	uint64_t total; /* guest time is within user time (account_guest_time()), counted once */
	uint64_t steal; /* a virtual CPU was ready to run and the hypervisor ran something else */
};
must_check int cpu_read_times(const struct host *h, struct cpu_times *ret, struct err *e);

/* How the frequency of some CPUs is chosen; a policy is what those share (cpufreq). */
#define CPU_WORD_MAX 32
struct cpu_policy {
	char governor[CPU_WORD_MAX], driver[CPU_WORD_MAX];
};

/*
 * All of /sys/devices/system/cpu/cpufreq/policyN; *ret is the caller's to free. *len 0: no cpufreq
 * here, as in most virtual machines. A policy that cannot be read is an error.
 */
must_check int cpu_read_policies(const struct host *h, struct cpu_policy **ret, size_t *len,
				 struct err *e);

#endif
