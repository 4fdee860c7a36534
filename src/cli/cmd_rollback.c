/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "cli/changeset_out.h"
#include "cli/changing.h"
#include "cli/cmd.h"
#include "cli/drift_origin.h"
#include "cli/output.h"
#include "report/json.h"
#include "report/text.h"
#include "sys/caps.h"
#include "tune/apply.h"
#include "tune/chain.h"
#include "tune/tenure.h"

struct rollback_opts {
	bool all, expired, unfinished, force, dry_run;
	const char *profile; /* NULL: of whichever */
	int output;
};

static const struct opt opts[] = {
	{"all", '\0', OPT_FLAG, NULL, "every open changeset, newest first",
	 offsetof(struct rollback_opts, all)},
	{"expired", '\0', OPT_FLAG, NULL, "only those of `apply --for` whose time is over",
	 offsetof(struct rollback_opts, expired)},
	{"unfinished", '\0', OPT_FLAG, NULL,
	 "those that something killed midway, and any --for whose time is over",
	 offsetof(struct rollback_opts, unfinished)},
	{"profile", 'p', OPT_TEXT, "PROFILE", "every open changeset of that profile, newest first",
	 offsetof(struct rollback_opts, profile)},
	{"force", '\0', OPT_FLAG, NULL, "restore what somebody else has changed since, too",
	 offsetof(struct rollback_opts, force)},
	{"dry-run", 'n', OPT_FLAG, NULL, "say what would be restored, and write nothing",
	 offsetof(struct rollback_opts, dry_run)},
	{"output", 'o', OPT_CHOICE, "text|json", "how to print the changes",
	 offsetof(struct rollback_opts, output)},
};

/* What one rollback came to, gathered over the changesets. */
struct outcome {
	const struct app *app;
	const struct host *host;
	const struct rollback_opts *o;
	json_t *list;
	struct strbuf text;
	int exit_code;
	struct drift_origin origin;
};

static void add_text(struct outcome *out, const struct changeset *cs, const struct changes *done)
{
	struct text_style style = output_style(out->app);

	strbuf_addf(&out->text, "changeset %s (%s)%s\n", cs->id,
		    *cs->profile ? cs->profile : "profile not known",
		    place_is_elsewhere(out->host, cs) ? ", in another network namespace" : "");
	if (!done->len)
		strbuf_add(&out->text, "rolled back already: nothing was written\n");
	text_changes(done, &style, &out->text);
	changeset_bad_lines(cs, &out->text);
}

static void add_json(struct outcome *out, const struct changeset *cs, const struct changes *done)
{
	json_t *j = changeset_to_json(cs);

	json_put_bool(j, "dry_run", out->o->dry_run);
	json_put(j, "changes", changes_to_json(done));
	json_append(out->list, j);
}

/* What the changeset has become; an empty journal is removed, which ends it as well. */
static enum changeset_state state_now(const struct state_dir *d, const struct changeset *before)
{
	struct changeset now = {0};
	struct err ignored;
	enum changeset_state s = CHANGESET_CLOSED;

	if (changeset_read(d, before->id, &now, &ignored) == 0)
		s = now.state;
	changeset_done(&now);
	return s;
}

static int roll_back_one(struct outcome *out, const struct host *h, const struct state_dir *d,
			 const char *id, struct err *e)
{
	struct rollback_options ro = {.dry_run = out->o->dry_run, .force = out->o->force};
	struct changeset cs = {0};
	struct changes done = {0};
	int r = changeset_read(d, id, &cs, e);

	if (r == 0 && cs.state == CHANGESET_UNREADABLE)
		r = err_set(
			e, EBADMSG,
			"roll back changeset '%s': line 1 of its journal is not believed (%s), so "
			"nothing was touched",
			id, cs.bad_len ? cs.bad[0].reason : "no header");
	if (r == 0 && cs.tenure.run && tenure_state(h, &cs) == TENURE_WORKING)
		output_note(out->app, "changeset %s belongs to a run in progress (pid %d)", id,
			    (int)cs.tenure.maker.pid);
	if (r == 0)
		r = rollback_changeset(h, d, id, &ro, &done, e);
	if (r == 0) {
		cs.state = state_now(d, &cs);
		if (cs.state == CHANGESET_CLOSED && !out->o->dry_run)
			tenure_dismiss(h, &cs);
		drift_name_origins(&out->origin, h, &done);
		if (changes_count(&done, CHANGE_DRIFTED))
			raise_exit(&out->exit_code, EXIT_FINDINGS);
		if (cs.bad_len || changes_count(&done, CHANGE_FAILED) ||
		    changes_count(&done, CHANGE_UNKNOWN))
			raise_exit(&out->exit_code, EXIT_COULD_NOT);
		add_text(out, &cs, &done);
		add_json(out, &cs, &done);
	}
	changes_done(&done);
	changeset_done(&cs);
	return r;
}

