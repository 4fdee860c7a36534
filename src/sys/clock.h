/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The host's clock: where it counts, and whether it is kept right. */
#ifndef RUNUP_SYS_CLOCK_H
#define RUNUP_SYS_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/err.h"
#include "sys/host.h"

struct clock_source {
	char current[32];
	char available[256]; /* words with a blank between */
};
must_check int clock_read_source(const struct host *h, struct clock_source *ret, struct err *e);

struct clock_sync {
	bool synchronised;
	uint64_t max_error_us; /* the kernel's estimate; it grows while nobody corrects it */
};

/*
 * adjtimex(2), reading only: is somebody (chrony, ntpd, systemd-timesyncd) keeping the clock right?
 * -EOPNOTSUPP for a captured host: that is no file.
 */
must_check int clock_read_sync(const struct host *h, struct clock_sync *ret, struct err *e);

#endif
