/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/run.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "cli/changing.h"
#include "cli/version.h"
#include "report/json.h"
#include "report/record.h"
#include "report/summary.h"
#include "tune/apply.h"

struct text_style run_style(const struct app *app)
{
	const char *no_color = getenv("NO_COLOR");
	bool on = app->color == COLOR_ALWAYS ||
		  (app->color == COLOR_AUTO && isatty(STDERR_FILENO) && !(no_color && *no_color));

	return (struct text_style){.color = on, .verbose = app->verbose};
}

void run_complain(const struct err *e)
{
	fprintf(stderr, "runup: %s\n", e->msg);
}

/* What became of each change, into the list that apply began. */
static void take_results(struct changes *all, const struct changes *undone)
{
	for (size_t i = 0; i < undone->len; i++) {
		const struct change *u = &undone->item[i];

		for (size_t k = 0; k < all->len; k++) {
			struct change *c = &all->item[k];

			if (strcmp(c->kind, u->kind) != 0 || strcmp(c->key, u->key) != 0)
				continue;
			c->result = u->result;
			c->now = u->now ? arena_strdup(&all->arena, u->now) : NULL;
			c->why = u->why ? arena_strdup(&all->arena, u->why) : NULL;
		}
	}
}

/*
 * The run did not have the setting that its report says it had: it is another one now, or it was
 * put back (so there is nothing to restore) before runup did.
 */
static void name_drift(struct run *r, const struct changes *undone)
{
	for (size_t i = 0; i < undone->len; i++) {
		const struct change *c = &undone->item[i];

		if (c->result == CHANGE_DRIFTED || c->result == CHANGE_UNCHANGED)
			verdict_suspect(&r->verdict, "%s was changed by somebody while it ran",
					c->key);
	}
}

static void put_back(struct run *r)
{
	struct rollback_options ro = {.force = false};
	struct changes undone = {0};
	struct err e;
	int rc = changing_open_state(&r->state, &e);

	if (rc == 0)
		rc = rollback_changeset(&r->session.host, &r->state, r->changeset, &ro, &undone,
					&e);
	state_dir_close(&r->state);
	take_results(&r->changes, &undone);
	name_drift(r, &undone);
	/* It had at least one change, so somebody has taken it back before. */
	if (rc == 0 && undone.len == 0)
		verdict_suspect(&r->verdict, "its settings were rolled back by somebody while it "
					     "ran");
	if (rc == 0 &&
	    (changes_count(&undone, CHANGE_FAILED) || changes_count(&undone, CHANGE_UNKNOWN)))
		rc = err_set(&e, EIO, "not every setting could be put back; try: runup rollback %s",
			     r->changeset);
	if (rc < 0) {
		run_complain(&e);
		r->failed = true;
	}
	changes_done(&undone);
}

void run_undo(struct run *r)
{
	if (r->applied && *r->changeset)
		put_back(r);
	/* Its guardian has nothing left to do, and is gone before anybody looks for what the
	 * command left running. */
	changing_let_go(&r->changing, false);
}

static struct run_record make_record(const struct run *r, const struct check_selection *sel)
{
	const struct run_outcome *o = &r->outcome;
	bool exited = o->started && WIFEXITED(o->status);

	return (struct run_record){
		.version = runup_version,
		.time_ns = r->time_ns,
		.host = &r->session.host,
		.argv = r->argv,
		.hide_argv = r->o->no_argv,
		.user = r->user.name,
		.started = o->started,
		.exit_code = exited ? WEXITSTATUS(o->status) : -1,
		.signal = o->started && !exited ? WTERMSIG(o->status) : 0,
		.duration_ns = o->started ? o->end_ns - o->start_ns : 0,
		.profile = r->o->profile,
		.load = &r->session.load,
		.findings = &r->findings,
		.selection = sel,
		.changes = &r->changes,
		.changeset = r->changeset,
		.observed = &r->observed,
		.verdict = &r->verdict,
	};
}

/* Not waited for, but nobody should wonder later whose they are. */
static void name_orphans(const struct run *r)
{
	cleanup_free struct descendant *left = NULL;
	size_t len = 0;

	/* Without a child of ours there is no descendant, and /proc need not be walked. */
	if (waitpid(-1, NULL, WNOHANG) < 0 && errno == ECHILD)
		return;
	if (child_descendants(&r->session.host, &left, &len, NULL) < 0)
		return;
	for (size_t i = 0; i < len; i++)
		fprintf(stderr, "runup: still running, started by the command: %d (%s)\n",
			(int)left[i].pid, left[i].comm);
}

void run_report(struct run *r)
{
	struct check_selection sel = {.skip = r->skip};
	struct run_record record = make_record(r, &sel);
	struct text_style style = run_style(r->app);
	json_t *json = record_to_json(&record);
	cleanup_free char *text = json_render(json);
	struct strbuf path = {0}, out = {0};
	struct err e;

	json_decref(json);
	strbuf_addf(&path, "%s/run.json", r->dir.path);

	bool written = rundir_write(&r->dir, &r->user, "run.json", text, &e) == 0;

	if (!written) {
		run_complain(&e);
		r->failed = true;
	}
	/* Why it was not started has been said already. */
	if (r->outcome.started)
		summary_format(&record, written ? strbuf_get(&path) : NULL, &style, &out);
	else if (written)
		strbuf_addf(&out, "runup: the report is '%s'\n", strbuf_get(&path));
	if (!r->app->quiet || (r->outcome.started && r->verdict.word != VERDICT_VALID))
		fputs(strbuf_get(&out), stderr);
	name_orphans(r);
	strbuf_done(&path);
	strbuf_done(&out);
}

/* The command's own code comes first: 121 and 125 only take the place of a success. */
int run_exit_code(const struct run *r)
{
	int status = r->outcome.status;

	if (r->code)
		return r->code;
	if (WIFSIGNALED(status))
		return 128 + WTERMSIG(status);
	if (WEXITSTATUS(status))
		return WEXITSTATUS(status);
	if (r->failed)
		return EXIT_RUNUP_FAILED;
	return r->verdict.word == VERDICT_INVALID ? EXIT_INVALID : EXIT_CLEAN;
}
