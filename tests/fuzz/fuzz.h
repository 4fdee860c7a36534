/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the fuzz targets share. A target is one file fuzz_NAME.c with LLVMFuzzerTestOneInput();
 * `make fuzz` links it with clang's libFuzzer, `make test` with replay.c, which runs the corpus.
 */
#ifndef RUNUP_TESTS_FUZZ_H
#define RUNUP_TESTS_FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/*
 * A folder of this process alone, in memory where the machine has such a place, removed when the
 * process ends as it should. Made at the first call.
 */
const char *fuzz_folder(void);

/* Writes a file beneath it, with its folders: "/proc/net/snmp". */
void fuzz_write(const char *path, const void *data, size_t size);
void fuzz_remove(const char *path);

/* Opens the folder as a recorded host, with what makes it one. */
struct host;
void fuzz_open_host(struct host *h);

/* What a target holds to be true: the process ends, and the input is kept. */
#define fuzz_require(condition)                                                                    \
	do {                                                                                       \
		if (!(condition))                                                                  \
			__builtin_trap();                                                          \
	} while (0)

/* Takes the input apart from the front. */
struct fuzz_input {
	const uint8_t *at;
	size_t left;
};
uint8_t fuzz_byte(struct fuzz_input *in); /* 0 at the end */
const char *
fuzz_line(struct fuzz_input *in); /* up to a newline, without NULs; free() it; NULL: end */
char *fuzz_rest(struct fuzz_input *in, size_t *len); /* NUL-terminated; free() it */

/* Hex digits of a netlink record. */
struct strbuf;
void fuzz_hex(struct strbuf *out, const void *data, size_t len);

/*
 * A line of a netlink record: two bytes of length, two of type, the rest of the message. The length
 * in its header is made right, as the kernel's are: what is inside is what readers have to doubt.
 */
void fuzz_message(struct fuzz_input *in, struct strbuf *out);

#endif
