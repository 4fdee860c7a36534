/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What planning and applying share. */
#ifndef RUNUP_TUNE_PLAN_H
#define RUNUP_TUNE_PLAN_H

#include <stdbool.h>

#include "base/attr.h"
#include "base/err.h"
#include "core/change.h"
#include "sys/host.h"
#include "tune/knob.h"

/*
 * Reads the value and works out before, write, expect and whether there is anything to write:
 * CHANGE_SATISFIED or CHANGE_PLANNED. kind, key, op and want are given.
 */
must_check int plan_value(const struct host *h, const struct knob *k, struct changes *cs,
			  struct change *c, struct err *e);

/* Is the wish fulfilled by this value, the kernel's rounding taken into account? */
bool plan_satisfied(const struct change *c, const char *value);

#endif
