/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who may have changed what has drifted. */
#ifndef RUNUP_CLI_DRIFT_ORIGIN_H
#define RUNUP_CLI_DRIFT_ORIGIN_H

#include <stdbool.h>

#include "core/change.h"
#include "core/sysctl_origin.h"
#include "sys/host.h"

/* Zero-initialise; drift_origin_done() releases. */
struct drift_origin {
	struct sysctl_config configured; /* read once, when something has drifted */
	bool read;
};

/*
 * Adds to the `why` of each drifted sysctl the file and line that sets just the value that was
 * found. Nobody records who wrote it, but that tells.
 */
void drift_name_origins(struct drift_origin *d, const struct host *h, struct changes *cs);

void drift_origin_done(struct drift_origin *d);

#endif
