# SPDX-License-Identifier: GPL-2.0-or-later
# What `runup capacity` predicts, against the kernel: each resource is driven up to its break with a
# real load, in a namespace of its own, and must break within 5 % of where the prediction says. The
# last test prints the table; it is also left in BUILD/prediction.txt.

load ../lib/runup
load ../lib/netns

setup_file() {
	: >"$BATS_FILE_TMPDIR/rows"
}

setup() {
	need_root
	need_command ip prlimit setpriv nsenter nstat
	BREAKLOAD=$RUNUP_BUILD/tests/helpers/breakload
	ns=$(netns_make)
}

set_sysctls() { # KEY=VALUE…: in the namespace
	netns_exec "$ns" sysctl -qw "$@"
}

# On a busy machine a segment may come when its connection is in TIME_WAIT already. It is answered with
# an ACK, the other end, gone by then, answers that with a reset, and the reset ends the TIME_WAIT (RFC
# 1337, tcp_timewait_state_process()): some 25 of 2 500 ports were back at once. This tells it to stay.
set_undisturbed_time_wait() {
	set_sysctls net.ipv4.tcp_rfc1337=1
}

serve() { # MODE BACKLOG PORT…
	start_background server ip netns exec "$ns" "$BREAKLOAD" "$@"
	wait_for_port "$ns" "${!#}"
}

predict() { # RESOURCE TERM LOAD…: sets $predicted
	local resource=$1 term=$2
	shift 2
	runup --netns "$ns" capacity -o json "$@"
	assert_json capacity
	predicted=$(json_get "one(d['resources'], resource='$resource')['breaks_at']['$term']")
	[[ $predicted != null ]] || show "no prediction for $resource in $term"
}

drive() { # ARGUMENTS…: of breakload; sets $observed
	observed=$(netns_exec "$ns" "$BREAKLOAD" "$@" 2>"$BATS_TEST_TMPDIR/why") || {
		cat "$BATS_TEST_TMPDIR/why"
		return 1
	}
}

broke_with() { # TEXT: the load must have ended for the reason that was predicted
	grep -qF -- "$1" "$BATS_TEST_TMPDIR/why" || {
		cat "$BATS_TEST_TMPDIR/why"
		return 1
	}
}

# Adds a row to the table; fails above 5 %.
compare() { # NAME UNIT
	awk -v name="$1" -v unit="$2" -v p="$predicted" -v o="$observed" 'BEGIN {
		if (p <= 0) exit 1
		d = (o - p) * 100 / p
		printf "| %s | %g %s | %g | %+.1f %% |\n", name, p, unit, o, d
		exit d > 5 || d < -5
	}' >"$BATS_TEST_TMPDIR/row" || {
		cat "$BATS_TEST_TMPDIR/row"
		return 1
	}
	cat "$BATS_TEST_TMPDIR/row" >>"$BATS_FILE_TMPDIR/rows"
}

@test "ports: connections that stay open" {
	set_sysctls net.ipv4.ip_local_port_range='20000 21999' net.ipv4.ip_local_reserved_ports=20100-20199
	serve serve 4096 8080 20500 # one of them inside the range
	predict ports connections --role generator --target 127.0.0.1:8080
	drive hold 8080
	broke_with 'Cannot assign requested address'
	[[ $predicted == 1899 ]]
	compare 'ports, held open' connections
}

@test "ports: connections that the client closes, TIME_WAIT of 60 s" {
	set_sysctls net.ipv4.ip_local_port_range='20000 20999' net.ipv4.tcp_tw_reuse=0
	set_undisturbed_time_wait
	serve serve 4096 8080
	predict ports new_connections --role generator --target 127.0.0.1:8080 --closes client --duration 2s
	drive churn 8080 $((${predicted%.*} * 11 / 10))
	broke_with 'Cannot assign requested address'
	observed=$(awk -v n="$observed" 'BEGIN { print n / 2 }') # of the 2 s that the load lasts
	compare 'ports, TIME_WAIT' 'new connections/s'
}

