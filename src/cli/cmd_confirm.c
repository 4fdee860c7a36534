/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "cli/changing.h"
#include "cli/cmd.h"
#include "cli/output.h"
#include "tune/tenure.h"

/* The newest changeset of an `apply --for`, whatever became of it; 0: there is none. */
static int find_newest(const struct state_dir *d, char id[CHANGESET_ID_MAX], struct err *e)
{
	cleanup_free char(*ids)[CHANGESET_ID_MAX] = NULL;
	size_t len;
	int r = changeset_ids(d, &ids, &len, e);

	if (r < 0)
		return r;
	for (size_t i = len; i-- > 0;) {
		cleanup_with(changeset_done) struct changeset cs = {0};

		/* What cannot be read is no --for that could be kept; status names it. */
		if (changeset_read_header(d, ids[i], &cs, e) < 0 || !cs.tenure.deadline_ns)
			continue;
		memcpy(id, ids[i], CHANGESET_ID_MAX);
		return 1;
	}
	return 0;
}

/* Why it cannot be kept; 0: it can, 1: it is already. */
static int judge(const struct host *h, const struct changeset *cs, struct err *e)
{
	const char *id = cs->id;

	if (cs->state == CHANGESET_UNREADABLE)
		return err_set(e, EBADMSG,
			       "confirm changeset '%s': line 1 of its journal is not believed (%s)",
			       id, cs->bad_len ? cs->bad[0].reason : "no header");
	if (!cs->tenure.deadline_ns)
		return err_set(e, ERR_BAD_INPUT,
			       "confirm changeset '%s': it was not applied with --for, so it stays "
			       "as it is",
			       id);
	if (cs->state == CHANGESET_CLOSED || cs->state == CHANGESET_EMPTY)
		return err_set(e, ETIME,
			       "confirm changeset '%s': too late, it was rolled back (--for, until "
			       "%s)",
			       id, cs->tenure.until);
	if (cs->state == CHANGESET_UNFINISHED)
		return err_set(e, EINTR,
			       "confirm changeset '%s': its apply was interrupted, so there is "
			       "nothing whole to keep (runup rollback %s)",
			       id, id);
	if (cs->confirmed)
		return 1;
	if (tenure_left_ns(h, cs) == 0)
		return err_set(e, ETIME,
			       "confirm changeset '%s': too late, its time was over (--for, until "
			       "%s; runup rollback %s)",
			       id, cs->tenure.until, id);
	return 0;
}

static int keep(const struct app *app, const struct host *h, const struct state_dir *d,
		const char *id, struct err *e)
{
	cleanup_with(changeset_done) struct changeset cs = {0};
	struct journal j = {.fd = -1};
	int r = changeset_read(d, id, &cs, e);

	if (r == 0)
		r = judge(h, &cs, e);
	if (r < 0)
		return r;

	bool before = r == 1;

	if (!before) {
		r = journal_reopen(&j, d, &cs, e);
		if (r == 0)
			r = journal_confirmed(&j, e);
		journal_close(&j);
		if (r < 0)
			return r;
	}
	tenure_dismiss(h, &cs);
	if (!app->quiet)
		printf("changeset %s %s: it stays until it is rolled\nback (runup rollback %s)\n",
		       id, before ? "was confirmed before" : "is confirmed", id);
	return 0;
}

static int none(const struct app *app, const char *wanted, struct err *e)
{
	if (wanted)
		return err_set(e, ERR_BAD_INPUT, "no changeset '%s': nothing was applied here",
			       wanted);
	if (!app->quiet)
		puts("nothing to confirm: no changeset was applied with --for");
	return 0;
}

static int confirm(const struct app *app, const struct host *h, const char *wanted, struct err *e)
{
	struct state_dir d;
	char newest[CHANGESET_ID_MAX];
	int r = state_dir_open(&d, false, NULL, e);

	/* Nothing was ever applied here, and asking must not leave a folder behind. */
	if (r == -ENOENT)
		return none(app, wanted, e);
	if (r < 0)
		return r;
	state_dir_close(&d);
	r = changing_open_state(&d, e);
	if (r < 0)
		return r;

	int found = wanted ? 1 : find_newest(&d, newest, e);

	r = found < 0	 ? found
	    : found == 0 ? none(app, NULL, e)
			 : keep(app, h, &d, wanted ? wanted : newest, e);
	state_dir_close(&d);
	/* Others that are past their time; or the very one, which then was too late to keep. */
	changing_finish_ended(app, h);
	return r;
}

static int run(const struct app *app, const struct input *in, struct err *e)
{
	struct host h;
	int r = host_open(&h, NULL, app->netns, e);

	if (r == 0)
		r = confirm(app, &h, in->operands_len ? in->operands[0] : NULL, e);
	host_close(&h);
	return r;
}

const struct cmd cmd_confirm = {
	.name = "confirm",
	.args = "[CHANGESET]",
	.summary = "keep what an `apply --for` did (bare: the newest)",
	.details =
		"It is not rolled back at its time any more. Too late, when it was already: exit "
		"code 3.",
	.operands_max = 1,
	.run = run,
};
