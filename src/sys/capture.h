/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A helper program run for its answer: bounded in time and output, away from the terminal. */
#ifndef RUNUP_SYS_CAPTURE_H
#define RUNUP_SYS_CAPTURE_H

#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/err.h"
#include "sys/run_as.h"

struct capture_options {
	char *const *argv; /* found on that user's PATH */
	/* NULL-terminated, may be NULL: "NAME=VALUE" is set, "NAME" alone is removed. */
	char *const *env;
	const struct run_as *user; /* NULL: unchanged */
	int netns_fd;		   /* run in this network namespace; -1: stay */
	uint64_t timeout_ns;
	size_t max; /* of standard output, in bytes */
};

/*
 * Runs argv in a session of its own with nothing on stdin and stderr, and keeps what it writes to
 * stdout: *ret is NUL-terminated and the caller's to free, *ret_status as wait(2) has it.
 * -ENOENT: no such program; -ETIMEDOUT and -EFBIG: it took too long or said too much, and is dead.
 * Whatever is left of its process group is killed.
 */
must_check int capture(const struct capture_options *o, char **ret, int *ret_status, struct err *e);

#endif
