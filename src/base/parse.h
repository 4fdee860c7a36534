/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Strict parsing: the whole string is the thing asked for, in range, or it is an error. */
#ifndef RUNUP_BASE_PARSE_H
#define RUNUP_BASE_PARSE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"

/* All return 0, or -EINVAL (not one) or -ERANGE (out of range); *ret is untouched on failure. */

/* Decimal digits only: no sign, no blanks, no 0x, no leading +. */
must_check int parse_u64(const char *s, uint64_t min, uint64_t max, uint64_t *ret);

/*
 * A number as the kernel's sysctl parser takes one (lib/kstrtox.c, base 0): decimal, 0x hex,
 * leading 0 octal, an optional minus. Used for comparing values field by field.
 */
must_check int parse_kernel_number(const char *s, int64_t *ret);

/* A plain count that people may write as 10000, 10k, 2M (decimal multiples). */
must_check int parse_count(const char *s, uint64_t min, uint64_t max, uint64_t *ret);

/* "250ms", "2s", "1m30s", "1h", "100us"; a unit is required. At most a year. */
must_check int parse_duration_ns(const char *s, uint64_t *ret_ns);

/* Splits at the first blank-separated word: copies it to word (cut to size) and returns what
 * follows it, or NULL when there is no further word. */
const char *parse_word(const char *s, char *word, unsigned size);

#endif
