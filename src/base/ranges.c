/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/ranges.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/parse.h"

void ranges_add(struct ranges *r, uint32_t low, uint32_t high)
{
	size_t first = 0;

	/* Skip what ends before low and does not touch it. */
	while (first < r->len && (uint64_t)r->item[first].high + 1 < low)
		first++;

	size_t after = first;

	for (; after < r->len && r->item[after].low <= (uint64_t)high + 1; after++) {
		if (r->item[after].low < low)
			low = r->item[after].low;
		if (r->item[after].high > high)
			high = r->item[after].high;
	}
	if (after == first) {
		array_push((void **)&r->item, &r->len, &r->cap, sizeof(*r->item));
		memmove(&r->item[first + 1], &r->item[first],
			(r->len - 1 - first) * sizeof(*r->item));
	} else {
		memmove(&r->item[first + 1], &r->item[after], (r->len - after) * sizeof(*r->item));
		r->len -= after - first - 1;
	}
	r->item[first] = (struct range){low, high};
}

void ranges_add_all(struct ranges *r, const struct ranges *more)
{
	for (size_t i = 0; i < more->len; i++)
		ranges_add(r, more->item[i].low, more->item[i].high);
}

bool ranges_contain(const struct ranges *r, uint32_t low, uint32_t high)
{
	for (size_t i = 0; i < r->len; i++)
		if (r->item[i].low <= low && high <= r->item[i].high)
			return true;
	return false;
}

bool ranges_cover(const struct ranges *r, const struct ranges *inner)
{
	for (size_t i = 0; i < inner->len; i++)
		if (!ranges_contain(r, inner->item[i].low, inner->item[i].high))
			return false;
	return true;
}

bool ranges_equal(const struct ranges *a, const struct ranges *b)
{
	return ranges_cover(a, b) && ranges_cover(b, a);
}

uint64_t ranges_count_within(const struct ranges *r, uint32_t low, uint32_t high)
{
	uint64_t n = 0;

	for (size_t i = 0; i < r->len; i++) {
		uint32_t from = r->item[i].low > low ? r->item[i].low : low;
		uint32_t to = r->item[i].high < high ? r->item[i].high : high;

		if (from <= to)
			n += (uint64_t)to - from + 1;
	}
	return n;
}

/* One "a" or "a-b" of len characters. */
static int parse_one(struct ranges *r, const char *s, size_t len, uint32_t max)
{
	char text[32];
	uint64_t low, high;

	if (len == 0 || len >= sizeof(text))
		return -EINVAL;
	memcpy(text, s, len);
	text[len] = '\0';

	char *dash = strchr(text, '-');

	if (dash)
		*dash = '\0';
	int err = parse_u64(text, 0, max, &low);
	if (err < 0)
		return err;
	high = low;
	if (dash) {
		err = parse_u64(dash + 1, 0, max, &high);
		if (err < 0)
			return err;
	}
	if (high < low)
		return -EINVAL;
	ranges_add(r, (uint32_t)low, (uint32_t)high);
	return 0;
}

int ranges_parse(struct ranges *r, const char *s, uint32_t max)
{
	if (!*s)
		return 0;
	for (;;) {
		size_t len = strcspn(s, ",");
		int err = parse_one(r, s, len, max);

		if (err < 0)
			return err;
		if (!s[len])
			return 0;
		s += len + 1;
	}
}

void ranges_format(const struct ranges *r, struct strbuf *out)
{
	for (size_t i = 0; i < r->len; i++) {
		strbuf_addf(out, "%s%" PRIu32, i ? "," : "", r->item[i].low);
		if (r->item[i].high != r->item[i].low)
			strbuf_addf(out, "-%" PRIu32, r->item[i].high);
	}
}

void ranges_done(struct ranges *r)
{
	free(r->item);
	*r = (struct ranges){0};
}

void ranges_keep(struct ranges *r, const struct ranges *only)
{
	struct ranges both = {0};

	for (size_t i = 0; i < r->len; i++)
		for (size_t j = 0; j < only->len; j++) {
			const struct range *a = &r->item[i], *b = &only->item[j];
			uint32_t low = a->low > b->low ? a->low : b->low;
			uint32_t high = a->high < b->high ? a->high : b->high;

			if (low <= high)
				ranges_add(&both, low, high);
		}
	ranges_done(r);
	*r = both;
}

void ranges_invert(struct ranges *r, uint32_t max)
{
	struct ranges gaps = {0};
	uint32_t next = 0;

	for (size_t i = 0; i < r->len && r->item[i].low <= max; i++) {
		if (r->item[i].low > next)
			ranges_add(&gaps, next, r->item[i].low - 1);
		next = r->item[i].high + 1;
	}
	if (next <= max && (!r->len || r->item[r->len - 1].high < max))
		ranges_add(&gaps, next, max);
	ranges_done(r);
	*r = gaps;
}
