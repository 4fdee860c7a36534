/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The one way to fail: a value on the caller's stack that holds a number and a sentence. */
#ifndef RUNUP_BASE_ERR_H
#define RUNUP_BASE_ERR_H

#include "base/attr.h"

/*
 * Not an errno: what the user gave (an option, a profile) is wrong and nothing was done. It is a
 * number of its own, because EINVAL also comes back from the kernel, and the two end in different
 * exit codes (2 and 3).
 */
#define ERR_BAD_INPUT 4096

/*
 * code: a positive errno or ERR_BAD_INPUT. msg: one line, lower case, no full stop: what was
 * attempted, the object in single quotes, the reason, what to do. No allocation, so failing cannot
 * fail, and an err can be stored in a result.
 */
struct err {
	int code;
	char msg[500];
};

/*
 * Sets the error and returns -code, so that a failing function ends in
 * `return err_set(e, ENOENT, …)`. A function that takes a struct err and returns a negative number
 * has set it. Too long a message is cut. e may be NULL where the caller only wants the number.
 */
must_check int err_set(struct err *e, int code, const char *fmt, ...) printf_(3, 4);

/* err_set() with ": " and strerror(code) appended. */
must_check int err_errno(struct err *e, int code, const char *fmt, ...) printf_(3, 4);

/* Puts "fmt: " in front of the message; returns -code again. */
must_check int err_wrap(struct err *e, const char *fmt, ...) printf_(2, 3);

/* The analyzer sees one file at a time: without this it goes on as if a failure had returned 0. */
#ifdef __clang_analyzer__
static inline must_check int err_below_zero_(int r)
{
	return r < 0 ? r : -1;
}
#define err_set(...) err_below_zero_(err_set(__VA_ARGS__))
#define err_errno(...) err_below_zero_(err_errno(__VA_ARGS__))
#define err_wrap(...) err_below_zero_(err_wrap(__VA_ARGS__))
#endif

/*
 * The one answer to a failed allocation in the whole program: a line on stderr and abort(). Small
 * allocations do not fail on Linux short of a limit set on purpose, and every state on disk is one
 * that a crash may leave behind, so unwinding would add paths that nothing can test.
 */
_Noreturn void out_of_memory(void);

#endif
