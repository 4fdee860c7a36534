/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "sys/proc_find.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/cleanup.h"
#include "base/parse.h"
#include "base/strbuf.h"
#include "sys/file.h"
#include "sys/proc.h"
#include "sys/systemctl.h"

#define COMM_LENGTH 15 /* TASK_COMM_LEN without its NUL */
#define SHOWN_MAX 8
#define ANCESTORS_MAX 64
#define GROUPS_MAX (64u << 10)

struct match {
	pid_t pid;
	uint64_t start_ticks;
};

struct matches {
	struct match *item;
	size_t len, cap;
};

static void matches_done(struct matches *m)
{
	free(m->item);
}

static bool has_comm(const struct host *h, pid_t pid, const char *name)
{
	char comm[PROC_COMM_MAX];

	proc_comm(h, pid, comm);
	/* The kernel cuts a longer name off; the program's then has to say the rest. */
	return strlen(name) <= COMM_LENGTH && strcmp(comm, name) == 0;
}

/* "/usr/sbin/nginx (deleted)" after an upgrade. */
static bool has_program(const struct host *h, pid_t pid, const char *name)
{
	char path[64], target[PATH_MAX];
	struct err ignored;

	snprintf(path, sizeof(path), "/proc/%d", (int)pid);
	cleanup_close int fd = file_open(h, path, O_PATH | O_DIRECTORY, &ignored);
	ssize_t n = fd < 0 ? -1 : readlinkat(fd, "exe", target, sizeof(target) - 1);

	if (n <= 0)
		return false;
	target[n] = '\0';

	char *deleted = strstr(target, " (deleted)"), *slash = strrchr(target, '/');

	if (deleted)
		*deleted = '\0';
	return strcmp(slash ? slash + 1 : target, name) == 0;
}

static bool by_name(const struct host *h, pid_t pid, const void *name)
{
	return has_comm(h, pid, name) || has_program(h, pid, name);
}

/* Does a part of the path, or several, spell the name? "/system.slice/nginx.service/worker". */
static bool path_has(const char *path, const char *name)
{
	size_t len = strlen(name);

	for (const char *s = path; (s = strchr(s, '/'));) {
		s++;
		if (strncmp(s, name, len) == 0 && (s[len] == '/' || s[len] == '\0'))
			return true;
	}
	return false;
}

static bool by_group(const struct host *h, pid_t pid, const void *unit)
{
	char group[PROC_GROUP_MAX];

	proc_group(h, pid, group);
	return path_has(group, unit);
}

static int find_all(const struct host *h,
		    bool (*matching)(const struct host *, pid_t, const void *), const void *what,
		    struct matches *ret, struct err *e)
{
	uint64_t pid;
	int fd = file_open(h, "/proc", O_RDONLY | O_DIRECTORY, e);

	if (fd < 0)
		return fd;
	cleanup_closedir DIR *dir = fdopendir(fd);
	if (!dir) {
		close(fd);
		return err_errno(e, errno, "read '/proc'");
	}
	for (const struct dirent *d; (d = readdir(dir));) {
		struct proc_identity identity;
		struct err gone;

		if (parse_u64(d->d_name, 1, INT_MAX, &pid) < 0 ||
		    (!h->captured && (pid_t)pid == getpid()) || !matching(h, (pid_t)pid, what) ||
		    proc_identity(h, (pid_t)pid, &identity, &gone) < 0)
			continue;
		*(struct match *)array_push((void **)&ret->item, &ret->len, &ret->cap,
					    sizeof(struct match)) =
			(struct match){(pid_t)pid, identity.start_ticks};
	}
	return 0;
}

/* 0: it has none, or is gone. */
static pid_t parent_of(const struct host *h, pid_t pid)
{
	char path[64], text[1024];
	struct err gone;
	int parent;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	if (file_read(h, path, text, sizeof(text), &gone) < 0)
		return 0;

	const char *close = strrchr(text, ')');

	return close && sscanf(close + 1, " %*c %d", &parent) == 1 ? parent : 0;
}

