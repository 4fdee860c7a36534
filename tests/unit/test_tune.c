/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/resource.h>

#include <cmocka.h>

#include "tune_fixture.h"

static void test_there_and_back(void **state)
{
	struct fixture *f = *state;
	cleanup_with(changes_done) struct changes plan = {0}, undone = {0}, again = {0};
	char id[CHANGESET_ID_MAX], none[CHANGESET_ID_MAX];
	struct err e;

	need_root();
	set(f, SOMAXCONN_KEY, "128");
	set(f, FIN_TIMEOUT, "60");
	set(f, RESERVED, "9200");
	set(f, RMEM, "4096 131072 6291456"); /* the default depends on memory and version */
	want(f, SOMAXCONN_KEY, OP_AT_LEAST, "0x1000");
	want(f, FIN_TIMEOUT, OP_AT_MOST, "60");
	want(f, RANGE, OP_COVERS, "2000 65000");
	want(f, RESERVED, OP_COVERS, "9100,9101,9102");
	want(f, RMEM, OP_AT_LEAST, "4096 131072 16777216");
	if (apply(f, &plan, id, &e) < 0)
		fail_msg("%s", e.msg);
	assert_int_equal(changes_count(&plan, CHANGE_WRITTEN), 4);
	assert_int_equal(changes_count(&plan, CHANGE_SATISFIED), 1);
	assert_value(f, SOMAXCONN_KEY, "4096");
	assert_value(f, RANGE, "2000\t65000");
	assert_value(f, RESERVED, "9100-9102,9200");
	assert_value(f, RMEM, "4096\t131072\t16777216");
	assert_int_equal(state_now(f, id), CHANGESET_OPEN);
	assert_int_equal(compare_one(f, id), CHANGE_IN_FORCE);

	/* The same again finds nothing to do and makes no changeset. */
	want(f, SOMAXCONN_KEY, OP_AT_LEAST, "4096");
	want(f, RESERVED, OP_COVERS, "9101");
	assert_int_equal(apply(f, &again, none, &e), 0);
	assert_string_equal(none, "");
	assert_int_equal(changes_count(&again, CHANGE_SATISFIED), 2);

	if (rollback_changeset(&f->host, &f->dir, id, &plain, &undone, &e) < 0)
		fail_msg("%s", e.msg);
	assert_int_equal(undone.len, 4);
	assert_int_equal(changes_count(&undone, CHANGE_RESTORED), 4);
	assert_value(f, SOMAXCONN_KEY, "128");
	assert_value(f, RANGE, "32768\t60999");
	assert_value(f, RESERVED, "9200");
	assert_value(f, RMEM, "4096\t131072\t6291456");
	assert_int_equal(state_now(f, id), CHANGESET_CLOSED);
}

/* An empty set can be returned to: a write of nothing would leave it as it is. */
static void test_back_to_the_empty_set(void **state)
{
	struct fixture *f = *state;
	char id[CHANGESET_ID_MAX];

	need_root();
	assert_value(f, RESERVED, "");
	apply_one(f, RESERVED, OP_COVERS, "80", id);
	assert_int_equal(undo_one(f, id, &plain), CHANGE_RESTORED);
	assert_value(f, RESERVED, "");
}

/* The kernel refuses a range that begins below the first unprivileged port. */
static void test_failure_rolls_all_back(void **state)
{
	struct fixture *f = *state;
	cleanup_with(changes_done) struct changes plan = {0};
	char id[CHANGESET_ID_MAX];
	struct err e;

	need_root();
	set(f, SOMAXCONN_KEY, "128");
	set(f, FIN_TIMEOUT, "60");
	want(f, FIN_TIMEOUT, OP_EXACT, "30");
	want(f, RANGE, OP_COVERS, "100 65000");
	want(f, SOMAXCONN_KEY, OP_EXACT, "4096");
	assert_int_equal(apply(f, &plan, id, &e), -EINVAL);
	assert_non_null(strstr(e.msg, RANGE));
	assert_string_equal(plan.item[0].key, SOMAXCONN_KEY);
	assert_int_equal(plan.item[0].result, CHANGE_RESTORED);
	assert_int_equal(plan.item[1].result, CHANGE_FAILED);
	assert_non_null(strstr(plan.item[1].why, "Invalid argument"));
	assert_int_equal(plan.item[2].result, CHANGE_PLANNED);
	assert_value(f, SOMAXCONN_KEY, "128");
	assert_value(f, RANGE, "32768\t60999");
	assert_value(f, FIN_TIMEOUT, "60");
	assert_int_equal(state_now(f, id), CHANGESET_CLOSED);
}

/* A refused write may have stored the fields before the bad one; they are taken back too. */
static void test_half_taken_write(void **state)
{
	struct fixture *f = *state;
	cleanup_with(changes_done) struct changes plan = {0};
	char id[CHANGESET_ID_MAX];
	struct err e;

	need_root();
	set(f, RMEM, "4096 131072 6291456");
	want(f, RMEM, OP_EXACT, "8192 0 6291456");
	assert_int_equal(apply(f, &plan, id, &e), -EINVAL);
	assert_string_equal(plan.item[0].after, "8192\t131072\t6291456");
	assert_value(f, RMEM, "4096\t131072\t6291456");
	assert_int_equal(state_now(f, id), CHANGESET_CLOSED);
}

