/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Questions to systemd, put by its own command. */
#ifndef RUNUP_SYS_SYSTEMCTL_H
#define RUNUP_SYS_SYSTEMCTL_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/attr.h"
#include "base/err.h"
#include "sys/host.h"

/* Is systemd process 1 of this live host? (sd_booted(3)) */
bool systemctl_runs(const struct host *h);

/*
 * The MainPID of a unit. -ENOENT: systemd knows of none, or there is no systemctl; -ETIMEDOUT after
 * three seconds without an answer.
 */
must_check int systemctl_main_pid(const char *unit, pid_t *ret, struct err *e);

#endif
