/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/attr.h"
#include "sys/file.h"

static atomic_bool over;

/* A rename anywhere on the host makes the kernel doubt a ".." that is walked meanwhile. */
static void *rename_all_the_time(void *folder)
{
	char a[128], b[128];

	snprintf(a, sizeof(a), "%s/a", (char *)folder);
	snprintf(b, sizeof(b), "%s/b", (char *)folder);
	FILE *f = fopen(a, "w");

	assert_non_null(f);
	fclose(f);
	while (!atomic_load(&over)) {
		assert_int_equal(rename(a, b), 0);
		assert_int_equal(rename(b, a), 0);
	}
	unlink(a);
	return NULL;
}

static void test_renames_elsewhere(void **state unused_)
{
	char folder[] = "/tmp/runup-file-XXXXXX", text[32];
	struct host h;
	struct err e;
	pthread_t thread;

	assert_non_null(mkdtemp(folder));
	assert_int_equal(host_open(&h, NULL, NULL, &e), 0);
	assert_int_equal(pthread_create(&thread, NULL, rename_all_the_time, folder), 0);
	for (int i = 0; i < 20000; i++)
		if (file_read(&h, "/sys/class/net/../net/../net/lo/ifindex", text, sizeof(text),
			      &e) < 0)
			fail_msg("%s", e.msg);
	atomic_store(&over, true);
	pthread_join(thread, NULL);
	rmdir(folder);
	host_close(&h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_renames_elsewhere),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
