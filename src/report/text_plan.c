/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "report/text_plan.h"

#include <string.h>

#define MARGIN 11 /* as text_change() has it */

void text_plan(const struct changes *cs, const struct text_style *style, struct strbuf *out)
{
	size_t satisfied = changes_count(cs, CHANGE_SATISFIED);

	for (size_t i = 0; i < cs->len; i++) {
		const struct change *c = &cs->item[i];

		if (c->result == CHANGE_SATISFIED && !style->verbose)
			continue;
		text_change(c, style, out);
		text_labelled_at(MARGIN, "because", c->why, out);
		text_labelled_at(MARGIN, "why", c->reason, out);
	}
	if (satisfied && !style->verbose) {
		text_colored("satisfied", TEXT_DIM, style, out);
		strbuf_addf(out, "  %zu setting%s so already (-v lists what)\n", satisfied,
			    satisfied == 1 ? " is" : "s are");
	}
}

/* "wanted >= 4096"; nothing for what a journal does not prove. */
static void add_part(const char *label, const char *op, const char *value, struct strbuf *out)
{
	if (!value)
		return;
	strbuf_addf(out, "%s%s %s%s", out->len ? ", " : "", label, op, *op ? " " : "");
	text_value(value, out);
}

void text_standing(const struct changes *cs, const struct text_style *style, struct strbuf *out)
{
	for (size_t i = 0; i < cs->len; i++) {
		const struct change *c = &cs->item[i];
		struct strbuf parts = {0};

		add_part("before", "", c->before, &parts);
		add_part("wanted", op_name(c->op), c->want, &parts);
		add_part("now", "", c->now, &parts);
		text_result(c, style, out);
		strbuf_addf(out, "%s\n", *c->key ? c->key : "(a line that is not proven)");
		text_wrapped(strbuf_get(&parts), MARGIN, out);
		if (c->why && *c->why && c->result != CHANGE_IN_FORCE)
			text_wrapped(c->why, MARGIN, out);
		strbuf_done(&parts);
	}
}
