/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "gen/number.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/units.h"

#define CENTURY_S (100.0 * 366 * 86400)

int number_atoi(const char *s, uint64_t *ret)
{
	uint64_t n = 0;

	s += strspn(s, " \t\n\v\f\r");
	if (*s == '-')
		return -EINVAL;
	if (*s == '+')
		s++;
	for (; isdigit((unsigned char)*s); s++) {
		n = n * 10 + (uint64_t)(*s - '0');
		if (n > INT32_MAX)
			return -EINVAL;
	}
	*ret = n;
	return 0;
}

int number_go_int(const char *s, uint64_t *ret)
{
	char digits[32];
	size_t len = 0;
	int base = 10;

	if (*s == '+')
		s++;
	if (s[0] == '0' && (s[1] == 'x' || s[1] == 'X')) {
		base = 16;
		s += 2;
	} else if (s[0] == '0' && s[1]) {
		/* An octal, or a binary: nobody writes rates so, and guessing would be wrong. */
		return -EINVAL;
	}
	for (; *s; s++) {
		if (*s == '_' && len)
			continue;
		if (!isxdigit((unsigned char)*s) || len + 1 >= sizeof(digits))
			return -EINVAL;
		digits[len++] = *s;
	}
	digits[len] = '\0';

	char *end;

	errno = 0;
	uint64_t n = strtoull(digits, &end, base);
	if (!len || *end || errno == ERANGE || n > INT64_MAX)
		return -EINVAL;
	*ret = n;
	return 0;
}

int number_go_duration(const char *s, uint64_t *ret_ns)
{
	static const struct {
		const char *unit;
		double seconds;
	} units[] = {
		/* longest first where one is the start of another */
		{"ns", 1e-9}, {"us", 1e-6}, {"\xc2\xb5s", 1e-6}, {"\xce\xbcs", 1e-6},
		{"ms", 1e-3}, {"s", 1},	    {"m", 60},		 {"h", 3600},
	};
	double total = 0;

	if (*s == '+')
		s++;
	if (strcmp(s, "0") == 0) {
		*ret_ns = 0;
		return 0;
	}
	do {
		char number[32];
		size_t len = strspn(s, "0123456789."), unit = 0;
		double n;

		if (!len || len >= sizeof(number))
			return -EINVAL;
		memcpy(number, s, len);
		number[len] = '\0';
		if (number_real(number, &n) < 0)
			return -EINVAL;
		s += len;
		while (unit < ARRAY_LEN(units) &&
		       strncmp(s, units[unit].unit, strlen(units[unit].unit)) != 0)
			unit++;
		if (unit == ARRAY_LEN(units))
			return -EINVAL;
		s += strlen(units[unit].unit);
		total += n * units[unit].seconds;
	} while (*s);
	return number_seconds(total, ret_ns);
}

int number_real(const char *s, double *ret)
{
	char *end;
	bool digit = isdigit((unsigned char)*s) || (*s == '.' && isdigit((unsigned char)s[1]));

	/* strtod(3) would take "inf", "nan", blanks and hexadecimals too. */
	if (!digit || strspn(s, "0123456789.eE+-") != strlen(s))
		return -EINVAL;

	double n = strtod(s, &end);

	if (*end || !isfinite(n) || n < 0)
		return -EINVAL;
	*ret = n;
	return 0;
}

int number_seconds(double seconds, uint64_t *ret_ns)
{
	if (!(seconds >= 0) || seconds > CENTURY_S)
		return -EINVAL;
	*ret_ns = (uint64_t)(seconds * (double)NS_PER_S + 0.5);
	return 0;
}
