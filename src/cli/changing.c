/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/changing.h"

#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/units.h"
#include "cli/output.h"
#include "report/redact.h"
#include "sys/run_as.h"
#include "sys/systemctl.h"
#include "sys/systemd_timer.h"
#include "tune/apply.h"
#include "tune/chain.h"
#include "tune/tenure.h"

static void waiting(void)
{
	fputs("runup: another runup is changing this host; waiting for it to end\n", stderr);
}

int changing_open_state(struct state_dir *d, struct err *e)
{
	return state_dir_open(d, true, waiting, e);
}

static void finish_one(const struct app *app, const struct host *h, const struct state_dir *d,
		       const char *id)
{
	cleanup_with(changeset_done) struct changeset cs = {0};
	cleanup_with(changes_done) struct changes undone = {0};
	struct rollback_options o = {.force = false};
	struct err e;
	int r = changeset_read(d, id, &cs, &e);

	if (r == 0)
		r = rollback_changeset(h, d, id, &o, &undone, &e);
	if (r < 0) {
		output_note(app, "changeset %s is past its time (--for) and stays: %s", id, e.msg);
		return;
	}

	size_t left = undone.len - changes_count(&undone, CHANGE_RESTORED) -
		      changes_count(&undone, CHANGE_UNCHANGED) -
		      changes_count(&undone, CHANGE_INHERITED) -
		      changes_count(&undone, CHANGE_GONE);

	tenure_dismiss(h, &cs);
	if (left)
		output_note(app,
			    "changeset %s was past its time (--for, until %s): rolled back but for "
			    "%zu that somebody changed or that could not be written (runup status)",
			    id, cs.tenure.until, left);
	else
		output_note(app, "changeset %s was past its time (--for, until %s): rolled back",
			    id, cs.tenure.until);
}

/* d for writing: does it. Returns how many there are. */
static size_t finish_all(const struct app *app, const struct host *h, const struct state_dir *d)
{
	cleanup_free char(*ids)[CHANGESET_ID_MAX] = NULL;
	size_t len = 0;
	struct err e;

	if (tenure_ended(h, d, false, &ids, &len, &e) < 0)
		return 0;
	for (size_t i = 0; i < len && d->lock_fd >= 0; i++)
		finish_one(app, h, d, ids[i]);
	return len;
}

void changing_finish_ended(const struct app *app, const struct host *h)
{
	struct state_dir d;
	struct err e;

	/* Where nothing was ever applied there is no folder. */
	if (state_dir_open(&d, false, NULL, &e) < 0)
		return;

	size_t found = finish_all(app, h, &d);

	state_dir_close(&d);
	if (!found)
		return;
	if (changing_open_state(&d, &e) < 0) {
		output_note(app, "a changeset is past its time (--for) and stays: %s", e.msg);
		return;
	}
	/* Its guardian may have had the lock before. */
	finish_all(app, h, &d);
	state_dir_close(&d);
}

static bool holds(const struct changeset *cs, const struct change *wanted)
{
	for (size_t i = 0; i < cs->changes.len; i++) {
		const struct change *c = &cs->changes.item[i];

		if (!cs->undone[i] && strcmp(c->kind, wanted->kind) == 0 &&
		    strcmp(c->key, wanted->key) == 0)
			return true;
	}
	return false;
}

static void note_borrowed_of(const struct app *app, const struct host *h, const struct state_dir *d,
			     const char *id, const struct changes *plan)
{
	cleanup_with(changeset_done) struct changeset header = {0}, cs = {0};
	struct err e;
	size_t n = 0;

	if (changeset_read_header(d, id, &header, &e) < 0 ||
	    !(header.tenure.deadline_ns || header.tenure.run) || place_is_elsewhere(h, &header) ||
	    changeset_read(d, id, &cs, &e) < 0)
		return;

	enum tenure_state ts = tenure_state(h, &cs);

	if (ts != TENURE_WAITING && ts != TENURE_UNWATCHED && ts != TENURE_WORKING)
		return;
	for (size_t i = 0; i < plan->len; i++)
		n += plan->item[i].result == CHANGE_SATISFIED && holds(&cs, &plan->item[i]);
	if (!n)
		return;
	if (cs.tenure.run)
		output_note(app,
			    "%zu satisfied by changeset %s only until its run is over, and not "
			    "held by this apply",
			    n, id);
	else
		output_note(app,
			    "%zu satisfied by changeset %s only until %s, and not held by this "
			    "apply (runup confirm %s keeps it)",
			    n, id, cs.tenure.until, id);
}

