#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# A disk that is full, read-only or broken: apply changes nothing, and says why.

load ../lib/runup
load ../lib/netns

setup() {
	need_root
	need_command ip nsenter strace
	ns=$(netns_make)
	values >"$BATS_TEST_TMPDIR/start"
	state=$BATS_TEST_TMPDIR/state
	profile=$BATS_TEST_DIRNAME/three.ini
}

values() {
	nsenter --net="/run/netns/$ns" grep -H . /proc/sys/net/core/somaxconn /proc/sys/net/ipv4/tcp_tw_reuse \
		/proc/sys/net/ipv4/ip_local_reserved_ports || true
}

as_at_start() {
	values | diff "$BATS_TEST_TMPDIR/start" -
}

# runup where STATE is a tmpfs with these mount options, after a command that prepares it.
on_tmpfs() { # OPTIONS PREPARE ARGS…
	local options=$1 prepare=$2
	shift 2
	mkdir -p "$state"
	# shellcheck disable=SC2016 # the inner shell's
	run_command unshare -m bash -c '
		set -e
		state=$1 options=$2 prepare=$3
		shift 3
		mount -t tmpfs -o "$options" none "$state"
		chmod 0700 "$state"
		cd "$state"
		eval "$prepare"
		cd /
		exec "$@"
	' - "$state" "$options" "$prepare" "$RUNUP" --netns "$ns" "$@"
}

@test "no inode is left, at each of the three things that are made" {
	for inodes in 1 2 3; do # the folder itself is the first
		on_tmpfs "nr_inodes=$inodes" : apply "$profile"
		assert_exit 3
		assert_one_error 'No space left on device'
		assert_out 'not applied: nothing was written'
		as_at_start
	done
	on_tmpfs nr_inodes=4 : apply "$profile"
	assert_exit 0
}

@test "no block is left: for none of the journal, for some, for all but its planned record" {
	# A value of nearly a page, three times in its record: the journal takes three pages, and its
	# last record is in the third.
	ip netns exec "$ns" bash -c 'seq -s , 10000 2 11300 >/proc/sys/net/ipv4/ip_local_reserved_ports'
	values >"$BATS_TEST_TMPDIR/start"
	for free in 0 1 2; do
		on_tmpfs size=64k "mkdir -m 700 changesets; : >lock; head -c 64k /dev/zero >fill || :
			truncate -s $((64 - 4 * free))k fill" apply "$profile"
		assert_exit 3
		assert_one_error 'write journal .*nothing was changed.*No space left on device'
		assert_out 'not applied: nothing was written'
		as_at_start
	done
	on_tmpfs size=64k "mkdir -m 700 changesets; : >lock; head -c 36k /dev/zero >fill" apply "$profile"
	assert_exit 0
}

@test "a read-only disk, with and without a state folder" {
	on_tmpfs mode=0700 'mount -o remount,ro "$state"' apply "$profile"
	assert_exit 3
	assert_one_error 'Read-only file system'
	on_tmpfs mode=0700 'mkdir -m 700 changesets; : >lock; mount -o remount,ro "$state"' apply "$profile"
	assert_exit 3
	assert_one_error 'Read-only file system'
	as_at_start
}

