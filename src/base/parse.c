/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/parse.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/units.h"

/* Reads digits at *s, moves *s behind them. */
static int digits(const char **s, uint64_t *ret)
{
	uint64_t v = 0;
	const char *p = *s;

	if (!isdigit((unsigned char)*p))
		return -EINVAL;
	for (; isdigit((unsigned char)*p); p++) {
		if (__builtin_mul_overflow(v, (uint64_t)10, &v) ||
		    __builtin_add_overflow(v, (uint64_t)(*p - '0'), &v))
			return -ERANGE;
	}
	*s = p;
	*ret = v;
	return 0;
}

static int in_range(uint64_t v, uint64_t min, uint64_t max, uint64_t *ret)
{
	if (v < min || v > max)
		return -ERANGE;
	*ret = v;
	return 0;
}

int parse_u64(const char *s, uint64_t min, uint64_t max, uint64_t *ret)
{
	uint64_t v;
	int r = digits(&s, &v);

	if (r < 0)
		return r;
	return *s ? -EINVAL : in_range(v, min, max, ret);
}

int parse_kernel_number(const char *s, int64_t *ret)
{
	const char *first = *s == '-' ? s + 1 : s;
	char *end;

	if (!isdigit((unsigned char)*first))
		return -EINVAL;
	errno = 0;
	intmax_t v = strtoimax(s, &end, 0);
	if (*end)
		return -EINVAL;
	if (errno == ERANGE)
		return -ERANGE;
	*ret = v;
	return 0;
}

int parse_count(const char *s, uint64_t min, uint64_t max, uint64_t *ret)
{
	uint64_t v, factor = 1;
	int r = digits(&s, &v);

	if (r < 0)
		return r;
	if (*s == 'k')
		factor = 1000;
	else if (*s == 'M')
		factor = 1000000;
	if (factor > 1)
		s++;
	if (*s)
		return -EINVAL;
	if (__builtin_mul_overflow(v, factor, &v))
		return -ERANGE;
	return in_range(v, min, max, ret);
}

static const struct {
	const char *unit;
	uint64_t ns;
} duration_units[] = {
	/* longest first where one is the start of another */
	{"ns", 1},
	{"us", NS_PER_US},
	{"ms", NS_PER_MS},
	{"s", NS_PER_S},
	{"m", 60 * NS_PER_S},
	{"h", 3600 * NS_PER_S},
	{"d", 86400 * NS_PER_S},
};

int parse_duration_ns(const char *s, uint64_t *ret_ns)
{
	const uint64_t year = UINT64_C(365) * 86400 * NS_PER_S;
	uint64_t total = 0;

	do {
		uint64_t v, ns = 0;
		int r = digits(&s, &v);

		if (r < 0)
			return r;
		for (size_t i = 0; i < ARRAY_LEN(duration_units); i++) {
			size_t len = strlen(duration_units[i].unit);

			if (strncmp(s, duration_units[i].unit, len) == 0 &&
			    !isalpha((unsigned char)s[len])) {
				ns = duration_units[i].ns;
				s += len;
				break;
			}
		}
		if (!ns)
			return -EINVAL;
		if (__builtin_mul_overflow(v, ns, &v) || __builtin_add_overflow(total, v, &total) ||
		    total > year)
			return -ERANGE;
	} while (*s);
	*ret_ns = total;
	return 0;
}

const char *parse_word(const char *s, char *word, unsigned size)
{
	s += strspn(s, " \t\n");
	if (!*s)
		return NULL;

	size_t len = strcspn(s, " \t\n");
	size_t kept = len < size ? len : size - 1;

	memcpy(word, s, kept);
	word[kept] = '\0';
	return s + len;
}
