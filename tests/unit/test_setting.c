/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "core/change.h"
#include "core/setting.h"

static const struct satisfied_case {
	enum value_kind kind;
	enum op op;
	const char *now, *want;
	bool yes;
} satisfied_cases[] = {
	/* spelling does not count, the value does */
	{VALUE_NUMBERS, OP_EXACT, "16", "0x10", true},
	{VALUE_NUMBERS, OP_EXACT, "8", "010", true},
	{VALUE_NUMBERS, OP_EXACT, "10", "010", false},
	{VALUE_NUMBERS, OP_EXACT, "4096\t131072\t6291456", "4096 131072 6291456", true},
	{VALUE_NUMBERS, OP_EXACT, " 5 ", "5", true},
	{VALUE_NUMBERS, OP_EXACT, "-1", "-1", true},
	{VALUE_NUMBERS, OP_EXACT, "1", "-1", false},
	{VALUE_NUMBERS, OP_EXACT, "1 2", "1", false},
	{VALUE_NUMBERS, OP_EXACT, "1", "1 2", false},
	{VALUE_NUMBERS, OP_EXACT, "", "0", false},
	/* words where neither is a number */
	{VALUE_NUMBERS, OP_EXACT, "cubic", "cubic", true},
	{VALUE_NUMBERS, OP_EXACT, "cubic", "bbr", false},
	{VALUE_NUMBERS, OP_EXACT, "cubic", "1", false},
	{VALUE_NUMBERS, OP_AT_LEAST, "cubic", "cubic", false},
	/* at least, field by field */
	{VALUE_NUMBERS, OP_AT_LEAST, "4096", "4096", true},
	{VALUE_NUMBERS, OP_AT_LEAST, "4097", "4096", true},
	{VALUE_NUMBERS, OP_AT_LEAST, "128", "1024", false},
	{VALUE_NUMBERS, OP_AT_LEAST, "9", "10", false},
	{VALUE_NUMBERS, OP_AT_LEAST, "-2", "-1", false},
	{VALUE_NUMBERS, OP_AT_LEAST, "-1", "-2", true},
	{VALUE_NUMBERS, OP_AT_LEAST, "4096\t131072\t6291456", "4096 131072 16777216", false},
	{VALUE_NUMBERS, OP_AT_LEAST, "8192\t131072\t16777216", "4096 131072 16777216", true},
	/* above INT64_MAX, as fs.file-max may be */
	{VALUE_NUMBERS, OP_AT_LEAST, "18446744073709551615", "100000", true},
	{VALUE_NUMBERS, OP_AT_MOST, "18446744073709551615", "100000", false},
	{VALUE_NUMBERS, OP_AT_LEAST, "99999999999999999999", "1", false},
	{VALUE_NUMBERS, OP_AT_MOST, "4096", "4096", true},
	{VALUE_NUMBERS, OP_AT_MOST, "4097", "4096", false},
	{VALUE_NUMBERS, OP_COVERS, "4096", "4096", false},
	{VALUE_RANGE, OP_COVERS, "1024\t65535", "1024 65535", true},
	{VALUE_RANGE, OP_COVERS, "1000\t65535", "1024 65000", true},
	{VALUE_RANGE, OP_COVERS, "32768\t60999", "1024 65535", false},
	{VALUE_RANGE, OP_COVERS, "1024\t60999", "1024 65535", false},
	{VALUE_RANGE, OP_EXACT, "32768\t60999", "32768 60999", true},
	{VALUE_RANGE, OP_EXACT, "32768\t60999", "32768 61000", false},
	{VALUE_RANGE, OP_AT_LEAST, "32768\t60999", "32768 60999", false},
	{VALUE_RANGE, OP_EXACT, "32768", "32768", false},
	{VALUE_SET, OP_EXACT, "9100-9102", "9100,9101,9102", true},
	{VALUE_SET, OP_EXACT, "9100-9102", "9102, 9100-9101", true},
	{VALUE_SET, OP_EXACT, "9100-9102", "9100", false},
	{VALUE_SET, OP_EXACT, "", "", true},
	{VALUE_SET, OP_COVERS, "80,9100-9102", "9101", true},
	{VALUE_SET, OP_COVERS, "80,9100-9102", "9103", false},
	{VALUE_SET, OP_COVERS, "", "80", false},
	/* by bits, however the kernel groups and pads them */
	{VALUE_MASK, OP_EXACT, "00000000,0000000f", "f", true},
	{VALUE_MASK, OP_EXACT, "F", "0f", true},
	{VALUE_MASK, OP_EXACT, "00000001,00000000", "1", false},
	{VALUE_MASK, OP_EXACT, "0", "00000000,00000000", true},
	{VALUE_MASK, OP_COVERS, "7", "5", true},
	{VALUE_MASK, OP_COVERS, "5", "7", false},
	{VALUE_MASK, OP_COVERS, "f", "1,00000000", false},
	{VALUE_MASK, OP_COVERS, "1,f", "f", false},
	{VALUE_MASK, OP_AT_LEAST, "f", "1", false},
	{VALUE_TEXT, OP_EXACT, "fq_codel", "fq_codel", true},
	{VALUE_TEXT, OP_EXACT, "a\tb", "a b", true},
	{VALUE_TEXT, OP_EXACT, "a", "a b", false},
	{VALUE_TEXT, OP_EXACT, "16", "0x10", false},
};

