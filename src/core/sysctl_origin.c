/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/sysctl_origin.h"

#include <errno.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "core/conf_files.h"
#include "sys/sysctl.h"

/* In the order of precedence of sysctl.d(5). */
static const char *const folders[] = {
	"/etc/sysctl.d",     "/run/sysctl.d", "/usr/local/lib/sysctl.d",
	"/usr/lib/sysctl.d", "/lib/sysctl.d",
};

static void note_unread(void *data, const char *path, const struct err *e)
{
	struct sysctl_config *c = data;
	struct sysctl_unread *u =
		array_push((void **)&c->unread, &c->unreads, &c->unreads_cap, sizeof(*u));

	u->file = arena_strdup(&c->arena, path);
	u->reason = arena_strdup(&c->arena, e->msg);
}

/*
 * "net/ipv4/conf/eth0.100/rp_filter" and "net.ipv4.conf.eth0/100.rp_filter" are the same: the first
 * of the two signs separates, the other one stands for a dot (sysctl.d(5)).
 */
static void spell_key(char *key)
{
	if (key[strcspn(key, "./")] != '/')
		return;
	for (; *key; key++)
		*key = *key == '/' ? '.' : *key == '.' ? '/' : *key;
}

static void read_line(void *data, char *text, const char *file, unsigned number)
{
	struct sysctl_config *c = data;
	char *key = conf_trim(text), *equals = strchr(key, '=');
	bool optional = *key == '-';

	/* A line that is no assignment is skipped with a warning by systemd, too. */
	if (!*key || strchr("#;", *key) || (!equals && !optional))
		return;
	if (equals)
		*equals = '\0';
	key = conf_trim(key + optional);
	spell_key(key);
	if (!*key || strlen(key) >= SYSCTL_KEY_MAX)
		return;

	struct sysctl_line *l = array_push((void **)&c->item, &c->len, &c->cap, sizeof(*l));

	*l = (struct sysctl_line){
		.key = arena_strdup(&c->arena, key),
		.value = equals ? arena_strdup(&c->arena, conf_trim(equals + 1)) : NULL,
		.file = file,
		.line = number,
		.is_glob = strpbrk(key, "*?[") != NULL,
		.optional = optional,
	};
}

/* systemd reads the ones of sysctl.d only; procps reads this one, too, and last. */
static void read_sysctl_conf(const struct conf_reader *r, const struct conf_id *ids, size_t len)
{
	static const char path[] = "/etc/sysctl.conf";
	struct sysctl_config *c = r->data;
	struct conf_id id = {0};
	size_t before = c->len;
	struct err e;
	int result = conf_read(r, path, &id, &e);

	if (result < 0) {
		if (result != -ENOENT)
			note_unread(c, path, &e);
		return;
	}
	for (size_t i = 0; i < len; i++) {
		if (ids[i].device == id.device && ids[i].inode == id.inode) {
			c->len = before;
			return;
		}
	}
	c->files += result > 0;
}

void sysctl_config_read(const struct host *h, struct sysctl_config *ret)
{
	const struct conf_reader r = {h, &ret->arena, read_line, note_unread, ret};
	cleanup_with(conf_files_done) struct conf_files files = {0};

	for (size_t i = 0; i < ARRAY_LEN(folders); i++)
		conf_list(&r, folders[i], &files);
	conf_sort(&files);

	cleanup_free struct conf_id *ids = calloc(files.len + 1, sizeof(*ids));

	if (!ids)
		out_of_memory();
	for (size_t i = 0; i < files.len; i++) {
		struct err e;
		int result = conf_read(&r, files.item[i].path, &ids[i], &e);

		/* A link to nothing hides a file as well as one to /dev/null. */
		if (result < 0 && result != -ENOENT)
			note_unread(ret, files.item[i].path, &e);
		ret->files += result > 0;
	}
	read_sysctl_conf(&r, ids, files.len);
}

/* The path beneath /proc/sys, since a '*' stops at a slash (glob(7)) and not at a dot. */
static void key_to_path(const char *key, char path[SYSCTL_KEY_MAX])
{
	snprintf(path, SYSCTL_KEY_MAX, "%s", key);
	for (char *p = path; *p; p++)
		*p = *p == '.' ? '/' : *p == '/' ? '.' : *p;
}

const struct sysctl_line *sysctl_config_find(const struct sysctl_config *c, const char *key)
{
	char path[SYSCTL_KEY_MAX], pattern[SYSCTL_KEY_MAX];
	const struct sysctl_line *glob = NULL;

	key_to_path(key, path);
	for (size_t i = c->len; i-- > 0;) {
		const struct sysctl_line *l = &c->item[i];

		if (!l->is_glob && strcmp(l->key, key) == 0)
			return l->value ? l : NULL;
		if (!l->is_glob || glob || !l->value)
			continue;
		key_to_path(l->key, pattern);
		if (fnmatch(pattern, path, FNM_PATHNAME | FNM_PERIOD) == 0)
			glob = l;
	}
	return glob;
}

void sysctl_config_done(struct sysctl_config *c)
{
	free(c->item);
	free(c->unread);
	arena_done(&c->arena);
	*c = (struct sysctl_config){0};
}
