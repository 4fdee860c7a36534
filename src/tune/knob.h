/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The contract of a knob, a kind of setting; the only way anything on the host is written. */
#ifndef RUNUP_TUNE_KNOB_H
#define RUNUP_TUNE_KNOB_H

#include <stdbool.h>
#include <stddef.h>

#include "base/attr.h"
#include "base/err.h"
#include "core/profile.h"
#include "core/setting.h"
#include "sys/host.h"
#include "sys/sysctl.h"

/* Size of a buffer for a value, and for the name of the object that a key belongs to. */
#define KNOB_VALUE_MAX SYSCTL_VALUE_MAX
#define KNOB_IDENTITY_MAX 128

/*
 * One file knob_KIND.c each, one row in knobs[]. Keys come from a profile or a journal and are
 * checked again here: a journal is untrusted input.
 */
struct knob {
	const char *kind; /* section of the profile, field of the journal */

	/*
	 * May `key` be written in this host's namespace at all? 0; -ENOENT: not there; -EROFS: it
	 * belongs to the host, not to this namespace; -EACCES/-EPERM; -ERR_BAD_INPUT: not a key of
	 * this kind.
	 */
	int (*permitted)(const struct host *h, const char *key, struct err *e);
	/* Value now, as the kernel prints it, into buf of KNOB_VALUE_MAX. */
	int (*read)(const struct host *h, const char *key, char *buf, struct err *e);
	int (*write)(const struct host *h, const char *key, const char *value, struct err *e);
	/* How the value of `key` is compared. */
	enum value_kind (*value_kind)(const char *key);
	/*
	 * What the kernel will show after `value` was written, where it rounds or respells
	 * (nf_conntrack_buckets); else the value itself. Writes to buf of KNOB_VALUE_MAX.
	 */
	void (*normalise)(const struct host *h, const char *key, const char *value, char *buf);
	/*
	 * Names the object the key belongs to, so that rollback never tunes a stranger:
	 * "netns:COOKIE", "host". Writes to buf of KNOB_IDENTITY_MAX.
	 */
	void (*identity)(const struct host *h, const char *key, char *buf);
	/* Orders changes: lower is written first (a ceiling before what it caps). */
	int (*rank)(const char *key);
};

extern const struct knob knob_sysctl;

/* The knob of a kind, or NULL: the kind is no setting of the host ("rlimit") or not known. */
const struct knob *knob_find(const char *kind);

/*
 * May this be a value at all: one line of text, no control characters but tabs, short enough? What
 * is not is neither recorded nor written.
 */
bool knob_value_sane(const char *value);

#endif
