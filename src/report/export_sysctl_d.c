/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A profile as a file of sysctl.d(5). */
#include "base/cleanup.h"
#include "report/export_part.h"

#define MARK "# "

/* What this host has more of it keeps, once the file is its own: the larger, the union. */
static const char *merged(const struct want *w, const char *now, struct strbuf *value)
{
	if (w->op == OP_EXACT || !now) {
		export_value(w, value);
		return NULL;
	}
	value_merge(w->value_kind, w->op, now, w->value, value);
	return value_satisfies(w->value_kind, w->op, now, w->value) ? now : NULL;
}

static void write_line(const struct want *w, const char *now, struct strbuf *out)
{
	cleanup_with(strbuf_done) struct strbuf wish = {0}, value = {0};
	const char *kept = merged(w, now, &value);

	strbuf_add(out, "\n");
	export_reason(MARK, w, out);
	/* The format knows '=' alone, so the one promise that it cannot keep is said. */
	if (w->op != OP_EXACT) {
		export_wish(w, &wish);
		export_commentf(MARK, out,
				"Wanted: %s%s. This line sets it as it is: leave it out on a host "
				"that has better.",
				strbuf_get(&wish),
				kept ? "; the host that wrote this has that already, and its value "
				       "stands here"
				     : "");
	}
	if (w->sysctl && w->sysctl->module)
		export_comment(MARK,
			       "There only once its kernel module is loaded: name that in "
			       "/etc/modules-load.d for boot time.",
			       out);
	strbuf_addf(out, "%s%s = %s\n", w->optional ? "-" : "", w->key, strbuf_get(&value));
}

static void write_file(const struct export *x, struct strbuf *out)
{
	char slug[EXPORT_SLUG_MAX];

	export_head(x, out);
	export_commentf(MARK, out,
			"Put it into /etc/sysctl.d/90-runup-%s.conf, then: sysctl --system. Once "
			"that file is removed, the next boot undoes it.",
			export_slug(x, slug));
	for (size_t i = 0; i < x->len; i++)
		if (!export_no_sysctl(x->want[i]))
			write_line(x->want[i], x->now[i], out);
	export_rest(x, export_no_sysctl, out);
}

const struct export_format export_sysctl_d = {"sysctl.d", write_file};
