#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# The second boot of reboot.sh: the values went with the reboot, and runup says so and writes nothing.

load ../lib/runup

RUNUP_STATE_DIR=/state/runup

values() {
	sysctl -a 2>/dev/null | grep -E '^(net\.core|net\.ipv4|net\.netfilter|fs\.file-max|fs\.nr_open)' |
		grep -vE '_count|flush'
}

@test "reboot: status says that the host was rebooted since" {
	[[ $(cat /state/boot) != "$(cat /proc/sys/kernel/random/boot_id)" ]]
	runup status -o json
	assert_exit 0
	assert_json status
	assert_json_is '[c["boot"] for c in d["changesets"]]' '["other", "other"]'
	assert_json_is 'sorted({c["result"] for s in d["changesets"] for c in s["changes"]})' '["gone"]'
	assert_json_is '"rebooted" in d["changesets"][0]["changes"][0]["why"]' true
}

@test "reboot: rollback --dry-run and rollback write nothing, not even what looks like drift" {
	# A value that runup wrote before the reboot, come about in another way.
	sysctl -qw net.core.netdev_max_backlog=7000
	values >"$BATS_TEST_TMPDIR/before"
	runup rollback --all --dry-run -o json
	assert_exit 0
	runup rollback --all -o json
	assert_exit 0
	assert_json_is '[c["state"] for c in d["changesets"]]' '["closed", "closed"]'
	assert_json_is 'sorted({c["result"] for s in d["changesets"] for c in s["changes"]})' '["gone"]'
	values >"$BATS_TEST_TMPDIR/after"
	diff "$BATS_TEST_TMPDIR/before" "$BATS_TEST_TMPDIR/after"
	sysctl -qw net.core.netdev_max_backlog=1000
}

@test "reboot: afterwards nothing is open, and a new apply and rollback work beside the old ones" {
	values >"$BATS_TEST_TMPDIR/before"
	runup status
	assert_exit 0
	assert_out 'nothing is applied'
	runup apply server --connections 100000 -o json
	assert_exit 0
	runup status -o json
	assert_json_is '[c["boot"] for c in d["changesets"] if c["state"] == "open"]' '["this"]'
	runup rollback
	assert_exit 0
	values >"$BATS_TEST_TMPDIR/after"
	diff "$BATS_TEST_TMPDIR/before" "$BATS_TEST_TMPDIR/after"
}
