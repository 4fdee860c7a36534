/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <string.h>

#include "base/table.h"
#include "cli/cmd.h"
#include "cli/output.h"
#include "core/cause.h"
#include "core/check.h"
#include "core/nic_key.h"
#include "core/resource.h"
#include "core/sysctl_key.h"
#include "core/sysfs_key.h"
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
	text_colored(c->id, TEXT_BOLD, style, out);
	strbuf_addf(out, " (%s): %s\n\n", cause_kind_name(c->kind), c->title);
	text_wrapped(c->why, 0, out);
	strbuf_add(out, "\n");
	text_labelled("fix", c->fix, out);
	for (size_t i = 0; i < ARRAY_LEN(c->counters) && c->counters[i]; i++)
		strbuf_addf(out, "%s%s", i ? ", " : "\ncounted by ", c->counters[i]);
	for (size_t i = 0; i < ARRAY_LEN(c->reasons) && c->reasons[i]; i++)
		strbuf_addf(out, "%s%s", i ? ", " : "\nplaced by drop reason ", c->reasons[i]);
	strbuf_add(out, "\n");
}

static void explain_member(const struct check_member *m, const struct text_style *style,
			   struct strbuf *out)
{
	text_colored(m->id, TEXT_BOLD, style, out);
	strbuf_addf(out, ": %s\n\n", m->title);
	text_wrapped(m->why, 0, out);
	strbuf_add(out, "\n");
	text_labelled("fix", m->fix, out);
}

static void explain_resource(const struct resource *r, const struct text_style *style,
			     struct strbuf *out)
{
	text_colored(r->id, TEXT_BOLD, style, out);
	strbuf_addf(out, ": %s\n\n", r->title);
	text_wrapped(r->why, 0, out);
	strbuf_add(out, "\n");
	text_labelled("limit", r->limit, out);
	text_labelled("check", r->check, out);
}

static void explain_key(const struct sysctl_key *k, const struct text_style *style,
			struct strbuf *out)
{
	text_colored(k->key, TEXT_BOLD, style, out);
	strbuf_add(out, "\n\n");
	text_wrapped(k->why, 0, out);
	strbuf_add(out, "\n");
	text_labelled("of", scope_name(k->scope), out);
	text_labelled("check", k->check, out);
}

static void explain_file(const struct sysfs_key *k, const struct text_style *style,
			 struct strbuf *out)
{
	text_colored(k->pattern, TEXT_BOLD, style, out);
	strbuf_add(out, "\n\n");
	text_wrapped(k->why, 0, out);
	strbuf_add(out, "\n");
	text_labelled("of", scope_name(k->of_netns ? SCOPE_NETNS : SCOPE_HOST), out);
	text_labelled("check", k->check, out);
	text_labelled("set by", "[sysfs] of a profile", out);
}

static void explain_nic(const struct nic_key *k, const struct text_style *style, struct strbuf *out)
{
	text_colored(k->name, TEXT_BOLD, style, out);
	strbuf_addf(out, ": %s of a network card\n\n", k->what);
	text_wrapped(k->why, 0, out);
	strbuf_add(out, "\n");
	text_labelled("check", k->check, out);
	text_labelled("set by", "[nic DEVICE] of a profile", out);
}

static void add_row(struct table *t, const char *id, const char *title)
{
	table_add(t, id);
	table_add(t, title);
}

/* The rows of the families that explain themselves. */
static void list_members(const struct text_style *style, struct strbuf *out)
{
	for (size_t i = 0; i < checks_len; i++) {
		const struct check *c = checks[i];
		struct table t = {.columns = 2};

		if (!c->member)
			continue;
		strbuf_add(out, "\n");
		text_colored(c->id, TEXT_BOLD, style, out);
		strbuf_add(out, "\n");
		for (size_t m = 0; c->member(m); m++)
			add_row(&t, c->member(m)->id, c->member(m)->title);
		table_format(&t, 2, out);
		table_done(&t);
	}
}