@test "ports: connections that the client closes, tcp_tw_reuse" {
	set_sysctls net.ipv4.ip_local_port_range='20000 20499' net.ipv4.tcp_tw_reuse=1
	set_undisturbed_time_wait
	serve serve 4096 8080
	predict ports new_connections --role generator --target 127.0.0.1:8080
	drive recycle 8080 6
	compare 'ports, tcp_tw_reuse' 'new connections/s'
}

@test "ports: what is bound without listening is taken off" {
	set_sysctls net.ipv4.ip_local_port_range='20000 20999'
	serve serve 4096 8080
	start_background binder ip netns exec "$ns" /usr/bin/python3 -c 'import socket, time
held = []
for i in range(300):
    s = socket.socket()
    s.bind(("127.0.0.1", 0))
    held.append(s)
held[0].listen(1)
print("bound", flush=True)
time.sleep(60)'
	wait_until 5 grep -q bound "$BATS_TEST_TMPDIR/binder.out"
	predict ports connections --role generator --target 127.0.0.1:8080
	if [[ $(uname -r | awk -F. '{ print $1 * 100 + $2 }') -lt 608 ]]; then
		skip 'not possible here: this kernel does not tell bound sockets (6.8)'
	fi
	[[ $predicted == 700 ]]
	drive hold 8080
	broke_with 'Cannot assign requested address'
	compare 'ports, 300 of them bound' connections
}

@test "ports: a client that binds first" {
	set_sysctls net.ipv4.ip_local_port_range='20000 20999' net.ipv4.tcp_tw_reuse=1
	serve serve 4096 8080 8081
	predict ports connections --role generator --target 127.0.0.1:8080,127.0.0.1:8081 --bind-first
	drive hold 8080,8081 bind
	broke_with 'Address already in use'
	compare 'ports, bound first, 2 targets' connections
	# Without the bind two targets have twice as many.
	netns_teardown
	ns=$(netns_make)
	set_sysctls net.ipv4.ip_local_port_range='20000 20999'
	serve serve 4096 8080 8081
	predict ports connections --role generator --target 127.0.0.1:8080,127.0.0.1:8081
	drive hold 8080,8081
	compare 'ports, 2 targets' connections
}

@test "accept queue" {
	serve listen 128 8080
	predict accept_queue connections --role server --port 8080
	before=$(netns_exec "$ns" nstat -saz TcpExtListenOverflows | awk '/Overflows/ { print $2 }')
	drive queue 8080
	after=$(netns_exec "$ns" nstat -saz TcpExtListenOverflows | awk '/Overflows/ { print $2 }')
	((after > before))
	compare 'accept queue' 'connections at once'
}

# 10.99.0.0/16 lies behind a cable that ends in the same namespace: answers go there and nowhere.
strangers() {
	ip -n "$ns" link add nobody type veth peer name nowhere
	ip -n "$ns" link set nowhere up
	ip -n "$ns" link set nobody arp off up
	ip -n "$ns" addr add 10.98.0.1/32 dev lo
	ip -n "$ns" route add 10.99.0.0/16 dev nobody
}

@test "SYN queue, with and without cookies" {
	strangers
	serve listen 200 8080
	predict syn_queue connections --role server --port 8080
	drive syn 10.98.0.1 8080 2000
	broke_with 'found no place'
	compare 'SYN queue' 'handshakes at once'
	netns_teardown
	ns=$(netns_make)
	strangers
	set_sysctls net.ipv4.tcp_syncookies=0 net.ipv4.tcp_max_syn_backlog=512
	serve listen 4096 8080
	predict syn_queue connections --role server --port 8080
	drive syn 10.98.0.1 8080 2000
	broke_with 'found no place'
	compare 'SYN queue, no cookies' 'handshakes at once'
}

