#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# apply, status and rollback of a namespace's sysctls, and their journal.

load ../lib/runup
load ../lib/netns

setup() {
	need_root
	need_command ip
	ns=$(netns_make)
	netns_exec "$ns" sysctl -qw net.core.somaxconn=128 net.ipv4.tcp_tw_reuse=2
	netns_sysctls "$ns" >"$BATS_TEST_TMPDIR/before"
	state=$BATS_TEST_TMPDIR/state
}

value() { # KEY
	netns_exec "$ns" sysctl -n "$1" | tr '\t' ' '
}

assert_as_before() {
	netns_sysctls "$ns" >"$BATS_TEST_TMPDIR/after"
	diff "$BATS_TEST_TMPDIR/before" "$BATS_TEST_TMPDIR/after"
}

apply() { # PROFILE LOAD…: sets $id
	runup --netns "$ns" apply "$@" -o json
	assert_exit 0
	assert_json apply
	id=$(json_get 'd["changeset"]')
}

@test "apply, status, rollback: every sysctl of the namespace is as found" {
	apply server --connections 3000
	[[ $(value net.core.somaxconn) -eq 4096 ]]
	[[ $(value net.ipv4.tcp_slow_start_after_idle) -eq 0 ]]
	assert_json_is 'one(d["changes"], key="net.core.somaxconn")["result"]' written
	assert_json_is 'one(d["changes"], key="net.ipv4.tcp_syncookies")["result"]' satisfied
	runup --netns "$ns" status -o json
	assert_exit 0
	assert_json status
	assert_json_is 'd["changesets"][0]["state"]' open
	assert_json_is 'one(d["changesets"][0]["changes"], key="net.core.somaxconn")["result"]' in_force
	runup rollback -o json
	assert_exit 0
	assert_json rollback
	assert_json_is 'd["changesets"][0]["state"]' closed
	assert_as_before
	runup rollback
	assert_exit 0
	assert_out 'nothing to roll back'
	runup status
	assert_exit 0
	assert_out 'nothing is applied'
}

@test "where a changeset is, though no --netns said it" {
	run_command ip netns exec "$ns" "$RUNUP" apply server --connections 3000
	assert_exit 0
	runup status
	assert_out '^2[-0-9]+ +open, .*, in another network namespace$'
	run_command ip netns exec "$ns" "$RUNUP" status
	refute_out 'in another network namespace'
	runup rollback
	assert_exit 0
	assert_out '^changeset .*\(server\), in another network namespace$'
	assert_as_before
}

@test "a second apply finds nothing to do and makes no changeset" {
	apply generator --connections 100
	apply generator --connections 100
	[[ $id == null ]]
	assert_json_is '[c["key"] for c in d["changes"] if c["result"] not in ("satisfied", "missing")]' '[]'
	[[ $(find "$state/changesets" -name '*.journal' | wc -l) -eq 1 ]]
}

@test ">= never lowers, covers widens, the kernel's tabs do not matter" {
	netns_exec "$ns" sysctl -qw net.core.somaxconn=50000 net.ipv4.ip_local_port_range='2000 65000'
	p=$(make_profile p <<-'INI'
		[sysctl]
		net.core.somaxconn = >= 1000
		net.ipv4.tcp_rmem = >= 0x1000 131072 33554432
		net.ipv4.ip_local_port_range = covers 9001 65101
	INI
	)
	apply "$p"
	[[ $(value net.core.somaxconn) -eq 50000 ]]
	[[ $(value net.ipv4.ip_local_port_range) == '2000 65101' ]]
	apply "$p"
	[[ $id == null ]]
}

@test "--dry-run writes neither the host nor a journal" {
	runup --netns "$ns" apply server --connections 3000 --dry-run -o json
	assert_exit 0
	assert_json apply
	assert_json_is 'one(d["changes"], key="net.core.somaxconn")["result"]' planned
	assert_json_is 'd["changeset"]' null
	assert_as_before
	[[ ! -e $state ]]
	apply server --connections 3000
	runup rollback --dry-run -o json
	assert_json_is 'd["changesets"][0]["dry_run"]' true
	[[ $(value net.core.somaxconn) -eq 4096 ]]
	runup rollback
	assert_exit 0
	assert_as_before
}

