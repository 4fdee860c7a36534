/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Masks of CPUs as sysfs spells them: "3", "f,00000000". */
#ifndef RUNUP_BASE_CPUMASK_H
#define RUNUP_BASE_CPUMASK_H

#include "base/attr.h"
#include "base/ranges.h"
#include "base/strbuf.h"

#define CPU_MASK_CPUS 65536 /* more than NR_CPUS of any architecture */

/*
 * Adds the CPUs of a mask: hex digits, most significant first. A comma ends a group of 32 CPUs, so
 * every group but the first has all its eight digits, as the kernel prints them ("%*pb",
 * lib/vsprintf.c); bitmap_parse() reads a shorter one as 32 CPUs too, which nobody means. -EPROTO:
 * it is no mask.
 */
must_check int cpu_mask_parse(const char *text, struct ranges *ret);

/*
 * The same back, without leading zeros: bitmap_parse() refuses digits beyond the last possible CPU
 * even if they are 0 (EOVERFLOW, Linux 6.18), and more than eight digits without a comma.
 */
void cpu_mask_format(const struct ranges *cpus, struct strbuf *out);

#endif
