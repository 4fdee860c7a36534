#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# `runup check`: outputs, exit codes, selection, what cannot be read. On captured hosts, so that the
# answers do not depend on the machine that runs the tests, and on this one where it is the point.

load ../lib/runup

setup() {
	hosts=$RUNUP_SOURCE/tests/fixtures/hosts
}

@test "of this very host" {
	runup check
	[[ $status -eq 0 || $status -eq 1 || $status -eq 3 ]]
	assert_out '^(READY|NOT READY|CANNOT TELL): '
	runup check -o json
	assert_json check
	assert_json_is 'd["host"]["captured"]' false
	assert_json_is 'd["load"]' null
}

@test "a captured host is judged the same wherever it is read" {
	runup --root "$hosts/vm" check
	assert_exit 0
	assert_out '^READY: 0 failed'
	runup --root "$hosts/vm" check -o json
	assert_exit 0
	assert_json check
	assert_json_is 'd["ready"]' true
	assert_json_is 'd["host"]["captured"]' true
}

@test "-q: silent on success, not on findings" {
	runup -q --root "$hosts/vm" check
	assert_exit 0
	assert_no_out
	runup -q --root "$hosts/vm" check -p generator --connections 60000
	assert_exit 1
	assert_out '^fail '
}

@test "exit 1 for a fail, and for a warning only with --fail-on warn" {
	runup --root "$hosts/cgroup-v1-quota" check
	assert_exit 0
	assert_out '^warn +cpu.quota'
	runup --root "$hosts/cgroup-v1-quota" check --fail-on warn
	assert_exit 1
	runup --root "$hosts/conntrack-full" check
	assert_exit 1
}

@test "exit 3 for an unknown that the load needs, 1 before 3" {
	runup --root "$hosts/vm" check --only listen.backlog --role server --connections 10 --port 9
	assert_exit 3
	assert_out '^CANNOT TELL: '
	assert_out 'nothing listens there'
	runup --root "$hosts/vm" check --role server --connections 100000
	assert_exit 1
}

@test "nothing captured is unknown, and says so" {
	mkdir -p "$BATS_TEST_TMPDIR/empty/proc"
	runup --root "$BATS_TEST_TMPDIR/empty" check -o json
	assert_json check
	assert_json_is 'one(d["findings"], id="listen.backlog")["status"]' unknown
	assert_json_is 'd["counts"]["pass"] - len([f for f in d["findings"] if f["status"] == "pass"])' 0
	assert_json_is 'one(d["findings"], id="conntrack.capacity")["status"]' na
	runup --root "$BATS_TEST_TMPDIR/empty" check -p server --connections 10
	[[ $status -ne 0 ]]
}

@test "--only and --skip; what was skipped is recorded" {
	runup --root "$hosts/vm" check -o json --only cpu.quota,folklore.tcp_mem
	assert_json_is 'sorted({f["id"] for f in d["findings"]})' '["cpu.quota", "folklore.tcp_mem"]'
	assert_json_is '"ports.range" in d["skipped"]' true
	runup --root "$hosts/vm" check -o json --skip folklore,cpu.quota
	assert_json_is '[f for f in d["findings"] if f["id"].startswith("folklore") or f["id"] == "cpu.quota"]' '[]'
	assert_json_is 'sorted(d["skipped"])' '["cpu.quota", "folklore"]'
	runup --root "$hosts/vm" check -o json --skip folklore.tcp_mem
	assert_json_is 'd["skipped"]' '["folklore.tcp_mem"]'
	assert_json_is '[f["id"] for f in d["findings"] if f["id"] == "folklore.tcp_mem"]' '[]'
	runup check --only no.such
	assert_exit 2
	assert_one_error "there is no check 'no.such'"
}

@test "a profile's [check] decides how severe a check is" {
	p=$(make_profile strict <<-'INI'
		[check]
		cpu.quota = fail
		conntrack.capacity = ignore
	INI
	)
	runup --root "$hosts/cgroup-v2-quota" check -p "$p"
	assert_exit 1
	assert_out '^fail +cpu.quota'
	runup --root "$hosts/conntrack-full" check -p "$p" -o json
	assert_exit 0
	assert_json_is 'one(d["findings"], id="conntrack.capacity")["status"]' na
}

@test "a threshold of the profile moves the line" {
	p=$(make_profile at <<-'INI'
		[check]
		ports.range = fail above 20%
	INI
	)
	runup --root "$hosts/vm" check --role generator --connections 15000 --only ports.range
	assert_exit 0
	assert_out '^warn +ports.range'
	runup --root "$hosts/vm" check --role generator --connections 15000 --only ports.range -p "$p"
	assert_exit 1
}

