/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/run.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/units.h"
#include "cli/changing.h"
#include "tune/apply.h"

static const struct opt opts[] = {
	{"profile", 'p', OPT_TEXT, "PROFILE", "the load, what it wants, and the command's limits",
	 offsetof(struct run_opts, profile)},
	{"apply", '\0', OPT_FLAG, NULL, "tune the host by the profile first, roll back afterwards",
	 offsetof(struct run_opts, apply)},
	{"skip", '\0', OPT_LIST, "ID,...",
	 "leave these checks out of the preflight; all: no preflight",
	 offsetof(struct run_opts, skip)},
	{"user", '\0', OPT_TEXT, "NAME", "run the command as this user (default: who called sudo)",
	 offsetof(struct run_opts, user)},
	{"report", '\0', OPT_TEXT, "DIR", "a new or empty folder for run.json",
	 offsetof(struct run_opts, report)},
	{"no-argv", '\0', OPT_FLAG, NULL, "leave the command line out of report and journal",
	 offsetof(struct run_opts, no_argv)},
};

static void run_done(struct run *r)
{
	changing_let_go(&r->changing, false);
	verdict_done(&r->verdict);
	ranges_done(&r->pid_ports);
	observation_done(&r->observed);
	findings_done(&r->findings);
	changes_done(&r->changes);
	rundir_close(&r->dir);
	state_dir_close(&r->state);
	if (r->signals.fd >= 0)
		close(r->signals.fd);
	free(r->skip);
	session_done(&r->session);
}

/* `--skip all` is every check there is, so that the report names them. */
static int read_skips(struct run *r, struct err *e)
{
	size_t len = 0;

	for (const char **id = r->o->skip; id && *id; id++, len++)
		r->skip_all = r->skip_all || strcmp(*id, "all") == 0;
	r->skip = calloc((r->skip_all ? checks_len : len) + 1, sizeof(*r->skip));
	if (!r->skip)
		out_of_memory();
	for (size_t i = 0; i < (r->skip_all ? checks_len : len); i++)
		r->skip[i] = r->skip_all ? checks[i]->id : r->o->skip[i];

	struct check_selection sel = {.skip = r->skip};

	return selection_check(&sel, e);
}

/* Everything that can be refused before anything is done. */
static int prepare(struct run *r, const struct input *in, struct err *e)
{
	if (!in->command || !in->command[0])
		return err_set(e, ERR_BAD_INPUT,
			       "run needs a command behind --, as in: runup run -- wrk -d 10s URL");
	if (r->o->apply && !r->o->profile)
		return err_set(e, ERR_BAD_INPUT, "--apply needs a profile to apply (-p PROFILE)");
	r->argv = in->command;

	int rc = read_skips(r, e);

	r->session.command = r->argv;
	r->session.command_user = r->o->user;
	if (rc == 0)
		rc = session_open(&r->session, r->app, r->o->profile, &in->load, r->o->apply, e);
	if (rc == 0)
		rc = run_as_find(r->o->user, &r->user, e);
	return rc == 0 && !run_limits_wait(r) ? run_raise_limits(r, e) : rc;
}

/*
 * The last steps that may fail without a trace. While runup waits for the lock a signal may still
 * end it, nothing has been done; from then on none does before the rollback.
 */
static int begin(struct run *r, struct err *e)
{
	const struct session *s = &r->session;
	int rc = 0;

	if (r->o->apply) {
		changing_finish_ended(r->app, &s->host);
		rc = plan_changes(&s->host, &s->profile, false, &r->changes, e);
	}
	if (rc == 0 && changes_count(&r->changes, CHANGE_PLANNED))
		rc = changing_open_state(&r->state, e);
	if (rc == 0 && r->state.fd >= 0)
		rc = changing_guard(s, &r->state, &r->changes, &r->changing, e);
	if (rc == 0)
		rc = child_signals_take(&r->signals, e);
	if (rc == 0)
		rc = rundir_make(&r->dir, &r->user, r->o->report, e);
	return rc;
}

static int run(const struct app *app, const struct input *in, struct err *e)
{
	cleanup_with(run_done) struct run r = {
		.app = app,
		.o = in->opts,
		.time_ns = now_realtime_ns(),
		.session = SESSION_INIT,
		.signals = {.fd = -1},
		.state = {.fd = -1, .lock_fd = -1},
		.changing = {.tenure = {.run = true}, .guardian = GUARDIAN_INIT},
		.dir = RUNDIR_INIT,
	};
	int rc = prepare(&r, in, e);

	if (rc == 0)
		rc = begin(&r, e);
	/* What the user gave is wrong: main says so, exit 2. The codes of the rest are run's own.
	 */
	if (rc == -ERR_BAD_INPUT)
		return rc;
	if (rc < 0) {
		run_complain(e);
		return EXIT_RUNUP_FAILED;
	}
	run_carry_out(&r);
	run_undo(&r);
	run_report(&r);
	return run_exit_code(&r);
}

const struct cmd cmd_run = {
	.name = "run",
	.args = "",
	.summary = "check, tune, watch and judge around one load run",
	.details =
		"Checks the host, starts CMD as the user who called sudo, watches what is lost "
		"while it runs, puts the host back and says whether the result counts: VALID, "
		"SUSPECT or INVALID. Exit code: CMD's own; 120: the preflight refused, not "
		"started; 121: CMD exited 0, but INVALID; 125: runup itself failed; 126, 127: CMD "
		"cannot be executed, is not found; 128+N: signal N ended CMD.",
	.opts = opts,
	.opts_len = ARRAY_LEN(opts),
	.opts_size = sizeof(struct run_opts),
	.takes_load = true,
	.takes_command = true,
	.run = run,
};
