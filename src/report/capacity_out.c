/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "report/capacity_out.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/table.h"
#include "base/units.h"
#include "report/json.h"

#define BREAKING_MAX 64

/* A tenth is more than anybody can measure. */
static double rounded_down(double value)
{
	return value < 1e15 ? (double)(uint64_t)(value * 10 + 1e-6) / 10 : value;
}

static json_t *number_or_null(const struct breaking *b)
{
	return b->known ? json_real(rounded_down(b->value)) : json_null();
}

/* Counts up to INT64_MAX are integers; fs.file-max is that on most hosts. */
static json_t *count_to_json(uint64_t n)
{
	return json_integer(n > INT64_MAX ? INT64_MAX : (json_int_t)n);
}

static void put_text_or_null(json_t *j, const char *key, const char *text)
{
	json_put_text(j, key, text[0] ? text : NULL);
}

static json_t *row_to_json(const struct row *r)
{
	json_t *j = json_new_object(), *breaks = json_new_object();

	json_put(breaks, "connections",
		 r->connections.known ? count_to_json((uint64_t)r->connections.value)
				      : json_null());
	json_put(breaks, "new_connections", number_or_null(&r->new_connections));
	json_put(breaks, "rate", number_or_null(&r->rate));

	json_put_text(j, "resource", resource_name(r->resource));
	json_put_text(j, "state", row_state_name(r->state));
	json_put(j, "limit",
		 !r->has_limit	   ? json_null()
		 : r->fraction > 0 ? json_real((double)r->limit + r->fraction)
				   : count_to_json(r->limit));
	json_put(j, "demand", r->load.known ? count_to_json(r->demand) : json_null());
	json_put(j, "breaks_at", breaks);
	put_text_or_null(j, "owner", r->owner);
	put_text_or_null(j, "arithmetic", r->arithmetic);
	put_text_or_null(j, "reason", r->reason);
	return j;
}

json_t *rows_to_json(const struct rows *rows)
{
	json_t *list = json_new_array();

	for (unsigned i = 0; i < RESOURCES_LEN; i++)
		json_append(list, row_to_json(&rows->row[i]));
	return list;
}

/* What the resource is to people, at the beginning of a sentence. */
static const char *plain_name(enum resource_id r)
{
	static const char *const names[] = {
		[RESOURCE_ports] = "local ports",
		[RESOURCE_accept_queue] = "accept queue places",
		[RESOURCE_syn_queue] = "SYN queue places",
		[RESOURCE_conntrack] = "conntrack entries",
		[RESOURCE_descriptors] = "descriptors",
		[RESOURCE_system_files] = "the host's open files",
		[RESOURCE_time_wait] = "TIME_WAIT places",
		[RESOURCE_socket_memory] = "socket memory",
		[RESOURCE_pids] = "threads",
		[RESOURCE_cpu] = "CPUs",
		[RESOURCE_generator_memory] = "memory",
		[RESOURCE_neighbours] = "neighbour entries",
	};

	return names[r];
}

static const char *count_text(double value, char buf[UNITS_MAX])
{
	return units_count(value < 1e18 ? (uint64_t)value : UINT64_C(1000000000000000000), buf);
}

/*
 * "470 new connections/s": in the term the load is stated in, the one that grows fastest first.
 * *asked is what the load states of it, 0: nothing.
 */
static bool breaking_text(const struct row *r, const struct load *l, char buf[BREAKING_MAX],
			  uint64_t *asked)
{
	const struct {
		const struct breaking *at;
		enum load_field field;
		uint64_t stated;
		const char *unit;
	} terms[] = {
		{&r->new_connections, LOAD_NEW_CONNECTIONS, l->new_connections,
		 "new connections/s"},
		{&r->connections, LOAD_CONNECTIONS, l->connections, "connections"},
		{&r->rate, LOAD_RATE, l->rate, "requests/s"},
	};
	char n[UNITS_MAX];

	/* First a term that the load states, then any. */
	for (unsigned i = 0; i < 2 * ARRAY_LEN(terms); i++) {
		unsigned t = i % ARRAY_LEN(terms);
		bool stated = load_states(l, terms[t].field);

		if (!terms[t].at->known || (i < ARRAY_LEN(terms) && !stated))
			continue;
		/* Nothing is left for this term: the others alone are too much. */
		if (stated && terms[t].at->value <= 0 && i < ARRAY_LEN(terms))
			continue;
		snprintf(buf, BREAKING_MAX, "%s %s", count_text(terms[t].at->value, n),
			 terms[t].unit);
		*asked = stated ? terms[t].stated : 0;
		return true;
	}
	return false;
}

