#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Is connection tracking active in a namespace, and does it see the load's traffic? What runup says
# of the rules is compared with what the kernel does: entries, or none.

load ../lib/runup
load ../lib/netns

setup() {
	need_root
	need_command ip nft iptables-nft iptables-legacy conntrack
	ns=$(netns_make)
}

# The status of the load's room in the table; `observed` and `why` go to $said.
room() { # STATUS ARGS…
	local want=$1
	shift
	runup --netns "$ns" check --only conntrack.capacity -o json --connections 1000000 "$@"
	assert_json_is 'one(d["findings"], subject="room for the load")["status"]' "$want"
	# shellcheck disable=SC2034 # read by the tests
	said=$(json_get '[one(d["findings"], subject="room for the load")[k] or "" for k in ("observed", "why")]')
}

entries() {
	netns_exec "$ns" cat /proc/sys/net/netfilter/nf_conntrack_count
}

# A request and its answer on loopback, of the family that the address tells.
talk() { # ADDRESS PORT
	netns_exec "$ns" /usr/bin/python3 - "$@" <<-'PY'
		import socket, sys, threading
		family = socket.AF_INET6 if ":" in sys.argv[1] else socket.AF_INET
		server = socket.socket(family)
		server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
		server.bind((sys.argv[1], int(sys.argv[2])))
		server.listen(1)
		def answer():
		    peer, _ = server.accept()
		    peer.recv(10)
		    peer.sendall(b"pong")
		    peer.close()
		threading.Thread(target=answer, daemon=True).start()
		client = socket.create_connection((sys.argv[1], int(sys.argv[2])), timeout=5)
		client.sendall(b"ping")
		assert client.recv(10) == b"pong"
	PY
}

# What the kernel does with a connection: prints how many entries it makes.
tracks() { # ADDRESS PORT
	netns_exec "$ns" conntrack -F >/dev/null 2>&1
	talk "$@" || return 1
	entries
}

@test "a namespace where nothing asks for tracking has none" {
	room na --role server --port 8080
	[[ $said == *'not active in this network namespace'* ]]
	[[ $(tracks 127.0.0.1 8080) == 0 ]]
	runup --netns "$ns" capacity -o json --connections 1000000 --role server --port 8080
	assert_json_is 'one(d["resources"], resource="conntrack")["state"]' na
	runup --netns "$ns" check -v --only conntrack.capacity
	assert_out 'connection tracking is not active'
}

@test "rules that use tracking switch it on, whichever tool wrote them" {
	local rule
	for rule in \
		'nft add rule inet t in ct state new accept' \
		'nft add rule inet t in ct mark set 1' \
		'nft add rule inet t in tcp dport 9 ct count over 9 drop' \
		'nft add rule ip n post oifname eth0 masquerade' \
		'nft add rule inet t free ct state established' \
		'iptables-nft -A INPUT -m conntrack --ctstate NEW' \
		'iptables-nft -A INPUT -p tcp --dport 22 -m state --state NEW' \
		'iptables-nft -t nat -A POSTROUTING -o eth0 -j MASQUERADE' \
		'iptables-nft -t nat -A PREROUTING -p tcp --dport 80 -j REDIRECT --to-ports 8080' \
		'iptables-nft -t mangle -A INPUT -j CONNMARK --set-mark 1' \
		'iptables-legacy -A INPUT -m conntrack --ctstate NEW' \
		'iptables-legacy -A FORWARD -m state --state NEW' \
		'iptables-legacy -t nat -A POSTROUTING -o eth0 -j MASQUERADE' \
		'iptables-legacy -t raw -A PREROUTING -p tcp --dport 9 -j CT --zone 3'; do
		netns_teardown
		ns=$(netns_make)
		netns_exec "$ns" nft -f - <<-'NFT'
			table inet t {
				chain in { type filter hook input priority 0; }
				chain free { }
			}
			table ip n {
				chain post { type nat hook postrouting priority 100; }
			}
		NFT
		room na --role server --port 8080
		# shellcheck disable=SC2086 # words of a command
		netns_exec "$ns" $rule
		room fail --role server --port 8080 || show "$rule"
		[[ $(tracks 127.0.0.1 8080) -gt 0 ]] || show "the kernel does not track for: $rule"
	done
}