static bool descends_from_any(const struct host *h, pid_t pid, const struct matches *m)
{
	for (int depth = 0; depth < ANCESTORS_MAX && (pid = parent_of(h, pid)) > 1; depth++)
		for (size_t i = 0; i < m->len; i++)
			if (m->item[i].pid == pid)
				return true;
	return false;
}

static int oldest_first(const void *a, const void *b)
{
	const struct match *x = a, *y = b;

	if (x->start_ticks != y->start_ticks)
		return x->start_ticks < y->start_ticks ? -1 : 1;
	return (x->pid > y->pid) - (x->pid < y->pid);
}

/* Keeps those that no other of them started, the oldest first. */
static void keep_first_ones(const struct host *h, struct matches *m)
{
	cleanup_free bool *started = calloc(m->len + 1, sizeof(*started));
	size_t kept = 0;

	if (!started)
		out_of_memory();
	for (size_t i = 0; i < m->len; i++)
		started[i] = descends_from_any(h, m->item[i].pid, m);
	for (size_t i = 0; i < m->len; i++)
		if (!started[i])
			m->item[kept++] = m->item[i];
	m->len = kept;
	if (kept)
		qsort(m->item, kept, sizeof(*m->item), oldest_first);
}

static int several(const struct matches *m, const char *name, struct err *e)
{
	struct strbuf list = {0};

	for (size_t i = 0; i < m->len && i < SHOWN_MAX; i++)
		strbuf_addf(&list, "%s%d", i ? ", " : "", (int)m->item[i].pid);
	if (m->len > SHOWN_MAX)
		strbuf_add(&list, ", ...");
	int r = err_set(e, ERR_BAD_INPUT,
			"find process '%s': %zu are called so and none started the others: %s "
			"(state one of them by --pid)",
			name, m->len, strbuf_get(&list));

	strbuf_done(&list);
	return r;
}

int proc_find_name(const struct host *h, const char *name, pid_t *ret, struct err *e)
{
	cleanup_with(matches_done) struct matches m = {0};
	int r = find_all(h, by_name, name, &m, e);

	if (r < 0)
		return r;
	keep_first_ones(h, &m);
	if (m.len > 1)
		return several(&m, name, e);
	if (m.len == 0)
		return err_set(e, ERR_BAD_INPUT,
			       "find process '%s': none that is to be seen here is called so",
			       name);
	*ret = m.item[0].pid;
	return 0;
}

int proc_find_unit(const struct host *h, const char *unit, pid_t *ret, struct err *e)
{
	cleanup_with(matches_done) struct matches m = {0};
	char name[256];

	if (snprintf(name, sizeof(name), "%s%s", unit, strchr(unit, '.') ? "" : ".service") >=
	    (int)sizeof(name))
		return err_set(e, ERR_BAD_INPUT, "find unit '%s': the name is too long", unit);
	if (systemctl_runs(h) && systemctl_main_pid(name, ret, e) == 0)
		return 0;
	int r = find_all(h, by_group, name, &m, e);
	if (r < 0)
		return r;
	if (m.len == 0)
		return err_set(e, ERR_BAD_INPUT,
			       "find unit '%s': %sno process runs in a control group of that name",
			       name,
			       h->captured || systemctl_runs(h)
				       ? ""
				       : "systemd does not run here, and ");
	qsort(m.item, m.len, sizeof(*m.item), oldest_first);
	*ret = m.item[0].pid;
	return 0;
}

static bool by_name_here(const struct host *h, pid_t pid, const void *name)
{
	bool same = false;
	struct err gone;

	return by_name(h, pid, name) && proc_same_netns(h, pid, &same, &gone) == 0 && same;
}

/* The group itself or one below it. */
static bool in_group(const struct host *h, pid_t pid, const void *group)
{
	size_t len = strlen(group);
	char own[PROC_GROUP_MAX];

	proc_group(h, pid, own);
	return strncmp(own, group, len) == 0 && (own[len] == '/' || own[len] == '\0');
}

