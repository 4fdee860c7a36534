/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The time between the start of a command and its end: signals, job control, the watch. */
#ifndef RUNUP_CLI_RUN_LOOP_H
#define RUNUP_CLI_RUN_LOOP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/err.h"
#include "sys/child.h"
#include "watch/watch.h"

/* How a command went. */
struct run_outcome {
	bool started; /* its program ran */
	int status;   /* as waitpid(2) gives it */
	/*
	 * Why it did not start: a positive errno of exec, or ECHILD for a step before (error says
	 * which); 0: it did.
	 */
	int start_error;
	struct err error;
	int interrupted; /* the first INT, QUIT, TERM or HUP that came meanwhile; 0: none */
	uint64_t start_ns, end_ns; /* CLOCK_MONOTONIC */
};

/* The first INT, QUIT, TERM or HUP that has arrived since it was asked last; 0: none. */
int run_loop_interrupted(const struct child_signals *s);

/*
 * Starts the command and returns when it has ended. Its exit is what ends the loop, not a signal:
 * INT and QUIT come from the terminal and reach the command as they reach runup; TERM and HUP are
 * forwarded. When it stops, runup stops too, so that the shell sees a stopped job, and continues
 * it. Orphans of the command are reaped, not waited for. w is turned whenever it is due.
 *
 * Negative: it could not be watched over, and does not run.
 */
must_check int run_loop(const struct child_options *o, struct watch *w, struct run_outcome *ret,
			struct err *e);

#endif
