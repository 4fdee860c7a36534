/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The table of checks, and what is the same for all of them. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/cause.h"
#include "core/check.h"
#include "sys/sysctl.h"

#define X_POINTER(name) &check_##name,
const struct check *const checks[] = {CHECKS(X_POINTER)};
#undef X_POINTER
const size_t checks_len = ARRAY_LEN(checks);

/* "folklore.tcp_fin_timeout" belongs to the family "folklore". */
static bool in_family(const char *family, const char *id)
{
	size_t len = strlen(family);

	return !strchr(family, '.') && strncmp(id, family, len) == 0 && id[len] == '.' &&
	       id[len + 1];
}

const struct check *check_find(const char *id)
{
	for (size_t i = 0; i < checks_len; i++)
		if (strcmp(checks[i]->id, id) == 0 || in_family(checks[i]->id, id))
			return checks[i];
	return NULL;
}

const struct check_member *check_member_find(const char *id)
{
	const struct check *c = check_find(id);

	for (size_t i = 0; c && c->member && c->member(i); i++)
		if (strcmp(c->member(i)->id, id) == 0)
			return c->member(i);
	return NULL;
}

bool check_id_valid(const char *id)
{
	const struct check *c = check_find(id);

	if (c && strcmp(c->id, "observe") == 0 && strcmp(id, "observe") != 0)
		return cause_find(id + strlen("observe.")) != NULL;
	if (c && c->member && strcmp(c->id, id) != 0)
		return check_member_find(id) != NULL;
	return c != NULL;
}

/* in_family() of a word without a dot: "listen" takes listen.backlog and listen.syn_queue. */
bool check_selects(const char *id)
{
	for (size_t i = 0; i < checks_len; i++)
		if (in_family(id, checks[i]->id))
			return true;
	return check_id_valid(id);
}

enum finding_status check_threshold(const struct check_input *in, const char *id,
				    const struct threshold *t, uint64_t percent)
{
	const struct check_rule *rule = in->profile ? profile_rule(in->profile, id) : NULL;
	bool said = rule && rule->above_percent >= 0;
	uint64_t limit = said ? (uint64_t)rule->above_percent : t->limit;

	if (percent > limit)
		return said ? rule->severity : t->severity;
	return percent >= t->soft ? FINDING_WARN : FINDING_PASS;
}

static bool listed(const char *const *list, const char *id)
{
	for (; list && *list; list++)
		if (strcmp(*list, id) == 0 || in_family(*list, id))
			return true;
	return false;
}

/* Could a finding of this check be asked for? A family runs if one of its members is named. */
bool check_selected(const struct check *c, const struct check_selection *sel)
{
	if (!sel)
		return true;
	if (listed(sel->skip, c->id))
		return false;
	if (!sel->only)
		return true;
	for (const char *const *id = sel->only; *id; id++)
		if (check_find(*id) == c || in_family(*id, c->id))
			return true;
	return false;
}

static bool finding_wanted(const struct finding *f, const struct check_selection *sel)
{
	if (!sel || (!listed(sel->skip, f->id) && (!sel->only || listed(sel->only, f->id))))
		return true;
	/* What a whole family could not tell, the member that was asked for could not either. */
	for (const char *const *id = sel->only; id && *id; id++)
		if (f->status == FINDING_UNKNOWN && in_family(f->id, *id))
			return !listed(sel->skip, f->id);
	return false;
}

/* The profile decides how severe a check is; a pass stays a pass, an unknown an unknown. */
static void apply_rule(const struct check_input *in, struct finding *f)
{
	const struct check_rule *rule = in->profile ? profile_rule(in->profile, f->id) : NULL;

	/* With a threshold the check has judged by it already. */
	if (!rule || rule->above_percent >= 0 ||
	    (f->status != FINDING_FAIL && f->status != FINDING_WARN))
		return;
	f->status = rule->severity;
	if (rule->severity == FINDING_NA)
		f->why = "the profile ignores this check";
}

static void run_one(const struct check_input *in, const struct check *c,
		    const struct check_selection *sel, struct findings *out)
{
	size_t first = out->len, kept = first;
	struct err e = {0};

	if (c->run(in, out, &e) < 0) {
		struct finding *f = finding_add(out, c->id, FINDING_UNKNOWN, NULL);

		f->observed = finding_text(out, "%s", e.msg);
		f->needed = in->load->stated != 0 || in->profile != NULL;
	}
	for (size_t i = first; i < out->len; i++) {
		struct finding *f = &out->item[i];

		if (!finding_wanted(f, sel))
			continue;
		if (!f->predicts)
			f->predicts = c->predicts;
		apply_rule(in, f);
		out->item[kept++] = *f;
	}
	out->len = kept;
}

int check_listeners(const struct check_input *in, const struct listener **ret, size_t *ret_len,
		    struct err *e)
{
	if (in->listeners->result < 0) {
		*e = in->listeners->why;
		return in->listeners->result;
	}
	*ret = in->listeners->item;
	*ret_len = in->listeners->len;
	return 0;
}

