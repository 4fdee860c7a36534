/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/cleanup.h"
#include "base/parse.h"
#include "tune/journal_line.h"

#define STATE_DEFAULT "/var/lib/runup"
#define SUFFIX ".journal"
#define NUMBER_DIGITS_MAX 9

/* What others could change is no record of ours. */
static int check_owner(int fd, const char *path, struct err *e)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return err_errno(e, errno, "look at state folder '%s'", path);
	if (st.st_uid != geteuid())
		return err_set(e, EPERM,
			       "use state folder '%s': it belongs to user %u, not to user %u", path,
			       (unsigned)st.st_uid, (unsigned)geteuid());
	if (st.st_mode & (S_IWGRP | S_IWOTH))
		return err_set(e, EPERM,
			       "use state folder '%s': others may write there (chmod 0700 '%s')",
			       path, path);
	return 0;
}

/* A new name survives a power cut only once the folder that holds it is synced. */
static int sync_parent(int parent, const char *name, const char *shown, struct err *e)
{
	char path[4096];
	snprintf(path, sizeof(path), "%s/..", name);
	cleanup_close int fd = openat(parent, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0 || fsync(fd) < 0)
		return err_errno(e, errno, "sync the folder above '%s'", shown);
	return 0;
}

int open_private(int folder, const char *name, int flags)
{
	mode_t old = umask(0);
	int fd = openat(folder, name, flags | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);

	umask(old);
	return fd;
}

static int make_private(int parent, const char *name)
{
	mode_t old = umask(0);
	int r = mkdirat(parent, name, 0700);

	umask(old);
	return r;
}

static int open_folder(int parent, const char *name, const char *shown, bool make, struct err *e)
{
	bool made = make && make_private(parent, name) == 0;

	if (make && !made && errno != EEXIST)
		return err_errno(e, errno, "make state folder '%s'", shown);

	cleanup_close int fd =
		openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return err_set(e, errno, "open state folder '%s': %s%s", shown, strerror(errno),
			       errno == EACCES ? " (use sudo)" : "");
	int r = check_owner(fd, shown, e);
	if (r == 0 && made) {
		/* The folder above may have handed down its group. */
		if (fchmod(fd, 0700) < 0)
			return err_errno(e, errno, "set the mode of state folder '%s'", shown);
		r = sync_parent(parent, name, shown, e);
	}
	return r < 0 ? r : TAKE_FD(fd);
}

static int take_lock(int state, const char *path, void (*waiting)(void), struct err *e)
{
	struct stat st;
	cleanup_close int fd = open_private(state, "lock", O_RDWR | O_NONBLOCK);

	if (fd < 0 || fstat(fd, &st) < 0)
		return err_errno(e, errno, "open the lock '%s/lock'", path);
	if (!S_ISREG(st.st_mode))
		return err_set(e, EPERM, "open the lock '%s/lock': it is not a file", path);
	if (st.st_uid != geteuid())
		return err_set(e, EPERM, "open the lock '%s/lock': it belongs to user %u", path,
			       (unsigned)st.st_uid);
	/* Who can open it can hold it, and be waited for by every apply. */
	if ((st.st_mode & 07777) != 0600 && fchmod(fd, 0600) < 0)
		return err_errno(e, errno, "set the mode of the lock '%s/lock'", path);
	/* Of the open file, not of the process: closing another descriptor does not drop it. */
	struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};

	if (fcntl(fd, F_OFD_SETLK, &whole) == 0)
		return TAKE_FD(fd);
	if (errno == EAGAIN || errno == EACCES) {
		if (waiting)
			waiting();
		if (fcntl(fd, F_OFD_SETLKW, &whole) == 0)
			return TAKE_FD(fd);
	}
	return err_errno(e, errno, "take the lock '%s/lock'", path);
}

int state_dir_open(struct state_dir *d, bool for_writing, void (*waiting)(void), struct err *e)
{
	const char *path = getenv("RUNUP_STATE_DIR");

	*d = (struct state_dir){.fd = -1, .lock_fd = -1};
	if (!path || !*path)
		path = STATE_DEFAULT;
	if (strlen(path) >= sizeof(d->path))
		return err_set(e, ERR_BAD_INPUT, "RUNUP_STATE_DIR is too long");
	snprintf(d->path, sizeof(d->path), "%s", path);

	cleanup_close int state = open_folder(AT_FDCWD, path, path, for_writing, e);
	if (state < 0)
		return state;
	cleanup_close int lock = for_writing ? take_lock(state, path, waiting, e) : -1;
	if (for_writing && lock < 0)
		return lock;
	int fd = open_folder(state, "changesets", path, for_writing, e);
	if (fd < 0)
		return fd;
	d->fd = fd;
	d->lock_fd = TAKE_FD(lock);
	return 0;
}

