/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <pwd.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "cli/changing.h"
#include "cli/cmd.h"
#include "cli/output.h"
#include "cli/session.h"
#include "report/json.h"
#include "report/text.h"
#include "tune/apply.h"

struct apply_opts {
	bool dry_run;
	int output;
};

static const struct opt opts[] = {
	{"dry-run", 'n', OPT_FLAG, NULL, "say what would be written, and write nothing",
	 offsetof(struct apply_opts, dry_run)},
	{"output", 'o', OPT_CHOICE, "text|json", "how to print the changes",
	 offsetof(struct apply_opts, output)},
};

static json_t *to_json(const struct session *s, const struct changes *cs, const char *id,
		       bool dry_run, const struct err *failed)
{
	json_t *j = json_new_object();

	json_put_text(j, "schema", "runup/apply/1");
	json_put_text(j, "changeset", *id ? id : NULL);
	json_put_text(j, "profile", s->profile.name);
	json_put_bool(j, "dry_run", dry_run);
	json_put_text(j, "error", failed ? failed->msg : NULL);
	json_put(j, "host", host_to_json(&s->host));
	json_put(j, "changes", changes_to_json(cs));
	return j;
}

/* somaxconn counts when listen() is called; where no [listen] line acts, nothing else reminds. */
static bool raises_backlog(const struct changes *cs)
{
	bool raised = false;

	for (size_t i = 0; i < cs->len; i++) {
		if (strcmp(cs->item[i].kind, "listen") == 0)
			return false;
		raised |= cs->item[i].result == CHANGE_WRITTEN &&
			  strcmp(cs->item[i].key, "net.core.somaxconn") == 0;
	}
	return raised;
}

static void print_text(const struct app *app, const struct changes *cs, const char *id,
		       bool dry_run, bool failed)
{
	struct text_style style = output_style(app);
	struct strbuf out = {0};
	size_t planned = changes_count(cs, CHANGE_PLANNED);
	size_t written = changes_count(cs, CHANGE_WRITTEN);

	text_changes(cs, &style, &out);
	if (out.len)
		strbuf_add(&out, "\n");
	if (failed)
		strbuf_add(&out, *id ? "not applied: what was written has been put back\n"
				     : "not applied: nothing was written\n");
	else if (dry_run)
		strbuf_addf(&out, "%zu setting%s would be written; nothing was\n", planned,
			    planned == 1 ? "" : "s");
	else if (*id && written) {
		if (raises_backlog(cs))
			strbuf_add(
				&out,
				"a listener keeps the limit that it got: name it in [listen], or "
				"restart its server\n");
		strbuf_addf(&out,
			    "%zu setting%s written as changeset %s\nundo: runup rollback %s\n",
			    written, written == 1 ? "" : "s", id, id);
	} else if (!*id)
		strbuf_add(&out, "nothing to write: the host satisfies the profile\n");
	output_text(&out);
}

static int write_plan(const struct app *app, const struct session *s, struct changes *plan,
		      char id[CHANGESET_ID_MAX], struct err *e)
{
	struct state_dir d;
	int r = changing_open_state(&d, e);

	if (r < 0)
		return r;
	r = changing_apply(s, &d, app->argv, plan, id, e);
	state_dir_close(&d);
	return r;
}

static int apply(const struct app *app, const struct apply_opts *o, struct session *s,
		 struct err *e)
{
	struct changes plan = {0};
	char id[CHANGESET_ID_MAX] = "";
	int r = plan_changes(&s->host, &s->profile, o->dry_run, &plan, e);

	if (r < 0) {
		changes_done(&plan);
		return r;
	}
	if (!o->dry_run && changes_count(&plan, CHANGE_PLANNED))
		r = write_plan(app, s, &plan, id, e);
	/* After a failure the table says which setting it was and that the others were put back. */
	if (o->output == OUTPUT_JSON)
		output_json(to_json(s, &plan, id, o->dry_run, r < 0 ? e : NULL));
	else if (!app->quiet || r < 0)
		print_text(app, &plan, id, o->dry_run, r < 0);
	changes_done(&plan);
	return r;
}

static int run(const struct app *app, const struct input *in, struct err *e)
{
	const struct apply_opts *o = in->opts;
	struct session s = SESSION_INIT;

	if (!in->operands_len)
		return err_set(e, ERR_BAD_INPUT,
			       "apply needs a PROFILE (runup profiles lists them)");

	int r = session_open(&s, app, in->operands[0], &in->load, true, e);

	if (r == 0)
		r = apply(app, o, &s, e);
	session_done(&s);
	return r;
}

const struct cmd cmd_apply = {
	.name = "apply",
	.args = "PROFILE",
	.summary = "tune this host by a profile; every change is recorded first",
	.details =
		"What was there is in a journal on disk before the first write; `runup rollback` "
		"puts it back. Runtime values only: a reboot undoes them too. If one change "
		"fails, "
		"those before it are put back.",
	.opts = opts,
	.opts_len = ARRAY_LEN(opts),
	.opts_size = sizeof(struct apply_opts),
	.takes_load = true,
	.operands_max = 1,
	.run = run,
};
