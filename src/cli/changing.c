/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/changing.h"

#include <stdio.h>

#include "base/cleanup.h"
#include "report/redact.h"
#include "sys/run_as.h"
#include "tune/apply.h"

static void waiting(void)
{
	fputs("runup: another runup is changing this host; waiting for it to end\n", stderr);
}

int changing_open_state(struct state_dir *d, struct err *e)
{
	return state_dir_open(d, true, waiting, e);
}

int changing_apply(const struct session *s, const struct state_dir *d, char *const *argv,
		   struct changes *plan, char id[CHANGESET_ID_MAX], struct err *e)
{
	cleanup_free char *command = redact_line(argv);
	struct run_as caller;
	int r = run_as_find(NULL, &caller, e);

	if (r < 0)
		return r;

	struct journal_header header = {
		.profile = s->profile.name,
		.command = command,
		.user = caller.name,
		.uid = caller.uid,
	};

	return apply_changes(&s->host, d, &header, plan, id, e);
}
