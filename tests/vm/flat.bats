#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# What a check costs does not grow with what there is: 2 000 listeners, 500 000 tracked connections and
# sockets in TIME_WAIT, against an idle namespace. `make bench` has 200 000 of these, but not as many
# entries where nf_conntrack_max is not its own; here it is, but sockets are made slowly, and last a
# minute.
# vm: memory=3G timeout=900

load ../lib/runup

@test "flat cost: a crowd of sockets and entries at most doubles what a check takes" {
	sysctl -qw net.netfilter.nf_conntrack_max=1000000 net.netfilter.nf_conntrack_buckets=262144
	cd "$RUNUP_SOURCE"
	run tests/bench/flat.py "$RUNUP_BUILD" 11 20000
	echo "$output"
	echo "# $(grep -E 'crowded|listeners' <<<"$output" | tr -s ' ' | paste -sd ' ')" >&3
	[[ $status -eq 0 ]]
	[[ $output == *'500 000 conntrack entries'* ]]
}
