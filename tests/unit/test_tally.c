/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reconciling: alerts of a cause add up to its counter, whatever the places saw. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>

#include "watch/tally.h"

struct fixture {
	struct tally t;
	struct observation o;
	const struct cause *overflow;
	struct place *a, *b;
	uint64_t now;
};

static int setup(void **state)
{
	static struct fixture f;

	f = (struct fixture){.overflow = cause_find("listen.accept_overflow")};
	tally_init(&f.t);
	tally_has_counter(&f.t, f.overflow, "netstat");
	f.a = tally_place(&f.t, f.overflow, "tcp a");
	f.b = tally_place(&f.t, f.overflow, "tcp b");
	f.a->source = f.b->source = "inet_diag";
	*state = &f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	tally_done(&f->t);
	observation_done(&f->o);
	return 0;
}

/* One reading: what the counter and the two places have more. */
static void reading(struct fixture *f, uint64_t counted, uint64_t a, uint64_t b)
{
	tally_count(&f->t, f->overflow, counted);
	if (a)
		place_see(f->a, a);
	if (b)
		place_see(f->b, b);
	tally_settle(&f->t);
	tally_publish(&f->t, &f->o, ++f->now);
}

static uint64_t count_at(const struct fixture *f, const char *subject)
{
	const struct alert *a = observation_find(&f->o, f->overflow, subject);

	return a ? a->count : 0;
}

static void test_one_place_takes_all(void **state)
{
	struct fixture *f = *state;

	/* Dropped final ACKs raise sk_drops by two. */
	reading(f, 10, 20, 0);
	assert_int_equal(f->o.alerts, 1);
	assert_int_equal(count_at(f, "tcp a"), 10);
	assert_true(f->o.alert[0].exact);
	assert_string_equal(f->o.alert[0].source, "inet_diag");
}

static void test_drops_alone_do_not_alarm(void **state)
{
	struct fixture *f = *state;

	reading(f, 0, 50, 7);
	reading(f, 0, 50, 7);
	assert_int_equal(f->o.alerts, 0);
}

static void test_shares_add_up(void **state)
{
	struct fixture *f = *state;

	reading(f, 10, 9, 5);
	assert_int_equal(count_at(f, "tcp a") + count_at(f, "tcp b"), 10);
	assert_in_range(count_at(f, "tcp a"), 6, 7);
	assert_false(f->o.alert[0].exact);
	assert_false(f->o.alert[1].exact);
}

static void test_several_that_saw_each_are_exact(void **state)
{
	struct fixture *f = *state;

	reading(f, 14, 9, 5);
	assert_int_equal(count_at(f, "tcp a"), 9);
	assert_int_equal(count_at(f, "tcp b"), 5);
	assert_true(f->o.alert[0].exact);
	assert_true(f->o.alert[1].exact);
}

static void test_what_nobody_saw_is_told(void **state)
{
	struct fixture *f = *state;

	reading(f, 5, 3, 0);
	assert_int_equal(count_at(f, "tcp a"), 3);
	assert_int_equal(count_at(f, CAUSE_UNATTRIBUTED), 2);
	const struct alert *rest = observation_find(&f->o, f->overflow, CAUSE_UNATTRIBUTED);

	assert_string_equal(rest->source, "netstat");
}

/* Places are read a moment after the counter: the two more of the first reading are the second's.
 */
static void test_seen_early_is_carried(void **state)
{
	struct fixture *f = *state;

	reading(f, 100, 102, 0);
	reading(f, 100, 100, 0);
	reading(f, 50, 48, 0);
	assert_int_equal(f->o.alerts, 1);
	assert_int_equal(count_at(f, "tcp a"), 250);
}

static void test_separate_times_are_told_apart(void **state)
{
	struct fixture *f = *state;

	/* A's drops of the first reading were no overflows, so B's overflows are not shared. */
	reading(f, 0, 30, 0);
	reading(f, 0, 0, 0);
	reading(f, 20, 0, 25);
	assert_int_equal(count_at(f, "tcp a"), 0);
	assert_int_equal(count_at(f, "tcp b"), 20);
	assert_int_equal(f->o.alert[0].first_ns, 3);
}

static void test_times_are_of_the_reading(void **state)
{
	struct fixture *f = *state;

	reading(f, 0, 0, 0);
	reading(f, 1, 1, 0);
	reading(f, 1, 1, 0);
	reading(f, 0, 0, 0);
	assert_int_equal(f->o.alert[0].first_ns, 2);
	assert_int_equal(f->o.alert[0].last_ns, 3);
}

