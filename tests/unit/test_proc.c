/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/temp_host.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "sys/caps.h"
#include "sys/proc.h"

#define NOBODY 65534

static struct host live_host(void)
{
	struct host h;
	struct err e = {0};

	assert_ok(host_open(&h, NULL, NULL, &e), &e);
	return h;
}

static pid_t gone_pid(void)
{
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0)
		_exit(0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	return pid;
}

static void test_limit_live(void **state unused_)
{
	struct host h = live_host();
	struct err e = {0};
	struct proc_limit l;
	struct rlimit before, low;

	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	low = (struct rlimit){.rlim_cur = 123, .rlim_max = before.rlim_max};
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &low), 0);
	assert_ok(proc_limit(&h, 0, "Max open files", &l, &e), &e);
	assert_int_equal(l.soft, 123);
	assert_true(l.hard ==
		    (before.rlim_max == RLIM_INFINITY ? PROC_UNLIMITED : before.rlim_max));
	assert_ok(proc_limit(&h, getpid(), "Max open files", &l, &e), &e);
	assert_int_equal(l.soft, 123);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);

	assert_int_equal(proc_limit(&h, 0, "Max open", &l, &e), -EPROTO);
	assert_int_equal(proc_limit(&h, 0, "Max thumbs", &l, &e), -EPROTO);
	assert_int_equal(proc_limit(&h, gone_pid(), "Max open files", &l, &e), -ESRCH);
	host_close(&h);
}

static void test_alive(void **state unused_)
{
	struct host h = live_host();
	struct proc_identity p, child;
	struct err e = {0};
	pid_t pid;

	assert_ok(proc_identity(&h, 0, &p, &e), &e);
	assert_int_equal(proc_alive(&h, &p, &e), 1);
	p.start_ticks++; /* another process with that number */
	assert_int_equal(proc_alive(&h, &p, &e), 0);

	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		pause();
		_exit(0);
	}
	assert_ok(proc_identity(&h, pid, &child, &e), &e);
	assert_int_equal(proc_alive(&h, &child, &e), 1);
	assert_int_equal(kill(pid, SIGKILL), 0);

	siginfo_t info;

	assert_int_equal(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), 0);
	assert_int_equal(proc_alive(&h, &child, &e), 0); /* a zombie */
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	assert_int_equal(proc_alive(&h, &child, &e), 0);
	host_close(&h);
}

static void test_limit_captured(void **state unused_)
{
	struct temp_host t;
	struct err e = {0};
	struct proc_limit l = {.soft = 1, .hard = 1};

	temp_open(&t);
	temp_write(
		&t, "/proc/self/limits",
		"Limit                     Soft Limit           Hard Limit           Units     \n"
		"Max file size             unlimited            unlimited            bytes     \n"
		"Max open files            1024                 524288               files     \n"
		"Max file locks            12x                  unlimited            locks     \n");
	assert_ok(proc_limit(&t.host, 0, "Max open files", &l, &e), &e);
	assert_int_equal(l.soft, 1024);
	assert_int_equal(l.hard, 524288);
	assert_ok(proc_limit(&t.host, 0, "Max file size", &l, &e), &e);
	assert_true(l.soft == PROC_UNLIMITED && l.hard == PROC_UNLIMITED);
	assert_int_equal(proc_limit(&t.host, 0, "Max file locks", &l, &e), -EPROTO);
	temp_close(&t);
}

/* The name is the process's to choose, and may look like the fields behind it. */
static void test_identity(void **state unused_)
{
	struct host h = live_host();
	struct err e = {0};
	struct proc_identity before, after, child_id;
	char comm[PROC_COMM_MAX];

	assert_ok(proc_identity(&h, 0, &before, &e), &e);
	assert_int_equal(before.pid, getpid());
	assert_int_equal(prctl(PR_SET_NAME, "a) R 1 (b 2 3"), 0);
	assert_ok(proc_identity(&h, getpid(), &after, &e), &e);
	assert_true(after.start_ticks == before.start_ticks);
	proc_comm(&h, 0, comm);
	assert_string_equal(comm, "a) R 1 (b 2 3");

	usleep(30000); /* start times count in ticks of 10 ms */
	pid_t child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		pause();
		_exit(0);
	}
	assert_ok(proc_identity(&h, child, &child_id, &e), &e);
	assert_int_equal(child_id.pid, child);
	assert_true(child_id.start_ticks > before.start_ticks);
	kill(child, SIGKILL);
	assert_int_equal(waitpid(child, NULL, 0), child);
	assert_int_equal(proc_identity(&h, child, &child_id, &e), -ESRCH);
	proc_comm(&h, child, comm);
	assert_string_equal(comm, "");
	host_close(&h);
}

