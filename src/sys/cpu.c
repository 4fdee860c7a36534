/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "sys/cpu.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/cleanup.h"
#include "base/parse.h"
#include "base/ranges.h"
#include "sys/file.h"

#define STAT_MAX (4u << 20)
#define POLICIES "/sys/devices/system/cpu/cpufreq"
#define POLICIES_MAX 65536

uint64_t cpu_online(const struct host *h)
{
	char text[256];
	struct ranges r = {0};
	struct err ignored;
	uint64_t n = 0;

	if (file_read(h, "/sys/devices/system/cpu/online", text, sizeof(text), &ignored) > 0 &&
	    ranges_parse(&r, text, 65535) == 0)
		n = ranges_count_within(&r, 0, 65535);
	ranges_done(&r);
	return n;
}

int cpu_read_times(const struct host *h, struct cpu_times *ret, struct err *e)
{
	char text[512], word[24];
	/* user nice system idle iowait irq softirq steal; guest and guest_nice are within user. */
	uint64_t t[8];
	cleanup_close int fd = file_open(h, "/proc/stat", O_RDONLY, e);

	if (fd < 0)
		return fd;

	/* The lines of each CPU and each interrupt follow, more of them than are of use here. */
	ssize_t n = read(fd, text, sizeof(text) - 1);

	if (n < 0)
		return err_errno(e, errno, "read '/proc/stat'");
	text[n] = '\0';

	const char *rest = parse_word(text, word, sizeof(word));

	if (!rest || strcmp(word, "cpu") != 0)
		return err_set(e, EPROTO, "read '/proc/stat': it does not begin with all CPUs");
	*ret = (struct cpu_times){0};
	for (size_t i = 0; i < ARRAY_LEN(t); i++) {
		rest = parse_word(rest, word, sizeof(word));
		if (!rest || parse_u64(word, 0, UINT64_MAX, &t[i]) < 0)
			return err_set(e, EPROTO, "read '/proc/stat': fewer times than expected");
		ret->total += t[i];
	}
	ret->steal = t[7];
	return 0;
}

static int read_policy(const struct host *h, const char *name, struct cpu_policy *ret,
		       struct err *e)
{
	char path[128];
	struct err ignored;

	snprintf(path, sizeof(path), POLICIES "/%s/scaling_governor", name);
	long n = file_read(h, path, ret->governor, sizeof(ret->governor), e);
	if (n < 0)
		return (int)n;
	snprintf(path, sizeof(path), POLICIES "/%s/scaling_driver", name);
	if (file_read(h, path, ret->driver, sizeof(ret->driver), &ignored) < 0)
		ret->driver[0] = '\0';
	return 0;
}

int cpu_read_policies(const struct host *h, struct cpu_policy **ret, size_t *len, struct err *e)
{
	int fd = file_open(h, POLICIES, O_RDONLY | O_DIRECTORY, e);

	*ret = NULL;
	*len = 0;
	if (fd == -ENOENT && file_exists(h, "/sys/devices/system/cpu"))
		return 0;
	if (fd < 0)
		return fd;
	cleanup_closedir DIR *dir = fdopendir(fd);
	if (!dir) {
		close(fd);
		return err_errno(e, errno, "read '" POLICIES "'");
	}

	cleanup_free void *all = NULL;
	size_t n = 0, cap = 0;

	for (const struct dirent *d; (d = readdir(dir)) && n < POLICIES_MAX;) {
		uint64_t number;

		if (strncmp(d->d_name, "policy", 6) != 0 ||
		    parse_u64(d->d_name + 6, 0, UINT32_MAX, &number) < 0)
			continue;
		int r = read_policy(h, d->d_name, array_push(&all, &n, &cap, sizeof(**ret)), e);
		if (r < 0)
			return r;
	}
	*len = n;
	*ret = TAKE_PTR(all);
	return 0;
}