static void hook_reading(struct fixture *f, uint64_t hook, uint64_t full, uint64_t failed)
{
	tally_see_hook(&f->t, hook);
	tally_count(&f->t, cause_find("conntrack.full"), full);
	tally_count(&f->t, cause_find("conntrack.insert_failed"), failed);
	reading(f, 0, 0, 0);
}

static uint64_t firewall_drops(const struct fixture *f)
{
	const struct alert *a = observation_find(&f->o, cause_find("firewall.drop"), "firewall");

	return a ? a->count : 0;
}

static void test_conntrack_explains_hook_drops(void **state)
{
	struct fixture *f = *state;

	hook_reading(f, 10, 7, 3);
	assert_int_equal(firewall_drops(f), 0);
	assert_int_equal(
		observation_find(&f->o, cause_find("conntrack.full"), "conntrack table")->count, 7);
	hook_reading(f, 10, 4, 0);
	assert_int_equal(firewall_drops(f), 6);
	/* Counted before it was seen: the next reading's drops. */
	hook_reading(f, 0, 5, 0);
	hook_reading(f, 5, 0, 0);
	assert_int_equal(firewall_drops(f), 6);
	/* But not for ever. */
	hook_reading(f, 0, 5, 0);
	hook_reading(f, 0, 0, 0);
	hook_reading(f, 5, 0, 0);
	assert_int_equal(firewall_drops(f), 11);
}

static void test_lossy_places_are_not_exact(void **state)
{
	struct fixture *f = *state;

	tally_places_lossy(&f->t);
	hook_reading(f, 3, 0, 0);
	reading(f, 1, 1, 0);
	assert_false(observation_find(&f->o, cause_find("firewall.drop"), "firewall")->exact);
	assert_true(observation_find(&f->o, f->overflow, "tcp a")->exact);
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

/* However many subjects there are, what is kept is bounded and nothing is lost. */
static void test_subjects_are_bounded(void **state)
{
	struct fixture *f = *state;
	char name[32];
	uint64_t sum = 0;

	for (unsigned i = 0; i < 10 * TALLY_PLACES; i++) {
		snprintf(name, sizeof(name), "tcp %u", i);

		struct place *p = tally_place(&f->t, f->overflow, name);

		p->port = (uint16_t)(i + 1);
		place_see(p, 1);
	}
	tally_count(&f->t, f->overflow, 10 * TALLY_PLACES);
	tally_settle(&f->t);
	tally_publish(&f->t, &f->o, 1);
	for (size_t i = 0; i < f->o.alerts; i++)
		sum += f->o.alert[i].count;
	assert_int_equal(sum, 10 * TALLY_PLACES);
	/* The two of setup() saw nothing; "other" is one more. */
	assert_int_equal(f->o.alerts, TALLY_PLACES - 2 + 1);
	assert_int_equal(count_at(f, CAUSE_OTHER), 9 * TALLY_PLACES + 2);
	assert_int_equal(observation_find(&f->o, f->overflow, CAUSE_OTHER)->port, 0);
}

static void test_detail_as_text(void **state)
{
	char text[DETAIL_TEXT_MAX];
	const struct detail none = {DETAIL_NONE, false, 0, 0, ""};
	const struct detail queue = {DETAIL_QUEUE, true, 129, 128, ""};
	const struct detail limit = {DETAIL_QUEUE, false, 3, 128, ""};
	const struct detail table = {DETAIL_TABLE, true, 10, 20, ""};

	(void)state;
	assert_null(detail_text(&none, text));
	assert_string_equal(detail_text(&queue, text), "queue 129 of 128");
	assert_string_equal(detail_text(&limit, text), "limit 128");
	assert_string_equal(detail_text(&table, text), "10 of 20 entries");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_one_place_takes_all),
		CASE(test_drops_alone_do_not_alarm),
		CASE(test_shares_add_up),
		CASE(test_several_that_saw_each_are_exact),
		CASE(test_what_nobody_saw_is_told),
		CASE(test_seen_early_is_carried),
		CASE(test_separate_times_are_told_apart),
		CASE(test_times_are_of_the_reading),
		CASE(test_conntrack_explains_hook_drops),
		CASE(test_lossy_places_are_not_exact),
		CASE(test_subjects_are_bounded),
		CASE(test_detail_as_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
