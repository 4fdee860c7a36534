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
#define STAT_MAX (64u << 10)

/* Where the hierarchy of a controller is mounted, and which of its groups is the mount. */
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
static void read_mount(struct mounts *all, char *line, const char *controller, const char *v1_group,
		       const char *v2_group)
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

		if (options && list_has(options + 1, controller))
			keep_mount(&all->v1, 1, field[3], field[4], v1_group);
	}
}

/*
 * /proc/PID/cgroup: "4:cpu,cpuacct:/path" and "0::/path". The paths point into text; NULL: the
 * process is in no such hierarchy.
 */
static void read_membership(char *text, const char *controller, const char **v1_group,
			    const char **v2_group)
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
		else if (list_has(controllers + 1, controller))
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
	long n = file_read(h, path, text, sizeof(text), &missing);
	if (n < 0)
		return (int)n;
	const char *rest = parse_word(text, word, sizeof(word));
	if (rest && strcmp(word, "max") == 0)
		return -ENOENT;
	if (!rest || parse_u64(word, 1, UINT64_MAX, quota) < 0 ||
	    !parse_word(rest, word, sizeof(word)))
		return -EINVAL;
	return parse_u64(word, 1, UINT64_MAX, period);
}

/* cfs_quota_us is -1 without a quota. */
static int read_quota_v1(const struct host *h, const char *folder, uint64_t *quota,
			 uint64_t *period)
{
	char path[PATH_MAX], text[32];
	struct err missing;

	snprintf(path, sizeof(path), "%s/cpu.cfs_quota_us", folder);
	long n = file_read(h, path, text, sizeof(text), &missing);
	if (n < 0)
		return (int)n;
	if (strcmp(text, "-1") == 0)
		return -ENOENT;
	int r = parse_u64(text, 0, UINT64_MAX, quota);
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

static void judge_quota(const struct host *h, int version, const char *folder, const char *group,
			void *data)
{
	struct cgroup_cpu *c = data;
	uint64_t quota, period;
	int r = version == 2 ? read_quota_v2(h, folder, &quota, &period)
			     : read_quota_v1(h, folder, &quota, &period);

	/* Not there: no quota, as in a v1 root. Anything else might hide one. */
	if (r < 0 && r != -ENOENT && !c->unreadable) {
		c->unreadable = -r;
		snprintf(c->owner, sizeof(c->owner), "%s", group);
	}
	if (r < 0 || c->unreadable)
		return;
	/* Shares of a CPU, compared as fractions: quota / period. */
	if (c->quota_us &&
	    (unsigned __int128)quota * c->period_us >= (unsigned __int128)c->quota_us * period)
		return;
	c->quota_us = quota;
	c->period_us = period;
	snprintf(c->owner, sizeof(c->owner), "%s", group);
	read_stat(h, folder, c);
}

/* One group of a walk. */
static void visit(const struct host *h, const struct mount *m, const char *group, cgroup_visit each,
		  void *data)
{
	char folder[PATH_MAX], owner[PATH_MAX];
	int n = snprintf(folder, sizeof(folder), "%s%s", m->point, group);

	if (n < 0 || (size_t)n >= sizeof(folder) - 32)
		return;
	n = snprintf(owner, sizeof(owner), "%s%s", strcmp(m->root, "/") ? m->root : "", group);
	if (n < 0 || (size_t)n >= sizeof(owner))
		return;
	each(h, m->version, folder, owner[0] ? owner : "/", data);
}

/* From the group up to the mount's own; what lies above it is not to be seen from here. */
static void walk(const struct host *h, const struct mount *m, const char *group, cgroup_visit each,
		 void *data)
{
	char path[PATH_MAX];
	const char *rest = below(m->root, group);

	/* "/../…": the group is outside this cgroup namespace; the mount's own group is not. */
	snprintf(path, sizeof(path), "%s", rest && strncmp(rest, "/..", 3) != 0 ? rest : "");
	for (;;) {
		visit(h, m, path, each, data);
		char *last = strrchr(path, '/');
		if (!last)
			return;
		*last = '\0';
	}
}

/* On a hybrid host cgroup2 is mounted without the controllers that v1 hierarchies hold. */
static bool v2_has(const struct host *h, const struct mount *m, const char *controller)
{
	char path[PATH_MAX], text[512], word[32];
	struct err missing;

	if (snprintf(path, sizeof(path), "%s/cgroup.controllers", m->point) >= PATH_MAX ||
	    file_read(h, path, text, sizeof(text), &missing) < 0)
		return false;
	for (const char *p = text; (p = parse_word(p, word, sizeof(word)));) {
		if (!strcmp(word, controller))
			return true;
	}
	return false;
}

static int find_mounts(const struct host *h, const char *controller, const char *v1_group,
		       const char *v2_group, struct mounts *ret, struct err *e)
{
	cleanup_free char *text = NULL;
	long n = file_read_all(h, "/proc/self/mountinfo", MOUNTINFO_MAX, &text, e);
	char *save;

	if (n < 0)
		return (int)n;
	for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save))
		read_mount(ret, line, controller, v1_group, v2_group);
	return 0;
}

