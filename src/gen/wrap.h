/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The programs that people put in front of a generator: sudo, taskset, timeout, docker run … */
#ifndef RUNUP_GEN_WRAP_H
#define RUNUP_GEN_WRAP_H

#include <stdbool.h>

#include "core/load.h"
#include "gen/gen.h"

enum wrap_result {
	WRAP_NONE,     /* argv[0] is no wrapper */
	WRAP_STRIPPED, /* c->argv moved to the command behind it */
	WRAP_SHELL,    /* *ret_script is a shell's command line */
	WRAP_OPAQUE,   /* what it runs cannot be told; said in the load's message */
};

/* Takes one wrapper off c->argv (of at least one word). Strings are made in the load's arena. */
enum wrap_result wrap_strip(struct gen_command *c, const char **ret_script, struct load *l);

/* docker, podman and nerdctl run. */
enum wrap_result wrap_container(struct gen_command *c, struct load *l);

/* Takes NAME=VALUE words off the front, into c->env. */
void wrap_assignments(struct gen_command *c, struct load *l);

#endif
