/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/parse.h"
#include "base/ranges.h"
#include "base/strbuf.h"
#include "base/table.h"
#include "base/units.h"

static void test_numbers_are_whole_or_nothing(void **state)
{
	(void)state;
	static const char *const bad[] = {"", " 1", "1 ", "-1", "+1", "0x10", "1.5", "12a", "1e3"};
	uint64_t n = 7;

	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_int_equal(parse_u64(bad[i], 0, UINT64_MAX, &n), -EINVAL);
	assert_int_equal(parse_u64("18446744073709551616", 0, UINT64_MAX, &n), -ERANGE);
	assert_int_equal(parse_u64("11", 1, 10, &n), -ERANGE);
	assert_int_equal(n, 7); /* untouched by all of these */
	assert_int_equal(parse_u64("18446744073709551615", 0, UINT64_MAX, &n), 0);
	assert_true(n == UINT64_MAX);
}

static void test_kernel_numbers_have_three_bases(void **state)
{
	(void)state;
	int64_t n;

	assert_int_equal(parse_kernel_number("0x1000", &n), 0);
	assert_int_equal(n, 4096);
	assert_int_equal(parse_kernel_number("010", &n), 0);
	assert_int_equal(n, 8);
	assert_int_equal(parse_kernel_number("-1", &n), 0);
	assert_int_equal(n, -1);
	assert_int_equal(parse_kernel_number("cubic", &n), -EINVAL);
	assert_int_equal(parse_kernel_number("1 2", &n), -EINVAL);
	assert_int_equal(parse_kernel_number("99999999999999999999", &n), -ERANGE);
}

static void test_counts(void **state)
{
	(void)state;
	uint64_t n;

	assert_int_equal(parse_count("10k", 1, UINT64_MAX, &n), 0);
	assert_int_equal(n, 10000);
	assert_int_equal(parse_count("2M", 1, UINT64_MAX, &n), 0);
	assert_int_equal(n, 2000000);
	assert_int_equal(parse_count("10K", 1, UINT64_MAX, &n), -EINVAL);
	assert_int_equal(parse_count("99999999999999999k", 1, UINT64_MAX, &n), -ERANGE);
	assert_int_equal(parse_count("0", 1, UINT64_MAX, &n), -ERANGE);
}

static void test_durations_need_units(void **state)
{
	(void)state;
	uint64_t ns;

	assert_int_equal(parse_duration_ns("1m30s", &ns), 0);
	assert_true(ns == 90 * NS_PER_S);
	assert_int_equal(parse_duration_ns("250ms", &ns), 0);
	assert_true(ns == 250 * NS_PER_MS);
	assert_int_equal(parse_duration_ns("5", &ns), -EINVAL);
	assert_int_equal(parse_duration_ns("5 s", &ns), -EINVAL);
	assert_int_equal(parse_duration_ns("", &ns), -EINVAL);
	assert_int_equal(parse_duration_ns("5sec", &ns), -EINVAL);
	assert_int_equal(parse_duration_ns("99999d", &ns), -ERANGE);
}

static void check_ranges(const char *in, const char *out)
{
	struct ranges r = {0};
	struct strbuf text = {0};

	assert_int_equal(ranges_parse(&r, in, 65535), 0);
	ranges_format(&r, &text);
	assert_string_equal(strbuf_get(&text), out);
	strbuf_done(&text);
	ranges_done(&r);
}

static void test_ranges_are_kept_as_the_kernel_prints_them(void **state)
{
	(void)state;
	check_ranges("", "");
	check_ranges("9100,9101,9102", "9100-9102");
	check_ranges("443,80", "80,443");
	check_ranges("1-10,5-20,22,21", "1-22");
	check_ranges("0-65535,80", "0-65535");
	check_ranges("10-20,30-40,15-35", "10-40");
}

static void test_bad_ranges_are_refused(void **state)
{
	(void)state;
	static const char *const bad[] = {"a", "1-", "-1",    "5-1",  "1,,2",
					  ",", "1,", "1-2-3", "70000"};

	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct ranges r = {0};

		if (ranges_parse(&r, bad[i], 65535) >= 0)
			fail_msg("'%s' was taken", bad[i]);
		ranges_done(&r);
	}
}

