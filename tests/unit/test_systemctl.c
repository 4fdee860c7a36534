/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What systemctl(1) is asked, and what is made of its answers. */
#include "tests/unit/temp_host.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "base/attr.h"
#include "sys/systemctl.h"

/* Stack that is zero: a status that nobody wrote looks like success then. */
static void __attribute__((noinline)) zero_stack(void)
{
	volatile char wiped[16384];

	for (size_t i = 0; i < sizeof(wiped); i++)
		wiped[i] = 0;
}

/* Of a host without systemd it fails, and says so: not with what was in memory where wait(2) would
 * have put the status. Whoever starts runup with SIGCHLD ignored must get the same answer. */
static void test_status_while_sigchld_is_ignored(void **state unused_)
{
	char said[2][4096] = {"", ""};
	struct err e[2] = {{0}, {0}};
	int r[2];

	if (access("/usr/bin/systemctl", X_OK) < 0 && access("/bin/systemctl", X_OK) < 0) {
		print_message("not possible here: there is no systemctl\n");
		skip();
	}
	r[0] = systemctl_show("runup-none.service", "LoadState", said[0], sizeof(said[0]), &e[0]);
	assert_true(signal(SIGCHLD, SIG_IGN) == SIG_DFL);
	zero_stack();
	r[1] = systemctl_show("runup-none.service", "LoadState", said[1], sizeof(said[1]), &e[1]);
	/* And it stays ignored. */
	assert_true(signal(SIGCHLD, SIG_DFL) == SIG_IGN);
	assert_int_equal(r[0], r[1]);
	assert_string_equal(said[0], said[1]);
	assert_string_equal(e[0].msg, e[1].msg);
}

static void test_value(void **state unused_)
{
	char value[SYSTEMCTL_VALUE_MAX];

	assert_string_equal(systemctl_value("A=1\nAB=two words\n", "AB", value), "two words");
	assert_string_equal(systemctl_value("A=1\nAB=two words\n", "B", value), "");
	assert_string_equal(systemctl_value("A=1", "A", value), "1");
	assert_string_equal(systemctl_value("", "A", value), "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_status_while_sigchld_is_ignored),
		cmocka_unit_test(test_value),
	};

	return cmocka_run_group_tests_name("systemctl", tests, NULL, NULL);
}
