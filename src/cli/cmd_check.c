/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <poll.h>
#include <stddef.h>
#include <string.h>

#include "base/units.h"
#include "cli/cmd.h"
#include "cli/output.h"
#include "cli/session.h"
#include "report/json.h"
#include "report/junit.h"
#include "report/tap.h"
#include "report/text.h"
#include "report/text_load.h"
#include "sys/cpu.h"
#include "watch/watch.h"

struct check_opts {
	const char *profile;
	uint64_t observe_ns;
	int output;
	const char **only, **skip;
	int fail_on;
};

static const struct opt opts[] = {
	{"profile", 'p', OPT_TEXT, "PROFILE", "judge by a profile: its load and what it wants",
	 offsetof(struct check_opts, profile)},
	{"observe", '\0', OPT_DURATION, "DURATION",
	 "watch that long for what is being lost right now",
	 offsetof(struct check_opts, observe_ns)},
	{"output", 'o', OPT_CHOICE, "text|json|junit|tap", "how to print the findings",
	 offsetof(struct check_opts, output)},
	{"only", '\0', OPT_LIST, "ID,...", "these checks alone", offsetof(struct check_opts, only)},
	{"skip", '\0', OPT_LIST, "ID,...", "all but these checks",
	 offsetof(struct check_opts, skip)},
	{"fail-on", '\0', OPT_CHOICE, "fail|warn", "what makes the exit code 1",
	 offsetof(struct check_opts, fail_on)},
};

static int observe(const struct app *app, const struct host *h, uint64_t duration_ns,
		   struct observation *ret, struct err *e)
{
	struct watch_options wo = {.bpf = true};
	struct watch *w = NULL;
	char text[UNITS_MAX];

	if (h->captured)
		return err_set(e, ERR_BAD_INPUT,
			       "--observe watches a live host, not a captured one (--root '%s')",
			       h->root);
	int r = watch_open(h, &wo, ret, &w, e);
	if (r < 0)
		return r;

	uint64_t end = now_monotonic_ns() + duration_ns;
	struct cpu_times before, after;
	struct err ignored;
	bool timed = cpu_read_times(h, &before, &ignored) == 0;

	if (duration_ns >= 2 * NS_PER_S)
		output_progress(app, "observing for %s", units_duration(duration_ns, text));
	for (uint64_t now = now_monotonic_ns(); now < end; now = now_monotonic_ns()) {
		struct pollfd p = {.fd = watch_fd(w), .events = POLLIN};
		int timeout_ms = (int)((end - now) / NS_PER_MS) + 1;

		if (poll(&p, 1, timeout_ms) > 0)
			watch_turn(w);
	}
	watch_finish(w);
	watch_close(w);
	if (timed && cpu_read_times(h, &after, &ignored) == 0)
		ret->cpu = (struct cpu_times){.total = after.total - before.total,
					      .steal = after.steal - before.steal};
	return 0;
}

static json_t *to_json(const struct session *s, const struct check_selection *sel,
		       const struct findings *fs, int exit_code)
{
	static const enum finding_status all[] = {FINDING_PASS, FINDING_WARN, FINDING_FAIL,
						  FINDING_NA, FINDING_UNKNOWN};
	json_t *j = json_new_object(), *counts = json_new_object();

	for (size_t i = 0; i < ARRAY_LEN(all); i++)
		json_put_int(counts, finding_status_name(all[i]), findings_count(fs, all[i]));
	json_put_text(j, "schema", "runup/check/1");
	json_put_bool(j, "ready", exit_code == EXIT_CLEAN);
	json_put(j, "host", host_to_json(&s->host));
	json_put(j, "load", load_to_json(&s->load));
	json_put_text(j, "profile", s->has_profile ? s->profile.name : NULL);
	json_put(j, "counts", counts);
	json_put(j, "findings", findings_to_json(fs));
	json_put(j, "skipped", skipped_to_json(sel));
	return j;
}

static void print_text(const struct app *app, const struct session *s, const struct findings *fs,
		       int exit_code)
{
	struct text_style style = output_style(app);
	struct strbuf out = {0};
	bool asked = s->has_profile || s->load.stated;
	size_t fail = findings_count(fs, FINDING_FAIL), warn = findings_count(fs, FINDING_WARN);
	size_t unknown = findings_count(fs, FINDING_UNKNOWN);
	size_t fine = findings_count(fs, FINDING_PASS) + findings_count(fs, FINDING_NA);

	text_load(&s->load, &out);
	text_findings(fs, &style, &out);
	if (out.len)
		strbuf_add(&out, "\n");
	if (exit_code == EXIT_CLEAN)
		text_colored("READY", TEXT_GREEN, &style, &out);
	else if (exit_code == EXIT_FINDINGS)
		text_colored("NOT READY", TEXT_RED, &style, &out);
	else
		text_colored("CANNOT TELL", TEXT_YELLOW, &style, &out);
	strbuf_addf(&out, ": %zu failed, %zu warning%s, %zu unknown, %zu fine%s\n", fail, warn,
		    warn == 1 ? "" : "s", unknown, fine, app->verbose ? "" : " (-v shows them)");
	if (!asked && !s->command)
		strbuf_addf(&out,
			    "No load was stated, so only what is wrong without one was judged. To "
			    "size it:\n  %s check -p server --connections 1000 --port 8080\n"
			    "  %s check -p generator --connections 400 --target 10.0.0.5:8080\n",
			    app->argv[0], app->argv[0]);
	output_text(&out);
}

