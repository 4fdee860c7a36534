/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What was seen while watching: alerts, by cause and subject. */
#ifndef RUNUP_CORE_OBSERVATION_H
#define RUNUP_CORE_OBSERVATION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/attr.h"
#include "core/cause.h"
#include "core/finding.h"
#include "sys/cpu.h"

enum detail_kind {
	DETAIL_NONE,
	DETAIL_QUEUE, /* of a listener: connections that wait, and their limit */
	DETAIL_TABLE, /* entries, and how many there may be */
	DETAIL_PLACE, /* the kernel function that dropped */
};

/* What else is known of an alert; all zero: nothing. */
struct detail {
	enum detail_kind kind;
	bool fill_known;      /* a queue may fill and drain between two readings */
	uint64_t fill, limit; /* when it was fullest */
	char function[64];
};

/* "queue 129 of 128", "limit 128", "10 of 10 entries", "at nft_do_chain"; NULL for none. */
#define DETAIL_TEXT_MAX 80
const char *detail_text(const struct detail *d, char buf[DETAIL_TEXT_MAX]);

/* A cause at one subject, summed over the watch. */
struct alert {
	const struct cause *cause;
	const char *subject; /* "tcp 0.0.0.0:8080"; CAUSE_UNATTRIBUTED: nobody saw where */
	uint16_t port;	     /* of a listener or a bound socket; 0: none */
	uint64_t count;
	bool exact; /* false: shared out by an estimate, or counted by what may have missed some */
	/* Since the watch began: the readings that saw it first and last. */
	uint64_t first_ns, last_ns;
	const char *source; /* who saw where: "inet_diag", "tp_btf"; else who counted: "netstat" */
	struct detail detail;
	struct process_ref process;
};

/* A source that could not be used: what is missing then, and why. */
struct blind_spot {
	const char *source, *reason;
};

/* Zero-initialise; observation_done() releases. */
struct observation {
	uint64_t duration_ns;
	struct alert *alert;
	size_t alerts, alerts_cap;
	struct blind_spot *blind;
	size_t blinds, blinds_cap;
	struct cpu_times cpu; /* spent meanwhile by all CPUs; total 0: not read */
	struct arena arena;
};

/*
 * Adds count to the alert of that cause and subject, making it if needed (exact, without source,
 * detail or process); at_ns is since the start of the watch. subject is copied. The pointer holds
 * until the next observation_add().
 */
struct alert *observation_add(struct observation *o, const struct cause *c, const char *subject,
			      uint64_t count, uint64_t at_ns);

/* The alert of that cause and subject, or NULL. */
struct alert *observation_find(const struct observation *o, const struct cause *c,
			       const char *subject);

/* Both texts are copied; a source is told once, by its first reason. */
void observation_blind(struct observation *o, const char *source, const char *reason);
void observation_done(struct observation *o);

#endif
