/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "sys/sysctl.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "sys/file.h"

#define PATH_SIZE (SYSCTL_KEY_MAX + 16)

bool sysctl_key_valid(const char *key)
{
	size_t len = strlen(key), part = 0;

	if (len == 0 || len >= SYSCTL_KEY_MAX)
		return false;
	for (size_t i = 0; i <= len; i++) {
		char c = key[i];

		if (c == '.' || c == '\0') {
			/* Empty ("a..b"), or a '/' at an end ("net./.core" is net.core again). */
			if (i == part || key[part] == '/' || key[i - 1] == '/')
				return false;
			part = i + 1;
		} else if (!isalnum((unsigned char)c) && !strchr("_-/:@+", c)) {
			return false;
		}
	}
	/* A '/' stands for a dot inside a name: two would be the parent folder. */
	return !strstr(key, "//");
}

static void key_path(const char *key, char path[PATH_SIZE])
{
	int n = snprintf(path, PATH_SIZE, "/proc/sys/%s", key);

	for (int i = (int)strlen("/proc/sys/"); i < n; i++) {
		if (path[i] == '.')
			path[i] = '/';
		else if (path[i] == '/')
			path[i] = '.';
	}
}

static int open_key(const struct host *h, const char *key, int flags, struct err *e)
{
	char path[PATH_SIZE];
	struct err open_err;

	if (!sysctl_key_valid(key))
		return err_set(e, ERR_BAD_INPUT, "'%s' is not the name of a sysctl", key);
	key_path(key, path);
	int fd = file_open(h, path, flags, &open_err);

	if (fd < 0)
		return err_errno(e, open_err.code, "open sysctl '%s'", key);
	return fd;
}

int sysctl_read(const struct host *h, const char *key, char *buf, struct err *e)
{
	char path[PATH_SIZE];
	struct err read_err;

	if (!sysctl_key_valid(key))
		return err_set(e, ERR_BAD_INPUT, "'%s' is not the name of a sysctl", key);
	key_path(key, path);
	long n = file_read(h, path, buf, SYSCTL_VALUE_MAX, &read_err);
	if (n < 0)
		return err_errno(e, read_err.code, "read sysctl '%s'", key);
	return 0;
}

int sysctl_writable(const struct host *h, const char *key, struct err *e)
{
	struct stat st;
	cleanup_close int fd = open_key(h, key, O_PATH, e);

	if (fd < 0)
		return fd;
	if (fstat(fd, &st) < 0)
		return err_errno(e, errno, "look at sysctl '%s'", key);
	if (!(st.st_mode & (S_IWUSR | S_IWGRP | S_IWOTH)))
		return err_set(e, EROFS, "sysctl '%s' is read-only here: the host owns it", key);

	/* The kernel checks privileges at open (proc_sys_permission), so opening is the question.
	 */
	cleanup_close int writable = open_key(h, key, O_WRONLY, e);

	return writable < 0 ? writable : 0;
}

int sysctl_write(const struct host *h, const char *key, const char *value, struct err *e)
{
	size_t len = strlen(value);

	if (h->captured)
		return err_set(e, EROFS, "write sysctl '%s': a captured host is never written",
			       key);
	cleanup_close int fd = open_key(h, key, O_WRONLY, e);
	if (fd < 0)
		return fd;

	ssize_t n = write(fd, value, len);
	if (n < 0)
		return err_errno(e, errno, "write '%s' to sysctl '%s'", value, key);
	if ((size_t)n != len)
		return err_set(e, EIO, "write '%s' to sysctl '%s': the kernel took only %zd bytes",
			       value, key, n);
	return 0;
}
