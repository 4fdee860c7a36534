/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "sys/clock.h"

#include <errno.h>
#include <string.h>
#include <sys/timex.h>

#include "sys/file.h"

#define SOURCE "/sys/devices/system/clocksource/clocksource0/"

int clock_read_source(const struct host *h, struct clock_source *ret, struct err *e)
{
	long n = file_read(h, SOURCE "current_clocksource", ret->current, sizeof(ret->current), e);

	if (n < 0)
		return (int)n;
	n = file_read(h, SOURCE "available_clocksource", ret->available, sizeof(ret->available), e);
	if (n < 0)
		return (int)n;
	while (n > 0 && ret->available[n - 1] == ' ')
		ret->available[--n] = '\0';
	return 0;
}

int clock_read_sync(const struct host *h, struct clock_sync *ret, struct err *e)
{
	struct timex t = {.modes = 0};

	if (h->captured)
		return err_set(e, EOPNOTSUPP, "a captured host has no clock");
	if (adjtimex(&t) < 0)
		return err_errno(e, errno, "ask the kernel about its clock");
	/* ntp_update_maxerror() sets STA_UNSYNC once nobody has corrected the clock for hours. */
	ret->synchronised = !(t.status & STA_UNSYNC);
	ret->max_error_us = t.maxerror > 0 ? (uint64_t)t.maxerror : 0;
	return 0;
}
