/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "tune_fixture.h"

static void test_drift_is_left_alone(void **state)
{
	struct fixture *f = *state;
	cleanup_with(changes_done) struct changes undone = {0};
	char id[CHANGESET_ID_MAX];
	struct err e;

	need_root();
	set(f, SOMAXCONN_KEY, "128");
	apply_one(f, SOMAXCONN_KEY, OP_EXACT, "4096", id);
	set(f, SOMAXCONN_KEY, "5000");
	assert_int_equal(compare_one(f, id), CHANGE_DRIFTED);
	assert_int_equal(undo_one(f, id, &dry_run), CHANGE_DRIFTED);
	assert_int_equal(state_now(f, id), CHANGESET_OPEN);
	assert_int_equal(rollback_changeset(&f->host, &f->dir, id, &plain, &undone, &e), 0);
	assert_int_equal(undone.item[0].result, CHANGE_DRIFTED);
	assert_string_equal(undone.item[0].now, "5000");
	char why[200];

	snprintf(
		why, sizeof(why),
		"now 5000, runup wrote 4096: somebody changed it since, left alone (runup rollback "
		"--force %s sets it back to 128)",
		id);
	assert_string_equal(undone.item[0].why, why);
	assert_value(f, SOMAXCONN_KEY, "5000");
	assert_int_equal(state_now(f, id), CHANGESET_CLOSED);

	/* Closed, but --force still knows what to return to; once. */
	assert_int_equal(undo_one(f, id, &force), CHANGE_RESTORED);
	assert_value(f, SOMAXCONN_KEY, "128");
	set(f, SOMAXCONN_KEY, "4096");
	changes_done(&undone);
	assert_int_equal(rollback_changeset(&f->host, &f->dir, id, &force, &undone, &e), 0);
	assert_int_equal(undone.len, 0);
	assert_value(f, SOMAXCONN_KEY, "4096");
}

static void test_set_back_by_hand(void **state)
{
	struct fixture *f = *state;
	char id[CHANGESET_ID_MAX];

	need_root();
	set(f, SOMAXCONN_KEY, "128");
	apply_one(f, SOMAXCONN_KEY, OP_EXACT, "4096", id);
	set(f, SOMAXCONN_KEY, "128");
	assert_int_equal(compare_one(f, id), CHANGE_DRIFTED);
	assert_int_equal(undo_one(f, id, &plain), CHANGE_UNCHANGED);
	assert_int_equal(state_now(f, id), CHANGESET_CLOSED);
}

static void test_dry_run(void **state)
{
	struct fixture *f = *state;
	char id[CHANGESET_ID_MAX];

	need_root();
	set(f, SOMAXCONN_KEY, "128");
	apply_one(f, SOMAXCONN_KEY, OP_EXACT, "4096", id);
	assert_int_equal(undo_one(f, id, &dry_run), CHANGE_PLANNED);
	assert_value(f, SOMAXCONN_KEY, "4096");
	assert_int_equal(state_now(f, id), CHANGESET_OPEN);
}

/* Killed at any record of an apply, with the write of that moment done or not. */
static void test_killed_while_applying(void **state)
{
	struct fixture *f = *state;

	need_root();
	/* Lines: header, 2 intents, planned, done, done, applied. */
	for (unsigned lines = 0; lines <= 7; lines++) {
		for (unsigned written = 0; written <= 2; written++) {
			cleanup_with(changes_done) struct changes plan = {0}, undone = {0};
			char id[CHANGESET_ID_MAX];
			struct err e;

			/* The host is never ahead of the journal by more than one write. */
			if (written > (lines < 4 ? 0 : lines - 3) || written + 4 < lines)
				continue;
			set(f, SOMAXCONN_KEY, "128");
			set(f, SYN_BACKLOG, "64");
			want(f, SOMAXCONN_KEY, OP_AT_LEAST, "4096");
			want(f, SYN_BACKLOG, OP_AT_LEAST, "1024");
			if (apply(f, &plan, id, &e) < 0)
				fail_msg("%s", e.msg);
			cut_journal(f, id, lines);
			if (written < 2)
				set(f, SYN_BACKLOG, "64");
			if (written < 1)
				set(f, SOMAXCONN_KEY, "128");
			if (rollback_changeset(&f->host, &f->dir, id, &plain, &undone, &e) < 0)
				fail_msg("%u lines: %s", lines, e.msg);
			assert_int_equal(changes_count(&undone, CHANGE_RESTORED), written);
			assert_value(f, SOMAXCONN_KEY, "128");
			assert_value(f, SYN_BACKLOG, "64");
			if (lines == 0) /* nothing in it, nothing kept */
				assert_int_equal(changeset_read(&f->dir, id, &(struct changeset){0},
								&e),
						 -ERR_BAD_INPUT);
			else
				assert_int_equal(state_now(f, id), CHANGESET_CLOSED);
		}
	}
}

