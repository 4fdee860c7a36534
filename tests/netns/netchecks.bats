#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# The network checks, each against the real thing in a namespace: devices, qdiscs, sockets, queues.

load ../lib/runup
load ../lib/netns

setup() {
	need_root
	need_command ip tc ss nft nsenter
	ns=$(netns_make)
}

add_veth() {
	ip -n "$ns" link add v0 type veth peer name v1
	ip -n "$ns" link set v0 up
	ip -n "$ns" link set v1 up
}

finding() { # ID SUBJECT FIELD
	json_get "one(d['findings'], id='$1', subject='$2')['$3']"
}

assert_finding() { # ID SUBJECT STATUS
	assert_json_is "one(d['findings'], id='$1', subject='$2')['status']" "$3"
}

@test "devices made by software have no rings, channels or link, and say so once" {
	add_veth
	runup --netns "$ns" check -o json --only nic.rings,nic.channels,nic.link
	assert_exit 0
	assert_json check
	assert_json_is '[(f["id"], f["subject"], f["status"]) for f in d["findings"]]' \
		'[["nic.rings", "lo, v1, v0", "na"], ["nic.channels", "lo, v1, v0", "na"], ["nic.link", "lo, v1, v0", "na"]]'
}

@test "RPS masks of the namespace's own devices, seen from outside and from inside" {
	add_veth
	[[ $(nproc) -gt 1 ]] || skip 'not possible here: one CPU has nothing to spread'
	runup --netns "$ns" check -o json --only softnet.steering
	assert_finding softnet.steering v0 pass
	netns_exec "$ns" sh -c 'echo 1 >/sys/class/net/v0/queues/rx-0/rps_cpus'
	runup --netns "$ns" check -o json --only softnet.steering
	assert_finding softnet.steering v0 warn
	assert_finding softnet.steering v1 pass
	[[ $(finding softnet.steering v0 observed) == *'RPS to CPUs 0' ]]
	run_command ip netns exec "$ns" "$RUNUP" check -o json --only softnet.steering
	assert_finding softnet.steering v0 warn
	netns_exec "$ns" sh -c 'echo 3 >/sys/class/net/v0/queues/rx-0/rps_cpus'
	runup --netns "$ns" check -o json --only softnet.steering
	assert_finding softnet.steering v0 pass
}

@test "a sysfs of another namespace is not believed" {
	add_veth
	# /sys stays that of the host, which may even have a device of that name.
	run_command nsenter --net="/run/netns/$ns" "$RUNUP" check -o json --only softnet.steering
	assert_finding softnet.steering v0 pass
	# One of this namespace cannot be made without the privilege.
	run_command nsenter --net="/run/netns/$ns" setpriv --bounding-set=-sys_admin \
		--inh-caps=-sys_admin "$RUNUP" check -o json --only softnet.steering
	assert_finding softnet.steering v0 unknown
	[[ $(finding softnet.steering v0 observed) == *'does not show'* ]]
}

@test "a short queue and a shaper before a device" {
	add_veth
	runup --netns "$ns" check -o json --only qdisc.default
	assert_json_is "where(d['findings'], subject='v0')" '[]'
	ip -n "$ns" link set v0 txqueuelen 10
	netns_exec "$ns" tc qdisc add dev v0 root pfifo
	runup --netns "$ns" check -o json --only qdisc.default
	assert_finding qdisc.default v0 warn
	[[ $(finding qdisc.default v0 arithmetic) == 'pfifo holds 10 packets' ]]
	# The qdisc keeps its limit: a longer txqueuelen alone is no cure, as the fix says.
	ip -n "$ns" link set v0 txqueuelen 1000
	runup --netns "$ns" check -o json --only qdisc.default
	assert_finding qdisc.default v0 warn
	netns_exec "$ns" tc qdisc replace dev v0 root pfifo limit 500
	runup --netns "$ns" check -o json --only qdisc.default
	assert_finding qdisc.default v0 pass
	netns_exec "$ns" tc qdisc replace dev v0 root tbf rate 1mbit burst 10k latency 1s ||
		skip 'not possible here: the kernel has no sch_tbf'
	runup --netns "$ns" check -o json --only qdisc.default
	assert_finding qdisc.default v0 pass
	runup --netns "$ns" check -o json --only qdisc.default --role server --connections 10
	assert_finding qdisc.default v0 warn
	[[ $(finding qdisc.default v0 observed) == 'tbf, '* ]]
}