static void test_satisfies(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(satisfied_cases); i++) {
		const struct satisfied_case *c = &satisfied_cases[i];

		if (value_satisfies(c->kind, c->op, c->now, c->want) != c->yes)
			fail_msg("'%s' %s '%s' should%s hold", c->now, op_name(c->op), c->want,
				 c->yes ? "" : " not");
	}
}

static const struct merge_case {
	enum value_kind kind;
	enum op op;
	const char *now, *want, *written;
} merge_cases[] = {
	{VALUE_NUMBERS, OP_EXACT, "5", "0x10", "16"},
	{VALUE_NUMBERS, OP_EXACT, "", "-0x10", "-16"},
	{VALUE_NUMBERS, OP_AT_LEAST, "128", "1024", "1024"},
	{VALUE_NUMBERS, OP_AT_LEAST, "8192\t131072\t6291456", "4096 131072 16777216",
	 "8192 131072 16777216"},
	{VALUE_NUMBERS, OP_AT_MOST, "60\t10", "30 20", "30 10"},
	{VALUE_NUMBERS, OP_AT_LEAST, "18446744073709551615", "1", "18446744073709551615"},
	{VALUE_NUMBERS, OP_EXACT, "cubic", "bbr", "bbr"},
	{VALUE_RANGE, OP_COVERS, "32768\t60999", "1024 50000", "1024 60999"},
	{VALUE_RANGE, OP_COVERS, "500\t60999", "1024 65535", "500 65535"},
	{VALUE_RANGE, OP_EXACT, "500\t60999", "1024 65535", "1024 65535"},
	{VALUE_SET, OP_COVERS, "80,9100-9101", "9102,443", "80,443,9100-9102"},
	{VALUE_SET, OP_COVERS, "", "443", "443"},
	{VALUE_SET, OP_EXACT, "80", "", ""},
	{VALUE_MASK, OP_EXACT, "00000000,00000000", "00000000,0000000F", "f"},
	{VALUE_MASK, OP_EXACT, "ff", "0", "0"},
	{VALUE_MASK, OP_EXACT, "0", "f00000000", "f,00000000"},
	{VALUE_MASK, OP_COVERS, "00000000,00000011", "c", "1d"},
	{VALUE_MASK, OP_COVERS, "1,00000000,00000000", "2", "1,00000000,00000002"},
	{VALUE_TEXT, OP_EXACT, "a", " b\tc ", "b c"},
};

static void test_merge(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(merge_cases); i++) {
		const struct merge_case *c = &merge_cases[i];
		cleanup_with(strbuf_done) struct strbuf out = {0};

		value_merge(c->kind, c->op, c->now, c->want, &out);
		assert_string_equal(strbuf_get(&out), c->written);
		/* What is written satisfies the wish and loses nothing that was there. */
		assert_true(value_satisfies(c->kind, c->op, strbuf_get(&out), c->want));
		if (c->op != OP_EXACT)
			assert_true(value_satisfies(c->kind, c->op, strbuf_get(&out), c->now));
	}
}

