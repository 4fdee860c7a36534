/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Connection tracking: statistics and table contents, by ctnetlink. */
#ifndef RUNUP_SYS_CT_H
#define RUNUP_SYS_CT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/err.h"
#include "sys/host.h"
#include "sys/nl.h"

#define CT_CPUS_MAX 1024

/*
 * Since boot, summed over CPUs; of one network namespace (nf_conntrack_stat, per netns). Each CPU's
 * are 32 bits in the kernel and wrap: compare two readings modulo 2^32.
 */
struct ct_counters {
	uint64_t found, invalid, insert, insert_failed, drop, early_drop, error, search_restart,
		clash_resolve, chain_toolong;
};

struct ct_stats {
	bool present;	  /* connection tracking is in this kernel and loaded */
	uint64_t entries; /* of this namespace */
	uint64_t max;	  /* nf_conntrack_max: one limit for each namespace's own count */
	struct ct_counters total;
	unsigned cpus;
	uint64_t drop_by_cpu[CT_CPUS_MAX];
	const char *source; /* "ctnetlink", "/proc/net/stat/nf_conntrack"; NULL: not present */
};

/*
 * Reads the ctnetlink statistics messages (IPCTNL_MSG_CT_GET_STATS_CPU, well under 1 ms); without
 * the privilege (CAP_NET_ADMIN in the namespace's user namespace), /proc/net/stat/nf_conntrack, and
 * also where nf_conntrack_netlink is a module that is not loaded: asking would load it. Whether
 * tracking itself is loaded is told by /proc first, for the same reason: a tracked host is another
 * host. Not loaded is not an error: present is false.
 */
must_check int ct_read_stats(const struct host *h, struct ct_stats *ret, struct err *e);

/* What fills the table: entries by protocol, TCP (SCTP) state and destination port. */
struct ct_group {
	uint8_t protocol;  /* IPPROTO_… */
	const char *state; /* "TIME_WAIT", "ESTABLISHED" …; "-" without states */
	uint16_t port;	   /* original destination port, host order; 0: none, or not shown apart */
	uint64_t entries;
};

/* So many groups are shown with their port; the rest of their protocol and state is one group. */
#define CT_GROUPS_APART 16

/*
 * Dumps the table (about 2 us an entry) and groups it, largest first; *ret is the caller's to
 * free, and may be NULL when *ret_len is 0. Ask only where the design allows it: with -v, or for a
 * small table that a finding is about. Memory does not grow with the table: 256 KiB for each pair
 * of protocol and state that has ports. -EOPNOTSUPP: asking would load nf_conntrack, or
 * nf_conntrack_netlink.
 */
must_check int ct_breakdown(const struct host *h, struct ct_group **ret, size_t *ret_len,
			    struct err *e);

/*
 * The questions behind them, built in buf (NL_REQUEST_MAX bytes, aligned for struct nlmsghdr;
 * borrowed). What records a host asks the same.
 */
enum ct_ask { CT_ASK_STATS_CPU, CT_ASK_STATS, CT_ASK_DUMP };
struct nl_question ct_question(enum ct_ask ask, void *buf);

/* May ctnetlink be asked without the kernel loading a module for it? */
bool ct_netlink_loaded(const struct host *h);

#endif
