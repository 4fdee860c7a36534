/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "report/text.h"

#include <ctype.h>
#include <string.h>

#include "base/attr.h"
#include "sys/group_name.h"

#define COLUMNS 80
#define STATUS_WIDTH 9 /* "unknown" and two blanks */

void text_colored(const char *text, enum text_color c, const struct text_style *style,
		  struct strbuf *out)
{
	static const char *const codes[] = {
		[TEXT_PLAIN] = "0", [TEXT_GREEN] = "32", [TEXT_YELLOW] = "33",
		[TEXT_RED] = "31",  [TEXT_BOLD] = "1",	 [TEXT_DIM] = "2",
	};

	if (style->color && c != TEXT_PLAIN)
		strbuf_addf(out, "\033[%sm%s\033[0m", codes[c], text);
	else
		strbuf_add(out, text);
}

/* Up to the next blank, but for one between groups of digits: 28 232 stays on one line. */
static size_t word_length(const char *text)
{
	size_t len = strcspn(text, " \t");

	while (len && text[len] == ' ' && isdigit((unsigned char)text[len - 1]) &&
	       strspn(text + len + 1, "0123456789") == 3)
		len += 1 + strcspn(text + len + 1, " \t");
	return len;
}

void text_wrapped(const char *text, unsigned indent, struct strbuf *out)
{
	size_t column = COLUMNS; /* forces the first line to begin with its indent */
	bool first = true;

	while (*text) {
		size_t len = word_length(text);

		if (first || column + 1 + len > COLUMNS) {
			strbuf_addf(out, "%s%*s", first ? "" : "\n", (int)indent, "");
			column = indent;
			first = false;
		} else {
			strbuf_add(out, " ");
			column++;
		}
		strbuf_addn(out, text, len);
		column += len;
		text += len;
		text += strspn(text, " \t");
	}
	strbuf_add(out, "\n");
}

void text_labelled_at(unsigned margin, const char *label, const char *text, struct strbuf *out)
{
	struct strbuf wrapped = {0};
	const unsigned indent = margin + STATUS_WIDTH;

	if (!text || !*text)
		return;
	text_wrapped(text, indent, &wrapped);
	strbuf_addf(out, "%*s%-9s%s", (int)margin, "", label, strbuf_get(&wrapped) + indent);
	strbuf_done(&wrapped);
}

static void labelled(const char *label, const char *text, struct strbuf *out)
{
	text_labelled_at(STATUS_WIDTH, label, text, out);
}

void text_labelled(const char *label, const char *text, struct strbuf *out)
{
	text_labelled_at(0, label, text, out);
}

static enum text_color status_color(enum finding_status s)
{
	static const enum text_color colors[] = {
		[FINDING_PASS] = TEXT_GREEN,	 [FINDING_WARN] = TEXT_YELLOW,
		[FINDING_FAIL] = TEXT_RED,	 [FINDING_NA] = TEXT_DIM,
		[FINDING_UNKNOWN] = TEXT_YELLOW,
	};

	return colors[s];
}

static void status_word(enum finding_status s, const struct text_style *style, struct strbuf *out)
{
	const char *name = finding_status_name(s);

	text_colored(name, status_color(s), style, out);
	strbuf_addf(out, "%*s", (int)(STATUS_WIDTH - strlen(name)), "");
}

/* A line or two for what is fine. */
static void short_finding(const struct finding *f, const struct text_style *style,
			  struct strbuf *out)
{
	struct strbuf text = {0}, wrapped = {0};

	strbuf_add(&text, f->id);
	if (f->subject)
		strbuf_addf(&text, " %s", f->subject);
	if (f->observed)
		strbuf_addf(&text, ": %s", f->observed);
	text_wrapped(strbuf_get(&text), STATUS_WIDTH, &wrapped);
	status_word(f->status, style, out);
	strbuf_add(out, strbuf_get(&wrapped) + STATUS_WIDTH);
	strbuf_done(&text);
	strbuf_done(&wrapped);
}

/* Behind the id, or where that is too narrow, under it. */
static void put_subject(const struct finding *f, struct strbuf *out)
{
	struct strbuf wrapped = {0};
	const char *subject = f->subject ? f->subject : "";

	if (STATUS_WIDTH + strlen(f->id) + 2 + strlen(subject) <= COLUMNS) {
		strbuf_addf(out, "%s%s\n", *subject ? "  " : "", subject);
		return;
	}
	text_wrapped(subject, STATUS_WIDTH, &wrapped);
	strbuf_addf(out, "\n%s", strbuf_get(&wrapped));
	strbuf_done(&wrapped);
}

/* "nginx (pid 42, and its workers) in nginx.service"; the whole path with -v. */
static void put_process(const struct process_ref *p, const struct text_style *style,
			struct strbuf *out)
{
	struct strbuf group = {0};

	if (p->group && style->verbose)
		strbuf_add(&group, p->group);
	else if (p->group)
		group_short_name(p->group, &group);
	strbuf_addf(out, "%s (pid %d%s)%s%s", p->comm ? p->comm : "?", (int)p->pid,
		    p->holders > 1 ? ", and its workers" : "", group.len ? " in " : "",
		    strbuf_get(&group));
	strbuf_done(&group);
}

static void full_finding(const struct finding *f, const struct text_style *style,
			 struct strbuf *out)
{
	struct strbuf process = {0};

