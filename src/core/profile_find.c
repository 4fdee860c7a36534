/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where profiles are, and which of them may be trusted. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/attr.h"
#include "base/cleanup.h"
#include "base/nearest.h"
#include "base/parse.h"
#include "core/profile.h"

#ifndef RUNUP_DATADIR
#define RUNUP_DATADIR "/usr/share/runup"
#endif

#define FOLDERS_MAX 4
#define PROFILES_MAX 1024

/* The folders in order of search; text lives in the arena. */
static size_t search_path(struct arena *a, const char *folders[FOLDERS_MAX])
{
	size_t n = 0;
	const char *given = getenv("RUNUP_PROFILE_DIR");

	if (given && *given)
		folders[n++] = given;
	folders[n++] = "/etc/runup/profiles";
	folders[n++] = RUNUP_DATADIR "/profiles";

	/* A program in its build tree finds the profiles it was built with: build/runup, profiles/.
	 */
	char self[PATH_MAX];
	ssize_t len = readlink("/proc/self/exe", self, sizeof(self) - 1);

	if (len > 0) {
		self[len] = '\0';
		char *slash = strrchr(self, '/');

		if (slash)
			*slash = '\0';
		slash = strrchr(self, '/');
		if (slash)
			*slash = '\0';
		folders[n++] = arena_printf(a, "%s/profiles", self);
	}
	return n;
}

/* Owned by root or the user behind sudo, and writable by nobody else? */
static bool trusted(const struct stat *st, bool sticky_is_fine)
{
	const char *sudo = getenv("SUDO_UID");
	const char *sudo_group = getenv("SUDO_GID");
	uint64_t uid = 0, gid = 0;

	if (sudo && parse_u64(sudo, 0, UINT32_MAX, &uid) < 0)
		uid = 0;
	if (sudo_group && parse_u64(sudo_group, 0, UINT32_MAX, &gid) < 0)
		gid = 0;
	if (st->st_uid != 0 && st->st_uid != uid)
		return false;
	if (sticky_is_fine && (st->st_mode & S_ISVTX))
		return true;
	/* A group that only holds the owner (Debian's private groups) is not "others". */
	if ((st->st_mode & S_IWGRP) && st->st_gid != 0 && st->st_gid != gid)
		return false;
	return !(st->st_mode & S_IWOTH);
}

/* Under root, a profile that somebody else can change could change the host in root's name. */
static int check_trust(int fd, const char *path, struct err *e)
{
	char real[PATH_MAX], link[64];
	struct stat st;

	if (geteuid() != 0)
		return 0;
	if (fstat(fd, &st) < 0)
		return err_errno(e, errno, "look at profile '%s'", path);
	if (!trusted(&st, false))
		return err_set(
			e, ERR_BAD_INPUT,
			"profile '%s' is refused: it must belong to root (or the user behind "
			"sudo) and not be writable by others",
			path);

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	ssize_t len = readlink(link, real, sizeof(real) - 1);
	if (len <= 0)
		return err_errno(e, errno, "find the folder of profile '%s'", path);
	real[len] = '\0';

	for (char *slash = strrchr(real, '/'); slash; slash = strrchr(real, '/')) {
		*slash = '\0';
		const char *folder = *real ? real : "/";

		if (stat(folder, &st) < 0)
			return err_errno(e, errno, "look at folder '%s'", folder);
		if (!trusted(&st, true))
			return err_set(
				e, ERR_BAD_INPUT,
				"profile '%s' is refused: its folder '%s' must belong to root "
				"(or the user behind sudo) and not be writable by others",
				path, folder);
	}
	return 0;
}

static int open_file(const char *path, struct err *e)
{
	struct stat st;
	/* O_NONBLOCK: a FIFO in place of a profile must not hang; it is refused just below. */
	cleanup_close int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

	if (fd < 0)
		return err_set(e, errno == ENOENT ? ENOENT : ERR_BAD_INPUT, "open profile '%s': %s",
			       path, strerror(errno));
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		return err_set(e, ERR_BAD_INPUT, "profile '%s' is not a file", path);
	int r = check_trust(fd, path, e);
	return r < 0 ? r : TAKE_FD(fd);
}

static bool plain_name(const char *name)
{
	for (const char *p = name; *p; p++)
		if (!strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.",
			    *p))
			return false;
	return *name && *name != '.';
}

static void offer(const char *name, const char *path unused_, void *data)
{
	nearest_offer(data, name);
}

static int no_profile(const char *name, struct err *e)
{
	struct nearest near = {.word = name};

	profile_list(offer, &near);
	if (nearest_found(&near))
		return err_set(e, ERR_BAD_INPUT, "no profile '%s': did you mean %s?", name,
			       nearest_found(&near));
	if (access(name, F_OK) == 0)
		return err_set(e, ERR_BAD_INPUT,
			       "no profile '%s': a file is named by a path, as in ./%s", name,
			       name);
	return err_set(e, ERR_BAD_INPUT, "no profile '%s' (runup profiles lists them)", name);
}

int profile_open(struct arena *a, const char *name, const char *beside, const char **ret_path,
		 struct err *e)
{
	const char *folders[FOLDERS_MAX + 1];
	size_t n = 0;

	if (strchr(name, '/')) {
		int fd = open_file(name, e);

		*ret_path = arena_strdup(a, name);
		return fd == -ENOENT
			       ? err_set(e, ERR_BAD_INPUT, "open profile '%s': no such file", name)
			       : fd;
	}
	if (!plain_name(name))
		return err_set(
			e, ERR_BAD_INPUT,
			"'%s' is not the name of a profile (for a file, give a path with a '/')",
			name);
	if (beside) {
		const char *slash = strrchr(beside, '/');

		folders[n++] = slash ? arena_strndup(a, beside, (size_t)(slash - beside)) : ".";
	}
	n += search_path(a, folders + n);
	for (size_t i = 0; i < n; i++) {
		const char *path = arena_printf(a, "%s/%s.ini", folders[i], name);
		int fd = open_file(path, e);

		if (fd == -ENOENT)
			continue;
		*ret_path = path;
		return fd;
	}
	return no_profile(name, e);
}

static int by_name(const void *a, const void *b)
{
	const char *const *x = a, *const *y = b;

	return strcmp(x[0], y[0]);
}

void profile_list(void (*each)(const char *name, const char *path, void *data), void *data)
{
	struct arena a = {0};
	const char *folders[FOLDERS_MAX];
	const char *(*found)[2] = arena_alloc(&a, PROFILES_MAX * sizeof(*found));
	size_t folders_len = search_path(&a, folders), n = 0;

	for (size_t i = 0; i < folders_len; i++) {
		cleanup_closedir DIR *d = opendir(folders[i]);

		for (struct dirent *de; d && (de = readdir(d)) && n < PROFILES_MAX;) {
			size_t len = strlen(de->d_name);
			bool seen = false;

			if (len <= 4 || strcmp(de->d_name + len - 4, ".ini") != 0)
				continue;
			char *name = arena_strndup(&a, de->d_name, len - 4);
			/* The first folder on the path wins, as it does when a profile is asked
			 * for. */
			for (size_t j = 0; j < n; j++)
				seen = seen || strcmp(found[j][0], name) == 0;
			if (seen || !plain_name(name))
				continue;
			found[n][0] = name;
			found[n++][1] = arena_printf(&a, "%s/%s", folders[i], de->d_name);
		}
	}
	qsort(found, n, sizeof(*found), by_name);
	for (size_t i = 0; i < n; i++)
		each(found[i][0], found[i][1], data);
	arena_done(&a);
}
