/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "report/rundir.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"

struct make_task {
	char path[PATH_MAX];
	bool chosen; /* --report: the user's own folder, else one of ours below the state folder */
};

static int make_parents(const char *path, struct err *e)
{
	char part[PATH_MAX];

	for (const char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		snprintf(part, sizeof(part), "%.*s", (int)(slash - path), path);
		if (mkdir(part, 0700) < 0 && errno != EEXIST)
			return err_errno(e, errno,
					 "make folder '%s' for the report (name another with "
					 "--report)",
					 part);
	}
	return 0;
}

static int check_empty(int fd, const char *path, struct err *e)
{
	int copy = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	cleanup_closedir DIR *dir = copy >= 0 ? fdopendir(copy) : NULL;

	if (!dir) {
		int code = errno;

		if (copy >= 0)
			close(copy);
		return err_errno(e, code, "read folder '%s'", path);
	}
	for (const struct dirent *entry; (entry = readdir(dir));)
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			return err_set(e, ENOTEMPTY,
				       "--report '%s': the folder is not empty (name a new one, or "
				       "clear it)",
				       path);
	return 0;
}

/* Runs with the rights of the user whose folder it is: see run_as(). */
static int make_folder(void *data, int *ret_fd, struct err *e)
{
	const struct make_task *t = data;
	struct stat st;
	int r = t->chosen ? 0 : make_parents(t->path, e);

	if (r < 0)
		return r;

	bool found = mkdir(t->path, 0700) < 0;

	if (found && (errno != EEXIST || !t->chosen))
		return err_errno(e, errno, "make folder '%s' for the report%s", t->path,
				 t->chosen ? "" : " (name another with --report)");

	cleanup_close int fd = open(t->path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0 || fstat(fd, &st) < 0)
		return err_errno(e, errno, "open folder '%s' for the report", t->path);
	/* One that was there already may be a trap that somebody set in a shared folder. */
	if (st.st_uid != geteuid())
		return err_set(e, EPERM, "--report '%s': the folder belongs to another user",
			       t->path);
	r = found ? check_empty(fd, t->path, e) : 0;
	if (r < 0)
		return r;
	if (fchmod(fd, 0700) < 0)
		return err_errno(e, errno, "set the mode of folder '%s' to 0700", t->path);
	*ret_fd = TAKE_FD(fd);
	return 0;
}

/* ~/.local/state/runup/runs/20261120-170322-4242 (XDG Base Directory Specification 0.8). */
static int default_path(const struct run_as *u, char path[PATH_MAX], struct err *e)
{
	const char *state = u->other ? NULL : getenv("XDG_STATE_HOME");
	time_t now = time(NULL);
	char stamp[32];
	struct tm tm;
	int n;

	strftime(stamp, sizeof(stamp), "%Y%m%d-%H%M%S", gmtime_r(&now, &tm));
	/* A relative one is to be ignored, says the specification. */
	if (state && state[0] == '/')
		n = snprintf(path, PATH_MAX, "%s/runup/runs/%s-%d", state, stamp, (int)getpid());
	else
		n = snprintf(path, PATH_MAX, "%s/.local/state/runup/runs/%s-%d", u->home, stamp,
			     (int)getpid());
	if (n >= PATH_MAX)
		return err_set(e, ENAMETOOLONG,
			       "make a folder for the report: its path is too "
			       "long");
	return 0;
}

int rundir_make(struct rundir *ret, const struct run_as *user, const char *path, struct err *e)
{
	struct make_task t = {.chosen = path != NULL};
	int fd = -1, r = 0;

	if (!path)
		r = default_path(user, t.path, e);
	else if (!*path || (size_t)snprintf(t.path, sizeof(t.path), "%s", path) >= sizeof(t.path))
		r = err_set(e, EINVAL, "--report '%.80s': not a path", path);
	if (r == 0)
		r = run_as(user, make_folder, &t, &fd, e);
	if (r < 0)
		return r;
	ret->fd = fd;
	memcpy(ret->path, t.path, sizeof(t.path));
	return 0;
}

struct write_task {
	int dir_fd;
	const char *name, *text;
};

static int write_all(int fd, const char *text)
{
	for (size_t left = strlen(text); left;) {
		ssize_t n = write(fd, text, left);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		text += n;
		left -= (size_t)n;
	}
	return 0;
}

static int write_file(void *data, int *ret_fd unused_, struct err *e)
{
	const struct write_task *t = data;
	char temporary[NAME_MAX];

	snprintf(temporary, sizeof(temporary), ".%s.new", t->name);

	cleanup_close int fd = openat(t->dir_fd, temporary,
				      O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);

	if (fd < 0)
		return err_errno(e, errno, "make '%s'", temporary);

	int r = write_all(fd, t->text);

	if (r == 0 && fsync(fd) < 0)
		r = -errno;
	if (r == 0 && renameat(t->dir_fd, temporary, t->dir_fd, t->name) < 0)
		r = -errno;
	if (r == 0)
		return 0;
	unlinkat(t->dir_fd, temporary, 0);
	return err_errno(e, -r, "write '%s'", t->name);
}

int rundir_write(const struct rundir *d, const struct run_as *user, const char *name,
		 const char *text, struct err *e)
{
	struct write_task t = {d->fd, name, text};

	if (run_as(user, write_file, &t, NULL, e) < 0)
		return err_wrap(e, "report in '%s'", d->path);
	return 0;
}

void rundir_close(struct rundir *d)
{
	if (d->fd >= 0)
		close(TAKE_FD(d->fd));
}
