/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Drop-ins on disk: written whole, taken away whole, and nobody else's touched. */
#include "temp_host.h"

#include <limits.h>

#include "base/cleanup.h"
#include "sys/dropin.h"

#define UNIT "nginx.service"
#define BASE "/etc/systemd/system"
#define FOLDER BASE "/nginx.service.d"
#define OURS FOLDER "/50-runup-nofile.conf"
#define BESIDE BASE "/.runup-nofile-nginx.service"

static const struct dropin wanted = {.limit = {65536, PROC_UNLIMITED}, .before = {1024, 524288}};

static int setup(void **state)
{
	struct temp_host *t = calloc(1, sizeof(*t));

	assert_non_null(t);
	temp_open(t);
	temp_write(t, BASE "/other.service", "[Service]\n");
	*state = t;
	return 0;
}

static int teardown(void **state)
{
	temp_close(*state);
	free(*state);
	return 0;
}

static const char *full(const struct temp_host *t, const char *path, char buf[PATH_MAX])
{
	snprintf(buf, PATH_MAX, "%s%s", t->folder, path);
	return buf;
}

static bool there(const struct temp_host *t, const char *path)
{
	char buf[PATH_MAX];
	struct stat st;

	return lstat(full(t, path, buf), &st) == 0;
}

static void put(const struct temp_host *t, const char *limit, const struct dropin *d)
{
	struct err e;

	assert_ok(dropin_write(&t->host, UNIT, rlimit_key_find(limit), d, &e), &e);
}

static void take(const struct temp_host *t, const char *limit)
{
	struct err e;

	assert_ok(dropin_remove(&t->host, UNIT, rlimit_key_find(limit), &e), &e);
	assert_ok(dropin_sweep(&t->host, UNIT, rlimit_key_find(limit), &e), &e);
}

static void assert_holds(const struct temp_host *t, const struct dropin *d, bool made)
{
	struct dropin now;
	struct err e;

	assert_int_equal(dropin_read(&t->host, UNIT, rlimit_key_find("nofile"), &now, &e), 1);
	assert_memory_equal(&now.limit, &d->limit, sizeof(now.limit));
	assert_memory_equal(&now.before, &d->before, sizeof(now.before));
	assert_int_equal(now.made_folder, made);
}

static void test_there_and_back(void **state)
{
	const struct temp_host *t = *state;
	struct dropin more = wanted, none;
	char path[PATH_MAX], text[1024] = "";
	struct stat st;
	struct err e;

	assert_int_equal(dropin_read(&t->host, UNIT, rlimit_key_find("nofile"), &none, &e), 0);
	mode_t old = umask(0077);
	put(t, "nofile", &wanted);
	umask(old);
	assert_holds(t, &wanted, true);
	assert_int_equal(stat(full(t, OURS, path), &st), 0);
	assert_int_equal(st.st_mode & 07777, 0644);
	FILE *f = fopen(path, "re");
	assert_non_null(f);
	assert_true(fread(text, 1, sizeof(text) - 1, f) > 0);
	assert_int_equal(fclose(f), 0);
	assert_non_null(strstr(text, "\n[Service]\nLimitNOFILE=65536:infinity\n"));
	assert_int_equal(stat(full(t, FOLDER, path), &st), 0);
	assert_int_equal(st.st_mode & 07777, 0755);
	assert_false(there(t, BESIDE));

	more.limit.soft = 131072;
	put(t, "nofile", &more);
	assert_holds(t, &more, true);
	take(t, "nofile");
	assert_false(there(t, FOLDER));
	assert_false(there(t, BESIDE));
	take(t, "nofile");
}

/* The folder goes with the last of ours, and only if it was made for them. */
static void test_folder(void **state)
{
	const struct temp_host *t = *state;
	char path[PATH_MAX];

	put(t, "nofile", &wanted);
	put(t, "memlock", &wanted);
	take(t, "nofile");
	assert_true(there(t, FOLDER "/50-runup-memlock.conf"));
	take(t, "memlock");
	assert_false(there(t, FOLDER));

	assert_int_equal(mkdir(full(t, FOLDER, path), 0755), 0);
	put(t, "nofile", &wanted);
	take(t, "nofile");
	assert_true(there(t, FOLDER));
	assert_int_equal(rmdir(full(t, FOLDER, path)), 0);

	/* Somebody adds one of his own meanwhile. */
	put(t, "nofile", &wanted);
	temp_write(t, FOLDER "/override.conf", "[Service]\nNice=5\n");
	take(t, "nofile");
	assert_true(there(t, FOLDER "/override.conf"));
	assert_false(there(t, OURS));
}

