/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The backlog of somebody else's live listener, changed without a restart. */
#ifndef RUNUP_SYS_LISTENER_LIMIT_H
#define RUNUP_SYS_LISTENER_LIMIT_H

#include "base/attr.h"
#include "base/err.h"
#include "sys/host.h"
#include "sys/nl_sockdiag.h"

/*
 * Duplicates the socket out of a process that holds it: pidfd_open(2) (5.3), pidfd_getfd(2) (5.6).
 * Returns the descriptor, proven to be this socket by its SO_COOKIE (4.12): between the look at
 * /proc and the call the number may have become another file's. -ENOENT: nobody holds it any more;
 * -EPERM: what it takes (PTRACE_MODE_ATTACH_REALCREDS of ptrace(2): CAP_SYS_PTRACE, or the same
 * user and Yama's leave); -ENOSYS; -ENXIO: it is the kernel's own (NFS, the subflow of an MPTCP
 * listener), of which no process has a descriptor.
 */
must_check int listener_take(const struct host *h, const struct listener *l, struct err *e);

/*
 * Sets its limit by a second listen(2): for a socket in LISTEN that changes sk_max_ack_backlog and
 * nothing else (__inet_listen_sk(), net/ipv4/af_inet.c; inet_listen() before 6.2, 5.15 to 6.18).
 * __sys_listen() caps it at somaxconn, so -EINVAL without touching it where net.core.somaxconn of
 * this namespace, which must be the socket's, is lower. Else as listener_take().
 */
must_check int listener_set_limit(const struct host *h, const struct listener *l, uint32_t limit,
				  struct err *e);

#endif
