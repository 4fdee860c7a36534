/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "report/text_load.h"

#include <inttypes.h>
#include <string.h>

#include "base/units.h"
#include "report/text.h"

#define INDENT 9 /* as the findings have */
#define TARGETS_SHOWN 3

static void add_part(struct strbuf *line, const char *text, const char *unit, bool *first)
{
	strbuf_addf(line, "%s%s%s", *first ? ": " : ", ", text, unit);
	*first = false;
}

static void add_targets(const struct load *l, struct strbuf *line, bool *first)
{
	struct strbuf text = {0};

	for (size_t i = 0; i < l->targets_len && i < TARGETS_SHOWN; i++) {
		const struct target *t = &l->targets[i];
		bool v6 = strchr(t->host, ':') != NULL;

		strbuf_addf(&text, "%s%s%s%s:%u", i ? " " : "to ", v6 ? "[" : "", t->host,
			    v6 ? "]" : "", t->port);
	}
	if (l->targets_len > TARGETS_SHOWN)
		strbuf_addf(&text, " and %zu more", l->targets_len - TARGETS_SHOWN);
	if (text.len)
		add_part(line, strbuf_get(&text), "", first);
	strbuf_done(&text);
}

static void add_numbers(const struct load *l, struct strbuf *line)
{
	const struct {
		enum load_field field;
		uint64_t value;
		const char *unit;
	} counts[] = {
		{LOAD_RATE, l->rate, " requests/s"},
		{LOAD_CONNECTIONS, l->connections, " connections"},
		{LOAD_NEW_CONNECTIONS, l->new_connections, " new connections/s"},
	};
	char text[UNITS_MAX];
	bool first = true;

	for (size_t i = 0; i < ARRAY_LEN(counts); i++)
		if (load_states(l, counts[i].field))
			add_part(line, units_count(counts[i].value, text), counts[i].unit, &first);
	if (load_states(l, LOAD_KEEPALIVE) && !l->keepalive)
		add_part(line, "no keep-alive", "", &first);
	if (load_states(l, LOAD_DURATION))
		add_part(line, units_duration(l->duration_ns, text), "", &first);
	add_targets(l, line, &first);
}

static void add_wrapped(const char *label, const char *text, struct strbuf *out)
{
	struct strbuf wrapped = {0};

	text_wrapped(text, INDENT, &wrapped);
	strbuf_addf(out, "%-*s%s", INDENT, label, strbuf_get(&wrapped) + INDENT);
	strbuf_done(&wrapped);
}

void text_load(const struct load *l, struct strbuf *out)
{
	const struct generator *g = &l->generator;
	struct strbuf line = {0};

	if (g->name) {
		const char *model = model_name(g->model);

		strbuf_addf(&line, "%s, %s%s", g->name, model ? model : "open or closed",
			    model ? " model" : ": not told");
		add_numbers(l, &line);
		add_wrapped("load", strbuf_get(&line), out);
	}
	if (g->model == MODEL_CLOSED)
		add_wrapped("",
			    "(closed: it waits for answers, so its percentiles leave queueing out)",
			    out);
	if (g->message && (g->name || !load_sized(l)))
		add_wrapped(g->name ? "" : "load", g->message, out);
	strbuf_done(&line);
}
