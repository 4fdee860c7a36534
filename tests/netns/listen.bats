#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# [listen]: the limit in force of live listeners, changed without a restart and put back.

load ../lib/runup
load ../lib/netns

setup() {
	need_root
	need_command ip ss nstat
	ns=$(netns_make)
	netns_exec "$ns" sysctl -qw net.core.somaxconn=8192
	cat >"$BATS_TEST_TMPDIR/server.py" <<-'PY'
		"""Listens at each FAMILY:ADDRESS:SOCKETS:BACKLOG, port 8080; on USR1 listens again with 300."""
		import signal, socket, sys
		sockets = []
		for spec in sys.argv[1:]:
		    family, address, count, backlog = spec.split(",")
		    for i in range(int(count)):
		        s = socket.socket(socket.AF_INET6 if family == "6" else socket.AF_INET)
		        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
		        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
		        if family == "6":
		            s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
		        s.bind((address, 8080))
		        s.listen(int(backlog))
		        sockets.append(s)
		signal.signal(signal.SIGUSR1, lambda *_: [s.listen(300) for s in sockets])
		print("ready", flush=True)
		while True:
		    signal.pause()
	PY
}

serve() { # SPEC…: sets $server
	start_background server ip netns exec "$ns" "${AS_USER[@]}" "$PYTHON" "$BATS_TEST_TMPDIR/server.py" "$@"
	server=$background_pid
	wait_until 5 grep -q ready "$BATS_TEST_TMPDIR/server.out"
}

limits() { # every listener of the port, in order of size: "100 100 50"
	netns_exec "$ns" ss -Hltn 'sport = :8080' | awk '{ print $3 }' | sort -rn | xargs
}

limits_are() { # LIMITS
	[[ $(limits) == "$1" ]]
}

profile() { # VALUE [KEY]: prints its path
	make_profile "p$RANDOM" <<-INI
		[listen]
		${2:-tcp:8080} = $1
	INI
}

apply() { # PROFILE LOAD…: sets $id
	runup --netns "$ns" apply "$@" -o json
	assert_exit 0
	assert_json apply
	id=$(json_get 'd["changeset"]')
}

overflows() {
	netns_exec "$ns" nstat -saz TcpExtListenOverflows | awk '/Overflows/ { print $2 }'
}

# As many connections at once as told, which nobody accepts; prints how many were lost.
burst() { # CONNECTIONS
	local before
	before=$(overflows)
	netns_exec "$ns" "$PYTHON" - "$1" <<-'PY'
		import errno, socket, sys, time
		s = [socket.socket() for i in range(int(sys.argv[1]))]
		for c in s:
		    c.setblocking(False)
		    c.connect_ex(("127.0.0.1", 8080))
		time.sleep(0.3)
	PY
	echo $(($(overflows) - before))
}

