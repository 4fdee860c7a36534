/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "sys/netns.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/cleanup.h"
#include "base/parse.h"

#define INIT_PID_NS_INO 0xEFFFFFFC /* PROC_PID_INIT_INO, include/linux/proc_ns.h since 3.8 */

int netns_open_present(struct err *e)
{
	int fd = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return err_errno(e, errno, "open the present network namespace");
	return fd;
}

int netns_enter_fd(int fd, struct err *e)
{
	if (setns(fd, CLONE_NEWNET) < 0)
		return err_set(e, errno, "enter a network namespace: %s%s", strerror(errno),
			       errno == EPERM ? " (needs CAP_SYS_ADMIN; use sudo)" : "");
	return 0;
}

/* A set of inode numbers. */
struct inodes {
	ino_t *item;
	size_t len, cap;
};

static bool inodes_contain(const struct inodes *set, ino_t ino)
{
	for (size_t i = 0; i < set->len; i++)
		if (set->item[i] == ino)
			return true;
	return false;
}

/* Adds it; false if it was there already. */
static bool inodes_add(struct inodes *set, ino_t ino)
{
	if (inodes_contain(set, ino))
		return false;
	*(ino_t *)array_push((void **)&set->item, &set->len, &set->cap, sizeof(ino)) = ino;
	return true;
}

/*
 * The namespace that is searched for lives all along, so none of the others met can have its
 * inodes, however often those are reused.
 */
struct search {
	uint64_t cookie;
	int found_fd;
	bool incomplete;      /* something could not be looked at */
	struct inodes seen;   /* namespaces looked at, by nsfs inode */
	struct inodes known;  /* the same, by the inode of their /proc/net/dev */
	struct inodes closed; /* those of processes that may not be looked into, by the latter */
};

static void search_done(struct search *s)
{
	free(s->seen.item);
	free(s->known.item);
	free(s->closed.item);
	if (s->found_fd >= 0)
		close(s->found_fd);
}

/* Gone meanwhile is no gap in the search: a name that vanished names nothing. */
static void note_failure(struct search *s)
{
	if (errno != ENOENT && errno != ESRCH && errno != ENOTDIR)
		s->incomplete = true;
}

/* Looks into the namespace that dir/name is, if it is a network namespace not yet seen. */
static int look(struct search *s, int dir, const char *name)
{
	struct stat st;
	cleanup_close int fd = openat(dir, name, O_RDONLY | O_NONBLOCK | O_CLOEXEC);

	if (fd < 0 || fstat(fd, &st) < 0)
		return -errno;
	if (!inodes_add(&s->seen, st.st_ino))
		return 0;
	if (setns(fd, CLONE_NEWNET) < 0)
		return errno == EINVAL ? 0 : -errno; /* EINVAL: another kind of namespace */

	/* Without descriptors or memory to ask with, it may be the one that is looked for. */
	uint64_t cookie = netns_cookie();
	if (!cookie)
		return errno ? -errno : -EIO;
	if (stat("/proc/thread-self/net/dev", &st) == 0)
		inodes_add(&s->known, st.st_ino);
	if (cookie == s->cookie)
		s->found_fd = TAKE_FD(fd);
	return 0;
}

/* Calls each() for every numbered entry of a folder, until the namespace is found. */
static void each_number(struct search *s, int parent, const char *name,
			void (*each)(struct search *s, int dir, const char *number))
{
	int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	cleanup_closedir DIR *dir = fd < 0 ? NULL : fdopendir(fd);

	if (!dir) {
		note_failure(s);
		if (fd >= 0)
			close(fd);
		return;
	}
	while (s->found_fd < 0) {
		uint64_t number;

		errno = 0;
		struct dirent *d = readdir(dir);
		if (!d) {
			if (errno)
				note_failure(s);
			return;
		}
		if (parse_u64(d->d_name, 0, INT_MAX, &number) == 0)
			each(s, dirfd(dir), d->d_name);
	}
}

/*
 * A thread has a namespace of its own: runup's moved one is an example. Where a security module
 * keeps ns/net shut, /proc/TID/net (fs/proc/proc_net.c asks for no permission) at least tells
 * whether it is one that was looked at elsewhere.
 */
