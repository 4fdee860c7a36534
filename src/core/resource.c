/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/resource.h"

#include <string.h>

#include "base/attr.h"

const struct resource resources[] = {
	{
		.id = "ports",
		.title = "local ports toward each destination",
		.why = "Each connection from one address to one address and port takes a local "
		       "port, and keeps it in TIME_WAIT for 60 s after it was closed from this "
		       "side (for a second with tcp_tw_reuse and timestamps). More targets and "
		       "more source addresses multiply what there is; a client that binds before "
		       "it connects shares one range over all targets. Without a free port "
		       "connect() fails with EADDRNOTAVAIL, and from half of the range on it is "
		       "slow.",
		.limit = "net.ipv4.ip_local_port_range without ip_local_reserved_ports",
		.check = "ports.range",
	},
	{
		.id = "accept_queue",
		.title = "connections that wait for accept()",
		.why = "Finished connections wait in their listener's queue until the server "
		       "accepts them. What arrives at once must fit, or the kernel drops the SYN "
		       "and the client tries again after 1, 3 and 7 s. The kernel admits one more "
		       "than the limit.",
		.limit = "the smaller of listen()'s backlog and net.core.somaxconn at that moment",
		.check = "listen.backlog",
	},
	{
		.id = "syn_queue",
		.title = "connections whose handshake is not finished",
		.why = "A SYN waits here for the last packet of its handshake: arrivals per second "
		       "times the round trip. With SYN cookies on, the queue is capped by the "
		       "listener's own backlog, and above it cookies stand in; without cookies the "
		       "SYN is dropped.",
		.limit = "the listener's backlog; net.ipv4.tcp_max_syn_backlog without cookies",
		.check = "listen.backlog",
	},
	{
		.id = "conntrack",
		.title = "entries of connection tracking",
		.why = "Where it is active each connection has an entry, and a closed one keeps it "
		       "for 120 s by default: open connections plus new ones per second times that "
		       "time. In a full table packets of new connections are dropped.",
		.limit = "net.netfilter.nf_conntrack_max, one number of the host for each "
			 "namespace's table",
		.check = "conntrack.capacity",
	},
	{
		.id = "descriptors",
		.title = "open files of one process",
		.why = "Each connection is a descriptor, of a proxy two. At the limit accept() and "
		       "socket() fail with EMFILE. Go, Node and the JVM raise their soft limit to "
		       "the hard one; wrk, h2load, ab and most servers do not.",
		.limit = "RLIMIT_NOFILE of the process, capped by fs.nr_open",
		.check = "limits.nofile",
	},
	{
		.id = "system_files",
		.title = "open files of the whole host",
		.why = "All descriptors of all processes together. At the limit every open() and "
		       "socket() on the host fails with ENFILE.",
		.limit = "fs.file-max",
		.check = "limits.system_files",
	},
	{
		.id = "time_wait",
		.title = "closed connections in TIME_WAIT",
		.why = "The side that closes first keeps each connection for 60 s: closed per "
		       "second times 60. Above the limit connections skip TIME_WAIT and its "
		       "protection against stray segments, with a counter and no log line.",
		.limit = "net.ipv4.tcp_max_tw_buckets",
		.check = "ports.time_wait",
	},
	{
		.id = "socket_memory",
		.title = "memory of TCP's buffers",
		.why = "What all connections have buffered, of the whole host. From the middle "
		       "value of tcp_mem on the kernel shrinks windows, at the last it refuses "
		       "memory and drops. The unit is pages.",
		.limit = "net.ipv4.tcp_mem; per connection tcp_rmem and tcp_wmem",
		.check = "memory.available",
	},
	{
		.id = "pids",
		.title = "processes and threads",
		.why = "A generator with a thread for each connection, and everything else that "
		       "runs. At the limit clone() fails with EAGAIN.",
		.limit = "kernel.pid_max, kernel.threads-max, pids.max of every control group "
			 "above, RLIMIT_NPROC",
		.check = "limits.pids",
	},
	{
		.id = "cpu",
		.title = "CPU time that the control group may use",
		.why = "The tightest quota over all groups above the process. Once a period's "
		       "share is used up everything in the group stands still until the next one.",
		.limit = "cpu.max, or cpu.cfs_quota_us over cpu.cfs_period_us",
		.check = "cpu.quota",
	},
	{
		.id = "generator_memory",
		.title = "memory of the generator's virtual users",
		.why = "What a generator keeps for each virtual user: k6's guide names 1 to 5 MB, "
		       "siege has a thread of half a MB each, wrk a buffer of 8 KiB; a JMeter "
		       "thread has a stack of its own. Where no figure is known, run a hundred "
		       "and multiply.",
		.limit = "MemAvailable, and memory.max of every control group above",
		.check = "memory.available",
	},
	{
		.id = "neighbours",
		.title = "addresses of the neighbour table",
		.why = "Each address on the local network that is talked to has an entry, and the "
		       "table is one for all namespaces. Above gc_thresh3 no new one is made and "
		       "packets to it are dropped.",
		.limit = "net.ipv4.neigh.default.gc_thresh3 and its twin of IPv6",
		.check = "neigh.table",
	},
};
const size_t resources_len = ARRAY_LEN(resources);

const struct resource *resource_find(const char *id)
{
	for (size_t i = 0; i < resources_len; i++)
		if (strcmp(resources[i].id, id) == 0)
			return &resources[i];
	return NULL;
}
