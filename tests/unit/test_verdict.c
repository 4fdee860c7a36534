/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "report/verdict.h"

/* Everything a verdict is made of; each test fills in what it is about. */
struct scene {
	struct observation observed;
	struct load load;
	struct findings findings;
	struct ranges pid_ports;
	const char *pid_ports_unknown;
	struct verdict verdict;
};

static void judge(struct scene *s)
{
	struct verdict_input in = {
		.observed = &s->observed,
		.load = &s->load,
		.pid_ports = load_states(&s->load, LOAD_PID) ? &s->pid_ports : NULL,
		.pid_ports_unknown = s->pid_ports_unknown,
		.findings = &s->findings,
	};

	verdict_judge(&in, &s->verdict);
}

static void scene_done(struct scene *s)
{
	observation_done(&s->observed);
	load_done(&s->load);
	findings_done(&s->findings);
	ranges_done(&s->pid_ports);
	verdict_done(&s->verdict);
}

#define SCENE(name) __attribute__((cleanup(scene_done))) struct scene name = {.load = {.stated = 0}}

static void see(struct scene *s, const char *cause, const char *subject, uint16_t port)
{
	const struct cause *c = cause_find(cause);

	assert_non_null(c);

	struct alert *a = observation_add(&s->observed, c, subject, 72, 1000);

	a->port = port;
	a->source = "inet_diag";
}

static void state(struct scene *s, const char *key, const char *value)
{
	assert_int_equal(load_set(&s->load, load_key_find(key), value, NULL), 0);
}

static void expect(const struct scene *s, enum verdict_word word, size_t touching,
		   size_t background)
{
	assert_string_equal(verdict_name(s->verdict.word), verdict_name(word));
	assert_int_equal(s->verdict.causes_len, touching);
	assert_int_equal(s->verdict.background_len, background);
	assert_true(s->verdict.reasons_len > 0);
}

static bool has_reason(const struct scene *s, const char *part)
{
	for (size_t i = 0; i < s->verdict.reasons_len; i++)
		if (strstr(s->verdict.reasons[i], part))
			return true;
	return false;
}

static void test_nothing_seen(void **unused)
{
	SCENE(s);

	(void)unused;
	state(&s, "port", "8080");
	judge(&s);
	expect(&s, VERDICT_VALID, 0, 0);
	assert_null(s.verdict.blame);
	assert_true(has_reason(&s, "no counter of this host tells of a loss"));
	assert_false(has_reason(&s, "no port, target or process was stated"));
}

static void test_own_port(void **unused)
{
	SCENE(s);

	(void)unused;
	state(&s, "port", "80,8000-8100");
	see(&s, "listen.accept_overflow", "tcp 0.0.0.0:8080", 8080);
	s.observed.alert[0].process =
		(struct process_ref){.pid = 4242, .comm = "nginx", .holders = 3};
	judge(&s);
	expect(&s, VERDICT_INVALID, 1, 0);
	assert_string_equal(s.verdict.blame, "this host");
	assert_true(
		has_reason(&s,
			   "accept queue full: 72 times at tcp 0.0.0.0:8080 (nginx, pid 4242)"));
}

static void test_target_port(void **unused)
{
	SCENE(s);

	(void)unused;
	state(&s, "target", "127.0.0.1:8080");
	see(&s, "listen.accept_overflow", "tcp 0.0.0.0:8080", 8080);
	judge(&s);
	expect(&s, VERDICT_INVALID, 1, 0);
}

static void test_other_port(void **unused)
{
	SCENE(s);

	(void)unused;
	state(&s, "port", "8080");
	see(&s, "listen.accept_overflow", "tcp 0.0.0.0:25", 25);
	see(&s, "udp.receive_buffer", "udp 0.0.0.0:5353", 5353);
	judge(&s);
	expect(&s, VERDICT_VALID, 0, 2);
	assert_null(s.verdict.blame);
}

static void test_nothing_stated(void **unused)
{
	SCENE(s);

	(void)unused;
	state(&s, "connections", "100");
	see(&s, "listen.accept_overflow", "tcp 0.0.0.0:25", 25);
	judge(&s);
	expect(&s, VERDICT_INVALID, 1, 0);
	assert_true(has_reason(&s, "no port, target or process was stated"));
}

static void test_shared_table(void **unused)
{
	SCENE(s);

	(void)unused;
	state(&s, "port", "8080");
	see(&s, "conntrack.full", "conntrack table", 0);
	judge(&s);
	expect(&s, VERDICT_INVALID, 1, 0);
	assert_string_equal(s.verdict.blame, "this host");
}

static void test_limit(void **unused)
{
	SCENE(s);

	(void)unused;
	state(&s, "port", "8080");
	see(&s, "timewait.overflow", "TIME_WAIT sockets", 0);
	judge(&s);
	expect(&s, VERDICT_INVALID, 1, 0);
}

static void test_pressure(void **unused)
{
	SCENE(s);

	(void)unused;
	state(&s, "port", "8080");
	see(&s, "listen.syncookies", "tcp 0.0.0.0:8080", 8080);
	judge(&s);
	expect(&s, VERDICT_SUSPECT, 1, 0);
	assert_null(s.verdict.blame);
}

