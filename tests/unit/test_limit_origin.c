/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/temp_host.h"

#include "core/limit_origin.h"

#define NGINX "/etc/systemd/system/nginx.service"

/* Process 77 of user 1000, in that control group. */
static void make_process(const struct temp_host *t, const char *group)
{
	char text[256];

	snprintf(text, sizeof(text), "12:pids:/x\n1:name=systemd:%s\n0::/\n", group);
	temp_write(t, "/proc/77/cgroup", text);
	temp_write(t, "/proc/77/status", "Name:\tx\nUid:\t1000\t0\t0\t0\nThreads:\t1\n");
	temp_write(t, "/proc/sys/fs/nr_open", "1048576\n");
	temp_write(t, "/etc/passwd",
		   "root:x:0:0::/:/bin/sh\nbob:x:7:7::/:/bin/sh\nann:x:1000:1000::/:/bin/sh\n");
	temp_write(t, "/etc/group",
		   "root:x:0:\nann:x:1000:\nload:x:50:bob,ann\nannex:x:51:annex\n");
}

static struct limit_origin read_of(const struct temp_host *t, enum limit_kind kind)
{
	struct limit_origin o;

	limit_origin_read(&t->host, 77, kind, &o);
	return o;
}

static void assert_setting(const struct limit_setting *s, uint64_t value, const char *file,
			   unsigned line)
{
	assert_true(s->set);
	assert_int_equal(s->value, value);
	assert_string_equal(s->file, file);
	assert_int_equal(s->line, line);
}

static void test_giver(void **state unused_)
{
	static const struct {
		const char *group, *name;
		enum limit_giver giver;
	} cases[] = {
		{"/system.slice/nginx.service", "nginx.service", GIVER_UNIT},
		{"/system.slice/nginx.service/worker", "nginx.service", GIVER_UNIT},
		{"/system.slice/system-db.slice/db@a.service", "db@a.service", GIVER_UNIT},
		{"/user.slice/user-1000.slice/session-4.scope", "", GIVER_LOGIN},
		{"/system.slice/ssh.service", "", GIVER_LOGIN},
		{"/system.slice/cron.service", "", GIVER_LOGIN},
		{"/user.slice/user-1000.slice/user@1000.service/app.slice/x.service", "",
		 GIVER_USER_UNIT},
		{"/system.slice/docker-0123abcd.scope", "", GIVER_CONTAINER},
		{"/docker/0123abcd", "", GIVER_CONTAINER},
		{"/kubepods.slice/kubepods-pod1.slice/cri-containerd-1.scope", "", GIVER_CONTAINER},
		{"/", "", GIVER_LOGIN},
	};
	struct temp_host t;

	temp_open(&t);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		make_process(&t, cases[i].group);
		struct limit_origin o = read_of(&t, LIMIT_NOFILE);

		assert_int_equal(o.giver, cases[i].giver);
		assert_string_equal(o.name, cases[i].name);
		limit_origin_done(&o);
	}
	/* In a control group namespace. */
	temp_write(&t, "/.dockerenv", "");
	struct limit_origin o = read_of(&t, LIMIT_NOFILE);
	assert_int_equal(o.giver, GIVER_CONTAINER);
	assert_non_null(o.doubt);
	limit_origin_done(&o);
	temp_close(&t);
}

/* The narrowest domain counts wherever it stands, of two such the later one. */
static void test_pam_order(void **state unused_)
{
	struct temp_host t;

	temp_open(&t);
	make_process(&t, "/");
	temp_write(&t, "/etc/security/limits.conf",
		   "# ann - nofile 1\nann soft nofile 300\n@load hard nofile 400\n"
		   "* - nofile 500 # all\n@annex - nofile 600\n%load - nofile 700\n"
		   "bob - nofile 800\n* SOFT NPROC unlimited\nann soft memlock 64\n"
		   "ann hard memlock many\n");
	struct limit_origin o = read_of(&t, LIMIT_NOFILE);
	assert_setting(&o.soft, 300, "/etc/security/limits.conf", 2);
	assert_setting(&o.hard, 400, "/etc/security/limits.conf", 3);
	assert_null(o.doubt);
	limit_origin_done(&o);
	o = read_of(&t, LIMIT_NPROC);
	assert_setting(&o.soft, PROC_UNLIMITED, "/etc/security/limits.conf", 8);
	assert_false(o.hard.set);
	limit_origin_done(&o);
	o = read_of(&t, LIMIT_MEMLOCK);
	assert_setting(&o.soft, 65536, "/etc/security/limits.conf", 9);
	assert_false(o.hard.set);
	limit_origin_done(&o);
	/* limits.d comes after it, its files by name; others than *.conf do not count. */
	temp_write(&t, "/etc/security/limits.d/20-b.conf", "ann soft nofile 320\n");
	temp_write(&t, "/etc/security/limits.d/10-a.conf", "ann - nofile 310\n");
	temp_write(&t, "/etc/security/limits.d/30-c", "ann - nofile 330\n");
	o = read_of(&t, LIMIT_NOFILE);
	/* 320 is cut to the hard limit. */
	assert_setting(&o.soft, 310, "/etc/security/limits.d/20-b.conf", 1);
	assert_setting(&o.hard, 310, "/etc/security/limits.d/10-a.conf", 1);
	limit_origin_done(&o);
	/* "USER -" takes everything off again. */
	temp_write(&t, "/etc/security/limits.d/40-d.conf", "bob -\n* -\n");
	o = read_of(&t, LIMIT_NOFILE);
	assert_true(o.soft.set);
	limit_origin_done(&o);
	temp_write(&t, "/etc/security/limits.d/50-e.conf", "@load -\n");
	o = read_of(&t, LIMIT_NOFILE);
	assert_false(o.soft.set || o.hard.set);
	limit_origin_done(&o);
	temp_close(&t);
}