static void test_identity_captured(void **state unused_)
{
	struct temp_host t;
	struct err e = {0};
	struct proc_identity id;

	temp_open(&t);
	temp_write(&t, "/proc/7/stat",
		   "7 (x) y) S 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 987654 23 24\n");
	assert_ok(proc_identity(&t.host, 7, &id, &e), &e);
	assert_true(id.pid == 7 && id.start_ticks == 987654);
	temp_write(&t, "/proc/7/stat", "7 (x) S 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21\n");
	assert_int_equal(proc_identity(&t.host, 7, &id, &e), -EPROTO);
	temp_write(&t, "/proc/7/stat",
		   "7 x S 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22\n");
	assert_int_equal(proc_identity(&t.host, 7, &id, &e), -EPROTO);
	temp_close(&t);
}

static void test_open_files(void **state unused_)
{
	struct host h = live_host();
	struct err e = {0};
	uint64_t before = 0, after = 0, by_pid = 0;
	int fds[5];

	assert_ok(proc_open_files(&h, 0, &before, &e), &e);
	for (size_t i = 0; i < ARRAY_LEN(fds); i++)
		assert_true((fds[i] = open("/dev/null", O_RDONLY | O_CLOEXEC)) >= 0);
	assert_ok(proc_open_files(&h, 0, &after, &e), &e);
	assert_ok(proc_open_files(&h, getpid(), &by_pid, &e), &e);
	assert_int_equal(after - before, ARRAY_LEN(fds));
	assert_int_equal(by_pid, after);

	/* Another process sees the same number of ours. */
	pid_t child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		uint64_t seen = 0;

		_exit(proc_open_files(&h, getppid(), &seen, NULL) < 0 || seen != after);
	}
	int status;
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	for (size_t i = 0; i < ARRAY_LEN(fds); i++)
		close(fds[i]);
	assert_int_equal(proc_open_files(&h, gone_pid(), &after, &e), -ESRCH);
	host_close(&h);
}

static uint32_t inode_of(int fd)
{
	struct stat st;

	assert_int_equal(fstat(fd, &st), 0);
	return (uint32_t)st.st_ino;
}

/* A listener inherited by a child, and held twice by one process: two holders, the parent named. */
static void test_owners_live(void **state unused_)
{
	struct host h = live_host();
	struct err e = {0};
	int ready[2];
	char byte;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int again = dup(fd);
	int other = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0 && again >= 0 && other >= 0);
	assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
	assert_int_equal(prctl(PR_SET_NAME, "test_parent"), 0);
	usleep(30000);
	pid_t child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		prctl(PR_SET_NAME, "test_child");
		close(other);
		assert_int_equal(write(ready[1], "x", 1), 1);
		pause();
		_exit(0);
	}
	assert_int_equal(read(ready[0], &byte, 1), 1);

	uint32_t inodes[] = {inode_of(fd), 0xfffffff0, inode_of(other), inode_of(fd)};
	struct socket_owner owners[ARRAY_LEN(inodes)];
	unsigned unreadable = 99;
	assert_ok(proc_socket_owners(&h, inodes, ARRAY_LEN(inodes), owners, &unreadable, &e), &e);
	assert_int_equal(owners[0].pid, getpid());
	assert_int_equal(owners[0].holders, 2);
	assert_string_equal(owners[0].comm, "test_parent");
	assert_int_equal(owners[1].pid, 0);
	assert_int_equal(owners[1].holders, 0);
	assert_string_equal(owners[1].comm, "");
	assert_int_equal(owners[2].pid, getpid());
	assert_int_equal(owners[2].holders, 1);
	assert_memory_equal(&owners[3], &owners[0], sizeof(owners[0]));

	/* The parent lets go: the child is who is left. */
	close(fd);
	close(again);
	assert_ok(proc_socket_owners(&h, inodes, 1, owners, &unreadable, &e), &e);
	assert_int_equal(owners[0].pid, child);
	assert_int_equal(owners[0].holders, 1);
	assert_string_equal(owners[0].comm, "test_child");
	kill(child, SIGKILL);
	assert_int_equal(waitpid(child, NULL, 0), child);
	close(other);
	close(ready[0]);
	close(ready[1]);
	host_close(&h);
}

/* Without privileges "nobody" is not known: root's processes are counted as unreadable. */
static void test_owners_unprivileged(void **state unused_)
{
	struct host h = live_host();
	int status;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	uint32_t inode = inode_of(fd);

	if (geteuid() != 0) {
		printf("becoming another user needs root: run it with sudo\n");
		skip();
	}
	pid_t child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		struct socket_owner owner;
		unsigned unreadable = 0;
		uint64_t files;

		close(fd);
		if (setresgid(NOBODY, NOBODY, NOBODY) < 0 || setresuid(NOBODY, NOBODY, NOBODY) < 0)
			_exit(2);
		if (proc_socket_owners(&h, &inode, 1, &owner, &unreadable, NULL) < 0)
			_exit(3);
		if (owner.pid != 0 || unreadable == 0)
			_exit(4);
		/* A number, or a refusal; never a wrong number. */
		int r = proc_open_files(&h, getppid(), &files, NULL);
		_exit(r == -EACCES || (r == 0 && files > 2) ? 0 : 5);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	close(fd);
	host_close(&h);
}

