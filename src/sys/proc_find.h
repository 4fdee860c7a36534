/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Finding a process by its name or by the systemd unit it belongs to. */
#ifndef RUNUP_SYS_PROC_FIND_H
#define RUNUP_SYS_PROC_FIND_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/attr.h"
#include "base/err.h"
#include "sys/host.h"

/*
 * The process whose name (/proc/PID/comm, 15 characters) or program (the last part of
 * /proc/PID/exe, where that may be read) is `name`. Of a server and its workers it is the one that
 * started the others. -ERR_BAD_INPUT: none, or several that have nothing to do with each other,
 * which the message lists. This process is left out.
 */
must_check int proc_find_name(const struct host *h, const char *name, pid_t *ret, struct err *e);

/*
 * The main process of a systemd unit (".service" is added to a name without a suffix). Where
 * systemd runs, systemctl is asked, by its absolute path and with an environment of its own;
 * where it does not, or knows of none, the oldest process in a control group of that name (v2, or
 * the v1 hierarchy name=systemd). -ERR_BAD_INPUT: there is none.
 */
must_check int proc_find_unit(const struct host *h, const char *unit, pid_t *ret, struct err *e);

/*
 * All processes that proc_find_name() would look among and that are in the network namespace of
 * this thread, or all in the control group of a unit (which systemd names where it runs), oldest
 * first. *ret is the caller's to free, and may be NULL for none.
 */
must_check int proc_list_name(const struct host *h, const char *name, pid_t **ret, size_t *ret_len,
			      struct err *e);
must_check int proc_list_unit(const struct host *h, const char *unit, pid_t **ret, size_t *ret_len,
			      struct err *e);

/*
 * The control group that systemd or a container runtime put it in: of v2, else of the v1 hierarchy
 * name=systemd. "" when that cannot be told. pid 0: this process.
 */
#define PROC_GROUP_MAX 512
void proc_group(const struct host *h, pid_t pid, char buf[PROC_GROUP_MAX]);

/* Is it in the network namespace of this thread? Needs no privilege. -ESRCH: no such process. */
must_check int proc_same_netns(const struct host *h, pid_t pid, bool *ret, struct err *e);

#endif
