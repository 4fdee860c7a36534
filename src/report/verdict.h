/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The verdict of a run: does its result say something about the target? */
#ifndef RUNUP_REPORT_VERDICT_H
#define RUNUP_REPORT_VERDICT_H

#include <stddef.h>

#include "base/arena.h"
#include "base/ranges.h"
#include "core/finding.h"
#include "core/load.h"
#include "core/observation.h"

enum verdict_word {
	VERDICT_VALID,	 /* nothing was seen that touches the load */
	VERDICT_SUSPECT, /* pressure, a symptom, or something needed could not be told */
	VERDICT_INVALID, /* something was lost or ran out that touches the load */
};

struct verdict_input {
	const struct observation *observed;
	const struct load *load;
	const struct ranges *pid_ports;	 /* where the load's process listens; NULL: none stated */
	const char *pid_ports_unknown;	 /* why that could not be told; NULL: it could */
	const struct findings *findings; /* of the preflight; NULL: it was skipped */
};

/* Zero-initialise; verdict_done() releases. Alerts are borrowed from the observation. */
struct verdict {
	enum verdict_word word;
	const char *blame; /* "this host"; NULL: nobody's, or not known */
	const struct alert **causes;
	size_t causes_len, causes_cap;
	const struct alert **background; /* seen, and does not touch the load */
	size_t background_len, background_cap;
	const char **reasons; /* one sentence each, never none */
	size_t reasons_len, reasons_cap;
	struct arena arena;
};

/*
 * Judges what was seen; a function of its input alone.
 *
 * A loss or limit that touches the load makes it INVALID, a pressure or symptom SUSPECT. Alerts
 * that belong to a port touch it if the load states that port, targets it, or its process listens
 * there; with no port, target or process stated every one does, and a reason says so. Those of a
 * table that all share touch it always. What belongs to some port that nobody saw may be the
 * load's: SUSPECT. The rest is background.
 *
 * A source that the verdict rests on and that was blind makes it SUSPECT too: nothing that could
 * not be seen is VALID.
 */
void verdict_judge(const struct verdict_input *in, struct verdict *ret);

/* INVALID for a reason that needs no alert: the command was not started, was cut short … */
void verdict_invalid(struct verdict *v, const char *fmt, ...) printf_(2, 3);

/* Likewise SUSPECT, unless it is worse already. */
void verdict_suspect(struct verdict *v, const char *fmt, ...) printf_(2, 3);

/* One more sentence; the word stays. */
void verdict_remark(struct verdict *v, const char *fmt, ...) printf_(2, 3);

const char *verdict_name(enum verdict_word w); /* "VALID" … */
void verdict_done(struct verdict *v);

#endif
