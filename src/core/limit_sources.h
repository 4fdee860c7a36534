/* SPDX-License-Identifier: GPL-2.0-or-later */
/* For limit_origin.c: the two configurations that set limits, each in a file of its own. */
#ifndef RUNUP_CORE_LIMIT_SOURCES_H
#define RUNUP_CORE_LIMIT_SOURCES_H

#include "core/conf_files.h"
#include "core/limit_origin.h"

/* limit_pam.c: limits.conf and limits.d, for the real user of the process. */
void limit_read_pam(const struct host *h, pid_t pid, enum limit_kind kind,
		    struct limit_origin *ret);

/* limit_unit.c: the unit ret->name, then the manager's defaults. */
void limit_read_unit(const struct host *h, enum limit_kind kind, struct limit_origin *ret);

/* A conf_reader's unread(), with data a struct limit_origin: the first is the doubt. */
void limit_note_unread(struct limit_origin *o, const struct err *e);

/* Both limits from one place. */
void limit_set(struct limit_origin *o, uint64_t soft, uint64_t hard, const char *file,
	       unsigned line);

#endif
