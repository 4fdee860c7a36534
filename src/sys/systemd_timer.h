/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Transient systemd timers, by systemd's own commands. */
#ifndef RUNUP_SYS_SYSTEMD_TIMER_H
#define RUNUP_SYS_SYSTEMD_TIMER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/err.h"

/*
 * Starts NAME.timer, which runs argv (its first word an absolute path; NULL-terminated) once, not
 * before after_ns and at most a second later, as root with nothing of this environment but
 * `setting` ("NAME=VALUE"; NULL: none). It is gone when that was done, and with the next boot.
 * systemd.timer(5): such a timer does not count time that the host is suspended.
 * -ENOENT: there is no systemd-run; -EIO: it refused.
 */
must_check int systemd_timer_start(const char *name, uint64_t after_ns, const char *setting,
				   const char *const *argv, struct err *e);

/* Is it waiting for its time? */
bool systemd_timer_runs(const char *name);

must_check int systemd_timer_stop(const char *name, struct err *e);

#endif
