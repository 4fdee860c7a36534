/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The files of sysfs that a profile may set. */
#ifndef RUNUP_CORE_SYSFS_KEY_H
#define RUNUP_CORE_SYSFS_KEY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/err.h"
#include "core/finding.h"
#include "core/setting.h"

/* In place of a mask: every CPU that is online, and not kept for something else. */
#define SYSFS_ALL_CPUS "all"

#define SYSFS_PATH_MAX 192

/*
 * One row of the allow-list. The operators that go with a key are those of its kind of value.
 */
struct sysfs_key {
	/* A part "*" stands for a network device, "cpu*" for cpu0, cpu1 …; nothing else varies. */
	const char *pattern;
	bool of_netns; /* of a device, in its network namespace; else the host's */
	enum value_kind kind;
	uint64_t max;		  /* of a number */
	bool power_of_two;	  /* the kernel rounds a number up to one; 0 stays */
	const char *const *words; /* of a text: those there are, NULL-terminated */
	bool chosen; /* the kernel prints all words and puts the one in force in brackets */
	const char *check;
	enum finding_status severity;
	const char *why;
};

/*
 * The row that a path belongs to. Parts of it may be patterns themselves ("eth*", "rx-?"), but only
 * where the row's are. NULL: a profile may not set it.
 */
const struct sysfs_key *sysfs_key_find(const char *path);

/* Is `name` what the row's part (a device, "cpu7") stands for, and does it match the path's part?
 */
bool sysfs_part_matches(const char *row_part, const char *path_part, const char *name);

/* Has the part of a path or row more than one meaning? */
bool sysfs_is_pattern(const char *part);

/* Could this be the value? -ERR_BAD_INPUT. */
must_check int sysfs_value_check(const struct sysfs_key *k, const char *text, struct err *e);

#endif
