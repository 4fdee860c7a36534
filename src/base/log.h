/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Debug lines for `-v`, the only thing that code below cli/ may write to stderr. */
#ifndef RUNUP_BASE_LOG_H
#define RUNUP_BASE_LOG_H

#include <stdbool.h>

#include "base/attr.h"

/* Set once by main; the only mutable global of the program. */
void log_set_verbose(bool on);

/* "runup: debug: …" on stderr when verbose. */
void log_debug(const char *fmt, ...) printf_(1, 2);

#endif