void state_dir_close(struct state_dir *d)
{
	if (d->fd >= 0)
		close(d->fd);
	if (d->lock_fd >= 0)
		close(d->lock_fd);
	d->fd = d->lock_fd = -1;
}

uint64_t changeset_number(const char *id)
{
	static const char form[] = "00000000-000000-";
	const char *number = id + sizeof(form) - 1;
	uint64_t n;

	for (size_t i = 0; form[i]; i++)
		if (form[i] == '0' ? !isdigit((unsigned char)id[i]) : id[i] != form[i])
			return 0;
	if (strlen(number) < 4 || strlen(number) > NUMBER_DIGITS_MAX ||
	    parse_u64(number, 1, UINT32_MAX, &n) < 0)
		return 0;
	return n;
}

const char *journal_name(const char *id, char buf[JOURNAL_NAME_MAX])
{
	snprintf(buf, JOURNAL_NAME_MAX, "%s" SUFFIX, id);
	return buf;
}

int journal_open_file(const struct state_dir *d, const char *id, int flags, struct err *e)
{
	char name[JOURNAL_NAME_MAX];
	struct stat st;

	if (!changeset_number(id))
		return err_set(e, ERR_BAD_INPUT,
			       "'%.60s' is not the id of a changeset (20261120-170322-0001; "
			       "`runup status` lists them)",
			       id);
	journal_name(id, name);
	cleanup_close int fd = openat(d->fd, name, flags | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0 && errno == ENOENT)
		return err_set(e, ERR_BAD_INPUT,
			       "there is no changeset '%s' in '%s' (`runup status` lists them)", id,
			       d->path);
	if (fd < 0 || fstat(fd, &st) < 0)
		return err_errno(e, errno, "open journal '%s'", name);
	if (!S_ISREG(st.st_mode))
		return err_set(e, EBADMSG, "open journal '%s': it is not a file", name);
	if (st.st_uid != geteuid() || (st.st_mode & (S_IWGRP | S_IWOTH)))
		return err_set(e, EPERM, "open journal '%s': others could have written it", name);
	return TAKE_FD(fd);
}

long journal_slurp(const struct state_dir *d, const char *id, char **ret, struct err *e)
{
	struct stat st;
	cleanup_close int fd = journal_open_file(d, id, O_RDONLY, e);

	if (fd < 0)
		return fd;
	if (fstat(fd, &st) < 0)
		return err_errno(e, errno, "look at journal '%s'", id);
	if (st.st_size > JOURNAL_SIZE_MAX)
		return err_set(e, EFBIG, "read journal '%s': larger than %u bytes", id,
			       JOURNAL_SIZE_MAX);

	cleanup_free char *text = malloc((size_t)st.st_size + 1);
	size_t have = 0;

	if (!text)
		out_of_memory();
	/* What is appended meanwhile is read next time. */
	while (have < (size_t)st.st_size) {
		ssize_t n = read(fd, text + have, (size_t)st.st_size - have);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_errno(e, errno, "read journal '%s'", id);
		if (n == 0)
			break;
		have += (size_t)n;
	}
	text[have] = '\0';
	*ret = TAKE_PTR(text);
	return (long)have;
}

static int by_number(const void *a, const void *b)
{
	uint64_t x = changeset_number(a), y = changeset_number(b);

	return x == y ? strcmp(a, b) : x < y ? -1 : 1;
}

int changeset_ids(const struct state_dir *d, char (**ret)[CHANGESET_ID_MAX], size_t *ret_len,
		  struct err *e)
{
	cleanup_free void *ids = NULL;
	size_t len = 0, cap = 0;
	int fd = openat(d->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	cleanup_closedir DIR *dir = fd < 0 ? NULL : fdopendir(fd);

	if (!dir)
		return err_errno(e, errno, "list the changesets in '%s'", d->path);
	for (;;) {
		errno = 0;
		struct dirent *entry = readdir(dir);

		if (!entry)
			break;
		char id[CHANGESET_ID_MAX];
		size_t name = strlen(entry->d_name), suffix = strlen(SUFFIX);

		if (name <= suffix || name - suffix >= sizeof(id) ||
		    strcmp(entry->d_name + name - suffix, SUFFIX) != 0)
			continue;
		memcpy(id, entry->d_name, name - suffix);
		id[name - suffix] = '\0';
		if (changeset_number(id))
			memcpy(array_push(&ids, &len, &cap, sizeof(id)), id, name - suffix + 1);
	}
	if (errno)
		return err_errno(e, errno, "list the changesets in '%s'", d->path);
	if (len)
		qsort(ids, len, CHANGESET_ID_MAX, by_number);
	*ret = TAKE_PTR(ids);
	*ret_len = len;
	return 0;
}
