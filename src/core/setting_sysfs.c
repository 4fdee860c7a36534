/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Files of sysfs: which ones a pattern names, and what they say. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/cleanup.h"
#include "base/cpumask.h"
#include "base/ranges.h"
#include "base/strbuf.h"
#include "core/setting_kind.h"
#include "core/sysfs_key.h"
#include "core/sysfs_open.h"

#define CPU_FOLDER "/sys/devices/system/cpu/"

static void about(const char *key, struct setting_about *ret)
{
	const struct sysfs_key *k = sysfs_key_find(key);

	*ret = k ? (struct setting_about){k->check, k->severity, k->why, !k->of_netns}
		 : (struct setting_about){0};
}

int sysfs_open_for(struct sysfs *s, const struct host *h, const struct sysfs_key *k, struct err *e)
{
	return k->of_netns ? sysfs_open_net(s, h, e) : sysfs_open(s, h, e);
}

/* The word in brackets: "always [madvise] never". */
static int chosen_word(const char *key, char *buf, struct err *e)
{
	char *open = strchr(buf, '['), *close = open ? strchr(open, ']') : NULL;

	if (!close)
		return err_set(e, EPROTO, "read '%s': '%s' has no word in brackets", key, buf);
	*close = '\0';
	memmove(buf, open + 1, strlen(open + 1) + 1);
	return 0;
}

static int absent(const struct sysfs_key *k, const char *key, struct err *e)
{
	return err_set(e, ENOENT, "'%s' is not there: %s", key,
		       k->of_netns ? "no such device or queue in this network namespace, or the "
				     "kernel or the device does not have it"
				   : "this kernel or this machine does not have it");
}

static int read_in(const struct sysfs *s, const struct sysfs_key *k, const char *key, char *buf,
		   struct err *e)
{
	long n = sysfs_read(s, sysfs_beneath(key), buf, SETTING_VALUE_MAX, e);

	/* A device with one queue has the file, but no mask to tell (xps_cpus_show()). */
	if (n == -ENOENT || n == -ENODEV)
		return absent(k, key, e);
	if (n < 0)
		return (int)n;
	return k->chosen ? chosen_word(key, buf, e) : 0;
}

static int read_value(const struct host *h, const char *key, char *buf, struct err *e)
{
	const struct sysfs_key *k = sysfs_key_find(key);
	cleanup_with(sysfs_close) struct sysfs s = {.fd = -1};

	if (!k)
		return err_set(e, ERR_BAD_INPUT, "'%s' may not be set by a profile", key);
	int r = sysfs_open_for(&s, h, k, e);
	return r < 0 ? r : read_in(&s, k, key, buf, e);
}

/* The walk over what the parts of a pattern match. */
struct walk {
	const struct sysfs *fs;
	const struct sysfs_key *key;
	struct arena arena;
	const char **found;
	size_t len, cap;
};

static void walk_done(struct walk *w)
{
	free(w->found);
	arena_done(&w->arena);
}

/*
 * One policy may be of many CPUs, and cpuN/cpufreq is a link to it (cpufreq_add_dev(), 4.3): the
 * policy's name is the one to use, so that no file is written twice.
 */
static void name_policy(const struct walk *w, char path[SYSFS_PATH_MAX])
{
	char link[SYSFS_PATH_MAX], policy[64], named[SYSFS_PATH_MAX + 64];
	const char *file = strrchr(path, '/');
	struct err ignored;

	if (strncmp(path, CPU_FOLDER "cpu", strlen(CPU_FOLDER "cpu")) != 0)
		return;
	snprintf(link, sizeof(link), "%.*s", (int)(file - path), path);
	if (sysfs_link(w->fs, sysfs_beneath(link), policy, sizeof(policy), &ignored) < 0)
		return;
	snprintf(named, sizeof(named), CPU_FOLDER "cpufreq/%s%s", policy, file);
	if (sysfs_key_find(named))
		memcpy(path, named, strlen(named) + 1);
}

