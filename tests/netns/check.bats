#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# `runup check` of a namespace with real servers and real losses in it.

load ../lib/runup
load ../lib/netns

setup() {
	need_root
	need_command ip nginx wrk ss
	ns=$(netns_make)
}

@test "nginx with a small backlog is a fail that names nginx and who caps it" {
	nginx_start "$ns" 8080 16 "$BATS_TEST_TMPDIR/nginx"
	runup --netns "$ns" check --connections 400 --port 8080 --role server -o json
	assert_exit 1
	assert_json check
	f='one(d["findings"], id="listen.backlog")'
	assert_json_is "${f}[\"subject\"]" 'tcp 0.0.0.0:8080'
	assert_json_is "${f}[\"status\"]" fail
	assert_json_is "${f}[\"observed\"].startswith('limit 16 in force')" true
	assert_json_is "${f}[\"process\"][\"comm\"]" nginx
	assert_json_is "${f}[\"predicts\"]" '["listen.accept_overflow", "tcp.retransmit"]'
	assert_json_is "'give the server a backlog of 399' in ${f}[\"fix\"]" true
	assert_json_is 'd["host"]["netns"]' "$ns"
}

@test "the same server, capped by somaxconn: the fix begins there" {
	netns_exec "$ns" sysctl -qw net.core.somaxconn=16
	nginx_start "$ns" 8080 511 "$BATS_TEST_TMPDIR/nginx"
	runup --netns "$ns" check -p server --connections 400 --port 8080
	assert_exit 1
	assert_out '^fail +listen.backlog  tcp 0.0.0.0:8080'
	assert_out 'raise net.core.somaxconn to 399'
	assert_out '^fail +listen.backlog  net.core.somaxconn'
}

@test "a raised somaxconn does not make a live listener pass" {
	netns_exec "$ns" sysctl -qw net.core.somaxconn=16
	nginx_start "$ns" 8080 511 "$BATS_TEST_TMPDIR/nginx"
	netns_exec "$ns" sysctl -qw net.core.somaxconn=4096
	runup --netns "$ns" check -p server --connections 400 --port 8080 -o json
	assert_exit 1
	assert_json_is 'one(d["findings"], id="listen.backlog", subject="tcp 0.0.0.0:8080")["status"]' fail
	assert_json_is 'one(d["findings"], id="listen.backlog", subject="net.core.somaxconn")["status"]' pass
	nginx_stop "$BATS_TEST_TMPDIR/nginx"
	nginx_start "$ns" 8080 511 "$BATS_TEST_TMPDIR/nginx"
	runup --netns "$ns" check -p server --connections 400 --port 8080 -o json
	assert_json_is 'one(d["findings"], id="listen.backlog", subject="tcp 0.0.0.0:8080")["status"]' pass
}

@test "a limit of N holds N + 1, and check says exactly that" {
	deaf_server "$ns" 9000 9
	runup --netns "$ns" check --role server --connections 10 --port 9000 --only listen.backlog
	assert_exit 0
	runup --netns "$ns" check --role server --connections 11 --port 9000 --only listen.backlog
	assert_exit 1
}

@test "an SO_REUSEPORT group is judged as one, v6 beside v4, and its owner's group is shown" {
	start_background group ip netns exec "$ns" /usr/bin/python3 -c '
import socket, time
held = []
for family, address, backlog in ((socket.AF_INET, "127.0.0.1", 30), (socket.AF_INET, "127.0.0.1", 500), (socket.AF_INET6, "::1", 77)):
    s = socket.socket(family)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    s.bind((address, 8080))
    s.listen(backlog)
    held.append(s)
time.sleep(60)'
	three() { [[ $(netns_exec "$ns" ss -Hltn 'sport = :8080' | wc -l) -eq 3 ]]; }
	wait_until 5 three
	runup -v --netns "$ns" check --role server --connections 62 --port 8080 --only listen.backlog -o json
	assert_json check
	v4='one(d["findings"], subject="tcp 127.0.0.1:8080")'
	# The kernel spreads by hash: two sockets of 31 each hold 62 only if none gets more than its half.
	assert_json_is "${v4}[\"observed\"].startswith('limit 30 in force (the smallest of its group)')" true
	assert_json_is "${v4}[\"status\"]" pass
	assert_json_is 'one(d["findings"], subject="tcp [::1]:8080")["status"]' pass
	# The owner is looked up where something is wrong.
	runup -v --netns "$ns" check --role server --connections 200 --port 8080 --only listen.backlog -o json
	assert_json_is "${v4}[\"status\"]" fail
	assert_json_is 'one(d["findings"], subject="tcp [::1]:8080")["status"]' fail
	assert_json_is "${v4}[\"process\"][\"comm\"]" python3
	assert_json_is "${v4}[\"process\"][\"pid\"]" "$background_pid"
	path=$(awk -F: '/name=systemd/ { s = $3 } $1 == 0 { t = $3 } END { print (t == "" || t == "/") && s != "" ? s : t }' "/proc/$background_pid/cgroup")
	runup -v --netns "$ns" check --role server --connections 200 --port 8080 --only listen.backlog
	tr -s ' \n' ' ' <"$BATS_TEST_TMPDIR/stdout" | grep -qF " in $path" || show "its group $path is not shown"
	runup --netns "$ns" check --role server --connections 200 --port 8080 --only listen.backlog -o json
	assert_json check
	assert_json_is "${v4}[\"process\"][\"cgroup\"]" "$path"
}

# Its processes have ended by then: runup_teardown ends them.
teardown() {
	runup_teardown
	[[ -z ${group-} || ! -d $group ]] || wait_until 5 rmdir "$group"
}

