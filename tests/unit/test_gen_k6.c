/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What k6 inspect says, running it, and the files that generators name. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/units.h"
#include "gen/k6_ips.h"
#include "gen/k6_plan.h"
#include "gen_fixture.h"
#include "sys/capture.h"
#include "sys/run_as.h"

/* As k6 2.2.0 prints it, less what nobody reads here. */
#define OPEN                                                                                       \
	"\"open\":{\"executor\":\"constant-arrival-rate\",\"startTime\":null,"                     \
	"\"gracefulStop\":\"2s\",\"rate\":200,\"timeUnit\":\"1s\",\"duration\":\"3s\","            \
	"\"preAllocatedVUs\":10,\"maxVUs\":20}"
#define LATER                                                                                      \
	"\"later\":{\"executor\":\"constant-arrival-rate\",\"startTime\":\"3s\",\"rate\":600,"     \
	"\"timeUnit\":\"1m0s\",\"duration\":\"1m30s\"}"
#define RAMP                                                                                       \
	"\"ramp\":{\"executor\":\"ramping-arrival-rate\",\"startRate\":50,\"timeUnit\":null,"      \
	"\"stages\":[{\"duration\":\"10s\",\"target\":300},{\"duration\":\"5s\",\"target\":0}]}"
#define VUS                                                                                        \
	"\"default\":{\"executor\":\"constant-vus\",\"vus\":30,\"duration\":\"1m0s\","             \
	"\"gracefulStop\":null}"
#define ONCE                                                                                       \
	"\"once\":{\"executor\":\"per-vu-iterations\",\"vus\":1,\"iterations\":1,"                 \
	"\"maxDuration\":\"10m\"}"
#define PLAN(vus, scenarios, more)                                                                 \
	"{\"vus\":null,\"scenarios\":{" scenarios "}," more                                        \
	"\"totalDuration\":\"5s\",\"maxVUs\":" vus "}"

