/* SPDX-License-Identifier: GPL-2.0-or-later */
/* JUnit and TAP: what each status becomes, and text that would break either. */
#include "tests/unit/temp_host.h"

#include "report/junit.h"
#include "report/tap.h"

#define NASTY "a<b>&\"c\" #d \\ \x01 \xff \xef\xbf\xbf \xc3\xa9\nend"

static void add(struct findings *fs, enum finding_status s, bool needed)
{
	struct finding *f = finding_add(fs, "some.check", s, "subject");

	f->observed = "seen";
	f->needed = needed;
}

static bool has(const struct strbuf *out, const char *text)
{
	return strstr(strbuf_get(out), text) != NULL;
}

static void test_statuses(void **state unused_)
{
	struct findings fs = {0};
	struct host h = {.hostname = "here"};
	struct strbuf junit = {0}, tap = {0};

	add(&fs, FINDING_PASS, true);
	add(&fs, FINDING_WARN, true);
	add(&fs, FINDING_FAIL, true);
	add(&fs, FINDING_UNKNOWN, true);
	add(&fs, FINDING_UNKNOWN, false);
	add(&fs, FINDING_NA, false);
	junit_findings(&fs, &h, false, &junit);
	assert_true(has(&junit, "tests=\"6\" failures=\"1\" errors=\"1\" skipped=\"2\""));
	assert_true(has(&junit, "<system-out>warn\n"));
	assert_true(has(&junit, "<failure message=\"seen\" type=\"fail\">"));
	assert_true(has(&junit, "<error message=\"seen\" type=\"unknown\">"));
	tap_findings(&fs, false, &tap);
	assert_true(has(&tap, "TAP version 14\n1..6\nok 1 - some.check subject\n"));
	assert_true(has(&tap, "\nnot ok 2 - some.check subject # TODO a warning\n"));
	assert_true(has(&tap, "\nnot ok 3 - some.check subject\n  ---\n  status: \"fail\"\n"));
	assert_true(has(&tap, "\nnot ok 4 - some.check subject\n  ---\n  status: \"unknown\"\n"));
	assert_true(has(&tap, "\nok 5 - some.check subject # SKIP seen\n"));
	assert_true(has(&tap, "\nok 6 - some.check subject # SKIP seen\n"));

	strbuf_reset(&junit);
	strbuf_reset(&tap);
	junit_findings(&fs, &h, true, &junit);
	assert_true(has(&junit, "failures=\"2\""));
	assert_false(has(&junit, "system-out"));
	tap_findings(&fs, true, &tap);
	assert_true(has(&tap, "\nnot ok 2 - some.check subject\n"));
	strbuf_done(&junit);
	strbuf_done(&tap);
	findings_done(&fs);
}

static void test_nasty(void **state unused_)
{
	struct findings fs = {0};
	struct host h = {.hostname = "<&"};
	struct strbuf junit = {0}, tap = {0};
	struct finding *f = finding_add(&fs, "some.check", FINDING_FAIL, NASTY);

	f->observed = NASTY;
	junit_findings(&fs, &h, false, &junit);
	assert_true(has(&junit, "hostname=\"&lt;&amp;\""));
	assert_true(has(&junit, "name=\"some.check a&lt;b&gt;&amp;&quot;c&quot; #d \\ \xef\xbf\xbd "
				"\xef\xbf\xbd \xef\xbf\xbd \xc3\xa9&#10;end\""));
	tap_findings(&fs, false, &tap);
	assert_true(has(&tap, "not ok 1 - some.check a<b>&\"c\" \\#d \\\\   \xef\xbf\xbd "));
	assert_true(has(&tap, "  observed: \"a<b>&\\\"c\\\" #d \\\\ \\u0001 \xef\xbf\xbd "));
	assert_true(has(&tap, "\xc3\xa9\\u000aend\"\n"));
	strbuf_done(&junit);
	strbuf_done(&tap);
	findings_done(&fs);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_statuses),
		cmocka_unit_test(test_nasty),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
