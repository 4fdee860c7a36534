/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/sysctl_key.h"

#include <stddef.h>
#include <string.h>

/*
 * Scopes were read off Linux 6.18 in a fresh network namespace (what is absent there is the host's,
 * what is 0444 there is shown but owned by the host) and agree with net_namespace.c,
 * sysctl_net_core.c, sysctl_net_ipv4.c and nf_conntrack_standalone.c of 5.15 to 6.12.
 */
static const struct sysctl_key keys[] = {
	{
		.key = "net.core.somaxconn",
		.scope = SCOPE_NETNS,
		.kind = VALUE_NUMBERS,
		.auto_value = AUTO_ACCEPT_QUEUE,
		.check = "listen.backlog",
		.severity = FINDING_FAIL,
		.why = "caps the backlog of every listen() made after it was set; a listener that "
		       "is already there keeps the limit it got",
	},
	{
		.key = "net.ipv4.tcp_max_syn_backlog",
		.scope = SCOPE_NETNS,
		.kind = VALUE_NUMBERS,
		.auto_value = AUTO_ACCEPT_QUEUE,
		.check = "listen.syn_queue",
		.severity = FINDING_WARN,
		.why = "counts only with SYN cookies off; with them the SYN queue is capped by "
		       "the listener's own backlog",
	},
	{
		.key = "net.ipv4.tcp_syncookies",
		.scope = SCOPE_NETNS,
		.kind = VALUE_NUMBERS,
		.max = 2,
		.check = "listen.syn_queue",
		.severity = FINDING_FAIL,
		.why = "off, a full SYN queue drops connection attempts that cookies would have "
		       "let in",
	},
	{
		.key = "net.ipv4.ip_local_port_range",
		.scope = SCOPE_NETNS,
		.kind = VALUE_RANGE,
		.min = 1,
		.max = 65535,
		.check = "ports.range",
		.severity = FINDING_WARN,
		.why = "the ports that outgoing connections take, per destination; IPv6 uses the "
		       "same range",
	},
	{
		.key = "net.ipv4.ip_local_reserved_ports",
		.scope = SCOPE_NETNS,
		.kind = VALUE_SET,
		.auto_value = AUTO_LISTEN_PORTS,
		.check = "ports.reserved",
		.severity = FINDING_FAIL,
		.why = "ports kept free for listeners; without it an outgoing connection may take "
		       "the port that a server binds to next",
	},
	{
		.key = "net.ipv4.ip_unprivileged_port_start",
		.scope = SCOPE_NETNS,
		.kind = VALUE_NUMBERS,
		.max = 65535,
		.check = "config.profile",
		.severity = FINDING_WARN,
		.why = "ip_local_port_range may not begin below it",
	},
	{
		.key = "net.ipv4.tcp_tw_reuse",
		.scope = SCOPE_NETNS,
		.kind = VALUE_NUMBERS,
		.max = 2,
		.check = "tcp.tw_reuse",
		.severity = FINDING_WARN,
		.why = "1 lets a new outgoing connection take a port in TIME_WAIT after one "
		       "second instead of sixty; the default 2 does so on loopback only",
	},
	{
		.key = "net.ipv4.tcp_tw_reuse_delay",
		.scope = SCOPE_NETNS,
		.kind = VALUE_NUMBERS,
		.check = "tcp.tw_reuse",
		.severity = FINDING_WARN,
		.why = "milliseconds before a port in TIME_WAIT may be taken again with "
		       "tcp_tw_reuse (1000 where the key is not there)",
	},
	{
		.key = "net.ipv4.tcp_timestamps",
		.scope = SCOPE_NETNS,
		.kind = VALUE_NUMBERS,
		.max = 2,
		.check = "tcp.tw_reuse",
		.severity = FINDING_WARN,
		.why = "tcp_tw_reuse works only between hosts that both send timestamps",
	},
	{
		.key = "net.ipv4.tcp_fin_timeout",
		.scope = SCOPE_NETNS,
		.kind = VALUE_NUMBERS,
		.min = 1,
		.check = "config.profile",
		.severity = FINDING_WARN,
		.why = "seconds an orphaned connection stays in FIN_WAIT_2; it does not shorten "
		       "TIME_WAIT, which is 60 s by compile time",
	},
	{
		.key = "net.ipv4.tcp_max_tw_buckets",
		.scope = SCOPE_NETNS,
		.kind = VALUE_NUMBERS,
		.check = "config.profile",
		.severity = FINDING_WARN,
		.why = "above it, closed connections skip TIME_WAIT and its protection, with a "
		       "counter and no log line",
	},
	{
		.key = "net.ipv4.tcp_slow_start_after_idle",
		.scope = SCOPE_NETNS,
		.kind = VALUE_NUMBERS,
		.max = 255,
		.check = "config.profile",
		.severity = FINDING_WARN,
		.why = "1 makes a kept-alive connection start slowly again after each pause",
	},
	{
		.key = "net.ipv4.tcp_abort_on_overflow",
		.scope = SCOPE_NETNS,
		.kind = VALUE_NUMBERS,
		.max = 255,
		.check = "config.profile",
		.severity = FINDING_WARN,
		.why = "1 answers a full accept queue with a reset, which clients cannot retry",
	},
	{
		.key = "net.ipv4.tcp_rmem",
		.scope = SCOPE_NETNS,
		.kind = VALUE_NUMBERS,
		.fields = 3,
		.min = 1,
		.check = "tcp.buffers",
		.severity = FINDING_WARN,
		.why = "smallest, initial and largest receive buffer of a connection, in bytes",
	},
	{
		.key = "net.ipv4.tcp_wmem",
		.scope = SCOPE_NETNS,
		.kind = VALUE_NUMBERS,
		.fields = 3,
		.min = 1,
		.check = "tcp.buffers",
		.severity = FINDING_WARN,
		.why = "smallest, initial and largest send buffer of a connection, in bytes",
	},
	{
		.key = "net.ipv4.tcp_mem",
		.scope = SCOPE_HOST,
		.kind = VALUE_NUMBERS,
		.fields = 3,
		.min = 1,
		.max = INT64_MAX,
		.check = "tcp.memory",
		.severity = FINDING_WARN,
		.why = "pages of memory for all TCP sockets: low, pressure and hard limit",
	},
	{
		.key = "net.ipv4.tcp_max_orphans",
		.scope = SCOPE_HOST,
		.kind = VALUE_NUMBERS,
		.check = "tcp.orphans",
		.severity = FINDING_WARN,
		.why = "connections that no process holds any more; above it they are reset",
	},
	{
		.key = "net.core.netdev_max_backlog",
		.scope = SCOPE_HOST,
		.kind = VALUE_NUMBERS,
		.check = "softnet.backlog",
		.severity = FINDING_WARN,
		.why = "packets that may wait for each CPU's softirq",
	},
	{
		.key = "net.core.rmem_max",
		.scope = SCOPE_NETNS_SHOWN,
		.kind = VALUE_NUMBERS,
		.check = "udp.buffers",
		.severity = FINDING_WARN,
		.why = "ceiling for SO_RCVBUF; TCP's own growth has tcp_rmem",
	},
	{
		.key = "net.core.wmem_max",
		.scope = SCOPE_NETNS_SHOWN,
		.kind = VALUE_NUMBERS,
		.check = "config.profile",
		.severity = FINDING_WARN,
		.why = "ceiling for SO_SNDBUF; TCP's own growth has tcp_wmem",
	},
	{
		.key = "net.netfilter.nf_conntrack_max",
		.scope = SCOPE_NETNS_SHOWN,
		.module = true,
		.kind = VALUE_NUMBERS,
		.zero_is_unlimited = true,
		.auto_value = AUTO_CONNTRACK,
		.check = "conntrack.capacity",
		.severity = FINDING_FAIL,
		.why = "entries that a namespace's table may hold; above it new connections are "
		       "dropped",
	},
	{
		/* As many as entries: what nf_conntrack_init_start() does itself (5.15). */
		.key = "net.netfilter.nf_conntrack_buckets",
		.scope = SCOPE_NETNS_SHOWN,
		.module = true,
		.kind = VALUE_NUMBERS,
		.auto_value = AUTO_CONNTRACK,
		.check = "conntrack.buckets",
		.severity = FINDING_WARN,
		.why = "hash chains of the table; the kernel rounds it up",
	},
	{
		.key = "net.netfilter.nf_conntrack_tcp_timeout_time_wait",
		.scope = SCOPE_NETNS,
		.module = true,
		.kind = VALUE_NUMBERS,
		.check = "conntrack.capacity",
		.severity = FINDING_WARN,
		.why = "seconds that a closed connection keeps its entry: twice the socket's "
		       "TIME_WAIT by default",
	},
	{
		.key = "fs.file-max",
		.scope = SCOPE_HOST,
		.kind = VALUE_NUMBERS,
		.max = INT64_MAX,
		.check = "limits.system_files",
		.severity = FINDING_FAIL,
		.why = "open files of the whole host; its default is far above any need, so "
		       "setting it usually lowers it",
	},
	{
		.key = "fs.nr_open",
		.scope = SCOPE_HOST,
		.kind = VALUE_NUMBERS,
		.check = "limits.nofile",
		.severity = FINDING_FAIL,
		.why = "ceiling for any process's descriptor limit",
	},
	{
		.key = "kernel.pid_max",
		.scope = SCOPE_HOST,
		.kind = VALUE_NUMBERS,
		.check = "limits.pids",
		.severity = FINDING_WARN,
		.why = "process ids, so processes and threads together",
	},
	{
		.key = "kernel.threads-max",
		.scope = SCOPE_HOST,
		.kind = VALUE_NUMBERS,
		.check = "limits.pids",
		.severity = FINDING_WARN,
		.why = "threads of the whole host",
	},
	{
		.key = "vm.swappiness",
		.scope = SCOPE_HOST,
		.kind = VALUE_NUMBERS,
		.max = 200,
		.check = "config.profile",
		.severity = FINDING_WARN,
		.why = "how readily anonymous memory is swapped out",
	},
	{
		.key = "net.ipv4.tcp_window_scaling",
		.scope = SCOPE_NETNS,
		.kind = VALUE_NUMBERS,
		.check = "tcp.buffers",
		.severity = FINDING_WARN,
		.why = "off, a connection never has more than 64 KiB under way",
	},
	{
		.key = "net.core.rmem_default",
		.scope = SCOPE_NETNS_SHOWN,
		.kind = VALUE_NUMBERS,
		.check = "udp.buffers",
		.severity = FINDING_WARN,
		.why = "receive buffer of a UDP socket whose program does not set SO_RCVBUF",
	},
	{
		.key = "net.core.wmem_default",
		.scope = SCOPE_NETNS_SHOWN,
		.kind = VALUE_NUMBERS,
		.check = "udp.buffers",
		.severity = FINDING_WARN,
		.why = "send buffer of a UDP socket whose program does not set SO_SNDBUF",
	},
	{
		.key = "net.ipv4.udp_mem",
		.scope = SCOPE_HOST,
		.kind = VALUE_NUMBERS,
		.fields = 3,
		.min = 1,
		.max = INT64_MAX,
		.check = "udp.buffers",
		.severity = FINDING_WARN,
		.why = "pages of memory for all UDP sockets: low, pressure and hard limit",
	},
	{
		.key = "net.core.netdev_budget",
		.scope = SCOPE_HOST,
		.kind = VALUE_NUMBERS,
		.check = "softnet.budget",
		.severity = FINDING_WARN,
		.why = "packets that one round of a CPU's softirq takes from all devices",
	},
	{
		.key = "net.core.netdev_budget_usecs",
		.scope = SCOPE_HOST,
		.kind = VALUE_NUMBERS,
		.check = "softnet.budget",
		.severity = FINDING_WARN,
		.why = "microseconds that such a round may last",
	},
	{
		.key = "net.core.rps_sock_flow_entries",
		.scope = SCOPE_HOST,
		.kind = VALUE_NUMBERS,
		.check = "softnet.steering",
		.severity = FINDING_WARN,
		.why = "size of the table by which RFS finds the CPU that reads a flow; 0 is off",
	},
	{
		.key = "net.core.default_qdisc",
		.scope = SCOPE_HOST,
		.kind = VALUE_TEXT,
		.check = "qdisc.default",
		.severity = FINDING_WARN,
		.why = "the queueing discipline that a device gets when it first comes up; one "
		       "that has been up keeps its own",
	},
	{
		.key = "net.ipv4.neigh.default.gc_thresh1",
		.scope = SCOPE_HOST,
		.kind = VALUE_NUMBERS,
		.check = "neigh.table",
		.severity = FINDING_WARN,
		.why = "neighbour entries below which none is thrown out",
	},
	{
		.key = "net.ipv4.neigh.default.gc_thresh2",
		.scope = SCOPE_HOST,
		.kind = VALUE_NUMBERS,
		.check = "neigh.table",
		.severity = FINDING_WARN,
		.why = "neighbour entries from which old ones are thrown out after five seconds",
	},
	{
		.key = "net.ipv4.neigh.default.gc_thresh3",
		.scope = SCOPE_HOST,
		.kind = VALUE_NUMBERS,
		.check = "neigh.table",
		.severity = FINDING_WARN,
		.why = "neighbour entries from which no further one is made; one number for all "
		       "namespaces",
	},
	{
		.key = "net.ipv6.neigh.default.gc_thresh1",
		.scope = SCOPE_HOST,
		.kind = VALUE_NUMBERS,
		.check = "neigh.table",
		.severity = FINDING_WARN,
		.why = "neighbour entries below which none is thrown out",
	},
	{
		.key = "net.ipv6.neigh.default.gc_thresh2",
		.scope = SCOPE_HOST,
		.kind = VALUE_NUMBERS,
		.check = "neigh.table",
		.severity = FINDING_WARN,
		.why = "neighbour entries from which old ones are thrown out after five seconds",
	},
	{
		.key = "net.ipv6.neigh.default.gc_thresh3",
		.scope = SCOPE_HOST,
		.kind = VALUE_NUMBERS,
		.check = "neigh.table",
		.severity = FINDING_WARN,
		.why = "neighbour entries from which no further one is made; one number for all "
		       "namespaces",
	},
	{
		.key = "net.ipv4.tcp_keepalive_time",
		.scope = SCOPE_NETNS,
		.kind = VALUE_NUMBERS,
		.check = "config.profile",
		.severity = FINDING_WARN,
		.why = "seconds before the first probe on an idle connection whose program asks "
		       "for them (SO_KEEPALIVE); by the default of 7200 a peer that is gone holds "
		       "it for two hours",
	},
	{
		.key = "net.netfilter.nf_conntrack_tcp_timeout_established",
		.scope = SCOPE_NETNS,
		.module = true,
		.kind = VALUE_NUMBERS,
		.check = "conntrack.capacity",
		.severity = FINDING_WARN,
		.why = "seconds that an open connection keeps its entry without a packet; by the "
		       "default of 432000 one whose end was not seen holds it for five days",
	},
	{
		.key = "net.core.busy_poll",
		.scope = SCOPE_HOST,
		.kind = VALUE_NUMBERS,
		.check = "config.profile",
		.severity = FINDING_WARN,
		.why = "microseconds that poll(), select() and epoll_wait() ask the card for "
		       "packets before they sleep: less latency for a busy CPU",
	},
	{
		.key = "net.core.busy_read",
		.scope = SCOPE_HOST,
		.kind = VALUE_NUMBERS,
		.check = "config.profile",
		.severity = FINDING_WARN,
		.why = "microseconds that a read asks the card for packets before it sleeps; a "
		       "socket gets it when it is made (SO_BUSY_POLL)",
	},
};

