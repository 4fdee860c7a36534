/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "report/profile_out.h"

#include <string.h>

#include "base/path.h"
#include "report/json.h"

#define MARGIN 11 /* as text_change() has it */

/* ">= auto", as the profile spells it. */
static void add_wish(const struct want *w, struct strbuf *out)
{
	strbuf_addf(out, "%s%s%s", op_name(w->op), w->op == OP_EXACT ? "" : " ",
		    w->is_auto ? "auto" : w->value);
}

/* Where there is no change to tell of, and why. */
static void no_change(const struct profile_line *l, const struct text_style *style,
		      struct strbuf *out)
{
	const struct want *w = l->want;
	bool of_run = strcmp(w->kind, "rlimit") == 0;
	const char *word = !w->value  ? "unsized"
			   : l->error ? "unknown"
			   : of_run   ? "for run"
				      : "none";

	text_colored(word, l->error || !w->value ? TEXT_YELLOW : TEXT_DIM, style, out);
	strbuf_addf(out, "%*s%s\n", (int)(MARGIN - strlen(word)), "", w->key);
	if (!l->error && w->value)
		text_wrapped(of_run ? "the command that `runup run` starts gets it"
				    : "nothing on this host has it now",
			     MARGIN, out);
}

void text_profile_line(const struct profile_line *l, const struct text_style *style,
		       struct strbuf *out)
{
	const struct want *w = l->want;
	struct strbuf wish = {0}, line = {0};

	add_wish(w, &wish);
	if (w->is_auto && w->value)
		strbuf_addf(&wish, ", which is %s", w->value);
	if (w->is_auto && !w->value)
		strbuf_addf(&wish, ": state %s", w->unsized);
	if (w->optional)
		strbuf_add(&wish, " (fine if it is not there)");
	strbuf_addf(&line, "%s:%u", path_basename(w->file), w->line);
	for (size_t i = 0; i < l->changes.len; i++) {
		const struct change *c = &l->changes.item[i];

		text_change(c, style, out);
		/* Another reason than the sum, which is told below. */
		if (c->why && (!w->arithmetic || strcmp(c->why, w->arithmetic) != 0))
			text_wrapped(c->why, MARGIN, out);
	}
	if (!l->changes.len)
		no_change(l, style, out);
	if (l->error)
		text_wrapped(l->error, MARGIN, out);
	text_labelled_at(MARGIN, "wants", strbuf_get(&wish), out);
	text_labelled_at(MARGIN, "because", w->arithmetic, out);
	text_labelled_at(MARGIN, "why", want_reason(w), out);
	text_labelled_at(MARGIN, "line", strbuf_get(&line), out);
	strbuf_done(&wish);
	strbuf_done(&line);
}

json_t *profile_line_to_json(const struct profile_line *l)
{
	const struct want *w = l->want;
	struct strbuf wish = {0};
	json_t *j = json_new_object();

	add_wish(w, &wish);
	json_put_text(j, "kind", w->kind);
	json_put_text(j, "key", w->key);
	json_put_text(j, "want", strbuf_get(&wish));
	json_put_bool(j, "optional", w->optional);
	json_put_text(j, "file", w->file);
	json_put_int(j, "line", w->line);
	json_put_text(j, "value", w->value);
	json_put_text(j, "unsized", w->value ? NULL : w->unsized);
	json_put_text(j, "arithmetic", w->arithmetic);
	json_put_text(j, "reason", want_reason(w));
	json_put(j, "changes", changes_to_json(&l->changes));
	json_put_text(j, "error", l->error);
	strbuf_done(&wish);
	return j;
}
