/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The contract of a knob, a kind of setting; the only way anything on the host is written. */
#ifndef RUNUP_TUNE_KNOB_H
#define RUNUP_TUNE_KNOB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/attr.h"
#include "base/err.h"
#include "core/profile.h"
#include "core/setting.h"
#include "sys/host.h"
#include "sys/sysctl.h"

/* Size of a buffer for a value, and for the name of the object that a key belongs to. */
#define KNOB_VALUE_MAX SYSCTL_VALUE_MAX
#define KNOB_IDENTITY_MAX 128

/* Keys of the objects that one wish names. Zero-initialise; knob_keys_done() releases. */
struct knob_keys {
	const char **item;
	size_t len, cap;
	struct arena arena;
};
void knob_keys_add(struct knob_keys *keys, const char *fmt, ...) printf_(2, 3);
void knob_keys_done(struct knob_keys *keys);

/*
 * One file knob_KIND.c each, one row in knobs[]. Keys come from a profile or a journal and are
 * checked again here: a journal is untrusted input. Functions marked "may be NULL" have the
 * meaning of the common case then.
 */
struct knob {
	const char *kind; /* section of the profile, field of the journal */

	/*
	 * The objects that a wish's key names: each socket of "tcp:8080", each file of a pattern.
	 * None is not an error here: it is one for the plan, unless the line is optional, or
	 * none_is_fine. May be NULL: the key is the object.
	 */
	int (*expand)(const struct host *h, const char *key, struct knob_keys *ret, struct err *e);
	/* Is a wish that names nothing no setting of the host (limits of run's command)? May be
	 * NULL: no. */
	bool (*none_is_fine)(const char *key);
	/*
	 * What the wanted text comes to for this object ("max": the ring's own maximum), into buf
	 * of KNOB_VALUE_MAX. May be NULL: it is taken as it stands.
	 */
	int (*resolve)(const struct host *h, const char *key, const char *want, char *buf,
		       struct err *e);
	/*
	 * May `key` be written in this host's namespace at all? 0; -ENOENT: not there; -EROFS: it
	 * belongs to the host, not to this namespace; -EACCES/-EPERM; -ERR_BAD_INPUT: not a key of
	 * this kind.
	 */
	int (*permitted)(const struct host *h, const char *key, struct err *e);
	/* Value now, as the kernel prints it, into buf of KNOB_VALUE_MAX. */
	int (*read)(const struct host *h, const char *key, char *buf, struct err *e);
	int (*write)(const struct host *h, const char *key, const char *value, struct err *e);
	/*
	 * What the kernel will show after `value` was written, where it rounds or respells
	 * (nf_conntrack_buckets); else the value itself. Writes to buf of KNOB_VALUE_MAX. May be
	 * NULL: the value itself, which is spelled canonically already (value_merge()).
	 */
	void (*normalise)(const struct host *h, const char *key, const char *value, char *buf);
	/*
	 * Names the object the key belongs to, so that rollback never tunes a stranger:
	 * "netns:COOKIE", "host", "pid:4242 start:123456". Its first word is the place, where
	 * another one than the journal's means that the journal is not to be trusted; what follows
	 * is an object that comes and goes (a process, an interface): another one means that this
	 * one is gone and its name is used again. Writes to buf of KNOB_IDENTITY_MAX.
	 * -ENOENT: the object is gone.
	 */
	int (*identity)(const struct host *h, const char *key, char *buf, struct err *e);
	/*
	 * Does the object end by itself (a process, a socket), so that there is no more to do for
	 * it, and it is no reason to give up on the others? May be NULL: no.
	 */
	bool (*ends)(const char *key);
	/*
	 * Does the change lie on disk, so that a reboot does not take it along? write() has synced
	 * it when it returns. May be NULL: no.
	 */
	bool (*durable)(const char *key);
	/* Orders changes: lower is written first (a ceiling before what it caps). */
	int (*rank)(const char *key);
	/*
	 * What reading, writing and identifying a key takes besides being root, who owns the files
	 * (CAP_BIT(CAP_…) of sys/caps.h): all that a guardian keeps.
	 * May be NULL: nothing.
	 */
	uint64_t (*caps)(const char *key);
};

/* A new kind is one word here and its file knob_KIND.c. */
#define KNOBS(X) X(sysctl) X(sysfs) X(listen) X(rlimit) X(notrack) X(nic)

#define X_EXTERN(name) extern const struct knob knob_##name;
KNOBS(X_EXTERN)
#undef X_EXTERN

/* The knob of a kind, or NULL: not known. */
const struct knob *knob_find(const char *kind);

/* normalise(), where there is one; else the value. */
void knob_normalise(const struct knob *k, const struct host *h, const char *key, const char *value,
		    char *buf);

/* caps(), where there is one. */
uint64_t knob_caps(const struct knob *k, const char *key);

/* ends(), where there is one. */
bool knob_ends(const struct knob *k, const char *key);

/* durable(), where there is one. */
bool knob_durable(const struct knob *k, const char *key);

/*
 * May this be a value at all: one line of text, no control characters but tabs, short enough? What
 * is not is neither recorded nor written.
 */
bool knob_value_sane(const char *value);

#endif