@test "drift is left alone and named, exit 1; --force restores it" {
	apply server --connections 3000
	netns_exec "$ns" sysctl -qw net.core.somaxconn=5000
	runup status
	assert_exit 1
	assert_out '^drifted +net.core.somaxconn'
	runup rollback -o json
	assert_exit 1
	assert_json_is 'one(d["changesets"][0]["changes"], key="net.core.somaxconn")["result"]' drifted
	assert_json_is 'one(d["changesets"][0]["changes"], key="net.ipv4.tcp_slow_start_after_idle")["result"]' restored
	[[ $(value net.core.somaxconn) -eq 5000 ]]

	netns_exec "$ns" sysctl -qw net.core.somaxconn=128
	apply server --connections 3000
	netns_exec "$ns" sysctl -qw net.core.somaxconn=5000
	runup rollback --force
	assert_exit 0
	assert_as_before
}

@test "two changesets unwind in either order" {
	p=$(make_profile b <<-'INI'
		[sysctl]
		net.core.somaxconn = >= 8000
	INI
	)
	apply server --connections 3000
	a=$id
	apply "$p"
	b=$id
	runup rollback "$a"
	assert_exit 0
	[[ $(value net.core.somaxconn) -eq 8000 ]]
	runup rollback "$b"
	assert_exit 0
	assert_as_before

	apply server --connections 3000
	apply "$p"
	runup rollback --all
	assert_exit 0
	assert_as_before
}

@test "when one setting is refused, those before it are put back" {
	p=$(make_profile p <<-'INI'
		[sysctl]
		net.core.somaxconn = >= 9000
		net.ipv4.ip_local_port_range = covers 80 65535
		net.ipv4.tcp_tw_reuse = 1
	INI
	)
	runup --netns "$ns" apply "$p"
	assert_exit 3
	assert_one_error 'net.ipv4.ip_local_port_range'
	assert_as_before
	runup status
	assert_exit 0
}

@test "a key of the host is not written from a namespace" {
	before=$(sysctl -n vm.swappiness)
	p=$(make_profile p <<-'INI'
		[sysctl]
		net.core.somaxconn = >= 9000
		vm.swappiness = 1
	INI
	)
	runup --netns "$ns" apply "$p"
	assert_exit 3
	assert_one_error "vm.swappiness.*(belongs to the host|host)"
	assert_as_before
	[[ $(sysctl -n vm.swappiness) -eq $before ]]
}

@test "a key that is not there is an error, unless the profile says it may be missing" {
	p=$(make_profile p <<-'INI'
		[sysctl]
		net.ipv4.no_such_key = 1
	INI
	)
	runup --netns "$ns" apply "$p"
	assert_exit 3
	assert_one_error "net.ipv4.no_such_key"
	p=$(make_profile q <<-'INI'
		[sysctl]
		-net.ipv4.no_such_key = 1
	INI
	)
	runup --netns "$ns" apply "$p" -o json
	assert_exit 0
	assert_json_is 'd["changes"][0]["result"]' missing
}

@test "bad input: exit 2, one error, host untouched, no journal" {
	runup --netns "$ns" apply
	assert_exit 2
	assert_one_error 'apply needs a PROFILE'
	runup --netns "$ns" apply nope
	assert_exit 2
	p=$(make_profile p <<<$'[sysctl]\nnet.core.somaxconn = >= many')
	runup --netns "$ns" apply "$p"
	assert_exit 2
	assert_one_error 'p.ini:2: '
	p=$(make_profile q <<<$'[sysctl]\nnet.core.somaxconn = >= auto')
	runup --netns "$ns" apply "$p"
	assert_exit 2
	assert_one_error 'q.ini:2: .*state --connections or --burst'
	runup rollback ../../etc/passwd
	assert_exit 2
	runup rollback 20200101-000000-0001
	assert_exit 2
	assert_as_before
	[[ ! -e $state ]] || [[ -z $(find "$state" -name '*.journal') ]]
}

@test "the journal is private, and holds what was there before anything was written" {
	umask 000
	apply "$RUNUP_SOURCE/profiles/server.ini" --connections 3000
	[[ $(stat -c %a "$state/changesets") == 700 ]]
	[[ $(stat -c %a "$state/changesets/$id.journal") == 600 ]]
	grep -q '"before":"128"' "$state/changesets/$id.journal"
	runup rollback
	assert_exit 0
}

