/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/units.h"
#include "core/capacity.h"
#include "core/load.h"

static void set(struct load *l, const char *key, const char *value)
{
	struct err e;

	if (load_set(l, load_key_find(key), value, &e) < 0)
		fail_msg("%s = %s: %s", key, value, e.msg);
}

static void refused(const char *key, const char *value)
{
	struct load l = {0};
	struct err e;

	if (load_set(&l, load_key_find(key), value, &e) != -ERR_BAD_INPUT)
		fail_msg("%s = '%s' was taken", key, value ? value : "(none)");
	assert_int_equal(l.stated, 0);
	load_done(&l);
}

static void test_both_spellings_name_one_key(void **state)
{
	(void)state;
	assert_non_null(load_key_find("new-connections"));
	assert_ptr_equal(load_key_find("new-connections"), load_key_find("new_connections"));
	assert_null(load_key_find("new connections"));
	assert_null(load_key_find("conn"));
}

static void test_bad_values_are_refused(void **state)
{
	(void)state;
	refused("role", "client");
	refused("connections", "0");
	refused("connections", "-5");
	refused("connections", "many");
	refused("connections", NULL);
	refused("duration", "30");
	refused("duration", "0s");
	refused("port", "0");
	refused("port", "65536");
	refused("port", "");
	refused("port", "80,");
	refused("target", "10.0.0.5");
	refused("target", "10.0.0.5:0");
	refused("target", ":80");
	refused("target", "fe80::1:80");
	refused("target", "[]:80");
	refused("target", "a:80,,b:80");
	refused("pid", "0");
	refused("no_keepalive", "maybe");
}

static void test_targets(void **state)
{
	(void)state;
	struct load l = {0};

	set(&l, "target", "10.0.0.5:8080,[::1]:443,web:80");
	assert_int_equal(l.targets_len, 3);
	assert_string_equal(l.targets[1].host, "::1");
	assert_int_equal(l.targets[1].port, 443);
	assert_string_equal(l.targets[2].host, "web");
	load_done(&l);
}

static void test_command_line_wins_over_profile(void **state)
{
	(void)state;
	struct load options = {0}, profile = {0};

	set(&options, "connections", "7");
	set(&profile, "connections", "1000");
	set(&profile, "port", "8080");
	set(&profile, "target", "a:1");
	load_merge(&options, &profile);
	load_done(&profile); /* nothing of it is borrowed */
	assert_int_equal(options.connections, 7);
	assert_true(ranges_contain(&options.ports, 8080, 8080));
	assert_string_equal(options.targets[0].host, "a");
	load_done(&options);
}

static void test_what_follows_is_filled_in(void **state)
{
	(void)state;
	struct load l = {0};
	struct err e;

	set(&l, "rate", "2000");
	set(&l, "latency", "50ms");
	set(&l, "no_keepalive", NULL);
	assert_int_equal(load_complete(&l, &e), 0);
	assert_int_equal(l.new_connections, 2000);
	assert_int_equal(l.connections, 100);
	assert_true(load_states(&l, LOAD_CONNECTIONS | LOAD_NEW_CONNECTIONS));
	load_done(&l);
}

static void contradicts(const char *a, const char *va, const char *b, const char *vb, const char *c,
			const char *vc, const char *said)
{
	struct load l = {0};
	struct err e;

	set(&l, a, va);
	set(&l, b, vb);
	if (c)
		set(&l, c, vc);
	assert_int_equal(load_complete(&l, &e), -ERR_BAD_INPUT);
	if (!strstr(e.msg, said))
		fail_msg("'%s' does not say '%s'", e.msg, said);
	load_done(&l);
}

static void test_contradictions_are_named(void **state)
{
	(void)state;
	contradicts("rate", "1000", "no_keepalive", NULL, "new_connections", "10",
		    "new_connections");
	contradicts("rate", "1000", "latency", "1s", "connections", "10", "1000 requests open");
	contradicts("burst", "500", "connections", "100", NULL, NULL, "burst of 500");
}

static void test_sums(void **state)
{
	(void)state;
	struct load l = {0};
	struct port_hold minute = {60, "TIME_WAIT"}, second = {1, "tcp_tw_reuse"};

	assert_false(demand_accept_queue(&l).known);
	assert_false(demand_descriptors(&l).known);
	assert_false(demand_conntrack(&l, 120).known);
	assert_false(demand_ports(&l, &minute).known);

	set(&l, "connections", "10000");
	assert_int_equal(demand_accept_queue(&l).value, 10000);
	assert_int_equal(demand_descriptors(&l).value, 10064);
	set(&l, "burst", "300");
	assert_int_equal(demand_accept_queue(&l).value, 300);
	set(&l, "new_connections", "500");
	assert_int_equal(demand_conntrack(&l, 120).value, 10000 + 500 * 120);
	assert_int_equal(demand_ports(&l, &minute).value, 10000 + 500 * 60);
	assert_int_equal(demand_ports(&l, &second).value, 10500);
	set(&l, "duration", "10s"); /* a short test fills no more than it opens */
	assert_int_equal(demand_conntrack(&l, 120).value, 15000);
	set(&l, "target", "a:1,b:1");
	set(&l, "source_ips", "5");
	assert_int_equal(demand_ports(&l, &minute).value, 1500);
	set(&l, "role", "proxy");
	assert_int_equal(demand_descriptors(&l).value, 20064);
	load_done(&l);
}

static void test_how_long_a_port_is_held(void **state)
{
	(void)state;
	assert_true(port_hold_time(0, true, 1000, false).seconds == 60);
	assert_true(port_hold_time(1, true, 1000, false).seconds == 1);
	assert_true(port_hold_time(1, false, 1000, false).seconds == 60);
	assert_true(port_hold_time(2, true, 1000, false).seconds == 60);
	assert_true(port_hold_time(2, true, 1000, true).seconds == 1);
	assert_true(port_hold_time(1, true, 100, false).seconds == 0.1);
}

static void test_headroom(void **state)
{
	(void)state;
	assert_int_equal(with_headroom(1), 1);
	assert_int_equal(with_headroom(1000), 2048);
	assert_int_equal(with_headroom(820), 2048);
	assert_int_equal(with_headroom(819), 1024);
	assert_true(with_headroom(UINT64_MAX) == UINT64_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_both_spellings_name_one_key),
		cmocka_unit_test(test_bad_values_are_refused),
		cmocka_unit_test(test_targets),
		cmocka_unit_test(test_command_line_wins_over_profile),
		cmocka_unit_test(test_what_follows_is_filled_in),
		cmocka_unit_test(test_contradictions_are_named),
		cmocka_unit_test(test_sums),
		cmocka_unit_test(test_how_long_a_port_is_held),
		cmocka_unit_test(test_headroom),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
