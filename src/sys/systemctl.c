/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "sys/systemctl.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdint.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/parse.h"
#include "base/units.h"
#include "sys/file.h"

#define ANSWER_NS (3 * NS_PER_S)

bool systemctl_runs(const struct host *h)
{
	return !h->captured && file_exists(h, "/run/systemd/system");
}

/* Nothing of the caller's environment: under sudo that is the user's. */
static int start(const char *path, const char *unit, int out, pid_t *ret)
{
	char search[] = "PATH=/usr/sbin:/usr/bin:/sbin:/bin", locale[] = "LC_ALL=C";
	char program[] = "systemctl", show[] = "show", property[] = "--property=MainPID";
	char value[] = "--value", end[] = "--", name[512];
	char *const environment[] = {search, locale, NULL};
	char *const argv[] = {program, show, property, value, end, name, NULL};
	posix_spawn_file_actions_t files;
	int r;

	strncpy(name, unit, sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	posix_spawn_file_actions_init(&files);
	posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_addopen(&files, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
	posix_spawn_file_actions_adddup2(&files, out, STDOUT_FILENO);
	r = posix_spawn(ret, path, &files, NULL, argv, environment);
	posix_spawn_file_actions_destroy(&files);
	return -r;
}

/* All it says, up to the end or the deadline. */
static int read_answer(int fd, char *buf, size_t size)
{
	uint64_t end = now_monotonic_ns() + ANSWER_NS;
	size_t have = 0;

	while (have + 1 < size) {
		uint64_t now = now_monotonic_ns();
		struct pollfd p = {.fd = fd, .events = POLLIN};

		if (now >= end || poll(&p, 1, (int)((end - now) / NS_PER_MS) + 1) == 0)
			return -ETIMEDOUT;

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

int systemctl_main_pid(const char *unit, pid_t *ret, struct err *e)
{
	static const char *const places[] = {"/usr/bin/systemctl", "/bin/systemctl"};
	int ends[2], r = -ENOENT;
	char answer[64];
	uint64_t number;
	pid_t child;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return err_errno(e, errno, "make a pipe");

	cleanup_close int in = ends[0];
	cleanup_close int out = ends[1];

	for (size_t i = 0; r == -ENOENT && i < ARRAY_LEN(places); i++)
		r = start(places[i], unit, out, &child);
	if (r < 0)
		return err_errno(e, -r, "run systemctl");
	close(TAKE_FD(out));
	r = read_answer(in, answer, sizeof(answer));
	if (r < 0)
		kill(child, SIGKILL);
	while (waitpid(child, NULL, 0) < 0 && errno == EINTR)
		;
	if (r < 0)
		return err_errno(e, -r, "ask systemctl for the main process of '%s'", unit);
	answer[strcspn(answer, "\n")] = '\0';
	/* 0: the unit is not there, or has no process. */
	if (parse_u64(answer, 1, INT_MAX, &number) < 0)
		return err_set(e, ENOENT, "systemd knows no main process of '%s'", unit);
	*ret = (pid_t)number;
	return 0;
}
