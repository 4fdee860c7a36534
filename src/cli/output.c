/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/output.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "report/json.h"

struct text_style output_style(const struct app *app)
{
	return (struct text_style){.color = app->use_color, .verbose = app->verbose};
}

void output_text(struct strbuf *text)
{
	fputs(strbuf_get(text), stdout);
	strbuf_done(text);
}

void output_json(json_t *j)
{
	char *text = json_render(j);

	fputs(text, stdout);
	free(text);
	json_decref(j);
}

void output_progress(const struct app *app, const char *fmt, ...)
{
	char line[200];
	va_list ap;

	if (app->quiet || !isatty(STDERR_FILENO))
		return;
	va_start(ap, fmt);
	vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	fprintf(stderr, "runup: %s\n", line);
}

void output_note(const struct app *app, const char *fmt, ...)
{
	char line[300];
	va_list ap;

	if (app->quiet)
		return;
	va_start(ap, fmt);
	vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	fprintf(stderr, "runup: %s\n", line);
}
