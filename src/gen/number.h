/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Numbers and durations as other programs read them. */
#ifndef RUNUP_GEN_NUMBER_H
#define RUNUP_GEN_NUMBER_H

#include <stdint.h>

#include "base/attr.h"

/* All return 0 or -EINVAL (also for what does not fit, or is negative); *ret is then untouched. */

/* atoi(3): blanks, a sign, digits, and whatever follows them; ab and siege. "x" is 0. */
must_check int number_atoi(const char *s, uint64_t *ret);

/* Go's strconv for an int in a flag: "+5", "0x10", "1_000" (flag.Int has base 0). */
must_check int number_go_int(const char *s, uint64_t *ret);

/* Go's time.ParseDuration: "1m30s", "1.5h", "300ms", "0"; the unit is required. */
must_check int number_go_duration(const char *s, uint64_t *ret_ns);

/* A number with or without a fraction or exponent, the whole string, not negative. */
must_check int number_real(const char *s, double *ret);

/* Seconds as nanoseconds; -EINVAL beyond a century. */
must_check int number_seconds(double seconds, uint64_t *ret_ns);

#endif
