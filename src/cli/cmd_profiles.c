/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stddef.h>
#include <stdlib.h>

#include "base/path.h"
#include "base/table.h"
#include "cli/cmd.h"
#include "cli/output.h"
#include "cli/session.h"
#include "core/profile.h"
#include "report/json.h"
#include "report/profile_out.h"
#include "report/text.h"
#include "report/text_load.h"
#include "tune/apply.h"

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

/*
 * Each line is planned by itself, so that one that cannot be told (a module that is not loaded, a
 * value of the host in a namespace) does not hide the others.
 */
static struct profile_line *look(const struct session *s)
{
	const struct profile *p = &s->profile;
	struct profile_line *lines = calloc(p->wants_len + 1, sizeof(*lines));

	if (!lines)
		out_of_memory();
	for (size_t i = 0; i < p->wants_len; i++) {
		struct profile one = {.wants = &p->wants[i], .wants_len = 1};
		struct err e;

		lines[i].want = &p->wants[i];
		if (!p->wants[i].value)
			continue;
		if (plan_changes(&s->host, &one, true, &lines[i].changes, &e) < 0)
			lines[i].error = arena_strdup(&lines[i].changes.arena, e.msg);
	}
	return lines;
}

static void print_one_json(const struct session *s, const struct profile_line *lines)
{
	const struct profile *p = &s->profile;
	json_t *j = json_new_object(), *list = json_new_array(), *settings = json_new_array();
	json_t *one = profile_to_json(p->name, p->path, p, NULL);

	for (size_t i = 0; i < p->wants_len; i++)
		json_append(settings, profile_line_to_json(&lines[i]));
	json_put(one, "load", load_to_json(&p->load));
	json_put(one, "settings", settings);
	json_put(one, "checks", rules_to_json(p));
	json_append(list, one);
	json_put_text(j, "schema", "runup/profiles/1");
	json_put(j, "profiles", list);
	json_put(j, "host", host_to_json(&s->host));
	json_put(j, "resolved_for", load_to_json(&s->load));
	output_json(j);
}

static void add_rules(const struct profile *p, struct strbuf *out)
{
	struct table t = {.columns = 3};

	for (size_t i = 0; i < p->rules_len; i++) {
		const struct check_rule *rule = &p->rules[i];

		table_add(&t, rule->id);
		if (rule->above_percent < 0)
			table_add(&t, severity_name(rule->severity));
		else
			table_addf(&t, "%s above %d%%", severity_name(rule->severity),
				   rule->above_percent);
		table_addf(&t, "(%s:%u)", path_basename(rule->file), rule->line);
	}
	if (t.cells)
		strbuf_add(out, "\n");
	table_format(&t, 0, out);
	table_done(&t);
}

static void print_one_text(const struct app *app, const struct session *s,
			   const struct profile_line *lines)
{
	struct text_style style = output_style(app);
	const struct profile *p = &s->profile;
	struct strbuf out = {0};

	text_colored(p->name, TEXT_BOLD, &style, &out);
	strbuf_addf(&out, ": %s\n(%s)\n\n", p->summary ? p->summary : "", p->path);
	text_load(&s->load, &out);
	for (size_t i = 0; i < p->wants_len; i++)
		text_profile_line(&lines[i], &style, &out);
	add_rules(p, &out);
	output_text(&out);
}

static void print_one(const struct app *app, const struct session *s, int output)
{
	struct profile_line *lines = look(s);

	if (output == OUTPUT_JSON)
		print_one_json(s, lines);
	else
		print_one_text(app, s, lines);
	for (size_t i = 0; i < s->profile.wants_len; i++)
		changes_done(&lines[i].changes);
	free(lines);
}

static int run(const struct app *app, const struct input *in, struct err *e)
{
	const struct profiles_opts *o = in->opts;
	struct session s = SESSION_INIT;

	if (!in->operands_len) {
		if (in->load.stated || in->command)
			return err_set(e, ERR_BAD_INPUT,
				       "a load is stated, but no profile to size by it: runup "
				       "profiles NAME");
		list_all(o->output);
		return EXIT_CLEAN;
	}
	s.command = in->command;
	int r = session_open(&s, app, in->operands[0], &in->load, false, e);

	if (r == 0)
		print_one(app, &s, o->output);
	session_done(&s);
	return r;
}

const struct cmd cmd_profiles = {
	.name = "profiles",
	.args = "[NAME]",
	.summary = "the profiles there are, or one of them line by line",
	.details =
		"With NAME: what each line wants, what `auto` comes to for the load, what this "
		"host has, whether apply would change it, and why it is there. Reads only; a line "
		"that cannot be told says so. CMD is a load generator's command line that says the "
		"load; it is not started.",
	.opts = opts,
	.opts_len = ARRAY_LEN(opts),
	.opts_size = sizeof(struct profiles_opts),
	.takes_load = true,
	.takes_command = true,
	.reads_only = true,
	.operands_max = 1,
	.run = run,
};
