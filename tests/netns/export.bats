#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# What `apply --as` prints, carried out in a namespace: the shell script and its undo, the sysctl.d file.

load ../lib/runup
load ../lib/netns

setup() {
	need_root
	need_command ip
	ns=$(netns_make)
	netns_exec "$ns" sysctl -qw net.core.somaxconn=128 net.ipv4.tcp_tw_reuse=2 \
		net.ipv4.ip_local_reserved_ports=9100,9200-9202
	netns_sysctls "$ns" >"$BATS_TEST_TMPDIR/before"
	record=$BATS_TEST_TMPDIR/undo
	shell=(sh)
}

value() { # KEY
	netns_exec "$ns" sysctl -n "$1" | tr '\t' ' '
}

export_as() { # FORMAT PROFILE LOAD…: prints the path
	local format=$1
	shift
	runup apply "$@" --as "$format"
	assert_exit 0
	cp "$BATS_TEST_TMPDIR/stdout" "$BATS_TEST_TMPDIR/tune"
}

tune() { # apply|undo: as `runup` does, so that show() has something to show
	run_command ip netns exec "$ns" "${shell[@]}" "$BATS_TEST_TMPDIR/tune" "$1" "$record"
}

assert_as_before() {
	netns_sysctls "$ns" >"$BATS_TEST_TMPDIR/after"
	diff "$BATS_TEST_TMPDIR/before" "$BATS_TEST_TMPDIR/after"
}

# A profile with every operator and kind of value.
every_kind() {
	make_profile kinds <<-'INI'
		[sysctl]
		net.core.somaxconn = >= 3000
		net.ipv4.tcp_tw_reuse = 1
		net.ipv4.tcp_rmem = >= 4096 200000 99
		net.ipv4.tcp_keepalive_time = <= 0x258
		net.ipv4.ip_local_port_range = covers 1024 40000
		net.ipv4.ip_local_reserved_ports = covers 8080-8082,9201
		net.ipv4.tcp_congestion_control = reno
		-net.ipv4.not_of_this_kernel = 1
		-net.core.netdev_max_backlog = >= 5000
		-net.netfilter.nf_conntrack_max = >= 100000000
	INI
}

@test "a script writes nothing that its undo could not take back" {
	local p
	p=$(make_profile p <<-'INI'
		[sysctl]
		net.ipv4.ip_forward = 1
		net.ipv4.tcp_slow_start_after_idle = 0
	INI
	)
	runup --netns "$ns" apply "$p" --as shell
	assert_exit 0
	assert_out '^# - sysctl net.ipv4.ip_forward \(1\): it sets forwarding of every device'
	run_command ip netns exec "$ns" sh "$BATS_TEST_TMPDIR/stdout" apply "$BATS_TEST_TMPDIR/record"
	[[ $(value net.ipv4.ip_forward) -eq 0 ]]
}

@test "a file for sysctl.d never lowers what the host has that wrote it" {
	local p
	p=$(make_profile p <<-'INI'
		[sysctl]
		net.core.somaxconn = >= 4096
		net.ipv4.ip_local_port_range = covers 30000 50000
		net.ipv4.tcp_slow_start_after_idle = 0
	INI
	)
	netns_exec "$ns" sysctl -qw net.core.somaxconn=50000 net.ipv4.ip_local_port_range='20000 40000'
	runup --netns "$ns" apply "$p" --as sysctl.d
	assert_exit 0
	assert_out '^net.core.somaxconn = 50000$'
	assert_out '^net.ipv4.ip_local_port_range = 20000 50000$'
	assert_out '^net.ipv4.tcp_slow_start_after_idle = 0$'
	netns_exec "$ns" sysctl -qw net.core.somaxconn=128
	runup --netns "$ns" apply "$p" --as sysctl.d
	assert_out '^net.core.somaxconn = 4096$'
}

@test "the script: apply sets what runup apply would, undo puts everything back, in each shell" {
	local high profile words
	high=$(value net.ipv4.tcp_rmem | cut -d' ' -f3)
	profile=$(every_kind)
	export_as shell "$profile"
	for words in dash 'bash --posix' 'busybox sh'; do
		read -ra shell <<<"$words"
		command -v "${shell[0]}" >/dev/null || continue
		tune apply
		assert_exit 0
		refute_err .
		assert_out '^written +/proc/sys/net/core/somaxconn: 128 -> 3000'
		assert_out '^missing +/proc/sys/net/ipv4/not_of_this_kernel'
		[[ $(value net.ipv4.tcp_rmem) == "4096 200000 $high" ]]
		[[ $(value net.ipv4.tcp_keepalive_time) == 600 ]]
		[[ $(value net.ipv4.ip_local_port_range) == '1024 60999' ]]
		[[ $(value net.ipv4.ip_local_reserved_ports) == 8080-8082,9100,9200-9202 ]]
		[[ $(value net.ipv4.tcp_congestion_control) == reno ]]
		# runup finds nothing left to do.
		runup --netns "$ns" apply "$profile" -o json
		assert_exit 0
		assert_json_is 'd["changeset"]' null
		tune undo
		assert_exit 0
		refute_err .
		assert_as_before
		[[ ! -e $record ]]
	done
}