	status_word(f->status, style, out);
	text_colored(f->id, TEXT_BOLD, style, out);
	put_subject(f, out);
	labelled("has", f->observed, out);
	labelled("needs", f->required, out);
	labelled("because", f->arithmetic, out);
	if (f->process.pid) {
		put_process(&f->process, style, &process);
		labelled("process", strbuf_get(&process), out);
	}
	labelled("why", f->why, out);
	labelled("fix", f->fix, out);
	strbuf_done(&process);
}

/* What could not be told and does not matter here: named in one place, in full only with -v. */
static void folded_unknowns(const struct findings *fs, const struct text_style *style,
			    struct strbuf *out)
{
	struct strbuf text = {0}, wrapped = {0};
	const char *last = NULL;
	size_t n = 0;

	for (size_t i = 0; i < fs->len; i++) {
		const struct finding *f = &fs->item[i];

		if (f->status != FINDING_UNKNOWN || f->needed)
			continue;
		n++;
		if (!last || strcmp(last, f->id) != 0)
			strbuf_addf(&text, "%s%s", last ? ", " : "", f->id);
		last = f->id;
	}
	if (n) {
		struct strbuf line = {0};

		strbuf_addf(&line, "and not needed for this: %s (-v says why)", strbuf_get(&text));
		text_wrapped(strbuf_get(&line), STATUS_WIDTH, &wrapped);
		status_word(FINDING_UNKNOWN, style, out);
		strbuf_add(out, strbuf_get(&wrapped) + STATUS_WIDTH);
		strbuf_done(&line);
	}
	strbuf_done(&text);
	strbuf_done(&wrapped);
}

void text_findings(const struct findings *fs, const struct text_style *style, struct strbuf *out)
{
	static const enum finding_status order[] = {FINDING_FAIL, FINDING_UNKNOWN, FINDING_WARN};
	static const enum finding_status quiet[] = {FINDING_PASS, FINDING_NA};

	for (size_t i = 0; i < ARRAY_LEN(order); i++) {
		for (size_t j = 0; j < fs->len; j++) {
			const struct finding *f = &fs->item[j];
			bool fold = f->status == FINDING_UNKNOWN && !f->needed && !style->verbose;

			if (f->status == order[i] && !fold)
				full_finding(f, style, out);
		}
	}
	if (!style->verbose)
		folded_unknowns(fs, style, out);
	for (size_t i = 0; style->verbose && i < ARRAY_LEN(quiet); i++)
		for (size_t j = 0; j < fs->len; j++)
			if (fs->item[j].status == quiet[i])
				short_finding(&fs->item[j], style, out);
}

static enum text_color result_color(enum change_result r)
{
	switch (r) {
	case CHANGE_WRITTEN:
	case CHANGE_RESTORED:
	case CHANGE_IN_FORCE:
		return TEXT_GREEN;
	case CHANGE_FAILED:
		return TEXT_RED;
	case CHANGE_DRIFTED:
	case CHANGE_UNKNOWN:
	case CHANGE_PLANNED:
		return TEXT_YELLOW;
	case CHANGE_SATISFIED:
	case CHANGE_MISSING:
	case CHANGE_UNCHANGED:
	case CHANGE_GONE:
	case CHANGE_INHERITED:
		return TEXT_DIM;
	}
	return TEXT_PLAIN;
}

/* Results whose line has it all: old, new, and what became of it. */
static bool says_itself(enum change_result r)
{
	return r == CHANGE_RESTORED || r == CHANGE_UNCHANGED || r == CHANGE_SATISFIED ||
	       r == CHANGE_IN_FORCE;
}

void text_value(const char *value, struct strbuf *out)
{
	if (!*value)
		strbuf_add(out, "(empty)");
	for (; *value; value++)
		strbuf_addn(out, *value == '\t' ? " " : value, 1);
}

void text_result(const struct change *c, const struct text_style *style, struct strbuf *out)
{
	const char *name =
		c->result == CHANGE_IN_FORCE ? "in force" : change_result_name(c->result);

	text_colored(name, result_color(c->result), style, out);
	strbuf_addf(out, "%*s", (int)(11 - strlen(name)), "");
}

void text_change(const struct change *c, const struct text_style *style, struct strbuf *out)
{
	/* `now` of a planned change: a rollback that only says what it would do. */
	bool restoring = c->result == CHANGE_RESTORED || (c->result == CHANGE_PLANNED && c->now);
	const char *from = restoring ? c->now : c->before;
	const char *to = restoring ? c->before : c->after ? c->after : c->write;

	text_result(c, style, out);
	strbuf_add(out, *c->key ? c->key : "(a line that is not proven)");
	if (from && to && !value_equal(c->value_kind, from, to)) {
		strbuf_add(out, ": ");
		text_value(from, out);
		strbuf_add(out, " -> ");
		text_value(to, out);
	} else if (from) {
		strbuf_add(out, " = ");
		text_value(from, out);
	}
	strbuf_add(out, "\n");
}

void text_changes(const struct changes *cs, const struct text_style *style, struct strbuf *out)
{
	for (size_t i = 0; i < cs->len; i++) {
		const struct change *c = &cs->item[i];

		text_change(c, style, out);
		if (c->why && *c->why && !says_itself(c->result))
			text_wrapped(c->why, 11, out);
	}
}
