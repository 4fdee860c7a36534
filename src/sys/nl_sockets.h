/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Connected TCP sockets and UDP sockets one by one, by inet_diag. */
#ifndef RUNUP_SYS_NL_SOCKETS_H
#define RUNUP_SYS_NL_SOCKETS_H

#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/err.h"
#include "sys/host.h"
#include "sys/nl.h"

struct inet_socket {
	uint8_t family;		     /* AF_INET, AF_INET6 */
	uint8_t local[16], peer[16]; /* network order; the first 4 bytes for AF_INET */
	uint16_t local_port, peer_port;
	uint32_t receive_queue, receive_buffer; /* bytes, as the kernel accounts them; UDP only */
	uint32_t drops;				/* sk_drops since the socket was made; UDP only */
};

enum sockets_ask {
	SOCKETS_TCP_PORTS, /* what holds a local port: connecting, connected, closing, TIME_WAIT */
	SOCKETS_UDP,
	SOCKETS_TCP_BOUND, /* bound, and neither listening nor connected: Linux 6.8 and later */
};

/*
 * All such sockets of the namespace, about 1 us each and no matter how many: ask only where
 * sockstat says that they are few, or with -v. *ret is the caller's to free, and may be NULL when
 * *ret_len is 0. -ENOENT: the kernel has no inet_diag for that protocol. -EOPNOTSUPP: nor for bound
 * sockets, for which an older one would go through all others and find none. As with `ss`, the
 * question may make the kernel load tcp_diag or udp_diag, which only read.
 */
must_check int sockets_read(const struct host *h, enum sockets_ask ask, struct inet_socket **ret,
			    size_t *ret_len, struct err *e);

/* The question behind it for one family, built in buf (NL_REQUEST_MAX bytes, aligned for struct
 * nlmsghdr; borrowed). */
struct nl_question sockets_question(enum sockets_ask ask, uint8_t family, void *buf);

#endif
