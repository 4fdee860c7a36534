/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Units, and how numbers are shown to people. */
#ifndef RUNUP_BASE_UNITS_H
#define RUNUP_BASE_UNITS_H

#include <stddef.h>
#include <stdint.h>

#define NS_PER_US UINT64_C(1000)
#define NS_PER_MS UINT64_C(1000000)
#define NS_PER_S UINT64_C(1000000000)

/* Longest text units_count() and units_duration() write, with the NUL. */
#define UNITS_MAX 32

/* 28232 as "28 232" (thin grouping by a plain blank, as in the README); returns buf. */
const char *units_count(uint64_t n, char buf[UNITS_MAX]);

/* 90000000000 as "1m30s"; returns buf. */
const char *units_duration(uint64_t ns, char buf[UNITS_MAX]);

/* CLOCK_MONOTONIC, CLOCK_BOOTTIME (goes on while suspended) and CLOCK_REALTIME in nanoseconds. */
uint64_t now_monotonic_ns(void);
uint64_t now_boottime_ns(void);
uint64_t now_realtime_ns(void);

/* "2026-11-20T17:03:22.104Z": RFC 3339, UTC, milliseconds; returns buf. */
#define RFC3339_MAX 32
const char *format_rfc3339(uint64_t realtime_ns, char buf[RFC3339_MAX]);

#endif
