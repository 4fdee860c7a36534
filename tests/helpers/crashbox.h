/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A place to crash in, for the helpers of tests/crash: a network namespace with known settings and
 * a state folder in memory, where one process can run runup hundreds of times a second. Nothing in
 * it outlives the process.
 */
#ifndef RUNUP_TESTS_CRASHBOX_H
#define RUNUP_TESTS_CRASHBOX_H

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/personality.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/attr.h"
#include "base/cleanup.h"
#include "base/strbuf.h"

#define BOX_WORDS_MAX 8
#define BOX_WORKERS 2

/* What the profiles of tests/crash change: each has another value after `apply ten.ini`. */
static const struct setting {
	const char *path, *start;
} settings[] = {
	{"net/core/somaxconn", "128"},
	{"net/ipv4/ip_unprivileged_port_start", "1024"},
	{"net/ipv4/ip_local_port_range", "32768\t60999"},
	{"net/ipv4/tcp_max_syn_backlog", "64"},
	{"net/ipv4/tcp_tw_reuse", "2"},
	{"net/ipv4/tcp_slow_start_after_idle", "1"},
	{"net/ipv4/ip_local_reserved_ports", ""},
	{"net/ipv4/tcp_rmem", "4096\t131072\t6291456"},
	{"net/ipv4/tcp_keepalive_time", "7200"},
	{"net/ipv4/tcp_fin_timeout", "60"},
};

struct box {
	const char *runup, *profiles; /* absolute: the program, and the folder of its profiles */
	const char *top;	      /* an empty folder: a tmpfs is mounted over it */
	char state[256], said[256];   /* the state folder, and what the last command printed */
	char netns[256];	      /* a name of the namespace with the settings */
	int inside_fd, outside_fd;    /* that namespace, and where commands are run; may be one */
	mode_t umask;
};

static _Noreturn printf_(1, 2) void die(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	exit(1);
}

static inline void box_show_said(const struct box *b)
{
	char text[4096];
	cleanup_close int fd = open(b->said, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text));

	if (n > 0)
		fwrite(text, 1, (size_t)n, stderr);
}

static inline void go(int netns_fd)
{
	if (setns(netns_fd, CLONE_NEWNET) < 0)
		die("setns: %s", strerror(errno));
}

/* The value without its newline. */
static inline void value_read(const char *path, char *buf, size_t size)
{
	char full[256];

	snprintf(full, sizeof(full), "/proc/sys/%s", path);
	cleanup_close int fd = open(full, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, buf, size - 1);

	if (n < 0)
		die("read %s: %s", path, strerror(errno));
	if (n > 0 && buf[n - 1] == '\n')
		n--;
	buf[n] = '\0';
}

static inline void value_write(const char *path, const char *value)
{
	char full[256], line[256];
	size_t len = (size_t)snprintf(line, sizeof(line), "%s\n", value);

	snprintf(full, sizeof(full), "/proc/sys/%s", path);
	cleanup_close int fd = open(full, O_WRONLY | O_CLOEXEC);
	if (fd < 0 || write(fd, line, len) != (ssize_t)len)
		die("write '%s' to %s: %s", value, path, strerror(errno));
}

/* How many settings have another value than at the start; tell: names them. */
static inline size_t box_differing(const struct box *b, bool tell)
{
	char now[256];
	size_t n = 0;

	go(b->inside_fd);
	for (size_t i = 0; i < ARRAY_LEN(settings); i++) {
		value_read(settings[i].path, now, sizeof(now));
		if (strcmp(now, settings[i].start) == 0)
			continue;
		n++;
		if (tell)
			fprintf(stderr, "  %s is '%s', was '%s' at the start\n", settings[i].path,
				now, settings[i].start);
	}
	go(b->outside_fd);
	return n;
}

static inline int box_remove_one(const char *path, const struct stat *st unused_, int type unused_,
				 struct FTW *ftw unused_)
{
	return remove(path);
}

/* No changeset, and every setting as at the start. */
static inline void box_reset(const struct box *b)
{
	char now[256];

	if (nftw(b->state, box_remove_one, 8, FTW_DEPTH | FTW_PHYS) < 0 && errno != ENOENT)
		die("empty %s: %s", b->state, strerror(errno));
	go(b->inside_fd);
	/* Backwards: the kernel judges the first unprivileged port by the range. */
	for (size_t i = ARRAY_LEN(settings); i-- > 0;) {
		value_read(settings[i].path, now, sizeof(now));
		if (strcmp(now, settings[i].start) != 0)
			value_write(settings[i].path, settings[i].start);
	}
	go(b->outside_fd);
}

/* Names of other namespaces would be looked into by a rollback, and come and go with others. */
static inline void forget_namespaces(void)
{
	cleanup_fclose FILE *f = fopen("/proc/self/mountinfo", "re");
	char line[4096], path[4096];

	while (f && fgets(line, sizeof(line), f))
		if (strstr(line, " - nsfs ") && sscanf(line, "%*s %*s %*s %*s %4095s", path) == 1)
			umount2(path, MNT_DETACH);
}

static inline int new_netns(void)
{
	if (unshare(CLONE_NEWNET) < 0)
		die("unshare: %s", strerror(errno));

	int fd = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		die("open the namespace: %s", strerror(errno));
	return fd;
}

/*
 * Moves this process into a box of its own. outside: commands run in another namespace than the
 * one whose settings they change, which has the name b->netns.
 */
