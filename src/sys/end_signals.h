/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Being asked to end, for what runs in a loop until then. */
#ifndef RUNUP_SYS_END_SIGNALS_H
#define RUNUP_SYS_END_SIGNALS_H

#include <stdbool.h>

#include "base/attr.h"
#include "base/err.h"

/*
 * INT, TERM and HUP are blocked from here on and make *ret_fd (signalfd(2), not blocking, the
 * caller's to close) readable; those that were ignored (nohup, a shell's background job) stay so.
 * PIPE is ignored: writing to a reader that left fails instead. Not undone.
 */
must_check int end_signals_take(int *ret_fd, struct err *e);

/* Has one arrived? Takes it off. */
bool end_signals_arrived(int fd);

#endif