@test "TIME_WAIT buckets" {
	set_sysctls net.ipv4.tcp_max_tw_buckets=1500 net.ipv4.tcp_tw_reuse=0
	set_undisturbed_time_wait
	serve serve 4096 8080
	predict time_wait new_connections --role generator --closes client --duration 2s
	drive churn 8080 $((${predicted%.*} * 11 / 10))
	broke_with 'a TIME_WAIT found no place'
	observed=$(awk -v n="$observed" 'BEGIN { print n / 2 }')
	compare 'TIME_WAIT buckets' 'new connections/s'
}

@test "descriptors, soft limit" {
	serve serve 4096 8080
	run_command prlimit --nofile=4096:20000 "$RUNUP" --netns "$ns" capacity -o json --role generator
	predicted=$(json_get "one(d['resources'], resource='descriptors')['breaks_at']['connections']")
	observed=$(prlimit --nofile=4096:20000 ip netns exec "$ns" "$BREAKLOAD" hold 8080 2>"$BATS_TEST_TMPDIR/why")
	broke_with 'Too many open files'
	compare 'descriptors (soft)' connections
}

@test "pids: RLIMIT_NPROC of a user" {
	as=(setpriv --reuid=61234 --regid=61234 --clear-groups prlimit --nproc=300:300)
	cp "$BREAKLOAD" "$RUNUP" "$BATS_TEST_TMPDIR/"
	share_temp
	run_command ip netns exec "$ns" "${as[@]}" "$BATS_TEST_TMPDIR/runup" capacity -o json --role generator
	assert_json_is 'one(d["resources"], resource="pids")["limit"]' 300
	predicted=$(json_get "one(d['resources'], resource='pids')['breaks_at']['connections']")
	observed=$(netns_exec "$ns" "${as[@]}" "$BATS_TEST_TMPDIR/breakload" fork 8080 2>"$BATS_TEST_TMPDIR/why")
	broke_with 'Resource temporarily unavailable'
	compare 'pids (RLIMIT_NPROC)' 'connections, a process each'
}

@test "pids: a control group's pids.max" {
	local mount
	mount=$(awk '$0 ~ / - cgroup / && $NF ~ /(^|,)pids(,|$)/ { print $5; exit }' /proc/self/mountinfo)
	[[ -n $mount && -w $mount ]] || skip 'not possible here: no pids controller of cgroup v1 to make a group in'
	own=$(awk -F: '$2 ~ /(^|,)pids(,|$)/ { print $3 }' /proc/self/cgroup)
	group=$mount${own%/}/$RUNUP_TEST_ID-$BATS_TEST_NUMBER
	mkdir "$group" || skip 'not possible here: no group may be made'
	echo 250 >"$group/pids.max"
	enter='echo $$ >"$0/cgroup.procs" && exec "$@"'
	run_command bash -c "$enter" "$group" "$RUNUP" --netns "$ns" capacity -o json --role generator
	predicted=$(json_get "one(d['resources'], resource='pids')['breaks_at']['connections']")
	owner=$(json_get "one(d['resources'], resource='pids')['owner']")
	observed=$(nsenter --net="/run/netns/$ns" bash -c "$enter" "$group" "$BREAKLOAD" fork 8080 2>"$BATS_TEST_TMPDIR/why") || true
	wait_until 5 rmdir "$group"
	broke_with 'Resource temporarily unavailable'
	[[ $owner == "pids.max of "*"$RUNUP_TEST_ID-$BATS_TEST_NUMBER" ]]
	compare 'pids (pids.max)' 'connections, a process each'
}

@test "the table" {
	[[ $(wc -l <"$BATS_FILE_TMPDIR/rows") -ge 11 ]]
	{
		echo '| resource | predicted | observed | deviation |'
		echo '| --- | --- | --- | --- |'
		cat "$BATS_FILE_TMPDIR/rows"
	} | tee "$RUNUP_BUILD/prediction.txt" | sed 's/^/# /' >&3
}
