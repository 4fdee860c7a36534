/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stddef.h>

#include "cli/cmd.h"

struct help_opts {
	bool tsv;
};

static const struct opt opts[] = {
	{"tsv", '\0', OPT_FLAG, NULL, "all commands, options and ids as tab-separated rows",
	 offsetof(struct help_opts, tsv)},
};

static int run(const struct app *app, const struct input *in, struct err *e)
{
	const struct help_opts *o = in->opts;

	(void)app;
	if (o->tsv) {
		help_tsv();
		return EXIT_CLEAN;
	}
	if (!in->operands_len) {
		help_program();
		return EXIT_CLEAN;
	}

	const struct cmd *c = cmd_find(in->operands[0]);

	if (!c)
		return err_set(e, ERR_BAD_INPUT, "no command '%s' (see runup --help)",
			       in->operands[0]);
	help_command(c);
	return EXIT_CLEAN;
}

const struct cmd cmd_help = {
	.name = "help",
	.args = "[COMMAND]",
	.summary = "this help, or that of one command",
	.opts = opts,
	.opts_len = ARRAY_LEN(opts),
	.opts_size = sizeof(struct help_opts),
	.reads_only = true,
	.operands_max = 1,
	.run = run,
};
