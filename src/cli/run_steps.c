/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/run.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "base/cleanup.h"
#include "base/parse.h"
#include "base/units.h"
#include "cli/changing.h"
#include "report/text.h"
#include "report/text_load.h"
#include "sys/listen_ports.h"
#include "sys/rlimit.h"
#include "tune/apply.h"
#include "watch/watch.h"

/* Between two readings; a queue that is full for less may be dated that much too late. */
#define INTERVAL_NS (200 * NS_PER_MS)

static void fail_run(struct run *r, const struct err *e)
{
	run_complain(e);
	verdict_invalid(&r->verdict, "the command was not started: %s", e->msg);
	r->code = EXIT_RUNUP_FAILED;
}

static int apply(struct run *r, struct err *e)
{
	char *const hidden[] = {(char[]){"runup"}, (char[]){"run"}, (char[]){"--no-argv"}, NULL};
	int rc = changing_apply(&r->session, &r->state, r->o->no_argv ? hidden : r->app->argv,
				&r->changing, &r->changes, r->changeset, e);

	r->applied = rc == 0;
	/* Not held while the command runs: another runup may have its turn. */
	state_dir_close(&r->state);
	return rc;
}

static void refuse(struct run *r)
{
	for (size_t i = 0; i < r->findings.len; i++) {
		const struct finding *f = &r->findings.item[i];
		bool unknown = f->status == FINDING_UNKNOWN && f->needed;

		if (f->status != FINDING_FAIL && !unknown)
			continue;
		verdict_invalid(&r->verdict, "not started, the preflight %s %s%s%s",
				unknown ? "could not tell" : "failed", f->id,
				f->subject ? ": " : "", f->subject ? f->subject : "");
	}
	fprintf(stderr,
		"runup: the preflight refused the run, so the command was not started (%s--skip ID "
		"leaves a check out)\n",
		r->o->profile && !r->o->apply ? "--apply tunes the host for it; " : "");
	r->code = EXIT_REFUSED;
}

/* True when the host may be loaded. Stdout is the command's, so findings go to stderr. */
static bool preflight(struct run *r)
{
	struct check_selection sel = {.skip = r->skip};
	struct check_input in = session_input(&r->session, r->app, NULL);
	struct text_style style = run_style(r->app);
	struct strbuf out = {0};

	if (r->skip_all) {
		verdict_remark(&r->verdict,
			       "started without a preflight (--skip all): the host was not judged");
		return true;
	}
	checks_run(&in, &sel, &r->findings);

	bool ready = session_exit_code(&r->findings, false) == EXIT_CLEAN;

	text_load(&r->session.load, &out);
	text_findings(&r->findings, &style, &out);
	if (!r->app->quiet || !ready)
		fputs(strbuf_get(&out), stderr);
	strbuf_done(&out);
	if (!ready)
		refuse(r);
	return ready;
}

/* True when somebody wants runup to end; what was changed is still put back. */
static bool interrupted(struct run *r)
{
	int sig = run_loop_interrupted(&r->signals);

	if (!sig)
		return false;
	fprintf(stderr, "runup: ended by signal %d (%s) before the command was started\n", sig,
		strsignal(sig));
	verdict_invalid(&r->verdict, "not started: runup was ended by signal %d (%s)", sig,
			strsignal(sig));
	r->code = 128 + sig;
	return true;
}

/* Where the load's process listens, at the start and, since it may open more, at the end. */
static void find_pid_ports(struct run *r, bool first)
{
	struct err e = {0};
	const struct load *l = &r->session.load;

	if (!load_states(l, LOAD_PID))
		return;
	/* At the end the process may be gone, and was seen when it mattered. */
	if (listen_ports_of(&r->session.host, l->pid, &r->pid_ports, &e) < 0 && first)
		r->pid_ports_error = e;
}

