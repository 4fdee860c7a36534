/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Profiles: INI files that say what a load needs of a host. */
#ifndef RUNUP_CORE_PROFILE_H
#define RUNUP_CORE_PROFILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/attr.h"
#include "base/err.h"
#include "core/finding.h"
#include "core/load.h"
#include "core/setting.h"
#include "core/sysctl_key.h"

/* One line of a section that wants a value. */
struct want {
	const char *kind; /* the knob's: "sysctl", "rlimit" */
	const char *key;
	const struct sysctl_key *sysctl; /* its row, for kind "sysctl" */
	enum value_kind value_kind;
	enum op op;
	const char *value; /* resolved by profile_resolve(); NULL: auto found nothing to size by */
	const char *minimum; /* of an auto value: the demand itself, without head-room */
	bool is_auto;
	bool optional;		/* leading '-': fine if the key is not there */
	const char *arithmetic; /* of an auto value */
	const char *unsized;	/* why auto has no value: "state --connections or --burst" */
	const char *comment;	/* its reason: the words behind the line or above it; NULL: none */
	const char *file;
	unsigned line;
};

/* One line of [check]. */
struct check_rule {
	const char *id;
	enum finding_status severity; /* FINDING_FAIL, FINDING_WARN, FINDING_NA for "ignore" */
	int above_percent;	      /* "fail above 80%"; -1: not said */
	const char *file;
	unsigned line;
};

/* Zero-initialise; profile_done() releases. */
struct profile {
	const char *name; /* as asked for */
	const char *path;
	const char *summary;
	struct load load; /* its [load] */
	struct want *wants;
	size_t wants_len, wants_cap;
	struct check_rule *rules;
	size_t rules_len, rules_cap;
	struct arena arena;
};

/*
 * Finds (a path if it has a '/', else NAME.ini in RUNUP_PROFILE_DIR if set, /etc/runup/profiles,
 * the installed folder, and ../profiles beside the program's own folder, for a run from the build
 * tree) and parses a profile and what it includes; an including file's line wins over the included
 * one's. Under root, the opened file and every folder above it must belong to root or SUDO_UID and
 * not be writable by others (sticky folders excepted).
 *
 * -ERR_BAD_INPUT: no such profile, refused, or a bad line; the message begins "FILE:LINE: ".
 */
must_check int profile_load(struct profile *p, const char *name, struct err *e);

/*
 * Sizes every `auto` by the load (already completed) and, for conntrack, by the timeout in force on
 * the host (120 s where it cannot be read). With `strict`, an auto that has nothing to be
 * sized by is an error that names what to state; otherwise its want keeps value NULL.
 */
must_check int profile_resolve(struct profile *p, const struct load *l, const struct host *h,
			       bool strict, struct err *e);

/* Why a line is there: its comment, else what is known about its key. NULL: neither. */
const char *want_reason(const struct want *w);

/* The want for a key, or NULL. */
const struct want *profile_want(const struct profile *p, const char *kind, const char *key);

/* The rule for a check id, or NULL. */
const struct check_rule *profile_rule(const struct profile *p, const char *id);

/* Calls each() for every profile on the search path, once a name, in order of name. */
void profile_list(void (*each)(const char *name, const char *path, void *data), void *data);

/*
 * For the parser: opens the file of a profile by the rules above. Returns a descriptor, and its
 * path in the arena, or -ERR_BAD_INPUT. beside (may be NULL): a file whose folder is looked in
 * first.
 */
must_check int profile_open(struct arena *a, const char *name, const char *beside,
			    const char **ret_path, struct err *e);

void profile_done(struct profile *p);

#endif
