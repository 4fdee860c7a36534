/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `apply --as`: a profile printed for other hosts instead of applied to this one. */
#ifndef RUNUP_CLI_APPLY_AS_H
#define RUNUP_CLI_APPLY_AS_H

#include "base/attr.h"
#include "base/err.h"
#include "cli/session.h"
#include "report/export.h"

/* The format that --as names. -ERR_BAD_INPUT: none of that name; the message lists them. */
must_check int apply_as_find(const char *name, const struct export_format **ret, struct err *e);

/* Prints the session's profile, resolved already. */
void apply_as_print(const struct app *app, const struct session *s,
		    const struct export_format *format);

#endif