static inline void box_enter(struct box *b, bool outside)
{
	if (unshare(CLONE_NEWNS) < 0 || mount("", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		die("make a mount namespace: %s", strerror(errno));
	forget_namespaces();
	if (mount("none", b->top, "tmpfs", 0, "mode=0700,size=32m") < 0)
		die("mount a tmpfs: %s", strerror(errno));
	snprintf(b->state, sizeof(b->state), "%s/state", b->top);
	snprintf(b->said, sizeof(b->said), "%s/said", b->top);
	snprintf(b->netns, sizeof(b->netns), "%s/netns", b->top);
	b->inside_fd = new_netns();
	cleanup_close int name = open(b->netns, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	if (name < 0 || mount("/proc/self/ns/net", b->netns, NULL, MS_BIND, NULL) < 0)
		die("name the namespace: %s", strerror(errno));
	b->outside_fd = outside ? new_netns() : b->inside_fd;
	setenv("RUNUP_STATE_DIR", b->state, 1);
	setenv("RUNUP_PROFILE_DIR", b->profiles, 1);
	box_reset(b);
}

static inline int box_is_journal(const struct dirent *d)
{
	return d->d_name[0] != '.';
}

/* How many changesets there are; the Nth one's id, from 1, into id. Names sort by age. */
static inline unsigned box_changesets(const struct box *b, unsigned n, char *id, size_t size)
{
	struct dirent **entry;
	char folder[300];

	snprintf(folder, sizeof(folder), "%s/changesets", b->state);
	int len = scandir(folder, &entry, box_is_journal, alphasort);

	if (len < 0)
		return 0;
	for (int i = 0; i < len; i++) {
		if ((unsigned)i + 1 == n)
			snprintf(id, size, "%.*s", (int)strcspn(entry[i]->d_name, "."),
				 entry[i]->d_name);
		free(entry[i]);
	}
	free(entry);
	return (unsigned)len;
}

/* A command line in memory of its own. */
struct words {
	char text[512];
	char *argv[BOX_WORDS_MAX + 1];
};

/* "apply ten.ini", "rollback @1": profiles get their folder, @N is the Nth changeset. */
static inline void box_words(const struct box *b, const char *line, struct words *w)
{
	char copy[256], id[64], *save;
	size_t at = 0, n = 0;

	snprintf(copy, sizeof(copy), "runup %s", line);
	for (char *word = strtok_r(copy, " ", &save); word; word = strtok_r(NULL, " ", &save)) {
		const char *front = "", *shown = word;

		if (strcmp(word, "@netns") == 0) {
			shown = b->netns;
		} else if (*word == '@') {
			unsigned number = (unsigned)atoi(word + 1);

			if (box_changesets(b, number, id, sizeof(id)) < number)
				die("%s: there are not that many changesets", line);
			shown = id;
		} else if (strstr(word, ".ini")) {
			front = b->profiles;
		}
		w->argv[n++] = w->text + at;
		at += (size_t)snprintf(w->text + at, sizeof(w->text) - at, "%s%s%s", front,
				       *front ? "/" : "", shown) +
		      1;
		if (n == BOX_WORDS_MAX || at >= sizeof(w->text))
			die("too long: %s", line);
	}
	w->argv[n] = NULL;
}

/* In the child: becomes runup, with addresses that are the same every time. */
static inline _Noreturn void box_exec(const struct box *b, const struct words *w)
{
	int fd = open(b->said, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	umask(b->umask);
	if (fd < 0 || dup2(fd, 1) < 0 || dup2(fd, 2) < 0 || personality(ADDR_NO_RANDOMIZE) < 0)
		_exit(111);
	execv(b->runup, w->argv);
	_exit(112);
}

static inline int box_wait(pid_t pid)
{
	int status;

	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			die("wait: %s", strerror(errno));
	return status;
}

/* Exit status, or 128 + signal. */
static inline int box_run(const struct box *b, const char *line)
{
	struct words w;

	box_words(b, line, &w);
	pid_t pid = fork();
	if (pid < 0)
		die("fork: %s", strerror(errno));
	if (pid == 0)
		box_exec(b, &w);
	int status = box_wait(pid);

	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* The same, and it must end with that status. */
static inline void box_must(const struct box *b, const char *line, int expected)
{
	int status = box_run(b, line);

	if (status == expected)
		return;
	fprintf(stderr, "`runup %s` ended with %d, not %d:\n", line, status, expected);
	box_show_said(b);
	exit(1);
}

/*
 * Runs work(box, worker) in BOX_WORKERS processes at once, each in a box of its own; exits with 1
 * if one of them failed.
 */
static inline void box_workers(struct box *b, bool outside,
			       void (*work)(struct box *b, unsigned worker))
{
	const char *tmp = getenv("TMPDIR");
	pid_t pid[BOX_WORKERS];
	char top[200];
	int failed = 0;

	snprintf(top, sizeof(top), "%s/runup-crash-XXXXXX", tmp && *tmp == '/' ? tmp : "/tmp");
	b->top = mkdtemp(top);
	if (!b->top)
		die("make a folder in %s: %s", tmp ? tmp : "/tmp", strerror(errno));
	fflush(stdout);
	for (unsigned i = 0; i < BOX_WORKERS; i++) {
		pid[i] = fork();
		if (pid[i] == 0) {
			box_enter(b, outside);
			work(b, i);
			exit(0);
		}
	}
	for (unsigned i = 0; i < BOX_WORKERS; i++)
		failed |= pid[i] < 0 || box_wait(pid[i]) != 0;
	rmdir(b->top);
	if (failed)
		exit(1);
}

#endif
