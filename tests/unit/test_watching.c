/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The parts of `runup watch` that need no traffic: gauges, what is the load's, the faces. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/gauge.h"
#include "core/touch.h"
#include "report/face.h"
#include "sys/caps.h"
#include "sys/notify.h"

static struct gauge gauge_of(unsigned n, uint64_t value, uint64_t limit)
{
	struct gauge g = {.id = "listen.queue", .value = value, .limit = limit, .has_limit = true};

	snprintf(g.subject, sizeof(g.subject), "tcp %u", n);
	return g;
}

static void test_the_fullest_stay(void **state)
{
	struct gauges all = {.len = 0};
	uint64_t sum = 0;

	(void)state;
	/* The fuller half comes last. */
	for (unsigned i = 0; i < 2 * GAUGES_MAX; i++) {
		struct gauge g = gauge_of(i, i, 1000);

		gauges_add(&all, &g);
	}
	assert_int_equal(all.len, GAUGES_MAX);
	assert_int_equal(all.left_out, GAUGES_MAX);
	for (size_t i = 0; i < all.len; i++) {
		assert_true(all.item[i].value >= GAUGES_MAX);
		sum += all.item[i].value;
	}
	assert_int_equal(sum, (uint64_t)GAUGES_MAX * (3 * GAUGES_MAX - 1) / 2);
}

static void test_fuller(void **state)
{
	struct gauge half = gauge_of(1, 5, 10), big_half = gauge_of(2, 500, 1000);
	struct gauge more = gauge_of(3, 6, 10), unlimited = gauge_of(4, 1000, 0);
	struct gauge none = gauge_of(5, 1, 0);

	(void)state;
	unlimited.has_limit = false;
	assert_true(gauge_fuller(&more, &half));
	assert_false(gauge_fuller(&half, &big_half));
	assert_false(gauge_fuller(&big_half, &half));
	assert_false(gauge_fuller(&unlimited, &half));
	/* A limit of 0 admits one. */
	assert_true(gauge_fuller(&none, &more));
}

static void test_touch(void **state)
{
	struct load l = {.stated = LOAD_PORT};
	struct ranges pid_ports = {0};
	struct ownership own = {.load = &l};
	struct alert a = {.cause = cause_find("listen.accept_overflow"), .port = 8080};
	struct alert table = {.cause = cause_find("conntrack.full")};

	(void)state;
	ranges_add(&l.ports, 8080, 8090);
	assert_int_equal(alert_touches(&own, &a), TOUCH_YES);
	a.port = 9000;
	assert_int_equal(alert_touches(&own, &a), TOUCH_NO);
	assert_int_equal(alert_touches(&own, &table), TOUCH_YES);
	own.pid_ports_unknown = "no permission";
	assert_int_equal(alert_touches(&own, &a), TOUCH_MAYBE);
	own.pid_ports_unknown = NULL;
	ranges_add(&pid_ports, 9000, 9000);
	own.pid_ports = &pid_ports;
	assert_int_equal(alert_touches(&own, &a), TOUCH_YES);
	/* Seen by nobody: it may be. With nothing stated, all is. */
	a.port = 0;
	assert_int_equal(alert_touches(&own, &a), TOUCH_MAYBE);
	l.stated = 0;
	assert_int_equal(alert_touches(&own, &a), TOUCH_YES);
	ranges_done(&pid_ports);
	load_done(&l);
}

static void test_totals(void **state)
{
	const struct cause *c = cause_find("udp.receive_buffer");
	struct observation o = {0};

	(void)state;
	assert_int_equal(face_total(&o, c).count, 0);
	observation_add(&o, c, "udp port 53", 40, 1);
	observation_add(&o, c, CAUSE_UNATTRIBUTED, 2, 1);
	observation_add(&o, cause_find("firewall.drop"), "firewall", 7, 1);
	observation_find(&o, c, "udp port 53")->exact = false;

	struct cause_total t = face_total(&o, c);

	assert_int_equal(t.count, 42);
	assert_int_equal(t.unattributed, 2);
	assert_int_equal(t.subjects, 2);
	assert_false(t.exact);
	observation_done(&o);
}

static int notify_with(const char *name, const char *usec, const char *pid, struct notify *n,
		       struct err *e)
{
	setenv("NOTIFY_SOCKET", name, 1);
	unsetenv("WATCHDOG_USEC");
	unsetenv("WATCHDOG_PID");
	if (usec)
		setenv("WATCHDOG_USEC", usec, 1);
	if (pid)
		setenv("WATCHDOG_PID", pid, 1);
	*n = (struct notify)NOTIFY_NONE;

	int r = notify_open(n, e);

	notify_close(n);
	unsetenv("NOTIFY_SOCKET");
	return r;
}

static void test_notify_environment(void **state)
{
	struct notify n = NOTIFY_NONE;
	struct err e = {0};
	char long_name[200];

	(void)state;
	memset(long_name, 'x', sizeof(long_name));
	long_name[0] = '/';
	long_name[sizeof(long_name) - 1] = '\0';
	/* Nobody is there: nothing is sent, and that is no failure. */
	unsetenv("NOTIFY_SOCKET");
	assert_int_equal(notify_open(&n, &e), 0);
	assert_int_equal(n.fd, -1);
	notify_send(&n, "READY=1");
	assert_int_equal(notify_with("", NULL, NULL, &n, &e), 0);
	assert_int_equal(notify_with("relative", NULL, NULL, &n, &e), -ERR_BAD_INPUT);
	assert_int_equal(notify_with("@", NULL, NULL, &n, &e), -ERR_BAD_INPUT);
	assert_int_equal(notify_with(long_name, NULL, NULL, &n, &e), -ERR_BAD_INPUT);
	assert_int_equal(notify_with("/x", "soon", NULL, &n, &e), -ERR_BAD_INPUT);
	assert_int_equal(notify_with("/x", "1000", "me", &n, &e), -ERR_BAD_INPUT);
	assert_true(notify_with("/nowhere/x", "1000", NULL, &n, &e) < 0);
	assert_int_equal(n.watchdog_ns, 1000000);
	assert_true(notify_with("/nowhere/x", "1000", "1", &n, &e) < 0);
	assert_int_equal(n.watchdog_ns, 0);
}

static bool has_any(void *data)
{
	(void)data;
	return caps_effective(CAP_SYS_ADMIN) || caps_effective(CAP_CHOWN);
}

static bool has_none(void *data)
{
	return !has_any(data);
}

static void test_caps_works_without(void **state)
{
	bool before = has_any(NULL);

	(void)state;
	assert_true(caps_works_without(has_none, NULL));
	assert_false(caps_works_without(has_any, NULL));
	assert_int_equal(has_any(NULL), before);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_fullest_stay),
		cmocka_unit_test(test_fuller),
		cmocka_unit_test(test_touch),
		cmocka_unit_test(test_totals),
		cmocka_unit_test(test_notify_environment),
		cmocka_unit_test(test_caps_works_without),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
