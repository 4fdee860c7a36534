/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is known about each sysctl: who owns it, how its value is read, which check judges it. */
#ifndef RUNUP_CORE_SYSCTL_KEY_H
#define RUNUP_CORE_SYSCTL_KEY_H

#include <stdbool.h>

#include "base/attr.h"
#include "base/err.h"
#include "core/finding.h"
#include "core/setting.h"
#include "sys/sysctl.h"

enum scope {
	SCOPE_NETNS,	   /* each network namespace has its own */
	SCOPE_NETNS_SHOWN, /* shown in a namespace, owned by the host (read-only there) */
	SCOPE_HOST,    /* the host's alone; not there, or not to be written, in another namespace */
	SCOPE_UNKNOWN, /* not in the table: told from the file itself */
};

/* What `auto` stands for; the sum is core/capacity's. */
enum auto_value {
	AUTO_NONE,
	AUTO_ACCEPT_QUEUE,
	AUTO_CONNTRACK,
	AUTO_LISTEN_PORTS,
};

struct sysctl_key {
	const char *key;
	enum scope scope;
	bool module; /* there only while a module is loaded */
	enum value_kind kind;
	unsigned fields;	/* how many numbers; 0: one */
	int64_t min, max;	/* of each number; max 0: as large as an int */
	bool zero_is_unlimited; /* 0 is more than any number */
	enum auto_value auto_value;
	const char *check; /* id of the check that judges it; "config.profile" otherwise */
	enum finding_status
		severity; /* when a profile wants another value: FINDING_FAIL or _WARN */
	const char *why;  /* one or two sentences */
};

/*
 * The row for a key. Keys outside the table get a shared row where a profile may name them at all:
 * net.* and vm.*. NULL: not allowed (kernel.core_pattern, fs.* and kernel.* that are not listed …):
 * a profile must not become code execution.
 */
const struct sysctl_key *sysctl_key_find(const char *key);

/*
 * Could the kernel take `text` for this key? Number of fields and range, where a row says so, so
 * that a wrong one is refused where it is written and not by the kernel half-way
 * (proc_dointvec_minmax() stores the fields before a bad one). -ERR_BAD_INPUT.
 */
must_check int sysctl_value_check(const struct sysctl_key *k, const char *text, struct err *e);

/* value_satisfies(), with what 0 means to this key. */
bool sysctl_satisfies(const struct sysctl_key *k, enum value_kind kind, enum op op, const char *now,
		      const char *want);

const char *scope_name(enum scope s);

#endif