@test "the script: applied twice, it writes once and one undo goes back to the start" {
	export_as shell proxy --connections 3000 --port 8080
	tune apply
	assert_exit 0
	tune apply
	assert_exit 0
	refute_out '^written'
	assert_out '^satisfied +/proc/sys/net/core/somaxconn = 4096'
	tune undo
	assert_exit 0
	assert_as_before
	tune undo
	assert_exit 0
	assert_out '^nothing to undo'
}

@test "the script: never lowers, and then leaves no record" {
	netns_exec "$ns" sysctl -qw net.core.somaxconn=50000 net.ipv4.tcp_slow_start_after_idle=0
	export_as shell server --connections 3000
	tune apply
	assert_exit 0
	refute_out '^written'
	[[ $(value net.core.somaxconn) -eq 50000 ]]
	[[ ! -e $record ]]
}

@test "the script: what somebody else changed since is left alone and named" {
	export_as shell server --connections 3000
	tune apply
	assert_exit 0
	netns_exec "$ns" sysctl -qw net.core.somaxconn=777
	tune undo
	assert_exit 1
	assert_err '^drifted +/proc/sys/net/core/somaxconn: 777, not 4096; left alone'
	[[ $(value net.core.somaxconn) -eq 777 ]]
	[[ $(value net.ipv4.tcp_slow_start_after_idle) -eq 1 ]]
	[[ ! -e $record ]]
}

@test "the script: one that cannot be set puts back those before it" {
	export_as shell "$(make_profile bad <<<$'[sysctl]\nnet.core.somaxconn = 3000\nnet.ipv4.tcp_congestion_control = nosuch')"
	tune apply
	assert_exit 3
	assert_out '^restored +/proc/sys/net/core/somaxconn: 3000 -> 128'
	assert_err 'not applied'
	assert_as_before
	[[ ! -e $record ]]
	export_as shell "$(make_profile absent <<<$'[sysctl]\nnet.core.somaxconn = 3000\nnet.ipv4.not_of_this_kernel = 1')"
	tune apply
	assert_exit 3
	assert_as_before
}

@test "the script: killed between record and write, and between write and its record" {
	export_as shell server --connections 3000
	tune apply
	assert_exit 0
	# As if the write of the last one had not been recorded, and that of another never happened.
	cp "$record" "$BATS_TEST_TMPDIR/whole"
	printf '%s' "$(sed '$s/|[^|]*$/|/' "$BATS_TEST_TMPDIR/whole")" >"$record"
	printf '\n/proc/sys/net/ipv4/tcp_syncookies|1|2|' >>"$record"
	tune undo
	assert_exit 0
	assert_out '^unchanged +/proc/sys/net/ipv4/tcp_syncookies = 1'
	assert_as_before
}

@test "the script: touches no record of another namespace, no other file, and writes to none" {
	local other
	export_as shell server --connections 3000
	tune apply
	assert_exit 0
	other=$ns
	ns=$(netns_make)
	tune undo
	assert_exit 3
	assert_err 'another network namespace'
	tune apply
	assert_exit 3
	[[ -s $record ]]
	ns=$other
	# A record that names another file.
	printf '/proc/sys/net/ipv4/ip_forward|1|0|0\n' >>"$record"
	tune undo
	assert_exit 3
	assert_err '^not known +/proc/sys/net/ipv4/ip_forward'
	[[ $(value net.ipv4.ip_forward) -eq 0 ]]
	# Something that is no record is neither believed nor removed, and a link is not followed.
	printf 'precious\n' >"$BATS_TEST_TMPDIR/precious"
	record=$BATS_TEST_TMPDIR/precious
	tune undo
	assert_exit 3
	tune apply
	assert_exit 3
	grep -q precious "$record"
	record=$BATS_TEST_TMPDIR/link
	ln -s "$BATS_TEST_TMPDIR/target" "$record"
	tune apply
	assert_exit 3
	[[ ! -e $BATS_TEST_TMPDIR/target ]]
}

@test "the script: a record of another boot is told and forgotten" {
	export_as shell server --connections 3000
	tune apply
	sed -i '1s/^[^ ]*/00000000-0000-4000-8000-000000000000/' "$record"
	tune undo
	assert_exit 0
	assert_out 'restarted'
	[[ $(value net.core.somaxconn) -eq 4096 ]]
	[[ ! -e $record ]]
}