static void test_plans(void **state)
{
	static const struct gen_line plans[] = {
		{PLAN("20", OPEN, ""), "none open c20 r200 k d3 !"},
		{PLAN("30", VUS, ""), "none closed c30 k d60"},
		{PLAN("30", VUS, "\"noConnectionReuse\":true,"), "none closed c30 nk d60"},
		{PLAN("30", VUS, "\"noVUConnectionReuse\":true,"), "none closed c30 d60"},
		{PLAN("30", VUS, "\"rps\":500,"), "none closed c30 r500 k d60"},
		{PLAN("20", OPEN, "\"noVUConnectionReuse\":true,"), "none open c20 r200 n200 d3 !"},
		/* One after the other, and both at once. */
		{PLAN("20", OPEN "," LATER, ""), "none open c20 r200 k d93 !"},
		{PLAN("20", OPEN "," RAMP, ""), "none open c20 r500 k d15 !"},
		/* Until its iterations are done. */
		{PLAN("1", ONCE, ""), "none closed c1 k"},
		{PLAN("20", OPEN "," VUS, ""), "none c20 r200 k d60 !"},
		{PLAN("0", "", ""), "none k"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(plans); i++) {
		struct load l = {0};
		struct strbuf found = {0};
		struct err e = {0};

		if (k6_plan_state(plans[i].line, &l, &e) < 0)
			fail_msg("%s: %s", plans[i].line, e.msg);
		gen_describe(&l, &found);
		assert_string_equal(strbuf_get(&found), plans[i].load);
		strbuf_done(&found);
		load_done(&l);
	}
}

static void test_what_is_no_plan(void **state)
{
	static const char *const bad[] = {
		"",
		"null",
		"[]",
		"{}",
		"k6: command not found",
		"{\"scenarios\":{},\"maxVUs\":-1}",
		"{\"scenarios\":{},\"maxVUs\":1.5}",
		"{\"scenarios\":[],\"maxVUs\":1}",
		"{\"scenarios\":{},\"maxVUs\":9223372036854775807}",
		PLAN("1", "\"x\":{\"executor\":\"constant-arrival-rate\",\"rate\":1e300}", ""),
	};
	/* What is strange in a scenario is not believed, and does no harm. */
	static const char *const strange[] = {
		PLAN("1", "\"x\":null,\"y\":[],\"z\":\"\"", ""),
		PLAN("1", "\"x\":{\"executor\":5,\"stages\":[1,null,{}],\"duration\":-3}", ""),
		PLAN("1",
		     "\"x\":{\"executor\":\"ramping-arrival-rate\",\"stages\":[{\"duration\":"
		     "\"99999999h\",\"target\":1}]}",
		     ""),
		PLAN("1",
		     "\"x\":{\"executor\":\"constant-arrival-rate\",\"rate\":5,\"timeUnit\":"
		     "\"0s\",\"startTime\":\"99h\"}",
		     ""),
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct load l = {0};
		struct err e;

		assert_int_equal(k6_plan_state(bad[i], &l, &e), -ERR_BAD_INPUT);
		load_done(&l);
	}
	for (size_t i = 0; i < ARRAY_LEN(strange); i++) {
		struct load l = {0};
		struct err e;

		assert_int_equal(k6_plan_state(strange[i], &l, &e), 0);
		assert_int_equal(l.connections, 1);
		load_done(&l);
	}
}

static void test_cut_plans(void **state)
{
	static const char whole[] = PLAN("20", OPEN "," RAMP "," VUS, "");

	(void)state;
	for (size_t len = 0; len < sizeof(whole) - 1; len++) {
		cleanup_free char *cut = strndup(whole, len);
		struct load l = {0};
		struct err e;

		assert_int_equal(k6_plan_state(cut, &l, &e), -ERR_BAD_INPUT);
		load_done(&l);
	}
}

static void test_local_ips(void **state)
{
	static const struct {
		const char *list;
		uint64_t count;
	} good[] = {
		{"10.0.0.1", 1},
		{"10.0.0.1,10.0.0.9", 2},
		{"192.168.0.10-192.168.0.25", 16},
		{"192.168.0.0/24", 254},
		{"192.168.0.0/31,::1", 3},
		{"10.0.0.1/32", 1},
		{"fd:1::0/120", 256},
		{"fd::1-fd::ff", 255},
		{"fd::/8", UINT64_C(1) << 32},
		{" 10.0.0.1 , 10.0.0.2 - 10.0.0.3 ", 3},
	};
	static const char *const bad[] = {"",
					  ",",
					  "here",
					  "10.0.0.1-",
					  "10.0.0.9-10.0.0.1",
					  "10.0.0.1-::1",
					  "10.0.0.1/33",
					  "10.0.0.1/",
					  "1.2.3",
					  "::/129",
					  "::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
					  "10.0.0.1,"};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		uint64_t n = 0;

		if (k6_ips_count(good[i].list, &n) < 0 || n != good[i].count)
			fail_msg("%s: %" PRIu64, good[i].list, n);
	}
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		uint64_t n;

		if (k6_ips_count(bad[i], &n) == 0)
			fail_msg("'%s' was taken", bad[i]);
	}
}

static int run_script(const char *script, char *const *env, uint64_t timeout_ns, size_t max,
		      char **ret, int *status, struct err *e)
{
	char *argv[] = {(char[]){"sh"}, (char[]){"-c"}, strdup(script), NULL};
	struct capture_options o = {
		.argv = argv, .env = env, .netns_fd = -1, .timeout_ns = timeout_ns, .max = max};
	int r = capture(&o, ret, status, e);

	free(argv[2]);
	return r;
}

static void test_capture(void **state)
{
	char *env[] = {(char[]){"RUNUP_A=b c"}, (char[]){"HOME"}, NULL};
	cleanup_free char *answer = NULL;
	struct err e;
	int status;

	(void)state;
	/* Standard input and error are nothing, the environment is changed, there is no terminal.
	 */
	assert_int_equal(run_script("cat; echo \"$RUNUP_A${HOME-none}\"; echo x >&2; exit 3", env,
				    10 * NS_PER_S, 100, &answer, &status, &e),
			 0);
	assert_string_equal(answer, "b cnone\n");
	assert_int_equal(WEXITSTATUS(status), 3);
}

