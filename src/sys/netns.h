/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Network namespaces: finding one, moving there, naming it. */
#ifndef RUNUP_SYS_NETNS_H
#define RUNUP_SYS_NETNS_H

#include <stdint.h>

#include "base/attr.h"
#include "base/err.h"

/*
 * Moves the calling thread into `spec`: a process id (pidfd, setns(2), 5.8), a path (has a '/'), or
 * a name that `ip netns` made. -ERR_BAD_INPUT when there is no such namespace; -EPERM without
 * CAP_SYS_ADMIN.
 */
must_check int netns_enter(const char *spec, struct err *e);

/* SO_NETNS_COOKIE of the present namespace (5.14); 0 where the kernel has none. Inodes are reused,
 * this is not. */
uint64_t netns_cookie(void);

/* The calling thread's present network namespace, to come back to; a descriptor or -errno. */
must_check int netns_open_present(struct err *e);

/* Moves the calling thread into the namespace that fd is. */
must_check int netns_enter_fd(int fd, struct err *e);

/*
 * Opens the live network namespace with this cookie, wherever a name for one is: mounts, processes
 * and their threads, and, as far as they can be read, open descriptors. The calling thread looks
 * into each and is back where it was when this returns.
 *
 * A descriptor; -ENOENT: all of them could be looked at and none is it; -EACCES: some could not be,
 * so nothing is proven; any other -errno: it could not be done, or (the message says so) the thread
 * could not be brought back.
 */
must_check int netns_open_cookie(uint64_t cookie, struct err *e);

#endif