@test "rules that do not use tracking leave it off" {
	netns_exec "$ns" nft -f - <<-'NFT'
		table inet t {
			chain in { type filter hook input priority 0; tcp dport { 22, 80 } counter accept; }
			chain raw { type filter hook prerouting priority raw; tcp dport 9 notrack; }
			chain nat { type nat hook output priority -100; }
		}
	NFT
	netns_exec "$ns" iptables-legacy -A INPUT -p tcp --dport 80 -m comment --comment x -j ACCEPT
	netns_exec "$ns" iptables-legacy -t raw -A PREROUTING -p tcp --dport 80 -j NOTRACK
	netns_exec "$ns" ip6tables-legacy -A INPUT -p tcp --syn -j LOG
	netns_exec "$ns" iptables-nft -A INPUT -p tcp -m multiport --dports 1,2:5 -j ACCEPT
	room na --role server --port 8080
	[[ $(tracks 127.0.0.1 8080) == 0 ]]
}

@test "entries alone show that it is active" {
	netns_exec "$ns" nft add table inet t '{ chain in { type filter hook input priority 0; ct state new accept; }; }'
	talk 127.0.0.1 8080
	netns_exec "$ns" nft flush ruleset
	[[ $(entries) -gt 0 ]]
	room fail --role server --port 8080
}

# The namespace tracks; then rules that take port 8080 out of it, by each tool.
tracking() {
	netns_exec "$ns" nft add table inet t '{ chain in { type filter hook input priority 0; ct state new accept; }; }'
}

@test "notrack: nft, both ways, both families" {
	tracking
	room fail --role server --port 8080
	netns_exec "$ns" nft -f - <<-'NFT'
		table inet raw {
			set ports { type inet_service; flags interval; elements = { 7000-7100, 8080 } }
			chain pre {
				type filter hook prerouting priority raw
				udp dport 53 accept
				tcp dport @ports counter notrack
				tcp sport { 8080, 9090 } notrack
			}
			chain out {
				type filter hook output priority raw
				meta l4proto tcp th sport 8000-8100 notrack
			}
		}
	NFT
	room na --role server --port 8080
	[[ $said == *'inet raw pre handle '*'(notrack)'* ]]
	room fail --role server --port 8101
	room fail --role server --port 8080,8101
	# A client here sends to the port: that is not taken out yet.
	room fail --role generator --source-ips 100 --target 127.0.0.1:8080
	[[ $(tracks 127.0.0.1 8080) -gt 0 ]]
	netns_exec "$ns" nft add rule inet raw out tcp dport 8080 notrack
	room na --role generator --source-ips 100 --target 127.0.0.1:8080
	[[ $(tracks 127.0.0.1 8080) == 0 ]]
	[[ $(tracks ::1 8080) == 0 ]]
	[[ $(tracks 127.0.0.1 8101) -gt 0 ]]
	# Switched off with its table, it is none.
	netns_exec "$ns" nft 'add table inet raw { flags dormant; }'
	room fail --role server --port 8080
	[[ $(tracks 127.0.0.1 8080) -gt 0 ]]
}

@test "notrack: one way, one family, one source or a way around it is not enough" {
	local rules
	tracking
	for rules in \
		'chain pre { type filter hook prerouting priority raw; tcp dport 8080 notrack; }' \
		'chain pre { type filter hook prerouting priority raw; meta nfproto ipv4 tcp dport 8080 notrack; }
		 chain out { type filter hook output priority raw; tcp sport 8080 notrack; }' \
		'chain pre { type filter hook prerouting priority raw; ip saddr 10.0.0.0/8 tcp dport 8080 notrack; }
		 chain out { type filter hook output priority raw; tcp sport 8080 notrack; }' \
		'chain pre { type filter hook prerouting priority raw; tcp dport 8000-9000 accept; tcp dport 8080 notrack; }
		 chain out { type filter hook output priority raw; tcp sport 8080 notrack; }' \
		'chain pre { type filter hook prerouting priority 0; tcp dport 8080 notrack; }
		 chain out { type filter hook output priority raw; tcp sport 8080 notrack; }' \
		'chain pre { type filter hook prerouting priority raw; udp dport 8080 notrack; }
		 chain out { type filter hook output priority raw; udp sport 8080 notrack; }' \
		'chain pre { type filter hook prerouting priority raw; tcp dport != 8080 notrack; }
		 chain out { type filter hook output priority raw; tcp sport 8080 notrack; }'; do
		netns_exec "$ns" nft -f - <<<"table inet raw { $rules
		}"
		room fail --role server --port 8080 || show "$rules"
		netns_exec "$ns" nft delete table inet raw
	done
}

