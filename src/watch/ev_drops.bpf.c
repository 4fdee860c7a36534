// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Counts dropped packets by place on tp_btf/kfree_skb. Every packet that is freed for a reason
 * passes here, so a storm must not cost more than one look-up: counts stay in the kernel, in maps
 * of fixed size, and are fetched once an interval.
 */
#include <linux/bpf.h>

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

#include "watch/ev_drops.h"

/* The fields that are read, found in the running kernel by their names (CO-RE). */
#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct net {
	__u64 net_cookie;
};

typedef struct {
	struct net *net;
} possible_net_t;

struct net_device {
	possible_net_t nd_net;
};

struct sock_common {
	__u16 skc_num;
	volatile unsigned char skc_state;
	possible_net_t skc_net;
};

struct sock {
	struct sock_common __sk_common;
	__u16 sk_protocol;
};

struct sk_buff {
	struct net_device *dev;
	struct sock *sk;
};

#pragma clang attribute pop

/*
 * Set before loading. The verifier knows the value of read-only data and does not look at branches
 * that cannot be taken, so an argument that this kernel's tracepoint lacks is never touched.
 */
const volatile __u8 has_rx_sk;
const volatile __u64 only_netns; /* cookie; 0: all */
const volatile __u16 ephemeral_low, ephemeral_high;
const volatile __u8 benign[DROP_REASONS];

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_HASH);
	__uint(max_entries, DROP_KEYS);
	__type(key, struct drop_key);
	__type(value, __u64);
} drops SEC(".maps");

/* Drops that found the map full. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} other SEC(".maps");

/* include/net/tcp_states.h; fixed, as inet_diag shows them to programs. */
#define TCP_TIME_WAIT 6
#define TCP_CLOSE 7
#define TCP_LISTEN 10
#define TCP_NEW_SYN_RECV 12
#define IPPROTO_TCP 6
#define IPPROTO_UDP 17

static void add_one(__u64 *count)
{
	/* Atomic though it is this CPU's own: in task context the program can be preempted. */
	__sync_fetch_and_add(count, 1);
}

static __u64 netns_cookie(struct net *net)
{
	/* Before 5.12 it was another type and programs could not ask for it either. */
	if (!net || !bpf_core_field_exists(net->net_cookie))
		return 0;
	return BPF_CORE_READ(net, net_cookie);
}

/*
 * The port by which people know a server. One in the ephemeral range is a client's, of which there
 * are thousands, unless the socket listens or is an unconnected UDP one (state CLOSE).
 */
static void describe_socket(struct sock *sk, struct drop_key *key)
{
	unsigned char state = BPF_CORE_READ(sk, __sk_common.skc_state);
	__u16 port = BPF_CORE_READ(sk, __sk_common.skc_num);

	/* These two are no full sockets: they end before sk_protocol (include/net/sock.h). */
	if (state == TCP_TIME_WAIT || state == TCP_NEW_SYN_RECV)
		key->protocol = IPPROTO_TCP;
	else
		key->protocol = (__u8)BPF_CORE_READ(sk, sk_protocol);
	if (key->protocol != IPPROTO_TCP && key->protocol != IPPROTO_UDP)
		return;
	if (port >= ephemeral_low && port <= ephemeral_high && state != TCP_LISTEN &&
	    state != TCP_NEW_SYN_RECV && !(key->protocol == IPPROTO_UDP && state == TCP_CLOSE))
		return;
	key->port = port;
}

static void count(struct drop_key *key)
{
	__u64 one = 1, *value = bpf_map_lookup_elem(&drops, key);
	__u32 zero = 0;

	if (value) {
		add_one(value);
		return;
	}
	if (bpf_map_update_elem(&drops, key, &one, BPF_NOEXIST) == 0)
		return;
	/* Full, or another CPU has just made the row. */
	value = bpf_map_lookup_elem(&drops, key);
	if (!value)
		value = bpf_map_lookup_elem(&other, &zero);
	if (value)
		add_one(value);
}

SEC("tp_btf/kfree_skb")
int drop(__u64 *ctx)
{
	struct sk_buff *skb = (struct sk_buff *)ctx[0];
	struct drop_key key = {.location = ctx[1], .reason = (__u32)ctx[2]};

	if (key.reason < DROP_REASONS && benign[key.reason])
		return 0;

	/*
	 * On the receive path skb->sk is NULL by now (skb_steal_sock()), and rx_sk, from 6.11 on,
	 * is the socket the packet was for; on the way out it is the other way round.
	 */
	struct sock *sk = NULL;
	struct net *net;

	if (has_rx_sk)
		sk = (struct sock *)ctx[3];
	if (!sk)
		sk = BPF_CORE_READ(skb, sk);
	if (sk) {
		net = BPF_CORE_READ(sk, __sk_common.skc_net.net);
	} else {
		/*
		 * UDP keeps other data in this word once a datagram is queued (dev_scratch,
		 * net/ipv4/udp.c): then the read fails, and the namespace stays unknown.
		 */
		net = BPF_CORE_READ(skb, dev, nd_net.net);
	}
	key.netns = netns_cookie(net);
	if (only_netns && key.netns && key.netns != only_netns)
		return 0;
	if (sk)
		describe_socket(sk, &key);
	count(&key);
	return 0;
}

char gpl[] SEC("license") = "GPL";
