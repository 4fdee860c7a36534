#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# `runup watch`: losses provoked in a namespace are told as they happen, and nothing else is.

load ../lib/runup
load ../lib/netns

setup() {
	need_root
	need_command ip ss
	ns=$(netns_make)
}

started() {
	grep -q '"type":"start"' "$BATS_TEST_TMPDIR/watch.out"
}

# In the background and as JSON Lines; back when it watches.
watch_start() { # ARGS…
	runup_background watch --netns "$ns" watch -o json "$@"
	watch_pid=$background_pid
	wait_until 10 started || { cat "$BATS_TEST_TMPDIR/watch.err"; return 1; }
}

# Ends it, and puts what it said where assertions look: for json_get a list of lines.
watch_end() {
	kill -TERM "$watch_pid"
	watch_wait
}

watch_wait() {
	status=0
	wait "$watch_pid" || status=$?
	runup_command='watch'
	mv "$BATS_TEST_TMPDIR/watch.out" "$BATS_TEST_TMPDIR/stdout"
	mv "$BATS_TEST_TMPDIR/watch.err" "$BATS_TEST_TMPDIR/stderr"
	collect_output
	assert_json_is 'd[0]["type"], d[-1]["type"]' '["start", "summary"]'
	assert_json_is 'd[0]["blind"] + d[-1]["blind"]' '[]'
}

alerts() { # FIELDS…: a Python list of the alerts
	printf 'where(d, type="alert"%s)' "${1:+, $1}"
}

# The alerts of a cause add up to its total in the summary, and that to the kernel's counter.
assert_total() { # CAUSE COUNT
	assert_json_is "sum(a[\"count\"] for a in $(alerts "cause=\"$1\""))" "$2"
	assert_json_is "one(d[-1][\"causes\"], cause=\"$1\")[\"count\"]" "$2"
}

counter() { # NAME
	netns_exec "$ns" nstat -asz "$1" | awk -v n="$1" '$1 == n { print $2 }'
}

# Sends or receives with a few lines of Python inside the namespace.
inside() { # SCRIPT
	ip netns exec "$ns" /usr/bin/python3 -c "import socket, time
$1"
}

flood_sleeper() { # a UDP socket with a small buffer that nobody reads
	inside '
r = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
r.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
r.bind(("127.0.0.1", 5555))
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
for _ in range(200): s.sendto(b"x" * 500, ("127.0.0.1", 5555))
time.sleep(0.5)'
}

drop_rule() {
	netns_exec "$ns" nft -f - <<-'NFT'
		table inet t {
			chain in {
				type filter hook input priority 0;
				udp dport 7777 drop
			}
		}
	NFT
}

@test "a full accept queue: the listener, its process, its queue, and every SYN of it" {
	deaf_server "$ns" 9000 4
	deaf_server "$ns" 9001 400
	before=$(counter TcpExtListenOverflows)
	watch_start --interval 200ms
	overflow "$ns" 9000 2
	after=$(counter TcpExtListenOverflows)
	watch_end
	assert_exit 1
	[[ $after -gt $before ]]
	assert_total listen.accept_overflow $((after - before))
	a="$(alerts 'cause="listen.accept_overflow"')"
	assert_json_is "sorted({a[\"subject\"] for a in $a})" '["tcp 127.0.0.1:9000"]'
	assert_json_is "len($a) > 1" true
	assert_json_is "${a}[0][\"process\"][\"comm\"].startswith('python')" true
	assert_json_is "${a}[0][\"detail\"][\"limit\"]" 4
	assert_json_is "${a}[-1][\"detail\"][\"queue\"]" 5
	assert_json_is "${a}[0][\"kind\"], ${a}[0][\"subject_kind\"], ${a}[0][\"exact\"], ${a}[0][\"background\"]" '["loss", "listener", true, false]'
	assert_json_is "${a}[0][\"netns\"]" "$ns"
	t='one(d[-1]["causes"], cause="listen.accept_overflow")'
	assert_json_is "${t}[\"counter\"], ${t}[\"attributed\"] + ${t}[\"unattributed\"]" "[$((after - before)), $((after - before))]"
	assert_json_is 'd[-1]["clean"]' false
	# The gauge shows the queue that stays full, and the one beside it.
	g='where(d, type="sample")[-1]["gauges"]'
	assert_json_is "one($g, subject=\"tcp 127.0.0.1:9000\")[\"value\"], one($g, subject=\"tcp 127.0.0.1:9001\")[\"limit\"]" '[5, 400]'
}