@test "a journal cut before the plan was whole: nothing was written, nothing is" {
	apply server --connections 3000
	journal=$state/changesets/$id.journal
	sed -i '/"type":"planned"/,$d' "$journal"
	runup rollback "$id"
	assert_exit 0
	[[ $(value net.core.somaxconn) -eq 4096 ]]
}

@test "an altered line is named, and what it said is not written" {
	apply server --connections 3000
	journal=$state/changesets/$id.journal
	line=$(grep -n '"key":"net.core.somaxconn"' "$journal" | head -1 | cut -d: -f1)
	sed -i "${line}s/\"before\":\"128\"/\"before\":\"129\"/" "$journal"
	runup rollback -o json
	assert_exit 3
	assert_json_is 'd["changesets"][0]["bad_lines"][0]["line"]' "$line"
	[[ $(value net.core.somaxconn) -eq 4096 ]]
	[[ $(value net.ipv4.tcp_slow_start_after_idle) -eq 1 ]]
	runup status
	assert_exit 3
	assert_out "line $line of its journal is not believed"
}

@test "what a damaged line leaves is closed by --force, and does not stand in the way of others" {
	apply server --connections 3000
	first=$id
	p=$(make_profile other <<<$'[sysctl]\nnet.ipv4.tcp_tw_reuse = 1')
	apply "$p"
	second=$id
	sed -i '2s/"before":"2"/"before":"0"/' "$state/changesets/$second.journal"
	runup rollback
	assert_exit 3
	assert_out "net.core.somaxconn: 4096 -> 128"
	[[ $(value net.ipv4.tcp_tw_reuse) -eq 1 ]]
	runup rollback --force "$second"
	assert_exit 3
	[[ $(value net.ipv4.tcp_tw_reuse) -eq 1 ]]
	runup rollback
	assert_exit 0
	assert_out 'nothing to roll back'
	runup status
	assert_exit 0
	runup status -v
	assert_out "^$first +closed"
}

@test "an apply that failed does not say that all is well" {
	RUNUP_STATE_DIR=/proc/runup
	runup --netns "$ns" apply server --connections 3000
	assert_exit 3
	assert_out 'not applied: nothing was written'
	refute_out 'satisfies the profile'
	runup --netns "$ns" apply server --connections 3000 -o json
	assert_exit 3
	assert_json apply
	assert_json_is 'd["error"] is not None' true
	assert_as_before
}

@test "a file size limit fails the journal and does not kill between two writes" {
	run_command bash -c 'ulimit -f 1; exec "$@"' - "$RUNUP" --netns "$ns" apply server --connections 3000
	[[ $status -ne 153 && $status -ne 137 ]] || show 'killed'
	runup rollback --all
	assert_exit 0
	assert_as_before
}

@test "numbers that the kernel cannot take are refused where they are written" {
	for line in 'net.core.somaxconn = 1 2' 'net.core.somaxconn = -5' 'net.core.somaxconn = 99999999999' \
		'net.ipv4.ip_local_port_range = 0 99999' 'net.ipv4.tcp_rmem = >= 1 200000' \
		'net.ipv4.tcp_rmem = >= 1 2 3 4' 'net.ipv4.tcp_tw_reuse = 7' 'net./.core.somaxconn = 5'; do
		p=$(make_profile bad <<<"[sysctl]"$'\n'"$line")
		runup --netns "$ns" apply "$p"
		assert_exit 2
		assert_one_error 'bad.ini:2: '
	done
	assert_as_before
}

@test "an altered header: nothing is touched at all" {
	apply server --connections 3000
	sed -i '1s/server/serverx/' "$state/changesets/$id.journal"
	runup rollback "$id"
	assert_exit 3
	assert_one_error 'line 1 of its journal is not believed'
	[[ $(value net.core.somaxconn) -eq 4096 ]]
	runup rollback
	assert_exit 3
	assert_out 'line 1 of its journal is not believed'
	refute_out 'nothing to roll back'
}

@test "killed between a write and its record: rollback ends at the start" {
	need_command strace
	local environment
	mapfile -t environment < <(runup_environment)
	# The fourth write(2) to a sysctl or to the journal behind the plan: killed at several places.
	for n in 3 4 5 6 7 8; do
		env -i "${environment[@]}" strace -qq -f -o /dev/null -e trace=write \
			-e inject=write:signal=KILL:when="$n" \
			"$RUNUP" --netns "$ns" apply server --connections 3000 >/dev/null 2>&1 || true
		runup rollback --all
		assert_exit 0
		assert_as_before
	done
}

