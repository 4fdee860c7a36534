#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# [rlimit SUBJECT]: limits of live processes, and what is said of units where systemd does not run.

load ../lib/runup
load ../lib/netns

setup() {
	need_root
	need_command ip prlimit setpriv
	ns=$(netns_make)
	# A name of this test's own: the section names processes by theirs.
	name=rl$BATS_TEST_NUMBER-$RANDOM
	cp "$(command -v sleep)" "$BATS_TEST_TMPDIR/$name"
}

serve() { # SOFT:HARD: sets $pid
	start_background "$name" ip netns exec "$ns" prlimit --nofile="$1" "${AS_USER[@]}" "$BATS_TEST_TMPDIR/$name" 300
	pid=$background_pid
	wait_until 5 grep -q "$name" "/proc/$pid/comm"
}

limits() { # PID [LIMIT]: "soft:hard"
	local -A rows=([nofile]='Max open files' [nproc]='Max processes' [memlock]='Max locked memory')
	sed -n "s/^${rows[${2:-nofile}]} *//p" "/proc/$1/limits" | awk '{ print $1 ":" $2 }'
}

profile() { # SUBJECT LIMIT VALUE: prints its path
	make_profile "p$RANDOM" <<-INI
		[rlimit $1]
		$2 = $3
	INI
}

apply() { # PROFILE LOAD…: sets $id
	runup --netns "$ns" apply "$@" -o json
	assert_exit 0
	assert_json apply
	id=$(json_get 'd["changeset"]')
}

without_sys_resource() { # ARGS…
	run_command setpriv --inh-caps -sys_resource --bounding-set -sys_resource "$RUNUP" "$@"
}

@test "every process of the name in the namespace, none elsewhere; each returns to its own" {
	serve 100:4096
	first=$pid
	serve 3000:4096
	second=$pid
	start_background elsewhere "$BATS_TEST_TMPDIR/$name" 300
	elsewhere=$background_pid
	before=$(limits "$elsewhere")
	p=$(profile "process:$name" nofile '>= 2000')
	apply "$p"
	[[ $(limits "$first") == 2000:4096 ]]
	[[ $(limits "$second") == 3000:4096 ]]
	assert_json_is "one(d['changes'], key='pid:$first/nofile')['before']" '100 4096'
	assert_json_is "one(d['changes'], key='pid:$second/nofile')['result']" satisfied
	assert_json_is 'len(d["changes"])' 2
	runup --netns "$ns" apply "$p"
	assert_out 'nothing to write'
	runup status
	assert_exit 0
	assert_out "^in force +pid:$first/nofile"
	runup rollback
	assert_exit 0
	[[ $(limits "$first") == 100:4096 ]]
	[[ $(limits "$elsewhere") == "$before" ]]
}

