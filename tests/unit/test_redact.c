/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/attr.h"
#include "report/redact.h"

#define WORDS 8

/* "SECRET" stands in every line; it must be gone from what comes out. */
struct row {
	const char *in[WORDS];
	const char *out; /* of redact_line() */
};

static const struct row hidden[] = {
	{{"curl", "http://ada:SECRET@host/x"}, "curl http://ada:***@host/x"},
	{{"curl", "http://ada:SEC@RET:SECRET@host/x"}, "curl http://ada:***@host/x"},
	{{"curl", "https://SECRET@host/"}, "curl https://***@host/"},
	{{"curl", "ada:SECRET@host:80/x"}, "curl ada:***@host:80/x"},
	{{"wrk", "http://h/?a=1&token=SECRET&b=2"}, "wrk 'http://h/?a=1&token=***&b=2'"},
	{{"wrk", "http://h/?api_key=SECRET"}, "wrk 'http://h/?api_key=***'"},
	{{"wrk", "-H", "Authorization: Basic SECRET"}, "wrk -H 'Authorization: ***'"},
	{{"wrk", "-HAuthorization: Bearer SECRET"}, "wrk '-HAuthorization: ***'"},
	{{"wrk", "--header=Cookie: a=\"SECRET\"; b=SECRET"}, "wrk '--header=Cookie: ***'"},
	{{"hey", "-H", "x-api-key:SECRET"}, "hey -H x-api-key:***"},
	{{"wrk", "-H", "X-Foo: SECRET"}, "wrk -H 'X-Foo: ***'"},
	{{"wrk", "-H", "Accept: text/html", "-H", "X-Id: SECRET"},
	 "wrk -H 'Accept: text/html' -H 'X-Id: ***'"},
	{{"tool", "--header=X-Foo: SECRET"}, "tool '--header=X-Foo: ***'"},
	{{"vegeta", "attack", "-header", "X-Auth-Token: SECRET"},
	 "vegeta attack -header 'X-Auth-Token: ***'"},
	{{"k6", "run", "-e", "NAME=SECRET with blanks", "s.js"}, "k6 run -e NAME=*** s.js"},
	{{"k6", "run", "-eNAME=SECRET", "s.js"}, "k6 run -eNAME=*** s.js"},
	{{"k6", "run", "--env", "NAME=SECRET"}, "k6 run --env NAME=***"},
	{{"k6", "run", "--env=NAME=SECRET"}, "k6 run --env=NAME=***"},
	{{"curl", "-u", "ada:SECRET phrase"}, "curl -u ada:***"},
	{{"curl", "-uada:SECRET"}, "curl -uada:***"},
	{{"hey", "-a", "ada:SECRET"}, "hey -a ada:***"},
	{{"ab", "-C", "sid=SECRET", "-A", "ada:SECRET"}, "ab -C sid=*** -A ada:***"},
	{{"tool", "--password", "SECRET"}, "tool --password ***"},
	{{"tool", "--password=SECRET"}, "tool --password=***"},
	{{"tool", "-token", "SECRET"}, "tool -token ***"},
	{{"env", "API_TOKEN=SECRET", "k6"}, "env API_TOKEN=*** k6"},
	{{"curl", "-d", "{\"user\":\"ada\",\"password\": \"SECRET x\"}"},
	 "curl -d '{\"user\":\"ada\",\"password\": \"***\"}'"},
	{{"sh", "-c", "curl -u ada:SECRET -H \"Authorization: Bearer SECRET\" http://h/"},
	 "sh -c 'curl -u ada:*** -H \"Authorization: ***\" http://h/'"},
	{{"sh", "-c", "curl --user 'ada:SECRET x' http://h/"},
	 "sh -c 'curl --user '\\''ada:***'\\'' http://h/'"},
	{{"tool", "ghp_SECRETSECRET"}, "tool ***"},
	{{"tool", "eyJhbGciOiJIUzI1NiJ9.SECRET.SECRET"}, "tool ***"},
};

static void test_hides(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(hidden); i++) {
		char *words[WORDS + 1] = {NULL};

		for (size_t k = 0; k < WORDS && hidden[i].in[k]; k++)
			words[k] = strdup(hidden[i].in[k]);

		char *line = redact_line(words);

		assert_string_equal(line, hidden[i].out);
		assert_null(strstr(line, "SECRET"));
		free(line);
		for (size_t k = 0; words[k]; k++)
			free(words[k]);
	}
}

/* What says how the load was made must stay readable. */
static const char *const kept[][WORDS] = {
	{"wrk", "-t2", "-c", "400", "-d10s", "--latency", "http://127.0.0.1:8080/a?b=c&d=1"},
	{"h2load", "-n100000", "-c100", "-m10", "https://[::1]:8443/"},
	{"ab", "-n", "100", "-c", "10", "-b", "4096", "http://h:80/"},
	{"locust", "-u", "100", "-r", "10", "--host", "http://h:80"},
	{"wrk", "-H", "Accept: text/html; q=1", "-s", "script.lua"},
	{"k6", "run", "--vus", "10", "--summary-export=out.json", "s.js"},
	{"runup", "run", "-p", "generator", "--user", "ada", "--connections", "10"},
	{"autocannon", "-a", "1000", "--no-keepalive", "http://h:1/"},
	{"-", "--", "-u", "-e", ""},
};

static void test_keeps(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(kept); i++) {
		char *words[WORDS + 1] = {NULL};

		for (size_t k = 0; k < WORDS && kept[i][k]; k++)
			words[k] = strdup(kept[i][k]);

		char **copy = redact_argv(words);

		for (size_t k = 0; words[k]; k++) {
			assert_string_equal(copy[k], words[k]);
			free(words[k]);
		}
		redact_free(copy);
	}
}

static void test_empty(void **state)
{
	char *none[] = {NULL};
	char *line = redact_line(none);

	(void)state;
	assert_string_equal(line, "");
	free(line);
	redact_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_hides),
		cmocka_unit_test(test_keeps),
		cmocka_unit_test(test_empty),
	};

	return cmocka_run_group_tests_name("redact", tests, NULL, NULL);
}