/* Killed at any record of a rollback: the next one ends at the start values. */
static void test_killed_while_rolling_back(void **state)
{
	struct fixture *f = *state;

	need_root();
	/* The first 7 lines are apply's; 2 undone and closed follow. */
	for (unsigned lines = 7; lines <= 10; lines++) {
		for (unsigned back = 0; back <= 2; back++) {
			cleanup_with(changes_done) struct changes plan = {0}, undone = {0};
			char id[CHANGESET_ID_MAX];
			struct err e;

			if (back + 7 < lines && lines < 10)
				continue;
			if (lines == 10 && back < 2)
				continue;
			set(f, SOMAXCONN_KEY, "128");
			set(f, SYN_BACKLOG, "64");
			want(f, SOMAXCONN_KEY, OP_AT_LEAST, "4096");
			want(f, SYN_BACKLOG, OP_AT_LEAST, "1024");
			assert_int_equal(apply(f, &plan, id, &e), 0);
			assert_int_equal(rollback_changeset(&f->host, &f->dir, id, &plain, &undone,
							    &e),
					 0);
			cut_journal(f, id, lines);
			if (back < 2)
				set(f, SOMAXCONN_KEY, "4096");
			if (back < 1)
				set(f, SYN_BACKLOG, "1024");
			changes_done(&undone);
			assert_int_equal(rollback_changeset(&f->host, &f->dir, id, &plain, &undone,
							    &e),
					 0);
			assert_value(f, SOMAXCONN_KEY, "128");
			assert_value(f, SYN_BACKLOG, "64");
			assert_int_equal(state_now(f, id), CHANGESET_CLOSED);
		}
	}
}

static void test_other_boot(void **state)
{
	struct fixture *f = *state;
	char id[CHANGESET_ID_MAX];
	struct host rebooted;

	need_root();
	set(f, SOMAXCONN_KEY, "128");
	apply_one(f, SOMAXCONN_KEY, OP_EXACT, "4096", id);
	rebooted = f->host;
	f->host.boot_id[0] = f->host.boot_id[0] == '0' ? '1' : '0';
	assert_int_equal(compare_one(f, id), CHANGE_GONE);
	assert_int_equal(undo_one(f, id, &dry_run), CHANGE_GONE);
	assert_int_equal(undo_one(f, id, &plain), CHANGE_GONE);
	f->host = rebooted;
	assert_int_equal(state_now(f, id), CHANGESET_CLOSED);
	assert_value(f, SOMAXCONN_KEY, "4096");
}

