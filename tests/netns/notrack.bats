#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# [conntrack] notrack: a service's packets go untracked, with real connections, and back.

load ../lib/runup
load ../lib/netns

setup() {
	need_root
	need_command ip nft iptables-nft iptables-legacy conntrack
	ns=$(netns_make)
	profile=$(notrack_profile 'tcp:8080')
	# The namespace tracks, by a rule that is not about TCP.
	netns_exec "$ns" nft add table inet filter '{ chain in { type filter hook input priority 0; udp dport 9 ct state new accept; }; }'
	netns_exec "$ns" nft list ruleset >"$BATS_TEST_TMPDIR/before"
}

notrack_profile() { # SERVICES: prints the path
	make_profile "n${1//[^a-z0-9]/-}" <<-INI
		[profile]
		summary = Not tracked
		[conntrack]
		notrack = $1
	INI
}

rules_are_as_before() {
	netns_exec "$ns" nft list ruleset | diff "$BATS_TEST_TMPDIR/before" -
}

# One request and its answer on loopback; prints the entries that it made.
tracks() { # ADDRESS PORT [udp]
	netns_exec "$ns" conntrack -F >/dev/null 2>&1
	netns_exec "$ns" /usr/bin/python3 - "$@" <<-'PY' || return 1
		import socket, sys, threading
		family = socket.AF_INET6 if ":" in sys.argv[1] else socket.AF_INET
		kind = socket.SOCK_DGRAM if sys.argv[3:] else socket.SOCK_STREAM
		server = socket.socket(family, kind)
		server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
		server.bind((sys.argv[1], int(sys.argv[2])))
		def answer():
		    if kind == socket.SOCK_DGRAM:
		        data, peer = server.recvfrom(10)
		        server.sendto(b"pong", peer)
		        return
		    server.listen(1)
		    peer, _ = server.accept()
		    peer.recv(10)
		    peer.sendall(b"pong")
		    peer.close()
		if kind == socket.SOCK_STREAM:
		    server.listen(1)
		threading.Thread(target=answer, daemon=True).start()
		client = socket.socket(family, kind)
		client.settimeout(5)
		client.connect((sys.argv[1], int(sys.argv[2])))
		client.sendall(b"ping")
		assert client.recv(10) == b"pong"
	PY
	netns_exec "$ns" cat /proc/sys/net/netfilter/nf_conntrack_count
}

@test "no entry either way, by IPv4 and IPv6; rollback leaves the rules as they were" {
	local address
	[[ $(tracks 127.0.0.1 8080) -gt 0 ]]
	runup --netns "$ns" apply "$profile" -o json
	assert_exit 0
	assert_json_is '[(c["kind"], c["key"], c["before"], c["after"]) for c in d["changes"]]' \
		'[["notrack", "tcp:8080", "tracked", "untracked"]]'
	for address in 127.0.0.1 ::1; do
		[[ $(tracks "$address" 8080) == 0 ]]
		[[ $(tracks "$address" 8081) -gt 0 ]]
	done
	runup --netns "$ns" apply "$profile"
	assert_exit 0
	assert_out 'nothing to write'
	runup --netns "$ns" check --only conntrack.capacity -o json --role server --connections 1000000 --port 8080
	assert_json_is 'one(d["findings"], subject="room for the load")["status"]' na
	runup status
	assert_out 'in force *tcp:8080'
	runup rollback
	assert_exit 0
	rules_are_as_before
	[[ $(tracks 127.0.0.1 8080) -gt 0 ]]
}

@test "a server and its load go on while their packets go untracked, and tracked again" {
	need_command nginx wrk
	nginx_start "$ns" 8080 511 "$BATS_TEST_TMPDIR/nginx"
	ip netns exec "$ns" wrk -t1 -c20 -d3s http://127.0.0.1:8080/ >"$BATS_TEST_TMPDIR/wrk" &
	local load=$!
	sleep 0.5
	runup --netns "$ns" apply "$profile"
	assert_exit 0
	sleep 0.7
	runup rollback
	assert_exit 0
	wait "$load"
	run cat "$BATS_TEST_TMPDIR/wrk"
	[[ $output == *requests* && $output != *'Socket errors'* && $output != *'Non-2xx'* ]] || show "$output"
	rules_are_as_before
}

