/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Questions and orders to systemd, put by its own command. */
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

/*
 * Properties of a unit ("LoadState,LimitNOFILE") as `systemctl show` prints them, NAME=VALUE a
 * line, into buf. -ENOENT: there is no systemctl; -ETIMEDOUT; -EFBIG; -EIO: it says no.
 */
must_check int systemctl_show(const char *unit, const char *properties, char *buf, size_t size,
			      struct err *e);

/* One of them out of what systemctl_show() gave; "" where it is not there. Returns value. */
#define SYSTEMCTL_VALUE_MAX 512
const char *systemctl_value(const char *shown, const char *property,
			    char value[SYSTEMCTL_VALUE_MAX]);

/* Makes systemd read its files again. It may take a while with many units; waits a minute. */
must_check int systemctl_reload(struct err *e);

#endif