@test "qdisc drops are counted and shown, not judged" {
	add_veth
	ip -n "$ns" addr add 10.1.1.1/24 dev v0
	netns_exec "$ns" tc qdisc add dev v0 root tbf rate 8kbit burst 2k limit 3000 ||
		skip 'not possible here: the kernel has no sch_tbf'
	ip -n "$ns" neigh add 10.1.1.2 lladdr 02:00:00:00:00:02 dev v0
	netns_exec "$ns" "$PYTHON" -c 'import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
for _ in range(50): s.sendto(b"x" * 1000, ("10.1.1.2", 9))'
	runup --netns "$ns" check -o json --only qdisc.default
	assert_finding qdisc.default v0 pass
	dropped=$(finding qdisc.default v0 observed | sed -E 's/.* ([0-9]+) dropped.*/\1/')
	[[ $dropped -gt 10 ]]
	[[ $(netns_exec "$ns" tc -s qdisc show dev v0) == *"dropped $dropped,"* ]]
}

@test "what belongs to the host is never a pass in another namespace" {
	owned='tcp.memory tcp.orphans softnet.backlog softnet.budget neigh.table'
	runup --netns "$ns" check -o json --only "${owned// /,}"
	assert_exit 0
	assert_json_is 'sorted({f["status"] for f in d["findings"]})' '["na"]'
	assert_json_is 'all("belongs to the host" in f["observed"] for f in d["findings"])' true
	assert_json_is 'len({f["id"] for f in d["findings"]})' 5
	runup --netns "$ns" check -o json --connections 10 --only "${owned// /,}"
	assert_exit 0
	assert_json_is 'sorted({f["status"] for f in d["findings"]})' '["unknown"]'
	runup --netns "$ns" check -o json --connections 10 --only tcp.buffers,udp.buffers
	assert_finding tcp.buffers net.ipv4.tcp_mem unknown
	assert_finding udp.buffers net.ipv4.udp_mem unknown
	assert_finding tcp.buffers 'buffers of a connection' pass
}

@test "window scaling is the namespace's own" {
	netns_exec "$ns" sysctl -qw net.ipv4.tcp_window_scaling=0
	runup --netns "$ns" check -o json --only tcp.buffers
	assert_finding tcp.buffers 'buffers of a connection' warn
}

udp_server() { # PORT SO_RCVBUF
	start_background "udp-$1" ip netns exec "$ns" "$PYTHON" -c "import socket, time
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, $2)
s.bind(('127.0.0.1', $1))
print('bound', flush=True)
time.sleep(60)"
	wait_until 5 test -s "$BATS_TEST_TMPDIR/udp-$1.out"
}

@test "a UDP socket's own buffer against the rate, and what it has dropped" {
	udp_server 7000 8192
	udp_server 7001 100000
	runup --netns "$ns" check --role server --rate 20000 --port 7000,7001 -o json --only udp.buffers
	# SO_RCVBUF is doubled: 16 384 / 768 = 21 datagrams are 1 ms; 200 000 are 260, 13 ms.
	assert_finding udp.buffers 'udp 127.0.0.1:7000' warn
	assert_finding udp.buffers 'udp 127.0.0.1:7001' pass
	[[ $(finding udp.buffers 'udp 127.0.0.1:7000' observed) == 'buffer of 16 384 bytes, 0 waiting, 0 datagrams'* ]]
	netns_exec "$ns" "$PYTHON" -c 'import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
for _ in range(100): s.sendto(b"x", ("127.0.0.1", 7000))'
	runup --netns "$ns" check --role server --rate 100 --port 7000 -o json --only udp.buffers
	assert_finding udp.buffers 'udp 127.0.0.1:7000' pass
	dropped=$(finding udp.buffers 'udp 127.0.0.1:7000' observed | sed -E 's/.* ([0-9]+) datagrams.*/\1/')
	# What the sum says it holds is what it held, within a few.
	[[ $((100 - dropped)) -ge 19 && $((100 - dropped)) -le 25 ]]
}

# As many half-open connections as the listener takes: its answers never reach the clients.
half_open() { # PORT CONNECTIONS: prints how many the kernel keeps
	netns_exec "$ns" nft -f - <<-'NFT'
		table inet half {
			chain in {
				type filter hook input priority 0;
				tcp flags & (syn|ack) == syn|ack drop
			}
		}
	NFT
	netns_exec "$ns" "$PYTHON" - "$1" "$2" <<-'PY'
		import socket, subprocess, sys, time
		held = []
		for _ in range(int(sys.argv[2])):
		    s = socket.socket()
		    s.setblocking(False)
		    s.connect_ex(("127.0.0.1", int(sys.argv[1])))
		    held.append(s)
		time.sleep(0.2)
		out = subprocess.run(["ss", "-Htn", "state", "syn-recv"], capture_output=True, text=True)
		print(len(out.stdout.splitlines()))
	PY
	netns_exec "$ns" nft delete table inet half
}