@test "from another host: neither the server's side nor the client's is tracked" {
	local other
	other=$(netns_make)
	ip -n "$ns" link add v0 type veth peer name v0 netns "$other"
	ip -n "$ns" addr add 10.9.0.1/24 dev v0
	ip -n "$other" addr add 10.9.0.2/24 dev v0
	ip -n "$ns" link set v0 up
	ip -n "$other" link set v0 up
	runup --netns "$ns" apply "$profile"
	assert_exit 0
	netns_exec "$ns" conntrack -F
	# $1 serves, $2 asks: once with the tuned namespace as the server, once as the client.
	ask() { # SERVER-NS ADDRESS CLIENT-NS
		start_background "server-$1" ip netns exec "$1" /usr/bin/python3 -c \
			"import socket; s=socket.create_server(('$2', 8080)); c,_=s.accept(); c.recv(9); c.sendall(b'pong'); c.close()"
		wait_for_port "$1" 8080
		ip netns exec "$3" /usr/bin/python3 -c \
			"import socket; s=socket.create_connection(('$2', 8080), timeout=5); s.sendall(b'ping'); assert s.recv(9) == b'pong'"
	}
	ask "$ns" 10.9.0.1 "$other"
	ask "$other" 10.9.0.2 "$ns"
	# Neighbour discovery and the like may be tracked; port 8080 is not.
	run netns_exec "$ns" conntrack -L -p tcp
	[[ $output != *port=8080* ]] || show "$output"
}

@test "UDP, several services, and changesets that stack" {
	local both
	both=$(notrack_profile 'tcp:8080, udp:5353')
	runup --netns "$ns" apply "$profile"
	assert_exit 0
	local first
	netns_exec "$ns" nft list ruleset >"$BATS_TEST_TMPDIR/first"
	runup --netns "$ns" apply "$both" -o json
	assert_exit 0
	assert_json_is '[c["result"] for c in d["changes"]]' '["satisfied", "written"]'
	first=$(json_get 'd["changeset"]')
	[[ $(tracks 127.0.0.1 5353 udp) == 0 ]]
	[[ $(tracks 127.0.0.1 8080) == 0 ]]
	[[ $(tracks 127.0.0.1 5353) -gt 0 ]]
	runup rollback "$first"
	assert_exit 0
	netns_exec "$ns" nft list ruleset | diff "$BATS_TEST_TMPDIR/first" -
	[[ $(tracks 127.0.0.1 5353 udp) -gt 0 ]]
	runup rollback
	assert_exit 0
	rules_are_as_before
}

