/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A command line, and the load that is read from it as one short text. */
#ifndef RUNUP_TESTS_GEN_FIXTURE_H
#define RUNUP_TESTS_GEN_FIXTURE_H

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/strbuf.h"
#include "base/units.h"
#include "gen/gen.h"
#include "gen/shell.h"

struct gen_line {
	const char *line; /* as a shell would have it: single words and quotes */
	/*
	 * "wrk closed c400 k d30 t10.0.0.5:8080 th4": name, model, connections, rate, new
	 * connections, keep-alive (k or nk), duration, targets, source addresses, threads, b binds
	 * first, f raises nofile, ! has a message. What is not stated is not there.
	 */
	const char *load;
};

static inline void gen_describe(const struct load *l, struct strbuf *out)
{
	const struct generator *g = &l->generator;
	const char *model = model_name(g->model);

	strbuf_add(out, g->name ? g->name : "none");
	if (model)
		strbuf_addf(out, " %s", model);
	if (load_states(l, LOAD_CONNECTIONS))
		strbuf_addf(out, " c%" PRIu64, l->connections);
	if (load_states(l, LOAD_RATE))
		strbuf_addf(out, " r%" PRIu64, l->rate);
	if (load_states(l, LOAD_NEW_CONNECTIONS))
		strbuf_addf(out, " n%" PRIu64, l->new_connections);
	if (load_states(l, LOAD_KEEPALIVE))
		strbuf_add(out, l->keepalive ? " k" : " nk");
	if (load_states(l, LOAD_DURATION))
		strbuf_addf(out, " d%g", (double)l->duration_ns / (double)NS_PER_S);
	for (size_t i = 0; i < l->targets_len; i++)
		strbuf_addf(out, "%s%s:%u", i ? "," : " t", l->targets[i].host, l->targets[i].port);
	if (load_states(l, LOAD_SOURCE_IPS))
		strbuf_addf(out, " s%" PRIu64, l->source_ips);
	if (g->threads)
		strbuf_addf(out, " th%" PRIu64, g->threads);
	strbuf_addf(out, "%s%s%s", g->binds_first ? " b" : "", g->raises_nofile ? " f" : "",
		    g->message ? " !" : "");
}

/* Nothing is executed and no file is opened. */
static inline void gen_check_line(const struct gen_line *row)
{
	struct gen_context nothing = {.netns_fd = -1};
	struct arena words = {0};
	struct shell_line split;
	struct load l = {0};
	struct strbuf found = {0};
	const char *fancy = shell_split(row->line, &words, &split);

	if (fancy || split.parts != 1)
		fail_msg("%s: %s", row->line, fancy ? fancy : "a pipeline");
	gen_read(split.part[0].argv, &nothing, &l);
	gen_describe(&l, &found);
	if (strcmp(strbuf_get(&found), row->load) != 0)
		fail_msg("%s\n  expected: %s\n  read:     %s\n  message:  %s", row->line, row->load,
			 strbuf_get(&found), l.generator.message ? l.generator.message : "");
	strbuf_done(&found);
	load_done(&l);
	arena_done(&words);
}

#endif