static void keep(struct walk *w, const char *full)
{
	char path[SYSFS_PATH_MAX], ignored_value[SETTING_VALUE_MAX];
	struct err ignored;

	snprintf(path, sizeof(path), "%s", full);
	name_policy(w, path);
	for (size_t i = 0; i < w->len; i++)
		if (strcmp(w->found[i], path) == 0)
			return;
	/* What a pattern meets and what has no such setting is not meant (xps_cpus of a device
	 * with one queue); what cannot be read for another reason is. */
	if (read_in(w->fs, w->key, path, ignored_value, &ignored) == -ENOENT)
		return;
	*(const char **)array_push((void **)&w->found, &w->len, &w->cap, sizeof(*w->found)) =
		arena_strdup(&w->arena, path);
}

/* Names in a folder that one part matches. */
struct names {
	const char *row_part, *path_part;
	struct arena *arena;
	const char **item;
	size_t len, cap;
};

static int on_name(const char *name, void *data)
{
	struct names *n = data;

	if (sysfs_part_matches(n->row_part, n->path_part, name))
		*(const char **)array_push((void **)&n->item, &n->len, &n->cap, sizeof(*n->item)) =
			arena_strdup(n->arena, name);
	return 0;
}

/* rx-2 before rx-10 */
static int by_name(const void *a, const void *b)
{
	return strverscmp(*(const char *const *)a, *(const char *const *)b);
}

/*
 * done: the path so far, of real names; row, path: what is left of the row and the pattern. Depth
 * is the number of parts of a row.
 */
static int descend(struct walk *w, const char *done, const char *row, const char *path,
		   struct err *e)
{
	char row_part[SYSFS_PATH_MAX], path_part[SYSFS_PATH_MAX], next[SYSFS_PATH_MAX];

	if (!*row) {
		keep(w, done);
		return 0;
	}

	size_t row_len = strcspn(row + 1, "/"), path_len = strcspn(path + 1, "/");

	snprintf(row_part, sizeof(row_part), "%.*s", (int)row_len, row + 1);
	snprintf(path_part, sizeof(path_part), "%.*s", (int)path_len, path + 1);
	row += 1 + row_len;
	path += 1 + path_len;

	if (!strchr(row_part, '*') || !sysfs_is_pattern(path_part)) {
		if (snprintf(next, sizeof(next), "%s/%s", done, path_part) >= (int)sizeof(next))
			return 0;
		return descend(w, next, row, path, e);
	}

	struct names names = {.row_part = row_part, .path_part = path_part, .arena = &w->arena};
	int r = sysfs_list(w->fs, sysfs_beneath(done), on_name, &names, e);

	/* No such folder: nothing is there. ENOTDIR: /sys/class/net has a file, too (bonding). */
	if (r == -ENOENT || r == -ENOTDIR)
		r = 0;
	if (names.len)
		qsort(names.item, names.len, sizeof(*names.item), by_name);
	for (size_t i = 0; r == 0 && i < names.len; i++)
		if (snprintf(next, sizeof(next), "%s/%s", done, names.item[i]) < (int)sizeof(next))
			r = descend(w, next, row, path, e);
	free(names.item);
	return r;
}

static int expand(const struct host *h, const char *key, setting_each_fn *each, void *data,
		  struct err *e)
{
	const struct sysfs_key *k = sysfs_key_find(key);
	cleanup_with(sysfs_close) struct sysfs s = {.fd = -1};
	cleanup_with(walk_done) struct walk w = {.fs = &s, .key = k};

	if (!k)
		return err_set(e, ERR_BAD_INPUT, "'%s' may not be set by a profile", key);
	int r = sysfs_open_for(&s, h, k, e);
	if (r < 0)
		return r;
	/* What is named in full is meant even if it is not there: its reading says why. */
	if (!sysfs_is_pattern(key)) {
		char path[SYSFS_PATH_MAX];

		snprintf(path, sizeof(path), "%s", key);
		name_policy(&w, path);
		each(path, data);
		return 0;
	}
	r = descend(&w, "", k->pattern, key, e);
	for (size_t i = 0; r == 0 && i < w.len; i++)
		each(w.found[i], data);
	return r;
}

