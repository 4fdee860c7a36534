/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <string.h>

#include "base/attr.h"
#include "cli/cmd.h"

#define X_POINTER(name) &cmd_##name,
const struct cmd *const cmds[] = {CMDS(X_POINTER)};
#undef X_POINTER
const size_t cmds_len = ARRAY_LEN(cmds);

const struct opt global_opts[] = {
	{"root", '\0', OPT_TEXT, "DIR", "read a captured host instead of this one",
	 offsetof(struct app, root)},
	{"netns", '\0', OPT_TEXT, "NAME|PID|PATH",
	 "look at and tune another network namespace (the command of run stays in this one)",
	 offsetof(struct app, netns)},
	{"color", '\0', OPT_CHOICE, "auto|always|never", "colors (auto: on a terminal)",
	 offsetof(struct app, color)},
	{"quiet", 'q', OPT_FLAG, NULL, "no text on success; the exit code tells",
	 offsetof(struct app, quiet)},
	{"verbose", 'v', OPT_FLAG, NULL, "show what passed, too, and what is being done",
	 offsetof(struct app, verbose)},
	{"version", 'V', OPT_FLAG, NULL, "print the version", offsetof(struct app, version)},
};
const size_t global_opts_len = ARRAY_LEN(global_opts);

const struct cmd *cmd_find(const char *name)
{
	for (size_t i = 0; i < cmds_len; i++)
		if (strcmp(cmds[i]->name, name) == 0)
			return cmds[i];
	return NULL;
}