static void test_check(void **state)
{
	struct err e;

	(void)state;
	assert_int_equal(value_check(VALUE_NUMBERS, "4096 0x10 -1", &e), 0);
	assert_int_equal(value_check(VALUE_NUMBERS, "", &e), -ERR_BAD_INPUT);
	assert_int_equal(value_check(VALUE_NUMBERS, "12abc", &e), -ERR_BAD_INPUT);
	assert_string_equal(e.msg, "'12abc' is not a number");
	assert_int_equal(value_check(VALUE_RANGE, "1024 65535", &e), 0);
	assert_int_equal(value_check(VALUE_RANGE, "65535 1024", &e), -ERR_BAD_INPUT);
	assert_int_equal(value_check(VALUE_RANGE, "1024", &e), -ERR_BAD_INPUT);
	assert_int_equal(value_check(VALUE_RANGE, "1 2 3", &e), -ERR_BAD_INPUT);
	assert_int_equal(value_check(VALUE_RANGE, "-1 2", &e), -ERR_BAD_INPUT);
	assert_int_equal(value_check(VALUE_SET, "80, 443,9100-9102", &e), 0);
	assert_int_equal(value_check(VALUE_SET, "", &e), 0);
	assert_int_equal(value_check(VALUE_SET, "80 443", &e), -ERR_BAD_INPUT);
	assert_int_equal(value_check(VALUE_SET, "65536", &e), -ERR_BAD_INPUT);
	assert_int_equal(value_check(VALUE_MASK, "00000000,0000000f", &e), 0);
	assert_int_equal(value_check(VALUE_MASK, "fffffffff", &e), 0);
	static const char *const no_masks[] = {
		"",    ",",  "f,",	  ",0000000f",	       "f,f", "0xf", "0-3",
		"f 1", "-1", "f,0000000", "000000000,00000001"};
	for (size_t i = 0; i < ARRAY_LEN(no_masks); i++)
		assert_int_equal(value_check(VALUE_MASK, no_masks[i], &e), -ERR_BAD_INPUT);
	assert_int_equal(value_check(VALUE_TEXT, "  ", &e), -ERR_BAD_INPUT);
	assert_int_equal(value_check(VALUE_TEXT, "a\nb", &e), -ERR_BAD_INPUT);
}

static void test_names(void **state)
{
	enum op op;
	enum value_kind kind;
	enum change_result r;

	(void)state;
	for (int i = OP_EXACT; i <= OP_COVERS; i++) {
		assert_true(op_find(op_name((enum op)i), &op));
		assert_int_equal(op, i);
	}
	for (int i = VALUE_TEXT; i <= VALUE_MASK; i++) {
		assert_true(value_kind_find(value_kind_name((enum value_kind)i), &kind));
		assert_int_equal(kind, i);
	}
	for (int i = CHANGE_PLANNED; i <= CHANGE_UNKNOWN; i++) {
		assert_true(change_result_find(change_result_name((enum change_result)i), &r));
		assert_int_equal(r, i);
	}
	assert_false(op_find(">", &op));
	assert_false(op_allowed(OP_AT_LEAST, VALUE_TEXT));
	assert_false(op_allowed(OP_AT_LEAST, VALUE_RANGE));
	assert_true(op_allowed(OP_COVERS, VALUE_SET));
	assert_true(op_allowed(OP_COVERS, VALUE_MASK));
	assert_false(op_allowed(OP_COVERS, VALUE_NUMBERS));
}

static void test_changes(void **state)
{
	cleanup_with(changes_done) struct changes cs = {0};

	(void)state;
	for (int i = 0; i < 100; i++)
		changes_add(&cs, "sysctl", "net.core.somaxconn")->result =
			i % 4 ? CHANGE_WRITTEN : CHANGE_FAILED;
	assert_int_equal(cs.len, 100);
	assert_int_equal(changes_count(&cs, CHANGE_FAILED), 25);
	assert_string_equal(cs.item[99].key, "net.core.somaxconn");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_satisfies), cmocka_unit_test(test_merge),
		cmocka_unit_test(test_check),	  cmocka_unit_test(test_names),
		cmocka_unit_test(test_changes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
