/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "report/junit.h"

#include <string.h>

#include "base/attr.h"
#include "base/utf8.h"

/* XML 1.0 has no way to write most control characters, so they become U+FFFD like broken UTF-8. */
static void add_escaped(const char *text, struct strbuf *out)
{
	for (const char *s = text; *s;) {
		size_t len = utf8_length(s);

		switch (*s) {
		case '&':
			strbuf_add(out, "&amp;");
			break;
		case '<':
			strbuf_add(out, "&lt;");
			break;
		case '>':
			strbuf_add(out, "&gt;");
			break;
		case '"':
			strbuf_add(out, "&quot;");
			break;
		case '\t':
		case '\n':
			strbuf_addf(out, "&#%d;", *s); /* an attribute would turn it into a blank */
			break;
		default:
			/* U+FFFE and U+FFFF are no characters of XML either. */
			if (len == 0 || (unsigned char)*s < 0x20 ||
			    strncmp(s, "\xef\xbf\xbe", 3) == 0 ||
			    strncmp(s, "\xef\xbf\xbf", 3) == 0)
				strbuf_add(out, UTF8_REPLACEMENT);
			else
				strbuf_addn(out, s, len);
		}
		s += len ? len : 1;
	}
}

static void add_attribute(const char *name, const char *value, struct strbuf *out)
{
	strbuf_addf(out, " %s=\"", name);
	add_escaped(value, out);
	strbuf_add(out, "\"");
}

/* The finding as text, a line for each thing there is to say. */
static void add_details(const struct finding *f, struct strbuf *out)
{
	const struct {
		const char *label, *text;
	} lines[] = {
		{"has", f->observed}, {"needs", f->required}, {"because", f->arithmetic},
		{"why", f->why},      {"fix", f->fix},
	};

	for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
		if (!lines[i].text)
			continue;
		strbuf_addf(out, "%s: ", lines[i].label);
		add_escaped(lines[i].text, out);
		strbuf_add(out, "\n");
	}
}

enum outcome { PASSED, WARNED, FAILED, ERRED, SKIPPED };

static enum outcome outcome_of(const struct finding *f, bool fail_on_warn)
{
	switch (f->status) {
	case FINDING_PASS:
		return PASSED;
	case FINDING_WARN:
		return fail_on_warn ? FAILED : WARNED;
	case FINDING_FAIL:
		return FAILED;
	case FINDING_UNKNOWN:
		return f->needed ? ERRED : SKIPPED;
	case FINDING_NA:
		return SKIPPED;
	}
	return ERRED;
}

static void add_result(const struct finding *f, enum outcome o, struct strbuf *out)
{
	const char *element = o == FAILED ? "failure" : "error";
	const char *message = f->observed ? f->observed : finding_status_name(f->status);

	if (o == SKIPPED) {
		strbuf_add(out, "      <skipped");
		add_attribute("message", message, out);
		strbuf_add(out, "/>\n");
	} else if (o == WARNED) {
		strbuf_add(out, "      <system-out>warn\n");
		add_details(f, out);
		strbuf_add(out, "</system-out>\n");
	} else {
		strbuf_addf(out, "      <%s", element);
		add_attribute("message", message, out);
		add_attribute("type", finding_status_name(f->status), out);
		strbuf_add(out, ">");
		add_details(f, out);
		strbuf_addf(out, "</%s>\n", element);
	}
}

static void add_case(const struct finding *f, bool fail_on_warn, struct strbuf *out)
{
	enum outcome o = outcome_of(f, fail_on_warn);
	struct strbuf name = {0};

	strbuf_addf(&name, "%s%s%s", f->id, f->subject ? " " : "", f->subject ? f->subject : "");
	strbuf_add(out, "    <testcase");
	add_attribute("classname", f->id, out);
	add_attribute("name", strbuf_get(&name), out);
	strbuf_done(&name);
	if (o == PASSED) {
		strbuf_add(out, "/>\n");
		return;
	}
	strbuf_add(out, ">\n");
	add_result(f, o, out);
	strbuf_add(out, "    </testcase>\n");
}

void junit_findings(const struct findings *fs, const struct host *h, bool fail_on_warn,
		    struct strbuf *out)
{
	size_t count[SKIPPED + 1] = {0};
	struct strbuf totals = {0};

	for (size_t i = 0; i < fs->len; i++)
		count[outcome_of(&fs->item[i], fail_on_warn)]++;
	strbuf_addf(&totals, " tests=\"%zu\" failures=\"%zu\" errors=\"%zu\" skipped=\"%zu\"",
		    fs->len, count[FAILED], count[ERRED], count[SKIPPED]);
	strbuf_add(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
	strbuf_addf(out, "<testsuites%s>\n", strbuf_get(&totals));
	strbuf_addf(out, "  <testsuite name=\"runup check\"%s", strbuf_get(&totals));
	add_attribute("hostname", h->hostname, out);
	strbuf_add(out, ">\n");
	for (size_t i = 0; i < fs->len; i++)
		add_case(&fs->item[i], fail_on_warn, out);
	strbuf_add(out, "  </testsuite>\n</testsuites>\n");
	strbuf_done(&totals);
}