@test "no space for the journal: nothing is changed, exit 3" {
	mkdir "$BATS_TEST_TMPDIR/small"
	unshare -m bash -c '
		mount -t tmpfs -o size=4k,nr_inodes=3 none "$1/small"
		RUNUP_STATE_DIR=$1/small RUNUP_PROFILE_DIR=$2 "$3" --netns "$4" apply server --connections 3000
	' - "$BATS_TEST_TMPDIR" "$RUNUP_SOURCE/profiles" "$RUNUP" "$ns" && status=0 || status=$?
	assert_exit 3
	assert_as_before
}

@test "several applies and rollbacks at once queue, and the end is the start" {
	local environment pids=()
	mapfile -t environment < <(runup_environment)
	for i in 1 2 3 4 5 6 7 8; do
		env -i "${environment[@]}" "$RUNUP" --netns "$ns" apply server --connections $((1000 * i)) >/dev/null 2>&1 &
		pids+=($!)
		env -i "${environment[@]}" "$RUNUP" rollback >/dev/null 2>&1 &
		pids+=($!)
	done
	wait "${pids[@]}"
	runup rollback --all
	assert_exit 0
	assert_as_before
}

@test "a namespace that is gone: nothing to write, exit 0" {
	other=$(netns_make)
	netns_exec "$other" sysctl -qw net.core.somaxconn=128
	runup --netns "$other" apply server --connections 3000 -o json
	assert_exit 0
	ip netns del "$other"
	runup rollback -o json
	assert_exit 0
	assert_json_is 'sorted({c["result"] for c in d["changesets"][0]["changes"]})' '["gone"]'
	assert_as_before
}

@test "an apply at the host's defaults is undone in its own namespace, whichever runup is in" {
	apply server --connections 3000
	other=$(netns_make)
	netns_sysctls "$other" >"$BATS_TEST_TMPDIR/other-before"
	run_command ip netns exec "$other" "$RUNUP" rollback
	assert_exit 0
	assert_as_before
	netns_sysctls "$other" | diff "$BATS_TEST_TMPDIR/other-before" -
}

@test "without privileges: an error that says what to do" {
	need_command setpriv
	share_temp
	run_command setpriv --reuid 65534 --regid 65534 --clear-groups --bounding-set -all \
		--inh-caps -all ip netns exec "$ns" true
	run_command setpriv --reuid 65534 --regid 65534 --clear-groups --bounding-set -all \
		--inh-caps -all "$RUNUP" apply "$RUNUP_SOURCE/profiles/generator.ini" --connections 10
	[[ $status -eq 3 ]] || show 'expected exit 3'
	assert_one_error 'sudo|ermission'
}

# net.ipv4.conf.DEVICE.* go with the device, and its name to the next one.
device_made() { # DEVICE VALUE
	ip -n "$ns" link add "$1" type veth peer name "p$1"
	netns_exec "$ns" sysctl -qw "net.ipv4.conf.${1//.//}.arp_ignore=$2"
}

@test "a sysctl of a device that is gone: nothing is written to the one that took its name" {
	device_made d0 0
	apply "$(make_profile p <<<$'[sysctl]\nnet.ipv4.conf.d0.arp_ignore = 2')"
	ip -n "$ns" link del d0
	# What the stranger has looks like runup's own.
	device_made d0 2
	runup status -o json
	assert_json_is 'd["changesets"][0]["changes"][0]["result"]' gone
	runup rollback -o json
	assert_exit 0
	assert_json_is 'd["changesets"][0]["changes"][0]["result"]' gone
	[[ $(value net.ipv4.conf.d0.arp_ignore) -eq 2 ]]
}

@test "a sysctl of a device with a dot in its name is put back" {
	device_made d0.1 0
	apply "$(make_profile p <<<$'[sysctl]\nnet.ipv4.conf.d0/1.arp_ignore = 2')"
	[[ $(value net.ipv4.conf.d0/1.arp_ignore) -eq 2 ]]
	runup rollback -o json
	assert_exit 0
	assert_json_is 'd["changesets"][0]["changes"][0]["result"]' restored
	[[ $(value net.ipv4.conf.d0/1.arp_ignore) -eq 0 ]]
}