static void test_worst_counts(void **unused)
{
	SCENE(s);

	(void)unused;
	state(&s, "port", "8080");
	see(&s, "listen.accept_overflow", "tcp 0.0.0.0:8080", 8080);
	see(&s, "listen.syncookies", "tcp 0.0.0.0:8080", 8080);
	judge(&s);
	expect(&s, VERDICT_INVALID, 2, 0);
}

static void test_unattributed(void **unused)
{
	SCENE(s);

	(void)unused;
	state(&s, "port", "8080");
	see(&s, "listen.accept_overflow", "unattributed", 0);
	judge(&s);
	expect(&s, VERDICT_SUSPECT, 1, 0);
	assert_null(s.verdict.blame);
	assert_true(has_reason(&s, "may be this load's"));
}

static void test_unattributed_with_nothing_stated(void **unused)
{
	SCENE(s);

	(void)unused;
	see(&s, "listen.accept_overflow", "unattributed", 0);
	judge(&s);
	expect(&s, VERDICT_INVALID, 1, 0);
}

static void test_pid(void **unused)
{
	SCENE(s);

	(void)unused;
	state(&s, "pid", "4242");
	ranges_add(&s.pid_ports, 8080, 8080);
	see(&s, "listen.accept_overflow", "tcp 0.0.0.0:8080", 8080);
	see(&s, "listen.accept_overflow", "tcp 0.0.0.0:25", 25);
	see(&s, "listen.accept_overflow", "tcp 0.0.0.0:26", 26);
	s.observed.alert[2].process =
		(struct process_ref){.pid = 4242, .comm = "nginx", .holders = 1};
	judge(&s);
	expect(&s, VERDICT_INVALID, 2, 1);
	assert_int_equal(s.verdict.background[0]->port, 25);
}

static void test_pid_ports_unknown(void **unused)
{
	SCENE(s);

	(void)unused;
	state(&s, "pid", "4242");
	s.pid_ports_unknown = "open '/proc/4242/fd': Permission denied";
	judge(&s);
	expect(&s, VERDICT_SUSPECT, 0, 0);
	assert_true(has_reason(&s, "Permission denied"));
	verdict_done(&s.verdict);
	see(&s, "listen.accept_overflow", "tcp 0.0.0.0:25", 25);
	judge(&s);
	expect(&s, VERDICT_SUSPECT, 1, 0);
}

static void test_blind(void **unused)
{
	SCENE(s);

	(void)unused;
	state(&s, "port", "8080");
	observation_blind(&s.observed, "netstat", "open '/proc/net/netstat': Permission denied");
	judge(&s);
	expect(&s, VERDICT_SUSPECT, 0, 0);
	assert_true(has_reason(&s, "'netstat'"));
	assert_false(has_reason(&s, "nothing that touches"));
}

/* It would only have said where. */
static void test_blind_but_not_needed(void **unused)
{
	SCENE(s);

	(void)unused;
	state(&s, "port", "8080");
	observation_blind(&s.observed, "tp_btf/kfree_skb", "Operation not permitted");
	judge(&s);
	expect(&s, VERDICT_VALID, 0, 0);
}

static void test_needed_unknown(void **unused)
{
	SCENE(s);

	(void)unused;
	state(&s, "port", "8080");
	finding_add(&s.findings, "limits.nofile", FINDING_UNKNOWN, "the server");
	judge(&s);
	expect(&s, VERDICT_VALID, 0, 0);
	verdict_done(&s.verdict);
	s.findings.item[0].needed = true;
	judge(&s);
	expect(&s, VERDICT_SUSPECT, 0, 0);
	assert_true(has_reason(&s, "limits.nofile of the server"));
}

static void test_not_started(void **unused)
{
	struct verdict v = {0};

	(void)unused;
	verdict_invalid(&v, "the command was not started: %s", "not found");
	verdict_remark(&v, "and more");
	assert_string_equal(verdict_name(v.word), "INVALID");
	assert_null(v.blame);
	assert_int_equal(v.reasons_len, 2);
	assert_string_equal(v.reasons[0], "the command was not started: not found");
	verdict_done(&v);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nothing_seen),
		cmocka_unit_test(test_own_port),
		cmocka_unit_test(test_target_port),
		cmocka_unit_test(test_other_port),
		cmocka_unit_test(test_nothing_stated),
		cmocka_unit_test(test_shared_table),
		cmocka_unit_test(test_limit),
		cmocka_unit_test(test_pressure),
		cmocka_unit_test(test_worst_counts),
		cmocka_unit_test(test_unattributed),
		cmocka_unit_test(test_unattributed_with_nothing_stated),
		cmocka_unit_test(test_pid),
		cmocka_unit_test(test_pid_ports_unknown),
		cmocka_unit_test(test_blind),
		cmocka_unit_test(test_blind_but_not_needed),
		cmocka_unit_test(test_needed_unknown),
		cmocka_unit_test(test_not_started),
	};

	return cmocka_run_group_tests_name("verdict", tests, NULL, NULL);
}