/* All that its journal proves has been put back; lines that it does not prove keep it open. */
static bool nothing_provable_left(const struct changeset *cs)
{
	for (size_t i = 0; i < cs->changes.len; i++)
		if (*cs->changes.item[i].key && !cs->undone[i])
			return false;
	return true;
}

static void name_unreadable(struct outcome *out, const char *id, const struct changeset *cs)
{
	strbuf_addf(&out->text, "changeset %s: nothing of it can be proven; left alone\n", id);
	changeset_bad_lines(cs, &out->text);
	raise_exit(&out->exit_code, EXIT_COULD_NOT);
}

/* What bears the name of a journal and is none must not keep the others from being rolled back. */
static void name_no_journal(struct outcome *out, const char *id, const struct err *why)
{
	strbuf_addf(&out->text, "changeset %s: %s; left alone\n", id, why->msg);
	raise_exit(&out->exit_code, EXIT_COULD_NOT);
}

/* Is it one of those that were asked for? */
static bool is_meant(const struct rollback_opts *o, const struct host *h,
		     const struct changeset *cs)
{
	enum tenure_state t;

	if (!o->profile && !o->unfinished)
		return true;
	t = tenure_state(h, cs);
	/* A run puts its own back; while its runup lives, stopping a service must not do it. */
	if (o->profile)
		return strcmp(cs->profile, o->profile) == 0 &&
		       !(cs->tenure.run && t != TENURE_LOST);
	return cs->state == CHANGESET_UNFINISHED && t != TENURE_WORKING && t != TENURE_RESTORING;
}

/* More than the newest one. */
static bool several(const struct rollback_opts *o)
{
	return o->all || o->profile || o->unfinished;
}

/* One of those on the way: *done and *left count it. */
static int roll_back_next(struct outcome *out, const struct host *h, const struct state_dir *d,
			  const char *id, size_t *done, size_t *left, struct err *e)
{
	cleanup_with(changeset_done) struct changeset cs = {0};
	struct err why;

	/* Whose and what it is cannot be told: it stays out of what is about certain ones. */
	bool any = !out->o->profile && !out->o->unfinished;

	if (changeset_read(d, id, &cs, &why) < 0) {
		if (any)
			name_no_journal(out, id, &why);
		*left += any;
		return 0;
	}
	if (cs.state == CHANGESET_UNREADABLE) {
		if (any)
			name_unreadable(out, id, &cs);
		*left += any;
		return 0;
	}
	if (changeset_stands(&cs) && !is_meant(out->o, h, &cs))
		return 0;
	/* What is left of it no rollback can do: the next one has its turn. */
	bool spent = changeset_stands(&cs) && nothing_provable_left(&cs);

	*done += changeset_stands(&cs) && !spent;
	*left += spent;
	/* A crash before anything was written leaves an empty one: tidied up on the way. */
	return changeset_stands(&cs) || cs.state == CHANGESET_EMPTY
		       ? roll_back_one(out, h, d, id, e)
		       : 0;
}

static void say_nothing_found(struct outcome *out)
{
	if (out->o->profile)
		strbuf_addf(&out->text, "no open changeset of profile '%s': nothing to roll back\n",
			    out->o->profile);
	else if (!out->o->unfinished)
		strbuf_add(&out->text, "no open changeset: nothing to roll back\n");
}

/*
 * Bare `rollback`: the newest open changeset; --all, --profile, --unfinished: each of those that
 * are meant, newest first, also behind one that cannot be rolled back; the first such error is
 * returned.
 */
static int roll_back_open(struct outcome *out, const struct host *h, const struct state_dir *d,
			  struct err *e)
{
	cleanup_free char(*ids)[CHANGESET_ID_MAX] = NULL;
	size_t len = 0, done = 0, left = 0;
	int failed = changeset_ids(d, &ids, &len, e);