@test "a device that has another name now is named, and stays to be put back" {
	device_made d0 0
	apply "$(make_profile p <<-'INI'
		[sysctl]
		net.ipv4.conf.d0.arp_ignore = 2
		[sysfs]
		/sys/class/net/d0/tx_queue_len = 2222
	INI
	)"
	ip -n "$ns" link set d0 name e0
	runup status
	assert_exit 3
	assert_out "its device is called 'e0' now"
	runup rollback
	assert_exit 3
	assert_out "its device is called 'e0' now"
	assert_out "runup rollback --force"
	[[ $(value net.ipv4.conf.e0.arp_ignore) -eq 2 ]]
	ip -n "$ns" link set e0 name d0
	runup rollback
	assert_exit 0
	[[ $(value net.ipv4.conf.d0.arp_ignore) -eq 0 ]]
	[[ $(ip -n "$ns" link show d0) == *'qlen 1000'* ]]
}

@test "a key whose writing changes others is refused where it would be written" {
	netns_exec "$ns" sysctl -qw net.ipv4.conf.all.accept_redirects=0
	netns_sysctls "$ns" >"$BATS_TEST_TMPDIR/before"
	for line in 'net.ipv4.ip_forward = 1' 'net.ipv6.conf.lo.disable_ipv6 = 1' \
		'net.ipv4.neigh.lo.unres_qlen = 9' 'net.ipv6.conf.all.forwarding = 1'; do
		p=$(make_profile p <<<$'[sysctl]\nnet.core.somaxconn = 500\n'"$line")
		runup --netns "$ns" apply "$p"
		assert_exit 2
		assert_one_error "p.ini:3: set sysctl '${line%% *}': a rollback could not undo all of it: it "
		runup --netns "$ns" apply "$p" --dry-run
		assert_exit 2
		assert_as_before
	done
	# It is so already: there is nothing that would have to be undone.
	apply "$(make_profile p <<<$'[sysctl]\nnet.ipv4.ip_forward = 0')"
	[[ $id == null ]]
}

@test "one of two keys of which only one is in force, refused while it is the other" {
	bytes=$(sysctl -n vm.dirty_bytes) ratio=$(sysctl -n vm.dirty_ratio)
	used=dirty_ratio other=dirty_bytes
	[[ $bytes -eq 0 ]] || used=dirty_bytes other=dirty_ratio
	runup apply "$(make_profile p <<<$'[sysctl]\nvm.'"$other = 104857600")" --dry-run
	assert_exit 3
	assert_one_error "the kernel would set 'vm.$used', now $((bytes + ratio)), to 0"
	runup apply "$(make_profile p <<<$'[sysctl]\nvm.'"$used = $((bytes + ratio + 1))")" --dry-run
	assert_exit 0
	[[ $(sysctl -n vm.dirty_bytes) -eq $bytes && $(sysctl -n vm.dirty_ratio) -eq $ratio ]]
}

@test "what was satisfied before the lock is looked at again behind it" {
	netns_exec "$ns" sysctl -qw net.core.somaxconn=500
	p=$(make_profile p <<<$'[sysctl]\nnet.core.somaxconn = 500\nnet.ipv4.tcp_tw_reuse = 1')
	# So that there is a lock.
	apply "$(make_profile other <<<$'[sysctl]\nnet.ipv4.tcp_fin_timeout = 61')"
	start_background lock "$PYTHON" -c 'import fcntl, sys, time
f = open(sys.argv[1], "r+")
fcntl.lockf(f, fcntl.LOCK_EX)
open(sys.argv[2], "w").close()
time.sleep(60)' "$state/lock" "$BATS_TEST_TMPDIR/locked"
	holder=$background_pid
	wait_until 5 test -e "$BATS_TEST_TMPDIR/locked"
	runup_background waiting --netns "$ns" apply "$p"
	wait_until 10 grep -q 'waiting for it to end' "$BATS_TEST_TMPDIR/waiting.err"
	netns_exec "$ns" sysctl -qw net.core.somaxconn=128
	kill -KILL "$holder"
	wait "$background_pid"
	[[ $(value net.core.somaxconn) -eq 500 ]]
	runup rollback --all
	assert_exit 0
	assert_as_before
}