/* Adds what a list of CPUs says; where it is not there or says nothing ("(null)"), nothing. */
static void read_cpus(const struct sysfs *s, const char *name, struct ranges *ret)
{
	char path[64], text[SETTING_VALUE_MAX];
	struct err ignored;

	snprintf(path, sizeof(path), "devices/system/cpu/%s", name);
	if (sysfs_read(s, path, text, sizeof(text), &ignored) < 0 ||
	    ranges_parse(ret, text, CPU_MASK_CPUS - 1) < 0)
		ranges_done(ret);
}

/*
 * The kernel takes CPUs of isolcpus= and nohz_full= out of a mask of RPS
 * (rps_cpumask_housekeeping(), net/core/net-sysfs.c, 5.10 to 6.18), and who set them aside does not
 * want them to send either.
 */
static int all_cpus(const struct host *h, const char *key, char *buf, struct err *e)
{
	cleanup_with(sysfs_close) struct sysfs s = {.fd = -1};
	cleanup_with(ranges_done) struct ranges online = {0}, isolated = {0}, nohz = {0}, all = {0};
	cleanup_with(strbuf_done) struct strbuf text = {0};
	int r = sysfs_open(&s, h, e);

	if (r < 0)
		return r;
	read_cpus(&s, "online", &online);
	read_cpus(&s, "isolated", &isolated);
	read_cpus(&s, "nohz_full", &nohz);
	ranges_add_all(&isolated, &nohz);
	for (size_t i = 0; i < online.len; i++)
		for (uint32_t cpu = online.item[i].low; cpu <= online.item[i].high; cpu++)
			if (!ranges_contain(&isolated, cpu, cpu))
				ranges_add(&all, cpu, cpu);
	if (!all.len)
		return err_set(e, EIO, "'%s = %s': the CPUs that are online cannot be read", key,
			       SYSFS_ALL_CPUS);
	cpu_mask_format(&all, &text);
	snprintf(buf, SETTING_VALUE_MAX, "%s", strbuf_get(&text));
	return 0;
}

/* Older kernels know fewer words. */
static int word_known(const struct host *h, const struct sysfs_key *k, const char *key,
		      const char *want, struct err *e)
{
	cleanup_with(sysfs_close) struct sysfs s = {.fd = -1};
	char text[SETTING_VALUE_MAX], list[SETTING_VALUE_MAX];
	char *rest = NULL;
	int r = sysfs_open_for(&s, h, k, e);

	if (r < 0)
		return r;
	/* Not there: the reading of its value says so. */
	if (sysfs_read(&s, sysfs_beneath(key), text, sizeof(text), e) < 0)
		return 0;
	memcpy(list, text, sizeof(list));
	for (char *word = strtok_r(list, " []", &rest); word; word = strtok_r(NULL, " []", &rest))
		if (strcmp(word, want) == 0)
			return 0;
	return err_set(e, ERR_BAD_INPUT, "'%s = %s': this kernel knows only: %s", key, want, text);
}

static int resolve(const struct host *h, const char *key, const char *want, char *buf,
		   struct err *e)
{
	const struct sysfs_key *k = sysfs_key_find(key);

	if (!k)
		return err_set(e, ERR_BAD_INPUT, "'%s' may not be set by a profile", key);
	if (k->kind == VALUE_MASK && strcmp(want, SYSFS_ALL_CPUS) == 0)
		return all_cpus(h, key, buf, e);
	snprintf(buf, SETTING_VALUE_MAX, "%s", want);
	return k->chosen ? word_known(h, k, key, want, e) : 0;
}

const struct setting_kind setting_sysfs = {
	.kind = "sysfs",
	.about = about,
	.expand = expand,
	.resolve = resolve,
	.read = read_value,
};
