/* SPDX-License-Identifier: GPL-2.0-or-later */
/* JSON Lines: one object a line, told apart by "type". */
#include "report/face.h"

#include <stdlib.h>
#include <string.h>

#include "base/units.h"
#include "report/json.h"
#include "sys/caps.h"

static json_t *line_of(const char *type, uint64_t time_ns)
{
	json_t *j = json_new_object();
	char time[RFC3339_MAX];

	json_put_text(j, "type", type);
	json_put_text(j, "time", format_rfc3339(time_ns, time));
	return j;
}

static void put_line(json_t *j, struct strbuf *out)
{
	char *text = json_render_line(j);

	strbuf_add(out, text);
	free(text);
	json_decref(j);
}

/* Whole milliseconds, so that 0.1 s does not read 0.10000000000000001. */
static json_t *seconds(uint64_t ns)
{
	uint64_t ms = ns / NS_PER_MS;

	return json_real((double)ms / 1000.0);
}

static json_t *sources_to_json(const struct face_start *s)
{
	json_t *list = json_new_array();

	for (size_t i = 0; i < s->sources; i++) {
		json_t *one = json_new_object();

		json_put_text(one, "source", s->source[i].id);
		json_put_text(one, "rung", s->source[i].rung);
		json_append(list, one);
	}
	return list;
}

static json_t *causes_to_json(const struct face_start *s)
{
	json_t *list = json_new_array();

	for (size_t i = 0; i < causes_len; i++) {
		json_t *one = json_new_object();

		json_put_text(one, "cause", causes[i].id);
		json_put_text(one, "counted_by", s->counted_by[i]);
		json_append(list, one);
	}
	return list;
}

static json_t *capabilities_to_json(uint64_t set)
{
	json_t *list = json_new_array();

	for (int cap = 0; cap < 64; cap++)
		if (set & CAP_BIT(cap))
			json_append(list, json_new_text(caps_name(cap)));
	return list;
}

static void start(const struct face_start *s, const struct text_style *style unused_,
		  struct strbuf *out)
{
	json_t *j = line_of("start", s->time_ns);

	json_put_text(j, "schema", "runup/watch/1");
	json_put_text(j, "version", s->version);
	json_put(j, "host", host_to_json(s->host));
	json_put_text(j, "profile", s->profile);
	json_put(j, "load", load_to_json(s->load));
	json_put(j, "interval_s", seconds(s->interval_ns));
	json_put(j, "for_s", s->for_ns ? seconds(s->for_ns) : json_null());
	json_put(j, "sources", sources_to_json(s));
	json_put(j, "causes", causes_to_json(s));
	json_put(j, "blind", blind_to_json(s->observed));
	json_put(j, "capabilities", capabilities_to_json(s->capabilities));
	put_line(j, out);
}

static json_t *detail_to_json(const struct detail *d)
{
	if (d->kind == DETAIL_NONE)
		return json_null();

	json_t *j = json_new_object();

	if (d->kind == DETAIL_PLACE) {
		json_put_text(j, "function", d->function);
		return j;
	}
	json_put(j, d->kind == DETAIL_QUEUE ? "queue" : "entries",
		 d->fill_known ? json_integer((json_int_t)d->fill) : json_null());
	json_put_int(j, "limit", d->limit);
	return j;
}

static void alert(const struct face_alert *f, const struct text_style *style unused_,
		  struct strbuf *out)
{
	const struct alert *a = f->alert;
	json_t *j = line_of("alert", f->time_ns);

	json_put_text(j, "cause", a->cause->id);
	json_put_text(j, "kind", cause_kind_name(a->cause->kind));
	json_put_int(j, "count", f->count);
	json_put_bool(j, "exact", a->exact);
	json_put_text(j, "netns", f->host->netns);
	json_put_text(j, "subject_kind", a->cause->subject_kind);
	json_put_text(j, "subject", a->subject);
	json_put(j, "process", process_to_json(&a->process));
	json_put_text(j, "source", a->source);
	json_put(j, "detail", detail_to_json(&a->detail));
	json_put_text(j, "fix", a->cause->fix);
	json_put_bool(j, "background", f->background);
	put_line(j, out);
}

static json_t *gauges_to_json(const struct gauges *g)
{
	json_t *list = json_new_array();

	for (size_t i = 0; i < g->len; i++) {
		const struct gauge *one = &g->item[i];
		json_t *j = json_new_object();

		json_put_text(j, "gauge", one->id);
		json_put_text(j, "subject", one->subject);
		json_put_int(j, "value", one->value);
		json_put(j, "limit",
			 one->has_limit ? json_integer((json_int_t)one->limit) : json_null());
		json_append(list, j);
	}
	return list;
}

static json_t *totals_to_json(const struct observation *o)
{
	json_t *list = json_new_array();

	for (size_t i = 0; i < causes_len; i++) {
		struct cause_total t = face_total(o, &causes[i]);

		if (t.count == 0)
			continue;
		json_t *one = json_new_object();

		json_put_text(one, "cause", causes[i].id);
		json_put_int(one, "count", t.count);
		json_append(list, one);
	}
	return list;
}

static void sample(const struct face_sample *s, const struct text_style *style unused_,
		   struct strbuf *out)
{
	json_t *j = line_of("sample", s->time_ns);

	json_put(j, "gauges", gauges_to_json(s->gauges));
	json_put_int(j, "gauges_left_out", s->gauges->left_out);
	json_put(j, "totals", totals_to_json(s->observed));
	put_line(j, out);
}

static json_t *total_to_json(const struct cause *c, const struct cause_total *t)
{
	json_t *j = json_new_object();

	json_put_text(j, "cause", c->id);
	json_put_text(j, "kind", cause_kind_name(c->kind));
	json_put_int(j, "count", t->count);
	/* Where the table names no counter, what saw the places is all there is. */
	json_put(j, "counter", c->counters[0] ? json_integer((json_int_t)t->count) : json_null());
	json_put_int(j, "attributed", t->count - t->unattributed);
	json_put_int(j, "unattributed", t->unattributed);
	json_put_bool(j, "exact", t->exact);
	json_put_int(j, "subjects", t->subjects);
	return j;
}

static void summary(const struct face_summary *s, const struct text_style *style unused_,
		    struct strbuf *out)
{
	json_t *j = line_of("summary", s->time_ns), *list = json_new_array();

	for (size_t i = 0; i < causes_len; i++) {
		struct cause_total t = face_total(s->observed, &causes[i]);

		if (t.count)
			json_append(list, total_to_json(&causes[i], &t));
	}
	json_put(j, "duration_s", seconds(s->observed->duration_ns));
	json_put_bool(j, "clean", !s->seen);
	json_put(j, "causes", list);
	json_put(j, "blind", blind_to_json(s->observed));
	put_line(j, out);
}

const struct face face_json = {
	.start = start,
	.alert = alert,
	.sample = sample,
	.summary = summary,
};
