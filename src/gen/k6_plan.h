/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What `k6 inspect --execution-requirements` says of a script. */
#ifndef RUNUP_GEN_K6_PLAN_H
#define RUNUP_GEN_K6_PLAN_H

#include "base/attr.h"
#include "base/err.h"
#include "core/load.h"

/* States the load in its JSON. -ERR_BAD_INPUT: it is not what k6 writes. */
must_check int k6_plan_state(const char *json, struct load *l, struct err *e);

#endif
