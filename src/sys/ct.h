/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Connection tracking: statistics messages (libmnl) and table contents (libnetfilter_conntrack). */
#ifndef RUNUP_SYS_CT_H
#define RUNUP_SYS_CT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/err.h"
#include "sys/host.h"

#define CT_CPUS_MAX 1024

/* Since boot, summed over CPUs; of one network namespace (nf_conntrack_stat, per netns). */
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
	const char *source; /* "ctnetlink", "/proc/net/stat/nf_conntrack" */
};

/*
 * Reads the ctnetlink statistics messages (IPCTNL_MSG_CT_GET_STATS_CPU, about 1 ms); without the
 * privilege (CAP_NET_ADMIN in the namespace's user namespace), /proc/net/stat/nf_conntrack. The
 * netlink socket is opened only where that file shows that the module is loaded: asking would load
 * it, and a tracked host is another host. Not loaded is not an error: present is false.
 */
must_check int ct_read_stats(const struct host *h, struct ct_stats *ret, struct err *e);

/* What fills the table: entries by protocol, TCP state and destination port. */
struct ct_group {
	uint8_t protocol;  /* IPPROTO_… */
	const char *state; /* "TIME_WAIT", "ESTABLISHED" …; "-" without states */
	uint16_t port;	   /* original destination port, host order; 0: not shown apart */
	uint64_t entries;
};

/*
 * Dumps the table (about 1.7 us an entry) and groups it, largest first; *ret is the caller's to
 * free. Ask only where the design allows it: with -v, or for a small table that a finding is about.
 */
must_check int ct_breakdown(const struct host *h, struct ct_group **ret, size_t *ret_len,
			    struct err *e);

#endif