# The system calls of a run behind those of the loader: NAME FIRST LAST. A close that fails has
# closed all the same (close(2)), and what the allocator asks for is not the disk's.
calls_of() { # ARGS…
	strace -qq -o "$BATS_TEST_TMPDIR/calls" "$@" >/dev/null
	awk '
		{ name = $0; sub(/\(.*/, "", name); count[name]++ }
		/F_GETFD/ { main = 1 }
		main && !(name in first) { first[name] = count[name] }
		END { for (name in first) print name, first[name], count[name] }
	' "$BATS_TEST_TMPDIR/calls" | grep -vE '^(brk|mmap|munmap|close|exit_group|\+)'
}

# Lets the Nth of each kind of call fail with EIO, and calls after_each CALL N.
each_call_fails() { # CALLS ARGS…
	local calls=$1 call n first last environment
	shift
	mapfile -t environment < <(runup_environment)
	while read -r call first last; do
		for ((n = first; n <= last; n++)); do
			before_each
			status=0
			env -i "${environment[@]}" strace -qq -o /dev/null -e trace="$call" \
				-e inject="$call:error=EIO:when=$n" "$@" \
				>"$BATS_TEST_TMPDIR/stdout" 2>"$BATS_TEST_TMPDIR/stderr" </dev/null 3>&- || status=$?
			runup_command="$call number $n fails: $*"
			after_each || return 1
			tried=$((tried + 1))
		done
	done <<<"$calls"
}

@test "EIO from every system call of an apply: all of it is done, or nothing" {
	local environment
	mapfile -t environment < <(runup_environment)
	calls=$(calls_of env -i "${environment[@]}" "$RUNUP" --netns "$ns" apply "$profile")
	values >"$BATS_TEST_TMPDIR/applied"
	runup rollback
	as_at_start
	rm -rf "$state"
	grep -q '^fsync ' <<<"$calls"
	before_each() { :; }
	after_each() {
		if [[ $status -eq 0 ]] || grep -q 'standard output' "$BATS_TEST_TMPDIR/stderr"; then
			values | diff "$BATS_TEST_TMPDIR/applied" - || show 'not all of it is done' || return 1
		else
			[[ $status -eq 3 || $status -eq 2 ]] || show 'wrong status' || return 1
			[[ -s $BATS_TEST_TMPDIR/stderr ]] || show 'says nothing' || return 1
			as_at_start || show 'something was changed' || return 1
			refute_out 'written as changeset' || return 1
		fi
		runup rollback --all
		assert_exit 0 && as_at_start && rm -rf "$state"
	}
	tried=0
	each_call_fails "$calls" "$RUNUP" --netns "$ns" apply "$profile"
	[[ $tried -ge 100 ]]
}

@test "EIO from every system call of a rollback: the next one ends at the start" {
	local environment
	mapfile -t environment < <(runup_environment)
	runup --netns "$ns" apply "$profile"
	calls=$(calls_of env -i "${environment[@]}" "$RUNUP" rollback)
	as_at_start
	before_each() {
		rm -rf "$state"
		runup --netns "$ns" apply "$profile"
		assert_exit 0
	}
	after_each() {
		if [[ $status -eq 0 ]]; then
			as_at_start || show 'exit 0, but not as at the start' || return 1
		else
			[[ $status -eq 3 ]] || show 'wrong status' || return 1
		fi
		runup rollback
		assert_exit 0 && as_at_start || show 'not as at the start'
	}
	tried=0
	each_call_fails "$calls" "$RUNUP" rollback
	[[ $tried -ge 100 ]]
}

@test "fifty applies and fifty rollbacks at once: they queue, none fails, the end is the start" {
	local environment pids=() pid
	mapfile -t environment < <(runup_environment)
	runup --netns "$ns" apply "$profile" # makes the state folder, which the rollbacks look for
	for ((i = 1; i <= 50; i++)); do
		sed "s/20000/$((20000 + i))/" "$profile" >"$BATS_TEST_TMPDIR/$i.ini"
		env -i "${environment[@]}" "$RUNUP" --netns "$ns" apply "$BATS_TEST_TMPDIR/$i.ini" \
			>"$BATS_TEST_TMPDIR/apply.$i" 2>&1 </dev/null 3>&- &
		pids+=($!)
		env -i "${environment[@]}" "$RUNUP" rollback \
			>"$BATS_TEST_TMPDIR/rollback.$i" 2>&1 </dev/null 3>&- &
		pids+=($!)
	done
	for pid in "${pids[@]}"; do
		wait "$pid" || {
			echo "one of them failed:"
			grep -H . "$BATS_TEST_TMPDIR"/apply.* "$BATS_TEST_TMPDIR"/rollback.*
			return 1
		}
	done
	runup rollback --all
	assert_exit 0
	as_at_start
	runup status
	assert_exit 0
}

syncs() { # ARGS…: how often a run asks for the disk
	strace -qq -f -o "$BATS_TEST_TMPDIR/syncs" -e trace=fsync,fdatasync,sync,syncfs,sync_file_range "$@" >/dev/null
	grep -c . "$BATS_TEST_TMPDIR/syncs"
}

@test "thirty settings cost four fsyncs in a new state folder, and two in one that is there" {
	local environment
	mapfile -t environment < <(runup_environment)
	thirty=$BATS_TEST_DIRNAME/thirty.ini
	[[ $(syncs env -i "${environment[@]}" "$RUNUP" --netns "$ns" apply "$thirty") -le 4 ]]
	[[ $(grep -c '"type":"done"' "$state"/changesets/*.journal) -eq 30 ]]
	runup rollback
	assert_exit 0
	[[ $(syncs env -i "${environment[@]}" "$RUNUP" --netns "$ns" apply "$thirty") -le 2 ]]
	# A second apply has nothing to say.
	run syncs env -i "${environment[@]}" "$RUNUP" --netns "$ns" apply "$thirty"
	[[ $output == 0 ]]
}
