/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/temp_host.h"

#include <sys/wait.h>

#include "sys/group_name.h"
#include "sys/proc_find.h"

static void add_process(const struct temp_host *t, int pid, const char *comm, int parent,
			unsigned start, const char *group)
{
	char path[64], text[256];

	snprintf(path, sizeof(path), "/proc/%d/comm", pid);
	snprintf(text, sizeof(text), "%s\n", comm);
	temp_write(t, path, text);
	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	snprintf(text, sizeof(text),
		 "%d (%s) S %d 1 1 0 -1 4194304 1 1 1 1 1 1 1 1 20 0 1 0 %u 1 1\n", pid, comm,
		 parent, start);
	temp_write(t, path, text);
	snprintf(path, sizeof(path), "/proc/%d/cgroup", pid);
	temp_write(t, path, group);
}

static void add_program(const struct temp_host *t, int pid, const char *target)
{
	char path[512];

	snprintf(path, sizeof(path), "%s/proc/%d/exe", t->folder, pid);
	assert_int_equal(symlink(target, path), 0);
}

static pid_t by_name(const struct temp_host *t, const char *name)
{
	struct err e = {0};
	pid_t pid = -1;

	assert_ok(proc_find_name(&t->host, name, &pid, &e), &e);
	return pid;
}

static void test_name(void **state unused_)
{
	struct temp_host t;
	struct err e = {0};
	pid_t pid = -1;

	temp_open(&t);
	/* The workers have lower numbers than their master, and one was started by a helper. */
	add_process(&t, 50, "nginx", 1, 900, "0::/\n");
	add_process(&t, 20, "nginx", 50, 901, "0::/\n");
	add_process(&t, 30, "helper (x) y", 50, 902, "0::/\n");
	add_process(&t, 31, "nginx", 30, 903, "0::/\n");
	assert_int_equal(by_name(&t, "nginx"), 50);

	/* A second one of its own: which is meant cannot be told. */
	add_process(&t, 70, "nginx", 1, 100, "0::/\n");
	assert_int_equal(proc_find_name(&t.host, "nginx", &pid, &e), -ERR_BAD_INPUT);
	assert_non_null(strstr(e.msg, "70, 50"));
	assert_null(strstr(e.msg, "20"));
	assert_int_equal(proc_find_name(&t.host, "ngin", &pid, &e), -ERR_BAD_INPUT);
	assert_int_equal(pid, -1);
	temp_close(&t);
}

/* The kernel keeps 15 characters; a program may be replaced while it runs. */
static void test_program(void **state unused_)
{
	struct temp_host t;
	struct err e = {0};
	pid_t pid;

	temp_open(&t);
	add_process(&t, 8, "a-rather-long-n", 1, 5, "0::/\n");
	add_program(&t, 8, "/opt/a-rather-long-name (deleted)");
	add_process(&t, 9, "worker-thread", 1, 5, "0::/\n");
	add_program(&t, 9, "/usr/bin/server");
	assert_int_equal(by_name(&t, "a-rather-long-name"), 8);
	assert_int_equal(by_name(&t, "server"), 9);
	assert_int_equal(by_name(&t, "worker-thread"), 9);
	assert_int_equal(proc_find_name(&t.host, "a-rather-long-nothing", &pid, &e),
			 -ERR_BAD_INPUT);
	temp_close(&t);
}

static void test_unit(void **state unused_)
{
	struct temp_host t;
	struct err e = {0};
	char group[PROC_GROUP_MAX];
	pid_t pid = -1;

	temp_open(&t);
	add_process(&t, 5, "sh", 1, 1, "0::/system.slice/web.service.d\n");
	add_process(&t, 40, "worker", 60, 71, "0::/system.slice/web.service/workers\n");
	add_process(&t, 60, "web", 1, 70, "0::/system.slice/web.service\n");
	add_process(&t, 61, "old", 1, 3,
		    "4:memory:/x\n1:name=systemd:/system.slice/old.service\n0::/\n");
	assert_ok(proc_find_unit(&t.host, "web", &pid, &e), &e);
	assert_int_equal(pid, 60);
	assert_ok(proc_find_unit(&t.host, "old.service", &pid, &e), &e);
	assert_int_equal(pid, 61);
	assert_int_equal(proc_find_unit(&t.host, "we", &pid, &e), -ERR_BAD_INPUT);
	assert_int_equal(proc_find_unit(&t.host, "web.socket", &pid, &e), -ERR_BAD_INPUT);

	proc_group(&t.host, 61, group);
	assert_string_equal(group, "/system.slice/old.service");
	proc_group(&t.host, 40, group);
	assert_string_equal(group, "/system.slice/web.service/workers");
	proc_group(&t.host, 4, group);
	assert_string_equal(group, "");
	temp_close(&t);
}

#define ID "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static void test_short_names_of_groups(void **state)
{
	static const char *const cases[][2] = {
		{"/system.slice/nginx.service", "nginx.service"},
		{"/system.slice/web.service/workers", "web.service"},
		{"/user.slice/user-1.slice/user@1.service/app.slice/a.service", "a.service"},
		{"/system.slice/docker-" ID ".scope", "container 0123456789ab"},
		{"/docker/" ID, "container 0123456789ab"},
		{"/docker/" ID "/system.slice/nginx.service", "container 0123456789ab"},
		{"/kubepods/burstable/pod8f6c3b1e-0123456789ab/" ID, "container 0123456789ab"},
		{"/kubepods.slice/kubepods-pod8f6c.slice/cri-containerd-" ID ".scope",
		 "container 0123456789ab"},
		{"/lxc/web1/init.scope", "container web1"},
		{"/lxc.payload.web1/system.slice/cron.service", "container web1"},
		/* Neither: sessions, the root, digits that are no id, a name that only ends alike.
		 */
		{"/user.slice/user-1000.slice/session-3.scope", ""},
		{"/", ""},
		{"", ""},
		{"/lxc", ""},
		{"/.service", ""},
		{"/x" ID, ""},
		{"/docker/0123456789ab", ""},
	};
	struct strbuf out = {0};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		strbuf_reset(&out);
		group_short_name(cases[i][0], &out);
		assert_string_equal(strbuf_get(&out), cases[i][1]);
	}
	strbuf_done(&out);
}

/* Of this very host: a child in a namespace of its own, and one that shares this one. */
static void test_netns(void **state unused_)
{
	struct host h;
	struct err e = {0};
	bool same = false;
	int ready[2], go[2];
	char byte;

	if (!temp_is_root())
		skip();
	assert_ok(host_open(&h, NULL, NULL, &e), &e);
	assert_ok(proc_same_netns(&h, getpid(), &same, &e), &e);
	assert_true(same);
	assert_int_equal(pipe(ready), 0);
	assert_int_equal(pipe(go), 0);

	pid_t child = fork();

	if (child == 0) {
		close(go[1]);
		if (unshare(CLONE_NEWNET) < 0 || write(ready[1], "", 1) != 1)
			_exit(1);
		_exit(read(go[0], &byte, 1) != 0);
	}
	assert_int_equal(read(ready[0], &byte, 1), 1);
	assert_ok(proc_same_netns(&h, child, &same, &e), &e);
	assert_false(same);
	close(go[1]);
	assert_int_equal(waitpid(child, NULL, 0), child);
	assert_int_equal(proc_same_netns(&h, child, &same, &e), -ESRCH);
	host_close(&h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_name),
		cmocka_unit_test(test_program),
		cmocka_unit_test(test_unit),
		cmocka_unit_test(test_netns),
		cmocka_unit_test(test_short_names_of_groups),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
