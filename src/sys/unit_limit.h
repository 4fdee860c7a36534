/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The limits that systemd gives a unit's processes when it starts them. */
#ifndef RUNUP_SYS_UNIT_LIMIT_H
#define RUNUP_SYS_UNIT_LIMIT_H

#include "base/attr.h"
#include "base/err.h"
#include "sys/host.h"
#include "sys/proc.h"
#include "sys/rlimit.h"

/*
 * Can it be done here? -ENOENT: systemd does not run, or has no such unit; -EEXIST: our drop-in's
 * name is taken by somebody else's; -EACCES: it takes root.
 */
must_check int unit_limit_permitted(const struct host *h, const char *unit,
				    const struct rlimit_key *k, struct err *e);

/*
 * What our drop-in says where there is one, whether or not systemd has read it yet, so that a
 * killed write is seen; else what systemd has in force for the unit. -ENOENT: as above.
 */
must_check int unit_limit_read(const struct host *h, const char *unit, const struct rlimit_key *k,
			       struct proc_limit *ret, struct err *e);

/*
 * Writes our drop-in and has systemd read it; for the limit that was there without it, removes it
 * instead. 0 only if systemd then has that limit in force: if another file overrides ours or the
 * reload fails, all is as before.
 */
must_check int unit_limit_write(const struct host *h, const char *unit, const struct rlimit_key *k,
				const struct proc_limit *l, struct err *e);

#endif
