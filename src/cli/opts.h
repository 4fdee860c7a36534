/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Command lines, parsed by the tables of options. */
#ifndef RUNUP_CLI_OPTS_H
#define RUNUP_CLI_OPTS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/attr.h"
#include "base/err.h"
#include "cli/cmd.h"
#include "core/load.h"

/* One table of options and the struct they are stored in. */
struct opt_set {
	const struct opt *opts;
	size_t len;
	void *store;
	struct load *load;    /* LOAD options go there; NULL: not taken */
	bool stop_at_operand; /* the global options end at the command's name */
	const struct opt_set
		*also; /* looked in next: global options may stand behind the command */
};

/*
 * Parses argv (NULL-terminated, without the program's name): --name VALUE, --name=VALUE, -x VALUE,
 * -xVALUE, "--" ends options. What is no option is left in operands (room for as many as argv has);
 * *rest is where parsing stopped: behind "--", or at the first operand with stop_at_operand.
 * *help is set by --help or -h. Lists are made in the arena. -ERR_BAD_INPUT names the option and,
 * where it looks like a typing slip, the nearest one.
 */
must_check int opts_parse(const struct opt_set *set, char **argv, struct arena *a, char **operands,
			  size_t *operands_len, char ***rest, bool *help, struct err *e);

#endif
