/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The process that puts things back when the runup that changed them is killed. */
#ifndef RUNUP_TUNE_GUARDIAN_H
#define RUNUP_TUNE_GUARDIAN_H

#include <stdint.h>

#include "base/attr.h"
#include "base/err.h"
#include "sys/host.h"
#include "sys/proc.h"
#include "tune/journal.h"

/* The runup's side of it. Begin with GUARDIAN_INIT. */
struct guardian {
	struct proc_identity process; /* pid 0: none was started */
	int word_fd;		      /* what is written here it acts on; closed: put it all back */
	int life_fd;		      /* ends when it does */
};

#define GUARDIAN_INIT                                                                              \
	{                                                                                          \
		.word_fd = -1, .life_fd = -1                                                       \
	}

/*
 * Starts it; call it before the journal is made, under the lock, so that there is no change without
 * one. It stands where the calling thread stands (network namespace), in a session of its own, with
 * /dev/null on its standard descriptors and none open beside its two pipe ends, signals of
 * terminals ignored, no capabilities but caps (CAP_BIT()). It is a child of this process and reaped
 * by guardian_release(), so that no zombie is left where process 1 reaps none, as in many
 * containers.
 *
 * From then on, when this process ends in any way without a word, SIGKILL included, it takes the
 * lock and rolls back the changeset whose journal names it as its guardian, if there is one. While
 * another runup holds the lock it waits and looks now and then whether that one has done it.
 */
must_check int guardian_start(const struct host *h, const struct state_dir *d, uint64_t caps,
			      struct guardian *ret, struct err *e);

/* All is dealt with: it ends without doing anything. Waits for that, at most two seconds. */
void guardian_release(struct guardian *g);

/*
 * The changes are to stay until deadline_ns (CLOCK_BOOTTIME): it rolls them back then, unless they
 * were confirmed or rolled back before. It does not need this process any more.
 */
void guardian_keep(struct guardian *g, uint64_t deadline_ns);

#endif
