/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What commands put on standard output. */
#ifndef RUNUP_CLI_OUTPUT_H
#define RUNUP_CLI_OUTPUT_H

#include <jansson.h>

#include "base/strbuf.h"
#include "cli/cmd.h"
#include "report/text.h"

struct text_style output_style(const struct app *app);

/* Prints and releases. */
void output_text(struct strbuf *text);
void output_json(json_t *j);

/* A line on stderr for what takes longer than people expect; nothing when quiet or not a terminal.
 */
void output_progress(const struct app *app, const char *fmt, ...) printf_(2, 3);

/* A line on stderr that whoever reads the result has to know; nothing when quiet. */
void output_note(const struct app *app, const char *fmt, ...) printf_(2, 3);

#endif