static void test_ranges_as_sets(void **state)
{
	(void)state;
	struct ranges a = {0}, b = {0};

	assert_int_equal(ranges_parse(&a, "1000-1999,3000", 65535), 0);
	assert_int_equal(ranges_parse(&b, "1500-1600,3000", 65535), 0);
	assert_true(ranges_cover(&a, &b));
	assert_false(ranges_cover(&b, &a));
	assert_false(ranges_equal(&a, &b));
	assert_int_equal(ranges_count_within(&a, 1990, 3000), 11);
	ranges_add_all(&b, &a);
	assert_true(ranges_equal(&a, &b));
	ranges_done(&a);
	ranges_done(&b);
}

static void test_errors_carry_their_context(void **state)
{
	(void)state;
	struct err e;
	char long_text[1000];

	assert_int_equal(err_errno(&e, ENOENT, "open '%s'", "x"), -ENOENT);
	assert_string_equal(e.msg, "open 'x': No such file or directory");
	assert_int_equal(err_wrap(&e, "profile %d", 3), -ENOENT);
	assert_string_equal(e.msg, "profile 3: open 'x': No such file or directory");

	memset(long_text, 'a', sizeof(long_text) - 1);
	long_text[sizeof(long_text) - 1] = '\0';
	assert_int_equal(err_set(&e, EIO, "%s", long_text), -EIO);
	assert_int_equal(strlen(e.msg), sizeof(e.msg) - 1);
	assert_int_equal(err_wrap(&e, "%s", long_text), -EIO);
	assert_int_equal(strlen(e.msg), sizeof(e.msg) - 1);
	assert_int_equal(err_set(NULL, EIO, "nobody listens"), -EIO);
}

static void test_text_for_people(void **state)
{
	(void)state;
	char n[UNITS_MAX], t[RFC3339_MAX];

	assert_string_equal(units_count(0, n), "0");
	assert_string_equal(units_count(999, n), "999");
	assert_string_equal(units_count(28232, n), "28 232");
	assert_string_equal(units_count(UINT64_MAX, n), "18 446 744 073 709 551 615");
	assert_string_equal(units_duration(0, n), "0s");
	assert_string_equal(units_duration(90 * NS_PER_S, n), "1m30s");
	assert_string_equal(units_duration(1500 * NS_PER_MS, n), "1s500ms");
	assert_string_equal(format_rfc3339(UINT64_C(1795194202104) * NS_PER_MS, t),
			    "2026-11-20T17:03:22.104Z");
}

static void test_table_aligns_columns(void **state)
{
	(void)state;
	struct table t = {.columns = 2};
	struct strbuf out = {0};

	table_add(&t, "a");
	table_add(&t, "first");
	table_addf(&t, "%s", "longer");
	table_add(&t, "second");
	table_format(&t, 1, &out);
	assert_string_equal(strbuf_get(&out), " a       first\n longer  second\n");
	strbuf_done(&out);
	table_done(&t);
}

static void test_arena_gives_zeroed_room_of_any_size(void **state)
{
	(void)state;
	struct arena a = {0};
	char *small = arena_alloc(&a, 3), *large = arena_alloc(&a, 100000);

	for (size_t i = 0; i < 100000; i++)
		assert_int_equal(large[i], 0);
	memset(large, 'x', 100000);
	assert_int_equal(small[0], 0);
	assert_string_equal(arena_printf(&a, "%d-%s", 7, "z"), "7-z");
	arena_done(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_numbers_are_whole_or_nothing),
		cmocka_unit_test(test_kernel_numbers_have_three_bases),
		cmocka_unit_test(test_counts),
		cmocka_unit_test(test_durations_need_units),
		cmocka_unit_test(test_ranges_are_kept_as_the_kernel_prints_them),
		cmocka_unit_test(test_bad_ranges_are_refused),
		cmocka_unit_test(test_ranges_as_sets),
		cmocka_unit_test(test_errors_carry_their_context),
		cmocka_unit_test(test_text_for_people),
		cmocka_unit_test(test_table_aligns_columns),
		cmocka_unit_test(test_arena_gives_zeroed_room_of_any_size),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
