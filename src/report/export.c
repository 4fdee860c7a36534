/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "report/export.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/utf8.h"
#include "report/export_part.h"
#include "report/text.h"

static const struct export_format *const export_formats[] = {
	&export_sysctl_d,
	&export_shell,
	&export_ansible,
	&export_kubernetes,
};

const struct export_format *export_find(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(export_formats); i++)
		if (strcmp(export_formats[i]->name, name) == 0)
			return export_formats[i];
	return NULL;
}

void export_names(struct strbuf *out)
{
	for (size_t i = 0; i < ARRAY_LEN(export_formats); i++)
		strbuf_addf(out, "%s%s", i ? ", " : "", export_formats[i]->name);
}

void export_comment(const char *mark, const char *text, struct strbuf *out)
{
	cleanup_with(strbuf_done) struct strbuf clean = {0}, wrapped = {0};
	unsigned indent = (unsigned)strlen(mark);

	utf8_clean(text, &clean);
	for (size_t i = 0; i < clean.len; i++)
		if (iscntrl((unsigned char)clean.text[i]))
			clean.text[i] = '?';
	if (strspn(strbuf_get(&clean), " ") == clean.len)
		return;
	text_wrapped(strbuf_get(&clean), indent, &wrapped);
	for (const char *line = strbuf_get(&wrapped); *line; line += strcspn(line, "\n") + 1)
		strbuf_addf(out, "%s%.*s\n", mark, (int)(strcspn(line, "\n") - indent),
			    line + indent);
}

void export_commentf(const char *mark, struct strbuf *out, const char *fmt, ...)
{
	struct arena a = {0};
	va_list ap;

	va_start(ap, fmt);
	export_comment(mark, arena_vprintf(&a, fmt, ap), out);
	va_end(ap);
	arena_done(&a);
}

void export_head(const struct export *x, struct strbuf *out)
{
	export_commentf("# ", out, "Profile %s%s%s", x->profile, x->summary ? ": " : "",
			x->summary ? x->summary : "");
	export_commentf("# ", out, "Made by: %s (runup %s)", x->command, x->version);
	export_comment("# ", "Values with a sum are sized for the load stated there.", out);
}

void export_reason(const char *mark, const struct want *w, struct strbuf *out)
{
	const char *reason = want_reason(w);

	if (reason)
		export_comment(mark, reason, out);
	if (w->arithmetic)
		export_commentf(mark, out, "Sum: %s", w->arithmetic);
}

const char *export_slug(const struct export *x, char buf[EXPORT_SLUG_MAX])
{
	const char *slash = strrchr(x->profile, '/');
	const char *name = slash ? slash + 1 : x->profile;
	size_t len = strlen(name);

	if (len > 4 && strcmp(name + len - 4, ".ini") == 0)
		len -= 4;
	snprintf(buf, EXPORT_SLUG_MAX, "%.*s", (int)len, name);
	for (char *p = buf; *p; p++)
		if (!isalnum((unsigned char)*p) && *p != '-' && *p != '_')
			*p = '_';
	return buf;
}

void export_value(const struct want *w, struct strbuf *out)
{
	value_merge(w->value_kind, OP_EXACT, "", w->value, out);
}

void export_wish(const struct want *w, struct strbuf *out)
{
	static const char *const words[] = {
		[OP_EXACT] = "",
		[OP_AT_LEAST] = "at least ",
		[OP_AT_MOST] = "at most ",
		[OP_COVERS] = "at least all of ",
	};

	strbuf_add(out, words[w->op]);
	export_value(w, out);
}

void export_rest(const struct export *x, const char *(*why_not)(const struct want *w),
		 struct strbuf *out)
{
	bool first = true;

	for (size_t i = 0; i < x->len; i++) {
		const struct want *w = x->want[i];
		const char *why = why_not(w);
		cleanup_with(strbuf_done) struct strbuf wish = {0};

		if (!why)
			continue;
		if (w->value)
			export_wish(w, &wish);
		else
			strbuf_addf(&wish, "sized by nothing, state %s", w->unsized);
		if (first)
			strbuf_add(out, "\n# The profile wants more than can stand here:\n");
		first = false;
		size_t at = out->len;

		export_commentf("#   ", out, "%s %s (%s): %s", w->kind, w->key, strbuf_get(&wish),
				why);
		out->text[at + 2] = '-';
		export_reason("#   ", w, out);
	}
}

/* How else a kind of setting is made, by hand. */
static const struct {
	const char *kind, *how;
} other_ways[] = {
	{"rlimit",
	 "a limit of processes: ulimit in the shell that starts them, limits.conf(5) for login "
	 "sessions, or for a service LimitNOFILE= and the like in a drop-in of its unit, then "
	 "systemctl daemon-reload and a restart"},
	{"listen", "the limit of a listener that runs: raise the backlog in its own configuration "
		   "and restart it, or `runup apply` on that host"},
	{"sysfs", "a file beneath /sys, which is gone at the next boot: tmpfiles.d(5) with a line "
		  "`w PATH - - - - VALUE`, or `runup apply` on that host"},
	{"nic", "a setting of a network card: ethtool -G or -L, or `runup apply` on that host"},
	{"notrack", "a rule of nftables, dangerous where the ruleset looks at connections: "
		    "`runup apply` on that host looks first"},
};

const char *export_no_sysctl(const struct want *w)
{
	if (!w->value)
		return "left out";
	if (strcmp(w->kind, "sysctl") == 0)
		return NULL;
	for (size_t i = 0; i < ARRAY_LEN(other_ways); i++)
		if (strcmp(other_ways[i].kind, w->kind) == 0)
			return other_ways[i].how;
	return "`runup apply` on that host";
}
