/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "sys/host.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "sys/file.h"
#include "sys/netns.h"

/* Fills buf from a one-line file; empty when it cannot be read: these only describe the host. */
static void describe(const struct host *h, const char *path, char *buf, size_t size)
{
	struct err ignored;

	if (file_read(h, path, buf, size, &ignored) < 0)
		buf[0] = '\0';
}

static int enter_netns(struct host *h, const char *netns, struct err *e)
{
	/* Kept so that the command of `run` can start where runup was started. */
	cleanup_close int fd = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return err_errno(e, errno, "open the present network namespace");
	int r = netns_enter(netns, e);
	if (r < 0)
		return r;
	h->origin_netns_fd = TAKE_FD(fd);
	h->netns = netns;
	return 0;
}

/*
 * A cookie that cannot be asked for right now (no descriptor, no memory) is an error: a changeset
 * without it would be of no namespace that is ever found again. Kernels before 5.14 have none, and
 * a seccomp filter may keep it from everybody; then nothing is ever compared with one.
 */
static int read_cookie(struct host *h, struct err *e)
{
	h->netns_cookie = netns_cookie();
	if (h->netns_cookie || errno == ENOPROTOOPT || errno == EAFNOSUPPORT || errno == EPERM ||
	    errno == EACCES)
		return 0;
	return err_errno(e, errno, "read the cookie of this network namespace");
}

int host_open(struct host *h, const char *root, const char *netns, struct err *e)
{
	*h = (struct host){.root_fd = -1, .origin_netns_fd = -1, .root = root ? root : "/"};
	h->captured = root != NULL;

	if (root && netns)
		return err_set(e, ERR_BAD_INPUT,
			       "--netns goes with a live host, not with --root '%s'", root);
	h->root_fd = open(h->root, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (h->root_fd < 0)
		return err_set(e, ERR_BAD_INPUT, "open root '%s': %s", h->root, strerror(errno));
	if (root && !file_exists(h, "/proc"))
		return err_set(e, ERR_BAD_INPUT,
			       "'%s' is not a captured host: it has no proc folder", root);
	if (netns) {
		int r = enter_netns(h, netns, e);

		if (r < 0)
			return r;
	}
	if (!h->captured) {
		int r = read_cookie(h, e);

		if (r < 0)
			return r;
	}
	h->init_netns = file_exists(h, "/proc/sys/net/core/netdev_max_backlog");
	describe(h, "/proc/sys/kernel/random/boot_id", h->boot_id, sizeof(h->boot_id));
	describe(h, "/proc/sys/kernel/osrelease", h->release, sizeof(h->release));
	describe(h, "/proc/sys/kernel/hostname", h->hostname, sizeof(h->hostname));
	return 0;
}

void host_close(struct host *h)
{
	if (h->root_fd >= 0)
		close(h->root_fd);
	if (h->origin_netns_fd >= 0)
		close(h->origin_netns_fd);
	h->root_fd = h->origin_netns_fd = -1;
}