@test "a UDP receive buffer, counted as the kernel counts it" {
	watch_start --interval 200ms
	flood_sleeper
	lost=$(counter UdpRcvbufErrors)
	watch_end
	assert_exit 1
	[[ $lost -gt 0 ]]
	assert_total udp.receive_buffer "$lost"
}

@test "a packet that a rule drops, placed though privileges are gone by then" {
	need_command nft
	built_with_bpf || skip 'built without BPF: make deps installs clang and bpftool'
	watch_start --interval 200ms
	drop_rule
	inside '
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
for _ in range(37): s.sendto(b"x", ("127.0.0.1", 7777))'
	sleep 0.5
	watch_end
	assert_exit 1
	assert_total firewall.drop 37
	assert_json_is "$(alerts)[0][\"detail\"]" '{"function": "nft_do_chain"}'
	assert_json_is 'one(d[-1]["causes"], cause="firewall.drop")["counter"]' null
}

@test "more connections in TIME_WAIT than there may be" {
	netns_exec "$ns" sysctl -qw net.ipv4.tcp_max_tw_buckets=2
	watch_start --interval 200ms
	inside '
l = socket.socket(); l.bind(("127.0.0.1", 6000)); l.listen(8)
for _ in range(20):
    c = socket.create_connection(("127.0.0.1", 6000)); s, _ = l.accept()
    c.close(); s.recv(1); s.close()'
	lost=$(counter TcpExtTCPTimeWaitOverflow)
	watch_end
	assert_exit 1
	[[ $lost -gt 0 ]]
	assert_total timewait.overflow "$lost"
	assert_json_is "$(alerts)[0][\"kind\"], $(alerts)[0][\"process\"]" '["limit", null]'
}

@test "what was lost before it began is no alert" {
	deaf_server "$ns" 9000 2
	overflow "$ns" 9000 1
	flood_sleeper
	[[ $(counter UdpRcvbufErrors) -gt 0 && $(counter TcpExtListenOverflows) -gt 0 ]]
	# The clients are gone; what they had left to send has been answered.
	watch_start --interval 100ms
	sleep 1
	watch_end
	assert_exit 0
	assert_json_is "$(alerts)" '[]'
	assert_json_is 'd[-1]["clean"], d[-1]["causes"]' '[true, []]'
}

@test "a load that loses nothing raises nothing" {
	need_command nginx wrk
	nginx_start "$ns" 8080 511 "$BATS_TEST_TMPDIR/nginx"
	watch_start --interval 100ms
	ip netns exec "$ns" wrk -t1 -c20 -d2s http://127.0.0.1:8080/ >/dev/null
	ip netns exec "$ns" wrk -t1 -c20 -d1s -H 'Connection: close' http://127.0.0.1:8080/ >/dev/null
	watch_end
	assert_exit 0
	assert_json_is "$(alerts)" '[]'
	assert_json_is 'len(where(d, type="sample")) > 10' true
}

@test "what another port loses is background, and no finding" {
	deaf_server "$ns" 9000 2
	watch_start --interval 200ms --port 9001
	overflow "$ns" 9000 1
	watch_end
	assert_exit 0
	assert_json_is "{a[\"background\"] for a in $(alerts)} == {True}" true
	assert_json_is 'd[-1]["clean"], len(d[-1]["causes"])' '[true, 1]'

	watch_start --interval 200ms --port 9000
	overflow "$ns" 9000 1
	watch_end
	assert_exit 1
	assert_json_is "{a[\"background\"] for a in $(alerts)} == {False}" true
}

@test "the ports of a process are the load's, as text too" {
	deaf_server "$ns" 9000 2
	owner=$background_pid
	runup_background watch --netns "$ns" watch --for 2s --interval 200ms --pid "$owner"
	watch_pid=$background_pid
	overflow "$ns" 9000 1
	status=0
	wait "$watch_pid" || status=$?
	mv "$BATS_TEST_TMPDIR/watch.out" "$BATS_TEST_TMPDIR/stdout"
	assert_exit 1
	assert_out '^[0-9:]{8}Z loss listen.accept_overflow: [0-9]+ at tcp 127.0.0.1:9000, python3 \(pid '"$owner"'\), queue 3 of 2$'
	assert_out '^[0-9:]{8}Z watched for 2s.*: causes seen$'
	# The fix once, however many intervals it goes on.
	[[ $(grep -c 'fix: ' "$BATS_TEST_TMPDIR/stdout") -eq 1 ]]
	[[ $(grep -c 'loss listen.accept_overflow' "$BATS_TEST_TMPDIR/stdout") -gt 1 ]]
}

