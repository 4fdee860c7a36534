/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Help, generated from the tables that dispatch and parse, so that it cannot drift from them. */
#include <stdio.h>
#include <string.h>

#include "base/table.h"
#include "cli/cmd.h"
#include "report/text.h"
#include "core/cause.h"
#include "core/check.h"
#include "core/resource.h"

/* Prints rows of two columns, the second wrapped under itself. */
static void print_rows(const struct table *t)
{
	size_t width = 0;

	for (size_t i = 0; i < t->cells; i += 2)
		if (strlen(t->cell[i]) > width)
			width = strlen(t->cell[i]);
	for (size_t i = 0; i + 1 < t->cells; i += 2) {
		struct strbuf text = {0};
		unsigned indent = (unsigned)width + 4;

		text_wrapped(t->cell[i + 1], indent, &text);
		printf("  %-*s  %s", (int)width, t->cell[i], strbuf_get(&text) + indent);
		strbuf_done(&text);
	}
}

static void option_row(struct table *t, const struct opt *o)
{
	char letter[8] = "    ";

	if (o->letter)
		snprintf(letter, sizeof(letter), "-%c, ", o->letter);
	table_addf(t, "%s--%s%s%s", letter, o->name, o->metavar ? " " : "",
		   o->metavar ? o->metavar : "");
	table_add(t, o->help);
}

/* "new_connections" as an option is spelled: "new-connections". */
static const char *option_name(const char *key, char buf[64])
{
	snprintf(buf, 64, "%s", key);
	for (char *p = buf; *p; p++)
		if (*p == '_')
			*p = '-';
	return buf;
}

static void print_options(const struct opt *opts, size_t len)
{
	struct table t = {.columns = 2};

	for (size_t i = 0; i < len; i++)
		option_row(&t, &opts[i]);
	print_rows(&t);
	table_done(&t);
}

static void print_load_options(void)
{
	struct table t = {.columns = 2};
	char name[64];

	for (size_t i = 0; i < load_keys_len; i++) {
		const struct load_key *k = &load_keys[i];

		table_addf(&t, "    --%s%s%s", option_name(k->name, name), k->metavar ? " " : "",
			   k->metavar ? k->metavar : "");
		table_add(&t, k->help);
	}
	print_rows(&t);
	table_done(&t);
}

void help_program(void)
{
	struct table t = {.columns = 2};

	puts("usage: runup [OPTIONS] COMMAND ...\n\n"
	     "Gets a Linux host ready for a load test, proves that it stayed ready, and puts\n"
	     "it back afterwards.\n\ncommands:");
	for (size_t i = 0; i < cmds_len; i++) {
		table_add(&t, cmds[i]->name);
		table_add(&t, cmds[i]->summary);
	}
	print_rows(&t);
	table_done(&t);

	puts("\noptions, in front of the command or behind it:");
	print_options(global_opts, global_opts_len);
	puts("\n`runup COMMAND --help` tells more of one. Begin with `runup check`.\n\n"
	     "exit codes: 0 clean, 1 findings, 2 usage or profile error (nothing was done),\n"
	     "            3 could not tell or could not do; `runup run --help` has run's own");
}

void help_command(const struct cmd *c)
{
	printf("usage: runup [OPTIONS] %s%s%s%s%s%s\n\n%s\n", c->name,
	       c->opts_len ? " [options]" : "", c->takes_load ? " [LOAD]" : "", *c->args ? " " : "",
	       c->args, c->takes_command ? " -- CMD [ARGS...]" : "", c->summary);
	if (c->details) {
		struct strbuf text = {0};

		text_wrapped(c->details, 0, &text);
		printf("\n%s", strbuf_get(&text));
		strbuf_done(&text);
	}
	if (c->opts_len) {
		puts("\noptions:");
		print_options(c->opts, c->opts_len);
	}
	if (c->takes_load) {
		puts("\nLOAD, what the host is asked to carry:");
		print_load_options();
	}
}

static void tsv_option(const char *cmd, const struct opt *o)
{
	printf("option\t%s\t--%s\t%s\t%s\n", cmd, o->name, o->metavar ? o->metavar : "", o->help);
	if (o->letter)
		printf("option\t%s\t-%c\t%s\t%s\n", cmd, o->letter, o->metavar ? o->metavar : "",
		       o->help);
}

/* What --only, --skip and explain may name besides: a check's area is in front of its dot. */
static void tsv_ids(void)
{
	for (size_t i = 0; i < checks_len; i++) {
		const struct check *c = checks[i];

		printf("check\t%s\t%s\n", c->id, c->title);
		for (size_t m = 0; c->member && c->member(m); m++)
			printf("check\t%s\t%s\n", c->member(m)->id, c->member(m)->title);
	}
	for (size_t i = 0; i < causes_len; i++)
		printf("cause\t%s\t%s\n", causes[i].id, causes[i].title);
	for (size_t i = 0; i < resources_len; i++)
		printf("resource\t%s\t%s\n", resources[i].id, resources[i].title);
}

void help_tsv(void)
{
	char name[64];

	for (size_t i = 0; i < global_opts_len; i++)
		tsv_option("*", &global_opts[i]);
	for (size_t i = 0; i < cmds_len; i++) {
		const struct cmd *c = cmds[i];

		printf("command\t%s\t%s\t%s\n", c->name, c->args, c->summary);
		for (size_t j = 0; j < c->opts_len; j++)
			tsv_option(c->name, &c->opts[j]);
		for (size_t j = 0; c->takes_load && j < load_keys_len; j++)
			printf("option\t%s\t--%s\t%s\t%s\n", c->name,
			       option_name(load_keys[j].name, name),
			       load_keys[j].metavar ? load_keys[j].metavar : "", load_keys[j].help);
	}
	tsv_ids();
}