void changing_note_borrowed(const struct app *app, const struct host *h, const struct changes *plan)
{
	cleanup_free char(*ids)[CHANGESET_ID_MAX] = NULL;
	struct state_dir d;
	struct err e;
	size_t len = 0;

	if (!changes_count(plan, CHANGE_SATISFIED) || state_dir_open(&d, false, NULL, &e) < 0)
		return;
	if (changeset_ids(&d, &ids, &len, &e) == 0)
		for (size_t i = 0; i < len; i++)
			note_borrowed_of(app, h, &d, ids[i], plan);
	state_dir_close(&d);
}

/*
 * systemd's timer outlives the login session that is cleaned up (KillUserProcesses=) and the
 * service that runup may be started by, which a guardian does not. It needs no privileges to
 * inherit, and finds the changeset by its deadline. Without one the guardian stays.
 */
static void start_timer(const struct state_dir *d, struct changing *c)
{
	char program[PATH_MAX], folder[PATH_MAX], setting[PATH_MAX + 32];
	const char *const argv[] = {program, "rollback", "--expired", NULL};
	ssize_t len = readlink("/proc/self/exe", program, sizeof(program) - 1);
	uint64_t now_ns = now_boottime_ns(), until_ns = c->tenure.deadline_ns;
	struct err e;

	if (len < 0 || !realpath(d->path, folder))
		return;
	program[len] = '\0';
	snprintf(setting, sizeof(setting), "RUNUP_STATE_DIR=%s", folder);
	snprintf(c->timer, sizeof(c->timer), TENURE_TIMER "%" PRIu64, until_ns);
	if (systemd_timer_start(c->timer, until_ns > now_ns ? until_ns - now_ns : 0, setting, argv,
				&e) < 0)
		log_debug("%s; a guardian waits instead", e.msg);
	else
		c->tenure.timer = c->timer;
}

int changing_guard(const struct session *s, const struct state_dir *d, const struct changes *plan,
		   struct changing *c, struct err *e)
{
	if (!c->tenure.run && !c->tenure.deadline_ns)
		return 0;

	int r = guardian_start(&s->host, d, plan_caps(plan), &c->guardian, e);

	if (r < 0)
		return err_wrap(e, "nothing was changed");
	c->tenure.guardian = c->guardian.process;
	if (c->tenure.deadline_ns && systemctl_runs(&s->host))
		start_timer(d, c);
	return 0;
}

void changing_let_go(struct changing *c, bool applied)
{
	struct err e;

	if (applied && c->tenure.deadline_ns && !c->tenure.timer) {
		guardian_keep(&c->guardian, c->tenure.deadline_ns);
		return;
	}
	guardian_release(&c->guardian);
	if (!applied && c->tenure.timer && systemd_timer_stop(c->tenure.timer, &e) < 0)
		log_debug("%s", e.msg);
}

int changing_apply(const struct session *s, const struct state_dir *d, char *const *argv,
		   struct changing *c, struct changes *plan, char id[CHANGESET_ID_MAX],
		   struct err *e)
{
	cleanup_free char *command = redact_line(argv);
	struct run_as caller;
	int r = run_as_find(NULL, &caller, e);

	if (r == 0)
		r = proc_identity(&s->host, 0, &c->tenure.maker, e);
	if (r < 0)
		return r;

	struct journal_header header = {
		.profile = s->profile.name,
		.command = command,
		.user = caller.name,
		.uid = caller.uid,
		.tenure = c->tenure,
		.keep_going = c->keep_going,
	};

	return apply_changes(&s->host, d, &header, plan, id, e);
}
