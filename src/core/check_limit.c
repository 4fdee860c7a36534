/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/check_limit.h"

#include <inttypes.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/units.h"

const char *check_limit_text(uint64_t n, struct findings *out)
{
	char text[UNITS_MAX];

	return n == PROC_UNLIMITED ? "unlimited" : finding_text(out, "%s", units_count(n, text));
}

static bool same_place(const struct limit_setting *a, const struct limit_setting *b)
{
	return a->set && b->set && a->line == b->line && strcmp(a->file, b->file) == 0;
}

static const char *setting_text(const struct limit_setting *s, const char *which,
				struct findings *out)
{
	return finding_text(out, "%s %s (%s:%u)", check_limit_text(s->value, out), which, s->file,
			    s->line);
}

/* "1 024 soft, 4 096 hard (/etc/security/limits.conf:3)"; NULL: nothing is configured. */
static const char *configured_text(const struct limit_origin *o, struct findings *out)
{
	if (same_place(&o->soft, &o->hard))
		return finding_text(out, "%s soft, %s hard (%s:%u)",
				    check_limit_text(o->soft.value, out),
				    check_limit_text(o->hard.value, out), o->soft.file,
				    o->soft.line);
	if (o->soft.set && o->hard.set)
		return finding_text(out, "%s, %s", setting_text(&o->soft, "soft", out),
				    setting_text(&o->hard, "hard", out));
	if (o->soft.set || o->hard.set)
		return setting_text(o->soft.set ? &o->soft : &o->hard,
				    o->soft.set ? "soft" : "hard", out);
	return NULL;
}

static const char *nothing_text(const struct limit_origin *o, const struct limit_seen *seen,
				struct findings *out)
{
	if (o->giver == GIVER_UNIT)
		return finding_text(out, "no file of %s sets %s=, systemd's default counts",
				    o->name, limit_directive(seen->kind));
	return finding_text(out, "nothing in limits.conf or limits.d sets %s for its user",
			    limit_item(seen->kind));
}

/* How what is configured comes into force. */
static const char *renew_text(const struct limit_origin *o, struct findings *out)
{
	if (o->giver == GIVER_UNIT)
		return finding_text(out, "systemctl daemon-reload && systemctl restart %s",
				    o->name);
	return "log in again and start it from there; a service does not read limits.conf";
}

/* Where it has to be configured. */
static const char *where_text(const struct limit_origin *o, const struct limit_seen *seen,
			      struct findings *out)
{
	const char *item = limit_item(seen->kind);
	uint64_t n = seen->need;

	switch (o->giver) {
	case GIVER_UNIT:
		return finding_text(out,
				    "systemctl edit %s: [Service] %s=%" PRIu64
				    ", then restart it (a service does not read limits.conf)",
				    o->name, limit_directive(seen->kind), n);
	case GIVER_USER_UNIT:
		return finding_text(out,
				    "%s=%" PRIu64 " in its unit and in user@.service, then log in "
				    "again",
				    limit_directive(seen->kind), n);
	case GIVER_CONTAINER:
		return finding_text(out, "start the container with --ulimit %s=%" PRIu64, item, n);
	case GIVER_LOGIN:
		break;
	}
	return finding_text(out,
			    "a line \"USER - %s %" PRIu64
			    "\" in /etc/security/limits.d/, then log in again (a service needs "
			    "%s= in its unit instead)",
			    item, n, limit_directive(seen->kind));
}

static bool configured_enough(const struct limit_origin *o, const struct limit_seen *seen)
{
	return o->soft.set && o->soft.value >= seen->need && !o->note;
}

static void add_fix(const struct limit_origin *o, const struct limit_seen *seen, struct finding *f,
		    struct findings *out)
{
	const char *more =
		configured_enough(o, seen) ? renew_text(o, out) : where_text(o, seen, out);

	f->fix = f->fix ? finding_text(out, "%s; for good: %s", f->fix, more) : more;
}

static void warn(struct finding *f, const char *why, const char *fix)
{
	f->status = FINDING_WARN;
	f->why = why;
	f->fix = fix;
}

/* What is configured is not what holds; that more is configured is a finding of its own. */
static void judge_difference(const struct limit_origin *o, const struct limit_seen *seen,
			     struct finding *f, struct findings *out)
{
	bool failed = f->status == FINDING_FAIL || f->status == FINDING_WARN;

