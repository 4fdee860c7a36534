/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A profile as a file of sysctl.d(5). */
#include "base/cleanup.h"
#include "report/export_part.h"

#define MARK "# "

static void write_line(const struct want *w, struct strbuf *out)
{
	cleanup_with(strbuf_done) struct strbuf wish = {0}, value = {0};

	strbuf_add(out, "\n");
	export_reason(MARK, w, out);
	/* The format knows '=' alone, so the one promise that it cannot keep is said. */
	if (w->op != OP_EXACT) {
		export_wish(w, &wish);
		export_commentf(MARK, out,
				"Wanted: %s. This line sets it as it is: leave it out on a host "
				"that has that or better.",
				strbuf_get(&wish));
	}
	if (w->sysctl && w->sysctl->module)
		export_comment(MARK,
			       "There only once its kernel module is loaded: name that in "
			       "/etc/modules-load.d for boot time.",
			       out);
	export_value(w, &value);
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
			write_line(x->want[i], out);
	export_rest(x, export_no_sysctl, out);
}

const struct export_format export_sysctl_d = {"sysctl.d", write_file};
