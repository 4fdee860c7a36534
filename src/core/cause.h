/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The table of reasons why packets, connections or requests are lost. */
#ifndef RUNUP_CORE_CAUSE_H
#define RUNUP_CORE_CAUSE_H

#include <stddef.h>

enum cause_kind { CAUSE_LOSS, CAUSE_LIMIT, CAUSE_PRESSURE, CAUSE_SYMPTOM };

struct cause {
	const char *id; /* "listen.accept_overflow" */
	enum cause_kind kind;
	const char *title;
	const char *counters[4];  /* that count it, named as in sys/procnet.h, or "ct.drop" … */
	const char *reasons[8];	  /* drop reasons that place it, by the kernel's names */
	const char *subject_kind; /* "listener", "table", "host" … */
	const char *why;	  /* what the kernel does, with its source */
	const char *fix;
};

extern const struct cause causes[];
extern const size_t causes_len;

const struct cause *cause_find(const char *id);
const struct cause *cause_by_counter(const char *counter);
const struct cause *cause_by_reason(const char *reason);
const char *cause_kind_name(enum cause_kind k); /* "loss" … */

#endif