static bool names_observe(const char *const *ids)
{
	for (; ids && *ids; ids++)
		if (strncmp(*ids, "observe", strlen("observe")) == 0)
			return true;
	return false;
}

static void print(const struct app *app, const struct check_opts *o, const struct session *s,
		  const struct check_selection *sel, const struct findings *fs, int exit_code)
{
	struct strbuf out = {0};

	switch (o->output) {
	case OUTPUT_JSON:
		output_json(to_json(s, sel, fs, exit_code));
		break;
	case OUTPUT_JUNIT:
		junit_findings(fs, &s->host, o->fail_on == 1, &out);
		break;
	case OUTPUT_TAP:
		tap_findings(fs, o->fail_on == 1, &out);
		break;
	default:
		if (!app->quiet || exit_code != EXIT_CLEAN)
			print_text(app, s, fs, exit_code);
	}
	output_text(&out);
}

/*
 * What the exit code says beyond the findings: for people it stands in the text, for scripts in the
 * load of the JSON; a file for CI has entries alone.
 */
static void enter_untold(const struct session *s, struct findings *fs)
{
	const char *message = s->load.generator.message;
	struct finding *f = finding_add(fs, "load", FINDING_UNKNOWN,
					fs->len ? "of the command" : "nothing was judged");

	f->needed = true;
	f->observed = finding_text(fs, "%s",
				   fs->len == 1 ? "no check was left to run"
				   : message	? message
						: "what load the command makes is not known");
	if (fs->len == 1)
		f->fix = "see --only and --skip";
	else if (!message)
		f->fix = "state it with LOAD options (--connections, --rate, --target)";
}

static int judge(const struct app *app, const struct check_opts *o, struct session *s,
		 struct err *e)
{
	struct check_selection sel = {(const char *const *)o->only, (const char *const *)o->skip};
	struct observation observed = {0};
	struct findings fs = {0};
	int r = selection_check(&sel, e);

	if (r == 0 && !o->observe_ns && names_observe((const char *const *)o->only))
		r = err_set(e, ERR_BAD_INPUT, "--only observe needs --observe DURATION");
	if (r == 0 && o->observe_ns)
		r = observe(app, &s->host, o->observe_ns, &observed, e);
	if (r == 0) {
		struct check_input in = session_input(s, app, o->observe_ns ? &observed : NULL);

		checks_run(&in, &sel, &fs);
		r = session_exit_code(&fs, o->fail_on == 1);
		/* Where nothing was judged there is nothing to be ready by, and a command whose
		 * load is not known was not judged by it. */
		if (!fs.len || (r == EXIT_CLEAN && s->command && !load_sized(&s->load)))
			r = EXIT_COULD_NOT;
		if (r == EXIT_COULD_NOT && !findings_count_needed_unknown(&fs) &&
		    (o->output == OUTPUT_JUNIT || o->output == OUTPUT_TAP))
			enter_untold(s, &fs);
		print(app, o, s, &sel, &fs, r);
	}
	findings_done(&fs);
	observation_done(&observed);
	return r;
}

static int run(const struct app *app, const struct input *in, struct err *e)
{
	const struct check_opts *o = in->opts;
	struct session s = SESSION_INIT;

	s.follow_process = true;
	s.command = in->command;

	int r = session_open(&s, app, o->profile, &in->load, false, e);

	if (r == 0)
		r = judge(app, o, &s, e);
	session_done(&s);
	return r;
}

const struct cmd cmd_check = {
	.name = "check",
	.args = "",
	.summary = "preflight: can this host carry that load? (changes nothing)",
	.details = "Reads only, needs no root, and says what it could not see. Exit code 0: ready; "
		   "1: not ready; 2: wrong usage; 3: something the load needs could not be told. "
		   "CMD is a load generator's command line that says the load; it is not started.",
	.opts = opts,
	.opts_len = ARRAY_LEN(opts),
	.opts_size = sizeof(struct check_opts),
	.takes_load = true,
	.reads_only = true,
	.takes_command = true,
	.run = run,
};
