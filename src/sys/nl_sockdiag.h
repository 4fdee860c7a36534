/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Listening TCP sockets, by inet_diag. */
#ifndef RUNUP_SYS_NL_SOCKDIAG_H
#define RUNUP_SYS_NL_SOCKDIAG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/err.h"
#include "sys/host.h"
#include "sys/nl.h"

#define LISTENER_NAME_MAX 64

/*
 * One socket in LISTEN. For this state the kernel reports sk_ack_backlog as idiag_rqueue and
 * sk_max_ack_backlog as idiag_wqueue (net/ipv4/tcp_diag.c tcp_diag_get_info, 5.15 to 6.18).
 */
struct listener {
	uint8_t family;	     /* AF_INET, AF_INET6 */
	uint8_t address[16]; /* network order; the first 4 bytes for AF_INET */
	uint16_t port;
	uint32_t ifindex; /* bound device, 0: any */
	uint32_t queue;	  /* connections waiting for accept() */
	uint32_t limit;	  /* limit in force: min(listen()'s backlog, somaxconn then) */
	uint32_t drops;	  /* sk_drops since the socket was made: attributes, never counts */
	uint32_t inode;
	uint32_t uid;
	uint64_t cookie; /* names the socket for its life */
};

/*
 * The question behind sockdiag_listeners() for one family, built in buf (NL_REQUEST_MAX bytes,
 * aligned for struct nlmsghdr; borrowed). What records a host asks the same.
 */
struct nl_question sockdiag_listen_question(uint8_t family, void *buf);

/*
 * All listeners of the host's network namespace, sorted by port, family, address, cookie. Asks for
 * the LISTEN state alone: 0.1 ms for a few, 2 ms for 2 000, whatever else exists. *ret is the
 * caller's to free. The question may make the kernel load tcp_diag, which only reads; `ss` does the
 * same. Needs no privilege. *ret may be NULL when *ret_len is 0.
 */
must_check int sockdiag_listeners(const struct host *h, struct listener **ret, size_t *ret_len,
				  struct err *e);

/* "tcp 0.0.0.0:8080", "tcp [::1]:8080"; returns buf. */
const char *listener_name(const struct listener *l, char buf[LISTENER_NAME_MAX]);

#endif
