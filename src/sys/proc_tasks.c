/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "sys/proc_tasks.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/capability.h>

#include "base/cleanup.h"
#include "base/parse.h"
#include "sys/file.h"

int proc_tasks(const struct host *h, uint64_t *ret, struct err *e)
{
	char text[128];
	long n = file_read(h, "/proc/loadavg", text, sizeof(text), e);
	const char *slash = n < 0 ? NULL : strchr(text, '/');
	char word[24];

	if (n < 0)
		return (int)n;
	if (!slash || !parse_word(slash + 1, word, sizeof(word)) ||
	    parse_u64(word, 1, UINT64_MAX, ret) < 0)
		return err_set(e, EPROTO, "read '/proc/loadavg': no number of threads");
	return 0;
}

/*
 * The first word behind "\nName:" in the text of /proc/PID/status. The process's own name, which
 * may be anything, is in its first line.
 */
static bool status_word(const char *text, const char *name, char *word, unsigned size)
{
	const char *line = strstr(text, name);

	return line && parse_word(line + strlen(name), word, size);
}

/*
 * In a user namespace the first user is not the host's, and capabilities are not the ones that
 * capable() asks for. The first namespace maps all numbers onto themselves (user_namespaces(7)).
 */
static bool in_first_user_namespace(const struct host *h)
{
	char text[512], inside[24], outside[24], count[24];
	struct err ignored;
	const char *rest = text;

	if (file_read(h, "/proc/self/uid_map", text, sizeof(text), &ignored) < 0)
		return true; /* a kernel without them, or a captured host */
	return (rest = parse_word(rest, inside, sizeof(inside))) &&
	       (rest = parse_word(rest, outside, sizeof(outside))) &&
	       parse_word(rest, count, sizeof(count)) && strcmp(inside, "0") == 0 &&
	       strcmp(outside, "0") == 0 && strcmp(count, "4294967295") == 0;
}

int proc_user(const struct host *h, pid_t pid, struct proc_user *ret, struct err *e)
{
	char path[64] = "/proc/self/status", text[8192], uid[24], threads[24], caps[24];
	const uint64_t above = 1ull << CAP_SYS_RESOURCE | 1ull << CAP_SYS_ADMIN;

	if (pid)
		snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	long n = file_read(h, path, text, sizeof(text), e);

	if (n < 0)
		return (int)n;

	struct proc_user u = {0};

	if (!status_word(text, "\nUid:", uid, sizeof(uid)) ||
	    !status_word(text, "\nThreads:", threads, sizeof(threads)) ||
	    parse_u64(uid, 0, UINT32_MAX, &u.uid) < 0 ||
	    parse_u64(threads, 1, UINT32_MAX, &u.threads) < 0)
		return err_set(e, EPROTO, "read '%s': no user", path);
	u.exempt = u.uid == 0 || (status_word(text, "\nCapEff:", caps, sizeof(caps)) &&
				  (strtoull(caps, NULL, 16) & above));
	u.exempt = u.exempt && in_first_user_namespace(h);
	*ret = u;
	return 0;
}

int proc_user_tasks(const struct host *h, uint64_t uid, uint64_t *ret, struct err *e)
{
	uint64_t pid, total = 0;

	if (h->captured)
		return err_set(e, EOPNOTSUPP, "a captured host has no processes");

	int fd = file_open(h, "/proc", O_RDONLY | O_DIRECTORY, e);

	if (fd < 0)
		return fd;
	cleanup_closedir DIR *dir = fdopendir(fd);
	if (!dir) {
		close(fd);
		return err_errno(e, errno, "read '/proc'");
	}
	for (const struct dirent *d; (d = readdir(dir));) {
		struct proc_user u;
		struct err gone;

		if (parse_u64(d->d_name, 1, INT_MAX, &pid) == 0 &&
		    proc_user(h, (pid_t)pid, &u, &gone) == 0 && u.uid == uid)
			total += u.threads;
	}
	*ret = total;
	return 0;
}