static void test_pam_users(void **state unused_)
{
	struct temp_host t;

	temp_open(&t);
	make_process(&t, "/");
	temp_write(&t, "/etc/security/limits.conf",
		   "* soft nofile 1\n@:51 soft nofile 2\n@1000:1001 soft nofile 3\n"
		   "999:1000 hard nofile unlimited\n:999 hard nofile 5\n");
	struct limit_origin o = read_of(&t, LIMIT_NOFILE);
	assert_setting(&o.soft, 3, "/etc/security/limits.conf", 3);
	assert_setting(&o.hard, 1048576, "/etc/security/limits.conf", 4);
	limit_origin_done(&o);
	/* Root: * does not count on Debian, elsewhere it does. */
	temp_write(&t, "/proc/77/status", "Name:\tx\nUid:\t0\t0\t0\t0\nThreads:\t1\n");
	o = read_of(&t, LIMIT_NOFILE);
	assert_setting(&o.soft, 1, "/etc/security/limits.conf", 1);
	limit_origin_done(&o);
	temp_write(&t, "/etc/debian_version", "12.5\n");
	o = read_of(&t, LIMIT_NOFILE);
	assert_false(o.soft.set || o.hard.set);
	assert_null(o.doubt);
	limit_origin_done(&o);
	/* Who is not in the files may be anybody. */
	temp_write(&t, "/proc/77/status", "Name:\tx\nUid:\t4711\t0\t0\t0\nThreads:\t1\n");
	o = read_of(&t, LIMIT_NOFILE);
	assert_non_null(strstr(o.doubt, "4711"));
	limit_origin_done(&o);
	temp_close(&t);
}

/* Nobody applies what no login loads. */
static void test_pam_unused(void **state unused_)
{
	struct temp_host t;

	temp_open(&t);
	make_process(&t, "/");
	temp_write(&t, "/etc/security/limits.conf", "* - nofile 4096\n");
	struct limit_origin o = read_of(&t, LIMIT_NOFILE);
	assert_null(o.note);
	limit_origin_done(&o);
	temp_write(&t, "/etc/pam.d/sshd", "# session required pam_limits.so\n");
	o = read_of(&t, LIMIT_NOFILE);
	assert_non_null(o.note);
	limit_origin_done(&o);
	temp_write(&t, "/etc/pam.d/common-session", "session required pam_limits.so\n");
	o = read_of(&t, LIMIT_NOFILE);
	assert_null(o.note);
	limit_origin_done(&o);
	temp_close(&t);
}

/* As systemctl shows them: tests/vm/systemd-limits.bats asks systemd 252 the same. */
static void test_unit_numbers(void **state unused_)
{
	static const struct {
		const char *text;
		uint64_t soft, hard;
	} rows[] = {
		{"0x800", 2048, 2048},
		{"010", 8, 8},
		{"0b11", 3, 3},
		{"2200: 2300", 2200, 2300},
		/* No values: what is set before counts on. */
		{"2200 :2300", 1500, 1500},
		{"2400:", 1500, 1500},
		{"18446744073709551615", 1500, 1500},
		{"-1", 1500, 1500},
		{"1K", 1500, 1500},
		{"", 1500, 1500},
		/* Lines that go on. */
		{"\\\n# a comment\n 3600", 3600, 3600},
		{"1\nEnvironment=A=\\\nLimitNOFILE=2", 1, 1},
		{"1\nEnvironment=A=\\\\\nLimitNOFILE=2", 2, 2},
	};
	struct temp_host t;
	char text[128];

	temp_open(&t);
	make_process(&t, "/system.slice/nginx.service");
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		snprintf(text, sizeof(text), "[Service]\nLimitNOFILE=1500\nLimitNOFILE=%s\n",
			 rows[i].text);
		temp_write(&t, NGINX, text);
		struct limit_origin o = read_of(&t, LIMIT_NOFILE);
		assert_int_equal(o.soft.value, rows[i].soft);
		assert_int_equal(o.hard.value, rows[i].hard);
		limit_origin_done(&o);
	}
	temp_close(&t);
}

