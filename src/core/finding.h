/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Findings: the answers of checks. */
#ifndef RUNUP_CORE_FINDING_H
#define RUNUP_CORE_FINDING_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/arena.h"
#include "base/attr.h"
#include "base/err.h"

enum finding_status {
	FINDING_PASS,
	FINDING_WARN,
	FINDING_FAIL,
	FINDING_NA,	 /* not applicable: the question does not arise here */
	FINDING_UNKNOWN, /* could not tell; never green */
};

struct process_ref {
	pid_t pid; /* 0: none known */
	const char *comm;
	unsigned holders;
	const char *group; /* its control group as proc_group() has it; NULL: not known */
};

/* Text fields are NULL where there is nothing to say. */
struct finding {
	const char *id;	     /* check id, "listen.backlog" */
	const char *subject; /* what it is about: "tcp 0.0.0.0:8080", "net.core.somaxconn" */
	enum finding_status status;
	const char *observed, *required;
	const char *why; /* what happens if it stays so */
	const char *fix;
	const char *arithmetic;	     /* the sum behind required */
	const char *const *predicts; /* cause ids, NULL-terminated; set by finding_add() */
	struct process_ref process;
	bool needed; /* the load or profile needs it: an unknown here counts (exit 3) */
};

/* Zero-initialise; findings_done() releases. Texts live in the arena or are static. */
struct findings {
	struct finding *item;
	size_t len, cap;
	struct arena arena;
};

/*
 * Appends a finding and returns it for filling in; id is borrowed, subject is copied (may be NULL).
 * The pointer holds until the next finding_add().
 */
struct finding *finding_add(struct findings *fs, const char *id, enum finding_status status,
			    const char *subject);

/* Formatted into the arena of fs. */
const char *finding_text(struct findings *fs, const char *fmt, ...) printf_(2, 3);

/* For a check that could not tell: an unknown with the error's text. Returns 0, as run() does. */
int finding_cannot_tell(struct findings *fs, const char *id, bool needed, const struct err *e);

/* A value of the kernel on one line: it puts tabs between fields where people write blanks. */
const char *finding_value(struct findings *fs, const char *value);

const char *finding_status_name(enum finding_status s); /* "pass" … */
size_t findings_count(const struct findings *fs, enum finding_status s);
size_t findings_count_needed_unknown(const struct findings *fs);

void findings_done(struct findings *fs);

#endif