	for (size_t i = len; i-- > 0 && (several(out->o) || (done == 0 && failed == 0));) {
		struct err why;
		int r = roll_back_next(out, h, d, ids[i], &done, &left, failed ? &why : e);

		failed = failed ? failed : r;
	}
	if (failed == 0 && done + left == 0)
		say_nothing_found(out);
	return failed;
}

static bool handled(const struct outcome *out, const char *id)
{
	size_t i;
	json_t *one;

	json_array_foreach(out->list, i,
			   one) if (strcmp(json_string_value(json_object_get(one, "id")), id) ==
				    0) return true;
	return false;
}

/*
 * Any rollback also ends what should not be there any more: a --for past its time, a run that was
 * killed together with its guardian. A timer comes for its --for alone.
 */
static int roll_back_ended(struct outcome *out, const struct host *h, const struct state_dir *d,
			   struct err *e)
{
	cleanup_free char(*ids)[CHANGESET_ID_MAX] = NULL;
	size_t len = 0;
	int r = tenure_ended(h, d, !out->o->expired, &ids, &len, e);

	for (size_t i = 0; r == 0 && i < len; i++)
		if (!handled(out, ids[i]))
			r = roll_back_one(out, h, d, ids[i], e);
	if (r == 0 && out->o->expired && len == 0)
		strbuf_add(&out->text, "no --for is past its time: nothing to roll back\n");
	if (r == 0 && out->o->unfinished && json_array_size(out->list) == 0)
		strbuf_add(&out->text, "nothing is unfinished: nothing to roll back\n");
	return r;
}

static int roll_back(struct outcome *out, const struct host *h, const char *id, struct err *e)
{
	struct state_dir d;
	int r = state_dir_open(&d, false, NULL, e);

	/* Nothing was ever applied here, and asking must not leave a folder behind. */
	if (r == -ENOENT && id)
		return err_set(e, ERR_BAD_INPUT, "no changeset '%s': nothing was applied here", id);
	if (r == -ENOENT) {
		strbuf_add(&out->text, "no open changeset: nothing to roll back\n");
		return 0;
	}
	if (r < 0)
		return r;
	state_dir_close(&d);
	r = changing_open_state(&d, e);
	if (r < 0)
		return r;

	uint64_t caps;

	r = rollback_caps(h, &d, id, &caps, e);
	if (r == 0)
		r = caps_keep(caps, e);
	if (r == 0 && id)
		r = roll_back_one(out, h, &d, id, e);
	else if (r == 0 && !out->o->expired)
		r = roll_back_open(out, h, &d, e);
	if (r == 0)
		r = roll_back_ended(out, h, &d, e);
	state_dir_close(&d);
	return r;
}

static int run(const struct app *app, const struct input *in, struct err *e)
{
	const struct rollback_opts *o = in->opts;
	struct host h;
	struct outcome out = {.app = app, .host = &h, .o = o, .list = json_new_array()};

	if (o->all + o->expired + o->unfinished + !!o->profile + (in->operands_len > 0) > 1) {
		json_decref(out.list);
		return err_set(e, ERR_BAD_INPUT,
			       "rollback takes one of a CHANGESET, --all, --expired, --unfinished "
			       "and --profile");
	}

	int r = host_open(&h, NULL, app->netns, e);

	if (r == 0)
		r = roll_back(&out, &h, in->operands_len ? in->operands[0] : NULL, e);
	host_close(&h);
	if (o->output == OUTPUT_JSON) {
		json_t *j = json_new_object();

		json_put_text(j, "schema", "runup/rollback/1");
		json_put(j, "changesets", json_incref(out.list));
		output_json(j);
		strbuf_done(&out.text);
	} else if (!app->quiet || out.exit_code != EXIT_CLEAN) {
		output_text(&out.text);
	}
	strbuf_done(&out.text);
	drift_origin_done(&out.origin);
	json_decref(out.list);
	return r < 0 ? r : out.exit_code;
}

const struct cmd cmd_rollback = {
	.name = "rollback",
	.args = "[CHANGESET]",
	.summary = "put back what an apply changed (bare: the newest open changeset)",
	.details =
		"A value that somebody else has changed since is left alone and named (exit code "
		"1). Interrupted at any point, the next rollback ends what this one began.",
	.opts = opts,
	.opts_len = ARRAY_LEN(opts),
	.opts_size = sizeof(struct rollback_opts),
	.operands_max = 1,
	.run = run,
};
