/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the running kernel's BPF and BTF offer. */
#ifndef RUNUP_SYS_BPF_H
#define RUNUP_SYS_BPF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/attr.h"
#include "base/err.h"
#include "sys/host.h"

/* Names of enum skb_drop_reason in the running kernel, by number; NULL where there is a gap. */
struct drop_reasons {
	const char **name; /* "NETFILTER_DROP": the kernel's name without SKB_DROP_REASON_ */
	uint32_t len;
};

/*
 * What tp_btf/kfree_skb carries here. Told from BTF, never from a version: distributions backport
 * (c504e5c2f964 added the reason in 5.17, ba8de796baf4 rx_sk in 6.11).
 */
struct kfree_skb_features {
	bool has_reason, has_rx_sk;
	struct drop_reasons reasons;
};

/*
 * Reads /sys/kernel/btf/vmlinux once (10 ms). Names live in the arena. -ENOENT: no BTF;
 * -EOPNOTSUPP: built without BPF (WITH_BPF=0).
 */
must_check int bpf_kfree_skb_features(struct arena *a, struct kfree_skb_features *ret,
				      struct err *e);

/* libbpf prints to stderr unless told otherwise; from here on only with -v. */
void bpf_log_to_debug(void);

/* A refused bpf(2) as one sentence with what to do; returns -code. */
must_check int bpf_refused(struct err *e, int code, const char *what);

/* How often the kernel skipped the program because it was already running on that CPU (5.12). */
uint64_t bpf_recursion_misses(int prog_fd);

/* One way of attaching a program, tried for real with a program that does nothing. */
struct bpf_probe {
	const char *name; /* "tp_btf", "fentry" */
	const char *used; /* what runup would use it for */
	bool works;
	char why[200]; /* why not; "" when it works */
};

#define BPF_PROBES 4

/* Tries them all (some 10 ms each); ret has BPF_PROBES places. */
void bpf_probe_all(const struct host *h, struct bpf_probe *ret);

#endif
