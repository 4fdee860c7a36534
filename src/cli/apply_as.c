/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/apply_as.h"

#include <stdlib.h>

#include "base/cleanup.h"
#include "cli/output.h"
#include "cli/version.h"
#include "report/redact.h"
#include "sys/sysctl.h"
#include "tune/apply.h"

int apply_as_find(const char *name, const struct export_format **ret, struct err *e)
{
	cleanup_with(strbuf_done) struct strbuf known = {0};

	*ret = export_find(name);
	if (*ret)
		return 0;
	export_names(&known);
	return err_set(e, ERR_BAD_INPUT, "--as '%s': expected one of %s", name, strbuf_get(&known));
}

static const char **values_now(const struct host *h, const struct want *const *want, size_t len,
			       struct arena *a)
{
	const char **now = arena_alloc(a, (len + 1) * sizeof(*now));
	char value[SYSCTL_VALUE_MAX];
	struct err ignored;

	for (size_t i = 0; i < len; i++)
		if (want[i]->sysctl && sysctl_read(h, want[i]->key, value, &ignored) == 0)
			now[i] = arena_strdup(a, value);
	return now;
}

/*
 * The whole profile, not what this host lacks: the text is carried to hosts that have other values,
 * and writing it takes no more than reading the profile.
 */
void apply_as_print(const struct app *app, const struct session *s,
		    const struct export_format *format)
{
	const struct profile *p = &s->profile;
	cleanup_free const struct want **wants = calloc(p->wants_len + 1, sizeof(*wants));
	cleanup_with(arena_done) struct arena arena = {0};
	cleanup_free char *command = redact_line(app->argv);
	struct strbuf out = {0};

	if (!wants)
		out_of_memory();
	plan_order(p, wants);

	const struct export x = {
		.profile = p->name,
		.summary = p->summary,
		.command = command,
		.version = runup_version,
		.want = wants,
		.now = values_now(&s->host, wants, p->wants_len, &arena),
		.len = p->wants_len,
	};

	format->write(&x, &out);
	output_text(&out);
}
