/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/conf_files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "sys/file.h"

#define FILE_BYTES_MAX (1u << 20)
#define FILES_MAX 1000

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

void conf_list(const struct conf_reader *r, const char *folder, struct conf_files *files)
{
	struct err e;
	int fd = file_open(r->host, folder, O_RDONLY | O_DIRECTORY, &e);
	DIR *opened = fd >= 0 ? fdopendir(fd) : NULL;
	cleanup_closedir DIR *dir = opened;

	if (!dir) {
		int result = fd < 0 ? fd : err_errno(&e, errno, "list '%s'", folder);

		if (fd >= 0)
			close(fd);
		if (result != -ENOENT && result != -ENOTDIR)
			r->unread(r->data, folder, &e);
		return;
	}
	for (const struct dirent *d; (d = readdir(dir)) && files->len < FILES_MAX;) {
		if (!is_conf(d->d_name) || has_name(files, d->d_name))
			continue;

		struct conf_file *f =
			array_push((void **)&files->item, &files->len, &files->cap, sizeof(*f));

		f->path = arena_printf(r->arena, "%s/%s", folder, d->d_name);
		f->name = strrchr(f->path, '/') + 1;
	}
}

static int by_name(const void *a, const void *b)
{
	const struct conf_file *x = a, *y = b;

	return strcmp(x->name, y->name);
}

void conf_sort(struct conf_files *files)
{
	if (files->len)
		qsort(files->item, files->len, sizeof(*files->item), by_name);
}

char *conf_trim(char *s)
{
	s += strspn(s, CONF_BLANKS);
	for (size_t len = strlen(s); len && strchr(CONF_BLANKS, s[len - 1]); len--)
		s[len - 1] = '\0';
	return s;
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

int conf_read(const struct conf_reader *r, const char *path, struct conf_id *id, struct err *e)
{
	struct stat st;
	/* Without O_NONBLOCK the opening of a named pipe would wait for a writer. */
	cleanup_close int fd = file_open(r->host, path, O_RDONLY | O_NONBLOCK, e);

	if (fd < 0)
		return fd;
	if (fstat(fd, &st) < 0)
		return err_errno(e, errno, "look at '%s'", path);
	if (id)
		*id = (struct conf_id){st.st_dev, st.st_ino};
	if (!S_ISREG(st.st_mode))
		return 0;
	if ((size_t)st.st_size >= FILE_BYTES_MAX)
		return err_set(e, EFBIG, "read '%s': longer than a megabyte", path);

	cleanup_free char *text = malloc(FILE_BYTES_MAX);

	if (!text)
		out_of_memory();

	long n = read_all(fd, text);
	unsigned number = 0;

	if (n < 0)
		return err_errno(e, (int)-n, "read '%s'", path);

	const char *file = arena_strdup(r->arena, path);

	for (char *line = text, *next; line; line = next) {
		next = strchr(line, '\n');
		if (next)
			*next++ = '\0';
		r->line(r->data, line, file, ++number);
	}
	return 1;
}

void conf_read_all(const struct conf_reader *r, const struct conf_files *files)
{
	for (size_t i = 0; i < files->len; i++) {
		struct err e;
		int result = conf_read(r, files->item[i].path, NULL, &e);

		if (result < 0 && result != -ENOENT)
			r->unread(r->data, files->item[i].path, &e);
	}
}

void conf_files_done(struct conf_files *files)
{
	free(files->item);
	*files = (struct conf_files){0};
}