@test "nproc and memlock, and auto for descriptors" {
	serve 100:20000
	prlimit --pid "$pid" --memlock=65536:131072 --nproc=50:500
	p=$(
		make_profile p <<-INI
			[rlimit process:$name]
			nofile = >= auto
			nproc = >= 400
			memlock = >= 100000
		INI
	)
	apply "$p" --role server --connections 3000
	[[ $(limits "$pid" nproc) == 400:500 ]]
	[[ $(limits "$pid" memlock) == 100000:131072 ]]
	soft=$(limits "$pid")
	[[ ${soft%:*} -ge 3000 && ${soft#*:} -eq 20000 ]]
	runup rollback
	assert_exit 0
	[[ $(limits "$pid" nproc) == 50:500 && $(limits "$pid" memlock) == 65536:131072 ]]
	[[ $(limits "$pid") == 100:20000 ]]
}

@test "a hard limit that may not be raised, another user's process, fs.nr_open: each said so" {
	serve 100:4096
	without_sys_resource --netns "$ns" apply "$(profile "process:$name" nofile '>= 8192')"
	assert_exit 3
	assert_one_error 'hard limit is 4096, and raising that takes CAP_SYS_RESOURCE'
	above=$(($(</proc/sys/fs/nr_open) + 1))
	runup --netns "$ns" apply "$(profile "process:$name" nofile ">= $above")"
	assert_exit 3
	assert_one_error "fs.nr_open is $((above - 1)) and caps it"
	[[ $(limits "$pid") == 100:4096 ]]
	stop_process "$pid"
	share_temp
	AS_USER=(setpriv --reuid 65534 --regid 65534 --clear-groups)
	serve 100:4096
	without_sys_resource --netns "$ns" apply "$(profile "process:$name" nofile '>= 2000')"
	assert_exit 3
	assert_one_error 'belongs to another user'
	[[ $(limits "$pid") == 100:4096 ]]
	runup status
	assert_exit 0
}

@test "drift is left and named, --force returns it; a process that ended is gone" {
	serve 100:4096
	p=$(profile "process:$name" nofile '>= 2000')
	apply "$p"
	prlimit --pid "$pid" --nofile=700:4096
	runup status
	assert_exit 1
	assert_out "^drifted +pid:$pid/nofile"
	runup rollback
	assert_exit 1
	[[ $(limits "$pid") == 700:4096 ]]
	runup rollback --force "$id"
	assert_exit 0
	[[ $(limits "$pid") == 100:4096 ]]
	apply "$p"
	stop_process "$pid"
	runup rollback -o json
	assert_exit 0
	assert_json_is 'd["changesets"][0]["changes"][0]["result"]' gone
}

@test "a pid that is another process's by now is gone, and that one is left alone" {
	need_command unshare
	p=$(profile "process:$name" nofile '>= 2000')
	cat >"$BATS_TEST_TMPDIR/inside" <<-'SH'
		run=$1 program=$2 profile=$3 out=$4
		[ -w /proc/sys/kernel/ns_last_pid ] || exit 77
		prlimit --nofile=100:4096 "$program" 300 &
		pid=$!
		sleep 0.3
		"$run" apply "$profile" || exit 1
		kill -KILL $pid
		wait $pid 2>/dev/null
		for try in $(seq 50); do
			echo $((pid - 1)) >/proc/sys/kernel/ns_last_pid
			prlimit --nofile=2000:4096 "$program" 300 &
			[ $! -eq $pid ] && break
			kill -KILL $!
		done
		[ $! -eq $pid ] || exit 2
		sleep 0.3
		"$run" rollback >"$out" || exit 3
		prlimit --pid $pid --nofile --noheadings --output SOFT >>"$out"
		kill -KILL $pid
	SH
	run_command ip netns exec "$ns" unshare --pid --fork --mount-proc --kill-child \
		sh "$BATS_TEST_TMPDIR/inside" "$RUNUP" "$BATS_TEST_TMPDIR/$name" "$p" "$BATS_TEST_TMPDIR/out"
	[[ $status -ne 77 ]] || skip 'not possible here: ns_last_pid cannot be written'
	assert_exit 0
	grep -E '^gone +pid:[0-9]+/nofile' "$BATS_TEST_TMPDIR/out"
	grep -q 'belongs to another' "$BATS_TEST_TMPDIR/out"
	[[ $(tail -n1 "$BATS_TEST_TMPDIR/out" | tr -d ' ') == 2000 ]]
}

@test "stacked changesets, the first one rolled back first" {
	serve 100:4096
	apply "$(profile "process:$name" nofile '>= 1000')"
	first=$id
	apply "$(profile "process:$name" nofile '>= 2000')"
	runup rollback "$first"
	assert_exit 0
	[[ $(limits "$pid") == 2000:4096 ]]
	runup rollback
	assert_exit 0
	[[ $(limits "$pid") == 100:4096 ]]
}

@test "killed before, between and behind the writes: rollback returns every one" {
	need_command strace
	serve 100:4096
	first=$pid
	serve 200:4096
	p=$(profile "process:$name" nofile '>= 2000')
	# Reading for the permission is a call for each process; then come the writes.
	for when in 3 4; do
		run_command strace -f -o "$BATS_TEST_TMPDIR/trace" \
			-e "inject=prlimit64:signal=KILL:when=$when" "$RUNUP" --netns "$ns" apply "$p"
		[[ $status -eq 137 ]] || show "not killed at call $when"
		runup rollback
		assert_exit 0
		[[ $(limits "$first") == 100:4096 && $(limits "$pid") == 200:4096 ]]
	done
}

limits_are() { # PID LIMITS
	[[ $(limits "$1") == "$2" ]]
}

@test "--for: the guardian puts it back" {
	serve 100:4096
	apply "$(profile "process:$name" nofile '>= 2000')" --for 2s
	assert_json_is 'd["changes"][0]["after"]' '2000 4096'
	wait_until 20 limits_are "$pid" 100:4096
	runup status
	assert_exit 0
}

@test "a unit where systemd does not run: an error that says so, missing where the line is optional" {
	[[ ! -d /run/systemd/system ]] || skip 'not possible here: systemd runs'
	runup --netns "$ns" apply "$(profile unit:nginx nofile '>= 2000')"
	assert_exit 3
	assert_one_error "limits of unit 'nginx.service': systemd does not run on this host"
	apply "$(profile unit:nginx -nofile '>= 2000')"
	assert_json_is 'd["changes"][0]["result"]' missing
}

@test "the command's own limits are none of the host's; run gives it nproc too" {
	p=$(
		make_profile p <<-'INI'
			[rlimit]
			nofile = >= 300
			nproc = >= 200
		INI
	)
	runup --netns "$ns" apply "$p"
	assert_exit 0
	assert_out 'nothing to write'
	run_command bash -c "ulimit -Sn 100 -Su 100; exec '$RUNUP' run -p '$p' --skip all --port 9 \
		-- sh -c 'ulimit -Sn; cat /proc/self/limits'"
	assert_exit 0
	assert_out '^300$'
	assert_out '^Max processes +200 '
}

@test "check judges the section by the smallest limit of a live process" {
	serve 100:4096
	p=$(profile "process:$name" nofile '>= 2000')
	runup --netns "$ns" check -p "$p" --only limits.nofile -o json
	assert_exit 1
	assert_json_is "one(d['findings'], subject='process:$name/nofile')['observed']" '100 in force'
	assert_json_is "one(d['findings'], subject='process:$name/nofile')['process']['pid']" "$pid"
	apply "$p"
	runup --netns "$ns" check -p "$p" --only limits.nofile
	assert_exit 0
	stop_process "$pid"
	runup --netns "$ns" check -p "$p" --only limits.nofile
	assert_exit 3
	assert_out 'no such process runs here'
}

@test "a process that ends between the plan and its write is gone, the others get theirs" {
	need_command strace
	for call in fsync prlimit64; do
		serve 100:4096
		ended=$pid
		serve 200:4096
		p=$(profile "process:$name" nofile '>= 2000')
		# Before the journal is written, and between the journal and the writes.
		[[ $call == fsync ]] && inject='inject=fsync:delay_exit=2s:when=1' ||
			inject='inject=prlimit64:delay_exit=2s:when=2'
		local environment
		mapfile -t environment < <(runup_environment)
		start_background "apply-$call" env -i "${environment[@]}" strace -o "$BATS_TEST_TMPDIR/trace" \
			-e trace=fsync,prlimit64 -e "$inject" "$RUNUP" --netns "$ns" apply "$p" -o json
		applying=$background_pid
		[[ $call == fsync ]] && seen=1 || seen=2
		wait_until 10 eval "[[ \$(grep -c '^$call' '$BATS_TEST_TMPDIR/trace') -ge $seen ]]"
		stop_process "$ended"
		wait "$applying"
		[[ $(limits "$pid") == 2000:4096 ]]
		runup rollback
		assert_exit 0
		[[ $(limits "$pid") == 200:4096 ]]
		stop_process "$pid"
	done
}
