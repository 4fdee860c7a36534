/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What ev_drops.bpf.c counts by: shared between the kernel's side and ours. */
#ifndef RUNUP_WATCH_EV_DROPS_H
#define RUNUP_WATCH_EV_DROPS_H

#include <linux/types.h>

/* One kind of drop. The map has no room for one row a packet, so no addresses and no clients. */
struct drop_key {
	__u64 netns;	/* cookie of the network namespace; 0: the packet did not tell */
	__u64 location; /* address inside the function that dropped it */
	__u32 reason;	/* enum skb_drop_reason, as this kernel numbers it */
	__u16 port;	/* local port of a server's socket, host order; 0: none, or a client's */
	__u8 protocol;	/* IPPROTO_… of the socket; 0: not known */
	__u8 zero;	/* keys are compared byte by byte: no padding */
};
_Static_assert(sizeof(struct drop_key) == 24, "drop_key has padding");

#define DROP_KEYS 1024
#define DROP_REASONS 512 /* the kernel has 128 (6.18) */

#endif
