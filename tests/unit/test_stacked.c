/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tune_fixture.h"

/* A, B, rollback A: B's value stays and returns to what A found. */
static void test_stacked(void **state)
{
	struct fixture *f = *state;
	char a[CHANGESET_ID_MAX], b[CHANGESET_ID_MAX];

	need_root();
	set(f, SOMAXCONN_KEY, "128");
	apply_one(f, SOMAXCONN_KEY, OP_AT_LEAST, "1024", a);
	apply_one(f, SOMAXCONN_KEY, OP_AT_LEAST, "2048", b);
	assert_int_equal(compare_one(f, a), CHANGE_IN_FORCE);
	assert_int_equal(undo_one(f, a, &plain), CHANGE_INHERITED);
	assert_value(f, SOMAXCONN_KEY, "2048");
	assert_int_equal(state_now(f, a), CHANGESET_CLOSED);
	assert_int_equal(compare_one(f, b), CHANGE_IN_FORCE);
	assert_int_equal(undo_one(f, b, &plain), CHANGE_RESTORED);
	assert_value(f, SOMAXCONN_KEY, "128");
}

static void test_stacked_last_first(void **state)
{
	struct fixture *f = *state;
	char a[CHANGESET_ID_MAX], b[CHANGESET_ID_MAX];

	need_root();
	set(f, SOMAXCONN_KEY, "128");
	apply_one(f, SOMAXCONN_KEY, OP_AT_LEAST, "1024", a);
	apply_one(f, SOMAXCONN_KEY, OP_AT_LEAST, "2048", b);
	assert_int_equal(undo_one(f, b, &plain), CHANGE_RESTORED);
	assert_value(f, SOMAXCONN_KEY, "1024");
	assert_int_equal(undo_one(f, a, &plain), CHANGE_RESTORED);
	assert_value(f, SOMAXCONN_KEY, "128");
}

/* Three, in every order: the end is always the start. */
static void test_stacked_every_order(void **state)
{
	static const int orders[][3] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2},
					{1, 2, 0}, {2, 0, 1}, {2, 1, 0}};
	static const char *const values[] = {"1024", "2048", "4096"};
	struct fixture *f = *state;

	need_root();
	for (size_t o = 0; o < ARRAY_LEN(orders); o++) {
		char id[3][CHANGESET_ID_MAX];

		set(f, SOMAXCONN_KEY, "128");
		for (int i = 0; i < 3; i++)
			apply_one(f, SOMAXCONN_KEY, OP_AT_LEAST, values[i], id[i]);
		for (int i = 0; i < 3; i++)
			undo_one(f, id[orders[o][i]], &plain);
		assert_value(f, SOMAXCONN_KEY, "128");
		for (int i = 0; i < 3; i++)
			assert_int_equal(state_now(f, id[i]), CHANGESET_CLOSED);
	}
}

/* Somebody else's value between A and B is B's to return to, not A's. */
static void test_stacked_over_drift(void **state)
{
	struct fixture *f = *state;
	char a[CHANGESET_ID_MAX], b[CHANGESET_ID_MAX];

	need_root();
	set(f, SOMAXCONN_KEY, "128");
	apply_one(f, SOMAXCONN_KEY, OP_AT_LEAST, "1024", a);
	set(f, SOMAXCONN_KEY, "1500");
	apply_one(f, SOMAXCONN_KEY, OP_AT_LEAST, "2048", b);
	assert_int_equal(compare_one(f, a), CHANGE_DRIFTED);
	assert_int_equal(undo_one(f, a, &plain), CHANGE_DRIFTED);
	assert_int_equal(undo_one(f, b, &plain), CHANGE_RESTORED);
	assert_value(f, SOMAXCONN_KEY, "1500");
}

/* B's journal lost the line that A's rollback added: A's own journal proves the value. */
static void test_stacked_lost_line(void **state)
{
	struct fixture *f = *state;
	char a[CHANGESET_ID_MAX], b[CHANGESET_ID_MAX];

	need_root();
	set(f, SOMAXCONN_KEY, "128");
	apply_one(f, SOMAXCONN_KEY, OP_AT_LEAST, "1024", a);
	apply_one(f, SOMAXCONN_KEY, OP_AT_LEAST, "2048", b);
	assert_int_equal(undo_one(f, a, &plain), CHANGE_INHERITED);
	cut_journal(f, b, 5); /* header, intent, planned, done, applied */
	assert_int_equal(undo_one(f, b, &plain), CHANGE_RESTORED);
	assert_value(f, SOMAXCONN_KEY, "128");
}

/* Killed after B's line and before A's: the next rollback of A does not add it twice. */
static void test_stacked_killed_between(void **state)
{
	struct fixture *f = *state;
	char a[CHANGESET_ID_MAX], b[CHANGESET_ID_MAX];

	need_root();
	for (int a_first = 0; a_first < 2; a_first++) {
		set(f, SOMAXCONN_KEY, "128");
		apply_one(f, SOMAXCONN_KEY, OP_AT_LEAST, "1024", a);
		apply_one(f, SOMAXCONN_KEY, OP_AT_LEAST, "2048", b);
		undo_one(f, a, &plain);
		cut_journal(f, a, 5);
		if (a_first)
			assert_int_equal(undo_one(f, a, &plain), CHANGE_INHERITED);
		assert_int_equal(undo_one(f, b, &plain), CHANGE_RESTORED);
		assert_value(f, SOMAXCONN_KEY, "128");
		if (!a_first)
			assert_int_equal(undo_one(f, a, &plain), CHANGE_UNCHANGED);
		assert_value(f, SOMAXCONN_KEY, "128");
	}
}

/* B was killed before its write, then A is rolled back: A's debt goes through B. */
static void test_stacked_on_unwritten(void **state)
{
	struct fixture *f = *state;
	char a[CHANGESET_ID_MAX], b[CHANGESET_ID_MAX];

	need_root();
	set(f, SOMAXCONN_KEY, "128");
	apply_one(f, SOMAXCONN_KEY, OP_AT_LEAST, "1024", a);
	apply_one(f, SOMAXCONN_KEY, OP_AT_LEAST, "2048", b);
	cut_journal(f, b, 3);
	set(f, SOMAXCONN_KEY, "1024");
	assert_int_equal(compare_one(f, b), CHANGE_UNCHANGED);
	assert_int_equal(undo_one(f, a, &plain), CHANGE_INHERITED);
	assert_int_equal(undo_one(f, b, &plain), CHANGE_RESTORED);
	assert_value(f, SOMAXCONN_KEY, "128");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_stacked),
		TEST(test_stacked_last_first),
		TEST(test_stacked_every_order),
		TEST(test_stacked_over_drift),
		TEST(test_stacked_lost_line),
		TEST(test_stacked_killed_between),
		TEST(test_stacked_on_unwritten),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
