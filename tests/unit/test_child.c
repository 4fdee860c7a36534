/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "sys/child.h"
#include "sys/rlimit.h"
#include "sys/file.h"
#include "sys/run_as.h"

/* Made once: signals cannot be taken twice. */
struct world {
	struct host host;
	struct child_signals signals;
	char blocked[32], ignored[32]; /* of /proc/self/status, before they were taken */
	char folder[64];
};

static void status_field(const char *name, char value[32])
{
	FILE *f = fopen("/proc/self/status", "re");
	char line[256];

	assert_non_null(f);
	while (fgets(line, sizeof(line), f))
		if (strncmp(line, name, strlen(name)) == 0)
			sscanf(line + strlen(name), ": %31s", value);
	fclose(f);
}

static int set_up(void **state)
{
	struct world *w = calloc(1, sizeof(*w));
	struct err e;
	sigset_t one;

	assert_non_null(w);
	snprintf(w->folder, sizeof(w->folder), "/tmp/test_child.XXXXXX");
	assert_non_null(mkdtemp(w->folder));
	assert_int_equal(chmod(w->folder, 01777), 0);
	assert_int_equal(host_open(&w->host, NULL, NULL, &e), 0);
	/* As nohup(1) would leave it, and a mask that is not empty. */
	signal(SIGHUP, SIG_IGN);
	signal(SIGTERM, SIG_DFL);
	signal(SIGINT, SIG_DFL);
	sigemptyset(&one);
	sigaddset(&one, SIGUSR1);
	sigprocmask(SIG_BLOCK, &one, NULL);
	status_field("SigBlk", w->blocked);
	status_field("SigIgn", w->ignored);
	assert_int_equal(child_signals_take(&w->signals, &e), 0);
	*state = w;
	return 0;
}

static int tear_down(void **state)
{
	struct world *w = *state;

	assert_int_equal(rmdir(w->folder), 0);
	host_close(&w->host);
	close(w->signals.fd);
	free(w);
	return 0;
}

static struct child_options options(const struct world *w, char *const *argv)
{
	return (struct child_options){.argv = argv, .netns_fd = -1, .signals = &w->signals};
}

/* Runs to the end; returns the wait status. */
static int run_it(const struct child_options *o)
{
	struct child c;
	struct err e;
	int status;

	assert_int_equal(child_start(o, &c, &e), 0);
	if (child_exec_result(&c, o, &e) < 0)
		fail_msg("%s", e.msg);
	assert_int_equal(waitpid(c.pid, &status, 0), c.pid);
	return status;
}

/* Runs a script and returns what it printed, cut to size. */
static int run_script(const struct world *w, const struct run_as *user, const char *script,
		      char *text, size_t size)
{
	char path[128], line[1024];

	snprintf(path, sizeof(path), "%s/out", w->folder);
	snprintf(line, sizeof(line), "exec >%s; %s", path, script);

	char *argv[] = {(char[]){"sh"}, (char[]){"-c"}, line, NULL};
	struct child_options o = options(w, argv);

	o.user = user;

	int status = run_it(&o);
	cleanup_close int fd = open(path, O_RDONLY | O_CLOEXEC);

	assert_true(fd >= 0);

	ssize_t n = read(fd, text, size - 1);

	assert_true(n >= 0);
	text[n] = '\0';
	unlink(path);
	return status;
}

static void test_exit_status(void **state)
{
	char text[64];
	int status = run_script(*state, NULL, "exit 7", text, sizeof(text));

	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 7);
	status = run_script(*state, NULL, "kill -KILL $$", text, sizeof(text));
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGKILL);
}

static void expect_exec(const struct world *w, const char *name, int code)
{
	char path[64];
	char *argv[] = {path, NULL};
	struct child_options o = options(w, argv);
	struct child c;
	struct err e;

	snprintf(path, sizeof(path), "%s", name);
	assert_int_equal(child_start(&o, &c, &e), 0);
	assert_int_equal(child_exec_result(&c, &o, &e), code);
	assert_non_null(strstr(e.msg, name));
	assert_int_equal(waitpid(c.pid, NULL, 0), c.pid);
}