static void look_at_thread(struct search *s, int dir, const char *tid)
{
	char path[32];
	struct stat st;

	snprintf(path, sizeof(path), "%s/ns/net", tid);
	errno = -look(s, dir, path);
	if (errno != EACCES && errno != EPERM) {
		if (errno)
			note_failure(s);
		return;
	}
	snprintf(path, sizeof(path), "%s/net/dev", tid);
	if (fstatat(dir, path, &st, 0) == 0)
		inodes_add(&s->closed, st.st_ino);
	else
		note_failure(s);
}

static void look_at_process(struct search *s, int dir, const char *pid)
{
	char path[32];

	snprintf(path, sizeof(path), "%s/task", pid);
	each_number(s, dir, path, look_at_thread);
}

/*
 * A namespace that only a descriptor keeps alive. What cannot be looked at here is no gap: nobody
 * runs in such a namespace, and the kernel has no list of them.
 */
static void look_at_descriptor(struct search *s, int dir, const char *number)
{
	char target[64];
	ssize_t n = readlinkat(dir, number, target, sizeof(target));

	if (n > 5 && strncmp(target, "net:[", 5) == 0)
		(void)look(s, dir, number);
}

static void look_at_descriptors(struct search *s, int dir, const char *pid)
{
	char path[32];

	snprintf(path, sizeof(path), "%s/fd", pid);
	each_number(s, dir, path, look_at_descriptor);
}

/* Undoes the octal escapes of mountinfo (fs/seq_file.c mangle_path) in place. */
static void unescape(char *path)
{
	char *out = path;

	for (const char *in = path; *in; in++) {
		if (in[0] == '\\' && in[1] >= '0' && in[1] <= '3' && in[2] && in[3]) {
			*out++ = (char)((in[1] - '0') << 6 | (in[2] - '0') << 3 | (in[3] - '0'));
			in += 3;
		} else {
			*out++ = *in;
		}
	}
	*out = '\0';
}

/* "ID PARENT MAJ:MIN net:[INODE] MOUNTPOINT …" of proc(5). */
static void look_at_mounts(struct search *s)
{
	cleanup_free char *line = NULL;
	size_t size = 0;
	cleanup_fclose FILE *f = fopen("/proc/thread-self/mountinfo", "re");

	if (!f) {
		s->incomplete = true;
		return;
	}
	while (s->found_fd < 0 && getline(&line, &size, f) > 0) {
		char *at = strstr(line, " net:[");
		char *path = at ? strstr(at, "] ") : NULL;

		if (!path)
			continue;
		path += 2;
		path[strcspn(path, " \n")] = '\0';
		unescape(path);
		errno = -look(s, AT_FDCWD, path);
		if (errno)
			note_failure(s);
	}
	if (ferror(f))
		s->incomplete = true;
}

/* In a process namespace of its own runup does not see who else keeps a namespace alive. */
static bool sees_all_processes(void)
{
	struct stat st;

	return stat("/proc/self/ns/pid", &st) == 0 && st.st_ino == INIT_PID_NS_INO;
}

static void search_everywhere(struct search *s)
{
	look_at_mounts(s);
	if (s->found_fd < 0)
		each_number(s, AT_FDCWD, "/proc", look_at_process);
	for (size_t i = 0; i < s->closed.len; i++)
		if (!inodes_contain(&s->known, s->closed.item[i]))
			s->incomplete = true;
	if (!sees_all_processes())
		s->incomplete = true;
	if (s->found_fd < 0) {
		bool complete = !s->incomplete;

		each_number(s, AT_FDCWD, "/proc", look_at_descriptors);
		s->incomplete = !complete;
	}
}

int netns_open_cookie(uint64_t cookie, struct err *e)
{
	cleanup_with(search_done) struct search s = {.cookie = cookie, .found_fd = -1};
	cleanup_close int present = netns_open_present(e);

	if (present < 0)
		return present;
	search_everywhere(&s);

	int r = netns_enter_fd(present, e);
	if (r < 0)
		return err_wrap(e, "come back from a search through the network namespaces");
	if (s.found_fd >= 0)
		return TAKE_FD(s.found_fd);
	if (s.incomplete)
		return err_set(e, EACCES,
			       "look for network namespace %" PRIu64
			       ": not every process of the host could be looked at (use sudo, "
			       "outside of containers)",
			       cookie);
	return err_set(e, ENOENT, "network namespace %" PRIu64 " is gone", cookie);
}