static void list_resources(const struct text_style *style, struct strbuf *out)
{
	struct table t = {.columns = 2};

	text_colored("\nresources of the capacity sums", TEXT_BOLD, style, out);
	strbuf_add(out, "\n");
	for (size_t i = 0; i < resources_len; i++)
		add_row(&t, resources[i].id, resources[i].title);
	table_format(&t, 2, out);
	table_done(&t);
}

static void list_all(const struct text_style *style, struct strbuf *out)
{
	struct table t = {.columns = 2};

	text_colored("checks", TEXT_BOLD, style, out);
	strbuf_add(out, "\n");
	for (size_t i = 0; i < checks_len; i++)
		add_row(&t, checks[i]->id, checks[i]->title);
	table_format(&t, 2, out);
	table_done(&t);
	list_members(style, out);
	text_colored("\ncauses", TEXT_BOLD, style, out);
	strbuf_add(out, "\n");
	t = (struct table){.columns = 2};
	for (size_t i = 0; i < causes_len; i++)
		add_row(&t, causes[i].id, causes[i].title);
	table_format(&t, 2, out);
	table_done(&t);
	list_resources(style, out);
	strbuf_add(out, "\nA sysctl's name is explained, too: runup explain net.core.somaxconn\n");
}

/* All that goes by that name: a check and what it predicts may have the same one. */
static void explain(const char *id, const struct text_style *style, struct strbuf *out)
{
	/* "observe.CAUSE" is the cause, seen by a check. */
	bool seen = strncmp(id, "observe.", 8) == 0;
	const struct cause *cause = cause_find(seen ? id + strlen("observe.") : id);
	const struct check *check = !seen && check_id_valid(id) ? check_find(id) : NULL;
	const struct check_member *member = check_member_find(id);
	const struct resource *resource = resource_find(id);
	const struct sysctl_key *key = sysctl_key_find(id);
	const struct sysfs_key *file = sysfs_key_find(id);
	const struct nic_key *nic = nic_key_named(id);

	if (member)
		explain_member(member, style, out);
	else if (check)
		explain_check(check, style, out);
	if (cause && out->len)
		strbuf_add(out, "\n");
	if (cause)
		explain_cause(cause, style, out);
	else if (resource)
		explain_resource(resource, style, out);
	else if (!out->len && key && key->why)
		explain_key(key, style, out);
	else if (!out->len && file)
		explain_file(file, style, out);
	else if (!out->len && nic)
		explain_nic(nic, style, out);
}

static int nothing_about(const char *id, struct err *e)
{
	struct nearest near = {.word = id};

	check_offer_ids(&near);
	for (size_t i = 0; i < causes_len; i++)
		nearest_offer(&near, causes[i].id);
	for (size_t i = 0; i < resources_len; i++)
		nearest_offer(&near, resources[i].id);
	/* An area has no text of its own. */
	if (nearest_found(&near) && !(check_selects(near.best) && !check_id_valid(near.best)))
		return err_set(e, ERR_BAD_INPUT, "nothing to explain about '%s': did you mean %s?",
			       id, near.best);
	return err_set(e, ERR_BAD_INPUT,
		       "nothing to explain about '%s' (runup explain lists what there is)", id);
}

static int run(const struct app *app, const struct input *in, struct err *e)
{
	struct text_style style = output_style(app);
	struct strbuf out = {0};

	if (!in->operands_len)
		list_all(&style, &out);
	else
		explain(in->operands[0], &style, &out);
	if (!out.len)
		return nothing_about(in->operands[0], e);
	output_text(&out);
	return EXIT_CLEAN;
}

const struct cmd cmd_explain = {
	.name = "explain",
	.args = "[ID]",
	.summary = "what a check, a cause, a resource or a sysctl is about (bare: list them)",
	.reads_only = true,
	.operands_max = 1,
	.run = run,
};
