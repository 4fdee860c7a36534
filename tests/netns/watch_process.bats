#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# `runup watch` as a process: signals, its reader, the service manager, and its unit.

load ../lib/runup
load ../lib/netns

setup() {
	need_root
	need_command ip
	ns=$(netns_make)
}

unit() {
	echo "$RUNUP_SOURCE/systemd/runup-watch.service"
}

# Runs a command whose INT is not ignored, as a shell has it for what runs in its background.
with_int='import os, signal, sys
signal.signal(signal.SIGINT, signal.SIG_DFL)
os.execv(sys.argv[1], sys.argv[1:])'

@test "--for ends it with a summary, as text" {
	runup --netns "$ns" watch --for 500ms --interval 100ms
	assert_exit 0
	assert_out '^[0-9-]{10}T[0-9:.]{12}Z watching [0-9]+ of [0-9]+ causes, every 100ms, for 500ms$'
	assert_out '^  privileges kept: cap_dac_read_search cap_sys_ptrace$'
	assert_out '^[0-9:]{8}Z watched for [0-9]+ms: nothing was lost$'
	runup -q --netns "$ns" watch --for 200ms
	assert_exit 0
	assert_no_out
}

@test "INT, TERM and HUP end it with a summary; what was ignored stays ignored" {
	local signal out=$BATS_TEST_TMPDIR/watch.out
	for signal in INT TERM HUP; do
		start_background watch "$PYTHON" -c "$with_int" "$RUNUP" --netns "$ns" watch -o json
		wait_until 10 grep -q '"type":"start"' "$out"
		kill -s "$signal" "$background_pid"
		status=0
		wait "$background_pid" || status=$?
		[[ $status -eq 0 ]]
		tail -n 1 "$out" | grep -q '^{"type":"summary"'
	done
	start_background watch nohup "$RUNUP" --netns "$ns" watch -o json
	wait_until 10 grep -q '"type":"start"' "$out"
	kill -HUP "$background_pid"
	sleep 0.5
	[[ $(process_state "$background_pid") =~ [SRD] ]]
	run ! grep -q '"type":"summary"' "$out"
	stop_process "$background_pid"
}

@test "a line is there when it is told, not when a buffer is full" {
	start_background watch "$RUNUP" --netns "$ns" watch -o json --interval 100ms
	wait_until 5 grep -q '"type":"sample"' "$BATS_TEST_TMPDIR/watch.out"
	[[ $(stat -c %s "$BATS_TEST_TMPDIR/watch.out") -lt 8000 ]]
	stop_process "$background_pid"
}

@test "a reader that has seen enough ends it without a word" {
	local begin=$SECONDS
	"$RUNUP" --netns "$ns" watch -o json --interval 100ms 2>"$BATS_TEST_TMPDIR/err" | head -n 1 >"$BATS_TEST_TMPDIR/first"
	grep -q '^{"type":"start"' "$BATS_TEST_TMPDIR/first"
	[[ ! -s $BATS_TEST_TMPDIR/err ]]
	[[ $((SECONDS - begin)) -le 3 ]]
	# Nothing is to be told for an hour: that the reader has left is noticed all the same.
	begin=$SECONDS
	"$RUNUP" --netns "$ns" watch --interval 1h 2>"$BATS_TEST_TMPDIR/err" | head -n 1 >"$BATS_TEST_TMPDIR/first"
	[[ ! -s $BATS_TEST_TMPDIR/err && $((SECONDS - begin)) -le 3 ]]
}

@test "a reader that does not read cannot keep a signal from ending it" {
	mkfifo "$BATS_TEST_TMPDIR/fifo"
	exec 7<>"$BATS_TEST_TMPDIR/fifo"
	"$RUNUP" --netns "$ns" watch -o json --interval 10ms >"$BATS_TEST_TMPDIR/fifo" 3>&- 7>&- &
	local pid=$! i
	# A pipe has room for 64 KiB: then it makes no system calls any more.
	calls() { awk '/^syscr:/ { print $2 }' "/proc/$pid/io"; }
	stands_still() {
		local before
		before=$(calls)
		sleep 0.5
		[[ $before -gt 100 && $(calls) -eq $before ]]
	}
	wait_until 30 stands_still
	kill -TERM "$pid"
	for ((i = 0; i < 40; i++)); do
		kill -0 "$pid" 2>/dev/null || break
		sleep 0.05
	done
	exec 7>&-
	[[ $i -lt 40 ]]
	wait "$pid" || [[ $? -le 1 ]]
}

@test "a full disk is told, and is no success" {
	run_command bash -c '"$0" "$@" >/dev/full' "$RUNUP" --netns "$ns" watch -o json --for 300ms
	assert_exit 3
	assert_one_error "write to standard output: No space left on device"
}

@test "where it cannot watch it says so: exit 3" {
	need_command strace
	run_command strace -qq -o /dev/null -e trace=timerfd_create -e inject=timerfd_create:error=EMFILE \
		"$RUNUP" --netns "$ns" watch
	assert_exit 3
	assert_one_error 'make a timer for watching: Too many open files'
	assert_no_out
}

