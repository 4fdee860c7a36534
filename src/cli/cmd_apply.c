/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <pwd.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/parse.h"
#include "base/units.h"
#include "cli/apply_as.h"
#include "cli/changing.h"
#include "cli/cmd.h"
#include "cli/output.h"
#include "cli/session.h"
#include "report/json.h"
#include "report/text.h"
#include "report/text_plan.h"
#include "sys/caps.h"
#include "tune/apply.h"

struct apply_opts {
	bool dry_run, keep_going;
	const char *duration; /* of --for */
	int output;
	const char *as; /* NULL: apply it to this host */
};

static const struct opt opts[] = {
	{"dry-run", 'n', OPT_FLAG, NULL, "say what would be written, and write nothing",
	 offsetof(struct apply_opts, dry_run)},
	{"for", '\0', OPT_TEXT, "DURATION",
	 "roll it back by itself after that time, unless `runup confirm` keeps it",
	 offsetof(struct apply_opts, duration)},
	{"keep-going", '\0', OPT_FLAG, NULL, "one setting fails: name it and write the others",
	 offsetof(struct apply_opts, keep_going)},
	{"output", 'o', OPT_CHOICE, "text|json", "how to print the changes",
	 offsetof(struct apply_opts, output)},
	{"as", '\0', OPT_TEXT, "sysctl.d|shell|ansible|kubernetes",
	 "write nothing here, but print the profile for other hosts",
	 offsetof(struct apply_opts, as)},
};

/* One apply, from its options to what is printed. */
struct applying {
	const struct app *app;
	const struct apply_opts *o;
	struct session session;
	struct changes plan;
	struct changing changing;
	uint64_t for_ns; /* 0: no --for */
	char id[CHANGESET_ID_MAX];
	bool put_back;		 /* after a failure: all of it, and recorded */
	char until[RFC3339_MAX]; /* "": nothing is to be rolled back by itself */
};

/* Null without --for; until is null where nothing was written. */
static json_t *for_to_json(const struct applying *a)
{
	json_t *j;

	if (!a->for_ns)
		return json_null();
	j = json_new_object();
	json_put(j, "duration_s", json_real((double)a->for_ns / (double)NS_PER_S));
	json_put_text(j, "until", *a->until ? a->until : NULL);
	json_put_text(j, "timer", *a->until ? a->changing.tenure.timer : NULL);
	return j;
}