static void add_first(const struct rows *rows, const struct load *l, const struct text_style *style,
		      struct strbuf *out)
{
	const struct row *r = rows->first;
	char at[BREAKING_MAX], n[UNITS_MAX];
	struct strbuf line = {0}, wrapped = {0};
	uint64_t asked = 0;
	bool told;

	if (!r) {
		text_wrapped(
			load_sized(l)
				? "Nothing to compare: what was stated sizes nothing yet. State "
				  "--connections or --new-connections too, or --latency with "
				  "--rate, and what breaks first is named here."
				: "Nothing to compare: state a load (--connections, "
				  "--new-connections, --target ...), and what breaks first is "
				  "named here.",
			0, out);
		return;
	}
	told = breaking_text(r, l, at, &asked);
	/* Wrapped as plain text, so that colors do not count as columns. */
	const char *word = r->state == ROW_BREAKS ? "BREAKS" : "FITS";

	if (r->state == ROW_BREAKS) {
		strbuf_addf(&line, "%s: %s break first", word, plain_name(r->resource));
	} else {
		strbuf_addf(&line, "%s, %.1f times over: %s would break first", word,
			    rounded_down(r->times), plain_name(r->resource));
	}
	if (told)
		strbuf_addf(&line, ", at %s", at);
	if (told && asked)
		strbuf_addf(&line, "; you ask for %s", units_count(asked, n));
	strbuf_add(&line, ".");
	text_wrapped(strbuf_get(&line), 0, &wrapped);
	text_colored(word, r->state == ROW_BREAKS ? TEXT_RED : TEXT_GREEN, style, out);
	strbuf_add(out, strbuf_get(&wrapped) + strlen(word));
	strbuf_done(&wrapped);
	strbuf_done(&line);
}

/* A count in the unit that people think in. */
static void add_amount(const struct row *r, uint64_t n, struct table *t)
{
	char text[UNITS_MAX];

	if (n > INT64_MAX / 2)
		table_add(t, "unlimited");
	else if (r->resource == RESOURCE_generator_memory)
		table_addf(t, "%s MiB", units_count(n >> 20, text));
	else if (r->resource == RESOURCE_socket_memory)
		table_addf(t, "%s pages", units_count(n, text));
	else
		table_add(t, units_count(n, text));
}

static void add_cells(const struct row *r, const struct load *l, struct table *t)
{
	char at[BREAKING_MAX] = "-";
	uint64_t asked;

	table_add(t, resource_name(r->resource));
	table_add(t, row_state_name(r->state));
	if (!r->has_limit)
		table_add(t, r->state == ROW_FITS ? "unlimited" : "-");
	else if (r->fraction > 0)
		table_addf(t, "%.2f", (double)r->limit + r->fraction);
	else
		add_amount(r, r->limit, t);
	if (r->load.known)
		add_amount(r, r->demand, t);
	else
		table_add(t, "-");
	if (r->limit < INT64_MAX / 2)
		breaking_text(r, l, at, &asked);
	table_add(t, at);
}

static void add_detail(const char *label, const char *text, struct strbuf *out)
{
	struct strbuf line = {0}, wrapped = {0};

	if (!text[0])
		return;
	strbuf_addf(&line, "%s: %s", label, text);
	text_wrapped(strbuf_get(&line), 4, &wrapped);
	strbuf_add(out, strbuf_get(&wrapped));
	strbuf_done(&line);
	strbuf_done(&wrapped);
}

static void add_details(const struct row *r, struct strbuf *out)
{
	strbuf_addf(out, "\n  %s\n", resource_name(r->resource));
	add_detail("set by", r->owner, out);
	add_detail("because", r->arithmetic, out);
	add_detail("note", r->reason, out);
}

void text_rows(const struct rows *rows, const struct load *l, const struct text_style *style,
	       struct strbuf *out)
{
	static const char *const heads[] = {"resource", "", "limit", "needs", "breaks at"};
	struct table t = {.columns = ARRAY_LEN(heads)};

	add_first(rows, l, style, out);
	strbuf_add(out, "\n");
	for (size_t i = 0; i < ARRAY_LEN(heads); i++)
		table_add(&t, heads[i]);
	for (unsigned i = 0; i < RESOURCES_LEN; i++)
		if (style->verbose || rows->row[i].state != ROW_NA)
			add_cells(&rows->row[i], l, &t);
	table_format(&t, 2, out);
	table_done(&t);
	for (unsigned i = 0; i < RESOURCES_LEN; i++) {
		const struct row *r = &rows->row[i];

		if (style->verbose || r == rows->first || r->state == ROW_BREAKS ||
		    r->state == ROW_UNKNOWN)
			add_details(r, out);
	}
}
