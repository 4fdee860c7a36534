/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One `runup watch`: what its loop and what it tells share. */
#ifndef RUNUP_CLI_WATCHING_H
#define RUNUP_CLI_WATCHING_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/ranges.h"
#include "cli/cmd.h"
#include "cli/session.h"
#include "core/observation.h"
#include "report/face.h"
#include "sys/notify.h"
#include "watch/watch.h"

struct watching {
	const struct app *app;
	const struct face *face;
	struct text_style style;
	bool silent; /* no word unless something is seen */
	const char *profile;
	uint64_t interval_ns, for_ns; /* for_ns 0: until a signal */

	struct session session;
	struct notify notify;
	int signal_fd;
	struct watch *watch;
	struct observation observed;
	uint64_t kept; /* capabilities, as CAP_BIT() */

	struct ranges pid_ports;
	struct err pid_ports_error; /* code 0: they are known */

	uint64_t *told; /* of each alert of the observation, how many */
	size_t told_len, told_cap;
	bool seen;		/* something that is not background */
	bool ended;		/* by a signal, or the time is over */
	bool no_reader;		/* of standard output: nothing can be told any more */
	struct err write_error; /* code 0: none */
};

/* Where the load's process listens; again whenever something new is to be judged by it. */
void watching_find_ports(struct watching *w);

/* What a face has to say at these moments, written at once. */
void watching_tell_start(struct watching *w);
void watching_tell_reading(struct watching *w);
void watching_tell_summary(struct watching *w);

/* Until a signal, the end of the time or of the reader, or nothing is left to read. */
void watching_loop(struct watching *w);

#endif
