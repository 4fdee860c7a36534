/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Kernel addresses to function names. */
#ifndef RUNUP_SYS_KALLSYMS_H
#define RUNUP_SYS_KALLSYMS_H

#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/attr.h"
#include "base/err.h"
#include "sys/host.h"

/*
 * A descriptor of /proc/kallsyms, or -errno. The kernel decides when it is opened whether it shows
 * addresses (kallsyms_open(), kernel/kallsyms.c, 5.15 to 6.18), so what is opened with CAP_SYSLOG
 * shows them after that was given up, and modules that are loaded later too.
 */
must_check int kallsyms_open(const struct host *h, struct err *e);

/*
 * Puts into name[i] the function that addr[i] lies in, NULL where there is none; names live in the
 * arena. Reads all of /proc/kallsyms (40 ms for 120 000 symbols), so ask once for many. -EACCES:
 * addresses are hidden (kernel.kptr_restrict).
 */
must_check int kallsyms_names(int fd, const uint64_t *addr, size_t len, struct arena *a,
			      const char **name, struct err *e);

#endif
