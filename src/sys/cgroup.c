/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "sys/cgroup.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/parse.h"
#include "sys/file.h"

#define MOUNTINFO_MAX (4u << 20)
#define MEMBERSHIP_MAX (64u << 10)

/* Where the hierarchy of the cpu controller is mounted, and which of its groups is the mount. */
struct mount {
	int version; /* 0: not found */
	char root[PATH_MAX], point[PATH_MAX];
};

struct mounts {
	struct mount v1, v2;
};

/* Is word one of the comma-separated ones in list? */
static bool list_has(const char *list, const char *word)
{
	size_t len = strlen(word);

	while (list) {
		if (!strncmp(list, word, len) && (list[len] == ',' || list[len] == '\0'))
			return true;
		list = strchr(list, ',');
		list = list ? list + 1 : NULL;
	}
	return false;
}

/* Blanks, tabs, newlines and backslashes are octal in mountinfo (mangle(), fs/proc_namespace.c). */
static void unescape(char *s)
{
	char *out = s;

	for (; *s; s++) {
		if (s[0] == '\\' && s[1] >= '0' && s[1] <= '3' && s[2] >= '0' && s[2] <= '7' &&
		    s[3] >= '0' && s[3] <= '7') {
			*out++ = (char)((s[1] - '0') << 6 | (s[2] - '0') << 3 | (s[3] - '0'));
			s += 3;
		} else {
			*out++ = *s;
		}
	}
	*out = '\0';
}

/* A group's path below the mount: "" for the mount itself, NULL: it is not below. */
static const char *below(const char *root, const char *group)
{
	size_t len = strlen(root);

	if (!strcmp(root, "/"))
		return strcmp(group, "/") ? group : "";
	if (strncmp(group, root, len) != 0 || (group[len] != '/' && group[len] != '\0'))
		return NULL;
	return group + len;
}

/*
 * A hierarchy may be mounted more than once, a container's group alone beside the whole: the first
 * that shows the process's group wins, else the first.
 */
static void keep_mount(struct mount *m, int version, char *root, char *point, const char *group)
{
	if (m->version && (below(m->root, group) || !below(root, group)))
		return;
	m->version = version;
	snprintf(m->root, sizeof(m->root), "%s", root);
	snprintf(m->point, sizeof(m->point), "%s", point);
}

/* One line of mountinfo: id parent dev ROOT POINT options tags… - TYPE source SUPER. */
static void read_mount(struct mounts *all, char *line, const char *v1_group, const char *v2_group)
{
	char *super = strstr(line, " - ");
	char *field[5], *save, type[16];

	if (!super)
		return;
	*super = '\0';
	field[0] = strtok_r(line, " ", &save);
	for (size_t i = 1; i < ARRAY_LEN(field); i++)
		field[i] = field[i - 1] ? strtok_r(NULL, " ", &save) : NULL;
	const char *source = parse_word(super + 3, type, sizeof(type));
	if (!field[4] || !source)
		return;
	unescape(field[3]);
	unescape(field[4]);
	if (!strcmp(type, "cgroup2") && v2_group) {
		keep_mount(&all->v2, 2, field[3], field[4], v2_group);
	} else if (!strcmp(type, "cgroup") && v1_group) {
		const char *options = strrchr(source, ' ');

		if (options && list_has(options + 1, "cpu"))
			keep_mount(&all->v1, 1, field[3], field[4], v1_group);
	}
}

/*
 * /proc/PID/cgroup: "4:cpu,cpuacct:/path" and "0::/path". The paths point into text; NULL: the
 * process is in no such hierarchy.
 */
static void read_membership(char *text, const char **v1_group, const char **v2_group)
{
	char *save;

	*v1_group = *v2_group = NULL;
	for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		char *controllers = strchr(line, ':');
		char *group = controllers ? strchr(controllers + 1, ':') : NULL;

		if (!group || group[1] != '/')
			continue;
		*group++ = '\0';
		if (controllers[1] == '\0' && !strncmp(line, "0:", 2))
			*v2_group = group;
		else if (list_has(controllers + 1, "cpu"))
			*v1_group = group;
	}
}

/* "max 100000" (no quota) or "150000 100000". */
static int read_quota_v2(const struct host *h, const char *folder, uint64_t *quota,
			 uint64_t *period)
{
	char path[PATH_MAX], text[64], word[24];
	struct err missing;

	snprintf(path, sizeof(path), "%s/cpu.max", folder);
	if (file_read(h, path, text, sizeof(text), &missing) < 0)
		return -ENOENT;
	const char *rest = parse_word(text, word, sizeof(word));
	if (!rest || parse_u64(word, 1, UINT64_MAX, quota) < 0)
		return -ENOENT;
	return parse_word(rest, word, sizeof(word)) ? parse_u64(word, 1, UINT64_MAX, period)
						    : -ENOENT;
}

/* cfs_quota_us is -1 without a quota, which is not a number here. */
static int read_quota_v1(const struct host *h, const char *folder, uint64_t *quota,
			 uint64_t *period)
{
	char path[PATH_MAX];
	struct err missing;

	snprintf(path, sizeof(path), "%s/cpu.cfs_quota_us", folder);
	int r = file_read_u64(h, path, quota, &missing);
	if (r < 0)
		return r;
	snprintf(path, sizeof(path), "%s/cpu.cfs_period_us", folder);
	r = file_read_u64(h, path, period, &missing);
	return r < 0 ? r : *period > 0 && *quota > 0 ? 0 : -ENOENT;
}

