/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A journal. First byte even: the file as it stands. Odd: each line of the input is the JSON of a
 * record, framed with its number and the checksum that proves it, since no fuzzer guesses a CRC.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/strbuf.h"
#include "tests/fuzz/fuzz.h"
#include "tune/apply.h"
#include "tune/journal_line.h"

#define ID "20261120-170322-0007"
#define FILE_NAME "changesets/" ID ".journal"

static void frame(struct fuzz_input *in, struct strbuf *out)
{
	uint32_t seq = 0;
	const char *line;

	while ((line = fuzz_line(in))) {
		strbuf_addf(out, "%08" PRIu32 " %08" PRIx32 " %s\n", seq,
			    journal_crc(ID, seq, line, strlen(line)), line);
		seq++;
		free((void *)(uintptr_t)line);
	}
}

static void judge(const struct changeset *cs)
{
	for (size_t n = 0; n < cs->changes.len; n++) {
		const struct change *c = &cs->changes.item[n];

		/* What is proven is whole; what is not has no kind, and nothing is done with it. */
		fuzz_require(c->kind);
		if (*c->kind)
			fuzz_require(c->key && c->before && c->write && c->expect &&
				     cs->identity[n] && (!cs->done[n] || c->after));
	}
	fuzz_require(cs->state == CHANGESET_UNREADABLE || cs->state == CHANGESET_EMPTY ||
		     *cs->boot_id);
	fuzz_require(cs->state != CHANGESET_UNREADABLE || cs->bad_len > 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input in = {data, size};
	struct strbuf text = {0};
	struct changeset cs = {0};
	struct state_dir d;
	struct err e;

	if (size > 200000)
		return 0;
	if (!getenv("RUNUP_STATE_DIR")) {
		char path[128];

		setenv("RUNUP_STATE_DIR", fuzz_folder(), 1);
		chmod(fuzz_folder(), 0700);
		snprintf(path, sizeof(path), "%s/changesets", fuzz_folder());
		mkdir(path, 0700);
	}
	if (fuzz_byte(&in) & 1)
		frame(&in, &text);
	else
		strbuf_addn(&text, (const char *)in.at, in.left);
	fuzz_write(FILE_NAME, strbuf_get(&text), text.len);
	fuzz_require(state_dir_open(&d, false, NULL, &e) == 0);
	if (changeset_read(&d, ID, &cs, &e) == 0)
		judge(&cs);
	changeset_done(&cs);
	state_dir_close(&d);
	strbuf_done(&text);
	return 0;
}
