/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is being lost right now, as the sources of watch saw it. */
#include <inttypes.h>
#include <string.h>

#include "base/units.h"
#include "core/check.h"

static void judge_alert(const struct alert *a, struct findings *out)
{
	bool lost = a->cause->kind == CAUSE_LOSS || a->cause->kind == CAUSE_LIMIT;
	struct finding *f = finding_add(out, finding_text(out, "observe.%s", a->cause->id),
					lost ? FINDING_FAIL : FINDING_WARN, a->subject);
	char n[UNITS_MAX], text[DETAIL_TEXT_MAX];
	const char *detail = detail_text(&a->detail, text);

	f->needed = true;
	f->observed = finding_text(out, "%s%s times%s%s%s", a->exact ? "" : "about ",
				   units_count(a->count, n), detail ? " (" : "",
				   detail ? detail : "", detail ? ")" : "");
	f->required = "0";
	f->why = a->cause->why;
	f->fix = a->cause->fix;
	f->process = a->process;
	if (a->process.comm)
		f->process.comm = finding_text(out, "%s", a->process.comm);
}

static int run(const struct check_input *in, struct findings *out, struct err *e)
{
	const struct observation *o = in->observed;
	char duration[UNITS_MAX];

	(void)e;
	if (!o)
		return 0; /* nobody asked to observe */
	for (size_t i = 0; i < o->alerts; i++)
		judge_alert(&o->alert[i], out);
	for (size_t i = 0; i < o->blinds; i++) {
		struct finding *f =
			finding_add(out, "observe", FINDING_UNKNOWN, o->blind[i].source);

		f->observed = finding_text(out, "not observed: %s", o->blind[i].reason);
		/*
		 * What a firewall rule drops moves no counter, so where a load is to be carried
		 * even the source that otherwise only attributes is needed.
		 */
		f->needed = strncmp(o->blind[i].source, "tp_btf", 6) != 0 || in->load->stated ||
			    in->profile;
		f->fix = "use sudo, or see runup doctor";
	}
	if (o->alerts == 0) {
		struct finding *f = finding_add(out, "observe", FINDING_PASS, "losses");

		f->observed =
			finding_text(out, "none in %s", units_duration(o->duration_ns, duration));
	}
	return 0;
}

const struct check check_observe = {
	.id = "observe",
	.title = "nothing is being lost right now",
	.why = "With --observe the kernel's counters, the listeners, connection tracking and, "
	       "where it is allowed, a BPF program on freed packets are watched for that long. "
	       "Only what changes meanwhile counts: values since boot say nothing about now. Each "
	       "loss is a finding of its own with its cause, its number and, where the kernel "
	       "tells it, its socket.",
	.run = run,
};
