/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "sys/sysfs.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <linux/mount.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/parse.h"
#include "sys/file.h"

/* glibc has wrappers since 2.36 only. */
static int make_sysfs(void)
{
	cleanup_close int fs = (int)syscall(SYS_fsopen, "sysfs", FSOPEN_CLOEXEC);

	if (fs < 0 || syscall(SYS_fsconfig, fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
		return -errno;

	int fd = (int)syscall(SYS_fsmount, fs, FSMOUNT_CLOEXEC,
			      MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC);
	return fd < 0 ? -errno : fd;
}

int sysfs_open(struct sysfs *s, const struct host *h, struct err *e)
{
	struct statfs st;

	*s = (struct sysfs){.fd = -1, .host = h};
	cleanup_close int fd = file_open(h, "/sys", O_PATH | O_DIRECTORY, e);
	if (fd < 0)
		return fd;
	if (!h->captured && (fstatfs(fd, &st) < 0 || st.f_type != SYSFS_MAGIC))
		return err_set(e, ENODEV, "open '/sys': no sysfs is mounted there");
	s->fd = TAKE_FD(fd);
	return 0;
}

int sysfs_open_net(struct sysfs *s, const struct host *h, struct err *e)
{
	if (h->captured || (h->init_netns && !h->netns))
		return sysfs_open(s, h, e);
	*s = (struct sysfs){.fd = make_sysfs(), .host = h};
	if (s->fd < 0)
		return err_set(e, -s->fd, "make a sysfs of the network namespace: %s%s",
			       strerror(-s->fd), s->fd == -EPERM ? " (needs CAP_SYS_ADMIN)" : "");
	return 0;
}

void sysfs_close(struct sysfs *s)
{
	if (s->fd >= 0)
		close(s->fd);
	s->fd = -1;
}

static int open_file(const struct sysfs *s, const char *path, int flags)
{
	return file_open_beneath(s->fd, path, flags, RESOLVE_BENEATH | RESOLVE_NO_XDEV);
}

static int open_failed(int r, const char *path, struct err *e)
{
	if (r == -EROFS)
		return err_set(e, EPERM, "open '/sys/%s': sysfs is mounted read-only here", path);
	return err_errno(e, -r, "open '/sys/%s'", path);
}

long sysfs_read(const struct sysfs *s, const char *path, char *buf, size_t size, struct err *e)
{
	cleanup_close int fd = open_file(s, path, O_RDONLY);

	if (fd < 0)
		return open_failed(fd, path, e);
	return file_read_fd(fd, path, buf, size, e);
}

int sysfs_read_u32(const struct sysfs *s, const char *path, uint32_t *ret, struct err *e)
{
	char text[32];
	uint64_t n;
	long r = sysfs_read(s, path, text, sizeof(text), e);

	if (r < 0)
		return (int)r;
	if (parse_u64(text, 0, UINT32_MAX, &n) < 0)
		return err_set(e, EPROTO, "read '/sys/%s': '%s' is not a number", path, text);
	*ret = (uint32_t)n;
	return 0;
}

int sysfs_writable(const struct sysfs *s, const char *path, struct err *e)
{
	/* Modes and privileges are checked at open (kernfs_fop_open()), and nothing else is done.
	 */
	cleanup_close int fd = open_file(s, path, O_WRONLY);

	return fd < 0 ? open_failed(fd, path, e) : 0;
}

int sysfs_write(const struct sysfs *s, const char *path, const char *value, struct err *e)
{
	size_t len = strlen(value);

	if (s->host->captured)
		return err_set(e, EROFS, "write '/sys/%s': a captured host is never written", path);
	cleanup_close int fd = open_file(s, path, O_WRONLY);
	if (fd < 0)
		return open_failed(fd, path, e);

	ssize_t n = write(fd, value, len);
	if (n < 0)
		return err_errno(e, errno, "write '%s' to '/sys/%s'", value, path);
	if ((size_t)n != len)
		return err_set(e, EIO, "write '%s' to '/sys/%s': the kernel took only %zd bytes",
			       value, path, n);
	return 0;
}

int sysfs_list(const struct sysfs *s, const char *path, int (*each)(const char *name, void *data),
	       void *data, struct err *e)
{
	int fd = open_file(s, path, O_RDONLY | O_DIRECTORY);

	if (fd < 0)
		return open_failed(fd, path, e);
	cleanup_closedir DIR *d = fdopendir(fd);
	if (!d)
		out_of_memory();

	int r = 0;
	while (r == 0) {
		errno = 0;
		const struct dirent *entry = readdir(d);

		if (!entry && errno)
			return err_errno(e, errno, "list '/sys/%s'", path);
		if (!entry)
			break;
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			r = each(entry->d_name, data);
	}
	return r;
}

int sysfs_link(const struct sysfs *s, const char *path, char *buf, size_t size, struct err *e)
{
	char target[PATH_MAX];
	cleanup_close int fd = open_file(s, path, O_PATH | O_NOFOLLOW);

	if (fd < 0)
		return open_failed(fd, path, e);
	ssize_t n = readlinkat(fd, "", target, sizeof(target) - 1);
	/* An empty path is for links alone: of anything else it is "not there" (readlinkat(2)). */
	if (n < 0)
		return err_set(e, EINVAL, "'/sys/%s' is no link", path);
	target[n] = '\0';

	const char *slash = strrchr(target, '/');
	const char *name = slash ? slash + 1 : target;

	if (strlen(name) >= size)
		return err_set(e, ENAMETOOLONG, "'/sys/%s' is a link to a long name", path);
	memcpy(buf, name, strlen(name) + 1);
	return 0;
}
