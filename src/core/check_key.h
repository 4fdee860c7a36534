/* SPDX-License-Identifier: GPL-2.0-or-later */
/* For the checks: settings as numbers, and what is said where a setting is not to be seen. */
#ifndef RUNUP_CORE_CHECK_KEY_H
#define RUNUP_CORE_CHECK_KEY_H

#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/err.h"
#include "core/check.h"

/*
 * Reads the n numbers of a sysctl. 1: ret is set. 0: the key is not there, and a finding of check
 * `id` says why (check_not_here). Otherwise -errno.
 */
must_check int check_read_key(const struct check_input *in, const char *id, const char *key,
			      uint64_t *ret, size_t n, struct findings *out, struct err *e);

/* The same where nothing is said if the key is not there: `otherwise` is taken for each number. */
void check_read_key_or(const struct check_input *in, const char *key, uint64_t *ret, size_t n,
		       uint64_t otherwise);

/*
 * Adds the finding for what is not there: `na`, or `unknown` where a load or a profile asks and it
 * is only this namespace that does not show what the host has. Never a pass.
 */
struct finding *check_not_here(const struct check_input *in, const char *id, const char *subject,
			       struct findings *out);

/* Adds the `unknown` of a question that no load depends on, so that it does not count; returns 0.
 */
int check_untold(const char *id, const struct err *e, struct findings *out);

/* Is a load or a profile given, so that an answer is needed rather than told in passing? */
static inline bool check_asked(const struct check_input *in)
{
	return in->load->stated != 0 || in->profile != NULL;
}

#endif
