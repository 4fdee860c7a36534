/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tables of nf_tables: one looked at over netlink, and changes by libnftables. */
#ifndef RUNUP_SYS_NFT_H
#define RUNUP_SYS_NFT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/err.h"
#include "sys/host.h"

#define NFT_COMMENT_MAX 128

/* Of the inet family. */
struct nft_table {
	bool present;
	uint64_t handle;	       /* no other table of this boot has it */
	uint32_t flags;		       /* dormant … */
	uint32_t objects;	       /* chains, sets, maps and others in it */
	char comment[NFT_COMMENT_MAX]; /* "": none (before 5.10 the kernel kept none) */
};

/*
 * Not there, or nf_tables not loaded: present is false, and 0 is returned. Loads no module.
 * -EPERM: needs CAP_NET_ADMIN; -EOPNOTSUPP: it cannot be told whether asking would load nf_tables.
 */
must_check int nft_table_read(const struct host *h, const char *name, struct nft_table *ret,
			      struct err *e);

/* How many rules a chain of it holds; -ENOENT: there is no such chain. */
must_check int nft_chain_rules(const struct host *h, const char *table, const char *chain,
			       uint32_t *ret, struct err *e);

/*
 * Runs commands of nft(8) in the calling thread's network namespace, all of them in one
 * transaction: all take effect, or none. what: names it in messages ("make table 'x'"). The kernel
 * loads what modules they need. Returns 0 or -errno with nft's own first line of reason.
 */
must_check int nft_run(const char *commands, const char *what, struct err *e);

#endif