static json_t *to_json(const struct applying *a, const struct err *failed)
{
	json_t *j = json_new_object();

	json_put_text(j, "schema", "runup/apply/1");
	json_put_text(j, "changeset", *a->id ? a->id : NULL);
	json_put_text(j, "profile", a->session.profile.name);
	json_put_bool(j, "dry_run", a->o->dry_run);
	json_put_text(j, "error", failed ? failed->msg : NULL);
	json_put(j, "for", for_to_json(a));
	json_put(j, "host", host_to_json(&a->session.host));
	json_put(j, "changes", changes_to_json(&a->plan));
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

static void add_written(const struct applying *a, struct strbuf *out)
{
	size_t written = changes_count(&a->plan, CHANGE_WRITTEN);
	size_t failed = changes_count(&a->plan, CHANGE_FAILED);
	char text[UNITS_MAX];

	if (raises_backlog(&a->plan))
		strbuf_add(out, "a listener keeps the limit that it got: name it in [listen], "
				"or restart its\nserver\n");
	if (failed)
		strbuf_addf(out, "%zu setting%s could not be written (--keep-going)\n", failed,
			    failed == 1 ? "" : "s");
	strbuf_addf(out, "%zu setting%s written as changeset %s\n", written,
		    written == 1 ? "" : "s", a->id);
	if (*a->until)
		strbuf_addf(out,
			    "will be rolled back by itself in %s (%s),\nunless confirmed: runup "
			    "confirm %s\n",
			    units_duration(a->for_ns, text), a->until, a->id);
	strbuf_addf(out, "undo: runup rollback %s\n", a->id);
}

static void print_text(const struct applying *a, bool failed)
{
	struct text_style style = output_style(a->app);
	struct strbuf out = {0};
	size_t planned = changes_count(&a->plan, CHANGE_PLANNED);
	char text[UNITS_MAX];

	if (a->o->dry_run)
		text_plan(&a->plan, &style, &out);
	else
		text_changes(&a->plan, &style, &out);
	if (out.len)
		strbuf_add(&out, "\n");
	if (failed) {
		if (*a->id && !a->put_back)
			strbuf_addf(&out,
				    "not applied, and it is not recorded that all of it was put "
				    "back: runup rollback %s\n",
				    a->id);
		else
			strbuf_add(&out, *a->id ? "not applied: what was written has been put "
						  "back\n"
						: "not applied: nothing was written\n");
	} else if (a->o->dry_run) {
		strbuf_addf(&out, "%zu setting%s would be written; nothing was\n", planned,
			    planned == 1 ? "" : "s");
		if (planned && a->for_ns)
			strbuf_addf(&out, "they would be rolled back by themselves after %s\n",
				    units_duration(a->for_ns, text));
	} else if (*a->id) {
		add_written(a, &out);
	} else {
		strbuf_add(&out, "nothing to write: the host satisfies the profile\n");
	}
	output_text(&out);
}

static bool is_closed(const struct state_dir *d, const char *id)
{
	cleanup_with(changeset_done) struct changeset cs = {0};
	struct err ignored;

	return changeset_read(d, id, &cs, &ignored) == 0 && cs.state == CHANGESET_CLOSED;
}

static int write_plan(struct applying *a, struct err *e)
{
	struct state_dir d;
	int r = changing_open_state(&d, e);

	if (r < 0)
		return r;
	if (a->for_ns)
		a->changing.tenure.deadline_ns = now_boottime_ns() + a->for_ns;
	r = changing_guard(&a->session, &d, &a->plan, &a->changing, e);
	/* Behind what only more rights can open: from here on no others are used. */
	if (r == 0)
		r = caps_keep(plan_caps(&a->plan), e);
	if (r == 0)
		r = changing_apply(&a->session, &d, a->app->argv, &a->changing, &a->plan, a->id, e);
	a->put_back = r < 0 && *a->id && is_closed(&d, a->id);
	changing_let_go(&a->changing, r == 0 && *a->id);
	if (r == 0 && *a->id && a->for_ns)
		format_rfc3339(now_realtime_ns() + a->for_ns, a->until);
	state_dir_close(&d);
	return r;
}

static int apply(struct applying *a, struct err *e)
{
	bool dry_run = a->o->dry_run;
	int r;

	/* What should not be there any more is not what this profile finds satisfied. */
	if (!dry_run)
		changing_finish_ended(a->app, &a->session.host);
	r = plan_changes(&a->session.host, &a->session.profile, dry_run, &a->plan, e);
	if (r < 0)
		return r;
	changing_note_borrowed(a->app, &a->session.host, &a->plan);
	if (!dry_run && changes_count(&a->plan, CHANGE_PLANNED))
		r = write_plan(a, e);

	bool left_out = changes_count(&a->plan, CHANGE_FAILED) > 0;

	/* After a failure the table says which setting it was and that the others were put back. */
	if (a->o->output == OUTPUT_JSON)
		output_json(to_json(a, r < 0 ? e : NULL));
	else if (!a->app->quiet || r < 0 || left_out)
		print_text(a, r < 0);
	return r < 0 ? r : left_out ? EXIT_FINDINGS : EXIT_CLEAN;
}

/* NULL without --as. What is for writing here, or has a form of its own, does not go with it. */
static int find_format(const struct apply_opts *o, const struct export_format **ret, struct err *e)
{
	*ret = NULL;
	if (!o->as)
		return 0;
	if (o->output != OUTPUT_TEXT)
		return err_set(e, ERR_BAD_INPUT, "--as %s has a form of its own: leave -o out",
			       o->as);
	if (o->duration || o->keep_going)
		return err_set(e, ERR_BAD_INPUT, "--as %s writes nothing here: leave %s out", o->as,
			       o->duration ? "--for" : "--keep-going");
	return apply_as_find(o->as, ret, e);
}

static int run(const struct app *app, const struct input *in, struct err *e)
{
	struct applying a = {
		.app = app,
		.o = in->opts,
		.session = SESSION_INIT,
		.changing = {.guardian = GUARDIAN_INIT},
	};
	const struct export_format *format = NULL;

	if (!in->operands_len)
		return err_set(e, ERR_BAD_INPUT,
			       "apply needs a PROFILE (runup profiles lists them)");
	/* Not as OPT_DURATION: none at all must not be what 0s is. */
	if (a.o->duration && (parse_duration_ns(a.o->duration, &a.for_ns) < 0 || !a.for_ns))
		return err_set(e, ERR_BAD_INPUT,
			       "--for '%s': expected a duration above zero with its unit, at most "
			       "a year (90s, 30m, 2h)",
			       a.o->duration);
	a.changing.keep_going = a.o->keep_going;

	int r = find_format(a.o, &format, e);

	if (r == 0)
		r = session_open(&a.session, app, in->operands[0], &in->load, true, e);
	if (r == 0 && format)
		apply_as_print(app, &a.session, format);
	else if (r == 0)
		r = apply(&a, e);
	changes_done(&a.plan);
	session_done(&a.session);
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
		"those before it are put back, or, with --keep-going, it is named and the others "
		"stay (exit code 1). --as writes nothing and needs no root: the whole profile, "
		"sized for the load, as a file of sysctl.d(5), a shell script that also undoes it, "
		"tasks for Ansible, or a pod's securityContext.sysctls.",
	.opts = opts,
	.opts_len = ARRAY_LEN(opts),
	.opts_size = sizeof(struct apply_opts),
	.takes_load = true,
	.operands_max = 1,
	.run = run,
};
