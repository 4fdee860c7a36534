/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The resources of the capacity sums, and what `runup explain` says of each. */
#ifndef RUNUP_CORE_RESOURCE_H
#define RUNUP_CORE_RESOURCE_H

#include <stddef.h>

struct resource {
	const char *id; /* as in `capacity -o json` */
	const char *title;
	const char *why;   /* what takes it, and what happens when it is used up */
	const char *limit; /* where its limit is set */
	const char *check; /* the check that judges it; NULL: none alone */
};

extern const struct resource resources[];
extern const size_t resources_len;

const struct resource *resource_find(const char *id); /* NULL: no such id */

#endif
