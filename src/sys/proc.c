/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "sys/proc.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/parse.h"
#include "sys/file.h"

#define PROC_PATH_MAX 64
#define STAT_START_TIME 22 /* fields of /proc/PID/stat, counted from 1 as in proc(5) */
#define STAT_FLAGS 9
#define KERNEL_THREAD 0x00200000 /* PF_KTHREAD, include/linux/sched.h */

static const char *proc_path(pid_t pid, const char *file, char buf[PROC_PATH_MAX])
{
	if (pid == 0)
		snprintf(buf, PROC_PATH_MAX, "/proc/self/%s", file);
	else
		snprintf(buf, PROC_PATH_MAX, "/proc/%d/%s", pid, file);
	return buf;
}

/* A process that is gone is ENOENT when its folder is looked up and ESRCH when it is read. */
static int no_process(int code, const char *path, struct err *e)
{
	if (code != ENOENT && code != ESRCH)
		return -code;
	return err_set(e, ESRCH, "read '%s': no such process", path);
}

static int parse_limit(const char *word, uint64_t *ret)
{
	if (!strcmp(word, "unlimited")) {
		*ret = PROC_UNLIMITED;
		return 0;
	}
	return parse_u64(word, 0, UINT64_MAX, ret);
}

int proc_limit(const struct host *h, pid_t pid, const char *name, struct proc_limit *ret,
	       struct err *e)
{
	char path[PROC_PATH_MAX], text[4096], soft[24], hard[24];
	long n = file_read(h, proc_path(pid, "limits", path), text, sizeof(text), e);
	size_t len = strlen(name);
	char *save;

	if (n < 0)
		return no_process((int)-n, path, e);
	for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		/* Names are padded with blanks; one may begin another ("Max file size"). */
		if (strncmp(line, name, len) != 0 || strncmp(line + len, "  ", 2) != 0)
			continue;
		struct proc_limit l;
		const char *rest = parse_word(line + len, soft, sizeof(soft));

		if (rest && parse_word(rest, hard, sizeof(hard)) &&
		    parse_limit(soft, &l.soft) == 0 && parse_limit(hard, &l.hard) == 0) {
			*ret = l;
			return 0;
		}
	}
	return err_set(e, EPROTO, "read '%s': no limit '%s'", path, name);
}

/*
 * Field n (above 2) of /proc/PID/stat. The name in field 2 may hold anything, blanks and brackets
 * too, so fields are counted from the last ')'.
 */
static int stat_field(const char *text, unsigned n, uint64_t *ret)
{
	const char *p = strrchr(text, ')');
	char word[24];

	for (unsigned field = 2; p && field < n; field++)
		p = parse_word(field == 2 ? p + 1 : p, word, sizeof(word));
	return p ? parse_u64(word, 0, UINT64_MAX, ret) : -EINVAL;
}

int proc_identity(const struct host *h, pid_t pid, struct proc_identity *ret, struct err *e)
{
	char path[PROC_PATH_MAX], text[1024], word[24];
	long n = file_read(h, proc_path(pid, "stat", path), text, sizeof(text), e);
	uint64_t start, number;

	if (n < 0)
		return no_process((int)-n, path, e);
	if (!parse_word(text, word, sizeof(word)) || parse_u64(word, 1, INT_MAX, &number) < 0 ||
	    stat_field(text, STAT_START_TIME, &start) < 0)
		return err_set(e, EPROTO, "read '%s': not the fields of a process", path);
	*ret = (struct proc_identity){.pid = (pid_t)number, .start_ticks = start};
	return 0;
}

int proc_alive(const struct host *h, const struct proc_identity *p, struct err *e)
{
	char path[PROC_PATH_MAX], text[1024], state[8];
	uint64_t start;

	if (h->captured)
		return err_set(e, EOPNOTSUPP, "a captured host has no processes");
	long n = file_read(h, proc_path(p->pid, "stat", path), text, sizeof(text), e);
	if (n < 0) {
		int r = no_process((int)-n, path, e);

		return r == -ESRCH ? 0 : r;
	}

	const char *name_end = strrchr(text, ')');

	if (!name_end || !parse_word(name_end + 1, state, sizeof(state)) ||
	    stat_field(text, STAT_START_TIME, &start) < 0)
		return err_set(e, EPROTO, "read '%s': not the fields of a process", path);
	return start == p->start_ticks && *state != 'Z' && *state != 'X';
}

