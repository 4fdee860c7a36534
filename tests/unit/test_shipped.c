/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "core/profile.h"
#include "core/sysctl_key.h"

/* Every shipped profile is read, and asks for nothing that is folklore. */
static void load_shipped(const char *name, const char *path, void *data)
{
	struct profile p = {0};
	struct err e;
	static const char *const folklore[] = {"net.ipv4.tcp_fin_timeout",
					       "net.ipv4.tcp_tw_recycle",
					       "net.ipv4.tcp_max_tw_buckets", "fs.file-max"};

	if (profile_load(&p, path, &e) < 0)
		fail_msg("%s", e.msg);
	if (!p.summary)
		fail_msg("%s has no summary", name);
	for (size_t i = 0; i < ARRAY_LEN(folklore); i++)
		assert_null(profile_want(&p, "sysctl", folklore[i]));
	for (size_t i = 0; i < p.wants_len; i++)
		if (!p.wants[i].comment)
			fail_msg("%s:%u: '%s' has no reason", p.wants[i].file, p.wants[i].line,
				 p.wants[i].key);
	for (size_t i = 0; i < p.wants_len; i++)
		if (p.wants[i].sysctl && !p.wants[i].sysctl->why)
			fail_msg("%s: explain knows nothing of '%s'", name, p.wants[i].key);
	profile_done(&p);
	++*(size_t *)data;
}

static void test_shipped_profiles(void **state)
{
	(void)state;
	size_t n = 0;

	setenv("RUNUP_PROFILE_DIR", "profiles", 1);
	profile_list(load_shipped, &n);
	unsetenv("RUNUP_PROFILE_DIR");
	assert_int_equal(n, 8);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_shipped_profiles),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
