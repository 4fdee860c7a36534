/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is told of a watch while it goes on, and the faces that tell it. */
#ifndef RUNUP_REPORT_FACE_H
#define RUNUP_REPORT_FACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/strbuf.h"
#include "core/gauge.h"
#include "core/load.h"
#include "core/observation.h"
#include "report/text.h"
#include "sys/host.h"

/* Everything in these is borrowed; time_ns is of CLOCK_REALTIME. */

struct face_source {
	const char *id, *rung; /* "ctnetlink", "/proc/net/stat/nf_conntrack" */
};

/* Once, when everything is open and the privileges are what they will be. */
struct face_start {
	uint64_t time_ns;
	const char *version;
	const struct host *host;
	const struct load *load;
	const char *profile; /* NULL: none */
	uint64_t interval_ns;
	uint64_t for_ns; /* 0: until somebody ends it */
	const struct face_source *source;
	size_t sources;
	const char *const *counted_by;	    /* who counts each of causes[]; NULL: nobody */
	const struct observation *observed; /* its blind spots */
	uint64_t capabilities;		    /* that are kept, as CAP_BIT() */
};

/* A cause at one subject, with what one interval added. */
struct face_alert {
	uint64_t time_ns; /* of the reading */
	const struct host *host;
	const struct alert *alert;
	uint64_t count;	 /* of this interval */
	bool background; /* not the load's */
	bool first;	 /* of its cause */
};

/* Each interval, after its alerts. */
struct face_sample {
	uint64_t time_ns;
	const struct gauges *gauges;
	const struct observation *observed;
};

/* Once, at the end. */
struct face_summary {
	uint64_t time_ns;
	const struct observation *observed;
	bool seen; /* something that is not background */
};

/* Each adds one or more whole lines, or nothing. */
struct face {
	void (*start)(const struct face_start *s, const struct text_style *style,
		      struct strbuf *out);
	void (*alert)(const struct face_alert *a, const struct text_style *style,
		      struct strbuf *out);
	void (*sample)(const struct face_sample *s, const struct text_style *style,
		       struct strbuf *out);
	void (*summary)(const struct face_summary *s, const struct text_style *style,
			struct strbuf *out);
};

extern const struct face face_text; /* for people; no sample unless style->verbose */
extern const struct face face_json; /* JSON Lines, schemas/watch.schema.json */

/* A cause over the whole watch: the sum of its alerts. */
struct cause_total {
	uint64_t count;
	uint64_t unattributed; /* of it: counted, but nobody saw where */
	size_t subjects;
	bool exact;
};

/* count is 0 where it was not seen. */
struct cause_total face_total(const struct observation *o, const struct cause *c);

#endif
