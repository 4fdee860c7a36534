#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# What apply and rollback may do while they write, and whom they do not serve.

load ../lib/runup
load ../lib/netns

setup() {
	need_root
	need_command ip strace setpriv
	ns=$(netns_make)
	netns_exec "$ns" sysctl -qw net.core.somaxconn=128 net.ipv4.tcp_tw_reuse=2
	state=$BATS_TEST_TMPDIR/state
	profile=$(make_profile p <<<$'[sysctl]\nnet.ipv4.tcp_tw_reuse = 1')
}

teardown() {
	[[ -z ${held-} ]] || kill -KILL "$held" 2>/dev/null || true
	runup_teardown
}

value() { # KEY
	netns_exec "$ns" sysctl -n "$1"
}

# Starts a command that stops itself with its first write to a sysctl; sets $held to its pid.
hold_at_first_write() { # COMMAND…
	local environment
	mapfile -t environment < <(runup_environment)
	start_background strace env -i "${environment[@]}" strace -qq -o "$BATS_TEST_TMPDIR/trace" \
		-P /proc/sys/net/ipv4/tcp_tw_reuse -e trace=write -e inject=write:signal=STOP:when=1 "$@"
	wait_until 10 is_held
}

is_held() {
	held=$(pgrep -P "$background_pid" -x runup) && [[ $(process_state "$held") =~ [tT] ]] &&
		grep -q 'write.*stopped\|SIGSTOP' "$BATS_TEST_TMPDIR/trace"
}

let_go() {
	kill -CONT "$held"
	wait "$background_pid"
	held=
}

capabilities() { # SET…: the distinct values of these sets of $held
	local set
	for set; do
		awk -v s="$set:" '$1 == s { print $2 }' "/proc/$held/status"
	done | sort -u
}

net_admin=0000000000001000

@test "apply writes with CAP_NET_ADMIN alone, and can get no other" {
	hold_at_first_write "$RUNUP" --netns "$ns" apply "$profile"
	[[ $(capabilities CapPrm CapEff CapBnd) == "$net_admin" ]]
	[[ $(capabilities CapInh CapAmb) == 0000000000000000 ]]
	[[ $(awk '/^NoNewPrivs:/ { print $2 }' "/proc/$held/status") -eq 1 ]]
	let_go
	[[ $(value net.ipv4.tcp_tw_reuse) -eq 1 ]]
}

@test "rollback in its own namespace writes with CAP_NET_ADMIN alone" {
	runup --netns "$ns" apply "$profile"
	assert_exit 0
	hold_at_first_write "$RUNUP" --netns "$ns" rollback
	[[ $(capabilities CapPrm CapEff CapBnd) == "$net_admin" ]]
	let_go
	[[ $(value net.ipv4.tcp_tw_reuse) -eq 2 ]]
}

@test "rollback from another namespace keeps what finding it takes, and no more" {
	runup --netns "$ns" apply "$profile"
	assert_exit 0
	hold_at_first_write "$RUNUP" rollback
	# SYS_ADMIN 21, SYS_PTRACE 19, NET_ADMIN 12, DAC_READ_SEARCH 2
	[[ $(capabilities CapPrm CapEff CapBnd) == 0000000000281004 ]]
	let_go
	[[ $(value net.ipv4.tcp_tw_reuse) -eq 2 ]]
}

@test "with CAP_NET_ADMIN alone root can write every sysctl of a namespace that it can write at all" {
	# The kernel's side of what the knob names: each value is written back as it is.
	cat >"$BATS_TEST_TMPDIR/write-back" <<-'SH'
		find /proc/sys/net -type f -perm -u+rw ! -name '*flush*' ! -name stable_secret | sort |
		while read -r f; do
			value=$(cat "$f" 2>/dev/null) && [[ -n $value ]] || continue
			echo "$value" 2>/dev/null >"$f" && echo "$f"
		done
	SH
	netns_exec "$ns" bash "$BATS_TEST_TMPDIR/write-back" >"$BATS_TEST_TMPDIR/all"
	netns_exec "$ns" setpriv --inh-caps -all,+net_admin --bounding-set -all,+net_admin \
		bash "$BATS_TEST_TMPDIR/write-back" >"$BATS_TEST_TMPDIR/few"
	[[ $(wc -l <"$BATS_TEST_TMPDIR/all") -gt 100 ]]
	diff "$BATS_TEST_TMPDIR/all" "$BATS_TEST_TMPDIR/few"
}

@test "set-user-ID and set-group-ID are refused, whoever calls" {
	share_temp
	mkdir "$BATS_TEST_TMPDIR/suid"
	! findmnt -no OPTIONS -T "$BATS_TEST_TMPDIR" | grep -qw nosuid ||
		skip 'not possible here: the temporary folder is mounted nosuid'
	for mode in 4755 2755 6755; do
		install -o root -g root -m "$mode" "$RUNUP" "$BATS_TEST_TMPDIR/suid/runup"
		run_command setpriv --reuid 65534 --regid 65534 --clear-groups \
			"$BATS_TEST_TMPDIR/suid/runup" apply "$profile"
		assert_exit 3
		assert_one_error 'set-user-ID or set-group-ID'
		run_command setpriv --reuid 65534 --regid 65534 --clear-groups \
			"$BATS_TEST_TMPDIR/suid/runup" check
		assert_exit 3
	done
	[[ ! -e $state ]]
	# A bit that gives the caller nothing new is harmless.
	install -o root -g root -m 4755 "$RUNUP" "$BATS_TEST_TMPDIR/suid/runup"
	run_command "$BATS_TEST_TMPDIR/suid/runup" --netns "$ns" apply "$profile"
	assert_exit 0
}

@test "a profile that others can write, or a folder above it, is refused" {
	chmod 0666 "$profile"
	runup --netns "$ns" apply "$profile"
	assert_exit 2
	assert_one_error "$profile.*writ"
	chmod 0644 "$profile"
	mkdir "$BATS_TEST_TMPDIR/open"
	cp "$profile" "$BATS_TEST_TMPDIR/open/p.ini"
	chmod 0777 "$BATS_TEST_TMPDIR/open"
	runup --netns "$ns" apply "$BATS_TEST_TMPDIR/open/p.ini"
	assert_exit 2
	chmod 0755 "$BATS_TEST_TMPDIR/open"
	chown 65534 "$BATS_TEST_TMPDIR/open/p.ini"
	runup --netns "$ns" apply "$BATS_TEST_TMPDIR/open/p.ini"
	assert_exit 2
	[[ $(value net.ipv4.tcp_tw_reuse) -eq 2 && ! -e $state ]]
}