int cgroup_walk(const struct host *h, pid_t pid, const char *controller, cgroup_visit each,
		void *data, struct err *e)
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
	if (n == -ENOENT) /* CONFIG_CGROUPS is off */
		return 0;
	if (n < 0)
		return (int)n;
	read_membership(text, controller, &v1_group, &v2_group);

	cleanup_free struct mounts *mounts = calloc(1, sizeof(*mounts));
	if (!mounts)
		out_of_memory();
	int r = find_mounts(h, controller, v1_group, v2_group, mounts, e);
	if (r < 0)
		return r;
	if (v1_group && mounts->v1.version) {
		walk(h, &mounts->v1, v1_group, each, data);
		return 1;
	}
	if (v2_group && mounts->v2.version && v2_has(h, &mounts->v2, controller)) {
		walk(h, &mounts->v2, v2_group, each, data);
		return 2;
	}
	return 0;
}

int cgroup_cpu(const struct host *h, pid_t pid, struct cgroup_cpu *ret, struct err *e)
{
	memset(ret, 0, sizeof(*ret));
	int r = cgroup_walk(h, pid, "cpu", judge_quota, ret, e);

	if (r < 0)
		return r;
	ret->version = r;
	if (ret->unreadable)
		return err_errno(e, ret->unreadable, "read the CPU quota of control group '%s'",
				 ret->owner);
	return 0;
}

static int read_number(const struct host *h, const char *folder, const char *file, uint64_t *ret)
{
	char path[PATH_MAX];
	struct err missing; /* "max" is not a number here: no limit */

	if (snprintf(path, sizeof(path), "%s/%s", folder, file) >= PATH_MAX)
		return -ENOENT;
	return file_read_u64(h, path, ret, &missing);
}

/*
 * Page cache that nobody used lately is given back before the limit hurts (try_charge_memcg(),
 * mm/memcontrol.c), so it is not in the way.
 */
static uint64_t idle_cache(const struct host *h, int version, const char *folder)
{
	cleanup_free char *text = NULL;
	char path[PATH_MAX], name[64], value[24], *save;
	const char *wanted = version == 2 ? "inactive_file" : "total_inactive_file";
	struct err missing;
	uint64_t n = 0;

	if (snprintf(path, sizeof(path), "%s/memory.stat", folder) >= PATH_MAX ||
	    file_read_all(h, path, STAT_MAX, &text, &missing) < 0)
		return 0;
	for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		const char *rest = parse_word(line, name, sizeof(name));

		if (rest && !strcmp(name, wanted) && parse_word(rest, value, sizeof(value)))
			(void)!parse_u64(value, 0, UINT64_MAX, &n);
	}
	return n;
}

/* What a walk for room looks for. */
struct room_search {
	const char *max[3], *now[3]; /* file names by version */
	bool memory;
	struct cgroup_room *room;
};

static void judge_room(const struct host *h, int version, const char *folder, const char *group,
		       void *data)
{
	const struct room_search *s = data;
	struct cgroup_room *best = s->room;
	uint64_t max, now;

	if (!s->max[version] || read_number(h, folder, s->max[version], &max) < 0 ||
	    max >= CGROUP_NO_LIMIT || read_number(h, folder, s->now[version], &now) < 0)
		return;

	uint64_t cache = s->memory ? idle_cache(h, version, folder) : 0;

	now -= cache < now ? cache : now;

	uint64_t left = max > now ? max - now : 0;

	if (best->limited && left >= (best->max > best->now ? best->max - best->now : 0))
		return;
	best->limited = true;
	best->max = max;
	best->now = now;
	snprintf(best->owner, sizeof(best->owner), "%s", group);
}

int cgroup_pids(const struct host *h, pid_t pid, struct cgroup_room *ret, struct err *e)
{
	struct room_search s = {
		.max = {NULL, "pids.max", "pids.max"},
		.now = {NULL, "pids.current", "pids.current"},
		.room = ret,
	};

	*ret = (struct cgroup_room){0};
	int r = cgroup_walk(h, pid, "pids", judge_room, &s, e);

	if (r >= 0)
		ret->version = r;
	return r < 0 ? r : 0;
}

static int find_memory(const struct host *h, pid_t pid, struct room_search *s,
		       struct cgroup_room *ret, struct err *e)
{
	s->now[1] = "memory.usage_in_bytes";
	s->now[2] = "memory.current";
	s->memory = true;
	s->room = ret;
	*ret = (struct cgroup_room){0};
	int r = cgroup_walk(h, pid, "memory", judge_room, s, e);

	if (r >= 0)
		ret->version = r;
	return r < 0 ? r : 0;
}

int cgroup_memory(const struct host *h, pid_t pid, struct cgroup_room *ret, struct err *e)
{
	struct room_search s = {.max = {NULL, "memory.limit_in_bytes", "memory.max"}};

	return find_memory(h, pid, &s, ret, e);
}

int cgroup_memory_high(const struct host *h, pid_t pid, struct cgroup_room *ret, struct err *e)
{
	struct room_search s = {.max = {NULL, NULL, "memory.high"}};

	return find_memory(h, pid, &s, ret, e);
}
