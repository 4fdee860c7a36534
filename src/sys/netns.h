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

#endif