@test "notrack: iptables of both kinds" {
	local kind
	tracking
	for kind in nft legacy; do
		netns_exec "$ns" "iptables-$kind" -t raw -A PREROUTING -p tcp -m multiport --dports 22,8000:8100 -j CT --notrack
		netns_exec "$ns" "iptables-$kind" -t raw -A OUTPUT -p tcp --sport 8080 -j NOTRACK
		# ::1 is in this namespace, so IPv6 counts.
		room fail --role server --port 8080
		netns_exec "$ns" "ip6tables-$kind" -t raw -A PREROUTING -p tcp --dport 8080 -m comment --comment x -j CT --notrack
		netns_exec "$ns" "ip6tables-$kind" -t raw -A OUTPUT -p tcp --sport 8080 -j CT --notrack
		room na --role server --port 8080
		[[ $said == *'raw PREROUTING '*'(-j CT --notrack)'* ]]
		netns_exec "$ns" "iptables-$kind" -t raw -I OUTPUT -p tcp --sport 8000:8090 -j ACCEPT
		room fail --role server --port 8080
		netns_exec "$ns" "iptables-$kind" -t raw -F
		netns_exec "$ns" "ip6tables-$kind" -t raw -F
	done
}

@test "notrack: of a target that is an IPv4 address, IPv4 is enough" {
	tracking
	netns_exec "$ns" iptables-nft -t raw -A PREROUTING -p tcp --sport 80 -j CT --notrack
	netns_exec "$ns" iptables-nft -t raw -A OUTPUT -p tcp --dport 80 -j CT --notrack
	room na --role generator --source-ips 100 --target 192.0.2.1:80
	room fail --role generator --source-ips 100 --target example.org:80
	room fail --role generator --source-ips 100 --target '[2001:db8::1]:80'
	room fail --role proxy --source-ips 100 --target 192.0.2.1:80
}

@test "who may not read the rules is told so, and only where it matters" {
	run_command ip netns exec "$ns" setpriv --reuid 65534 --clear-groups --inh-caps=-all \
		"$RUNUP_BUILD/runup" check --only conntrack.capacity --role server --connections 1000000
	assert_exit 3
	assert_out 'unknown  *conntrack.capacity'
	assert_out 'CAP_NET_ADMIN'
	run_command ip netns exec "$ns" setpriv --reuid 65534 --clear-groups --inh-caps=-all \
		"$RUNUP_BUILD/runup" check --only conntrack.capacity --role server --connections 10
	assert_exit 0
	tracking
	talk 127.0.0.1 8080
	run_command ip netns exec "$ns" setpriv --reuid 65534 --clear-groups --inh-caps=-all \
		"$RUNUP_BUILD/runup" check --only conntrack.capacity --role server --connections 1000000
	assert_exit 1
}

@test "long chains do not matter where nothing is tracked" {
	local many=(--connections 3000000 --role server --port 8080 --only conntrack.buckets -o json)
	runup --netns "$ns" check "${many[@]}"
	assert_json_is 'one(d["findings"], subject="chains under the load")["status"]' na
	tracking
	runup --netns "$ns" check "${many[@]}"
	assert_json_is 'one(d["findings"], subject="chains under the load")["status"]' warn
}

# What the sum of the ports says of NAT for a generator toward 10.9.0.2: "" nothing, else the verb.
says_nat() { # ARGS…
	runup --netns "$ns" capacity -o json --role generator --connections 1000 "$@"
	ports=$(json_get 'one(d["resources"], resource="ports")["limit"]')
	memory=$(json_get "'with NAT' in one(d['resources'], resource='conntrack')['arithmetic']")
	grep -oE 'the rule [^;]* (may translate|translates) the load' <<<"$output" | grep -oE 'may translate|translates' || true
}