@test "a threshold of the profile counts alone: neither lower limits nor softer warnings are its severity" {
	low=$(make_profile low <<<$'[check]\nports.range = fail above 30%')
	high=$(make_profile high <<<$'[check]\nports.range = fail above 80%')
	runup --root "$hosts/vm" check -p "$low" --role generator --connections 12000 --only ports.range
	assert_exit 1
	runup --root "$hosts/vm" check -p "$high" --role generator --connections 18000 --only ports.range
	assert_exit 0
	assert_out '^warn +ports.range'
	runup --root "$hosts/vm" check -p "$high" --role generator --connections 23000 --only ports.range
	assert_exit 1
}

@test "nothing judged is not ready, and a member of a family must exist" {
	runup check --only folklore.nosuch
	assert_exit 2
	assert_one_error "no check 'folklore.nosuch'"
	runup check --only observe
	assert_exit 2
	assert_one_error '--only observe needs --observe'
	runup check --only config.profile -o json
	assert_exit 3
	assert_json_is 'd["ready"]' false
}

@test "a target alone speaks of the side that connects: other listeners are not its business" {
	runup --root "$hosts/vm" check --connections 9000 --target 10.0.0.5:8080 -o json
	assert_exit 0
	assert_json_is 'd["load"]["role"]' generator
}

@test "a load that does not tell its connections is unknown, with what to state" {
	runup --root "$hosts/vm" check --rate 20000 --role generator --target 10.0.0.5:8080 --only ports.range
	assert_exit 3
	assert_out 'fix +state --connections or --new-connections, or --latency'
	runup --root "$hosts/vm" check --no-keepalive --connections 400 --target 10.0.0.5:8080 --only ports.range
	assert_exit 3
	assert_out 'fix +state --rate or --new-connections'
	runup --root "$hosts/vm" check --rate 200 --latency 50ms --target 10.0.0.5:8080 --only ports.range
	assert_exit 0
}

@test "the fix for reserved ports keeps what is reserved" {
	cp -r "$hosts/vm" "$BATS_TEST_TMPDIR/host"
	echo '9100-9102' >"$BATS_TEST_TMPDIR/host/proc/sys/net/ipv4/ip_local_reserved_ports"
	runup --root "$BATS_TEST_TMPDIR/host" check --role server --port 40000-40010 --only ports.reserved
	assert_out 'ip_local_reserved_ports=9100-9102,40000-40010'
}

@test "a generator's wider range takes in what listens here, unless it is reserved" {
	runup --root "$hosts/vm" check -p generator --only ports.reserved
	assert_out '8000,8080,9090 inside the local range 1024-65535'
	assert_out 'ip_local_reserved_ports=8000,8080,9090'
	runup --root "$hosts/vm" check --role generator --only ports.reserved
	assert_exit 0
	refute_out '^warn'
}

@test "a quota that cannot be read is unknown, not none" {
	cp -r "$hosts/cgroup-v2-quota" "$BATS_TEST_TMPDIR/host"
	file=$(find "$BATS_TEST_TMPDIR/host/sys/fs/cgroup" -name cpu.max | head -1)
	echo garbage >"$file"
	runup --root "$BATS_TEST_TMPDIR/host" check --only cpu.quota -o json
	assert_json_is 'd["findings"][0]["status"]' unknown
	runup --root "$BATS_TEST_TMPDIR/host" check --only cpu.quota --role generator --connections 10
	assert_exit 3
}

@test "nf_conntrack_max 0 is no limit, not a full table" {
	cp -r "$hosts/vm" "$BATS_TEST_TMPDIR/host"
	echo 0 >"$BATS_TEST_TMPDIR/host/proc/sys/net/netfilter/nf_conntrack_max"
	rm -f "$BATS_TEST_TMPDIR"/host/netlink/ctnetlink-stats*.hex
	runup --root "$BATS_TEST_TMPDIR/host" check -p server --connections 1000000 --only conntrack.capacity -v
	assert_exit 0
	assert_out 'no limit'
}

@test "the sum is shown: ports" {
	runup --root "$hosts/vm" check --role generator --new-connections 2000 --only ports.range -o json
	assert_exit 1
	assert_json_is 'one(d["findings"], status="fail")["arithmetic"]' \
		'0 open + 2 000 new/s x 60 s of TIME_WAIT = 120 000 ports; 120 000 / 28 232 = 425%'
	assert_json_is 'one(d["findings"], status="fail")["predicts"]' '["ports.exhausted"]'
	# Loopback alone has tcp_tw_reuse=2 in force, which a rehearsal must not hide.
	runup --root "$hosts/vm" check --role generator --new-connections 2000 --only ports.range \
		--target 127.0.0.1:8080
	assert_exit 0
}