/* A lower first port makes room for the range, whatever the profile's order. */
static void test_order(void **state)
{
	struct fixture *f = *state;
	cleanup_with(changes_done) struct changes plan = {0}, undone = {0};
	char id[CHANGESET_ID_MAX];
	struct err e;

	need_root();
	want(f, RANGE, OP_COVERS, "500 65000");
	want(f, UNPRIVILEGED, OP_AT_MOST, "500");
	if (apply(f, &plan, id, &e) < 0)
		fail_msg("%s", e.msg);
	assert_value(f, RANGE, "500\t65000");
	assert_int_equal(rollback_changeset(&f->host, &f->dir, id, &plain, &undone, &e), 0);
	assert_int_equal(changes_count(&undone, CHANGE_RESTORED), 2);
	assert_value(f, RANGE, "32768\t60999");
	assert_value(f, UNPRIVILEGED, "1024");
}

/* What was planned is read again under the lock. */
static void test_plan_goes_stale(void **state)
{
	struct fixture *f = *state;
	cleanup_with(changes_done) struct changes plan = {0};
	char id[CHANGESET_ID_MAX];
	struct err e;

	need_root();
	set(f, SOMAXCONN_KEY, "128");
	want(f, SOMAXCONN_KEY, OP_AT_LEAST, "1024");
	assert_int_equal(plan_changes(&f->host, &f->profile, false, &plan, &e), 0);
	assert_int_equal(plan.item[0].result, CHANGE_PLANNED);
	set(f, SOMAXCONN_KEY, "256");
	assert_int_equal(apply_changes(&f->host, &f->dir, &header, &plan, id, &e), 0);
	assert_string_equal(plan.item[0].before, "256");
	assert_int_equal(undo_one(f, id, &plain), CHANGE_RESTORED);
	assert_value(f, SOMAXCONN_KEY, "256");
}

static void test_host_keys_in_a_namespace(void **state)
{
	struct fixture *f = *state;
	cleanup_with(changes_done) struct changes plan = {0};
	struct err e;

	need_root();
	want(f, "fs.file-max", OP_AT_LEAST, "1"); /* satisfied: nothing to write */
	want(f, "fs.nr_open", OP_AT_LEAST, "2000000000")->optional = true;
	want(f, "net.core.netdev_max_backlog", OP_AT_LEAST, "4000")->optional = true;
	want(f, "net.ipv4.no_such_key", OP_AT_LEAST, "1")->optional = true;
	if (plan_changes(&f->host, &f->profile, false, &plan, &e) < 0)
		fail_msg("%s", e.msg);
	assert_int_equal(plan.item[0].result, CHANGE_SATISFIED);
	for (size_t i = 1; i < plan.len; i++)
		assert_int_equal(plan.item[i].result, CHANGE_MISSING);
	assert_string_equal(plan.item[1].why, "belongs to the host, not to this network namespace");
	assert_string_equal(plan.item[2].why, "belongs to the host, not to this network namespace");

	static const struct {
		const char *key;
		int error;
	} refused[] = {
		{"fs.nr_open", -EROFS},
		{"vm.swappiness", -EROFS},
		{"net.core.netdev_max_backlog", -EROFS},
		{"net.ipv4.no_such_key", -ENOENT},
		{"kernel.core_pattern", -ERR_BAD_INPUT},
		{"net.ipv4.../../core_pattern", -ERR_BAD_INPUT},
	};
	for (size_t i = 0; i < ARRAY_LEN(refused); i++) {
		cleanup_with(changes_done) struct changes none = {0};

		f->profile.wants_len = 0;
		want(f, refused[i].key, OP_EXACT, "123456");
		assert_int_equal(plan_changes(&f->host, &f->profile, false, &none, &e),
				 refused[i].error);
		assert_int_equal(strncmp(e.msg, "test.ini:1: ", 12), 0);
		assert_int_equal(none.len, 0);
	}
}

static void test_want_without_a_value(void **state)
{
	struct fixture *f = *state;
	cleanup_with(changes_done) struct changes plan = {0};
	struct err e;

	need_root();
	want(f, SOMAXCONN_KEY, OP_AT_LEAST, NULL)->unsized = "state --connections or --burst";
	assert_int_equal(plan_changes(&f->host, &f->profile, false, &plan, &e), -ERR_BAD_INPUT);
	assert_non_null(strstr(e.msg, "state --connections or --burst"));

	/* A kind without a knob belongs to the started command. */
	f->profile.wants_len = 0;
	want(f, "nofile", OP_AT_LEAST, "65536")->kind = "rlimit";
	assert_int_equal(plan_changes(&f->host, &f->profile, false, &plan, &e), 0);
	assert_int_equal(plan.len, 0);
}

