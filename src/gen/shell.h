/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The simplest of shell command lines: words, quotes, a pipeline. */
#ifndef RUNUP_GEN_SHELL_H
#define RUNUP_GEN_SHELL_H

#include <stddef.h>

#include "base/arena.h"
#include "base/attr.h"

struct shell_part {
	char **argv; /* NULL-terminated; may be empty */
	size_t argc;
};

struct shell_line {
	struct shell_part *part; /* of the pipeline, in order */
	size_t parts;
};

/*
 * Splits as sh(1) does, redirections left out; all in the arena. NULL, or what it is in the line
 * that cannot be told without running it: "a variable". ret is then untouched.
 */
const char *shell_split(const char *line, struct arena *a, struct shell_line *ret) must_check;

#endif
