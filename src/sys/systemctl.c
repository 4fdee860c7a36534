/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "sys/systemctl.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/parse.h"
#include "base/units.h"
#include "sys/file.h"

#define SHOW_NS (3 * NS_PER_S)
#define RELOAD_NS (60 * NS_PER_S)

bool systemctl_runs(const struct host *h)
{
	return !h->captured && file_exists(h, "/run/systemd/system");
}

/* Nothing of the caller's environment: under sudo that is the user's. */
static int start(const char *path, char *const argv[], int out, pid_t *ret)
{
	char search[] = "PATH=/usr/sbin:/usr/bin:/sbin:/bin", locale[] = "LC_ALL=C";
	char *const environment[] = {search, locale, NULL};
	posix_spawn_file_actions_t files;
	int r;

	posix_spawn_file_actions_init(&files);
	posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_addopen(&files, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
	posix_spawn_file_actions_adddup2(&files, out, STDOUT_FILENO);
	r = posix_spawn(ret, path, &files, NULL, argv, environment);
	posix_spawn_file_actions_destroy(&files);
	return -r;
}

/* All it says, up to the end or the deadline. */
static int read_answer(int fd, uint64_t timeout_ns, char *buf, size_t size)
{
	uint64_t end = now_monotonic_ns() + timeout_ns;
	size_t have = 0;

	for (;;) {
		uint64_t now = now_monotonic_ns();
		struct pollfd p = {.fd = fd, .events = POLLIN};

		if (now >= end || poll(&p, 1, (int)((end - now) / NS_PER_MS) + 1) == 0)
			return -ETIMEDOUT;

		if (have + 1 == size)
			return -EFBIG;

		ssize_t n = read(fd, buf + have, size - 1 - have);

		if (n < 0 && errno != EINTR)
			return -errno;
		if (n == 0)
			break;
		have += n > 0 ? (size_t)n : 0;
	}
	buf[have] = '\0';
	return 0;
}

/* Runs systemctl to its end; 0 or -errno, and its exit status as wait(2) has it. */
static int ask_reaped(char *const argv[], uint64_t timeout_ns, char *buf, size_t size,
		      int *ret_status)
{
	static const char *const places[] = {"/usr/bin/systemctl", "/bin/systemctl"};
	int ends[2], r = -ENOENT;
	pid_t child;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return -errno;

	cleanup_close int in = ends[0];
	cleanup_close int out = ends[1];

	for (size_t i = 0; r == -ENOENT && i < ARRAY_LEN(places); i++)
		r = start(places[i], argv, out, &child);
	if (r < 0)
		return r;
	close(TAKE_FD(out));
	r = read_answer(in, timeout_ns, buf, size);
	if (r < 0)
		kill(child, SIGKILL);
	while (waitpid(child, ret_status, 0) < 0)
		if (errno != EINTR)
			return r < 0 ? r : -errno;
	return r;
}

/* While SIGCHLD is ignored (by who started runup) the kernel reaps, and the status is lost. */
static int ask(char *const argv[], uint64_t timeout_ns, char *buf, size_t size, int *ret_status)
{
	void (*before)(int) = signal(SIGCHLD, SIG_DFL);
	int r = ask_reaped(argv, timeout_ns, buf, size, ret_status);

	signal(SIGCHLD, before);
	return r;
}

int systemctl_show(const char *unit, const char *properties, char *buf, size_t size, struct err *e)
{
	char program[] = "systemctl", show[] = "show", end[] = "--";
	char name[512], which[256];
	char *const argv[] = {program, show, which, end, name, NULL};
	int status = -1;

	snprintf(name, sizeof(name), "%s", unit);
	snprintf(which, sizeof(which), "--property=%s", properties);

	int r = ask(argv, SHOW_NS, buf, size, &status);

	if (r == 0 && status != 0)
		r = -EIO;
	return r == 0 ? 0 : err_errno(e, -r, "ask systemctl about '%s'", unit);
}

const char *systemctl_value(const char *shown, const char *property,
			    char value[SYSTEMCTL_VALUE_MAX])
{
	size_t len = strlen(property);

	value[0] = '\0';
	for (const char *line = shown; line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (strncmp(line, property, len) != 0 || line[len] != '=')
			continue;
		line += len + 1;
		snprintf(value, SYSTEMCTL_VALUE_MAX, "%.*s", (int)strcspn(line, "\n"), line);
		break;
	}
	return value;
}

int systemctl_reload(struct err *e)
{
	char program[] = "systemctl", reload[] = "daemon-reload", answer[256];
	char *const argv[] = {program, reload, NULL};
	int status = -1;
	int r = ask(argv, RELOAD_NS, answer, sizeof(answer), &status);

	if (r < 0)
		return err_errno(e, -r, "run 'systemctl daemon-reload'");
	if (status != 0)
		return err_set(e, EIO, "run 'systemctl daemon-reload': it failed with status %d",
			       WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
	return 0;
}

int systemctl_main_pid(const char *unit, pid_t *ret, struct err *e)
{
	char answer[64], value[SYSTEMCTL_VALUE_MAX];
	uint64_t number;
	int r = systemctl_show(unit, "MainPID", answer, sizeof(answer), e);

	if (r < 0)
		return r;
	/* 0: the unit is not there, or has no process. */
	if (parse_u64(systemctl_value(answer, "MainPID", value), 1, INT_MAX, &number) < 0)
		return err_set(e, ENOENT, "systemd knows no main process of '%s'", unit);
	*ret = (pid_t)number;
	return 0;
}
