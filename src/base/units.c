/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/units.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/attr.h"

const char *units_count(uint64_t n, char buf[UNITS_MAX])
{
	char plain[24];
	int len = snprintf(plain, sizeof(plain), "%" PRIu64, n);
	char *out = buf;

	for (int i = 0; i < len; i++) {
		if (i && (len - i) % 3 == 0)
			*out++ = ' ';
		*out++ = plain[i];
	}
	*out = '\0';
	return buf;
}

const char *units_duration(uint64_t ns, char buf[UNITS_MAX])
{
	static const struct {
		uint64_t ns;
		const char *unit;
	} parts[] = {
		{3600 * NS_PER_S, "h"}, {60 * NS_PER_S, "m"}, {NS_PER_S, "s"},
		{NS_PER_MS, "ms"},	{NS_PER_US, "us"},    {1, "ns"},
	};
	size_t len = 0;
	int shown = 0;

	/* Two parts say enough: nobody needs the milliseconds of an hour. */
	for (size_t i = 0; i < ARRAY_LEN(parts) && shown < 2; i++) {
		if (ns < parts[i].ns)
			continue;
		len += (size_t)snprintf(buf + len, UNITS_MAX - len, "%" PRIu64 "%s",
					ns / parts[i].ns, parts[i].unit);
		ns %= parts[i].ns;
		shown++;
	}
	if (!shown)
		strcpy(buf, "0s");
	return buf;
}

static uint64_t clock_ns(clockid_t id)
{
	struct timespec ts;

	clock_gettime(id, &ts);
	return (uint64_t)ts.tv_sec * NS_PER_S + (uint64_t)ts.tv_nsec;
}

uint64_t now_monotonic_ns(void)
{
	return clock_ns(CLOCK_MONOTONIC);
}

uint64_t now_boottime_ns(void)
{
	return clock_ns(CLOCK_BOOTTIME);
}

uint64_t now_realtime_ns(void)
{
	return clock_ns(CLOCK_REALTIME);
}

const char *format_rfc3339(uint64_t realtime_ns, char buf[RFC3339_MAX])
{
	time_t s = (time_t)(realtime_ns / NS_PER_S);
	struct tm tm;

	gmtime_r(&s, &tm);
	size_t n = strftime(buf, RFC3339_MAX, "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(buf + n, RFC3339_MAX - n, ".%03uZ",
		 (unsigned)(realtime_ns % NS_PER_S / NS_PER_MS));
	return buf;
}
