/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Network devices and their queueing disciplines, by rtnetlink. */
#ifndef RUNUP_SYS_NL_LINK_H
#define RUNUP_SYS_NL_LINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/err.h"
#include "sys/host.h"
#include "sys/nl.h"

#define LINK_NAME_MAX 16 /* IFNAMSIZ */
#define LINK_KIND_MAX 16
#define LINK_ADDRESS_MAX 32 /* MAX_ADDR_LEN */

/* Since the device was made (struct rtnl_link_stats64); all 0 when statistics were not asked for.
 */
struct link_stats {
	uint64_t rx_packets, tx_packets;
	uint64_t rx_errors, rx_dropped, rx_missed, rx_fifo, rx_crc;
	uint64_t tx_errors, tx_dropped, tx_carrier;
};

struct link {
	uint32_t index;
	char name[LINK_NAME_MAX];
	char kind[LINK_KIND_MAX];   /* "veth", "bridge"; "" for hardware, also that of a VM */
	char qdisc[LINK_KIND_MAX];  /* of its root: "mq", "fq_codel", "noqueue" */
	uint16_t type;		    /* ARPHRD_ETHER … */
	bool up, loopback, carrier; /* up: administratively */
	uint32_t mtu, queue_length; /* IFLA_TXQLEN, packets */
	uint8_t address[LINK_ADDRESS_MAX];
	uint8_t address_len; /* 0: none, or taken out of a captured host */
	/* The one it was made with, which nobody changes (IFLA_PERM_ADDRESS, 5.6); length 0: none
	 */
	uint8_t permanent[LINK_ADDRESS_MAX];
	uint8_t permanent_len;
	struct link_stats stats;
};

/* Hardware, real or a virtual machine's, rather than something that software made up. */
bool link_is_hardware(const struct link *l);

/*
 * All devices of the namespace, by index. Needs no privilege. Without stats the kernel leaves them
 * out (RTEXT_FILTER_SKIP_STATS, 4.4), which halves a message. *ret is the caller's to free, and may
 * be NULL when *ret_len is 0.
 */
must_check int links_read(const struct host *h, bool stats, struct link **ret, size_t *ret_len,
			  struct err *e);

#define QDISC_PARENT_ROOT UINT32_C(0xffffffff) /* TC_H_ROOT */

/* One queueing discipline; a multi-queue device has its root (mq) and one more for each queue. */
struct qdisc {
	uint32_t ifindex, parent;
	char kind[LINK_KIND_MAX];
	bool has_limit; /* pfifo: packets */
	uint32_t limit;
	uint64_t drops, overlimits, waiting; /* drops and overlimits since it was attached */
};
must_check int qdiscs_read(const struct host *h, struct qdisc **ret, size_t *ret_len,
			   struct err *e);

/* The questions behind them, built in buf (NL_REQUEST_MAX bytes, aligned for struct nlmsghdr;
 * borrowed). */
struct nl_question link_question(bool stats, void *buf);
struct nl_question qdisc_question(void *buf);

#endif
