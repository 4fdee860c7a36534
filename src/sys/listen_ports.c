/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "sys/listen_ports.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/parse.h"
#include "sys/file.h"
#include "sys/nl_sockdiag.h"

/* A link of /proc/PID/fd reads "socket:[INODE]". */
static bool socket_inode(int dir_fd, const char *name, uint32_t *ret)
{
	char text[64];
	ssize_t n = readlinkat(dir_fd, name, text, sizeof(text) - 1);
	uint64_t inode;

	if (n < 10 || strncmp(text, "socket:[", 8) != 0)
		return false;
	text[n - 1] = '\0';
	if (parse_u64(text + 8, 1, UINT32_MAX, &inode) < 0)
		return false;
	*ret = (uint32_t)inode;
	return true;
}

int listen_ports_of(const struct host *h, pid_t pid, struct ranges *ret, struct err *e)
{
	cleanup_free struct listener *listeners = NULL;
	size_t len = 0;
	char path[64];
	int r = sockdiag_listeners(h, &listeners, &len, e);

	if (r < 0)
		return r;
	snprintf(path, sizeof(path), "/proc/%d/fd", (int)pid);

	cleanup_close int fd = file_open(h, path, O_RDONLY | O_DIRECTORY, e);

	if (fd == -ENOENT)
		return err_set(e, ESRCH, "find where process '%d' listens: there is no such one",
			       (int)pid);
	if (fd < 0)
		return fd;

	cleanup_closedir DIR *dir = fdopendir(fd);

	if (!dir)
		return err_errno(e, errno, "read '%s'", path);
	(void)TAKE_FD(fd);
	for (const struct dirent *entry; (entry = readdir(dir));) {
		uint32_t inode;

		if (!socket_inode(dirfd(dir), entry->d_name, &inode))
			continue;
		for (size_t i = 0; i < len; i++)
			if (listeners[i].inode == inode)
				ranges_add(ret, listeners[i].port, listeners[i].port);
	}
	return 0;
}
