/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Is what was seen the load's, or somebody else's on the same host? */
#ifndef RUNUP_CORE_TOUCH_H
#define RUNUP_CORE_TOUCH_H

#include <stdbool.h>

#include "base/ranges.h"
#include "core/load.h"
#include "core/observation.h"

/* How the load's own ports are known. Everything is borrowed. */
struct ownership {
	const struct load *load;
	const struct ranges *pid_ports; /* where the load's process listens; NULL: none stated */
	const char *pid_ports_unknown;	/* why that could not be told; NULL: it could */
};

enum touch { TOUCH_NO, TOUCH_MAYBE, TOUCH_YES };

/*
 * Alerts that belong to a port touch the load if it states that port, targets it, or its process
 * listens there; with no port, target or process stated every one does. Those of a table that all
 * share touch it always. What belongs to some port that nobody saw may be the load's.
 */
enum touch alert_touches(const struct ownership *o, const struct alert *a);

/* Does the load say which ports are its own? */
bool load_states_ports(const struct load *l);

#endif
