/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "sys/systemd_timer.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/units.h"

#define WORDS_MAX 24
#define ANSWER_NS (10 * NS_PER_S)
#define LOOK_NS (5 * NS_PER_MS)

/* posix_spawn(3) takes words that it does not change as if it did. */
union words {
	const char *const *read;
	char *const *as_spawned;
};

static int start(const char *program, const char *const *argv, pid_t *ret)
{
	static const char *const folders[] = {"/usr/bin", "/bin"};
	static const char *const environment[] = {"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C",
						  NULL};
	union words words = {.read = argv}, env = {.read = environment};
	posix_spawn_file_actions_t files;
	posix_spawnattr_t attr;
	sigset_t none;
	char path[64];
	int r = ENOENT;

	/* Nothing of the caller's: under sudo the environment is the user's, and `run` has blocked
	 * signals. */
	sigemptyset(&none);
	posix_spawnattr_init(&attr);
	posix_spawnattr_setsigmask(&attr, &none);
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK);
	posix_spawn_file_actions_init(&files);
	posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_addopen(&files, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
	posix_spawn_file_actions_addopen(&files, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
	for (size_t i = 0; r == ENOENT && i < ARRAY_LEN(folders); i++) {
		snprintf(path, sizeof(path), "%s/%s", folders[i], program);
		r = posix_spawn(ret, path, &files, &attr, words.as_spawned, env.as_spawned);
	}
	posix_spawn_file_actions_destroy(&files);
	posix_spawnattr_destroy(&attr);
	return -r;
}

/* Its exit status, 0 to 255; -errno where it could not be run or does not come back. */
static int command(const char *const *argv, struct err *e)
{
	uint64_t end = now_monotonic_ns() + ANSWER_NS;
	struct timespec pause = {.tv_nsec = LOOK_NS};
	int status;
	pid_t pid, done;
	int r = start(argv[0], argv, &pid);

	if (r < 0)
		return err_errno(e, -r, "run %s", argv[0]);
	while ((done = waitpid(pid, &status, WNOHANG)) == 0 && now_monotonic_ns() < end)
		nanosleep(&pause, NULL);
	if (done == 0) {
		kill(pid, SIGKILL);
		waitpid(pid, &status, 0);
		return err_set(e, ETIMEDOUT, "run %s: no answer within ten seconds", argv[0]);
	}
	if (done < 0)
		return err_errno(e, errno, "wait for %s", argv[0]);
	if (!WIFEXITED(status))
		return err_set(e, EIO, "run %s: ended by signal %d", argv[0], WTERMSIG(status));
	return WEXITSTATUS(status);
}

int systemd_timer_start(const char *name, uint64_t after_ns, const char *setting,
			const char *const *argv, struct err *e)
{
	char unit[128], after[64], environment[4200];
	const char *words[WORDS_MAX] = {
		"systemd-run", "--quiet", "--collect",
		unit,	       after,	  "--timer-property=AccuracySec=1s",
	};
	size_t n = 6;

	snprintf(unit, sizeof(unit), "--unit=%s", name);
	/* Rounded up: it must not come before its time. */
	snprintf(after, sizeof(after), "--on-active=%" PRIu64 "ms", after_ns / NS_PER_MS + 1);
	if (setting) {
		snprintf(environment, sizeof(environment), "--setenv=%s", setting);
		words[n++] = environment;
	}
	words[n++] = "--";
	for (; *argv; argv++) {
		if (n + 1 == WORDS_MAX)
			return err_set(e, E2BIG, "start timer '%s': too long a command", name);
		words[n++] = *argv;
	}

	int r = command(words, e);

	return r > 0 ? err_set(e, EIO, "start timer '%s': systemd-run refused (exit status %d)",
			       name, r)
		     : r;
}

bool systemd_timer_runs(const char *name)
{
	char unit[128];
	const char *const words[] = {"systemctl", "--quiet", "is-active", "--", unit, NULL};
	struct err e;

	snprintf(unit, sizeof(unit), "%s.timer", name);
	return command(words, &e) == 0;
}

int systemd_timer_stop(const char *name, struct err *e)
{
	char unit[128];
	const char *const words[] = {"systemctl", "--quiet", "stop", "--", unit, NULL};

	snprintf(unit, sizeof(unit), "%s.timer", name);

	int r = command(words, e);

	return r > 0 ? err_set(e, EIO, "stop timer '%s': systemctl's exit status is %d", name, r)
		     : r;
}
