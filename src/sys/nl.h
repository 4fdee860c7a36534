/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One netlink question and all its answers, over libmnl or from a captured host's record. */
#ifndef RUNUP_SYS_NL_H
#define RUNUP_SYS_NL_H

#include <libmnl/libmnl.h>
#include <stdbool.h>

#include "base/attr.h"
#include "base/err.h"
#include "sys/host.h"

/* Room for any request that runup builds. */
#define NL_REQUEST_MAX 256

/*
 * What to ask. record names the file that holds the answers of a captured host,
 * "netlink/<record>.hex" beneath its root: one message a line, in hex, as the kernel sent it
 * (little-endian) with sequence number and port id 0, '#' starts a comment. A recorded NLMSG_ERROR
 * is a refusal, as it is on a live host. Flags and sequence number are set by nl_ask().
 */
struct nl_question {
	int bus; /* NETLINK_SOCK_DIAG, NETLINK_NETFILTER … */
	const char *record;
	struct nlmsghdr *request;
	bool dump;   /* ends with NLMSG_DONE; otherwise one answer ends it */
	bool change; /* is no question: the kernel is to say that it was done */
};

/*
 * Calls each() with every answer (its length already checked against the message). each() returns
 * MNL_CB_OK, MNL_CB_STOP (enough seen: 0 is returned), or MNL_CB_ERROR with errno set. Handles
 * EINTR, a full buffer, and NLM_F_DUMP_INTR: the dump is asked again, up to three times, since an
 * interrupted one may miss entries; reset() (may be NULL) is called before each repeat. The
 * kernel's extended ack text goes into *e. Returns 0 or -errno; -ENODATA: the captured host has no
 * such record; -EPROTO: a record or an answer that is not a message; -EAGAIN: every repeat was
 * interrupted.
 */
must_check int nl_ask(const struct host *h, const struct nl_question *q, mnl_cb_t each,
		      void (*reset)(void *data), void *data, struct err *e);

/*
 * The attributes of a message behind `offset` bytes of its own header, or those nested in one:
 * the first for before NULL, then the next, NULL at the end or at one that is cut. (libmnl's own
 * loops cast const away.)
 */
const struct nlattr *nl_attr_next(const struct nlmsghdr *m, size_t offset,
				  const struct nlattr *before);
const struct nlattr *nl_nested_next(const struct nlattr *nest, const struct nlattr *before);

#endif