holder() { # BACKLOG
	start_background holder ip netns exec "$ns" "$PYTHON" -c "import socket, time
s = socket.socket(); s.bind(('127.0.0.1', 9000)); s.listen($1); time.sleep(60)"
	wait_for_port "$ns" 9000
}

@test "SYN queue: with cookies the listener's backlog, and no drop" {
	holder 40
	runup --netns "$ns" check --role server --burst 42 --port 9000 -o json --only listen.syn_queue
	assert_finding listen.syn_queue 'SYN cookies' pass
	assert_finding listen.syn_queue 'tcp 127.0.0.1:9000' warn
	[[ $(finding listen.syn_queue 'tcp 127.0.0.1:9000' observed) == 'holds 40 half-open'* ]]
	runup --netns "$ns" check --role server --burst 41 --port 9000 -o json --only listen.syn_queue
	assert_finding listen.syn_queue 'tcp 127.0.0.1:9000' pass
	kept=$(half_open 9000 120)
	[[ $kept -eq 41 ]] # one more than its limit, as the accept queue
}

@test "SYN queue: without cookies three quarters of tcp_max_syn_backlog, if that is less" {
	netns_exec "$ns" sysctl -qw net.ipv4.tcp_syncookies=0 net.ipv4.tcp_max_syn_backlog=128
	holder 1000
	runup --netns "$ns" check --role server --new-connections 10000 --latency 10ms --port 9000 -o json \
		--only listen.syn_queue
	assert_exit 1
	assert_finding listen.syn_queue 'SYN cookies' warn
	assert_finding listen.syn_queue 'tcp 127.0.0.1:9000' fail
	[[ $(finding listen.syn_queue 'tcp 127.0.0.1:9000' observed) == 'holds 96 half-open'* ]]
	assert_json_is "one(d['findings'], subject='tcp 127.0.0.1:9000')['predicts']" \
		'["listen.syncookies", "listen.syn_overflow"]'
	kept=$(half_open 9000 300)
	[[ $kept -ge 96 && $kept -le 98 ]]
}

# Clients that stay connected, from the ports of the range alone.
occupy() { # ADDRESS PORT CONNECTIONS
	start_background "occupy-$2-$3" ip netns exec "$ns" "$PYTHON" -c "import socket, time
l = socket.socket(); l.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1); l.bind(('$1', $2)); l.listen(4096)
held = [socket.create_connection(('$1', $2)) for _ in range($3)]
print('connected', flush=True)
time.sleep(60)"
	wait_until 5 test -s "$BATS_TEST_TMPDIR/occupy-$2-$3.out"
}

@test "ports in use toward each target" {
	netns_exec "$ns" sysctl -qw net.ipv4.ip_local_port_range='40000 40099'
	runup --netns "$ns" check -o json --only ports.usage
	assert_finding ports.usage 'toward any one target' pass
	occupy 127.0.0.1 9000 60
	occupy 127.0.0.2 9001 30
	runup --netns "$ns" check -o json --only ports.usage
	assert_finding ports.usage 'toward 127.0.0.1:9000' warn
	assert_finding ports.usage 'toward 127.0.0.2:9001' pass
	[[ $(finding ports.usage 'toward 127.0.0.1:9000' observed) == '60 of 100 local ports taken, from 127.0.0.1' ]]
	occupy 127.0.0.3 9002 90
	runup --netns "$ns" check -o json --only ports.usage --role generator --connections 10 --target 127.0.0.3:9002
	assert_exit 1
	assert_finding ports.usage 'toward 127.0.0.3:9002' fail
	# It is another target's business that its ports are taken.
	runup --netns "$ns" check -o json --only ports.usage --role generator --connections 10 --target 127.0.0.2:9001
	assert_exit 0
	assert_finding ports.usage 'toward 127.0.0.3:9002' warn
}

@test "conntrack chains under the load" {
	[[ -e /proc/sys/net/netfilter/nf_conntrack_buckets ]] ||
		skip 'not possible here: connection tracking is not loaded'
	# Nothing is tracked where no rule asks for it.
	netns_exec "$ns" nft -f - <<<'table inet t { chain c { type filter hook input priority 0; ct state new accept; }; }'
	buckets=$(cat /proc/sys/net/netfilter/nf_conntrack_buckets)
	runup --netns "$ns" check -o json --only conntrack.buckets --connections $((buckets * 4))
	assert_finding conntrack.buckets 'chains under the load' pass
	runup --netns "$ns" check -o json --only conntrack.buckets --connections $((buckets * 4 + buckets))
	assert_finding conntrack.buckets 'chains under the load' warn
}
