/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The command line behind `--`, a word a line: what load it makes, and what of it is a secret. */
#include <stdlib.h>
#include <string.h>

#include "gen/gen.h"
#include "report/redact.h"
#include "tests/fuzz/fuzz.h"

#define WORDS_MAX 64

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input in = {data, size};
	const struct gen_context context = {.netns_fd = -1};
	char *argv[WORDS_MAX + 1] = {0};
	struct load l = {0};
	size_t argc = 0;
	struct err e;

	while (argc < WORDS_MAX && (argv[argc] = (char *)(uintptr_t)fuzz_line(&in)))
		argc++;
	if (argc) {
		gen_read(argv, &context, &l);
		/* Either it is known what makes the load, or the user is told what to state. */
		fuzz_require(l.generator.name || l.generator.message);
		(void)!load_complete(&l, &e);
		load_done(&l);

		char *line = redact_line(argv);

		fuzz_require(line);
		free(line);
	}
	for (size_t i = 0; i < argc; i++)
		free(argv[i]);
	return 0;
}
