#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Limits of real control groups, version 2, judged for a process within.

load ../lib/runup

setup() {
	top=/sys/fs/cgroup/t$BATS_TEST_NUMBER
	group=$top/unit
	echo '+cpu +memory +pids' >/sys/fs/cgroup/cgroup.subtree_control
	mkdir -p "$top"
	echo '+cpu +memory +pids' >"$top/cgroup.subtree_control"
	mkdir "$group"
}

teardown() {
	runup_teardown
	rmdir "$group" "$top"
}

# runup inside the group, as a test started there would be.
runup_within() {
	run_command bash -c "echo \$\$ >'$group/cgroup.procs' && exec \"\$@\"" - "$RUNUP" "$@"
}

@test "cgroup v2: no limit is set" {
	runup_within check -o json --only cpu.quota,limits.pids,memory.cgroup
	assert_exit 0
	assert_json_is '[f["status"] for f in d["findings"]]' '["pass", "pass", "pass"]'
	assert_json_is '"cgroup v2" in one(d["findings"], id="cpu.quota")["observed"]' true
	assert_json_is '"cgroup v2" in one(d["findings"], id="memory.cgroup")["observed"]' true
}

@test "cgroup v2: a CPU quota of the group, and what it has throttled" {
	echo '50000 100000' >"$group/cpu.max"
	start_background busy bash -c "echo \$\$ >'$group/cgroup.procs'; while :; do :; done"
	wait_until 120 grep -q '^nr_throttled [1-9]' "$group/cpu.stat"
	stop_process "$background_pid"
	runup_within check -o json --only cpu.quota --connections 100
	assert_json_is 'one(d["findings"], id="cpu.quota")["status"]' warn
	assert_json_is '"0.50 CPUs" in one(d["findings"], id="cpu.quota")["observed"]' true
	assert_json_is '"/t2/unit" in one(d["findings"], id="cpu.quota")["observed"]' true
	assert_json_is '"throttled in 0 " in one(d["findings"], id="cpu.quota")["why"]' false
}

@test "cgroup v2: a quota further up counts, and a process of elsewhere is judged by its own group" {
	echo '150000 100000' >"$top/cpu.max"
	runup_within check -o json --only cpu.quota
	assert_json_is 'one(d["findings"], id="cpu.quota")["status"]' warn
	assert_json_is '"set by /t3 " in one(d["findings"], id="cpu.quota")["observed"]' true
	start_background inside bash -c "echo \$\$ >'$group/cgroup.procs'; exec sleep 100"
	wait_until 60 grep -qx "$background_pid" "$group/cgroup.procs"
	runup check -o json --only cpu.quota --pid "$background_pid"
	assert_json_is 'one(d["findings"], id="cpu.quota")["status"]' warn
	runup check -o json --only cpu.quota
	assert_json_is 'one(d["findings"], id="cpu.quota")["status"]' pass
}

@test "cgroup v2: pids.max" {
	echo 12 >"$top/pids.max"
	runup_within check -o json --only limits.pids
	assert_json_is '"pids.max" in one(d["findings"], id="limits.pids")["observed"]' true
	assert_json_is '"/t4" in one(d["findings"], id="limits.pids")["observed"]' true
	for i in 1 2 3 4 5 6 7 8 9 10; do
		start_background "sleeper$i" bash -c "echo \$\$ >'$group/cgroup.procs'; exec sleep 100"
	done
	wait_until 120 grep -qx 10 "$group/pids.current"
	runup_within check -o json --only limits.pids
	assert_json_is 'one(d["findings"], id="limits.pids")["status"]' warn
}

# A process in the group that has written to 34 MiB: with the rest of it about 37. It is judged from
# outside, where there is memory for runup.
eat() {
	start_background eater bash -c "echo \$\$ >'$group/cgroup.procs'
		exec /usr/bin/python3 -c 'x = bytearray(34 << 20); import time; time.sleep(1000)'"
	wait_until 120 eval "[[ \$(cat '$group/memory.current') -gt $((36 << 20)) ]]"
}

@test "cgroup v2: memory.max, and what is left of it" {
	echo $((40 << 20)) >"$group/memory.max"
	runup_within check -o json --only memory.cgroup
	assert_exit 0
	assert_json_is 'one(d["findings"], id="memory.cgroup")["status"]' pass
	assert_json_is '" of 40 MiB, set by /t5/unit (cgroup v2)" in one(d["findings"], id="memory.cgroup")["observed"]' true
	eat
	runup check -o json --only memory.cgroup --connections 100 --pid "$background_pid"
	assert_json_is 'one(d["findings"], id="memory.cgroup")["status"]' warn
	echo $((39 << 20)) >"$top/memory.max"
	runup check -o json --only memory.cgroup --connections 10000 --pid "$background_pid"
	assert_exit 1
	assert_json_is 'one(d["findings"], id="memory.cgroup")["status"]' fail
	assert_json_is '"set by /t5 " in one(d["findings"], id="memory.cgroup")["observed"]' true
}

@test "cgroup v2: memory.high slows down long before memory.max kills" {
	echo $((512 << 20)) >"$group/memory.max"
	echo $((40 << 20)) >"$group/memory.high"
	eat
	runup check -o json --only memory.cgroup --connections 100 --pid "$background_pid"
	assert_json_is '[f["status"] for f in d["findings"] if "memory.high" in (f["subject"] or "")]' '["warn"]'
}