/* The namespace is held by another process: found by its cookie, entered, and left again. */
static void test_other_namespace(void **state)
{
	struct fixture *f = *state;
	char id[CHANGESET_ID_MAX];
	struct err e;

	need_root();
	set(f, SOMAXCONN_KEY, "128");
	apply_one(f, SOMAXCONN_KEY, OP_EXACT, "4096", id);

	int gate[2];
	assert_int_equal(pipe2(gate, O_CLOEXEC), 0);
	pid_t holder = fork();
	if (holder == 0) {
		char byte;

		close(gate[1]);
		_exit(read(gate[0], &byte, 1) == 0 ? 0 : 1);
	}
	close(gate[0]);

	uint64_t first = f->host.netns_cookie;
	host_close(&f->host);
	enter_new_netns(f);
	set(f, SOMAXCONN_KEY, "777");
	assert_true(netns_cookie() != first);
	assert_int_equal(compare_one(f, id), CHANGE_IN_FORCE);
	assert_int_equal(undo_one(f, id, &plain), CHANGE_RESTORED);
	assert_true(netns_cookie() == f->host.netns_cookie);
	assert_value(f, SOMAXCONN_KEY, "777");

	/* It was really there that the value was set back. */
	int fd = netns_open_cookie(first, &e);
	int here = netns_open_present(&e);
	assert_true(fd >= 0 && here >= 0);
	assert_int_equal(netns_enter_fd(fd, &e), 0);
	assert_value(f, SOMAXCONN_KEY, "128");
	assert_int_equal(netns_enter_fd(here, &e), 0);
	close(here);
	close(fd);
	close(gate[1]);

	int status;
	assert_int_equal(waitpid(holder, &status, 0), holder);
}

/* Held by nothing but an open descriptor: still alive, still found. */
static void test_namespace_of_a_descriptor(void **state)
{
	struct fixture *f = *state;
	struct err e;

	need_root();
	uint64_t first = f->host.netns_cookie;
	cleanup_close int held = netns_open_present(&e);
	assert_true(held >= 0);

	host_close(&f->host);
	enter_new_netns(f);
	cleanup_close int fd = netns_open_cookie(first, &e);
	if (fd < 0)
		fail_msg("%s", e.msg);
	assert_true(netns_cookie() == f->host.netns_cookie);
}

static void test_gone_namespace(void **state)
{
	struct fixture *f = *state;
	cleanup_with(changes_done) struct changes undone = {0};
	char id[CHANGESET_ID_MAX];
	struct stat st;
	struct err e;

	need_root();
	set(f, SOMAXCONN_KEY, "128");
	apply_one(f, SOMAXCONN_KEY, OP_EXACT, "4096", id);
	host_close(&f->host);
	enter_new_netns(f);
	set(f, SOMAXCONN_KEY, "4096"); /* a stranger's, by chance the same */

	int r = rollback_changeset(&f->host, &f->dir, id, &plain, &undone, &e);
	assert_value(f, SOMAXCONN_KEY, "4096");
	/* In a container it cannot be known who else keeps a namespace alive. */
	if (stat("/proc/self/ns/pid", &st) == 0 && st.st_ino != 0xEFFFFFFC) {
		assert_int_equal(r, -EXDEV);
		return;
	}
	assert_int_equal(r, 0);
	assert_int_equal(undone.item[0].result, CHANGE_GONE);
	assert_int_equal(state_now(f, id), CHANGESET_CLOSED);
}

/* An intent that is not proven is not touched, the others are; the changeset stays open. */
static void test_spoiled_intent(void **state)
{
	struct fixture *f = *state;
	cleanup_with(changes_done) struct changes plan = {0}, undone = {0};
	cleanup_with(changeset_done) struct changeset cs = {0};
	char id[CHANGESET_ID_MAX];
	struct err e;

	need_root();
	set(f, SOMAXCONN_KEY, "128");
	set(f, SYN_BACKLOG, "64");
	want(f, SOMAXCONN_KEY, OP_AT_LEAST, "4096");
	want(f, SYN_BACKLOG, OP_AT_LEAST, "1024");
	assert_int_equal(apply(f, &plan, id, &e), 0);
	spoil(f, id, SOMAXCONN_KEY);
	assert_int_equal(rollback_changeset(&f->host, &f->dir, id, &plain, &undone, &e), 0);
	assert_int_equal(undone.item[0].result, CHANGE_UNKNOWN);
	assert_int_equal(undone.item[1].result, CHANGE_RESTORED);
	assert_value(f, SOMAXCONN_KEY, "4096");
	assert_value(f, SYN_BACKLOG, "64");
	assert_int_equal(changeset_read(&f->dir, id, &cs, &e), 0);
	assert_int_equal(cs.state, CHANGESET_OPEN);
	assert_int_equal(cs.bad[0].line, 2);
}

