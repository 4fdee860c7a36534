/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One `runup run`: what its steps share. */
#ifndef RUNUP_CLI_RUN_H
#define RUNUP_CLI_RUN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/ranges.h"
#include "cli/changing.h"
#include "cli/cmd.h"
#include "cli/run_loop.h"
#include "cli/session.h"
#include "core/change.h"
#include "core/finding.h"
#include "core/observation.h"
#include "report/rundir.h"
#include "report/text.h"
#include "report/verdict.h"
#include "sys/child.h"
#include "sys/run_as.h"
#include "tune/journal.h"

struct run_opts {
	const char *profile;
	bool apply;
	const char **skip;
	const char *user;
	const char *report;
	bool no_argv;
};

/* One run, from its options to its exit code. */
struct run {
	const struct app *app;
	const struct run_opts *o;
	char *const *argv; /* of the command */
	uint64_t time_ns;  /* CLOCK_REALTIME */
	struct session session;
	struct run_as user;
	const char **skip;
	bool skip_all;
	struct child_signals signals;
	struct state_dir state;
	struct rundir dir;
	struct changes changes;
	struct changing changing;
	char changeset[CHANGESET_ID_MAX];
	bool applied;
	struct findings findings;
	struct observation observed;
	struct ranges pid_ports;
	struct err pid_ports_error; /* code 0: they are known */
	struct run_outcome outcome;
	struct verdict verdict;
	int code;    /* exit code if the command did not run to its end; 0: it did */
	bool failed; /* runup itself could not do its part; said on stderr */
};

/* Limits are inherited: raised here, checks see what the command will get. */
must_check int run_raise_limits(const struct run *r, struct err *e);

/* do_prlimit() refuses more than fs.nr_open: a limit above it has to wait until that is applied. */
bool run_limits_wait(const struct run *r);

/*
 * From the first change of the host to the end of the command. Whatever comes of it, run_undo() and
 * run_report() follow.
 */
void run_carry_out(struct run *r);

/* Puts back what was changed. */
void run_undo(struct run *r);

/* run.json and the summary; names what the command left running. */
void run_report(struct run *r);

int run_exit_code(const struct run *r);

/* "runup: …" on stderr, in the form of main.c, for what must not end in its exit codes. */
void run_complain(const struct err *e);

/* Stdout is the command's; what runup says goes to stderr, and colour by that. */
struct text_style run_style(const struct app *app);

#endif