@test "nginx, master and worker: a burst overflows, is held after apply, overflows after rollback" {
	need_command nginx
	nginx_start "$ns" 8080 64 "$BATS_TEST_TMPDIR/nginx"
	mapfile -t nginx < <(ip netns pids "$ns")
	[[ ${#nginx[@]} -eq 2 ]]
	kill -STOP "${nginx[@]}"
	[[ $(burst 300) -ge 100 ]]
	apply "$(profile '>= 1000')"
	[[ $(limits) == 1000 ]]
	kill -CONT "${nginx[@]}"
	sleep 0.3 # what waits is accepted, and found closed
	kill -STOP "${nginx[@]}"
	[[ $(burst 300) -eq 0 ]]
	kill -CONT "${nginx[@]}"
	sleep 0.3
	kill -STOP "${nginx[@]}"
	runup rollback
	assert_exit 0
	[[ $(limits) == 64 ]]
	[[ $(burst 300) -ge 100 ]]
	kill -CONT "${nginx[@]}"
	nginx_stop "$BATS_TEST_TMPDIR/nginx"
}

@test "v4, v6 and each of a SO_REUSEPORT group of four; every one returns to its own" {
	serve 4,0.0.0.0,4,100 6,::,1,50
	apply "$(profile '>= 90')"
	[[ $(limits) == '100 100 100 100 90' ]]
	assert_json_is 'sum(c["result"] == "satisfied" for c in d["changes"])' 4
	apply "$(profile '>= 4000')"
	[[ $(limits) == '4000 4000 4000 4000 4000' ]]
	assert_json_is 'len(d["changes"])' 5
	runup --netns "$ns" apply "$(profile '>= 4000')"
	assert_exit 0
	assert_out 'nothing to write'
	runup rollback --all
	assert_exit 0
	[[ $(limits) == '100 100 100 100 50' ]]
}

@test "an address means the listeners that are bound to it" {
	serve 4,127.0.0.1,1,10 4,127.0.0.2,1,10 6,::1,1,10
	apply "$(profile '>= 200' tcp:127.0.0.2:8080)"
	assert_json_is 'len(d["changes"])' 1
	[[ $(json_get 'd["changes"][0]["key"]') == tcp:127.0.0.2:8080/* ]]
	apply "$(profile '>= 300' 'tcp:[::1]:8080')"
	[[ $(limits) == '300 200 10' ]]
	runup rollback --all
	[[ $(limits) == '10 10 10' ]]
}

@test "after somaxconn of the same profile; above it is an error that names it, nothing is written" {
	serve 4,0.0.0.0,1,100
	p=$(
		make_profile p <<-'INI'
			[listen]
			tcp:8080 = >= 20000
			[sysctl]
			net.core.somaxconn = >= 20000
		INI
	)
	apply "$p"
	[[ $(limits) == 20000 ]]
	runup rollback
	assert_exit 0
	[[ $(limits) == 100 ]]
	runup --netns "$ns" apply "$(profile '>= 20000')"
	assert_exit 3
	assert_one_error 'net.core.somaxconn is 8192 and caps it'
	[[ $(limits) == 100 ]]
	runup status
	assert_exit 0
}

@test "auto is the load's burst with head-room, a group's sockets share it" {
	serve 4,0.0.0.0,4,10 4,127.0.0.1,1,10
	apply "$(profile '>= auto' tcp:127.0.0.1:8080)" --role server --connections 3000
	alone=$(json_get 'd["changes"][0]["after"]')
	[[ $alone -ge 3000 ]]
	apply "$(profile '>= auto' tcp:0.0.0.0:8080)" --role server --connections 3000
	share=$(json_get 'd["changes"][0]["after"]')
	[[ $share -ge 750 && $share -lt $alone && $((share * 4)) -ge 3000 ]]
	[[ $(limits) == "$alone $share $share $share $share" ]]
	runup --netns "$ns" check --role server --port 8080 --connections 3000 --only listen.backlog
	assert_exit 0
}

@test "the server listens again: drift, left and named; --force returns it" {
	serve 4,0.0.0.0,1,100
	apply "$(profile '>= 4000')"
	kill -USR1 "$(ip netns pids "$ns")"
	wait_until 5 limits_are 300
	runup status
	assert_exit 1
	assert_out '^drifted +tcp:0.0.0.0:8080/'
	runup rollback
	assert_exit 1
	[[ $(limits) == 300 ]]
	runup rollback --force "$id"
	assert_exit 0
	[[ $(limits) == 100 ]]
}

@test "the socket is gone, and its port another's: gone, nothing is written" {
	serve 4,0.0.0.0,1,100
	apply "$(profile '>= 4000')"
	stop_process "$server"
	runup status -o json
	assert_json_is 'd["changesets"][0]["changes"][0]["result"]' gone
	serve 4,0.0.0.0,1,4000
	runup rollback -o json
	assert_exit 0
	assert_json_is 'd["changesets"][0]["changes"][0]["result"]' gone
	[[ $(limits) == 4000 ]]
}

@test "stacked changesets, the first one rolled back first" {
	serve 4,0.0.0.0,1,100
	apply "$(profile '>= 1000')"
	first=$id
	apply "$(profile '>= 2000')"
	runup rollback "$first"
	assert_exit 0
	[[ $(limits) == 2000 ]]
	runup rollback
	assert_exit 0
	[[ $(limits) == 100 ]]
}

@test "killed before, between and behind the writes: rollback returns every one" {
	need_command strace
	serve 4,0.0.0.0,4,100
	p=$(profile '>= 4000')
	for call in fsync:when=1 listen:when=1 listen:when=3 pidfd_getfd:when=6 pidfd_getfd:when=8 write:when=6; do
		run_command strace -f -o "$BATS_TEST_TMPDIR/trace" -e "inject=${call%%:*}:signal=KILL:${call#*:}" \
			"$RUNUP" --netns "$ns" apply "$p"
		[[ $status -eq 137 ]] || show "not killed at $call"
		runup rollback
		assert_exit 0
		[[ $(limits) == '100 100 100 100' ]] || show "after $call: $(limits)"
		runup status
		assert_exit 0
	done
}

@test "without CAP_SYS_PTRACE another user's server is refused, and what it takes is said" {
	need_command setpriv
	share_temp
	AS_USER=(setpriv --reuid 65534 --regid 65534 --clear-groups)
	serve 4,0.0.0.0,1,100
	p=$(profile '>= 4000')
	run_command setpriv --inh-caps -sys_ptrace --bounding-set -sys_ptrace "$RUNUP" --netns "$ns" apply "$p"
	assert_exit 3
	assert_one_error 'cap_sys_ptrace'
	[[ $(limits) == 100 ]]
	apply "$p"
	run_command setpriv --inh-caps -sys_ptrace --bounding-set -sys_ptrace "$RUNUP" rollback
	assert_exit 3
	assert_out 'cap_sys_ptrace'
	[[ $(limits) == 4000 ]]
	runup rollback
	assert_exit 0
	[[ $(limits) == 100 ]]
}

@test "--for: the guardian has kept what it takes for another user's server" {
	share_temp
	AS_USER=(setpriv --reuid 65534 --regid 65534 --clear-groups)
	serve 4,0.0.0.0,2,100
	apply "$(profile '>= 4000')" --for 2s
	assert_json_is '[c["after"] for c in d["changes"]]' '["4000", "4000"]'
	wait_until 20 limits_are '100 100'
	runup status
	assert_exit 0
	assert_out 'nothing is applied'
}

@test "nobody listens: an error, or missing where the line is optional" {
	runup --netns "$ns" apply "$(profile '>= 4000')"
	assert_exit 3
	assert_one_error "listen 'tcp:8080': there is none on this host"
	apply "$(profile '>= 4000' -tcp:8080)"
	assert_json_is 'd["changes"][0]["result"]' missing
}

@test "check judges the line by the smallest limit in force" {
	serve 4,0.0.0.0,2,100 6,::,1,50
	p=$(profile '>= 64')
	runup --netns "$ns" check -p "$p" --only listen.backlog -o json
	assert_exit 1
	assert_json_is 'one(d["findings"], subject="tcp:8080")["status"]' fail
	assert_json_is 'one(d["findings"], subject="tcp:8080")["observed"]' '50 in force (the smallest of 3 sockets)'
	assert_json_is 'one(d["findings"], subject="tcp:8080")["required"]' '>= 64'
	apply "$p"
	runup --netns "$ns" check -p "$p" --only listen.backlog
	assert_exit 0
	runup --netns "$ns" check -p "$(profile '>= 9000')" --only listen.backlog
	assert_exit 1
	assert_out 'adding net.core.somaxconn = >= 9000 to its'
	stop_process "$server"
	runup --netns "$ns" check -p "$p" --only listen.backlog
	assert_exit 3
	assert_out 'nothing listens there'
}
