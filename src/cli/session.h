/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Steps that several commands share: host, profile and load, opened and judged in one way. */
#ifndef RUNUP_CLI_SESSION_H
#define RUNUP_CLI_SESSION_H

#include "base/attr.h"
#include "base/err.h"
#include "cli/cmd.h"
#include "core/check.h"
#include "core/finding.h"
#include "core/load.h"
#include "core/profile.h"
#include "sys/host.h"

/* Start with SESSION_INIT; session_done() releases. */
struct session {
	struct host host;
	struct profile profile;
	bool has_profile;
	struct load load; /* command line, then the generator's, then profile, completed */
	struct sysctl_config configured;
	/* Set before session_open(): judge the network namespace of the load's process, if it has
	 * another one and --netns names none. */
	bool follow_process;
	char process_netns[16]; /* its pid, where that was done */
	/* Set before session_open(): the command that makes the load, NULL for none, and who it
	 * will run as (NULL: the user behind sudo, else the present one). */
	char *const *command;
	const char *command_user;
};

#define SESSION_INIT                                                                               \
	{                                                                                          \
		.host = {.root_fd = -1, .origin_netns_fd = -1 }                                    \
	}

/*
 * Opens the host of the global options, loads the profile (NULL: none), merges and completes the
 * load, resolves the profile's `auto` values (strict: one without a load is an error).
 */
must_check int session_open(struct session *s, const struct app *app, const char *profile,
			    const struct load *options, bool strict, struct err *e);

/* What the checks look at. */
struct check_input session_input(const struct session *s, const struct app *app,
				 const struct observation *observed);

/* Exit code of a set of findings: 1 for a fail (or warn with fail_on_warn), 3 for a needed unknown.
 */
int session_exit_code(const struct findings *fs, bool fail_on_warn);

/* Refuses ids that no check has; -ERR_BAD_INPUT. */
must_check int selection_check(const struct check_selection *sel, struct err *e);

void session_done(struct session *s);

#endif