@test "wrong usage does nothing: exit 2" {
	runup watch --interval 1ms
	assert_exit 2
	assert_one_error '--interval'
	runup watch -o tap
	assert_exit 2
	runup --root / watch
	assert_exit 2
	runup watch -- wrk http://127.0.0.1/
	assert_exit 2
	RUNUP_ENV+=(NOTIFY_SOCKET=relative)
	runup watch
	assert_exit 2
	assert_one_error "NOTIFY_SOCKET 'relative'"
	RUNUP_ENV=(NOTIFY_SOCKET=/nowhere/notify)
	runup watch
	assert_exit 3
	assert_one_error "'/nowhere/notify'"
}

@test "the service manager is told: ready, signs of life, stopping" {
	local address
	for address in "$BATS_TEST_TMPDIR/notify" "@runup-test-$$-$BATS_TEST_NUMBER"; do
		run env WATCHDOG_USEC=400000 "$PYTHON" "$RUNUP_SOURCE/tests/netns/notified.py" "$address" 1.5 \
			"$RUNUP" --netns "$ns" watch -o json --interval 10s
		echo "$output"
		[[ ${lines[0]} == *' READY=1 STATUS=watching, nothing seen' ]]
		# At half of the time it has: seven in the 1.5 s, and one when it begins.
		alive=$(grep -c 'WATCHDOG=1' <<<"$output")
		[[ $alive -ge 6 && $alive -le 9 ]]
		[[ ${lines[-2]} == *' STOPPING=1' && ${lines[-1]} == 'exit 0' ]]
	done
}

@test "a watchdog that is another process's is not fed" {
	run env WATCHDOG_USEC=200000 WATCHDOG_PID=1 "$PYTHON" "$RUNUP_SOURCE/tests/netns/notified.py" \
		"$BATS_TEST_TMPDIR/notify" 1 "$RUNUP" --netns "$ns" watch -o json
	echo "$output"
	[[ $output == *READY=1* && $output != *WATCHDOG=1* ]]
}

@test "the status names what was seen" {
	deaf_server "$ns" 9000 2
	start_background notified "$PYTHON" "$RUNUP_SOURCE/tests/netns/notified.py" "$BATS_TEST_TMPDIR/notify" 2.5 \
		"$RUNUP" --netns "$ns" watch -o json --interval 200ms
	wait_until 5 grep -q READY=1 "$BATS_TEST_TMPDIR/notified.out"
	overflow "$ns" 9000 1
	wait "$background_pid"
	cat "$BATS_TEST_TMPDIR/notified.out"
	grep -q 'STATUS=1 seen, last: listen.accept_overflow at tcp 127.0.0.1:9000' "$BATS_TEST_TMPDIR/notified.out"
	[[ $(tail -n 1 "$BATS_TEST_TMPDIR/notified.out") == 'exit 1' ]]
}

@test "the unit is sound, and exposes little" {
	need_command systemd-analyze
	sed "s|/usr/bin/runup|$RUNUP|" "$(unit)" >"$BATS_TEST_TMPDIR/runup-watch.service"
	run systemd-analyze verify --man=no "$BATS_TEST_TMPDIR/runup-watch.service"
	echo "$output"
	[[ $status -eq 0 && -z $output ]]
	run systemd-analyze security --offline=true --threshold=30 "$(unit)"
	echo "$output" | tail -n 1
	[[ $status -eq 0 ]]
}

@test "the unit allows every system call that it makes" {
	need_command systemd-analyze strace
	local group groups call
	# The groups of its filter, with the groups in them.
	groups=$(sed -n 's/^SystemCallFilter=//p' "$(unit)")
	allowed() {
		local word
		for word; do
			if [[ $word == @* ]]; then
				mapfile -t group < <(systemd-analyze syscall-filter "$word" | sed -n 's/^    \([^#]*\).*/\1/p')
				allowed "${group[@]// /}"
			else
				echo "$word"
			fi
		done
	}
	# shellcheck disable=SC2086 # words
	allowed $groups | sort -u >"$BATS_TEST_TMPDIR/allowed"
	deaf_server "$ns" 9000 2
	overflow "$ns" 9000 2 &
	ip netns exec "$ns" "$PYTHON" "$RUNUP_SOURCE/tests/netns/notified.py" "$BATS_TEST_TMPDIR/notify" 1.5 \
		strace -D -qq -f -o "$BATS_TEST_TMPDIR/trace" "$RUNUP" watch -o json --interval 100ms
	wait "$!"
	wait_until 5 grep -q 'exit_group(1)' "$BATS_TEST_TMPDIR/trace"
	sed -nE 's/^[0-9]+ +([a-z0-9_]+)\(.*/\1/p' "$BATS_TEST_TMPDIR/trace" | sort -u >"$BATS_TEST_TMPDIR/made"
	[[ $(wc -l <"$BATS_TEST_TMPDIR/made") -gt 20 ]]
	run comm -23 "$BATS_TEST_TMPDIR/made" "$BATS_TEST_TMPDIR/allowed"
	echo "not allowed: $output"
	[[ -z $output ]]
	# And no address family but those of the unit.
	run grep -oE 'socket\(AF_[A-Z0-9]+' "$BATS_TEST_TMPDIR/trace"
	while read -r call; do
		grep -qE "^RestrictAddressFamilies=.*${call#socket\(}( |$)" "$(unit)" || { echo "$call"; false; }
	done < <(sort -u <<<"$output")
}
