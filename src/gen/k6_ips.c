/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "gen/k6_ips.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "base/parse.h"

struct address {
	bool v6;
	uint64_t high, low; /* of the 128 bits; IPv4 is in low */
};

static int parse_address(const char *s, size_t len, struct address *ret)
{
	char text[INET6_ADDRSTRLEN];
	unsigned char bytes[16];
	struct address a = {.v6 = false};

	while (len && *s == ' ') {
		s++;
		len--;
	}
	while (len && s[len - 1] == ' ')
		len--;
	if (len >= sizeof(text))
		return -EINVAL;
	memcpy(text, s, len);
	text[len] = '\0';
	if (inet_pton(AF_INET, text, bytes) == 1) {
		for (size_t i = 0; i < 4; i++)
			a.low = a.low << 8 | bytes[i];
	} else if (inet_pton(AF_INET6, text, bytes) == 1) {
		a.v6 = true;
		for (size_t i = 0; i < 8; i++) {
			a.high = a.high << 8 | bytes[i];
			a.low = a.low << 8 | bytes[i + 8];
		}
	} else {
		return -EINVAL;
	}
	*ret = a;
	return 0;
}

static int count_range(const char *s, size_t first, size_t len, uint64_t *ret)
{
	struct address a, b;

	if (parse_address(s, first, &a) < 0 ||
	    parse_address(s + first + 1, len - first - 1, &b) < 0 || a.v6 != b.v6 ||
	    a.high != b.high || a.low > b.low || b.low - a.low == UINT64_MAX)
		return -EINVAL;
	*ret = b.low - a.low + 1;
	return 0;
}

static int count_network(const char *s, size_t first, size_t len, uint64_t *ret)
{
	struct address a;
	char prefix[4];
	uint64_t bits, width;
	size_t digits = len - first - 1;

	if (parse_address(s, first, &a) < 0 || digits >= sizeof(prefix))
		return -EINVAL;
	memcpy(prefix, s + first + 1, digits);
	prefix[digits] = '\0';
	width = a.v6 ? 128 : 32;
	if (parse_u64(prefix, 0, width, &bits) < 0)
		return -EINVAL;
	/* More than anybody has; the sums would not change. */
	*ret = width - bits > 32 ? UINT64_C(1) << 32 : UINT64_C(1) << (width - bits);
	if (!a.v6 && *ret > 2)
		*ret -= 2;
	return 0;
}

int k6_ips_count(const char *list, uint64_t *ret)
{
	uint64_t total = 0;

	for (const char *s = list;; s += strcspn(s, ",") + 1) {
		size_t len = strcspn(s, ","), dash = strcspn(s, "-,"), slash = strcspn(s, "/,");
		struct address a;
		uint64_t n = 1;
		int r = dash < len    ? count_range(s, dash, len, &n)
			: slash < len ? count_network(s, slash, len, &n)
				      : parse_address(s, len, &a);

		if (r < 0 || __builtin_add_overflow(total, n, &total))
			return -EINVAL;
		if (!s[len])
			break;
	}
	*ret = total;
	return 0;
}