	if (limit_below_configured(o, &seen->now)) {
		f->observed = finding_text(out, "%s, which is not in force%s%s", f->observed,
					   o->note ? ": " : "", o->note ? o->note : "");
		return;
	}
	if (failed || !seen->need || !o->soft.set || o->soft.value >= seen->need ||
	    seen->now.soft < seen->need)
		return;
	/* A shell that raised its own limit did so for this very run. */
	if (seen->pid)
		warn(f,
		     "what is in force suffices and what is configured does not: it is gone "
		     "with the next start, unless the program raises it by itself",
		     where_text(o, seen, out));
}

void check_limit_origin(const struct check_input *in, const struct limit_seen *seen,
			struct finding *f, struct findings *out)
{
	cleanup_with(limit_origin_done) struct limit_origin o = {0};
	const char *text;

	limit_origin_read(in->host, seen->pid, seen->kind, &o);
	text = configured_text(&o, out);
	if (o.doubt)
		text = finding_text(out, "not known, %s", o.doubt);
	else if (!text && seen->pid)
		text = nothing_text(&o, seen, out);
	/* Where a shell got its limits is not asked as long as they do. */
	if (text && (seen->pid || !o.doubt || f->status == FINDING_FAIL))
		f->observed = finding_text(out, "%s; configured: %s", f->observed, text);
	if (!o.doubt)
		judge_difference(&o, seen, f, out);
	if (seen->need && (seen->now.soft < seen->need) && f->status != FINDING_PASS)
		add_fix(&o, seen, f, out);
}

static const char *in_force_text(const struct proc_limit *now, struct findings *out)
{
	return finding_text(out, "%s soft, %s hard", check_limit_text(now->soft, out),
			    check_limit_text(now->hard, out));
}

static const char *subject_of(pid_t pid, const char *what, struct findings *out)
{
	return pid ? finding_text(out, "%s of process %d", what, (int)pid)
		   : finding_text(out, "%s of this shell", what);
}

static bool is_configured(const struct check_input *in, pid_t pid, enum limit_kind kind)
{
	cleanup_with(limit_origin_done) struct limit_origin o = {0};

	limit_origin_read(in->host, pid, kind, &o);
	return o.soft.set || o.hard.set;
}

void check_limit_beside(const struct check_input *in, const char *id, enum limit_kind kind,
			struct findings *out)
{
	struct limit_seen seen = {.pid = in->load->pid, .kind = kind};
	struct err ignored;

	if ((!seen.pid && !is_configured(in, 0, kind)) ||
	    proc_limit(in->host, seen.pid, limit_row(kind), &seen.now, &ignored) < 0)
		return;

	struct finding *f =
		finding_add(out, id, FINDING_PASS, subject_of(seen.pid, limit_item(kind), out));

	f->observed = in_force_text(&seen.now, out);
	check_limit_origin(in, &seen, f, out);
}

/* Is there something configured, and as much in force? Where there is less, a finding says so. */
static bool judge_in_force(const struct check_input *in, const char *id,
			   const struct limit_seen *seen, struct findings *out)
{
	cleanup_with(limit_origin_done) struct limit_origin o = {0};
	const char *configured;

	limit_origin_read(in->host, seen->pid, seen->kind, &o);
	configured = configured_text(&o, out);
	if (o.doubt || !configured)
		return false;
	if (!limit_below_configured(&o, &seen->now))
		return true;

	struct finding *f = finding_add(out, id, FINDING_WARN,
					subject_of(seen->pid, limit_item(seen->kind), out));

	f->observed = in_force_text(&seen->now, out);
	f->required = configured;
	f->why = o.note ? finding_text(out, "%s", o.note)
			: "what is configured counts from the next start on: it was changed after "
			  "this process started, or the process lowered it itself";
	f->fix =
		o.note ? "load pam_limits.so in the PAM service of the login" : renew_text(&o, out);
	return false;
}

void check_limits_in_force(const struct check_input *in, const char *id, pid_t pid,
			   struct findings *out)
{
	struct limit_seen seen = {.pid = pid};
	struct err ignored;
	unsigned as_configured = 0;

	for (seen.kind = LIMIT_NOFILE; seen.kind <= LIMIT_MEMLOCK; seen.kind++)
		if (proc_limit(in->host, pid, limit_row(seen.kind), &seen.now, &ignored) == 0)
			as_configured += judge_in_force(in, id, &seen, out);
	if (as_configured)
		finding_add(out, id, FINDING_PASS, subject_of(pid, "limits", out))->observed =
			finding_text(out, "%u as configured", as_configured);
}
