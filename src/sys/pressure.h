/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Pressure stall information: how long tasks waited for a resource. */
#ifndef RUNUP_SYS_PRESSURE_H
#define RUNUP_SYS_PRESSURE_H

#include "base/attr.h"
#include "base/err.h"
#include "sys/host.h"

struct pressure {
	double some_avg10; /* per cent of the last ten seconds in which at least one task waited */
};

/*
 * /proc/pressure/NAME ("cpu", "memory", "io") of the whole host. -ENOENT: the kernel has none
 * (CONFIG_PSI); -EOPNOTSUPP: it is switched off (psi=0, as some distributions boot).
 */
must_check int pressure_read(const struct host *h, const char *name, struct pressure *ret,
			     struct err *e);

#endif
