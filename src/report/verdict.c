/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "report/verdict.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/units.h"
#include "core/touch.h"

/* Without these a loss would go unseen; what else is blind only says less about where and who. */
static const char *const needed_sources[] = {"netstat", "softnet", "ctnetlink"};

static bool listed(const char *const *words, size_t len, const char *word)
{
	for (size_t i = 0; i < len; i++)
		if (strcmp(words[i], word) == 0)
			return true;
	return false;
}

static enum touch touches(const struct verdict_input *in, const struct alert *a)
{
	const struct ownership o = {in->load, in->pid_ports, in->pid_ports_unknown};

	return alert_touches(&o, a);
}

static void add_alert(const struct alert ***list, size_t *len, size_t *cap, const struct alert *a)
{
	void *items = *list;

	*(const struct alert **)array_push(&items, len, cap, sizeof(a)) = a;
	*list = items;
}

static printf_(2, 0) void add_reason(struct verdict *v, const char *fmt, va_list ap)
{
	void *items = v->reasons;

	*(const char **)array_push(&items, &v->reasons_len, &v->reasons_cap, sizeof(char *)) =
		arena_vprintf(&v->arena, fmt, ap);
	v->reasons = items;
}

void verdict_remark(struct verdict *v, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	add_reason(v, fmt, ap);
	va_end(ap);
}

void verdict_invalid(struct verdict *v, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	add_reason(v, fmt, ap);
	va_end(ap);
	v->word = VERDICT_INVALID;
}

static void worsen(struct verdict *v, enum verdict_word w)
{
	if (w > v->word)
		v->word = w;
}

void verdict_suspect(struct verdict *v, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	add_reason(v, fmt, ap);
	va_end(ap);
	worsen(v, VERDICT_SUSPECT);
}

/* "accept queue full: 72 at tcp 0.0.0.0:8080 (nginx, pid 4242)" */
static void alert_reason(struct verdict *v, const struct alert *a, const char *and)
{
	char count[UNITS_MAX];
	const char *who = "";

	if (a->process.pid)
		who = arena_printf(&v->arena, " (%s, pid %d)", a->process.comm,
				   (int)a->process.pid);
	units_count(a->count, count);
	if (strcmp(a->subject, CAUSE_UNATTRIBUTED) == 0)
		verdict_remark(v, "%s: %s times, where is not known%s", a->cause->title, count,
			       and);
	else
		verdict_remark(v, "%s: %s%s times at %s%s%s", a->cause->title,
			       a->exact ? "" : "about ", count, a->subject, who, and);
}

static void judge_alert(const struct verdict_input *in, struct verdict *v, const struct alert *a)
{
	bool lost = a->cause->kind == CAUSE_LOSS || a->cause->kind == CAUSE_LIMIT;

	switch (touches(in, a)) {
	case TOUCH_NO:
		add_alert(&v->background, &v->background_len, &v->background_cap, a);
		return;
	case TOUCH_MAYBE:
		worsen(v, VERDICT_SUSPECT);
		alert_reason(v, a, ", so it may be this load's");
		break;
	case TOUCH_YES:
		worsen(v, lost ? VERDICT_INVALID : VERDICT_SUSPECT);
		alert_reason(v, a, "");
		if (lost)
			v->blame = "this host";
		break;
	}
	add_alert(&v->causes, &v->causes_len, &v->causes_cap, a);
}

static void judge_unknown(const struct verdict_input *in, struct verdict *v)
{
	const struct observation *o = in->observed;

	for (size_t i = 0; i < o->blinds; i++) {
		if (!listed(needed_sources, ARRAY_LEN(needed_sources), o->blind[i].source))
			continue;
		worsen(v, VERDICT_SUSPECT);
		verdict_remark(v, "losses that '%s' counts could not be seen: %s",
			       o->blind[i].source, o->blind[i].reason);
	}
	if (in->pid_ports_unknown) {
		worsen(v, VERDICT_SUSPECT);
		verdict_remark(v, "which ports are the load's could not be told: %s",
			       in->pid_ports_unknown);
	}
	for (size_t i = 0; in->findings && i < in->findings->len; i++) {
		const struct finding *f = &in->findings->item[i];

		if (f->status != FINDING_UNKNOWN || !f->needed)
			continue;
		worsen(v, VERDICT_SUSPECT);
		verdict_remark(v, "the preflight could not tell %s%s%s%s%s", f->id,
			       f->subject ? " of " : "", f->subject ? f->subject : "",
			       f->why ? ": " : "", f->why ? f->why : "");
	}
}

void verdict_judge(const struct verdict_input *in, struct verdict *ret)
{
	const struct observation *o = in->observed;

	for (size_t i = 0; i < o->alerts; i++)
		if (o->alert[i].count)
			judge_alert(in, ret, &o->alert[i]);
	judge_unknown(in, ret);
	if (ret->word == VERDICT_VALID)
		verdict_remark(ret,
			       "no counter of this host tells of a loss that touches the load "
			       "(there is none for packets that a firewall rule drops, nor for "
			       "running out of descriptors or local ports)");
	if (!load_states_ports(in->load))
		verdict_remark(ret, "no port, target or process was stated: every listener and "
				    "socket of this host was taken for the load's");
}

const char *verdict_name(enum verdict_word w)
{
	static const char *const names[] = {
		[VERDICT_VALID] = "VALID",
		[VERDICT_SUSPECT] = "SUSPECT",
		[VERDICT_INVALID] = "INVALID",
	};

	return names[w];
}

void verdict_done(struct verdict *v)
{
	free(v->causes);
	free(v->background);
	free(v->reasons);
	arena_done(&v->arena);
	*v = (struct verdict){0};
}
