/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A profile, parsed, sized by its own load and asked for every value it wants. */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "core/profile.h"
#include "tests/fuzz/fuzz.h"

static void judge(const struct want *w)
{
	cleanup_with(strbuf_done) struct strbuf merged = {0};
	cleanup_with(strbuf_done) struct strbuf again = {0};

	/* What is written satisfies the wish, whatever was there, and writing it twice adds
	 * nothing. */
	value_merge(w->value_kind, w->op, "1024 4096", w->value, &merged);
	if (w->value_kind != VALUE_TEXT && w->op != OP_EXACT)
		return;
	value_merge(w->value_kind, w->op, strbuf_get(&merged), w->value, &again);
	fuzz_require(value_equal(w->value_kind, strbuf_get(&merged), strbuf_get(&again)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char path[128];
	static struct host host;
	struct profile p = {0};
	struct load l = {0};
	struct err e;

	if (!*path) {
		strcpy(path, fuzz_folder());
		strcat(path, "/t.ini");
		fuzz_open_host(&host);
	}
	fuzz_write("t.ini", data, size);

	int r = profile_load(&p, path, &e);

	/* Only bad input can be wrong with it, and the message says where. */
	fuzz_require(r == 0 || r == -ERR_BAD_INPUT);
	fuzz_require(r == 0 || strncmp(e.msg, fuzz_folder(), strlen(fuzz_folder())) == 0);
	if (r == 0) {
		load_merge(&l, &p.load);
		if (load_complete(&l, &e) == 0)
			(void)!profile_resolve(&p, &l, &host, false, &e);
		for (size_t i = 0; i < p.wants_len; i++)
			if (p.wants[i].value)
				judge(&p.wants[i]);
	}
	load_done(&l);
	profile_done(&p);
	return 0;
}
