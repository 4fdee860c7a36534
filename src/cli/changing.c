/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/changing.h"

#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/parse.h"
#include "report/redact.h"
#include "tune/apply.h"

static void waiting(void)
{
	fputs("runup: another runup is changing this host; waiting for it to end\n", stderr);
}

int changing_open_state(struct state_dir *d, struct err *e)
{
	return state_dir_open(d, true, waiting, e);
}

/* Who is to be named in the journal: the user behind sudo where there is one. */
static uid_t invoking_uid(void)
{
	const char *sudo = getenv("SUDO_UID");
	uint64_t uid;

	if (geteuid() == 0 && sudo && parse_u64(sudo, 0, UINT32_MAX, &uid) == 0)
		return (uid_t)uid;
	return getuid();
}

int changing_apply(const struct app *app, const struct session *s, struct changes *plan,
		   char id[CHANGESET_ID_MAX], struct err *e)
{
	struct state_dir d;
	uid_t uid = invoking_uid();
	const struct passwd *pw = getpwuid(uid);
	cleanup_free char *command = redact_line(app->argv);
	struct journal_header header = {
		.profile = s->profile.name,
		.command = command,
		.user = pw ? pw->pw_name : "",
		.uid = uid,
	};
	int r = changing_open_state(&d, e);

	if (r < 0)
		return r;
	r = apply_changes(&s->host, &d, &header, plan, id, e);
	state_dir_close(&d);
	return r;
}
