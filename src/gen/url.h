/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where a URL leads, as a target of the load. */
#ifndef RUNUP_GEN_URL_H
#define RUNUP_GEN_URL_H

#include <stdbool.h>

#include "base/attr.h"
#include "core/load.h"

/*
 * Adds host and port of [scheme://][user:password@]host[:port][/…] to the targets, once. The port
 * that is not said is the scheme's; without a scheme (allowed only if bare) it is http's. The URL
 * ends at a blank. -EINVAL: no URL, or of a scheme that has no port here.
 */
must_check int url_add_target(struct load *l, const char *url, bool bare);

#endif