static void test_capture_is_bounded(void **state)
{
	char *none = NULL;
	struct err e;
	int status;
	uint64_t start = now_monotonic_ns();

	(void)state;
	assert_int_equal(run_script("sleep 30", NULL, 200 * NS_PER_MS, 100, &none, &status, &e),
			 -ETIMEDOUT);
	/* Closed output, a living process; a dead process, open output. */
	assert_int_equal(run_script("exec >&-; sleep 30", NULL, 200 * NS_PER_MS, 100, &none,
				    &status, &e),
			 -ETIMEDOUT);
	assert_int_equal(run_script("sleep 30 & :", NULL, 200 * NS_PER_MS, 100, &none, &status, &e),
			 -ETIMEDOUT);
	assert_int_equal(run_script("yes", NULL, 20 * NS_PER_S, 100000, &none, &status, &e),
			 -EFBIG);
	assert_true(now_monotonic_ns() - start < 20 * NS_PER_S);
	assert_null(none);

	char *argv[] = {(char[]){"runup-no-such-program"}, NULL};
	struct capture_options o = {.argv = argv, .netns_fd = -1, .timeout_ns = NS_PER_S, .max = 9};

	assert_int_equal(capture(&o, &none, &status, &e), -ENOENT);
}

static void test_capture_as_another_user(void **state)
{
	struct run_as nobody = {
		.uid = 65534, .gid = 65534, .name = "nobody", .home = "/", .changes = true};
	char *argv[] = {(char[]){"sh"}, (char[]){"-c"}, (char[]){"id -u; id -G; echo $HOME"}, NULL};
	struct capture_options o = {.argv = argv,
				    .user = &nobody,
				    .netns_fd = -1,
				    .timeout_ns = 10 * NS_PER_S,
				    .max = 99};
	cleanup_free char *answer = NULL;
	struct err e;
	int status;

	(void)state;
	if (geteuid() != 0)
		skip();
	assert_int_equal(capture(&o, &answer, &status, &e), 0);
	assert_string_equal(answer, "65534\n65534\n/\n");
}

/* A folder of its own to be in, with targets of vegeta's. */
static void test_targets_file(void **state)
{
	static const char text[] = "GET http://10.0.0.5:8080/a\nReferer: http://other/\n\n"
				   "POST  https://user:pw@web/\n@body.json\nGET ftp://x/\n"
				   "GET http://10.0.0.5:8080/b\n";
	char folder[] = "/tmp/runup-gen.XXXXXX";
	struct run_as self;
	struct err e;
	struct gen_context context = {.user = &self, .netns_fd = -1};
	static const struct gen_line rows[] = {
		{"targets", "vegeta open r50 k t10.0.0.5:8080,web:443 b f"},
		{"fifo", "vegeta open r50 k b f !"},
		{"none", "vegeta open r50 k b f !"},
		{".", "vegeta open r50 k b f !"},
	};

	(void)state;
	assert_non_null(mkdtemp(folder));
	assert_int_equal(chdir(folder), 0);
	assert_int_equal(run_as_find(NULL, &self, &e), 0);

	FILE *f = fopen("targets", "we");

	assert_non_null(f);
	assert_true(fputs(text, f) >= 0 && fclose(f) == 0);
	assert_int_equal(mkfifo("fifo", 0600), 0);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char *argv[] = {(char[]){"vegeta"}, (char[]){"attack"}, (char[]){"-targets"},
				strdup(rows[i].line), NULL};
		struct load l = {0};
		struct strbuf found = {0};

		gen_read(argv, &context, &l);
		gen_describe(&l, &found);
		assert_string_equal(strbuf_get(&found), rows[i].load);
		strbuf_done(&found);
		load_done(&l);
		free(argv[3]);
	}
	assert_int_equal(unlink("targets") | unlink("fifo") | chdir("/") | rmdir(folder), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_plans),
		cmocka_unit_test(test_what_is_no_plan),
		cmocka_unit_test(test_cut_plans),
		cmocka_unit_test(test_local_ips),
		cmocka_unit_test(test_capture),
		cmocka_unit_test(test_capture_is_bounded),
		cmocka_unit_test(test_capture_as_another_user),
		cmocka_unit_test(test_targets_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
