/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a row of sysctl_key.c says of the values its key may have. */
#include <inttypes.h>
#include <limits.h>
#include <string.h>

#include "base/parse.h"
#include "core/sysctl_key.h"

int sysctl_value_check(const struct sysctl_key *k, const char *text, struct err *e)
{
	int64_t max = k->max ? k->max : INT_MAX, n;
	unsigned expected = k->kind == VALUE_RANGE ? 2 : k->fields ? k->fields : 1, found = 0;
	char word[64];

	/* The shared rows ("net.*") know nothing of the key's numbers. */
	if (strchr(k->key, '*') || k->kind == VALUE_SET)
		return 0;
	while ((text = parse_word(text, word, sizeof(word)))) {
		found++;
		if (parse_kernel_number(word, &n) < 0)
			return err_set(e, ERR_BAD_INPUT, "'%s' is not a number", word);
		if (n < k->min || n > max)
			return err_set(e, ERR_BAD_INPUT,
				       "%" PRId64 " is not between %" PRId64 " and %" PRId64, n,
				       k->min, max);
	}
	if (found != expected)
		return err_set(e, ERR_BAD_INPUT, "%u number%s where %u %s expected", found,
			       found == 1 ? "" : "s", expected, expected == 1 ? "is" : "are");
	return 0;
}

bool sysctl_satisfies(const struct sysctl_key *k, enum value_kind kind, enum op op, const char *now,
		      const char *want)
{
	if (k && k->zero_is_unlimited && op == OP_AT_LEAST && value_equal(kind, now, "0"))
		return true;
	return value_satisfies(kind, op, now, want);
}
