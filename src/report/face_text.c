/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A watch as plain lines for people. */
#include "report/face.h"

#include <inttypes.h>
#include <string.h>

#include "base/units.h"
#include "sys/caps.h"

struct cause_total face_total(const struct observation *o, const struct cause *c)
{
	struct cause_total t = {.exact = true};

	for (size_t i = 0; i < o->alerts; i++) {
		const struct alert *a = &o->alert[i];

		if (a->cause != c)
			continue;
		t.count += a->count;
		t.subjects++;
		t.exact = t.exact && a->exact;
		if (strcmp(a->subject, CAUSE_UNATTRIBUTED) == 0)
			t.unattributed += a->count;
	}
	return t;
}

/* "17:03:22Z": a log of days has its date in the line that begins it. */
static void add_clock(uint64_t time_ns, struct strbuf *out)
{
	char time[RFC3339_MAX];

	format_rfc3339(time_ns, time);
	strbuf_addf(out, "%.8sZ ", strchr(time, 'T') + 1);
}

static void add_wrapped(struct strbuf *line, unsigned indent, struct strbuf *out)
{
	text_wrapped(strbuf_get(line), indent, out);
	strbuf_done(line);
}

static void add_sources(const struct face_start *s, struct strbuf *out)
{
	struct strbuf line = {0};

	for (size_t i = 0; i < s->sources; i++) {
		const struct face_source *f = &s->source[i];
		bool other = strcmp(f->id, f->rung) != 0;

		strbuf_addf(&line, "%s%s%s%s%s", i ? ", " : "sources: ", f->id, other ? " (" : "",
			    other ? f->rung : "", other ? ")" : "");
	}
	add_wrapped(&line, 2, out);
}

static void add_blind(const struct observation *o, struct strbuf *out)
{
	for (size_t i = 0; i < o->blinds; i++) {
		struct strbuf line = {0};

		strbuf_addf(&line, "blind: %s: %s", o->blind[i].source, o->blind[i].reason);
		add_wrapped(&line, 2, out);
	}
}

static void add_capabilities(uint64_t set, struct strbuf *out)
{
	struct strbuf line = {0};

	strbuf_add(&line, "privileges kept:");
	for (int cap = 0; cap < 64; cap++)
		if (set & CAP_BIT(cap))
			strbuf_addf(&line, " %s", caps_name(cap));
	strbuf_add(&line, set ? "" : " none");
	add_wrapped(&line, 2, out);
}

static void start(const struct face_start *s, const struct text_style *style, struct strbuf *out)
{
	char time[RFC3339_MAX], interval[UNITS_MAX], end[UNITS_MAX];
	size_t seen = 0;

	for (size_t i = 0; i < causes_len; i++)
		seen += s->counted_by[i] != NULL;
	strbuf_addf(out, "%s watching %zu of %zu causes, every %s, ",
		    format_rfc3339(s->time_ns, time), seen, causes_len,
		    units_duration(s->interval_ns, interval));
	if (s->for_ns)
		strbuf_addf(out, "for %s\n", units_duration(s->for_ns, end));
	else
		strbuf_add(out, "until Ctrl-C\n");
	if (style->verbose)
		add_sources(s, out);
	add_blind(s->observed, out);
	add_capabilities(s->capabilities, out);
}

static void add_process(const struct process_ref *p, struct strbuf *out)
{
	if (!p->pid)
		return;
	strbuf_addf(out, ", %s (pid %d", p->comm ? p->comm : "?", (int)p->pid);
	if (p->holders > 1)
		strbuf_addf(out, " and %u more", p->holders - 1);
	strbuf_add(out, ")");
}

static enum text_color kind_color(const struct face_alert *f)
{
	if (f->background)
		return TEXT_DIM;
	return f->alert->cause->kind <= CAUSE_LIMIT ? TEXT_RED : TEXT_YELLOW;
}

static void alert(const struct face_alert *f, const struct text_style *style, struct strbuf *out)
{
	const struct alert *a = f->alert;
	char count[UNITS_MAX], text[DETAIL_TEXT_MAX];
	const char *detail = detail_text(&a->detail, text);

	add_clock(f->time_ns, out);
	text_colored(f->background ? "background" : cause_kind_name(a->cause->kind), kind_color(f),
		     style, out);
	strbuf_addf(out, " %s: %s%s", a->cause->id, a->exact ? "" : "about ",
		    units_count(f->count, count));
	if (strcmp(a->subject, CAUSE_UNATTRIBUTED) == 0)
		strbuf_add(out, ", where is not known");
	else
		strbuf_addf(out, " at %s", a->subject);
	add_process(&a->process, out);
	strbuf_addf(out, "%s%s\n", detail ? ", " : "", detail ? detail : "");
	if (f->first && a->cause->fix)
		strbuf_addf(out, "  %s; fix: %s\n", a->cause->title, a->cause->fix);
}

static void sample(const struct face_sample *s, const struct text_style *style, struct strbuf *out)
{
	char value[UNITS_MAX], limit[UNITS_MAX];

	for (size_t i = 0; style->verbose && i < s->gauges->len; i++) {
		const struct gauge *g = &s->gauges->item[i];

		if (g->value == 0)
			continue;
		add_clock(s->time_ns, out);
		strbuf_addf(out, "%s %s: %s", g->id, g->subject, units_count(g->value, value));
		if (g->has_limit)
			strbuf_addf(out, " of %s", units_count(g->limit, limit));
		strbuf_add(out, "\n");
	}
}

static void summary(const struct face_summary *s, const struct text_style *style,
		    struct strbuf *out)
{
	char duration[UNITS_MAX], count[UNITS_MAX], unseen[UNITS_MAX];
	const struct observation *o = s->observed;

	add_clock(s->time_ns, out);
	strbuf_addf(out, "watched for %s: ",
		    units_duration(o->duration_ns - o->duration_ns % NS_PER_MS, duration));
	if (o->alerts == 0)
		text_colored("nothing was lost", TEXT_GREEN, style, out);
	else
		strbuf_add(out, s->seen ? "causes seen" : "nothing of this load's");
	strbuf_add(out, "\n");
	for (size_t i = 0; i < causes_len; i++) {
		struct cause_total t = face_total(o, &causes[i]);

		if (t.count == 0)
			continue;
		strbuf_addf(out, "  %-24s %s%s", causes[i].id, t.exact ? "" : "about ",
			    units_count(t.count, count));
		if (t.unattributed)
			strbuf_addf(out, ", of %s it is not known where",
				    units_count(t.unattributed, unseen));
		strbuf_add(out, "\n");
	}
	add_blind(o, out);
}

const struct face face_text = {
	.start = start,
	.alert = alert,
	.sample = sample,
	.summary = summary,
};
