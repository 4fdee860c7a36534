/* SPDX-License-Identifier: GPL-2.0-or-later */
/* All that is known of one run, and run.json made of it (schemas/run.schema.json). */
#ifndef RUNUP_REPORT_RECORD_H
#define RUNUP_REPORT_RECORD_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "core/change.h"
#include "core/check.h"
#include "core/finding.h"
#include "core/load.h"
#include "core/observation.h"
#include "report/verdict.h"
#include "sys/host.h"

/* Everything is borrowed. */
struct run_record {
	const char *version;
	uint64_t time_ns; /* CLOCK_REALTIME when runup was started */
	const struct host *host;

	char *const *argv; /* secrets and all: they go no further than this struct */
	bool hide_argv;	   /* --no-argv */
	const char *user;
	bool started;	      /* the command's program ran */
	int exit_code;	      /* -1: it was ended by a signal, or not started */
	int signal;	      /* 0: none */
	uint64_t duration_ns; /* from the start of the command to its end */

	const char *profile; /* NULL: none */
	const struct load *load;
	const struct findings *findings;
	const struct check_selection *selection;
	const struct changes *changes;
	const char *changeset; /* NULL or "": nothing was changed */
	const struct observation *observed;
	const struct verdict *verdict;
};

json_t *record_to_json(const struct run_record *r);

#endif