/* Keys that no row describes, where a profile may name them at all. */
static const struct sysctl_key other_net = {
	.key = "net.*",
	.scope = SCOPE_UNKNOWN,
	.kind = VALUE_NUMBERS,
	.check = "config.profile",
	.severity = FINDING_WARN,
};
static const struct sysctl_key other_vm = {
	.key = "vm.*",
	.scope = SCOPE_HOST,
	.kind = VALUE_NUMBERS,
	.check = "config.profile",
	.severity = FINDING_WARN,
};

const struct sysctl_key *sysctl_key_find(const char *key)
{
	for (size_t i = 0; i < ARRAY_LEN(keys); i++)
		if (strcmp(keys[i].key, key) == 0)
			return &keys[i];
	if (!sysctl_key_valid(key))
		return NULL;
	if (strncmp(key, "net.", 4) == 0)
		return &other_net;
	if (strncmp(key, "vm.", 3) == 0)
		return &other_vm;
	return NULL;
}

const char *scope_name(enum scope s)
{
	static const char *const names[] = {
		[SCOPE_NETNS] = "network namespace",
		[SCOPE_NETNS_SHOWN] = "host (shown in every namespace)",
		[SCOPE_HOST] = "host",
		[SCOPE_UNKNOWN] = "not known",
	};

	return names[s];
}
