/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The names of listeners and limits in profiles and journals. */
#include <arpa/inet.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "core/limit_key.h"
#include "core/listen_key.h"

static void test_listen_keys(void **state)
{
	static const char *const bad[] = {
		"",
		"tcp",
		"tcp:",
		"tcp:0",
		"tcp:65536",
		"tcp:x",
		"udp:80",
		"tcp::80",
		"tcp:[::1]",
		"tcp:::1:80",
		"tcp:[1.2.3.4]:80",
		"tcp:1.2.3:80",
		"tcp:[::1:80",
		"tcp:80/",
		"tcp:80/0",
		"tcp:80/x",
		"tcp:80 ",
		"tcp:[]:80",
		"tcp:80/1/2",
	};
	const struct listener l = {.family = AF_INET6,
				   .address = {[15] = 1},
				   .port = 80,
				   .cookie = 7};
	char name[LISTEN_KEY_MAX];
	struct listen_key k;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		if (listen_key_parse(bad[i], &k) == 0)
			fail_msg("'%s' was taken", bad[i]);
	assert_int_equal(listen_key_parse("tcp:80", &k), 0);
	assert_true(listen_key_matches(&k, &l));
	assert_int_equal(listen_key_parse("tcp:81", &k), 0);
	assert_false(listen_key_matches(&k, &l));
	assert_int_equal(listen_key_parse("tcp:[0:0::1]:80", &k), 0);
	assert_true(listen_key_matches(&k, &l));
	assert_int_equal(listen_key_parse("tcp:[::]:80", &k), 0);
	assert_false(listen_key_matches(&k, &l));
	assert_int_equal(listen_key_parse("tcp:0.0.0.1:80", &k), 0);
	assert_false(listen_key_matches(&k, &l));
	assert_string_equal(listen_key_of(&l, name), "tcp:[::1]:80/7");
	assert_int_equal(listen_key_parse(name, &k), 0);
	assert_true(listen_key_matches(&k, &l));
	assert_int_equal(listen_key_parse("tcp:[::1]:80/8", &k), 0);
	assert_false(listen_key_matches(&k, &l));
}

static void test_limit_keys(void **state)
{
	static const char *const bad[] = {
		"",
		"core",
		"/nofile",
		"x/nofile",
		"unit:/nofile",
		"unit:nginx/nofile",
		"unit:nginx.socket/nofile",
		"unit:.service/nofile",
		"unit:../x.service/nofile",
		"unit:a b.service/nofile",
		"unit:nginx.service",
		"unit:nginx.service/core",
		"process:/nofile",
		"process:../nofile",
		"process:a/b/nofile",
		"pid:0/nofile",
		"pid:-1/nofile",
		"pid:x/nofile",
		"pid:4294967296/nofile",
	};
	char text[LIMIT_NAME_MAX + 32];
	struct limit_key k;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		if (limit_key_parse(bad[i], &k) == 0)
			fail_msg("'%s' was taken", bad[i]);
	assert_int_equal(limit_key_parse("nproc", &k), 0);
	assert_int_equal(k.subject, LIMIT_OF_COMMAND);
	assert_string_equal(k.limit->unit_name, "LimitNPROC");
	assert_int_equal(limit_key_parse("unit:a@b\\x2d.service/memlock", &k), 0);
	assert_int_equal(k.subject, LIMIT_OF_UNIT);
	assert_string_equal(k.name, "a@b\\x2d.service");
	assert_int_equal(limit_key_parse("process:my server/nofile", &k), 0);
	assert_int_equal(k.subject, LIMIT_OF_PROCESS);
	assert_string_equal(k.name, "my server");
	assert_int_equal(limit_key_parse("pid:4242/nofile", &k), 0);
	assert_int_equal(k.subject, LIMIT_OF_PID);
	assert_int_equal(k.pid, 4242);

	memset(text, 'x', sizeof(text));
	memcpy(text, "process:", 8);
	strcpy(text + 8 + LIMIT_NAME_MAX, "/nofile");
	assert_int_equal(limit_key_parse(text, &k), -EINVAL);
	strcpy(text + 8 + LIMIT_NAME_MAX - 1, "/nofile");
	assert_int_equal(limit_key_parse(text, &k), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_listen_keys),
		cmocka_unit_test(test_limit_keys),
	};

	return cmocka_run_group_tests_name("keys", tests, NULL, NULL);
}
