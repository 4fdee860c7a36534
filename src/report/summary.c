/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "report/summary.h"

#include <inttypes.h>
#include <string.h>

#include "base/path.h"
#include "base/units.h"

/* Of each kind of line; the rest is counted. */
#define REASONS_SHOWN 6
#define FIXES_SHOWN 2
#define CHANGES_SHOWN 3

static enum text_color verdict_color(enum verdict_word w)
{
	return w == VERDICT_VALID ? TEXT_GREEN : w == VERDICT_SUSPECT ? TEXT_YELLOW : TEXT_RED;
}

/* "wrk exited with 0 after 10.0 s" */
static void add_ending(const struct run_record *r, struct strbuf *out)
{
	const char *name = path_basename(r->argv[0]);
	uint64_t tenths = r->duration_ns / (NS_PER_S / 10);

	if (r->signal)
		strbuf_addf(out, "%.40s was ended by signal %d (%s)", name, r->signal,
			    strsignal(r->signal));
	else
		strbuf_addf(out, "%.40s exited with %d", name, r->exit_code);
	strbuf_addf(out, " after %" PRIu64 ".%" PRIu64 " s", tenths / 10, tenths % 10);
}

static void add_more(size_t total, size_t shown, const char *what, struct strbuf *out)
{
	if (total > shown)
		strbuf_addf(out, "  and %zu more %s\n", total - shown, what);
}

/* Fixes of what was lost first: of a cause once, however many subjects it had. */
static void add_fixes(const struct verdict *v, struct strbuf *out)
{
	const struct cause *told[FIXES_SHOWN] = {NULL};
	size_t n = 0;

	for (size_t i = 0; i < v->causes_len && n < FIXES_SHOWN; i++) {
		const struct cause *c = v->causes[i]->cause;
		bool lost = c->kind == CAUSE_LOSS || c->kind == CAUSE_LIMIT;

		if ((n && told[n - 1] == c) || !c->fix || (v->word == VERDICT_INVALID && !lost))
			continue;
		told[n++] = c;

		struct strbuf line = {0};

		strbuf_addf(&line, "fix: %s", c->fix);
		text_wrapped(strbuf_get(&line), 2, out);
		strbuf_done(&line);
	}
}

static void add_background(const struct verdict *v, struct strbuf *out)
{
	struct strbuf line = {0};
	char count[UNITS_MAX];

	if (!v->background_len)
		return;

	const struct alert *a = v->background[0];

	strbuf_addf(&line, "not this load's: %s: %s at %s", a->cause->title,
		    units_count(a->count, count), a->subject);
	if (v->background_len > 1)
		strbuf_addf(&line, ", and %zu more", v->background_len - 1);
	text_wrapped(strbuf_get(&line), 2, out);
	strbuf_done(&line);
}

static void add_changes(const struct changes *cs, struct strbuf *out)
{
	size_t back = changes_count(cs, CHANGE_RESTORED) + changes_count(cs, CHANGE_UNCHANGED);
	size_t shown = 0, other = 0;

	if (back)
		strbuf_addf(out, "  %zu setting%s changed for the run and put back\n", back,
			    back == 1 ? "" : "s");
	for (size_t i = 0; i < cs->len; i++) {
		const struct change *c = &cs->item[i];
		struct strbuf line = {0};

		if (c->result == CHANGE_RESTORED || c->result == CHANGE_UNCHANGED ||
		    c->result == CHANGE_SATISFIED || c->result == CHANGE_MISSING ||
		    c->result == CHANGE_PLANNED)
			continue;
		if (++other > CHANGES_SHOWN)
			continue;
		shown++;
		strbuf_addf(&line, "%s: %s%s%s", c->key, change_result_name(c->result),
			    c->why ? ", " : "", c->why ? c->why : "");
		text_wrapped(strbuf_get(&line), 2, out);
		strbuf_done(&line);
	}
	add_more(other, shown, "settings that were not put back", out);
}

void summary_format(const struct run_record *r, const char *path, const struct text_style *style,
		    struct strbuf *out)
{
	const struct verdict *v = r->verdict;

	text_colored(verdict_name(v->word), verdict_color(v->word), style, out);
	strbuf_add(out, "  ");
	add_ending(r, out);
	strbuf_add(out, "\n");
	for (size_t i = 0; i < v->reasons_len && i < REASONS_SHOWN; i++)
		text_wrapped(v->reasons[i], 2, out);
	add_more(v->reasons_len, REASONS_SHOWN, "reasons in the report", out);
	add_fixes(v, out);
	add_background(v, out);
	add_changes(r->changes, out);
	if (path)
		strbuf_addf(out, "  report: %s\n", path);
}