static void assert_left_alone(const struct temp_host *t)
{
	struct dropin now;
	struct err e;

	assert_int_equal(dropin_read(&t->host, UNIT, rlimit_key_find("nofile"), &now, &e), -EEXIST);
	assert_int_equal(dropin_write(&t->host, UNIT, rlimit_key_find("nofile"), &wanted, &e),
			 -EEXIST);
	assert_int_equal(dropin_remove(&t->host, UNIT, rlimit_key_find("nofile"), &e), -EEXIST);
	assert_non_null(strstr(e.msg, "left alone"));
	assert_true(there(t, OURS));
}

static void test_not_ours(void **state)
{
	const struct temp_host *t = *state;
	char path[PATH_MAX], other[PATH_MAX];

	temp_write(t, OURS, "[Service]\nLimitNOFILE=5000\n");
	assert_left_alone(t);
	temp_write(t, OURS, "");
	assert_left_alone(t);

	/* Ours, with one more line. */
	assert_int_equal(unlink(full(t, OURS, path)), 0);
	put(t, "nofile", &wanted);
	FILE *f = fopen(full(t, OURS, path), "ae");
	assert_non_null(f);
	assert_true(fputs("Nice=5\n", f) >= 0);
	assert_int_equal(fclose(f), 0);
	assert_left_alone(t);

	/* A link to what is ours, and a FIFO that nobody writes to. */
	assert_int_equal(unlink(path), 0);
	put(t, "nofile", &wanted);
	snprintf(other, sizeof(other), "%s.moved", path);
	assert_int_equal(rename(path, other), 0);
	assert_int_equal(symlink(other, path), 0);
	assert_left_alone(t);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(mkfifo(path, 0644), 0);
	assert_left_alone(t);
}

static void test_folder_is_a_link(void **state)
{
	const struct temp_host *t = *state;
	char path[PATH_MAX];
	struct err e;

	temp_write(t, "/srv/elsewhere/file", "x");
	assert_int_equal(symlink("/srv/elsewhere", full(t, FOLDER, path)), 0);
	assert_true(dropin_write(&t->host, UNIT, rlimit_key_find("nofile"), &wanted, &e) < 0);
	assert_false(there(t, "/srv/elsewhere/50-runup-nofile.conf"));
	assert_false(there(t, BESIDE));
}

/* Where a kill may come between, on the way in and out. */
static void test_leftovers(void **state)
{
	const struct temp_host *t = *state;
	const struct rlimit_key *k = rlimit_key_find("nofile");
	char from[PATH_MAX], to[PATH_MAX];
	struct dropin left;
	struct err e;

	/* The file was not whole. */
	temp_write(t, BESIDE, "# Written by");
	assert_int_equal(dropin_left(&t->host, UNIT, k, &left, &e), 0);
	put(t, "nofile", &wanted);
	assert_holds(t, &wanted, true);

	/* The folder was made, the file was not in place; or it is out already. */
	assert_int_equal(rename(full(t, OURS, from), full(t, BESIDE, to)), 0);
	assert_int_equal(dropin_left(&t->host, UNIT, k, &left, &e), 1);
	assert_int_equal(left.before.hard, wanted.before.hard);
	assert_ok(dropin_sweep(&t->host, UNIT, k, &e), &e);
	assert_false(there(t, FOLDER));
	assert_false(there(t, BESIDE));

	put(t, "nofile", &wanted);
	assert_int_equal(rename(full(t, OURS, from), full(t, BESIDE, to)), 0);
	put(t, "nofile", &wanted);
	assert_holds(t, &wanted, true);
	assert_false(there(t, BESIDE));
	take(t, "nofile");
	assert_false(there(t, FOLDER));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_there_and_back),   TEST(test_folder),	   TEST(test_not_ours),
		TEST(test_folder_is_a_link), TEST(test_leftovers),
	};

	return cmocka_run_group_tests_name("dropin", tests, NULL, NULL);
}
