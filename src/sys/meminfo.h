/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Memory of the whole host. */
#ifndef RUNUP_SYS_MEMINFO_H
#define RUNUP_SYS_MEMINFO_H

#include <stdint.h>

#include "base/attr.h"
#include "base/err.h"
#include "sys/host.h"

struct meminfo {
	uint64_t total_kib;
	uint64_t available_kib; /* what can be had without swapping (si_mem_available()) */
	uint64_t swap_total_kib, swap_free_kib;
};

/* /proc/meminfo; -EPROTO: one of them is not there. */
must_check int meminfo_read(const struct host *h, struct meminfo *ret, struct err *e);

#endif
