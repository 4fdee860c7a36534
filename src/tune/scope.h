/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What knobs of the host's and of a network namespace's objects share. */
#ifndef RUNUP_TUNE_SCOPE_H
#define RUNUP_TUNE_SCOPE_H

#include <stdbool.h>

#include "base/attr.h"
#include "base/err.h"
#include "core/setting_kind.h"
#include "sys/host.h"
#include "sys/nl_link.h"
#include "tune/knob.h"

/* Behind the sysctls (knob_sysctl.c); channels come before what is set for each queue. */
#define KNOB_RANK_NIC 10
#define KNOB_RANK_SYSFS 11

/* -EOPNOTSUPP: this namespace could not be told from others later (before 5.14). */
must_check int knob_netns_known(const struct host *h, const char *key, struct err *e);

/* -EROFS: what the host owns is not set from another network namespace. */
must_check int knob_host_here(const struct host *h, const char *key, struct err *e);

/* Who has the name that a journal's object had. */
enum holder {
	HOLDER_SAME,
	HOLDER_NONE,	/* the object is gone */
	HOLDER_ANOTHER, /* gone, and its name used again */
	HOLDER_RENAMED, /* a device that has another name now, and still what was set */
	HOLDER_NOT_PROVEN,
};

/*
 * Compares the identity that a journal holds for a key with what has that key now. now: its
 * identity, KNOB_IDENTITY_MAX; device: the name that it has now, where it is HOLDER_RENAMED. An
 * enum holder, or -errno of asking.
 */
must_check int knob_holder(const struct host *h, const struct knob *k, const char *key,
			   const char *recorded, char *now, char device[LINK_NAME_MAX],
			   struct err *e);

/*
 * expand() of a knob by its setting_kind: what a pattern names, or the one object. That one has to
 * be there: -ENOENT says what is missing, where the plan would take it for an object that ended.
 */
must_check int knob_expand(const struct setting_kind *kind, bool pattern, const struct host *h,
			   const char *key, struct knob_keys *ret, struct err *e);

#endif
