/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/sysctl_origin.h"

#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "sys/file.h"
#include "sys/sysctl.h"

#define FILE_BYTES_MAX (1u << 20)
#define FILES_MAX 1000
#define BLANKS " \t\r\n"

/* In the order of precedence of sysctl.d(5). */
static const char *const folders[] = {
	"/etc/sysctl.d",     "/run/sysctl.d", "/usr/local/lib/sysctl.d",
	"/usr/lib/sysctl.d", "/lib/sysctl.d",
};

/* A file to be read; the name is what is sorted by. */
struct conf_file {
	const char *path, *name;
};

struct conf_files {
	struct conf_file *item;
	size_t len, cap;
};

/* Which files were read, however they were reached. */
struct file_id {
	dev_t device;
	ino_t inode;
};

static void note_unread(struct sysctl_config *c, const char *path, const struct err *e)
{
	struct sysctl_unread *u =
		array_push((void **)&c->unread, &c->unreads, &c->unreads_cap, sizeof(*u));

	u->file = arena_strdup(&c->arena, path);
	u->reason = arena_strdup(&c->arena, e->msg);
}

static bool is_conf(const char *name)
{
	size_t len = strlen(name);

	return name[0] != '.' && len > 5 && strcmp(name + len - 5, ".conf") == 0;
}

static bool has_name(const struct conf_files *files, const char *name)
{
	for (size_t i = 0; i < files->len; i++)
		if (strcmp(files->item[i].name, name) == 0)
			return true;
	return false;
}

static void list_folder(const struct host *h, const char *folder, struct conf_files *files,
			struct sysctl_config *c)
{
	struct err e;
	int fd = file_open(h, folder, O_RDONLY | O_DIRECTORY, &e);
	DIR *opened = fd >= 0 ? fdopendir(fd) : NULL;
	cleanup_closedir DIR *dir = opened;

	if (!dir) {
		int r = fd < 0 ? fd : err_errno(&e, errno, "list '%s'", folder);

		if (fd >= 0)
			close(fd);
		if (r != -ENOENT && r != -ENOTDIR)
			note_unread(c, folder, &e);
		return;
	}
	for (const struct dirent *d; (d = readdir(dir)) && files->len < FILES_MAX;) {
		if (!is_conf(d->d_name) || has_name(files, d->d_name))
			continue;

		struct conf_file *f =
			array_push((void **)&files->item, &files->len, &files->cap, sizeof(*f));

		f->path = arena_printf(&c->arena, "%s/%s", folder, d->d_name);
		f->name = strrchr(f->path, '/') + 1;
	}
}

static int by_name(const void *a, const void *b)
{
	const struct conf_file *x = a, *y = b;

	return strcmp(x->name, y->name);
}

static char *trim(char *s)
{
	s += strspn(s, BLANKS);
	for (size_t len = strlen(s); len && strchr(BLANKS, s[len - 1]); len--)
		s[len - 1] = '\0';
	return s;
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

static void read_line(char *text, const char *file, unsigned number, struct sysctl_config *c)
{
	char *key = trim(text), *equals = strchr(key, '=');
	bool optional = *key == '-';

	/* A line that is no assignment is skipped with a warning by systemd, too. */
	if (!*key || strchr("#;", *key) || (!equals && !optional))
		return;
	if (equals)
		*equals = '\0';
	key = trim(key + optional);
	spell_key(key);
	if (!*key || strlen(key) >= SYSCTL_KEY_MAX)
		return;

	struct sysctl_line *l = array_push((void **)&c->item, &c->len, &c->cap, sizeof(*l));

	*l = (struct sysctl_line){
		.key = arena_strdup(&c->arena, key),
		.value = equals ? arena_strdup(&c->arena, trim(equals + 1)) : NULL,
		.file = file,
		.line = number,
		.is_glob = strpbrk(key, "*?[") != NULL,
		.optional = optional,
	};
}

static long read_all(int fd, char *text)
{
	size_t have = 0;

	while (have < FILE_BYTES_MAX) {
		ssize_t n = read(fd, text + have, FILE_BYTES_MAX - have);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		have += (size_t)n;
	}
	text[have < FILE_BYTES_MAX ? have : FILE_BYTES_MAX - 1] = '\0';
	return have < FILE_BYTES_MAX ? (long)have : -EFBIG;
}

/* 0 with *id set; -ENOENT: nothing there. A pipe or a device holds no settings: nothing either. */
static int read_file(const struct host *h, const char *path, struct file_id *id,
		     struct sysctl_config *c, struct err *e)
{
	struct stat st;
	/* Without O_NONBLOCK the opening of a named pipe would wait for a writer. */
	cleanup_close int fd = file_open(h, path, O_RDONLY | O_NONBLOCK, e);

	if (fd < 0)
		return fd;
	if (fstat(fd, &st) < 0)
		return err_errno(e, errno, "look at '%s'", path);
	*id = (struct file_id){st.st_dev, st.st_ino};
	if (!S_ISREG(st.st_mode))
		return 0;

	size_t size = (size_t)st.st_size;

	if (size >= FILE_BYTES_MAX)
		return err_set(e, EFBIG, "read '%s': longer than a megabyte", path);

	cleanup_free char *text = malloc(FILE_BYTES_MAX);

	if (!text)
		out_of_memory();

	long n = read_all(fd, text);
	unsigned number = 0;

	if (n < 0)
		return err_errno(e, (int)-n, "read '%s'", path);

	const char *file = arena_strdup(&c->arena, path);

	for (char *line = text, *next; line; line = next) {
		next = strchr(line, '\n');
		if (next)
			*next++ = '\0';
		read_line(line, file, ++number, c);
	}
	c->files++;
	return 0;
}

/* systemd reads the ones of sysctl.d only; procps reads this one, too, and last. */
static void read_sysctl_conf(const struct host *h, const struct file_id *ids, size_t len,
			     struct sysctl_config *c)
{
	static const char path[] = "/etc/sysctl.conf";
	struct file_id id = {0};
	size_t before = c->len, files = c->files;
	struct err e;
	int r = read_file(h, path, &id, c, &e);

	if (r < 0) {
		if (r != -ENOENT)
			note_unread(c, path, &e);
		return;
	}
	for (size_t i = 0; i < len; i++) {
		if (ids[i].device == id.device && ids[i].inode == id.inode) {
			c->len = before;
			c->files = files;
			return;
		}
	}
}

void sysctl_config_read(const struct host *h, struct sysctl_config *ret)
{
	struct conf_files files = {0};

	for (size_t i = 0; i < ARRAY_LEN(folders); i++)
		list_folder(h, folders[i], &files, ret);
	if (files.len)
		qsort(files.item, files.len, sizeof(*files.item), by_name);

	cleanup_free struct file_id *ids = calloc(files.len + 1, sizeof(*ids));

	if (!ids)
		out_of_memory();
	for (size_t i = 0; i < files.len; i++) {
		struct err e;
		int r = read_file(h, files.item[i].path, &ids[i], ret, &e);

		/* A link to nothing hides a file as well as one to /dev/null. */
		if (r < 0 && r != -ENOENT)
			note_unread(ret, files.item[i].path, &e);
	}
	read_sysctl_conf(h, ids, files.len, ret);
	free(files.item);
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