/* Alerts are stamped from the start of the watch; people count from the start of the command. */
static void shift_alerts(struct observation *o, uint64_t by_ns)
{
	for (size_t i = 0; i < o->alerts; i++) {
		struct alert *a = &o->alert[i];

		a->first_ns -= a->first_ns < by_ns ? a->first_ns : by_ns;
		a->last_ns -= a->last_ns < by_ns ? a->last_ns : by_ns;
	}
}

static void judge(struct run *r)
{
	bool pid = load_states(&r->session.load, LOAD_PID);
	struct verdict_input in = {
		.observed = &r->observed,
		.load = &r->session.load,
		.pid_ports = pid ? &r->pid_ports : NULL,
		.pid_ports_unknown = r->pid_ports_error.code ? r->pid_ports_error.msg : NULL,
		.findings = r->skip_all ? NULL : &r->findings,
	};

	verdict_judge(&in, &r->verdict);
	if (WIFSIGNALED(r->outcome.status))
		verdict_suspect(&r->verdict,
				"the command was ended by signal %d (%s), so what it "
				"reports is cut short",
				WTERMSIG(r->outcome.status),
				strsignal(WTERMSIG(r->outcome.status)));
	else if (r->outcome.interrupted)
		verdict_suspect(&r->verdict,
				"the run was interrupted by signal %d (%s), so what the command "
				"reports is cut short",
				r->outcome.interrupted, strsignal(r->outcome.interrupted));
	else if (WEXITSTATUS(r->outcome.status))
		verdict_remark(
			&r->verdict,
			"the command exited with %d: what that says of its result is its own "
			"matter, this verdict is about the host",
			WEXITSTATUS(r->outcome.status));
}

static void not_started(struct run *r)
{
	const struct run_outcome *o = &r->outcome;

	fail_run(r, &o->error);
	if (o->start_error == ENOENT)
		r->code = EXIT_NOT_FOUND;
	else if (o->start_error != ECHILD)
		r->code = EXIT_NOT_EXECUTABLE;
}

static void load_host(struct run *r)
{
	struct watch_options wo = {.interval_ns = INTERVAL_NS};
	struct child_options co = {
		.argv = r->argv,
		.user = &r->user,
		.netns_fd = r->session.host.origin_netns_fd,
		.signals = &r->signals,
	};
	struct watch *w = NULL;
	struct err e;
	uint64_t before = now_monotonic_ns();

	find_pid_ports(r, true);
	if (watch_open(&r->session.host, &wo, &r->observed, &w, &e) < 0) {
		fail_run(r, &e);
		return;
	}
	if (run_loop(&co, w, &r->outcome, &e) < 0) {
		fail_run(r, &e);
	} else if (!r->outcome.started) {
		not_started(r);
	} else {
		watch_finish(w);
		shift_alerts(&r->observed, r->outcome.start_ns - before);
		find_pid_ports(r, false);
		judge(r);
	}
	watch_close(w);
}

int run_raise_limits(const struct run *r, struct err *e)
{
	const struct rlimit_key *k;
	int rc = 0;

	for (size_t i = 0; rc == 0 && r->session.has_profile && (k = rlimit_key_at(i)); i++) {
		const struct want *w = profile_want(&r->session.profile, "rlimit", k->name);
		uint64_t n;

		if (w && w->value && parse_u64(w->value, 0, INT64_MAX, &n) == 0)
			rc = rlimit_raise(k, n, e);
	}
	return rc;
}

bool run_limits_wait(const struct run *r)
{
	return r->o->apply && profile_want(&r->session.profile, "sysctl", "fs.nr_open");
}

void run_carry_out(struct run *r)
{
	struct err e;

	/* Before the preflight, which would refuse what this is about to mend. */
	if (r->state.fd >= 0 && apply(r, &e) < 0) {
		fail_run(r, &e);
		return;
	}
	if (run_limits_wait(r) && run_raise_limits(r, &e) < 0) {
		fail_run(r, &e);
		return;
	}
	if (interrupted(r) || !preflight(r) || interrupted(r))
		return;
	load_host(r);
}
