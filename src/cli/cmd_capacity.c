/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stddef.h>

#include "cli/cmd.h"
#include "cli/output.h"
#include "cli/session.h"
#include "core/capacity_rows.h"
#include "report/capacity_out.h"
#include "report/json.h"
#include "report/text_load.h"

struct capacity_opts {
	const char *profile;
	int output;
};

static const struct opt opts[] = {
	{"profile", 'p', OPT_TEXT, "PROFILE", "take what the load does not state from a profile",
	 offsetof(struct capacity_opts, profile)},
	{"output", 'o', OPT_CHOICE, "text|json", "how to print the sums",
	 offsetof(struct capacity_opts, output)},
};

/* A limit that could not be read counts if the load asks for something of it. */
static int exit_code(const struct rows *rows)
{
	int code = EXIT_CLEAN;

	for (unsigned i = 0; i < RESOURCES_LEN; i++) {
		if (rows->row[i].state == ROW_BREAKS)
			return EXIT_FINDINGS;
		if (rows->row[i].state == ROW_UNKNOWN && rows->row[i].load.known)
			code = EXIT_COULD_NOT;
	}
	return code;
}

static json_t *to_json(const struct session *s, const struct rows *rows)
{
	json_t *j = json_new_object();

	json_put_text(j, "schema", "runup/capacity/1");
	json_put(j, "host", host_to_json(&s->host));
	json_put(j, "load", load_to_json(&s->load));
	json_put_text(j, "profile", s->has_profile ? s->profile.name : NULL);
	json_put_text(j, "first", rows->first ? resource_name(rows->first->resource) : NULL);
	json_put(j, "resources", rows_to_json(rows));
	return j;
}

static int run(const struct app *app, const struct input *in, struct err *e)
{
	const struct capacity_opts *o = in->opts;
	struct session s = SESSION_INIT;
	struct facts facts;
	struct rows rows;

	s.command = in->command;
	int r = session_open(&s, app, o->profile, &in->load, false, e);

	if (r == 0) {
		facts_read(&s.host, &s.load, ALL_RESOURCES, true, &facts);
		rows_for(&facts, &s.load, &rows);
		r = exit_code(&rows);
		/* A command whose load could not be read is sized by nothing, and a load that sizes
		 * nothing fits nowhere. */
		if (r == EXIT_CLEAN && (s.command || load_sized(&s.load)) &&
		    (!load_sized(&s.load) || !rows.first))
			r = EXIT_COULD_NOT;
		if (o->output == OUTPUT_JSON) {
			output_json(to_json(&s, &rows));
		} else if (!app->quiet || r != EXIT_CLEAN) {
			struct text_style style = output_style(app);
			struct strbuf out = {0};

			text_load(&s.load, &out);
			text_rows(&rows, &s.load, &style, &out);
			output_text(&out);
		}
	}
	session_done(&s);
	return r;
}

const struct cmd cmd_capacity = {
	.name = "capacity",
	.args = "",
	.summary = "the sums alone: each resource, its limit, demand and breaking point",
	.details =
		"Says which limit breaks first as the load grows, and at what load. Reads only. "
		"Exit code 0: the load fits; 1: it does not; 2: wrong usage; 3: a limit that the "
		"load needs could not be read. CMD is a load generator's command line that says "
		"the load; it is not started.",
	.opts = opts,
	.opts_len = ARRAY_LEN(opts),
	.opts_size = sizeof(struct capacity_opts),
	.takes_load = true,
	.takes_command = true,
	.reads_only = true,
	.run = run,
};
