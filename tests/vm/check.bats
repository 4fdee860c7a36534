#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# On a stock kernel, as the host itself: every check live, with and without root.
# vm: timeout=400

load ../lib/runup

setup() {
	share_temp
}

# As a user without any right: `without_root check -o json`.
without_root() {
	mkdir -p "$BATS_TEST_TMPDIR/state"
	chmod 0755 "$BATS_TEST_TMPDIR/state"
	run_command setpriv --reuid=nobody --regid=nogroup --clear-groups --inh-caps=-all "$RUNUP" "$@"
}

# Checks that have nothing to say here: no profile, nothing observed.
silent='["config.profile", "observe"]'

@test "every check says something, and nothing is unknown, as root" {
	runup check -v -o json
	assert_json check
	[[ $status -eq 0 || $status -eq 1 ]] || show 'with root nothing should be untold' || return 1
	assert_json_is '[f["id"] for f in d["findings"] if f["status"] == "unknown"]' '[]'
	ids=$("$RUNUP" explain | awk '/^checks/ { on = 1; next } /^[^ ]/ { on = 0 } on { print $1 }' | paste -sd ' ')
	[[ $(wc -w <<<"$ids") -gt 30 ]]
	said="f['id'] == i or f['id'].startswith(i + '.')"
	assert_json_is "[i for i in '$ids'.split() if not [f for f in d['findings'] if $said]]" "$silent"
	assert_json_is 'd["host"]["kernel"]' "$(uname -r)"
}

@test "with a load every part that it needs is judged, and none of it is unknown" {
	start_background server /usr/bin/python3 -c '
import socket, time
s = socket.socket(); s.bind(("0.0.0.0", 8080)); s.listen(4096); time.sleep(1000)'
	wait_until 60 eval '[[ -n $(ss -Hltn "sport = :8080") ]]'
	runup check -p server --connections 1000 --port 8080 -o json
	assert_json check
	[[ $status -eq 0 || $status -eq 1 ]] || show 'a server of 1 000 connections can be judged' || return 1
	assert_json_is '[f["id"] for f in d["findings"] if f["status"] == "unknown"]' '[]'
	runup check -p generator --connections 400 --target 127.0.0.1:8080 -o json
	assert_json check
	[[ $status -eq 0 || $status -eq 1 ]]
	assert_json_is '[f["id"] for f in d["findings"] if f["status"] == "unknown"]' '[]'
}

@test "without root check judges what it can, and what it cannot is unknown with a reason" {
	without_root check -o json
	assert_json check
	[[ $status -eq 0 || $status -eq 1 ]] || show 'no load is stated, so an unknown is no failure' || return 1
	assert_json_is 'one(d["findings"], id="ports.range")["status"]' pass
	assert_json_is '[f for f in d["findings"] if f["status"] == "unknown" and not (f["why"] or f["observed"])]' '[]'
}

@test "capacity: each resource has its sum, with and without root" {
	nft add table inet tracked
	nft add chain inet tracked input '{ type filter hook input priority 0; }'
	nft add rule inet tracked input ct state established accept
	runup capacity --role server --connections 20000 --new-connections 500 --port 8080 -o json
	nft delete table inet tracked
	assert_json capacity
	assert_json_is '[r["resource"] for r in d["resources"]]' \
		'["ports", "accept_queue", "syn_queue", "conntrack", "descriptors", "system_files", "time_wait", "socket_memory", "pids", "cpu", "generator_memory", "neighbours"]'
	assert_json_is 'one(d["resources"], resource="conntrack")["limit"]' "$(cat /proc/sys/net/netfilter/nf_conntrack_max)"
	without_root capacity --role server --connections 20000 --new-connections 500 --port 8080 -o json
	assert_json capacity
	assert_json_is 'one(d["resources"], resource="descriptors")["demand"] >= 20000' true
}

@test "doctor: this kernel has BTF, fentry and kprobes, and what runup wants of them works" {
	runup doctor -o json
	assert_json doctor
	assert_exit 0
	for id in listeners counters conntrack socket_owners sysctl_writes drop_reasons btf tp_btf fentry kprobe observe; do
		assert_json_is "one(d['features'], id='$id')['status']" works
	done
}

@test "doctor: without root it says what is missing, and how it would be known" {
	without_root doctor -o json
	assert_json doctor
	assert_json_is "one(d['features'], id='tp_btf')['status'] != 'works'" true
	assert_json_is "one(d['features'], id='sysctl_writes')['status'] != 'works'" true
}

@test "observe: drops of a full accept queue are counted on this kernel, and told of its listener" {
	need_command /usr/bin/python3
	sysctl -qw net.core.somaxconn=4096
	start_background deaf /usr/bin/python3 -c '
import socket, time
s = socket.socket(); s.bind(("127.0.0.1", 9100)); s.listen(2)
time.sleep(2)
crowd = []
while True:
    c = socket.socket(); c.setblocking(False); c.connect_ex(("127.0.0.1", 9100)); crowd.append(c)
    time.sleep(0.05)
    if len(crowd) > 400: time.sleep(100)'
	runup check --observe 6s -o json
	assert_json check
	assert_exit 1
	assert_json_is 'one(d["findings"], id="observe.listen.accept_overflow")["status"]' fail
	assert_json_is '"9100" in one(d["findings"], id="observe.listen.accept_overflow")["subject"]' true
}