@test "without privileges: the rest is judged, what is missing is unknown with its remedy" {
	need_root
	need_command setpriv
	share_temp
	run_command setpriv --reuid 65534 --regid 65534 --clear-groups --bounding-set -all \
		--inh-caps -all "$RUNUP" check -o json
	assert_json check
	[[ $status -eq 0 || $status -eq 1 ]]
	run_command setpriv --reuid 65534 --regid 65534 --clear-groups --bounding-set -all \
		--inh-caps -all "$RUNUP" check --pid 1 --connections 10 -o json --only limits.nofile
	if [[ $(json_get 'd["findings"][0]["status"]') == unknown ]]; then
		assert_exit 3
		assert_json_is 'd["findings"][0]["fix"] is not None' true
	fi
	run_command setpriv --reuid 65534 --regid 65534 --clear-groups --bounding-set -all \
		--inh-caps -all "$RUNUP" check --observe 300ms --only observe -o json
	assert_exit 0
	assert_json_is 'one(d["findings"], status="unknown")["observed"].startswith("not observed")' true
}

@test "whose descriptors they are takes capabilities, and the ones that lack are named" {
	need_root
	need_command setpriv
	share_temp
	start_background server /usr/bin/python3 -c 'import socket, time
s = socket.socket(); s.bind(("127.0.0.1", 0)); s.listen(50); print(s.getsockname()[1], flush=True); time.sleep(60)'
	wait_until 5 test -s "$BATS_TEST_TMPDIR/server.out"
	port=$(cat "$BATS_TEST_TMPDIR/server.out")
	run_command setpriv --reuid 65534 --regid 65534 --clear-groups --bounding-set -all --inh-caps -all \
		"$RUNUP" check --role server --connections 10 --port "$port" --only limits.nofile -o json
	assert_exit 3
	assert_json_is 'd["findings"][0]["status"]' unknown
	assert_json_is '"cap_sys_ptrace and cap_dac_read_search" in d["findings"][0]["fix"]' true
	runup check --role server --connections 10 --port "$port" --only limits.nofile
	assert_exit 0
}

@test "a live process is judged by its own limits" {
	start_background sleeper bash -c 'ulimit -n 100; exec sleep 60'
	wait_until 5 grep -q 'Max open files *100 ' "/proc/$background_pid/limits"
	runup check --pid "$background_pid" --connections 5000 --only limits.nofile -o json
	assert_exit 1
	assert_json_is 'd["findings"][0]["observed"].startswith("100 soft")' true
	assert_json_is 'd["findings"][0]["required"]' '5064 descriptors'
	runup check --pid "$background_pid" --connections 20 --only limits.nofile
	assert_exit 0
	stop_process "$background_pid"
	runup check --pid "$background_pid" --connections 20 --only limits.nofile
	assert_exit 3
}

@test "a process id that is none, a namespace that is none" {
	runup check --pid 0
	assert_exit 2
	runup --netns /nonexistent check
	assert_exit 2
	assert_one_error "network namespace '/nonexistent'"
	runup --netns 4194303 check
	assert_exit 2
	runup --root /nonexistent check
	assert_exit 2
	assert_one_error "open root '/nonexistent'"
}

@test "bad profiles: one error with file and line, exit 2" {
	p=$(make_profile bad <<<$'[sysctl]\nnet.core.somaxconn = => 5')
	runup check -p "$p"
	assert_exit 2
	assert_no_out
	assert_one_error "bad.ini:2: '=> 5': no such operator"
	runup check -p no-such-profile
	assert_exit 2
	assert_one_error "no profile 'no-such-profile'"
	cd "$BATS_TEST_TMPDIR"
	printf '[load]\nconnections = 5\n' >own.ini
	runup check -p own.ini
	assert_exit 2
	assert_one_error "no profile 'own.ini': a file is named by a path, as in ./own.ini"
	runup check server
	assert_exit 2
	assert_one_error "'server' is a profile: runup check -p server"
	runup check -p ../server
	assert_exit 2
	head -c 100000 /dev/urandom >"$BATS_TEST_TMPDIR/binary.ini"
	runup check -p "$BATS_TEST_TMPDIR/binary.ini"
	assert_exit 2
	assert_one_error 'binary.ini:[0-9]+: '
	{ printf '[load]\nconnections = '; head -c 10000000 /dev/zero | tr '\0' 9; } >"$BATS_TEST_TMPDIR/long.ini"
	runup check -p "$BATS_TEST_TMPDIR/long.ini"
	assert_exit 2
	assert_one_error 'long.ini:2: line longer than'
}
