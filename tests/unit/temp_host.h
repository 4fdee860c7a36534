/* SPDX-License-Identifier: GPL-2.0-or-later */
/* For unit tests: a captured host in a temporary folder, and a network namespace of one's own. */
#ifndef RUNUP_TESTS_UNIT_TEMP_HOST_H
#define RUNUP_TESTS_UNIT_TEMP_HOST_H

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <net/if.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/attr.h"
#include "sys/host.h"

struct temp_host {
	char folder[256];
	struct host host;
};

/* Writes a file of the captured host, folders above it included; path begins with '/'. */
static inline void temp_write(const struct temp_host *t, const char *path, const char *text)
{
	char full[512];

	snprintf(full, sizeof(full), "%s%s", t->folder, path);
	for (char *slash = full + strlen(t->folder) + 1; (slash = strchr(slash, '/')); slash++) {
		*slash = '\0';
		assert_true(mkdir(full, 0755) == 0 || errno == EEXIST);
		*slash = '/';
	}
	unlink(full); /* ext4 writes a file that was cut to nothing to the disk at once */
	FILE *f = fopen(full, "we");
	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
}

static inline void temp_open(struct temp_host *t)
{
	struct err e = {0};
	const char *tmp = getenv("TMPDIR");

	snprintf(t->folder, sizeof(t->folder), "%s/runup-unit.XXXXXX", tmp ? tmp : "/tmp");
	assert_non_null(mkdtemp(t->folder));
	temp_write(t, "/proc/sys/kernel/hostname", "captured\n");
	if (host_open(&t->host, t->folder, NULL, &e) < 0)
		fail_msg("%s", e.msg);
}

static inline int temp_remove_one(const char *path, const struct stat *st unused_, int type unused_,
				  struct FTW *f unused_)
{
	return remove(path);
}

static inline void temp_close(struct temp_host *t)
{
	host_close(&t->host);
	nftw(t->folder, temp_remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* Is this test run where it may make namespaces? Says why not, for run.sh to show. */
static inline int temp_is_root(void)
{
	if (geteuid() == 0)
		return 1;
	printf("making network namespaces needs root: run it with sudo\n");
	return 0;
}

/* Moves this process into a fresh network namespace with loopback up; nothing leads out of it. */
static inline void temp_netns(struct host *ret_live)
{
	struct err e = {0};
	struct ifreq up = {.ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING};

	assert_int_equal(unshare(CLONE_NEWNET), 0);
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	assert_true(fd >= 0);
	assert_int_equal(ioctl(fd, SIOCSIFFLAGS, &up), 0);
	close(fd);
	if (host_open(ret_live, NULL, NULL, &e) < 0)
		fail_msg("%s", e.msg);
}

/* A call that must have worked; the message of its error otherwise. */
#define assert_ok(call, e)                                                                         \
	do {                                                                                       \
		long assert_ok_ = (long)(call);                                                    \
		if (assert_ok_ < 0)                                                                \
			fail_msg("%s: %ld: %s", #call, assert_ok_, (e)->msg);                      \
	} while (0)

#endif
