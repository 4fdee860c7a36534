/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a profile wants beside sysctls, compared with what is in force. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/strbuf.h"
#include "core/check.h"
#include "core/setting_kind.h"

/* Objects that are told by name when they are not as wanted. */
#define OBJECTS_SHOWN 3

/* One line of the profile, and what was found of the objects it names. */
struct tally {
	const struct check_input *in;
	const struct want *want;
	const struct setting_kind *kind;
	size_t objects, others, absent;
	struct strbuf differing;       /* "powersave at /sys/…, …" */
	char value[SETTING_VALUE_MAX]; /* of the last object */
	struct err unread;	       /* code 0: everything could be read */
	struct err missing, impossible;
};

static void judge_object(const char *key, void *data)
{
	struct tally *t = data;
	const struct want *w = t->want;
	char wanted[SETTING_VALUE_MAX];
	struct err e = {0};
	int r = t->kind->read(t->in->host, key, t->value, &e);

	t->objects++;
	if (r == 0)
		r = t->kind->resolve(t->in->host, key, w->value, wanted, &e);
	if (r == -ENOENT) {
		t->absent++;
		t->missing = e;
	} else if (r == -ERR_BAD_INPUT) {
		t->impossible = e; /* more than the device takes, a word this kernel lacks */
	} else if (r < 0) {
		t->unread = e;
	} else if (!value_satisfies(w->value_kind, w->op, t->value, wanted)) {
		if (t->others++ < OBJECTS_SHOWN)
			strbuf_addf(&t->differing, "%s%s%s%s", t->others > 1 ? ", " : "", t->value,
				    strcmp(key, w->key) == 0 ? "" : " at ",
				    strcmp(key, w->key) == 0 ? "" : key);
	}
}

static void judge_absent(const struct tally *t, struct finding *f, struct findings *out)
{
	f->status = t->want->optional ? FINDING_NA : FINDING_FAIL;
	f->observed = t->missing.code ? finding_text(out, "%s", t->missing.msg) : "there is none";
	if (f->status == FINDING_FAIL)
		f->fix = "begin the profile's line with '-' if this host may be without";
}

static void tell_differing(const struct tally *t, struct finding *f, struct findings *out)
{
	struct setting_about about;

	t->kind->about(t->want->key, &about);
	f->status = about.severity;
	f->observed = t->objects == 1 ? finding_text(out, "%s", strbuf_get(&t->differing))
				      : finding_text(out, "%zu of %zu are not so: %s%s", t->others,
						     t->objects, strbuf_get(&t->differing),
						     t->others > OBJECTS_SHOWN ? " …" : "");
	f->fix = finding_text(out, "%srunup apply %s",
			      about.of_host && !t->in->host->init_netns ? "on the host: " : "",
			      t->in->profile->name);
}

/* Only what is in force everywhere passes; what could not be read is never green. */
static void judge_want(const struct check_input *in, const char *id, const struct want *w,
		       const struct setting_kind *k, const char *why, struct findings *out)
{
	struct tally t = {.in = in, .want = w, .kind = k};
	struct err e;
	int r = k->expand(in->host, w->key, judge_object, &t, &e);
	struct finding *f = finding_add(out, id, FINDING_PASS, w->key);

	f->needed = true;
	f->required =
		finding_text(out, "%s%s%s", op_name(w->op), w->op == OP_EXACT ? "" : " ", w->value);
	f->why = why;
	if (t.impossible.code) {
		f->status = FINDING_FAIL;
		f->observed = finding_text(out, "%s", t.impossible.msg);
	} else if (t.others) {
		tell_differing(&t, f, out);
	} else if (r < 0 || t.unread.code) {
		f->status = FINDING_UNKNOWN;
		f->observed = finding_text(out, "%s", r < 0 ? e.msg : t.unread.msg);
	} else if (t.absent == t.objects) {
		judge_absent(&t, f, out);
	} else {
		f->observed = t.objects == 1 ? finding_value(out, t.value)
					     : finding_text(out, "%zu, all so", t.objects);
	}
	strbuf_done(&t.differing);
}

void check_profile_settings(const struct check_input *in, const char *id, struct findings *out)
{
	for (size_t i = 0; in->profile && i < in->profile->wants_len; i++) {
		const struct want *w = &in->profile->wants[i];
		const struct setting_kind *k = setting_kind_find(w->kind);
		struct setting_about about = {0};

		if (k)
			k->about(w->key, &about);
		if (about.check && strcmp(about.check, id) == 0)
			judge_want(in, id, w, k, about.why, out);
	}
}