static int list_all(const struct host *h,
		    bool (*matching)(const struct host *, pid_t, const void *), const void *what,
		    pid_t **ret, size_t *ret_len, struct err *e)
{
	cleanup_with(matches_done) struct matches m = {0};
	int r = find_all(h, matching, what, &m, e);

	if (r < 0)
		return r;
	if (m.len)
		qsort(m.item, m.len, sizeof(*m.item), oldest_first);

	pid_t *pids = calloc(m.len + 1, sizeof(*pids));

	if (!pids)
		out_of_memory();
	for (size_t i = 0; i < m.len; i++)
		pids[i] = m.item[i].pid;
	*ret = pids;
	*ret_len = m.len;
	return 0;
}

int proc_list_name(const struct host *h, const char *name, pid_t **ret, size_t *ret_len,
		   struct err *e)
{
	return list_all(h, by_name_here, name, ret, ret_len, e);
}

int proc_list_unit(const struct host *h, const char *unit, pid_t **ret, size_t *ret_len,
		   struct err *e)
{
	char shown[PROC_GROUP_MAX + 32], group[SYSTEMCTL_VALUE_MAX];

	/* A container may run a unit of the same name: systemd knows which group is its own. */
	if (!systemctl_runs(h))
		return list_all(h, by_group, unit, ret, ret_len, e);
	int r = systemctl_show(unit, "ControlGroup", shown, sizeof(shown), e);
	if (r < 0)
		return r;
	if (!*systemctl_value(shown, "ControlGroup", group)) {
		*ret = NULL;
		*ret_len = 0;
		return 0;
	}
	return list_all(h, in_group, group, ret, ret_len, e);
}

void proc_group(const struct host *h, pid_t pid, char buf[PROC_GROUP_MAX])
{
	cleanup_free char *text = NULL;
	char path[64], *save;
	struct err gone;

	buf[0] = '\0';
	if (pid)
		snprintf(path, sizeof(path), "/proc/%d/cgroup", (int)pid);
	else
		snprintf(path, sizeof(path), "/proc/self/cgroup");
	if (file_read_all(h, path, GROUPS_MAX, &text, &gone) < 0)
		return;
	/* "0::/path" comes last; on a host of v1 it is "/" for everybody. */
	for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		const char *systemd = strstr(line, ":name=systemd:");
		const char *group = systemd			   ? systemd + 14
				    : strncmp(line, "0::", 3) == 0 ? line + 3
								   : NULL;

		if (group && (!buf[0] || strcmp(buf, "/") == 0))
			snprintf(buf, PROC_GROUP_MAX, "%s", group);
	}
}

/*
 * Two processes see one /proc/net if they are in one namespace (proc_net.c asks for no permission),
 * while ns/net of others may not be looked at.
 */
int proc_same_netns(const struct host *h, pid_t pid, bool *ret, struct err *e)
{
	char path[64];
	struct stat own, other;

	snprintf(path, sizeof(path), "/proc/%d/net/dev", (int)pid);
	cleanup_close int other_fd = file_open(h, path, O_PATH, e);
	if (other_fd < 0)
		return other_fd == -ENOENT || other_fd == -ESRCH
			       ? err_set(e, ESRCH, "look at process '%d': no such process",
					 (int)pid)
			       : other_fd;
	snprintf(path, sizeof(path), "/proc/self/task/%d/net/dev", (int)gettid());
	cleanup_close int own_fd = file_open(h, path, O_PATH, e);
	if (own_fd < 0)
		return own_fd;
	if (fstat(other_fd, &other) < 0 || fstat(own_fd, &own) < 0)
		return err_errno(e, errno, "look at the network of process '%d'", (int)pid);
	*ret = own.st_dev == other.st_dev && own.st_ino == other.st_ino;
	return 0;
}
