/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Kernel modules: is the code there already, so that asking for it loads nothing? */
#ifndef RUNUP_SYS_MODULES_H
#define RUNUP_SYS_MODULES_H

#include <stdbool.h>

#include "sys/host.h"

/* /proc/modules; NULL: this kernel has no modules, or hides them. The caller's to free. */
char *modules_read(const struct host *h);

/* Is it in that list? What is built in never is. */
bool modules_list(const char *modules, const char *name);

enum module_state {
	MODULE_HERE,	/* loaded, built in, or a kernel without modules */
	MODULE_ABSENT,	/* neither loaded nor built in */
	MODULE_UNKNOWN, /* not loaded; whether it is built in cannot be told here */
};

/*
 * name: as the file is called, with underscores. What is built in is told by
 * /lib/modules/RELEASE/modules.builtin (kbuild), which containers seldom have.
 */
enum module_state module_state(const struct host *h, const char *name);

#endif