static void test_exec_errors(void **state)
{
	expect_exec(*state, "no-such-command", -ENOENT);
	expect_exec(*state, "/no/such/command", -ENOENT);
	expect_exec(*state, "/etc/passwd", -EACCES);
	expect_exec(*state, "/etc/passwd/x", -ENOTDIR);
}

static void test_no_descriptors(void **state)
{
	/* One that was born without close-on-exec, as a parent may hand them down. */
	int fd = open("/dev/null", O_RDONLY);
	char text[256];

	assert_true(fd >= 3);
	fd = dup2(fd, 200);
	run_script(*state, NULL,
		   "i=3; while [ $i -lt 256 ]; do [ -e /proc/$$/fd/$i ] && echo $i; i=$((i+1)); "
		   "done",
		   text, sizeof(text));
	close(fd);
	assert_string_equal(text, "");
}

static void test_signals_as_found(void **state)
{
	const struct world *w = *state;
	char text[512], want[128];

	run_script(w, NULL, "exec grep -E '^Sig(Blk|Ign)' /proc/self/status", text, sizeof(text));
	snprintf(want, sizeof(want), "SigBlk:\t%s\nSigIgn:\t%s\n", w->blocked, w->ignored);
	assert_string_equal(text, want);
	assert_non_null(strstr(w->ignored, "1")); /* SIGHUP: the test tests something */
}

/* Ctrl-C between runup's last look at its signals and the fork. */
static void test_early_interrupt(void **state)
{
	const struct world *w = *state;
	char *argv[] = {(char[]){"sleep"}, (char[]){"10"}, NULL};
	struct child_options o = options(w, argv);
	char info[256];

	raise(SIGINT);

	int status = run_it(&o);

	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGINT);
	while (read(w->signals.fd, info, sizeof(info)) > 0)
		;
}

static void test_descendants(void **state)
{
	const struct world *w = *state;
	struct descendant *left = NULL;
	char text[64];
	size_t len = 0;
	struct err e;

	run_script(w, NULL, "sleep 30 >/dev/null & sh -c 'sleep 30; :' >/dev/null & sleep 0.2",
		   text, sizeof(text));
	assert_int_equal(child_descendants(&w->host, &left, &len, &e), 0);
	assert_int_equal(len, 3);
	for (size_t i = 0; i < len; i++) {
		bool is_sleep = strcmp(left[i].comm, "sleep") == 0;

		assert_true(is_sleep || strcmp(left[i].comm, "sh") == 0);
		if (left[i].parent == getpid())
			assert_int_equal(kill(left[i].pid, SIGKILL), 0);
	}
	for (size_t i = 0; i < len; i++)
		kill(left[i].pid, SIGKILL);
	free(left);
	while (waitpid(-1, NULL, 0) > 0)
		;
	left = NULL;
	assert_int_equal(child_descendants(&w->host, &left, &len, &e), 0);
	assert_int_equal(len, 0);
	free(left);
}

static void test_nofile(void **state)
{
	struct rlimit before, now;
	uint64_t nr_open;
	struct err e;
	const struct world *w = *state;

	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	now = (struct rlimit){64, before.rlim_max};
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &now), 0);
	assert_int_equal(rlimit_raise(rlimit_key_find("nofile"), 128, &e), 0);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &now), 0);
	assert_int_equal(now.rlim_cur, 128);
	assert_int_equal(now.rlim_max, before.rlim_max);
	/* Never lowered. */
	assert_int_equal(rlimit_raise(rlimit_key_find("nofile"), 100, &e), 0);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &now), 0);
	assert_int_equal(now.rlim_cur, 128);
	/* Above fs.nr_open the kernel refuses everybody. */
	assert_int_equal(file_read_u64(&w->host, "/proc/sys/fs/nr_open", &nr_open, &e), 0);
	assert_int_equal(rlimit_raise(rlimit_key_find("nofile"), nr_open + 1, &e), -EPERM);
	assert_non_null(strstr(e.msg, "fs.nr_open"));
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
}

static bool need_root(void)
{
	if (geteuid() == 0)
		return true;
	puts("needs root: run it with sudo");
	return false;
}

