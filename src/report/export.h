/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A profile written down for other hosts: what `apply --as` prints.
 *
 * All that the profile wants is written, sized for the load, whatever the host at hand has: the
 * text is carried to hosts whose values nobody knows here. What a format has no form for is listed
 * in its comments with how to do it, never dropped.
 */
#ifndef RUNUP_REPORT_EXPORT_H
#define RUNUP_REPORT_EXPORT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/strbuf.h"
#include "core/profile.h"

/* Everything is borrowed. */
struct export
{
	const char *profile; /* as it was asked for: a name or a path */
	const char *summary; /* NULL: none */
	const char *command; /* the command line that made it, secrets taken out */
	const char *version;
	const struct want *const *want; /* resolved, in the order of writing */
	/* By want: the present value of a sysctl of this host; NULL: no sysctl, or it cannot be
	 * read. For a format that can only set: it never lowers what this host has. */
	const char *const *now;
	size_t len;
};

struct export_format {
	const char *name; /* what --as takes */
	void (*write)(const struct export *x, struct strbuf *out);
};

/* One file export_NAME.c each, one row in export_formats[]. */
extern const struct export_format export_sysctl_d, export_shell, export_ansible, export_kubernetes;

/* The format of a name, or NULL. */
const struct export_format *export_find(const char *name);

/* "sysctl.d, shell, …", for messages. */
void export_names(struct strbuf *out);

#endif
