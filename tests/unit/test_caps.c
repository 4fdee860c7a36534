/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/temp_host.h"

#include <sys/prctl.h>
#include <sys/wait.h>

#include "sys/caps.h"

/* The table agrees with libcap's for every capability that libcap knows. */
static void test_names(void **state unused_)
{
	for (cap_value_t cap = 0; cap <= CAP_LAST_CAP; cap++) {
		char *name = cap_to_name(cap);

		assert_non_null(name);
		assert_string_equal(caps_name(cap), name);
		cap_free(name);
	}
	assert_string_equal(caps_name(-1), "cap_?");
	assert_string_equal(caps_name(CAP_LAST_CAP + 1), "cap_?");
}

/* What /proc/self/status says is what the kernel goes by. */
static uint64_t effective_in_proc(void)
{
	char line[256];
	unsigned long long set = 0;
	FILE *f = fopen("/proc/self/status", "re");

	assert_non_null(f);
	while (fgets(line, sizeof(line), f)) {
		if (!strncmp(line, "CapEff:", 7))
			set = strtoull(line + 7, NULL, 16);
	}
	fclose(f);
	return set;
}

static void assert_agrees(void)
{
	uint64_t set = effective_in_proc();

	for (cap_value_t cap = 0; cap <= CAP_LAST_CAP; cap++)
		assert_int_equal(caps_effective(cap), set >> cap & 1);
	assert_false(caps_effective(63));
	assert_false(caps_effective(-1));
}

static void test_effective(void **state unused_)
{
	int status;

	assert_agrees();
	pid_t child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		cap_t none = cap_init();

		/* Dropped: effective is what counts, not what it may be raised to. */
		if (cap_set_proc(none) < 0)
			_exit(2);
		cap_free(none);
		_exit(caps_effective(CAP_NET_ADMIN) || effective_in_proc() ? 1 : 0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
}

/* The row of a set in /proc/self/status. */
static uint64_t set_in_proc(const char *name)
{
	char line[256];
	unsigned long long set = UINT64_MAX;
	FILE *f = fopen("/proc/self/status", "re");

	while (f && fgets(line, sizeof(line), f))
		if (!strncmp(line, name, strlen(name)))
			set = strtoull(line + strlen(name), NULL, 16);
	if (f)
		fclose(f);
	return set;
}

static void test_keep(void **state unused_)
{
	static const uint64_t kept[] = {0, CAP_BIT(CAP_NET_ADMIN),
					CAP_BIT(CAP_NET_ADMIN) | CAP_BIT(CAP_SYS_PTRACE)};

	if (!temp_is_root())
		skip();
	for (size_t i = 0; i < ARRAY_LEN(kept); i++) {
		int status;
		pid_t child = fork();

		assert_true(child >= 0);
		if (child == 0) {
			uint64_t had = set_in_proc("CapPrm:");
			struct err e;

			if (caps_keep(kept[i], &e) < 0)
				_exit(2);
			_exit(set_in_proc("CapPrm:") != (kept[i] & had) ||
			      set_in_proc("CapEff:") != (kept[i] & had) || set_in_proc("CapInh:") ||
			      set_in_proc("CapAmb:") || set_in_proc("CapBnd:") & ~kept[i] ||
			      set_in_proc("NoNewPrivs:") != 1);
		}
		assert_int_equal(waitpid(child, &status, 0), child);
		assert_int_equal(status, 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_effective),
		cmocka_unit_test(test_keep),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