static void test_other_user(void **state)
{
	struct run_as nobody;
	struct err e;
	char text[512], want[512];

	if (!need_root())
		skip();
	unsetenv("SUDO_UID");
	assert_int_equal(run_as_find("nobody", &nobody, &e), 0);
	assert_true(nobody.changes && nobody.other);
	setenv("XDG_CONFIG_HOME", "/nowhere/.config", 1);
	run_script(*state, &nobody,
		   "id -u; id -g; id -G; echo $HOME $USER $LOGNAME [$XDG_CONFIG_HOME]; "
		   "grep -E 'Cap(Eff|Prm)' /proc/self/status; exec 2>/dev/null; "
		   "cat /etc/shadow || echo refused",
		   text, sizeof(text));
	unsetenv("XDG_CONFIG_HOME");
	snprintf(want, sizeof(want),
		 "%d\n%d\n%d\n%s nobody nobody []\nCapPrm:\t0000000000000000\n"
		 "CapEff:\t0000000000000000\nrefused\n",
		 (int)nobody.uid, (int)nobody.gid, (int)nobody.gid, nobody.home);
	assert_string_equal(text, want);
}

static void test_find_user(void **state)
{
	struct run_as u;
	struct err e;

	(void)state;
	assert_int_equal(run_as_find("no-such-user", &u, &e), -ERR_BAD_INPUT);
	unsetenv("SUDO_UID");
	assert_int_equal(run_as_find(NULL, &u, &e), 0);
	assert_int_equal(u.uid, getuid());
	assert_false(u.changes);
	if (!need_root())
		skip();
	setenv("SUDO_UID", "4294967295", 1);
	setenv("SUDO_GID", "1", 1);
	assert_int_equal(run_as_find(NULL, &u, &e), -ERR_BAD_INPUT);
	setenv("SUDO_UID", "54321", 1); /* no password entry */
	setenv("SUDO_GID", "54322", 1);
	assert_int_equal(run_as_find(NULL, &u, &e), 0);
	assert_int_equal(u.uid, 54321);
	assert_int_equal(u.gid, 54322);
	assert_string_equal(u.name, "54321");
	assert_true(u.changes);
	assert_false(u.other);
	unsetenv("SUDO_UID");
	unsetenv("SUDO_GID");
}

static int make_file(void *data, int *fd, struct err *e)
{
	*fd = open(data, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	return *fd < 0 ? err_errno(e, errno, "make '%s'", (const char *)data) : 0;
}

static void test_run_as(void **state)
{
	const struct world *w = *state;
	struct run_as nobody;
	char path[128];
	struct stat st;
	struct err e;
	int fd = -1;

	if (!need_root())
		skip();
	assert_int_equal(run_as_find("nobody", &nobody, &e), 0);
	snprintf(path, sizeof(path), "%s/file", w->folder);
	assert_int_equal(run_as(&nobody, make_file, path, &fd, &e), 0);
	assert_int_equal(fstat(fd, &st), 0);
	assert_int_equal(st.st_uid, nobody.uid);
	assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
	close(fd);
	/* The error comes back, and with it no descriptor. */
	fd = 5;
	assert_int_equal(run_as(&nobody, make_file, path, &fd, &e), -EEXIST);
	assert_non_null(strstr(e.msg, path));
	assert_int_equal(fd, -1);
	unlink(path);
	/* With that user's rights, not with root's. */
	snprintf(path, sizeof(path), "%s/mine", w->folder);
	assert_int_equal(mkdir(path, 0700), 0);
	snprintf(path, sizeof(path), "%s/mine/file", w->folder);
	assert_int_equal(run_as(&nobody, make_file, path, &fd, &e), -EACCES);
	snprintf(path, sizeof(path), "%s/mine", w->folder);
	assert_int_equal(rmdir(path), 0);
	assert_int_equal(geteuid(), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_exit_status),	cmocka_unit_test(test_exec_errors),
		cmocka_unit_test(test_no_descriptors),	cmocka_unit_test(test_signals_as_found),
		cmocka_unit_test(test_early_interrupt), cmocka_unit_test(test_descendants),
		cmocka_unit_test(test_nofile),		cmocka_unit_test(test_find_user),
		cmocka_unit_test(test_other_user),	cmocka_unit_test(test_run_as),
	};

	return cmocka_run_group_tests_name("child", tests, set_up, tear_down);
}
