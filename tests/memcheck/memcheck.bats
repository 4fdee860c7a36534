#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What runs for long, under valgrind: no read of what nobody wrote, nothing freed twice, no leak, in
# runup and in the guardian that it leaves behind. Built without BPF (`make memcheck`): valgrind checks
# all of bpf(2)'s union where the kernel reads what the command has. That the watch with BPF does not
# grow is tests/unit/test_watch_growth.c.

load ../lib/runup
load ../lib/netns

setup() {
	need_root
	need_command valgrind ip
	[[ ! -e $RUNUP_BUILD/src/watch/ev_drops.skel.h ]] || skip 'built with BPF: make memcheck builds without'
	RUNUP_TIMEOUT=120
	logs=$BATS_TEST_TMPDIR/logs
	mkdir "$logs"
	# shellcheck disable=SC2054 # the commas are valgrind's
	valgrind=(valgrind --error-exitcode=99 --leak-check=full --show-leak-kinds=definite,indirect,possible
		--errors-for-leak-kinds=definite,indirect,possible --num-callers=30 "--log-file=$logs/%p")
	if [[ $(printf '%s\n' valgrind-3.20 "$(valgrind --version)" | sort -V | head -n 1) != valgrind-3.20 ]]; then
		RUNUP_ENV+=("LD_PRELOAD=$RUNUP_BUILD/tests/memcheck/openat2.so")
	fi
	ns=$(netns_make)
	profile=$(make_profile tuning <<-'INI'
		[load]
		target = 127.0.0.1:9
		[sysctl]
		net.ipv4.tcp_slow_start_after_idle = 0
		net.ipv4.tcp_fin_timeout = 42
		[rlimit]
		nofile = >= 1024
	INI
	)
}

checked() { # ARGS…
	run_command "${valgrind[@]}" "$RUNUP" "$@"
}

all_ended() {
	local log
	for log in "$logs"/*; do
		[[ ! -d /proc/${log##*/} ]] || return 1
	done
}

# Every process, the guardian too, has ended and has nothing to be told. What became the command of a
# `run` has a log without an end, as valgrind does not go with it.
assert_clean() { # PROCESSES: at least so many
	wait_until 20 all_ended
	local processes
	processes=$(grep -l 'ERROR SUMMARY' "$logs"/* | wc -l)
	[[ $processes -ge $1 ]] || show "$processes processes, expected at least $1" || return 1
	if grep -h 'ERROR SUMMARY' "$logs"/* | grep -qv 'ERROR SUMMARY: 0 errors'; then
		cat "$logs"/*
		return 1
	fi
}

fin_timeout() {
	netns_exec "$ns" sysctl -n net.ipv4.tcp_fin_timeout
}

rolled_back() {
	[[ $(fin_timeout) == 60 ]]
}

@test "check of a load, with --observe" {
	nginx_start "$ns" 8080 128 "$BATS_TEST_TMPDIR/nginx"
	checked -v --netns "$ns" check -p http-server --port 8080 --connections 1000 --observe 1s -o json
	[[ $status -ne 99 ]] || show 'valgrind found something' || cat "$logs"/* || return 1
	assert_json check
	# It read what it says: a listener, and counters.
	json_get 'len(d["findings"])' | grep -qE '^[0-9]{2}'
	[[ $(json_get 'one(d["findings"], id="listen.backlog")["status"]') != unknown ]]
	assert_clean 1
}

@test "check of a recorded host, and its sums" {
	checked --root "$RUNUP_SOURCE/tests/fixtures/hosts/conntrack-full" check -v -p proxy --connections 5000 -o json
	assert_json check
	assert_clean 1
	checked --root "$RUNUP_SOURCE/tests/fixtures/hosts/vm" capacity -p generator --connections 5000
	assert_clean 2
}

@test "run, with what it watches and its report" {
	checked --netns "$ns" run --skip all --report "$BATS_TEST_TMPDIR/report" -- sleep 1
	[[ $status -eq 0 ]] || show 'sleep exits with 0'
	load_json run "$BATS_TEST_TMPDIR/report/run.json"
	assert_clean 1
}

@test "run --apply, and the guardian beside it" {
	run_command ip netns exec "$ns" "${valgrind[@]}" "$RUNUP" run -p "$profile" --apply --skip all \
		--report "$BATS_TEST_TMPDIR/report" -- cat /proc/sys/net/ipv4/tcp_fin_timeout
	assert_out '^42$'
	rolled_back
	assert_clean 2
}

@test "apply --for: the guardian that waits and rolls back, status and rollback after it" {
	checked --netns "$ns" apply "$profile" --for 3s
	assert_exit 0
	[[ $(fin_timeout) == 42 ]]
	wait_until 20 rolled_back
	assert_clean 2
	checked --netns "$ns" status -o json
	assert_json status
	checked --netns "$ns" rollback
	assert_exit 0
	assert_clean 4
}
