/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/version.h"

#ifndef RUNUP_VERSION
#define RUNUP_VERSION "unknown"
#endif

const char runup_version[] = RUNUP_VERSION;
