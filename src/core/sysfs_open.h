/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From a row of the table of sysfs files to the sysfs it is read and written in. */
#ifndef RUNUP_CORE_SYSFS_OPEN_H
#define RUNUP_CORE_SYSFS_OPEN_H

#include <string.h>

#include "base/attr.h"
#include "base/err.h"
#include "core/sysfs_key.h"
#include "sys/host.h"
#include "sys/sysfs.h"

/* The path as src/sys/sysfs takes it, of one that begins with "/sys". */
static inline const char *sysfs_beneath(const char *path)
{
	path += strlen("/sys");
	return *path == '/' ? path + 1 : path;
}

/* The network namespace's sysfs, or the host's, as the row says. */
must_check int sysfs_open_for(struct sysfs *s, const struct host *h, const struct sysfs_key *k,
			      struct err *e);

#endif