/* How many changes there were is not proven either: what is known is undone, it stays open. */
static void test_spoiled_planned(void **state)
{
	struct fixture *f = *state;
	cleanup_with(changeset_done) struct changeset cs = {0};
	char id[CHANGESET_ID_MAX];
	struct err e;

	need_root();
	set(f, SOMAXCONN_KEY, "128");
	apply_one(f, SOMAXCONN_KEY, OP_EXACT, "4096", id);
	spoil(f, id, "planned");
	assert_int_equal(undo_one(f, id, &plain), CHANGE_RESTORED);
	assert_value(f, SOMAXCONN_KEY, "128");
	assert_int_equal(changeset_read(&f->dir, id, &cs, &e), 0);
	assert_int_equal(cs.state, CHANGESET_OPEN);
}

static void test_spoiled_header(void **state)
{
	struct fixture *f = *state;
	cleanup_with(changes_done) struct changes undone = {0};
	char id[CHANGESET_ID_MAX];
	struct err e;

	need_root();
	set(f, SOMAXCONN_KEY, "128");
	apply_one(f, SOMAXCONN_KEY, OP_EXACT, "4096", id);
	spoil(f, id, "boot_id");
	assert_int_equal(rollback_changeset(&f->host, &f->dir, id, &plain, &undone, &e), -EBADMSG);
	assert_non_null(strstr(e.msg, "line 1"));
	assert_value(f, SOMAXCONN_KEY, "4096");
}

/* A journal made by a stranger who knows the checksum: keys outside the table are not written. */
static void test_forged_key(void **state)
{
	struct fixture *f = *state;
	cleanup_with(changes_done) struct changes forged = {0}, undone = {0};
	const char *identity[] = {"host", "netns:1", "host"};
	static const char *const keys[] = {"kernel.hostname", "net.core.somaxconn",
					   "../../../tmp/x"};
	struct journal j;
	struct err e;

	need_root();
	set(f, SOMAXCONN_KEY, "4096");
	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		struct change *c = changes_add(&forged, "sysctl", keys[i]);

		c->before = "1";
		c->want = c->write = c->expect = "4096";
		c->result = CHANGE_PLANNED;
	}
	assert_int_equal(journal_create(&j, &f->dir, &f->host, &header, &forged, identity, &e), 0);
	assert_int_equal(journal_applied(&j, &e), 0);
	journal_close(&j);
	assert_int_equal(rollback_changeset(&f->host, &f->dir, j.id, &plain, &undone, &e), 0);
	assert_int_equal(changes_count(&undone, CHANGE_UNKNOWN), 3);
	assert_int_equal(state_now(f, j.id), CHANGESET_OPEN);
	changes_done(&undone);
	assert_int_equal(rollback_changeset(&f->host, &f->dir, j.id, &force, &undone, &e), 0);
	assert_int_equal(changes_count(&undone, CHANGE_UNKNOWN), 3);
	assert_value(f, SOMAXCONN_KEY, "4096");
	/* Given up with --force, and nothing of it was written. */
	assert_int_equal(state_now(f, j.id), CHANGESET_CLOSED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_drift_is_left_alone),
		TEST(test_set_back_by_hand),
		TEST(test_dry_run),
		TEST(test_killed_while_applying),
		TEST(test_killed_while_rolling_back),
		TEST(test_other_boot),
		TEST(test_other_namespace),
		TEST(test_namespace_of_a_descriptor),
		TEST(test_gone_namespace),
		TEST(test_spoiled_intent),
		TEST(test_spoiled_planned),
		TEST(test_spoiled_header),
		TEST(test_forged_key),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