@test "the unit that a listener's owner belongs to is named beside it" {
	local mount
	mount=$(awk '/ - cgroup / && $NF ~ /(^|,)name=systemd(,|$)/ { v1 = $5 } / - cgroup2 / { v2 = $5 }
		END { print v1 ? v1 : v2 }' /proc/self/mountinfo)
	[[ -n $mount && -w $mount ]] || skip 'not possible here: no control groups to make one in'
	unit=$RUNUP_TEST_ID.service
	group=$mount/$unit
	mkdir "$group" || skip 'not possible here: no group may be made'
	start_background server ip netns exec "$ns" "$RUNUP_BUILD/tests/helpers/breakload" listen 10 8080
	echo "$background_pid" >"$group/cgroup.procs"
	wait_for_port "$ns" 8080
	runup --netns "$ns" check --role server --connections 200 --port 8080 --only listen.backlog
	text=$output
	runup --netns "$ns" check --role server --connections 200 --port 8080 --only listen.backlog -o json
	grep -qF "(pid $background_pid) in $unit" <<<"$text" || show "the unit is not named: $text"
	assert_json_is 'one(d["findings"], subject="tcp 0.0.0.0:8080")["process"]["cgroup"]' "/$unit"
}

@test "the server's own descriptors, found by its port" {
	nginx_start "$ns" 8080 511 "$BATS_TEST_TMPDIR/nginx"
	runup --netns "$ns" check --role server --connections 9000 --burst 10 --port 8080 --only limits.nofile -o json
	assert_json_is 'd["findings"][0]["subject"].startswith("process ")' true
	assert_json_is '"nginx" in d["findings"][0]["subject"]' true
	# The master has this shell's limit, the worker that accepts has 8192.
	assert_json_is 'd["findings"][0]["status"]' fail
	assert_json_is 'd["findings"][0]["observed"].startswith("8 192 soft")' true
	runup --netns "$ns" capacity --role server --connections 9000 --burst 10 --port 8080 -o json
	assert_json_is 'one(d["resources"], resource="descriptors")["limit"]' 8192
}

@test "observe: an overflow is named, with its listener, its process and its count" {
	deaf_server "$ns" 9000 4
	deaf_server "$ns" 9001 400
	overflow "$ns" 9000 3 &
	flood=$!
	sleep 0.5
	runup --netns "$ns" check --observe 2s -o json
	wait "$flood"
	assert_exit 1
	assert_json check
	f='one(d["findings"], id="observe.listen.accept_overflow")'
	assert_json_is "${f}[\"subject\"]" 'tcp 127.0.0.1:9000'
	assert_json_is "${f}[\"status\"]" fail
	assert_json_is "${f}[\"process\"][\"comm\"].startswith('python')" true
	assert_json_is "'of 4' in ${f}[\"observed\"]" true
	assert_json_is "[x[\"subject\"] for x in d[\"findings\"] if x[\"id\"].startswith(\"observe.\")]" '["tcp 127.0.0.1:9000"]'
}

@test "observe: a packet that a rule drops is named, by BPF" {
	need_command nft
	built_with_bpf || skip 'built without BPF: make deps installs clang and bpftool'
	netns_exec "$ns" nft -f - <<-'NFT'
		table inet t {
			chain in {
				type filter hook input priority 0;
				udp dport 7777 drop
			}
		}
	NFT
	ip netns exec "$ns" /usr/bin/python3 -c \
		'import socket,time
s=socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
for _ in range(40): s.sendto(b"x", ("127.0.0.1", 7777)); time.sleep(0.05)' &
	sender=$!
	runup --netns "$ns" check --observe 1s -o json
	wait "$sender"
	assert_exit 1
	assert_json_is 'one(d["findings"], id="observe.firewall.drop")["status"]' fail
	assert_json_is '"nft_do_chain" in one(d["findings"], id="observe.firewall.drop")["observed"]' true
}

@test "observe: a load that loses nothing raises nothing" {
	nginx_start "$ns" 8080 511 "$BATS_TEST_TMPDIR/nginx"
	ip netns exec "$ns" wrk -t1 -c20 -d3s http://127.0.0.1:8080/ >/dev/null &
	load=$!
	runup --netns "$ns" check --observe 2s --only observe -o json
	wait "$load"
	assert_exit 0
	assert_json_is 'd["counts"]["fail"] + d["counts"]["warn"]' 0
}

@test "conntrack: what fills the table is broken down with -v" {
	need_command nft
	netns_exec "$ns" nft -f - <<-'NFT'
		table inet t {
			chain in {
				type filter hook input priority 0;
				ct state established accept
			}
		}
	NFT
	nginx_start "$ns" 8080 511 "$BATS_TEST_TMPDIR/nginx"
	ip netns exec "$ns" wrk -t1 -c50 -d1s -H 'Connection: close' http://127.0.0.1:8080/ >/dev/null
	runup --netns "$ns" check -v --only conntrack.capacity -o json
	assert_exit 0
	assert_json_is '"TIME_WAIT to port 8080" in one(d["findings"], subject="conntrack table")["why"]' true
	entries=$(netns_exec "$ns" cat /proc/sys/net/netfilter/nf_conntrack_count)
	[[ $entries -gt 50 ]]
	assert_json_is 'one(d["findings"], subject="conntrack table")["observed"].startswith("0 of")' false
}

@test "a check leaves the namespace as it was" {
	netns_sysctls "$ns" >"$BATS_TEST_TMPDIR/before"
	runup --netns "$ns" check -v -p server --connections 100 --observe 200ms
	assert_exit 0
	netns_sysctls "$ns" >"$BATS_TEST_TMPDIR/after"
	diff "$BATS_TEST_TMPDIR/before" "$BATS_TEST_TMPDIR/after"
	[[ ! -e $BATS_TEST_TMPDIR/state ]]
}
