# SPDX-License-Identifier: GPL-2.0-or-later
# Addresses do not get into a captured host: in a namespace that has real ones.

load ../lib/runup
load ../lib/netns

setup() {
	need_root
	need_command ip
	ns=$(netns_make)
	ip -n "$ns" addr add 10.9.8.7/32 dev lo
	ip -n "$ns" addr add fd12:3456::77/128 dev lo nodad
}

teardown() {
	netns_teardown
}

capture() { # RECORDER FOLDER
	run env RUNUP_NLRECORD="$1" ip netns exec "$ns" \
		"$RUNUP_SOURCE/tests/fixtures/capture.sh" --lean "$2"
	echo "$output"
}

# A recorder that writes its standard input as a record.
planted() {
	RECORDER=$BATS_TEST_TMPDIR/recorder
	{
		cat <<-'SH'
			#!/bin/sh -e
			mkdir "$1"
			cat >"$1/planted.hex" <<END
		SH
		cat
		echo END
	} >"$RECORDER"
	chmod +x "$RECORDER"
}

@test "listening addresses become documentation ones, the same for the same" {
	cat >"$BATS_TEST_TMPDIR/listen.py" <<-'PY'
		import socket, time
		kept = []
		for family, address in ((socket.AF_INET, ("10.9.8.7", 80)),
		                        (socket.AF_INET, ("127.0.0.1", 81)),
		                        (socket.AF_INET, ("10.9.8.7", 82)),
		                        (socket.AF_INET6, ("fd12:3456::77", 83)),
		                        (socket.AF_INET6, ("::ffff:10.9.8.7", 84))):
		    s = socket.socket(family)
		    if family == socket.AF_INET6:
		        s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
		    s.bind(address)
		    s.listen(9)
		    kept.append(s)
		time.sleep(60)
	PY
	start_background listen ip netns exec "$ns" "$PYTHON" "$BATS_TEST_TMPDIR/listen.py"
	wait_for_port "$ns" 84
	capture "$RUNUP_BUILD/tests/helpers/nlrecord" "$BATS_TEST_TMPDIR/host"
	# shellcheck disable=SC2154 # set by start_background
	stop_process "$background_pid"
	[ "$status" -eq 0 ]
	cd "$BATS_TEST_TMPDIR/host/netlink"
	# family, state, timer, retransmissions, port, no peer's port, address
	grep -q 020a000000500000c0000201 inet_diag-tcp4-listen.hex
	grep -q 020a0000005100007f000001 inet_diag-tcp4-listen.hex
	grep -q 020a000000520000c0000201 inet_diag-tcp4-listen.hex
	grep -q 0a0a00000053000020010db8000000000000000000000001 inet_diag-tcp6-listen.hex
	grep -q 0a0a00000054000000000000000000000000ffffc0000201 inet_diag-tcp6-listen.hex
}

@test "the bytes of an IPv4 address in a record fail the capture" {
	planted <<<0000000a09080700
	capture "$RECORDER" "$BATS_TEST_TMPDIR/host"
	[ "$status" -eq 1 ]
	[[ $output == *"left in"*planted.hex* ]]
}

@test "the bytes of an IPv6 address in a record fail the capture" {
	planted <<<000000fd12345600000000000000000000007700
	capture "$RECORDER" "$BATS_TEST_TMPDIR/host"
	[ "$status" -eq 1 ]
	[[ $output == *"left in"*planted.hex* ]]
}

@test "the text of an address fails the capture" {
	planted <<<'# from 10.9.8.7'
	capture "$RECORDER" "$BATS_TEST_TMPDIR/host"
	[ "$status" -eq 1 ]
	[[ $output == *"left in"*planted.hex* ]]
}

@test "devices are renamed and their addresses left out, steering goes with the new name" {
	ip -n "$ns" link add customer7 address 02:11:22:33:44:55 type veth peer name eth9
	ip -n "$ns" link set customer7 up
	ip -n "$ns" link set eth9 up
	ip netns exec "$ns" sh -c 'echo 1 >/sys/class/net/customer7/queues/rx-0/rps_cpus'
	capture "$RUNUP_BUILD/tests/helpers/nlrecord" "$BATS_TEST_TMPDIR/host"
	[ "$status" -eq 0 ]
	cd "$BATS_TEST_TMPDIR/host"
	# lo is 1, the peer 2, customer7 3; "customer" in hex is in no record
	[ "$(ls sys/class/net)" = "eth9
if3" ]
	run grep -l 637573746f6d6572 netlink/*
	[ "$status" -eq 1 ]
	[ "$(cat sys/class/net/if3/ifindex)" = 3 ]
	runup --root "$BATS_TEST_TMPDIR/host" check -o json --only softnet.steering,nic.rings
	assert_json_is 'sorted(f["subject"] for f in d["findings"])' '["eth9", "if3", "lo, eth9, if3"]'
	assert_json_is '"RPS to CPUs 0" in one(d["findings"], subject="if3")["observed"]' true
}
