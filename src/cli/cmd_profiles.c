/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stddef.h>

#include "base/table.h"
#include "cli/cmd.h"
#include "cli/output.h"
#include "core/profile.h"
#include "report/json.h"
#include "report/text.h"

struct profiles_opts {
	int output;
};

static const struct opt opts[] = {
	{"output", 'o', OPT_CHOICE, "text|json", "how to print the profiles",
	 offsetof(struct profiles_opts, output)},
};

struct listing {
	struct table table;
	json_t *list;
};

static json_t *profile_to_json(const char *name, const char *path, const struct profile *p,
			       const struct err *error)
{
	json_t *j = json_new_object();

	json_put_text(j, "name", name);
	json_put_text(j, "path", path);
	json_put_text(j, "summary", p->summary);
	json_put_text(j, "error", error ? error->msg : NULL);
	return j;
}

static void add_profile(const char *name, const char *path, void *data)
{
	struct listing *l = data;
	struct profile p = {0};
	struct err e;
	int r = profile_load(&p, name, &e);

	table_add(&l->table, name);
	table_add(&l->table, r < 0 ? e.msg : p.summary ? p.summary : "");
	json_append(l->list, profile_to_json(name, path, &p, r < 0 ? &e : NULL));
	profile_done(&p);
}

static void list_all(int output)
{
	struct listing l = {.table = {.columns = 2}, .list = json_new_array()};
	struct strbuf out = {0};

	profile_list(add_profile, &l);
	if (output == OUTPUT_JSON) {
		json_t *j = json_new_object();

		json_put_text(j, "schema", "runup/profiles/1");
		json_put(j, "profiles", json_incref(l.list));
		output_json(j);
	} else {
		table_format(&l.table, 0, &out);
		output_text(&out);
	}
	json_decref(l.list);
	table_done(&l.table);
}

static const char *severity_name(enum finding_status s)
{
	return s == FINDING_NA ? "ignore" : finding_status_name(s);
}

static json_t *settings_to_json(const struct profile *p)
{
	json_t *list = json_new_array();

	for (size_t i = 0; i < p->wants_len; i++) {
		const struct want *w = &p->wants[i];
		struct strbuf want = {0};
		json_t *j = json_new_object();

		strbuf_addf(&want, "%s%s%s", op_name(w->op), w->op == OP_EXACT ? "" : " ",
			    w->is_auto ? "auto" : w->value);
		json_put_text(j, "kind", w->kind);
		json_put_text(j, "key", w->key);
		json_put_text(j, "want", strbuf_get(&want));
		json_put_bool(j, "optional", w->optional);
		json_put_text(j, "file", w->file);
		json_put_int(j, "line", w->line);
		json_append(list, j);
		strbuf_done(&want);
	}
	return list;
}

static json_t *rules_to_json(const struct profile *p)
{
	json_t *list = json_new_array();

	for (size_t i = 0; i < p->rules_len; i++) {
		const struct check_rule *rule = &p->rules[i];
		json_t *j = json_new_object();

		json_put_text(j, "id", rule->id);
		json_put_text(j, "severity", severity_name(rule->severity));
		json_put(j, "above_percent",
			 rule->above_percent < 0 ? json_null() : json_integer(rule->above_percent));
		json_append(list, j);
	}
	return list;
}

static void print_one_json(const struct profile *p)
{
	json_t *j = json_new_object(), *list = json_new_array();
	json_t *one = profile_to_json(p->name, p->path, p, NULL);

	json_put(one, "load", load_to_json(&p->load));
	json_put(one, "settings", settings_to_json(p));
	json_put(one, "checks", rules_to_json(p));
	json_append(list, one);
	json_put_text(j, "schema", "runup/profiles/1");
	json_put(j, "profiles", list);
	output_json(j);
}

static void print_one_text(const struct app *app, const struct profile *p)
{
	struct text_style style = output_style(app);
	struct strbuf out = {0};
	struct table t = {.columns = 3};

	text_colored(p->name, TEXT_BOLD, &style, &out);
	strbuf_addf(&out, ": %s\n(%s)\n\n", p->summary ? p->summary : "", p->path);
	for (size_t i = 0; i < p->wants_len; i++) {
		const struct want *w = &p->wants[i];

		table_addf(&t, "%s%s", w->optional ? "-" : "", w->key);
		table_addf(&t, "%s%s%s", op_name(w->op), w->op == OP_EXACT ? "" : " ",
			   w->is_auto ? "auto" : w->value);
		table_addf(&t, "(%s:%u)", w->file, w->line);
	}
	for (size_t i = 0; i < p->rules_len; i++) {
		const struct check_rule *rule = &p->rules[i];

		table_add(&t, rule->id);
		if (rule->above_percent < 0)
			table_add(&t, severity_name(rule->severity));
		else
			table_addf(&t, "%s above %d%%", severity_name(rule->severity),
				   rule->above_percent);
		table_addf(&t, "(%s:%u)", rule->file, rule->line);
	}
	table_format(&t, 0, &out);
	table_done(&t);
	output_text(&out);
}

static int run(const struct app *app, const struct input *in, struct err *e)
{
	const struct profiles_opts *o = in->opts;
	struct profile p = {0};

	if (!in->operands_len) {
		list_all(o->output);
		return EXIT_CLEAN;
	}
	int r = profile_load(&p, in->operands[0], e);

	if (r == 0 && o->output == OUTPUT_JSON)
		print_one_json(&p);
	else if (r == 0)
		print_one_text(app, &p);
	profile_done(&p);
	return r;
}

const struct cmd cmd_profiles = {
	.name = "profiles",
	.args = "[NAME]",
	.summary = "the profiles there are, or one of them line by line",
	.opts = opts,
	.opts_len = ARRAY_LEN(opts),
	.opts_size = sizeof(struct profiles_opts),
	.reads_only = true,
	.operands_max = 1,
	.run = run,
};