@test "the script: an ordinary user is told, and nothing is changed" {
	share_temp
	export_as shell server --connections 3000
	chmod 0777 "$BATS_TEST_TMPDIR"
	run_command ip netns exec "$ns" setpriv --reuid=65534 --regid=65534 --clear-groups sh "$BATS_TEST_TMPDIR/tune" apply "$record"
	assert_exit 3
	assert_err 'not applied'
	assert_as_before
}

@test "the sysctl.d file: sysctl(8) takes every line of it" {
	export_as sysctl.d proxy --connections 3000 --port 8080
	netns_exec "$ns" sysctl -p "$BATS_TEST_TMPDIR/tune" >"$BATS_TEST_TMPDIR/told" 2>&1
	[[ $(value net.core.somaxconn) -eq 4096 ]]
	[[ $(value net.ipv4.ip_local_port_range) == '1024 65535' ]]
	[[ $(value net.ipv4.ip_local_reserved_ports) == 8080 ]]
	runup --netns "$ns" apply proxy --connections 3000 --port 8080 --dry-run
	assert_exit 0
	assert_out '^0 settings would be written'
}

@test "a dry run says each write with its sum and reason, counts the rest, and writes nothing" {
	runup --netns "$ns" apply server --connections 3000 --dry-run
	assert_exit 0
	assert_out '^planned +net.core.somaxconn: 128 -> 4096'
	assert_out '^ +because +3 000 connections'
	assert_out '^ +why +Caps the backlog'
	assert_out '^satisfied +[0-9] setting'
	refute_out 'tcp_syncookies'
	refute_out '^.{81}'
	assert_as_before
	runup --netns "$ns" -v apply server --connections 3000 --dry-run
	assert_out '^satisfied +net.ipv4.tcp_syncookies = 1'
	runup --netns "$ns" apply server --connections 3000 --dry-run -o json
	assert_json_is 'one(d["changes"], key="net.core.somaxconn")["reason"][:15]' 'Caps the backlo'
	assert_json_is '[c["key"] for c in d["changes"] if not c["reason"]]' '[]'
	assert_json_is 'd["changeset"]' null
	[[ ! -e $BATS_TEST_TMPDIR/state ]]
}

@test "an optional line that nothing sizes is told and left out" {
	runup --netns "$ns" apply http-server --connections 3000 --dry-run -o json
	assert_exit 0
	assert_json_is 'one(d["changes"], key="net.ipv4.ip_local_reserved_ports")["result"]' missing
	assert_json_is '"--port" in one(d["changes"], key="net.ipv4.ip_local_reserved_ports")["why"]' true
	runup --netns "$ns" apply http-server --connections 3000
	assert_exit 0
	runup --netns "$ns" rollback
	assert_exit 0
	assert_as_before
}

@test "every shipped profile is applied to a namespace and rolled back" {
	local profile
	for profile in server http-server websocket-server proxy generator udp-server low-latency soak; do
		runup --netns "$ns" apply "$profile" --connections 20000 --port 8080
		assert_exit 0
		runup --netns "$ns" rollback
		assert_exit 0
		assert_as_before
	done
}

@test "status shows before, wanted and now of each key" {
	runup --netns "$ns" apply server --connections 3000
	assert_exit 0
	runup --netns "$ns" status
	assert_exit 0
	assert_out '^in force +net.core.somaxconn$'
	assert_out '^ +before 128, wanted >= 4096, now 4096$'
	netns_exec "$ns" sysctl -qw net.core.somaxconn=777
	runup --netns "$ns" status
	assert_exit 1
	assert_out '^ +before 128, wanted >= 4096, now 777$'
	runup --netns "$ns" status -o json
	assert_json_is '[(c["before"], c["want"], c["now"]) for c in d["changesets"][0]["changes"] if c["key"] == "net.core.somaxconn"][0]' '["128", ">= 4096", "777"]'
}

@test "rollback names the file that sets what it leaves alone" {
	need_command unshare
	runup --netns "$ns" apply server --connections 3000
	assert_exit 0
	netns_exec "$ns" sysctl -qw net.core.somaxconn=777
	run_command unshare --mount sh -c 'mount -t tmpfs none /etc/sysctl.d &&
		echo "net.core.somaxconn = 777" >/etc/sysctl.d/77-late.conf && exec "$@"' - \
		"$RUNUP" --netns "$ns" rollback -o json
	assert_exit 1
	assert_json_is '"/etc/sysctl.d/77-late.conf:1 sets that value" in one(d["changesets"][0]["changes"], key="net.core.somaxconn")["why"]' true
}
