/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/cause.h"

#include <netinet/in.h>
#include <stdbool.h>
#include <string.h>

#include "base/attr.h"

/*
 * Functions are named as in 6.1 to 6.18 where no version is given. A reason may be in several rows
 * if their protocols differ, a counter only in one.
 */
const struct cause causes[] = {
	{
		.id = "listen.accept_overflow",
		.kind = CAUSE_LOSS,
		.title = "accept queue full",
		/*
		 * ListenDrops and sk_drops rise for other reasons too, and by two for a dropped
		 * final ACK (tcp_v4_rcv, net/ipv4/tcp_ipv4.c): they say where, never how many.
		 */
		.counters = {"TcpExtListenOverflows"},
		.reasons = {"TCP_LISTEN_OVERFLOW"},
		.protocol = IPPROTO_TCP,
		.subject_kind = "listener",
		.why = "A connection waits in the listener's queue until the program calls "
		       "accept(). When the queue holds more than its limit, tcp_conn_request() "
		       "(net/ipv4/tcp_input.c, 5.15 to 6.18) drops the SYN and "
		       "tcp_v4_syn_recv_sock() the final ACK, without an answer. The client "
		       "sends again after a second or more: it sees latency, not an error.",
		.fix = "raise net.core.somaxconn and the program's listen() backlog (the smaller "
		       "one counts, taken at listen()), restart it, or make it accept faster",
	},
	{
		.id = "listen.syn_overflow",
		.kind = CAUSE_LOSS,
		.title = "SYN queue full, SYN cookies off",
		.counters = {"TcpExtTCPReqQFullDrop"},
		.subject_kind = "listener",
		.why = "Half-open connections count against the listener's own limit "
		       "(inet_csk_reqsk_queue_is_full(), include/net/inet_connection_sock.h). "
		       "With net.ipv4.tcp_syncookies = 0, tcp_conn_request() then drops the SYN "
		       "(5.15 to 6.18).",
		.fix = "set net.ipv4.tcp_syncookies = 1, and raise net.core.somaxconn and the "
		       "program's listen() backlog",
	},
	{
		.id = "listen.syncookies",
		.kind = CAUSE_PRESSURE,
		.title = "SYN queue full, SYN cookies sent",
		.counters = {"TcpExtTCPReqQFullDoCookies"},
		.subject_kind = "listener",
		.why = "The listener has as many half-open connections as its limit allows, so "
		       "tcp_conn_request() (net/ipv4/tcp_input.c) answers with a SYN cookie. "
		       "Nothing is lost yet, but without timestamps such a connection has no "
		       "window scaling and no SACK.",
		.fix = "raise net.core.somaxconn and the program's listen() backlog",
	},
	{
		.id = "conntrack.full",
		.kind = CAUSE_LOSS,
		.title = "connection tracking table full",
		.counters = {"ct.drop"},
		.subject_kind = "table",
		.subject = "conntrack table",
		.why = "With nf_conntrack_max entries in this namespace and nothing to evict, "
		       "__nf_conntrack_alloc() (net/netfilter/nf_conntrack_core.c) refuses a new "
		       "entry and nf_conntrack_in() drops the packet. A closed connection keeps "
		       "its entry for nf_conntrack_tcp_timeout_time_wait, 120 s by default.",
		.fix = "raise net.netfilter.nf_conntrack_max (on the host), lower "
		       "nf_conntrack_tcp_timeout_time_wait, or do not track the load's traffic",
	},
	{
		.id = "conntrack.insert_failed",
		.kind = CAUSE_LOSS,
		.title = "connection tracking entry could not be inserted",
		.counters = {"ct.insert_failed"},
		.subject_kind = "table",
		.subject = "conntrack table",
		.why = "Another packet made an entry with the same addresses first, typically "
		       "when many flows are translated to one address, or the hash chain is too "
		       "long. __nf_conntrack_confirm() (net/netfilter/nf_conntrack_core.c) then "
		       "drops the packet that would have opened the connection.",
		.fix = "spread translated flows over more source ports or addresses (masquerade "
		       "random-fully), raise net.netfilter.nf_conntrack_buckets, or do not track "
		       "the load's traffic",
	},
	{
		.id = "conntrack.early_drop",
		.kind = CAUSE_PRESSURE,
		.title = "connection tracking entries evicted",
		.counters = {"ct.early_drop"},
		.subject_kind = "table",
		.subject = "conntrack table",
		.why = "The table is full and early_drop() (net/netfilter/nf_conntrack_core.c) "
		       "evicts entries that have not seen traffic both ways, to make room. There "
		       "is no log line. The next packet of an evicted connection may be taken "
		       "for an invalid one.",
		.fix = "raise net.netfilter.nf_conntrack_max (on the host)",
	},
	{
		.id = "udp.receive_buffer",
		.kind = CAUSE_LOSS,
		.title = "UDP receive buffer full",
		/* Rcvbuf and MemErrors exclude each other in __udp_queue_rcv_skb(). */
		.counters = {"UdpRcvbufErrors", "UdpMemErrors", "Udp6RcvbufErrors",
			     "Udp6MemErrors"},
		.reasons = {"SOCKET_RCVBUFF", "PROTO_MEM"},
		.protocol = IPPROTO_UDP,
		.subject_kind = "socket",
		.why = "The program reads its datagrams slower than they come. "
		       "__udp_enqueue_schedule_skb() (net/ipv4/udp.c) drops a datagram that does "
		       "not fit into SO_RCVBUF, net.core.rmem_default unless the program sets "
		       "it, or for which net.ipv4.udp_mem leaves no memory.",
		.fix = "raise net.core.rmem_default, or net.core.rmem_max and the program's "
		       "SO_RCVBUF; a larger buffer carries bursts, not a reader that is too slow",
	},
	{
		.id = "udp.send_buffer",
		.kind = CAUSE_LOSS,
		.title = "UDP datagrams not sent",
		.counters = {"UdpSndbufErrors", "Udp6SndbufErrors"},
		.subject_kind = "socket",
		.why = "The socket's send buffer was full, or the device's queue refused the "
		       "datagram (udp_sendmsg() and udp_send_skb(), net/ipv4/udp.c). In the "
		       "second case send() reports success unless the program set IP_RECVERR.",
		.fix = "send slower or pace, raise net.core.wmem_default and the program's "
		       "SO_SNDBUF, or lengthen the device's queue (txqueuelen, the qdisc's "
		       "limit)",
	},
	{
		.id = "tcp.receive_queue",
		.kind = CAUSE_LOSS,
		.title = "TCP receive buffer full",
		/* RcvPruned is left out: tcp_data_queue() counts the same packet as TCPRcvQDrop. */
		.counters = {"TcpExtTCPRcvQDrop", "TcpExtTCPOFODrop", "TcpExtOfoPruned",
			     "TcpExtTCPZeroWindowDrop"},
		.reasons = {"PROTO_MEM", "TCP_OFO_QUEUE_PRUNE", "TCP_ZEROWINDOW"},
		.protocol = IPPROTO_TCP,
		.subject_kind = "socket",
		.why = "The program reads slower than data comes and its receive buffer is used "
		       "up. tcp_data_queue() and tcp_prune_ofo_queue() (net/ipv4/tcp_input.c) "
		       "then drop segments that have already arrived, and the peer has to send "
		       "them again.",
		.fix = "make the program read faster, or raise the third value of "
		       "net.ipv4.tcp_rmem (and net.ipv4.tcp_mem if memory as a whole is short)",
	},
	{
		.id = "tcp.backlog",
		.kind = CAUSE_LOSS,
		.title = "TCP socket backlog full",
		.counters = {"TcpExtTCPBacklogDrop"},
		.reasons = {"SOCKET_BACKLOG"},
		.protocol = IPPROTO_TCP,
		.subject_kind = "socket",
		.why = "While a program is inside a system call on the socket, segments wait in "
		       "its backlog. tcp_add_backlog() (net/ipv4/tcp_ipv4.c) drops them once the "
		       "backlog is larger than receive and send buffer together.",
		.fix = "raise the third value of net.ipv4.tcp_rmem, and read in smaller pieces "
		       "or from fewer threads per socket",
	},
	{
		.id = "tcp.memory",
		.kind = CAUSE_LOSS,
		.title = "TCP out of memory",
		/*
		 * TCPMemoryPressures is no loss: tcp_enter_memory_pressure() only makes windows
		 * smaller.
		 */
		.counters = {"TcpExtTCPAbortOnMemory"},
		.subject_kind = "table",
		.subject = "TCP memory",
		.why = "All TCP sockets together use more than the third value of "
		       "net.ipv4.tcp_mem, or more sockets than net.ipv4.tcp_max_orphans belong "
		       "to no process any more. tcp_check_oom() (net/ipv4/tcp.c) then resets "
		       "connections.",
		.fix = "raise net.ipv4.tcp_mem or net.ipv4.tcp_max_orphans (the kernel log says "
		       "which), or make buffers smaller with net.ipv4.tcp_rmem and tcp_wmem",
	},
	{
		/* No counter, no packet, no log line: only the errno of connect() or bind(). */
		.id = "ports.exhausted",
		.kind = CAUSE_LIMIT,
		.title = "no local port left",
		.subject_kind = "socket",
		.why = "Toward one address and port each connection needs a local port of its "
		       "own. When none is left __inet_hash_connect() "
		       "(net/ipv4/inet_hashtables.c) fails and connect() returns EADDRNOTAVAIL; "
		       "a program that calls bind() first gets EADDRINUSE.",
		.fix = "keep connections alive, set net.ipv4.tcp_tw_reuse = 1, widen "
		       "net.ipv4.ip_local_port_range, or use more targets or source addresses",
	},
	{
		/* Likewise only an errno. */
		.id = "fd.exhausted",
		.kind = CAUSE_LIMIT,
		.title = "no descriptor left",
		.subject_kind = "process",
		.why = "Each connection is a descriptor. At RLIMIT_NOFILE alloc_fd() (fs/file.c) "
		       "fails and accept(), socket() and open() return EMFILE; at fs.file-max "
		       "they return ENFILE for every process of the host.",
		.fix = "raise the limit of the running process (prlimit --nofile) or where the "
		       "service is configured",
	},
	{
		.id = "cpu.throttled",
		.kind = CAUSE_PRESSURE,
		.title = "CPU quota used up",
		.subject_kind = "cgroup",
		.why = "A control group that has used up its quota stands still until the next "
		       "period, 100 ms by default (kernel/sched/fair.c, throttle_cfs_rq()). The "
		       "median of a test looks healthy, the tail is the quota's.",
		.fix = "run the test outside the group, or raise its quota to whole CPUs",
	},
	{
		.id = "timewait.overflow",
		.kind = CAUSE_LIMIT,
		.title = "too many sockets in TIME_WAIT",
		.counters = {"TcpExtTCPTimeWaitOverflow"},
		.subject_kind = "table",
		.subject = "TIME_WAIT sockets",
		.why = "There are net.ipv4.tcp_max_tw_buckets sockets in TIME_WAIT. "
		       "tcp_time_wait() (net/ipv4/tcp_minisocks.c) then closes the connection at "
		       "once, so late segments can reach a new connection with the same ports. "
		       "Nothing is logged.",
		.fix = "raise net.ipv4.tcp_max_tw_buckets, or keep connections alive",
	},
	{
		.id = "firewall.drop",
		.kind = CAUSE_LOSS,
		.title = "packets dropped by the firewall",
		/* What conntrack drops has the same reason; reconcile.c takes it out. */
		.reasons = {"NETFILTER_DROP"},
		.subject_kind = "host",
		.subject = "firewall",
		.why = "A rule or a chain's policy said drop: nft_do_chain() "
		       "(net/netfilter/nf_tables_core.c) for nftables, nf_hook_slow() "
		       "(net/netfilter/core.c) for iptables and for nftables on older kernels. "
		       "The sender gets no answer and tries again until it times out.",
		.fix = "find the rule by its counter (nft list ruleset, iptables -nvL) and let "
		       "the load's traffic pass",
	},
	{
		.id = "route.none",
		.kind = CAUSE_LOSS,
		.title = "no route, or the wrong way back",
		/*
		 * Ip6OutNoRoutes is left out: programs that try IPv6 first raise it all day on a
		 * host without IPv6 (ip6_dst_lookup_tail, net/ipv6/ip6_output.c).
		 */
		.counters = {"IpOutNoRoutes", "IpExtInNoRoutes", "TcpExtIPReversePathFilter"},
		.reasons = {"IP_OUTNOROUTES", "IP_INNOROUTES", "IP_RPFILTER"},
		.subject_kind = "host",
		.subject = "routing",
		.why = "The routing table has no entry for the destination "
		       "(ip_route_output_flow(), ip_error(), net/ipv4/route.c), or rp_filter saw "
		       "a packet come in on another interface than the one the answer would "
		       "leave by (fib_validate_source(), net/ipv4/fib_frontend.c).",
		.fix = "add the route (ip route get ADDRESS shows what is missing), or set "
		       "net.ipv4.conf.*.rp_filter = 2 where ways differ on purpose",
	},
	{
		.id = "checksum.bad",
		.kind = CAUSE_LOSS,
		.title = "bad checksums",
		.counters = {"TcpInCsumErrors", "UdpInCsumErrors", "IcmpInCsumErrors",
			     "IpExtInCsumErrors", "Udp6InCsumErrors"},
		.reasons = {"TCP_CSUM", "UDP_CSUM", "ICMP_CSUM", "IP_CSUM", "SKB_CSUM"},
		.subject_kind = "host",
		.subject = "checksums",
		.why = "A packet's checksum is wrong, so it was altered on its way and is "
		       "dropped (tcp_v4_rcv(), net/ipv4/tcp_ipv4.c; __udp4_lib_rcv(), "
		       "net/ipv4/udp.c). On virtual devices it is often checksum offload that "
		       "one side does not do.",
		.fix = "check cable and port counters, and ethtool -K DEVICE rx off tx off on "
		       "the virtual device to rule out offload",
	},
	{
		.id = "softnet.backlog",
		.kind = CAUSE_LOSS,
		.title = "a CPU's packet backlog full",
		/* Host-wide: the backlog belongs to a CPU, and all namespaces share it. */
		.counters = {"softnet.dropped"},
		.reasons = {"CPU_BACKLOG"},
		.subject_kind = "table",
		.subject = "softnet backlog",
		.why = "Packets of virtual devices, loopback and RPS wait in a queue per CPU. "
		       "enqueue_to_backlog() (net/core/dev.c) drops what comes when it holds "
		       "net.core.netdev_max_backlog packets, or when one flow takes too much of "
		       "it (flow limit).",
		.fix = "raise net.core.netdev_max_backlog, and spread packets over CPUs (RPS, "
		       "more queues)",
	},
	{
		.id = "qdisc.drop",
		.kind = CAUSE_LOSS,
		.title = "packets dropped by a queueing discipline",
		.reasons = {"QDISC_DROP", "QDISC_OVERLIMIT", "QDISC_CONGESTED", "CAKE_FLOOD",
			    "FQ_BAND_LIMIT", "FQ_HORIZON_LIMIT", "FQ_FLOW_LIMIT",
			    "DUALPI2_STEP_DROP"},
		.subject_kind = "host",
		.subject = "queueing discipline",
		.why = "The qdisc of an outgoing device is full, or drops on purpose to hold its "
		       "rate or delay (__dev_xmit_skb(), net/core/dev.c; net/sched/).",
		.fix = "tc -s qdisc shows which one; raise its limit or rate, or use another "
		       "qdisc on that device",
	},
	{
		.id = "neigh.full",
		.kind = CAUSE_LOSS,
		.title = "neighbour table full",
		.reasons = {"NEIGH_CREATEFAIL"},
		.subject_kind = "table",
		.subject = "neighbour table",
		.why = "There are gc_thresh3 neighbour entries in use, so neigh_alloc() "
		       "(net/core/neighbour.c) makes no further one and the packet for the new "
		       "neighbour is dropped. The limit is one for all namespaces.",
		.fix = "raise net.ipv4.neigh.default.gc_thresh3 (and gc_thresh2, gc_thresh1 with "
		       "it; net.ipv6.… for IPv6)",
	},
	{
		/*
		 * No counter of its own: what is reset for too many orphans is in TCPAbortOnMemory,
		 * which is tcp.memory's (tcp_check_oom, net/ipv4/tcp.c, 5.15 to 6.18).
		 */
		.id = "tcp.orphans",
		.kind = CAUSE_LOSS,
		.title = "too many orphaned connections",
		.subject_kind = "table",
		.subject = "orphaned connections",
		.why = "More connections than net.ipv4.tcp_max_orphans belong to no process any "
		       "more (closed, but the peer has not acknowledged it). tcp_check_oom() "
		       "(net/ipv4/tcp.c) then resets them; those that retransmit count double or "
		       "four times.",
		.fix = "raise net.ipv4.tcp_max_orphans on the host, or find out why peers do not "
		       "answer a FIN",
	},
	{
		/* Of the device: rx_missed_errors and rx_fifo_errors of its statistics. */
		.id = "nic.ring",
		.kind = CAUSE_LOSS,
		.title = "receive ring of a network card full",
		.subject_kind = "host",
		.why = "Packets came faster than the kernel took them out of the card's ring of "
		       "descriptors (the driver's poll in net_rx_action(), net/core/dev.c). The "
		       "card drops them itself, so no packet and no drop reason is ever seen.",
		.fix = "ethtool -G DEVICE rx MAX, more channels (ethtool -L), or RPS to spread "
		       "the work over CPUs",
	},
	{
		.id = "nic.error",
		.kind = CAUSE_LOSS,
		.title = "errors of a network card",
		.subject_kind = "host",
		.why = "The card received frames that are damaged (rx_crc_errors, rx_errors) or "
		       "could not send (tx_errors, tx_carrier_errors) and drops them before the "
		       "kernel sees a packet (struct rtnl_link_stats64).",
		.fix = "check cable, transceiver and the port on the other side; ethtool -S "
		       "DEVICE says which",
	},
	{
		/* The third column of /proc/net/softnet_stat; not a loss. */
		.id = "softnet.squeeze",
		.kind = CAUSE_PRESSURE,
		.title = "packet work left for the next round",
		.subject_kind = "table",
		.subject = "softnet budget",
		.why = "net_rx_action() (net/core/dev.c) ended a round with packets left, after "
		       "net.core.netdev_budget packets or netdev_budget_usecs. Nothing is lost "
		       "yet, but rings and backlogs fill up meanwhile.",
		.fix = "spread packets over CPUs (channels, RPS), or raise "
		       "net.core.netdev_budget and netdev_budget_usecs",
	},
	{
		/* memory.events and vmstat say that it was, and only afterwards. */
		.id = "memory.oom",
		.kind = CAUSE_LIMIT,
		.title = "process killed for lack of memory",
		.subject_kind = "process",
		.why = "Memory of the host, or of a control group at its memory.max, was used up "
		       "and nothing could be taken back. out_of_memory() (mm/oom_kill.c) then "
		       "kills the process that has most of it. A generator that dies so ends "
		       "without a message of its own, with exit code 137.",
		.fix = "raise the group's limit (MemoryMax= of the unit, --memory of the "
		       "container), add memory, or run fewer users on one host",
	},
	{
		.id = "cpu.saturated",
		.kind = CAUSE_PRESSURE,
		.title = "a CPU without idle time",
		.subject_kind = "host",
		.why = "A CPU was idle for less than a fifth of several seconds. Tasks that could "
		       "run wait for their turn (sched_info_arrive(), kernel/sched/stats.h, "
		       "counts it for /proc/PID/schedstat), and a generator that waits takes its "
		       "own delay for the server's latency.",
		.fix = "use more CPUs or hosts, fewer connections on each, and stop other work; "
		       "where it is packets that one CPU handles, spread them (channels, RPS)",
	},
	{
		.id = "cpu.steal",
		.kind = CAUSE_PRESSURE,
		.title = "CPU time taken by the hypervisor",
		.subject_kind = "host",
		.why = "A virtual CPU had work and its host ran another guest instead "
		       "(steal_account_process_time(), kernel/sched/cputime.c). Clocks go on "
		       "meanwhile, so each such pause is in the latencies that are measured.",
		.fix = "use a dedicated or less shared machine, and not one that pays with CPU "
		       "credits",
	},
	{
		.id = "memory.pressure",
		.kind = CAUSE_PRESSURE,
		.title = "tasks waited for memory",
		.subject_kind = "host",
		.why = "Tasks had to free memory themselves before they got any, or to read back "
		       "what had been dropped (psi_memstall_enter(), kernel/sched/psi.c). Above "
		       "memory.high a group's tasks are put to sleep on their way out of the "
		       "kernel, up to 2 s each time (mem_cgroup_handle_over_high(), "
		       "mm/memcontrol.c): nothing fails, everything is late.",
		.fix = "add memory, raise memory.high (MemoryHigh= of the unit), or stop what "
		       "uses it",
	},
	{
		.id = "memory.swap",
		.kind = CAUSE_PRESSURE,
		.title = "pages read back from swap",
		.subject_kind = "host",
		.why = "A task touched memory that had been swapped out and waited for the disk "
		       "(do_swap_page(), mm/memory.c). Of a page that is there that takes no "
		       "time, of one on a disk milliseconds, which the test counts as latency.",
		.fix = "add memory or stop what uses it; swapoff before the test where all of it "
		       "fits",
	},
	{
		/* Symptoms: watch works them out of several numbers, no counter alone is one. */
		.id = "tcp.retransmit",
		.kind = CAUSE_SYMPTOM,
		.title = "segments sent again",
		.subject_kind = "host",
		.why = "What was not acknowledged is sent again (tcp_retransmit_skb(), "
		       "net/ipv4/tcp_output.c): it was lost, at this host, at the other, or "
		       "between. A SYN waits a second for that (TCP_TIMEOUT_INIT, "
		       "include/net/tcp.h), so latencies just above whole seconds are lost SYNs, "
		       "mostly of a full accept queue.",
		.fix = "look for a loss on both hosts (listen queue, ring, backlog, qdisc); where "
		       "neither has one it is the network between",
	},
	{
		.id = "tcp.reset",
		.kind = CAUSE_SYMPTOM,
		.title = "connections reset",
		.subject_kind = "host",
		.why = "A connection ended by a RST instead of a FIN: nobody listens on the port "
		       "(tcp_v4_send_reset(), net/ipv4/tcp_ipv4.c), a program closed a socket "
		       "with unread data or with SO_LINGER 0 (__tcp_close(), net/ipv4/tcp.c), or "
		       "a full accept queue with net.ipv4.tcp_abort_on_overflow = 1.",
		.fix = "find the end that sends it (OutRsts of which host rises) and read that "
		       "program's log; timeouts of proxies are a usual reason",
	},
	{
		.id = "conn.churn",
		.kind = CAUSE_SYMPTOM,
		.title = "a new connection for nearly each request",
		.subject_kind = "host",
		.why = "As many connections were opened as requests were made, though keep-alive "
		       "was meant to be on. The client keeps too few idle ones (2 a host in "
		       "Go's net/http by default), or the server closes after each request. Each "
		       "new one costs a handshake, and its local port for the 60 s of TIME_WAIT.",
		.fix = "raise the client's idle connections per host, read answers to their end, "
		       "and look for keep-alive limits and Connection: close on the server",
	},
	{
		.id = "process.growth",
		.kind = CAUSE_SYMPTOM,
		.title = "a process that only grows",
		.subject_kind = "process",
		.why = "Memory, descriptors or threads of a process rose all through the run and "
		       "did not come back (VmRSS and Threads of /proc/PID/status, the entries of "
		       "/proc/PID/fd). At that rate it reaches a limit at a time that can be "
		       "told, and a longer test ends there.",
		.fix = "a leak of the program, or a cache or log without a limit: compare what it "
		       "holds after an hour and after two",
	},
};
const size_t causes_len = ARRAY_LEN(causes);
