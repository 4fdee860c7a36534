/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <string.h>

#include "base/table.h"
#include "cli/cmd.h"
#include "cli/output.h"
#include "core/cause.h"
#include "core/check.h"
#include "core/sysctl_key.h"
#include "report/text.h"

static void explain_check(const struct check *c, const struct text_style *style, struct strbuf *out)
{
	text_colored(c->id, TEXT_BOLD, style, out);
	strbuf_addf(out, ": %s\n\n", c->title);
	text_wrapped(c->why, 0, out);
	for (const char *const *id = c->predicts; id && *id; id++)
		strbuf_addf(out, "\npredicts %s", *id);
	if (c->predicts)
		strbuf_add(out, "\n");
}

static void explain_cause(const struct cause *c, const struct text_style *style, struct strbuf *out)
{
	struct strbuf fix = {0};

	text_colored(c->id, TEXT_BOLD, style, out);
	strbuf_addf(out, " (%s): %s\n\n", cause_kind_name(c->kind), c->title);
	text_wrapped(c->why, 0, out);
	strbuf_addf(&fix, "fix: %s", c->fix);
	strbuf_add(out, "\n");
	text_wrapped(strbuf_get(&fix), 0, out);
	strbuf_done(&fix);
	for (size_t i = 0; i < ARRAY_LEN(c->counters) && c->counters[i]; i++)
		strbuf_addf(out, "%s%s", i ? ", " : "\ncounted by ", c->counters[i]);
	for (size_t i = 0; i < ARRAY_LEN(c->reasons) && c->reasons[i]; i++)
		strbuf_addf(out, "%s%s", i ? ", " : "\nplaced by drop reason ", c->reasons[i]);
	strbuf_add(out, "\n");
}

static void list_all(const struct text_style *style, struct strbuf *out)
{
	struct table t = {.columns = 2};

	text_colored("checks", TEXT_BOLD, style, out);
	strbuf_add(out, "\n");
	for (size_t i = 0; i < checks_len; i++) {
		table_add(&t, checks[i]->id);
		table_add(&t, checks[i]->title);
	}
	table_format(&t, 2, out);
	table_done(&t);
	text_colored("\ncauses", TEXT_BOLD, style, out);
	strbuf_add(out, "\n");
	t = (struct table){.columns = 2};
	for (size_t i = 0; i < causes_len; i++) {
		table_add(&t, causes[i].id);
		table_add(&t, causes[i].title);
	}
	table_format(&t, 2, out);
	table_done(&t);
	strbuf_add(out, "\nA sysctl's name is explained, too: runup explain net.core.somaxconn\n");
}

static int run(const struct app *app, const struct input *in, struct err *e)
{
	struct text_style style = output_style(app);
	struct strbuf out = {0};
	const char *id = in->operands[0];

	if (!in->operands_len) {
		list_all(&style, &out);
		output_text(&out);
		return EXIT_CLEAN;
	}

	/* "observe.CAUSE" is the cause, seen by a check. */
	const struct cause *cause =
		cause_find(strncmp(id, "observe.", 8) == 0 ? id + strlen("observe.") : id);
	const struct check *check = check_id_valid(id) ? check_find(id) : NULL;
	const struct sysctl_key *key = sysctl_key_find(id);

	if (cause)
		explain_cause(cause, &style, &out);
	else if (check)
		explain_check(check, &style, &out);
	else if (key && key->why)
		strbuf_addf(&out, "%s (%s): %s\n", key->key, scope_name(key->scope), key->why);
	else
		return err_set(e, ERR_BAD_INPUT,
			       "nothing to explain about '%s' (runup explain lists what there is)",
			       id);
	output_text(&out);
	return EXIT_CLEAN;
}

const struct cmd cmd_explain = {
	.name = "explain",
	.args = "[ID]",
	.summary = "what a check, a cause or a sysctl is about (bare: list them)",
	.reads_only = true,
	.operands_max = 1,
	.run = run,
};
