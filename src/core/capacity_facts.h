/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the host has: limits in force and what is used of them, read once. */
#ifndef RUNUP_CORE_CAPACITY_FACTS_H
#define RUNUP_CORE_CAPACITY_FACTS_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/ranges.h"
#include "core/ct_use.h"
#include "core/load.h"
#include "sys/cgroup.h"
#include "sys/host.h"
#include "sys/nl_sockdiag.h"
#include "sys/proc.h"

/* In the order they are shown; the names are those of the JSON. */
#define RESOURCES(X)                                                                               \
	X(ports)                                                                                   \
	X(accept_queue)                                                                            \
	X(syn_queue)                                                                               \
	X(conntrack)                                                                               \
	X(descriptors)                                                                             \
	X(system_files)                                                                            \
	X(time_wait)                                                                               \
	X(socket_memory)                                                                           \
	X(pids)                                                                                    \
	X(cpu)                                                                                     \
	X(generator_memory)                                                                        \
	X(neighbours)

#define X_RESOURCE(name) RESOURCE_##name,
enum resource_id { RESOURCES(X_RESOURCE) RESOURCES_LEN };
#undef X_RESOURCE

const char *resource_name(enum resource_id r); /* "accept_queue" */

/* Zero is "not read", so that a forgotten fact is unknown and never 0. */
enum known { NOT_READ, KNOWN, NOT_HERE, UNREADABLE };

/* How much of a group of facts is known; `why` where it is not: "belongs to the host …". */
struct knowing {
	enum known known;
	char why[240];
};

struct port_facts {
	struct knowing is;
	uint32_t low, high;
	uint64_t reserved; /* ip_local_reserved_ports inside the range */
	/*
	 * Ports inside the range, not reserved, that something is bound to, listening or not:
	 * connect() skips them (__inet_hash_connect(): fastreuse >= 0). Those that do not listen
	 * are looked for where the kernel tells them (6.8) and has few sockets, as it goes through
	 * all that are bound; `not_broken_down` is how many sockets there were too many of.
	 */
	uint64_t bound, not_broken_down;
	bool tw_reuse_known; /* with the two below it */
	uint64_t tw_reuse, timestamps, tw_reuse_delay_ms;
	uint64_t time_wait; /* sockets in TIME_WAIT right now, of whichever end */
};

/* One listener, an SO_REUSEPORT group of them, or none: then somaxconn is what one could get. */
struct queue_facts {
	struct knowing is;
	bool listening;
	uint64_t limit;	  /* in force; of the smallest of the group */
	unsigned sockets; /* the kernel spreads connections over a group by hash */
	char name[LISTENER_NAME_MAX];
	char comm[PROC_COMM_MAX]; /* "": not known */
	bool somaxconn_known;
	uint64_t somaxconn;
	bool syn_known; /* the two below */
	uint64_t syncookies, max_syn_backlog;
};

struct conntrack_facts {
	struct knowing is; /* NOT_HERE: not loaded */
	uint64_t entries, max;
	uint64_t buckets; /* 0: not known */
	uint64_t time_wait_s;
	bool nat; /* the load's addresses may be translated, by a rule or, if those are not known,
		   * because nf_nat is here */
	struct ct_use
		use; /* of it in this namespace, for this load; read where something is asked */
};

/* The process whose limits count: the load's server, --pid, or this shell. */
struct process_facts {
	struct knowing is;
	pid_t pid; /* 0: this shell, and what is started from it */
	char comm[PROC_COMM_MAX];
	uint64_t soft, hard; /* PROC_UNLIMITED */
	uint64_t open;	     /* descriptors open now, of a process that runs */
};

/* A number that is used up to a limit. */
struct used_facts {
	struct knowing is;
	uint64_t max, used;
};

struct pids_facts {
	struct knowing is;
	uint64_t tasks, pid_max, threads_max; /* the limits: 0 where they are not known */
	struct cgroup_room cgroup;
	bool nproc_applies; /* RLIMIT_NPROC binds this user, and both below are known */
	uint64_t nproc, user_tasks;
};

struct cpu_facts {
	struct knowing is;
	uint64_t online;
	struct cgroup_cpu quota;
};

struct memory_facts {
	struct knowing is;
	uint64_t available_bytes; /* MemAvailable */
	struct cgroup_room cgroup;
};

struct facts {
	struct port_facts ports;
	struct queue_facts queue;
	struct conntrack_facts conntrack;
	struct process_facts process;
	struct used_facts system_files, time_wait, neighbours;
	struct used_facts tcp_memory; /* pages: where pressure begins (tcp_mem[1]), in use */
	uint64_t tcp_memory_high;     /* tcp_mem[2]: above it packets are dropped */
	struct pids_facts pids;
	struct cpu_facts cpu;
	struct memory_facts memory;
};

/* Sets of resources: 1u << RESOURCE_ports | … */
#define ALL_RESOURCES ((1u << RESOURCES_LEN) - 1)

/*
 * Reads what the sums of these resources need, for this load (its ports, its process). Never fails:
 * what could not be read says so. names: also look for the owners of sockets, which goes through
 * all descriptors of the host.
 */
void facts_read(const struct host *h, const struct load *l, unsigned resources, bool names,
		struct facts *ret);

/* What connect() chooses local ports from. */
struct local_ports {
	uint32_t low, high;
	uint64_t usable;	/* the range without what is reserved in it */
	struct ranges reserved; /* ip_local_reserved_ports, whole; ranges_done() releases */
};

/* -ENOENT: there is no such range (a captured host). ret is untouched on failure. */
must_check int facts_local_ports(const struct host *h, struct local_ports *ret, struct err *e);

/* The facts of local ports alone, with the listeners that were read already. */
void facts_read_ports(const struct host *h, const struct listener *l, size_t len,
		      struct port_facts *ret);

/* Listeners of one address: an SO_REUSEPORT group, or one socket. */
struct listener_group {
	const struct listener *first;
	size_t len;
	uint32_t limit, queue; /* of the smallest, of the fullest */
	uint64_t drops;
};

/* The group that begins at l[0]; l is sorted, so a group stands together. len is at least 1. */
struct listener_group listener_group_next(const struct listener *l, size_t len);

/* somaxconn and syncookies alone: the rest of *q belongs to a listener. */
void facts_read_queue_settings(const struct host *h, struct queue_facts *q);

/* The facts of the accept queue for one group, somaxconn and syncookies from those already read. */
struct queue_facts queue_of_group(const struct queue_facts *read, const struct listener_group *g);

/*
 * The process that listens on one of the load's ports; 0: none was found, and then *unreadable (may
 * be NULL) is how many processes may not be looked into.
 */
pid_t facts_find_server(const struct host *h, const struct load *l, unsigned *unreadable);

#endif