static void test_unit(void **state unused_)
{
	struct temp_host t;

	temp_open(&t);
	make_process(&t, "/system.slice/nginx.service");
	temp_write(&t, "/etc/security/limits.conf", "* - nofile 4096\n");
	struct limit_origin o = read_of(&t, LIMIT_NOFILE);
	assert_false(o.soft.set);
	assert_non_null(strstr(o.doubt, "nginx.service"));
	limit_origin_done(&o);
	temp_write(&t, "/usr/lib/systemd/system/nginx.service",
		   "[Unit]\nLimitNOFILE=1\n[Service]\n;LimitNOFILE=2\n LimitNOFILE = 1000:2000\n"
		   "LimitMEMLOCK=8M\nLimitNPROC=infinity\n");
	o = read_of(&t, LIMIT_NOFILE);
	assert_null(o.doubt);
	assert_setting(&o.soft, 1000, "/usr/lib/systemd/system/nginx.service", 5);
	assert_setting(&o.hard, 2000, "/usr/lib/systemd/system/nginx.service", 5);
	limit_origin_done(&o);
	o = read_of(&t, LIMIT_MEMLOCK);
	assert_setting(&o.hard, 8 << 20, "/usr/lib/systemd/system/nginx.service", 6);
	limit_origin_done(&o);
	o = read_of(&t, LIMIT_NPROC);
	assert_setting(&o.hard, PROC_UNLIMITED, "/usr/lib/systemd/system/nginx.service", 7);
	limit_origin_done(&o);
	/* The file in /etc stands in for it, whole. */
	temp_write(&t, NGINX, "[Service]\nLimitNOFILE=3000\n");
	o = read_of(&t, LIMIT_NOFILE);
	assert_setting(&o.soft, 3000, NGINX, 2);
	limit_origin_done(&o);
	/* Drop-ins go by file name over all folders; one name counts once. */
	temp_write(&t, "/run/systemd/system/service.d/50-all.conf",
		   "[Service]\nLimitNOFILE=4000\n");
	temp_write(&t, NGINX ".d/40-own.conf", "[Service]\nLimitNOFILE=5000\n");
	o = read_of(&t, LIMIT_NOFILE);
	assert_setting(&o.soft, 4000, "/run/systemd/system/service.d/50-all.conf", 2);
	limit_origin_done(&o);
	temp_write(&t, NGINX ".d/50-all.conf", "[Service]\nLimitNOFILE=6000:5\n");
	o = read_of(&t, LIMIT_NOFILE); /* soft above hard is skipped */
	assert_setting(&o.soft, 5000, NGINX ".d/40-own.conf", 2);
	limit_origin_done(&o);
	temp_close(&t);
}

static void test_templates(void **state unused_)
{
	struct temp_host t;

	temp_open(&t);
	make_process(&t, "/system.slice/system-my.slice/my-db@a.service");
	temp_write(&t, "/lib/systemd/system/my-db@.service", "[Service]\nLimitNOFILE=10\n");
	struct limit_origin o = read_of(&t, LIMIT_NOFILE);
	assert_setting(&o.soft, 10, "/lib/systemd/system/my-db@.service", 2);
	limit_origin_done(&o);
	temp_write(&t, "/etc/systemd/system/my-@.service.d/1.conf", "[Service]\nLimitNOFILE=11\n");
	o = read_of(&t, LIMIT_NOFILE);
	assert_setting(&o.soft, 11, "/etc/systemd/system/my-@.service.d/1.conf", 2);
	limit_origin_done(&o);
	temp_write(&t, "/lib/systemd/system/my-db@a.service.d/1.conf",
		   "[Service]\nLimitNOFILE=12\n");
	o = read_of(&t, LIMIT_NOFILE);
	assert_setting(&o.soft, 12, "/lib/systemd/system/my-db@a.service.d/1.conf", 2);
	limit_origin_done(&o);
	temp_close(&t);
}

static void test_defaults(void **state unused_)
{
	struct temp_host t;

	temp_open(&t);
	make_process(&t, "/system.slice/nginx.service");
	temp_write(&t, NGINX, "[Service]\nExecStart=/x\n");
	struct limit_origin o = read_of(&t, LIMIT_NOFILE);
	assert_false(o.soft.set);
	assert_null(o.doubt);
	limit_origin_done(&o);
	temp_write(&t, "/etc/systemd/system.conf",
		   "[Manager]\n#DefaultLimitNOFILE=1\nDefaultLimitNOFILE=1024:infinity\n");
	o = read_of(&t, LIMIT_NOFILE);
	assert_setting(&o.soft, 1024, "/etc/systemd/system.conf", 3);
	assert_setting(&o.hard, 1048576, "/etc/systemd/system.conf", 3);
	limit_origin_done(&o);
	temp_write(&t, "/usr/lib/systemd/system.conf.d/9.conf",
		   "[Manager]\nDefaultLimitNOFILE=9\n");
	o = read_of(&t, LIMIT_NOFILE);
	assert_setting(&o.soft, 9, "/usr/lib/systemd/system.conf.d/9.conf", 2);
	limit_origin_done(&o);
	temp_close(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_giver),	  cmocka_unit_test(test_pam_order),
		cmocka_unit_test(test_pam_users), cmocka_unit_test(test_pam_unused),
		cmocka_unit_test(test_unit),	  cmocka_unit_test(test_unit_numbers),
		cmocka_unit_test(test_templates), cmocka_unit_test(test_defaults),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