@test "refused where a rule asks for the connection or translates addresses, and the rule is named" {
	local rule name
	while IFS='|' read -r rule name; do
		# shellcheck disable=SC2086 # words of a command
		netns_exec "$ns" $rule
		netns_exec "$ns" nft list ruleset >"$BATS_TEST_TMPDIR/rules"
		runup --netns "$ns" apply "$profile"
		assert_exit 3
		assert_one_error "$name"
		netns_exec "$ns" nft list ruleset | diff "$BATS_TEST_TMPDIR/rules" -
		netns_exec "$ns" nft flush ruleset
		netns_exec "$ns" iptables-legacy -F
		netns_exec "$ns" iptables-legacy -t nat -F
		netns_exec "$ns" nft -f "$BATS_TEST_TMPDIR/before"
	done <<-'RULES'
		nft add rule inet filter in ct state established,related accept|inet filter in handle [0-9]+ \(ct state\)
		nft add rule inet filter in tcp dport { 22, 8000-9000 } ct state new accept|inet filter in handle [0-9]+ \(ct state\)
		nft add rule inet filter in tcp sport 8080 ct mark 1|\(ct mark\)
		iptables-nft -A INPUT -m conntrack --ctstate ESTABLISHED -j ACCEPT|ip filter INPUT handle [0-9]+ \(-m conntrack\)
		iptables-nft -t nat -A PREROUTING -p tcp --dport 8080 -j REDIRECT --to-ports 80|ip nat PREROUTING .*\(-j REDIRECT\)
		iptables-nft -t nat -A POSTROUTING -o eth0 -j MASQUERADE|ip nat POSTROUTING .*\(-j MASQUERADE\)
		iptables-legacy -A FORWARD -m state --state NEW|iptables filter FORWARD rule 1 \(-m
		iptables-legacy -t nat -A POSTROUTING -o eth0 -j MASQUERADE|iptables nat POSTROUTING rule 1 \(-j MASQUERADE\)
	RULES
	[[ ! -e $state/changesets ]] || [[ -z $(ls -A "$state/changesets") ]]
}

@test "rules about other services are not in the way" {
	netns_exec "$ns" nft add rule inet filter in tcp dport 22 ct state new accept
	netns_exec "$ns" iptables-nft -A INPUT -p tcp -m multiport --dports 22,443 -m conntrack --ctstate NEW -j ACCEPT
	netns_exec "$ns" iptables-legacy -A INPUT -p udp -m state --state NEW -j ACCEPT
	netns_exec "$ns" iptables-nft -t nat -A PREROUTING -p tcp --dport 9090 -j REDIRECT --to-ports 80
	netns_exec "$ns" nft list ruleset >"$BATS_TEST_TMPDIR/before"
	runup --netns "$ns" apply "$profile"
	assert_exit 0
	[[ $(tracks 127.0.0.1 8080) == 0 ]]
	runup rollback
	assert_exit 0
	rules_are_as_before
}

@test "a table of somebody else's by that name is never touched" {
	netns_exec "$ns" nft add table inet runup_tcp_8080 '{ chain mine { tcp dport 1 accept; }; }'
	netns_exec "$ns" nft list ruleset >"$BATS_TEST_TMPDIR/before"
	runup --netns "$ns" apply "$profile"
	assert_exit 3
	assert_one_error "'runup_tcp_8080'"
	rules_are_as_before
	# Nor one that took the name while the changeset was open.
	netns_exec "$ns" nft delete table inet runup_tcp_8080
	runup --netns "$ns" apply "$profile"
	assert_exit 0
	netns_exec "$ns" nft delete table inet runup_tcp_8080
	netns_exec "$ns" nft -f "$BATS_TEST_TMPDIR/before" 2>/dev/null || true
	netns_exec "$ns" nft list ruleset >"$BATS_TEST_TMPDIR/before"
	runup rollback --force
	[[ $status != 0 ]]
	rules_are_as_before
}

@test "drift: flushed, added to, switched off or deleted" {
	local change
	for change in \
		'flush table inet runup_tcp_8080' \
		'add rule inet runup_tcp_8080 output counter' \
		'add chain inet runup_tcp_8080 more' \
		'add set inet runup_tcp_8080 s { type ipv4_addr; }' \
		'add table inet runup_tcp_8080 { flags dormant; }' \
		'insert rule inet runup_tcp_8080 prerouting tcp dport 8080 accept'; do
		runup --netns "$ns" apply "$profile"
		assert_exit 0
		netns_exec "$ns" nft "$change"
		netns_exec "$ns" nft list ruleset >"$BATS_TEST_TMPDIR/drifted"
		runup status
		assert_exit 1
		assert_out 'drifted *tcp:8080'
		runup rollback --dry-run
		assert_exit 1
		netns_exec "$ns" nft list ruleset | diff "$BATS_TEST_TMPDIR/drifted" - || show "$change"
		runup rollback --force
		assert_exit 0 || show "$change"
		rules_are_as_before || show "$change"
	done
	runup --netns "$ns" apply "$profile"
	netns_exec "$ns" nft delete table inet runup_tcp_8080
	runup status
	assert_out 'somebody has set it back'
	runup rollback
	assert_exit 0
	rules_are_as_before
}

@test "what is no service is an error with file and line, and nothing is done" {
	local bad
	for bad in 8080 tcp:0 tcp:080 tcp:70000 'sctp:80' 'tcp:8080 flush' 'tcp:80;udp:1' '>= tcp:80' 'tcp:80, tcp:80' ','; do
		profile=$(notrack_profile "$bad")
		runup --netns "$ns" apply "$profile"
		assert_exit 2
		assert_one_error ':4: '
	done
	rules_are_as_before
}

@test "rollback is not held up by rules that came later" {
	runup --netns "$ns" apply "$profile"
	assert_exit 0
	netns_exec "$ns" nft add rule inet filter in ct state established accept
	runup --netns "$ns" apply "$profile"
	assert_exit 0
	runup rollback
	assert_exit 0
	runup --netns "$ns" apply "$profile" --dry-run
	assert_exit 3
	assert_one_error '\(ct state\)'
}

@test "without the privilege it says so" {
	share_temp
	run_command ip netns exec "$ns" setpriv --reuid 65534 --clear-groups --inh-caps=-all \
		"$RUNUP_BUILD/runup" apply "$profile" --dry-run
	assert_exit 3
	assert_one_error 'CAP_NET_ADMIN'
}
