#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What is read from a command line against what the generator then does: connections that it opens.

load ../lib/runup
load ../lib/netns

teardown() {
	runup_teardown
}

connections() { # NS PORT: open ones, as the server has them
	netns_exec "$1" ss -Htn state established "sport = :$2" | wc -l
}

# The most that were open at once while the command ran. Samples of a second would do: all of these
# keep their connections.
count_most() { # NS PORT COMMAND…
	local ns=$1 port=$2 most=0 now
	shift 2
	start_background load ip netns exec "$ns" env HOME="$BATS_TEST_TMPDIR" "$@"
	while kill -0 "$background_pid" 2>/dev/null; do
		now=$(connections "$ns" "$port")
		[[ $now -le $most ]] || most=$now
		sleep 0.05
	done
	printf '%s\n' "$most"
}

assert_reads_what_it_does() { # COMMAND…
	local said done_
	runup --netns "$ns" check -o json --only ports.range -- "$@"
	assert_exit 0
	said=$(json_get 'd["load"]["connections"]')
	done_=$(count_most "$ns" 8080 "$@")
	[[ $done_ -ge $((said - ${fewer:-0})) && $done_ -le $((said + ${probes:-0})) ]] || {
		cat "$BATS_TEST_TMPDIR/load.out" "$BATS_TEST_TMPDIR/load.err"
		echo "$*: said $said, opened $done_"
		return 1
	}
}

start_server() {
	need_root
	need_command nginx ss
	ns=$(netns_make)
	nginx_start "$ns" 8080 4096 "$BATS_TEST_TMPDIR/nginx"
}

@test "wrk opens as many connections as its command line is read to say" {
	need_command wrk
	start_server
	# It tries the address with a connection of its own first, which may be there a moment longer.
	local probes=1
	assert_reads_what_it_does wrk -c 40 -t 2 -d 1s http://127.0.0.1:8080/
	# 10 / 4 = 2 for each thread, and so 8.
	assert_reads_what_it_does wrk -c10 --thr=4 -d1 http://127.0.0.1:8080/
	# Like wrk, its URL may stand in front.
	assert_reads_what_it_does wrk http://127.0.0.1:8080/ -d1s
}

@test "hey opens as many connections as its command line is read to say" {
	need_command hey
	start_server
	# Slowly: nginx closes a connection after 1000 requests, and Go dials the next one early. A
	# worker whose first request finds a connection that is idle already opens none of its own.
	local fewer=12 probes=3
	assert_reads_what_it_does hey -z 1s -q 20 -c 30 http://127.0.0.1:8080/
	# What stands behind the URL is not read by it: 50 by default.
	assert_reads_what_it_does hey -z 1s -q 10 http://127.0.0.1:8080/ -c 9
}

@test "h2load opens as many connections as its command line is read to say" {
	need_command h2load
	start_server
	assert_reads_what_it_does h2load --h1 -D 1 --cli=30 -t2 http://127.0.0.1:8080/
	assert_reads_what_it_does h2load --h1 -D 1 -c9 --connect-to=127.0.0.1 http://example.org:8080/
}

@test "ab opens as many connections as its command line is read to say" {
	need_command ab
	start_server
	assert_reads_what_it_does ab -k -t 1 -n 900000 -c 30 http://127.0.0.1:8080/
	assert_reads_what_it_does ab -kqt1 -n900000 -c7x 127.0.0.1:8080/
}

@test "siege opens as many connections as its command line is read to say" {
	need_command siege
	start_server
	mkdir -p "$BATS_TEST_TMPDIR/.siege"
	printf 'connection = keep-alive\nlimit = 255\nparser = false\n' >"$BATS_TEST_TMPDIR/.siege/siege.conf"
	assert_reads_what_it_does siege -b -c 30 -t 1S http://127.0.0.1:8080/
}

@test "run sizes its preflight by the command, and starts it when all is well" {
	need_command wrk
	start_server
	netns_exec "$ns" sysctl -q -w net.ipv4.ip_local_port_range='40000 40099'
	runup --netns "$ns" run --report "$BATS_TEST_TMPDIR/report" -- \
		ip netns exec "$ns" wrk -c 200 -t 2 -d 1s http://127.0.0.1:8080/
	assert_exit 120
	assert_err '^fail +ports.range'
	runup --netns "$ns" run --report "$BATS_TEST_TMPDIR/report2" -- \
		ip netns exec "$ns" wrk -c 40 -t 2 -d 1s http://127.0.0.1:8080/
	[[ $status -ne 120 ]]
	assert_out '^Requests/sec'
	load_json run "$BATS_TEST_TMPDIR/report2/run.json"
	assert_json_is 'd["load"]["connections"]' 40
	assert_json_is 'd["command"]["exit_code"]' 0
}
