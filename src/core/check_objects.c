/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a profile wants of live listeners, processes and units, against what they have. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/parse.h"
#include "core/check.h"
#include "core/limit_key.h"
#include "core/listen_key.h"
#include "sys/proc_find.h"
#include "sys/sysctl.h"

/* The limits that one line of a profile is about; all of them have to satisfy it. */
struct objects {
	size_t len;
	uint64_t least, most;
	struct process_ref least_of;
};

static void count_object(struct objects *o, uint64_t limit)
{
	o->most = o->len == 0 || limit > o->most ? limit : o->most;
	o->least = o->len == 0 || limit < o->least ? limit : o->least;
	o->len++;
}

static bool satisfies(const struct want *w, uint64_t limit, const char *wanted)
{
	char now[24];

	snprintf(now, sizeof(now), "%" PRIu64, limit);
	return value_satisfies(VALUE_NUMBERS, w->op, now, wanted);
}

static bool all_satisfy(const struct want *w, const struct objects *o, const char *wanted)
{
	return satisfies(w, o->least, wanted) && satisfies(w, o->most, wanted);
}

/* A line that nothing sizes is a question nobody asked. */
static struct finding *add_finding(const char *id, const struct want *w, struct findings *out)
{
	struct finding *f = finding_add(out, id, w->value ? FINDING_PASS : FINDING_NA, w->key);

	if (!w->value) {
		f->why = finding_text(out, "not sized: state %s", w->unsized);
		return f;
	}
	f->needed = true;
	f->required = check_want_text(w, out);
	f->arithmetic = w->arithmetic;
	return f;
}

static void judge(const struct check_input *in, const struct want *w, const struct objects *o,
		  const char *name, struct finding *f, struct findings *out)
{
	f->observed = o->least == PROC_UNLIMITED
			      ? "unlimited"
			      : finding_text(out, "%" PRIu64 " in force", o->least);
	if (o->len > 1)
		f->observed =
			finding_text(out, "%s (the smallest of %zu %s)", f->observed, o->len, name);
	if (all_satisfy(w, o, w->value))
		return;
	/* Enough for the load, but without the head-room that auto asks for. */
	f->status = w->minimum && all_satisfy(w, o, w->minimum) ? FINDING_WARN : FINDING_FAIL;
	f->process = o->least_of;
	f->fix = finding_text(out, "runup apply %s%s", in->profile->name,
			      w->is_auto && in->load->stated ? " with the same load options" : "");
}

/* A limit above somaxconn cannot be given, by apply neither. */
static void name_cap(const struct check_input *in, const struct want *w, struct finding *f,
		     struct findings *out)
{
	static const char key[] = "net.core.somaxconn";
	char now[SYSCTL_VALUE_MAX];
	struct err ignored;

	if (!f->fix || profile_want(in->profile, "sysctl", key) ||
	    sysctl_read(in->host, key, now, &ignored) < 0 ||
	    value_satisfies(VALUE_NUMBERS, OP_AT_LEAST, now, w->value))
		return;
	f->fix = finding_text(out,
			      "%s, after adding %s = >= %s to its [sysctl]: that caps the limit of "
			      "a listener (now %s)",
			      f->fix, key, w->is_auto ? "auto" : w->value, now);
}

static void judge_none(const struct want *w, const char *what, const char *fix, struct finding *f)
{
	f->observed = what;
	f->status = w->optional ? FINDING_NA : FINDING_UNKNOWN;
	f->fix = w->optional ? NULL : fix;
}

void check_profile_listeners(const struct check_input *in, const char *id,
			     const struct listener *all, size_t len, struct findings *out)
{
	for (size_t i = 0; in->profile && i < in->profile->wants_len; i++) {
		const struct want *w = &in->profile->wants[i];
		struct objects o = {0};
		struct listen_key k;

		if (strcmp(w->kind, "listen") != 0 || listen_key_parse(w->key, &k) < 0)
			continue;
		for (size_t j = 0; j < len; j++)
			if (listen_key_matches(&k, &all[j]))
				count_object(&o, all[j].limit);

		struct finding *f = add_finding(id, w, out);

		if (!w->value)
			continue;
		f->why = "a live listener keeps the limit that it got when it called listen()";
		if (o.len) {
			judge(in, w, &o, "sockets", f, out);
			name_cap(in, w, f, out);
			continue;
		}
		judge_none(w, "nothing listens there",
			   "start the server, then check again: its limit is set when it "
			   "listens",
			   f);
	}
}

static int read_limits(const struct check_input *in, const struct limit_key *k, struct objects *o,
		       struct findings *out, struct err *e)
{
	cleanup_free pid_t *pids = NULL;
	size_t len = 0;
	int r = limit_key_pids(in->host, k, &pids, &len, e);

	for (size_t i = 0; r == 0 && i < len; i++) {
		char comm[PROC_COMM_MAX], group[PROC_GROUP_MAX];
		struct proc_limit l;
		struct err gone;

		if (proc_limit(in->host, pids[i], k->limit->proc_name, &l, &gone) < 0)
			continue;
		if (!o->len || l.soft < o->least) {
			proc_comm(in->host, pids[i], comm);
			proc_group(in->host, pids[i], group);
			o->least_of = (struct process_ref){
				.pid = pids[i],
				.comm = finding_text(out, "%s", comm),
				.holders = 1,
				.group = *group ? finding_text(out, "%s", group) : NULL,
			};
		}
		count_object(o, l.soft);
	}
	return r;
}

void check_profile_limits(const struct check_input *in, const char *id, const char *limit,
			  struct findings *out)
{
	for (size_t i = 0; in->profile && i < in->profile->wants_len; i++) {
		const struct want *w = &in->profile->wants[i];
		struct objects o = {0};
		struct limit_key k;
		struct err e;

		/* What `run` gives its command is not in force yet. */
		if (strcmp(w->kind, "rlimit") != 0 || limit_key_parse(w->key, &k) < 0 ||
		    k.subject == LIMIT_OF_COMMAND || strcmp(k.limit->name, limit) != 0)
			continue;

		struct finding *f = add_finding(id, w, out);

		if (!w->value)
			continue;
		if (read_limits(in, &k, &o, out, &e) < 0) {
			f->status = FINDING_UNKNOWN;
			f->observed = finding_text(out, "%s", e.msg);
		} else if (o.len) {
			judge(in, w, &o, "processes", f, out);
		} else {
			judge_none(w, "no such process runs here",
				   "start it, then check again: a process has the limit it was "
				   "started with",
				   f);
		}
	}
}