# Whose address the server at 10.9.0.2 sees when a client connects from 10.9.0.5.
seen_from() { # PORT
	netns_exec "$peer" /usr/bin/python3 -c 'import socket, sys
s = socket.create_server(("10.9.0.2", int(sys.argv[1])))
s.settimeout(10)
print(s.accept()[1][0])' "$1" >"$BATS_TEST_TMPDIR/seen" &
	local server=$!
	wait_for_port "$peer" "$1"
	netns_exec "$ns" /usr/bin/python3 -c 'import socket, sys
socket.create_connection(("10.9.0.2", int(sys.argv[1])), 5, ("10.9.0.5", 0))' "$1"
	wait "$server"
	cat "$BATS_TEST_TMPDIR/seen"
}

@test "NAT: which rule translates the load, as the kernel does, and what that does to the sums" {
	peer=$(netns_make)
	ip -n "$ns" link add out type veth peer name in netns "$peer"
	ip -n "$ns" link set out up
	ip -n "$peer" link set in up
	ip -n "$ns" addr add 10.9.0.1/24 dev out
	ip -n "$ns" addr add 10.9.0.5/24 dev out
	ip -n "$peer" addr add 10.9.0.2/24 dev in
	local rule verb shared range kind target=(--target 10.9.0.2:80 --source-ips 10)
	range=$(netns_exec "$ns" sysctl -n net.ipv4.ip_local_port_range | awk '{ print $2 - $1 + 1 }')
	# Rule; what is said of port 80; is the limit the share of ten sources?
	while IFS='|' read -r rule verb shared; do
		netns_exec "$ns" nft -f - <<-NFT
			table ip n {
				chain post { type nat hook postrouting priority 100; $rule; }
				chain pre { type nat hook prerouting priority -100; }
			}
			table inet t { chain in { type filter hook input priority 0; ct state new accept; }; }
		NFT
		says_nat "${target[@]}" >"$BATS_TEST_TMPDIR/verb"
		[[ $(cat "$BATS_TEST_TMPDIR/verb") == "$verb" ]] || show "$rule: said '$(cat "$BATS_TEST_TMPDIR/verb")'"
		[[ $ports == "$([[ $shared ]] && echo 6451 || echo "$range")" ]] || show "$rule: $ports ports"
		[[ $memory == "$([[ $verb ]] && echo true || echo false)" ]] || show "$rule: with NAT: $memory"
		case $verb in
		translates) [[ $(seen_from 80) == 10.9.0.1 ]] || show "the kernel does not: $rule" ;;
		'') [[ $(seen_from 80) == 10.9.0.5 ]] || show "the kernel does: $rule" ;;
		esac
		netns_exec "$ns" nft flush ruleset
	done <<-'END'
		masquerade|translates|shared
		tcp dport { 80, 443 } masquerade|translates|shared
		tcp dport 80 snat to 10.9.0.1|translates|
		oifname "out" masquerade|may translate|
		tcp dport 80 ip daddr 10.0.0.0/8 accept; masquerade|may translate|
		tcp dport 443 accept; masquerade|translates|shared
		tcp dport 443 masquerade|
		udp dport 80 masquerade|
		counter|
	END
	for kind in nft legacy; do
		netns_exec "$ns" "iptables-$kind" -t nat -A POSTROUTING -p tcp --dport 80 -j MASQUERADE
		[[ $(says_nat "${target[@]}") == translates ]]
		[[ $(seen_from 80) == 10.9.0.1 ]]
		[[ -z $(says_nat --target 10.9.0.2:81 --source-ips 10) ]]
		netns_exec "$ns" "iptables-$kind" -t nat -F
		netns_exec "$ns" "iptables-$kind" -t nat -A POSTROUTING -o out -j MASQUERADE
		[[ $(says_nat "${target[@]}") == 'may translate' ]]
		netns_exec "$ns" "iptables-$kind" -t nat -F
		netns_exec "$ns" "iptables-$kind" -t nat -A PREROUTING -p tcp --dport 80 -j REDIRECT --to-ports 81
		[[ -z $(says_nat "${target[@]}") ]]
		runup --netns "$ns" capacity -o json --role server --port 80 --connections 1000
		assert_json_is "'with NAT' in one(d['resources'], resource='conntrack')['arithmetic']" true
		runup --netns "$ns" capacity -o json --role server --port 8080 --connections 1000
		assert_json_is "'with NAT' in one(d['resources'], resource='conntrack')['arithmetic']" false
		netns_exec "$ns" "iptables-$kind" -t nat -F
	done
}
