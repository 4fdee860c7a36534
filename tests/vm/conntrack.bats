#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Tables of the whole host, really filled: connection tracking and neighbours.

load ../lib/runup
load ../lib/netns

setup() {
	ns=$(netns_make)
	dmesg -C
}

teardown() {
	sysctl -qw net.netfilter.nf_conntrack_max=262144
	sysctl -qw net.ipv4.neigh.default.gc_thresh3=1024 net.ipv4.neigh.default.gc_thresh2=512 \
		net.ipv4.neigh.default.gc_thresh1=128
	runup_teardown
}

# Connections are tracked where a rule asks for their state.
track() {
	netns_exec "$ns" nft -f - <<-'NFT'
		table inet filter {
			chain input { type filter hook input priority 0; ct state invalid drop; }
		}
	NFT
}

count() {
	netns_exec "$ns" cat /proc/sys/net/netfilter/nf_conntrack_count
}

# Established connections, which the kernel does not throw out for new ones, are held until the table
# is full; from then on datagrams ask for entries that are not to be had.
fill() {
	start_background serve ip netns exec "$ns" "$RUNUP_BUILD/tests/helpers/breakload" serve 4096 8080
	wait_for_port "$ns" 8080 60
	start_background fill ip netns exec "$ns" /usr/bin/python3 -c '
import socket, time
held = []
while True:
    s = socket.socket(); s.settimeout(0.5)
    try: s.connect(("127.0.0.1", 8080)); held.append(s)
    except OSError: break
while True:
    for port in range(20000, 60000):
        s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try: s.sendto(b"x", ("127.0.0.2", port))
        except OSError: pass
        s.close(); time.sleep(0.005)'
}

@test "conntrack: a full table is seen by check, before and while it drops" {
	track
	sysctl -qw net.netfilter.nf_conntrack_max=150
	netns_exec "$ns" sysctl -qw net.core.somaxconn=4096
	fill
	wait_until 200 eval '[[ $(count) -ge 149 ]]'
	wait_until 200 eval 'dmesg | grep -q "nf_conntrack: .*table full, dropping packet"'
	runup --netns "$ns" check -o json --only conntrack.capacity
	assert_exit 1
	assert_json_is 'one(d["findings"], subject="conntrack table")["status"]' fail
	assert_json_is '", 0 dropped" in one(d["findings"], subject="conntrack table")["observed"]' false
	runup --netns "$ns" check --observe 4s -o json --only observe
	assert_exit 1
	assert_json_is 'one(d["findings"], id="observe.conntrack.full")["status"]' fail
}

@test "conntrack: what is not full is not said to be" {
	track
	netns_exec "$ns" sysctl -qw net.core.somaxconn=4096
	start_background serve ip netns exec "$ns" "$RUNUP_BUILD/tests/helpers/breakload" serve 4096 8080
	wait_for_port "$ns" 8080 60
	runup --netns "$ns" check --observe 2s -o json --only observe,conntrack.capacity
	assert_exit 0
	assert_json_is 'where(d["findings"], id="observe.conntrack.full")' '[]'
	assert_json_is 'one(d["findings"], subject="conntrack table")["status"]' pass
}

@test "conntrack: connections without both ways are thrown out early, and that is told apart" {
	track
	sysctl -qw net.netfilter.nf_conntrack_max=150
	start_background storm ip netns exec "$ns" /usr/bin/python3 -c '
import socket, time
while True:
    for port in range(1024, 60000):
        s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try: s.sendto(b"x", ("127.0.0.2", port))
        except OSError: pass
        s.close(); time.sleep(0.002)'
	wait_until 200 eval 'netns_exec "$ns" conntrack -S | grep -qE "early_drop=[1-9]"'
	runup --netns "$ns" check --observe 3s -o json --only observe
	assert_json_is 'len(where(d["findings"], id="observe.conntrack.early_drop"))' 1
}

@test "conntrack: a namespace whose rules ask for no state tracks nothing" {
	netns_exec "$ns" sysctl -qw net.core.somaxconn=4096
	start_background serve ip netns exec "$ns" "$RUNUP_BUILD/tests/helpers/breakload" serve 4096 8080
	wait_for_port "$ns" 8080 60
	netns_exec "$ns" sysctl -qw net.ipv4.ip_local_port_range='40000 40099'
	netns_exec "$ns" "$RUNUP_BUILD/tests/helpers/breakload" hold 8080
	[[ $(count) -eq 0 ]]
	track
	# The first ones' ports are in TIME_WAIT.
	netns_exec "$ns" sysctl -qw net.ipv4.ip_local_port_range='41000 41099'
	netns_exec "$ns" "$RUNUP_BUILD/tests/helpers/breakload" hold 8080
	[[ $(count) -ge 100 ]]
}

@test "neighbours: an overflowing table is seen by check, and its drops by observe" {
	sysctl -qw net.ipv4.neigh.default.gc_thresh1=8 net.ipv4.neigh.default.gc_thresh2=16 \
		net.ipv4.neigh.default.gc_thresh3=32
	ip -n "$ns" link add wire type veth peer name other
	ip -n "$ns" addr add 10.9.0.1/16 dev wire
	ip -n "$ns" link set wire up
	ip -n "$ns" link set other up
	start_background storm ip netns exec "$ns" /usr/bin/python3 -c '
import socket, time
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
while True:
    for host in range(2, 250):
        try: s.sendto(b"x", ("10.9.1.%d" % host, 9))
        except OSError: pass
        time.sleep(0.002)'
	wait_until 200 eval 'dmesg | grep -q "neighbor table overflow"'
	# All namespaces share the table; its limits are shown on the host alone.
	runup check -o json --only neigh.table
	assert_exit 0
	assert_json_is 'one(d["findings"], subject="IPv4 neighbours")["status"]' warn
	assert_json_is '"refuses from 32 on, 0 times" in one(d["findings"], subject="IPv4 neighbours")["observed"]' false
	targets=$(printf '10.9.2.%d:80,' {1..40})
	runup check -o json --only neigh.table --role generator --target "${targets%,}"
	assert_exit 1
	assert_json_is 'one(d["findings"], subject="IPv4 neighbours")["status"]' fail
	runup --netns "$ns" check --observe 4s -o json --only observe
	assert_exit 1
	assert_json_is 'one(d["findings"], id="observe.neigh.full")["status"]' fail
}
