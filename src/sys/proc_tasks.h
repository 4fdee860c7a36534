/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How many processes and threads there are, of the host and of a user. */
#ifndef RUNUP_SYS_PROC_TASKS_H
#define RUNUP_SYS_PROC_TASKS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/attr.h"
#include "base/err.h"
#include "sys/host.h"

/* Threads of the whole host: the number behind the slash in /proc/loadavg (nr_threads). */
must_check int proc_tasks(const struct host *h, uint64_t *ret, struct err *e);

/* Who a process is, as far as RLIMIT_NPROC goes. */
struct proc_user {
	uint64_t uid;
	/* Not bound by RLIMIT_NPROC: the host's first user, or CAP_SYS_RESOURCE or CAP_SYS_ADMIN
	 * in the host's user namespace (copy_process(), kernel/fork.c). */
	bool exempt;
	uint64_t threads; /* of that process alone */
};

/* pid 0: this process. -EPROTO where /proc/PID/status does not say (a captured host). */
must_check int proc_user(const struct host *h, pid_t pid, struct proc_user *ret, struct err *e);

/*
 * Threads of all processes of a user that /proc shows, which is what RLIMIT_NPROC limits. One
 * small file a process: some ms on a busy host. -EOPNOTSUPP for a captured host, which has none.
 */
must_check int proc_user_tasks(const struct host *h, uint64_t uid, uint64_t *ret, struct err *e);

#endif