@test "what it keeps of its privileges, read back from /proc" {
	watch_start
	# CAP_DAC_READ_SEARCH and CAP_SYS_PTRACE.
	for set in CapPrm CapEff CapBnd; do
		[[ $(awk -v s="$set:" '$1 == s { print $2 }' "/proc/$watch_pid/status") == 0000000000080004 ]]
	done
	for set in CapInh CapAmb; do
		[[ $(awk -v s="$set:" '$1 == s { print $2 }' "/proc/$watch_pid/status") == 0000000000000000 ]]
	done
	[[ $(awk '/^NoNewPrivs:/ { print $2 }' "/proc/$watch_pid/status") -eq 1 ]]
	watch_end
	assert_exit 0
	assert_json_is 'd[0]["capabilities"]' '["cap_dac_read_search", "cap_sys_ptrace"]'
	# ctnetlink's statistics need CAP_NET_ADMIN at each question.
	assert_json_is 'one(d[0]["sources"], source="ctnetlink")["rung"] != "ctnetlink"' true
}

@test "with the capabilities of its unit alone and no root it sees the same" {
	need_command nft setpriv
	built_with_bpf || skip 'built without BPF: make deps installs clang and bpftool'
	drop_rule
	caps=$(sed -n 's/^AmbientCapabilities=//p' "$RUNUP_SOURCE/systemd/runup-watch.service" |
		tr 'A-Z ' 'a-z,' | sed 's/cap_/+/g')
	share_temp
	cp "$RUNUP" "$BATS_TEST_TMPDIR/runup-copy"
	mapfile -t environment < <(runup_environment)
	start_background watch ip netns exec "$ns" setpriv --reuid=65534 --regid=65534 --clear-groups \
		--inh-caps="-all,$caps" --ambient-caps="-all,$caps" --bounding-set="-all,$caps" \
		env -i "${environment[@]}" "$BATS_TEST_TMPDIR/runup-copy" watch -o json --interval 200ms
	watch_pid=$background_pid
	wait_until 10 started || { cat "$BATS_TEST_TMPDIR/watch.err"; false; }
	deaf_server "$ns" 9000 2
	overflow "$ns" 9000 1
	inside 'socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"x", ("127.0.0.1", 7777))'
	sleep 0.4
	watch_end
	assert_exit 1
	assert_total firewall.drop 1
	assert_json_is "$(alerts 'cause="firewall.drop"')[0][\"detail\"]" '{"function": "nft_do_chain"}'
	# Another user's process is named.
	assert_json_is "$(alerts 'cause="listen.accept_overflow"')[0][\"process\"][\"comm\"].startswith('python')" true
	assert_json_is 'd[0]["capabilities"]' '["cap_dac_read_search", "cap_sys_ptrace"]'
}

@test "without any privilege it watches what it can, and says what it cannot" {
	share_temp
	cp "$RUNUP" "$BATS_TEST_TMPDIR/runup-copy"
	run_command ip netns exec "$ns" setpriv --reuid=65534 --regid=65534 --clear-groups \
		"$BATS_TEST_TMPDIR/runup-copy" watch -o json --for 300ms --interval 100ms
	assert_exit 0
	assert_json_is 'd[0]["capabilities"]' '[]'
	assert_json_is 'one(d[0]["blind"], source="tp_btf/kfree_skb")["reason"] != ""' true
	assert_json_is 'one(d[0]["causes"], cause="firewall.drop")["counted_by"]' null
	assert_json_is 'one(d[0]["causes"], cause="listen.accept_overflow")["counted_by"]' netstat
	assert_json_is 'd[-1]["blind"] == d[0]["blind"]' true
}

@test "from the first drop to the alert it is at most one interval" {
	run "$PYTHON" "$RUNUP_SOURCE/tests/netns/latency.py" "$RUNUP" "$ns" 1000
	echo "$output"
	[[ $status -eq 0 ]]
	echo "# $output" >&3
}

@test "readings in a storm take no more memory than the first ones did" {
	runup_background watch --netns "$ns" watch --interval 10ms -o json
	watch_pid=$background_pid
	wait_until 10 started
	deaf_server "$ns" 9000 2
	overflow "$ns" 9000 8 &
	storm=$!
	rss() { awk '/^VmRSS:/ { print $2 }' "/proc/$watch_pid/status"; }
	sleep 2
	flood_sleeper
	early=$(rss)
	for _ in 1 2 3 4 5 6; do flood_sleeper; done
	late=$(rss)
	wait "$storm"
	watch_end
	assert_exit 1
	assert_json_is 'len(where(d, type="sample")) > 400' true
	echo "# resident: $early KiB after 2 s, $late KiB at the end" >&3
	[[ $late -le $((early + 128)) ]]
}
