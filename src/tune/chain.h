/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Changesets that hold the same key of the same object, and what undoing one has to look at. */
#ifndef RUNUP_TUNE_CHAIN_H
#define RUNUP_TUNE_CHAIN_H

#include <stdbool.h>
#include <stddef.h>

#include "base/attr.h"
#include "base/err.h"
#include "sys/caps.h"
#include "sys/host.h"
#include "tune/journal.h"

/* The other changesets, oldest first. Zero-initialise; chain_done() releases. */
struct chain {
	struct changeset *item;
	size_t len, cap;
};

must_check int chain_load(struct chain *ch, const struct state_dir *d, const struct changeset *self,
			  struct err *e);
void chain_done(struct chain *ch);

/* The next later open changeset that holds change n of cs as its change *ret_n, or NULL. */
struct changeset *chain_heir(const struct chain *ch, const struct changeset *cs, size_t n,
			     size_t *ret_n);

/*
 * Gives change n of cs the `before` that an earlier changeset handed over to it, should its own
 * journal have lost that line: the earlier journal proves it too.
 */
void chain_inherit(const struct chain *ch, struct changeset *cs, size_t n);

/* What a value found is to a change. */
enum value_is {
	VALUE_IS_BEFORE, /* the value to return to */
	VALUE_IS_OURS,	 /* what apply left, or was about to write or found when it was killed */
	VALUE_IS_OTHERS,
};
enum value_is chain_judge(const struct changeset *cs, size_t n, const char *value);

/* The network namespace of a changeset. */
struct place {
	struct host host; /* as there; its descriptors are borrowed */
	int back_fd;	  /* where the thread came from; -1: it did not move */
};

/* What the search for a namespace takes, and setns(2). */
#define PLACE_CAPS (CAP_BIT(CAP_SYS_ADMIN) | CAP_BIT(CAP_SYS_PTRACE) | CAP_BIT(CAP_DAC_READ_SEARCH))

/* Is the changeset of another namespace than the host's? */
bool place_is_elsewhere(const struct host *h, const struct changeset *cs);

/*
 * Moves the thread into the changeset's namespace if it is another. -ENOENT: that namespace is
 * gone; -EXDEV: it could not be entered or not be looked for, the message says what to do.
 */
must_check int place_enter(struct place *p, const struct host *h, const struct changeset *cs,
			   struct err *e);
must_check int place_leave(struct place *p, struct err *e);

#endif