void proc_comm(const struct host *h, pid_t pid, char buf[PROC_COMM_MAX])
{
	char path[PROC_PATH_MAX];
	struct err ignored;

	if (file_read(h, proc_path(pid, "comm", path), buf, PROC_COMM_MAX, &ignored) < 0)
		buf[0] = '\0';
	/* prctl(PR_SET_NAME) takes any byte: shown as it is, an escape would reach the terminal. */
	for (char *c = buf; *c; c++)
		if (iscntrl((unsigned char)*c))
			*c = '?';
}

static int count_entries(const struct host *h, const char *path, uint64_t *ret, struct err *e)
{
	int fd = file_open(h, path, O_RDONLY | O_DIRECTORY, e);

	if (fd < 0)
		return no_process(-fd, path, e);
	cleanup_closedir DIR *dir = fdopendir(fd);
	if (!dir) {
		close(fd);
		return err_errno(e, errno, "read '%s'", path);
	}
	uint64_t count = 0;
	for (const struct dirent *d; (d = readdir(dir));)
		count += d->d_name[0] != '.';
	*ret = count;
	return 0;
}

int proc_open_files(const struct host *h, pid_t pid, uint64_t *ret, struct err *e)
{
	char path[PROC_PATH_MAX];
	struct stat st;
	/* O_PATH: the size is told without the permission to list the folder. */
	cleanup_close int fd = file_open(h, proc_path(pid, "fd", path), O_PATH | O_DIRECTORY, e);

	if (fd < 0)
		return no_process(-fd, path, e);
	if (fstat(fd, &st) < 0)
		return err_errno(e, errno, "look at '%s'", path);
	uint64_t count = (uint64_t)st.st_size, ours = !h->captured && (pid == 0 || pid == getpid());
	if (count == 0) {
		int r = count_entries(h, path, &count, e);

		if (r < 0)
			return r;
		ours *= 2; /* fd, and the folder that was listed */
	}
	*ret = count > ours ? count - ours : 0;
	return 0;
}

/* One inode that is looked for. */
struct wanted {
	uint32_t inode;
	struct socket_owner *owner;
	uint64_t start_ticks; /* of the owner so far */
	pid_t last;	      /* the process counted last: two descriptors are one holder */
};

struct search {
	const struct host *host;
	struct wanted *wanted; /* sorted by inode */
	size_t len;
	unsigned unreadable;
	/* A process has one of them open as `fd`; false: that is enough. */
	bool (*hit)(struct search *s, uint32_t inode, pid_t pid, int fd);
	bool (*each)(pid_t pid, int fd, void *data); /* of proc_socket_each() */
	void *data;
	bool enough;
};

static int by_inode(const void *pa, const void *pb)
{
	const struct wanted *a = pa, *b = pb;

	return (a->inode > b->inode) - (a->inode < b->inode);
}

/* The first of those that want this inode, NULL: nobody. */
static struct wanted *find_wanted(const struct search *s, uint32_t inode)
{
	size_t low = 0, high = s->len;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (s->wanted[middle].inode < inode)
			low = middle + 1;
		else
			high = middle;
	}
	return low < s->len && s->wanted[low].inode == inode ? &s->wanted[low] : NULL;
}

static bool count_holder(struct search *s, uint32_t inode, pid_t pid, int fd unused_)
{
	struct proc_identity identity = {0}, *p = &identity;
	struct wanted *first = find_wanted(s, inode);
	struct err gone;

	/* Gone meanwhile, and its sockets with it? */
	if (first->last == pid || proc_identity(s->host, pid, p, &gone) < 0)
		return true;
	for (struct wanted *w = first; w < s->wanted + s->len && w->inode == inode; w++) {
		w->last = p->pid;
		w->owner->holders++;
		/* Inherited later than it was made: the oldest holder is the one to name. */
		if (!w->owner->pid || p->start_ticks < w->start_ticks ||
		    (p->start_ticks == w->start_ticks && p->pid < w->owner->pid)) {
			w->owner->pid = p->pid;
			w->start_ticks = p->start_ticks;
		}
	}
	return true;
}

/* The inode in "socket:[4711]"; 0: something else; -EACCES and the like. */
static int64_t socket_inode(int dir_fd, const char *name)
{
	static const char prefix[] = "socket:[";
	char link[40];
	uint64_t inode;
	ssize_t n = readlinkat(dir_fd, name, link, sizeof(link) - 1);

	if (n < 0)
		return -errno;
	if (n < (ssize_t)sizeof(prefix) || strncmp(link, prefix, sizeof(prefix) - 1) != 0 ||
	    link[n - 1] != ']')
		return 0;
	link[n - 1] = '\0';
	return parse_u64(link + sizeof(prefix) - 1, 1, UINT32_MAX, &inode) == 0 ? (int64_t)inode
										: 0;
}

