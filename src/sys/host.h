/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The host that is read: the live one, or a captured copy of one under a folder. */
#ifndef RUNUP_SYS_HOST_H
#define RUNUP_SYS_HOST_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/attr.h"
#include "base/err.h"

/*
 * Every read of /proc, /sys and every netlink question goes through one of these, so that a folder
 * made by tests/fixtures/capture.sh can stand in for a machine. A captured host is never written.
 */
struct host {
	int root_fd; /* O_PATH of "/" or of the captured folder */
	bool captured;
	const char *root;    /* as the user gave it, "/" for the live host; borrowed */
	const char *netns;   /* as the user gave it, NULL: the one runup was started in; borrowed */
	int origin_netns_fd; /* with --netns: the namespace runup was started in, else -1 */
	bool init_netns;     /* the host's first network namespace (see host_open) */
	uint64_t netns_cookie; /* SO_NETNS_COOKIE (5.14, socket(7)); 0: unknown or captured */
	char boot_id[40];      /* /proc/sys/kernel/random/boot_id, "" if it cannot be read */
	char release[65];      /* /proc/sys/kernel/osrelease */
	char hostname[65];
};

/*
 * root: NULL for the live host. netns: NULL, a process id, a path (has a '/'), or a name under
 * /run/netns; the calling thread moves there for good, so it is opened before anything else
 * (setns(2) with a pidfd since 5.8: the files of other namespaces are magic links, which openat2
 * beneath a root refuses).
 *
 * init_netns is told by net.core.netdev_max_backlog, which the kernel registers for the first
 * namespace only (net/core/sysctl_net_core.c, 5.15 to 6.18); that needs no privilege.
 *
 * 0, or -errno / -ERR_BAD_INPUT (no such namespace or folder).
 */
must_check int host_open(struct host *h, const char *root, const char *netns, struct err *e);
void host_close(struct host *h);

#endif