void check_offer_ids(struct nearest *near)
{
	char text[64];

	for (size_t i = 0; i < checks_len; i++) {
		const struct check *c = checks[i];

		nearest_offer(near, c->id);
		snprintf(text, sizeof(text), "%.*s", (int)strcspn(c->id, "."), c->id);
		nearest_offer(near, text);
		for (size_t m = 0; c->member && c->member(m); m++)
			nearest_offer(near, c->member(m)->id);
	}
	for (size_t i = 0; i < causes_len; i++) {
		snprintf(text, sizeof(text), "observe.%s", causes[i].id);
		nearest_offer(near, text);
	}
}

void checks_run(const struct check_input *in, const struct check_selection *sel,
		struct findings *out)
{
	struct listeners listeners = {0};
	struct check_input with = *in;

	/* Several checks ask; with thousands of listeners each dump costs more than the checks. */
	listeners.result =
		sockdiag_listeners(in->host, &listeners.item, &listeners.len, &listeners.why);
	with.listeners = &listeners;
	for (size_t i = 0; i < checks_len; i++)
		if (check_selected(checks[i], sel))
			run_one(&with, checks[i], sel, out);
	free(listeners.item);
}

void check_name_origin(const struct check_input *in, const char *key, struct finding *f,
		       struct findings *out)
{
	const struct sysctl_line *l =
		in->configured ? sysctl_config_find(in->configured, key) : NULL;
	const struct sysctl_key *row = l ? sysctl_key_find(key) : NULL;
	char now[SYSCTL_VALUE_MAX];
	struct err ignored;

	if (!row || (!in->host->init_netns && row->scope == SCOPE_NETNS))
		return;

	bool in_force = sysctl_read(in->host, key, now, &ignored) == 0 &&
			value_equal(row->kind, now, l->value);
	const char *origin = in_force ? finding_text(out, "%s:%u sets it", l->file, l->line)
				      : finding_text(out, "%s:%u sets %s, which is not in force",
						     l->file, l->line, l->value);

	f->why = f->why ? finding_text(out, "%s; %s", f->why, origin) : origin;
}

static void judge_missing(const struct check_input *in, const struct want *w, struct finding *f,
			  struct findings *out)
{
	bool elsewhere = w->sysctl->scope == SCOPE_HOST && !in->host->init_netns;

	f->observed =
		elsewhere ? "not in this network namespace: it belongs to the host" : "not there";
	if (w->optional) {
		f->status = FINDING_NA;
		return;
	}
	f->status = FINDING_FAIL;
	if (elsewhere)
		f->fix = "set it on the host, not in the namespace";
	else if (w->sysctl->module)
		f->fix = "load the module that brings it";
	else
		f->fix = finding_text(out, "this kernel (%s) has no such key", in->host->release);
}

const char *check_want_text(const struct want *w, struct findings *out)
{
	return finding_text(out, "%s%s%s", op_name(w->op), w->op == OP_EXACT ? "" : " ", w->value);
}

static const char *fix_text(const struct check_input *in, const struct want *w, const char *write,
			    struct findings *out)
{
	if (w->sysctl->scope == SCOPE_NETNS_SHOWN && !in->host->init_netns)
		return finding_text(out, "on the host: sysctl -w %s='%s'", w->key, write);
	return finding_text(out, "runup apply %s%s, or sysctl -w %s='%s'", in->profile->name,
			    w->is_auto && in->load->stated ? " with the same load options" : "",
			    w->key, write);
}

static void judge_sysctl(const struct check_input *in, const char *id, const struct want *w,
			 struct findings *out)
{
	char now[SYSCTL_VALUE_MAX];
	struct err e;
	int r = sysctl_read(in->host, w->key, now, &e);

	/* A setting that nothing sizes is a question nobody asked. */
	if (!w->value) {
		struct finding *f = finding_add(out, id, FINDING_NA, w->key);

		f->observed = r < 0 ? NULL : finding_value(out, now);
		f->why = finding_text(out, "not sized: state %s", w->unsized);
		return;
	}

	struct finding *f = finding_add(out, id, FINDING_PASS, w->key);

	f->needed = true;
	f->required = check_want_text(w, out);
	f->arithmetic = w->arithmetic;
	f->why = w->sysctl->why;
	if (r == -ENOENT) {
		judge_missing(in, w, f, out);
		return;
	}
	if (r < 0) {
		f->status = FINDING_UNKNOWN;
		f->observed = finding_text(out, "%s", e.msg);
		return;
	}
	f->observed = finding_value(out, now);
	if (sysctl_satisfies(w->sysctl, w->value_kind, w->op, now, w->value))
		return;

	struct strbuf write = {0};

	value_merge(w->value_kind, w->op, now, w->value, &write);
	f->status = w->sysctl->severity;
	/* Enough for the load, but without the head-room that auto asks for. */
	if (w->minimum && sysctl_satisfies(w->sysctl, w->value_kind, w->op, now, w->minimum))
		f->status = FINDING_WARN;
	f->fix = fix_text(in, w, strbuf_get(&write), out);
	check_name_origin(in, w->key, f, out);
	strbuf_done(&write);
}

void check_profile_sysctls(const struct check_input *in, const char *id, struct findings *out)
{
	for (size_t i = 0; in->profile && i < in->profile->wants_len; i++) {
		const struct want *w = &in->profile->wants[i];

		if (w->sysctl && strcmp(w->sysctl->check, id) == 0)
			judge_sysctl(in, id, w, out);
	}
}
