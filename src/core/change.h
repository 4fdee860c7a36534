/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Changes: one knob's key, before, wanted, and what came of it. */
#ifndef RUNUP_CORE_CHANGE_H
#define RUNUP_CORE_CHANGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "core/setting.h"

enum change_result {
	CHANGE_PLANNED,	  /* would be written (--dry-run), or its write was not recorded */
	CHANGE_WRITTEN,	  /* written, and what was read back satisfies the wish */
	CHANGE_SATISFIED, /* nothing to write */
	CHANGE_MISSING,	  /* optional and not there */
	CHANGE_FAILED,
	CHANGE_RESTORED,  /* rollback: value before is back */
	CHANGE_UNCHANGED, /* rollback: value before was there already */
	CHANGE_DRIFTED,	  /* somebody else changed it since: left alone */
	CHANGE_GONE,	  /* its object is gone (namespace, reboot): nothing to write */
	CHANGE_INHERITED, /* rollback: a later changeset holds the key and takes over `before` */
	CHANGE_IN_FORCE,  /* status: as apply left it */
	CHANGE_UNKNOWN,	  /* could not be read, or not proven by the journal */
};

/* Texts live in the arena of the struct changes that holds it. */
struct change {
	const char *kind; /* "sysctl" */
	const char *key;
	enum value_kind value_kind;
	enum op op;
	const char *want; /* as the profile wants it, auto resolved */
	const char *before;
	const char *write;  /* what is written: before and want merged */
	const char *expect; /* `write` as the kernel will show it */
	const char *after;  /* read back; NULL: not known */
	const char *now;    /* rollback, status: the value found; NULL: not read */
	const char *why;    /* reason of the result, or the arithmetic of an auto value */
	const char *reason; /* why it is wanted at all: want_reason(); NULL: not known (journals) */
	enum change_result result;
};

/* Zero-initialise; changes_done() releases. */
struct changes {
	struct change *item;
	size_t len, cap;
	struct arena arena;
};

struct change *changes_add(struct changes *cs, const char *kind, const char *key);
size_t changes_count(const struct changes *cs, enum change_result r);
const char *change_result_name(enum change_result r); /* "written" … */
bool change_result_find(const char *name, enum change_result *ret);
void changes_done(struct changes *cs);

#endif
