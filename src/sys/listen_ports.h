/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where a process listens. */
#ifndef RUNUP_SYS_LISTEN_PORTS_H
#define RUNUP_SYS_LISTEN_PORTS_H

#include <sys/types.h>

#include "base/attr.h"
#include "base/err.h"
#include "base/ranges.h"
#include "sys/host.h"

/*
 * Adds the ports of all TCP listeners that pid has open, its own or inherited (a server's workers
 * hold the listener their master made). -ESRCH: no such process; -EACCES: it may not be looked
 * into.
 */
must_check int listen_ports_of(const struct host *h, pid_t pid, struct ranges *ret, struct err *e);

#endif
