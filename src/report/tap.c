/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "report/tap.h"

#include <string.h>

#include "base/attr.h"
#include "base/utf8.h"

/* On one line; '#' begins a directive and '\' escapes it (TAP 14). */
static void add_description(const char *text, struct strbuf *out)
{
	struct strbuf clean = {0};

	utf8_clean(text, &clean);
	for (const char *s = strbuf_get(&clean); *s; s++) {
		if (*s == '#' || *s == '\\')
			strbuf_add(out, "\\");
		strbuf_addn(out, (unsigned char)*s < 0x20 || *s == 0x7f ? " " : s, 1);
	}
	strbuf_done(&clean);
}

/* A double-quoted scalar of YAML, which takes JSON's escapes. */
static void add_quoted(const char *text, struct strbuf *out)
{
	struct strbuf clean = {0};

	utf8_clean(text, &clean);
	strbuf_add(out, "\"");
	for (const char *s = strbuf_get(&clean); *s; s++) {
		if (*s == '"' || *s == '\\')
			strbuf_addf(out, "\\%c", *s);
		else if ((unsigned char)*s < 0x20 || *s == 0x7f)
			strbuf_addf(out, "\\u%04x", (unsigned char)*s);
		else
			strbuf_addn(out, s, 1);
	}
	strbuf_add(out, "\"");
	strbuf_done(&clean);
}

static void add_yaml(const struct finding *f, struct strbuf *out)
{
	const struct {
		const char *name, *text;
	} lines[] = {
		{"status", finding_status_name(f->status)},
		{"observed", f->observed},
		{"required", f->required},
		{"arithmetic", f->arithmetic},
		{"why", f->why},
		{"fix", f->fix},
	};

	strbuf_add(out, "  ---\n");
	for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
		if (!lines[i].text)
			continue;
		strbuf_addf(out, "  %s: ", lines[i].name);
		add_quoted(lines[i].text, out);
		strbuf_add(out, "\n");
	}
	strbuf_add(out, "  ...\n");
}

static void add_point(const struct finding *f, size_t number, bool fail_on_warn, struct strbuf *out)
{
	bool skipped = f->status == FINDING_NA || (f->status == FINDING_UNKNOWN && !f->needed);
	bool todo = f->status == FINDING_WARN && !fail_on_warn;
	bool ok = f->status == FINDING_PASS || skipped;

	strbuf_addf(out, "%s %zu - ", ok ? "ok" : "not ok", number);
	add_description(f->id, out);
	if (f->subject) {
		strbuf_add(out, " ");
		add_description(f->subject, out);
	}
	if (skipped || todo) {
		strbuf_addf(out, " # %s ", skipped ? "SKIP" : "TODO");
		add_description(todo	      ? "a warning"
				: f->observed ? f->observed
					      : finding_status_name(f->status),
				out);
	}
	strbuf_add(out, "\n");
	if (!ok)
		add_yaml(f, out);
}

void tap_findings(const struct findings *fs, bool fail_on_warn, struct strbuf *out)
{
	strbuf_addf(out, "TAP version 14\n1..%zu\n", fs->len);
	for (size_t i = 0; i < fs->len; i++)
		add_point(&fs->item[i], i + 1, fail_on_warn, out);
}