/* The journal cannot be written: the host is not touched. */
static void test_no_journal_no_change(void **state)
{
	struct fixture *f = *state;
	cleanup_with(changes_done) struct changes plan = {0};
	cleanup_free char(*ids)[CHANGESET_ID_MAX] = NULL;
	char id[CHANGESET_ID_MAX];
	struct rlimit old;
	struct err e;
	size_t len;

	need_root();
	signal(SIGXFSZ, SIG_IGN);
	set(f, SOMAXCONN_KEY, "128");
	want(f, SOMAXCONN_KEY, OP_EXACT, "4096");
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &(struct rlimit){300, old.rlim_max}), 0);
	int r = apply(f, &plan, id, &e);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
	assert_int_equal(r, -EFBIG);
	assert_string_equal(id, "");
	assert_non_null(strstr(e.msg, "nothing was changed"));
	assert_value(f, SOMAXCONN_KEY, "128");
	assert_int_equal(changeset_ids(&f->dir, &ids, &len, &e), 0);
	assert_int_equal(len, 0);
}

/* The disk fills up after the first write: what was written is taken back at once. */
static void test_disk_full_while_applying(void **state)
{
	struct fixture *f = *state;
	cleanup_with(changes_done) struct changes plan = {0}, first = {0}, undone = {0};
	char id[CHANGESET_ID_MAX], path[200];
	struct rlimit old;
	struct stat st;
	struct err e;

	need_root();
	signal(SIGXFSZ, SIG_IGN);
	set(f, SOMAXCONN_KEY, "128");
	set(f, SYN_BACKLOG, "64");
	/* A first one tells how large it is up to `planned`; its numbers have the same width. */
	want(f, SOMAXCONN_KEY, OP_EXACT, "4096");
	want(f, SYN_BACKLOG, OP_EXACT, "1024");
	assert_int_equal(apply(f, &first, id, &e), 0);
	cut_journal(f, id, 4);
	snprintf(path, sizeof(path), "%s/%s.journal", f->temp.changesets, id);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(rollback_changeset(&f->host, &f->dir, id, &plain, &undone, &e), 0);

	want(f, SOMAXCONN_KEY, OP_EXACT, "4096");
	want(f, SYN_BACKLOG, OP_EXACT, "1024");
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
	assert_int_equal(setrlimit(RLIMIT_FSIZE,
				   &(struct rlimit){(rlim_t)st.st_size + 10, old.rlim_max}),
			 0);
	int r = apply(f, &plan, id, &e);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
	assert_int_equal(r, -EFBIG);
	assert_value(f, SOMAXCONN_KEY, "128");
	assert_value(f, SYN_BACKLOG, "64");
	/* Its rollback could not be recorded either; the next one finds nothing to do. */
	assert_int_equal(state_now(f, id), CHANGESET_UNFINISHED);
	changes_done(&undone);
	assert_int_equal(rollback_changeset(&f->host, &f->dir, id, &plain, &undone, &e), 0);
	assert_int_equal(changes_count(&undone, CHANGE_UNCHANGED), 2);
	assert_int_equal(state_now(f, id), CHANGESET_CLOSED);
}

static void test_normalise(void **state)
{
	const struct knob *k = knob_find("sysctl");
	struct err e;
	struct host h = {.netns_cookie = 7};
	char buf[KNOB_VALUE_MAX];

	(void)state;
	assert_non_null(k);
	assert_null(knob_find("no such kind"));
	k->normalise(&h, SOMAXCONN_KEY, "0x1000", buf);
	assert_string_equal(buf, "4096");
	k->normalise(&h, RESERVED, "9102,9100,9101", buf);
	assert_string_equal(buf, "9100-9102");
	if (sizeof(void *) == 8 && sysconf(_SC_PAGESIZE) == 4096) {
		k->normalise(&h, "net.netfilter.nf_conntrack_buckets", "262145", buf);
		assert_string_equal(buf, "262656");
	}
	k->normalise(&h, "net.core.rps_sock_flow_entries", "30000", buf);
	assert_string_equal(buf, "32768");
	k->normalise(&h, "net.core.rps_sock_flow_entries", "0", buf);
	assert_string_equal(buf, "0");
	assert_int_equal(k->identity(&h, SOMAXCONN_KEY, buf, &e), 0);
	assert_string_equal(buf, "netns:7");
	assert_int_equal(k->identity(&h, "net.core.rmem_max", buf, &e), 0);
	assert_string_equal(buf, "host");
	assert_int_equal(k->identity(&h, "vm.swappiness", buf, &e), 0);
	assert_string_equal(buf, "host");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_there_and_back),
		TEST(test_back_to_the_empty_set),
		TEST(test_failure_rolls_all_back),
		TEST(test_half_taken_write),
		TEST(test_order),
		TEST(test_plan_goes_stale),
		TEST(test_host_keys_in_a_namespace),
		TEST(test_want_without_a_value),
		TEST(test_no_journal_no_change),
		TEST(test_disk_full_while_applying),
		cmocka_unit_test(test_normalise),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
