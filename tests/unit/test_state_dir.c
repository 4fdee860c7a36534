/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "journal_fixture.h"

static int waited;

static void count_waiting(void)
{
	waited++;
}

static void test_ids(void **state)
{
	static const char *const wrong[] = {
		"",
		"../../etc/passwd",
		"20261120-170322-0000",
		"20261120-170322-001",
		"20261120-170322-0001/..",
		"20261120-170322-00001234567",
		"20261120-170322-0001.journal",
		"2026112x-170322-0001",
		"latest",
	};
	struct fixture *f = *state;
	cleanup_free char(*ids)[CHANGESET_ID_MAX] = NULL;
	struct changeset cs;
	struct journal j;
	struct err e;
	size_t len;

	for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
		assert_int_equal(changeset_number(wrong[i]), 0);
		assert_int_equal(changeset_read(&f->dir, wrong[i], &cs, &e), -ERR_BAD_INPUT);
	}
	assert_int_equal(changeset_read(&f->dir, "20261120-170322-0042", &cs, &e), -ERR_BAD_INPUT);

	/* The number goes on and sorts as a number, whatever the clock said. */
	char path[200];
	snprintf(path, sizeof(path), "%s/19990101-000000-9999.journal", f->temp.changesets);
	close(open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
	snprintf(path, sizeof(path), "%s/README.journal", f->temp.changesets);
	close(open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
	assert_int_equal(create(&j, f, &e), 0);
	journal_close(&j);
	assert_int_equal(changeset_number(j.id), 10000);
	assert_int_equal(changeset_ids(&f->dir, &ids, &len, &e), 0);
	assert_int_equal(len, 3);
	assert_string_equal(ids[0], f->id);
	assert_string_equal(ids[1], "19990101-000000-9999");
	assert_string_equal(ids[2], j.id);
}

static void test_not_a_file(void **state)
{
	struct fixture *f = *state;
	struct changeset cs;
	struct err e;
	char other[220];

	/* A FIFO without a writer would block a plain open for ever. */
	assert_int_equal(unlink(f->path), 0);
	assert_int_equal(mkfifo(f->path, 0600), 0);
	alarm(20);
	assert_int_equal(changeset_read(&f->dir, f->id, &cs, &e), -EBADMSG);
	alarm(0);

	assert_int_equal(unlink(f->path), 0);
	snprintf(other, sizeof(other), "%s/real", f->temp.top);
	int fd = open(other, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
	assert_int_equal(write(fd, f->text, f->len), f->len);
	close(fd);
	assert_int_equal(symlink(other, f->path), 0);
	assert_int_equal(changeset_read(&f->dir, f->id, &cs, &e), -ELOOP);

	assert_int_equal(unlink(f->path), 0);
	assert_int_equal(rename(other, f->path), 0);
	assert_int_equal(chmod(f->path, 0620), 0);
	assert_int_equal(changeset_read(&f->dir, f->id, &cs, &e), -EPERM);
	assert_int_equal(chmod(f->path, 0600), 0);
	assert_int_equal(truncate(f->path, JOURNAL_SIZE_MAX + 1), 0);
	assert_int_equal(changeset_read(&f->dir, f->id, &cs, &e), -EFBIG);
}

/* Whatever the umask: the owner can read it, nobody else can. */
static void test_umask(void **state)
{
	static const mode_t masks[] = {0, 0777};
	struct fixture *f = *state;
	struct stat st;
	struct err e;

	for (size_t i = 0; i < ARRAY_LEN(masks); i++) {
		struct state_dir d;
		struct journal j;
		char path[200];

		snprintf(path, sizeof(path), "%s/other-%zu", f->temp.top, i);
		setenv("RUNUP_STATE_DIR", path, 1);

		mode_t old = umask(masks[i]);
		/* Root passes the folder it just made without bits; others are helped by fchmod. */
		int r = state_dir_open(&d, true, NULL, &e);
		int made = -1;
		if (r == 0) {
			struct fixture other = {.dir = d};

			made = create(&j, &other, &e);
		}
		umask(old);
		if (r < 0 && geteuid() != 0 && masks[i] == 0777)
			continue;
		if (r < 0 || made < 0)
			fail_msg("%s", e.msg);
		assert_int_equal(fstat(j.fd, &st), 0);
		assert_int_equal(st.st_mode & 07777, 0600);
		assert_int_equal(fstat(d.fd, &st), 0);
		assert_int_equal(st.st_mode & 07777, 0700);
		assert_int_equal(stat(path, &st), 0);
		assert_int_equal(st.st_mode & 07777, 0700);
		journal_close(&j);
		state_dir_close(&d);
	}
}

static void test_state_folder_refused(void **state)
{
	struct fixture *f = *state;
	struct state_dir d;
	struct err e;
	char path[200];

	assert_int_equal(chmod(f->temp.path, 0770), 0);
	assert_int_equal(state_dir_open(&d, false, NULL, &e), -EPERM);
	assert_int_equal(chmod(f->temp.path, 0700), 0);
	assert_int_equal(chmod(f->temp.changesets, 0702), 0);
	assert_int_equal(state_dir_open(&d, false, NULL, &e), -EPERM);
	assert_int_equal(chmod(f->temp.changesets, 0700), 0);
	if (geteuid() == 0) {
		assert_int_equal(chown(f->temp.path, 65534, 65534), 0);
		assert_int_equal(state_dir_open(&d, false, NULL, &e), -EPERM);
		assert_int_equal(chown(f->temp.path, 0, 0), 0);
	}
	assert_int_equal(state_dir_open(&d, false, NULL, &e), 0);
	state_dir_close(&d);

	snprintf(path, sizeof(path), "%s/link", f->temp.top);
	assert_int_equal(symlink(f->temp.path, path), 0);
	setenv("RUNUP_STATE_DIR", path, 1);
	assert_true(state_dir_open(&d, false, NULL, &e) < 0);
	snprintf(path, sizeof(path), "%s/none", f->temp.top);
	setenv("RUNUP_STATE_DIR", path, 1);
	assert_int_equal(state_dir_open(&d, false, NULL, &e), -ENOENT);
	assert_int_equal(access(path, F_OK), -1);
}

static void test_lock(void **state)
{
	struct fixture *f = *state;
	struct state_dir reader, next;
	int go[2];
	struct err e;

	assert_int_equal(pipe2(go, O_CLOEXEC), 0);
	pid_t pid = fork();
	if (pid == 0) {
		char byte;

		/* The lock is the open file's, so the child holds it too until it ends. */
		close(go[1]);
		_exit(read(go[0], &byte, 1) == 1 && usleep(100 * 1000) == 0 ? 0 : 1);
	}
	close(go[0]);
	state_dir_close(&f->dir);
	assert_int_equal(state_dir_open(&reader, false, NULL, &e), 0); /* readers do not wait */
	state_dir_close(&reader);

	waited = 0;
	assert_int_equal(write(go[1], "", 1), 1);
	alarm(20);
	assert_int_equal(state_dir_open(&next, true, count_waiting, &e), 0);
	alarm(0);
	close(go[1]);
	assert_int_equal(waited, 1);

	int status;
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	f->dir = next;
}

static void test_not_locked(void **state)
{
	struct fixture *f = *state;
	struct state_dir reader;
	struct journal j;
	struct err e;

	assert_int_equal(state_dir_open(&reader, false, NULL, &e), 0);

	struct fixture unlocked = {.dir = reader};
	assert_int_equal(create(&j, &unlocked, &e), -ENOLCK);
	state_dir_close(&reader);
	(void)f;
}

/* Disk full at any byte of the journal: nothing of it is left. */
static void test_disk_full(void **state)
{
	struct fixture *f = *state;
	struct rlimit old, small;
	struct err e;

	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
	for (size_t room = 0; room < f->planned_end; room += 40) {
		cleanup_free char(*ids)[CHANGESET_ID_MAX] = NULL;
		struct journal j;
		size_t len;

		small = (struct rlimit){room, old.rlim_max};
		assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
		int r = create(&j, f, &e);
		assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
		assert_int_equal(r, -EFBIG);
		assert_int_equal(changeset_ids(&f->dir, &ids, &len, &e), 0);
		assert_int_equal(len, 1);
	}

	/* And while it is appended to: no half line stays to spoil the next one. */
	cleanup_with(changeset_done) struct changeset cs = {0}, again = {0};
	struct journal j;

	assert_int_equal(changeset_read(&f->dir, f->id, &cs, &e), 0);
	assert_int_equal(journal_reopen(&j, &f->dir, &cs, &e), 0);
	small = (struct rlimit){f->len + 20, old.rlim_max};
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	int r = journal_undone(&j, 0, CHANGE_RESTORED, "4096", &e);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
	assert_int_equal(r, -EFBIG);
	assert_int_equal(journal_undone(&j, 1, CHANGE_RESTORED, "4096", &e), 0);
	journal_close(&j);
	assert_int_equal(changeset_read(&f->dir, f->id, &again, &e), 0);
	assert_int_equal(again.bad_len, 0);
	assert_false(again.undone[0]);
	assert_true(again.undone[1]);
}

static void test_value_that_is_no_text(void **state)
{
	struct fixture *f = *state;
	cleanup_with(changes_done) struct changes cs = {0};
	cleanup_free char(*ids)[CHANGESET_ID_MAX] = NULL;
	struct journal j;
	struct err e;
	size_t len;

	plan_rows(&cs);
	cs.item[1].before = "\xff\xfe";
	assert_int_equal(journal_create(&j, &f->dir, &some_host, &some_header, &cs, identity, &e),
			 -EILSEQ);
	assert_int_equal(changeset_ids(&f->dir, &ids, &len, &e), 0);
	assert_int_equal(len, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_ids),	      TEST(test_not_a_file),
		TEST(test_umask),     TEST(test_state_folder_refused),
		TEST(test_lock),      TEST(test_not_locked),
		TEST(test_disk_full), TEST(test_value_that_is_no_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
