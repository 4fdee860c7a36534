/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "base/cleanup.h"
#include "cli/changeset_out.h"
#include "cli/cmd.h"
#include "cli/drift_origin.h"
#include "cli/output.h"
#include "report/json.h"
#include "report/text.h"
#include "report/text_plan.h"
#include "tune/apply.h"
#include "tune/chain.h"

struct status_opts {
	int output;
};

static const struct opt opts[] = {
	{"output", 'o', OPT_CHOICE, "text|json", "how to print the changesets",
	 offsetof(struct status_opts, output)},
};

/* What is printed, gathered over the changesets. */
struct outcome {
	const struct app *app;
	const struct host *host;
	json_t *list;
	struct strbuf text;
	size_t shown;
	int exit_code;
	struct drift_origin origin;
};

static void judge(struct outcome *out, const struct changeset *cs, enum tenure_state ts)
{
	if (cs->state == CHANGESET_CLOSED)
		return; /* it is over, whatever was left */
	if (changes_count(&cs->changes, CHANGE_DRIFTED) ||
	    (cs->state == CHANGESET_UNFINISHED && ts != TENURE_WORKING) || ts == TENURE_RESTORING ||
	    ts == TENURE_LOST || ts == TENURE_UNWATCHED || ts == TENURE_OVER)
		raise_exit(&out->exit_code, EXIT_FINDINGS);
	if (cs->state == CHANGESET_UNREADABLE || changes_count(&cs->changes, CHANGE_UNKNOWN))
		raise_exit(&out->exit_code, EXIT_COULD_NOT);
	if (cs->bad_len)
		raise_exit(&out->exit_code, EXIT_COULD_NOT);
}

static void add_json(struct outcome *out, const struct changeset *cs, enum tenure_state ts)
{
	json_t *j = changeset_to_json(cs);
	const char *boot = proven(cs->boot_id);

	if (boot)
		boot = strcmp(boot, out->host->boot_id) == 0 ? "this" : "other";
	json_put_text(j, "user", proven(cs->user));
	json_put_text(j, "time", proven(cs->time));
	json_put_text(j, "command", proven(cs->command));
	json_put_text(j, "netns", proven(cs->netns));
	json_put_text(j, "boot", boot);
	json_put(j, "tenure", tenure_to_json(out->host, cs, ts));
	json_put(j, "changes", changes_to_json(&cs->changes));
	json_append(out->list, j);
}

static void add_text(struct outcome *out, const struct changeset *cs, enum tenure_state ts)
{
	struct text_style style = output_style(out->app);

	/* What is over is shown only to those who ask for all. */
	if (cs->state == CHANGESET_CLOSED && !out->app->verbose)
		return;
	out->shown++;
	text_colored(cs->id, TEXT_BOLD, &style, &out->text);
	strbuf_addf(&out->text, "  %s", changeset_state_name(cs->state));
	if (proven(cs->profile))
		strbuf_addf(&out->text, ", profile %s", cs->profile);
	if (proven(cs->user))
		strbuf_addf(&out->text, ", by %s", cs->user);
	if (proven(cs->time))
		strbuf_addf(&out->text, ", %s", cs->time);
	if (proven(cs->netns))
		strbuf_addf(&out->text, ", network namespace %s", cs->netns);
	else if (place_is_elsewhere(out->host, cs))
		strbuf_add(&out->text, ", in another network namespace");
	strbuf_add(&out->text, "\n");
	if (cs->state != CHANGESET_CLOSED)
		text_standing(&cs->changes, &style, &out->text);
	changeset_bad_lines(cs, &out->text);
	tenure_text(out->host, cs, ts, &out->text);
	if (cs->state == CHANGESET_UNFINISHED && (ts == TENURE_PLAIN || ts == TENURE_UNWATCHED))
		strbuf_addf(&out->text, "an apply was interrupted; undo it: runup rollback %s\n",
			    cs->id);
	strbuf_add(&out->text, "\n");
}

static int show_all(struct outcome *out, struct err *e)
{
	cleanup_free char(*ids)[CHANGESET_ID_MAX] = NULL;
	struct state_dir d;
	size_t len = 0;
	int r = state_dir_open(&d, false, NULL, e);

	if (r == -ENOENT)
		return 0; /* nothing was ever applied here */
	if (r < 0)
		return r;
	r = changeset_ids(&d, &ids, &len, e);
	for (size_t i = 0; r == 0 && i < len; i++) {
		struct changeset cs = {0};

		r = changeset_read(&d, ids[i], &cs, e);
		if (r == 0 && changeset_stands(&cs))
			r = changeset_compare(out->host, &cs, e);
		if (r == 0) {
			drift_name_origins(&out->origin, out->host, &cs.changes);
			enum tenure_state ts = tenure_state(out->host, &cs);

			judge(out, &cs, ts);
			add_json(out, &cs, ts);
			add_text(out, &cs, ts);
		}
		changeset_done(&cs);
	}
	state_dir_close(&d);
	return r;
}

static int run(const struct app *app, const struct input *in, struct err *e)
{
	const struct status_opts *o = in->opts;
	struct host h;
	struct outcome out = {.app = app, .host = &h, .list = json_new_array()};
	int r = host_open(&h, NULL, app->netns, e);

	if (r == 0)
		r = show_all(&out, e);
	host_close(&h);
	if (r == 0 && o->output == OUTPUT_JSON) {
		json_t *j = json_new_object();

		json_put_text(j, "schema", "runup/status/1");
		json_put(j, "changesets", json_incref(out.list));
		output_json(j);
	} else if (r == 0 && !(app->quiet && out.exit_code == EXIT_CLEAN)) {
		if (!out.shown)
			strbuf_add(&out.text, "nothing is applied: no open changeset\n");
		output_text(&out.text);
	}
	strbuf_done(&out.text);
	drift_origin_done(&out.origin);
	json_decref(out.list);
	return r < 0 ? r : out.exit_code;
}

const struct cmd cmd_status = {
	.name = "status",
	.args = "",
	.summary = "what is applied on this host, what drifted, what a crash left open",
	.details =
		"Tells a run in progress from one that was killed, and how long an `apply --for` has "
		"to go. Exit code 1: a setting drifted, an apply or a run was interrupted, a --for "
		"is past its time or has lost its guardian. With -v, changesets that were rolled "
		"back, too.",
	.opts = opts,
	.opts_len = ARRAY_LEN(opts),
	.opts_size = sizeof(struct status_opts),
	.run = run,
};