/* Root without CAP_SYS_PTRACE may list /proc/PID/fd, but not see what the links are. */
static void test_owners_no_ptrace(void **state unused_)
{
	struct host h = live_host();
	int status;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	uint32_t inode = inode_of(fd);
	static const cap_value_t keep[] = {CAP_DAC_READ_SEARCH};

	if (!caps_effective(CAP_SYS_PTRACE) || !caps_effective(CAP_DAC_READ_SEARCH)) {
		printf("giving up capabilities needs root: run it with sudo\n");
		skip();
	}
	pid_t child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		struct socket_owner owner;
		unsigned unreadable = 0;
		cap_t caps = cap_init();

		close(fd);
		if (cap_set_flag(caps, CAP_PERMITTED, 1, keep, CAP_SET) < 0 ||
		    cap_set_flag(caps, CAP_EFFECTIVE, 1, keep, CAP_SET) < 0 ||
		    cap_set_proc(caps) < 0)
			_exit(2);
		cap_free(caps);
		if (proc_socket_owners(&h, &inode, 1, &owner, &unreadable, NULL) < 0)
			_exit(3);
		_exit(owner.pid == 0 && unreadable > 0 ? 0 : 4);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	close(fd);
	host_close(&h);
}

static void temp_process(const struct temp_host *t, unsigned pid, unsigned start, unsigned inode)
{
	char path[400], text[200];

	snprintf(path, sizeof(path), "/proc/%u/stat", pid);
	snprintf(text, sizeof(text),
		 "%u (p%u) S 1 1 1 0 -1 4194560 1 0 0 0 0 0 0 0 20 0 1 0 %u 1 1\n", pid, pid,
		 start);
	temp_write(t, path, text);
	snprintf(path, sizeof(path), "/proc/%u/comm", pid);
	snprintf(text, sizeof(text), "p%u\n", pid);
	temp_write(t, path, text);
	snprintf(path, sizeof(path), "/proc/%u/fd/0", pid);
	temp_write(t, path, "");
	snprintf(path, sizeof(path), "%s/proc/%u/fd/3", t->folder, pid);
	snprintf(text, sizeof(text), "socket:[%u]", inode);
	assert_int_equal(symlink(text, path), 0);
}

/* Pids wrap, so the start time says who is oldest; a /proc without process 1 hides some. */
static void test_owners_oldest(void **state unused_)
{
	struct temp_host t;
	struct err e = {0};
	uint32_t inodes[] = {78, 77, 79};
	struct socket_owner owners[ARRAY_LEN(inodes)];
	unsigned unreadable = 99;

	temp_open(&t);
	assert_ok(proc_socket_owners(&t.host, inodes, 3, owners, &unreadable, &e), &e);
	assert_true(owners[0].pid == 0 && unreadable == 0);

	t.host.captured = false; /* a live host whose /proc is this folder */
	temp_process(&t, 100, 5000, 77);
	temp_process(&t, 200, 4000, 77);
	temp_process(&t, 300, 6000, 77);
	temp_process(&t, 400, 1, 79);
	temp_process(&t, 401, 1, 79);
	assert_ok(proc_socket_owners(&t.host, inodes, 3, owners, &unreadable, &e), &e);
	assert_int_equal(owners[0].pid, 0);
	assert_int_equal(owners[1].pid, 200);
	assert_int_equal(owners[1].holders, 3);
	assert_string_equal(owners[1].comm, "p200");
	assert_int_equal(owners[2].pid, 400);
	assert_int_equal(unreadable, 1);
	temp_process(&t, 1, 0, 1);
	assert_ok(proc_socket_owners(&t.host, inodes, 3, owners, &unreadable, &e), &e);
	assert_int_equal(unreadable, 0);
	temp_close(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_limit_live),
		cmocka_unit_test(test_alive),
		cmocka_unit_test(test_limit_captured),
		cmocka_unit_test(test_identity),
		cmocka_unit_test(test_identity_captured),
		cmocka_unit_test(test_open_files),
		cmocka_unit_test(test_owners_live),
		cmocka_unit_test(test_owners_unprivileged),
		cmocka_unit_test(test_owners_no_ptrace),
		cmocka_unit_test(test_owners_oldest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