static bool is_kernel_thread(const struct host *h, pid_t pid)
{
	char path[PROC_PATH_MAX], text[1024];
	struct err ignored;
	uint64_t flags;

	return file_read(h, proc_path(pid, "stat", path), text, sizeof(text), &ignored) > 0 &&
	       stat_field(text, STAT_FLAGS, &flags) == 0 && (flags & KERNEL_THREAD);
}

static void search_process(struct search *s, pid_t pid)
{
	char path[PROC_PATH_MAX];
	struct err failed;
	uint64_t number;
	int fd = file_open(s->host, proc_path(pid, "fd", path), O_RDONLY | O_DIRECTORY, &failed);

	if (fd < 0) {
		if ((fd == -EACCES || fd == -EPERM) && !is_kernel_thread(s->host, pid))
			s->unreadable++;
		return;
	}
	cleanup_closedir DIR *dir = fdopendir(fd);
	if (!dir) {
		close(fd);
		return;
	}
	for (const struct dirent *d; (d = readdir(dir));) {
		int64_t inode = d->d_name[0] == '.' ? 0 : socket_inode(fd, d->d_name);

		if (inode == -EACCES || inode == -EPERM) {
			/* The folder needs CAP_DAC_READ_SEARCH, its links the right to trace. */
			s->unreadable++;
			return;
		}
		if (inode <= 0 || !find_wanted(s, (uint32_t)inode) ||
		    parse_u64(d->d_name, 0, INT_MAX, &number) < 0)
			continue;
		if (!s->hit(s, (uint32_t)inode, pid, (int)number)) {
			s->enough = true;
			return;
		}
	}
}

static int search_all(struct search *s, struct err *e)
{
	bool init_seen = false;
	uint64_t pid;
	int fd = file_open(s->host, "/proc", O_RDONLY | O_DIRECTORY, e);

	if (fd < 0)
		return fd;
	cleanup_closedir DIR *dir = fdopendir(fd);
	if (!dir) {
		close(fd);
		return err_errno(e, errno, "read '/proc'");
	}
	for (const struct dirent *d; !s->enough && (d = readdir(dir));) {
		if (parse_u64(d->d_name, 1, INT_MAX, &pid) < 0)
			continue;
		init_seen = init_seen || pid == 1;
		search_process(s, (pid_t)pid);
	}
	/* Each pid namespace has a process 1; with hidepid=2 only its own user sees it. */
	if (!init_seen && !s->enough)
		s->unreadable++;
	return 0;
}

int proc_socket_owners(const struct host *h, const uint32_t *inodes, size_t len,
		       struct socket_owner *owners, unsigned *unreadable, struct err *e)
{
	struct search s = {.host = h, .len = len, .hit = count_holder};

	*unreadable = 0;
	if (len == 0)
		return 0;
	memset(owners, 0, len * sizeof(*owners));
	if (h->captured)
		return 0;

	cleanup_free struct wanted *wanted = calloc(len, sizeof(*wanted));
	if (!wanted)
		out_of_memory();
	for (size_t i = 0; i < len; i++)
		wanted[i] = (struct wanted){.inode = inodes[i], .owner = &owners[i]};
	qsort(wanted, len, sizeof(*wanted), by_inode);
	s.wanted = wanted;

	int r = search_all(&s, e);
	if (r < 0)
		return err_wrap(e, "look for the owners of sockets");
	for (size_t i = 0; i < len; i++) {
		if (owners[i].pid)
			proc_comm(h, owners[i].pid, owners[i].comm);
	}
	*unreadable = s.unreadable;
	return 0;
}

static bool hand_on(struct search *s, uint32_t inode unused_, pid_t pid, int fd)
{
	return s->each(pid, fd, s->data);
}

int proc_socket_each(const struct host *h, uint32_t inode,
		     bool (*each)(pid_t pid, int fd, void *data), void *data, unsigned *unreadable,
		     struct err *e)
{
	struct wanted wanted = {.inode = inode};
	struct search s = {
		.host = h, .wanted = &wanted, .len = 1, .hit = hand_on, .each = each, .data = data};
	int r = h->captured ? 0 : search_all(&s, e);

	*unreadable = s.unreadable;
	return r < 0 ? err_wrap(e, "look for the owner of a socket") : 0;
}