static void read_stat(const struct host *h, const char *folder, struct cgroup_cpu *c)
{
	char path[PATH_MAX], text[2048], name[32], value[24], *save;
	struct err missing;

	c->periods = c->throttled = 0;
	snprintf(path, sizeof(path), "%s/cpu.stat", folder);
	if (file_read(h, path, text, sizeof(text), &missing) < 0)
		return;
	for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		const char *rest = parse_word(line, name, sizeof(name));
		uint64_t *field = !strcmp(name, "nr_periods")	  ? &c->periods
				  : !strcmp(name, "nr_throttled") ? &c->throttled
								  : NULL;

		if (field && rest && parse_word(rest, value, sizeof(value)))
			(void)!parse_u64(value, 0, UINT64_MAX, field);
	}
}

static void judge_group(const struct host *h, const struct mount *m, const char *group,
			struct cgroup_cpu *c)
{
	char folder[PATH_MAX];
	uint64_t quota, period;
	int n = snprintf(folder, sizeof(folder), "%s%s", m->point, group);

	if (n < 0 || (size_t)n >= sizeof(folder) - 32)
		return;
	int r = m->version == 2 ? read_quota_v2(h, folder, &quota, &period)
				: read_quota_v1(h, folder, &quota, &period);
	if (r < 0)
		return;
	/* Shares of a CPU, compared as fractions: quota / period. */
	if (c->quota_us &&
	    (unsigned __int128)quota * c->period_us >= (unsigned __int128)c->quota_us * period)
		return;
	c->quota_us = quota;
	c->period_us = period;
	snprintf(c->owner, sizeof(c->owner), "%s%s", strcmp(m->root, "/") ? m->root : "", group);
	if (!c->owner[0])
		snprintf(c->owner, sizeof(c->owner), "/");
	read_stat(h, folder, c);
}

/* From the group up to the mount's own; what lies above it is not to be seen from here. */
static void walk(const struct host *h, const struct mount *m, const char *group,
		 struct cgroup_cpu *c)
{
	char path[PATH_MAX];
	const char *rest = below(m->root, group);

	/* "/../…": the group is outside this cgroup namespace; the mount's own group is not. */
	snprintf(path, sizeof(path), "%s", rest && strncmp(rest, "/..", 3) ? rest : "");
	for (;;) {
		judge_group(h, m, path, c);
		char *last = strrchr(path, '/');
		if (!last)
			return;
		*last = '\0';
	}
}

/* On a hybrid host cgroup2 is mounted without the controllers that v1 hierarchies hold. */
static bool v2_has_cpu(const struct host *h, const struct mount *m)
{
	char path[PATH_MAX], text[512], word[32];
	struct err missing;

	if (snprintf(path, sizeof(path), "%s/cgroup.controllers", m->point) >= PATH_MAX ||
	    file_read(h, path, text, sizeof(text), &missing) < 0)
		return false;
	for (const char *p = text; (p = parse_word(p, word, sizeof(word)));) {
		if (!strcmp(word, "cpu"))
			return true;
	}
	return false;
}

static int find_mounts(const struct host *h, const char *v1_group, const char *v2_group,
		       struct mounts *ret, struct err *e)
{
	cleanup_free char *text = NULL;
	long n = file_read_all(h, "/proc/self/mountinfo", MOUNTINFO_MAX, &text, e);
	char *save;

	if (n < 0)
		return (int)n;
	for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save))
		read_mount(ret, line, v1_group, v2_group);
	return 0;
}

int cgroup_cpu(const struct host *h, pid_t pid, struct cgroup_cpu *ret, struct err *e)
{
	char path[64];
	cleanup_free char *text = NULL;
	const char *v1_group, *v2_group;

	if (pid)
		snprintf(path, sizeof(path), "/proc/%d/cgroup", pid);
	else
		snprintf(path, sizeof(path), "/proc/self/cgroup");
	long n = file_read_all(h, path, MEMBERSHIP_MAX, &text, e);
	if (pid && (n == -ENOENT || n == -ESRCH))
		return err_set(e, ESRCH, "read '%s': no such process", path);
	if (n == -ENOENT) { /* CONFIG_CGROUPS is off */
		memset(ret, 0, sizeof(*ret));
		return 0;
	}
	if (n < 0)
		return (int)n;
	read_membership(text, &v1_group, &v2_group);

	cleanup_free struct mounts *mounts = calloc(1, sizeof(*mounts));
	if (!mounts)
		out_of_memory();
	int r = find_mounts(h, v1_group, v2_group, mounts, e);
	if (r < 0)
		return r;
	memset(ret, 0, sizeof(*ret));
	if (mounts->v1.version) {
		ret->version = 1;
		walk(h, &mounts->v1, v1_group, ret);
	} else if (mounts->v2.version && v2_has_cpu(h, &mounts->v2)) {
		ret->version = 2;
		walk(h, &mounts->v2, v2_group, ret);
	}
	return 0;
}
