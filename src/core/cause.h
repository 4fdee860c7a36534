/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The table of reasons why packets, connections or requests are lost. */
#ifndef RUNUP_CORE_CAUSE_H
#define RUNUP_CORE_CAUSE_H

#include <stddef.h>
#include <stdint.h>

enum cause_kind { CAUSE_LOSS, CAUSE_LIMIT, CAUSE_PRESSURE, CAUSE_SYMPTOM };

#define CAUSE_COUNTERS 6
#define CAUSE_REASONS 8

/*
 * Adding a row is enough for a cause that the kernel counts by a name of sys/procnet.h or places by
 * a drop reason: src_netstat and ev_drops go by this table.
 */
struct cause {
	const char *id; /* "listen.accept_overflow" */
	enum cause_kind kind;
	const char *title;
	/*
	 * What counts it; their sum is the count, so no two may count the same packet. Named as in
	 * sys/procnet.h, as in /proc/net/snmp6 ("Udp6RcvbufErrors"), "ct.drop" (ctnetlink) or
	 * "softnet.dropped". None: its drop reasons are the count.
	 */
	const char *counters[CAUSE_COUNTERS];
	const char *reasons[CAUSE_REASONS]; /* drop reasons that place it, by the kernel's names */
	uint8_t protocol;	  /* IPPROTO_… whose sockets its reasons are about; 0: any */
	const char *subject_kind; /* "listener", "socket", "table", "host" */
	const char *subject;	  /* the one subject it can have; NULL: has to be seen */
	const char *why;	  /* what the kernel does, with its source */
	const char *fix;
};

extern const struct cause causes[];
extern const size_t causes_len;

/* What a count is put under that nobody saw the subject of; never hidden. */
#define CAUSE_UNATTRIBUTED "unattributed"

/* What the subjects share that there is no room to tell apart. */
#define CAUSE_OTHER "other"

const struct cause *cause_find(const char *id);
const struct cause *cause_by_counter(const char *counter);

/*
 * The cause a drop reason places. protocol is that of the socket the packet was for, 0 where it is
 * not known: SOCKET_RCVBUFF on a UDP socket is another cause than on a raw one.
 */
const struct cause *cause_by_reason(const char *reason, uint8_t protocol);
const char *cause_kind_name(enum cause_kind k); /* "loss" … */

#endif
