# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# For bats files, after lib/runup: network namespaces of their own, and servers in them.

: "${RUNUP_TEST_ID:=runup-t$$}"

# Makes a namespace with its loopback up and prints its name; the end of the test removes it.
#   ns=$(netns_make)
netns_make() {
	local name
	name=$RUNUP_TEST_ID-$BATS_TEST_NUMBER-$(cut -c1-8 </proc/sys/kernel/random/uuid)
	ip netns add "$name" || return 1
	printf '%s\n' "$name" >>"$BATS_TEST_TMPDIR/namespaces"
	ip -n "$name" link set lo up || return 1
	printf '%s\n' "$name"
}

netns_exec() { # NS COMMAND…
	ip netns exec "$@"
}

# All writable net.* sysctls of a namespace, to compare before and after.
netns_sysctls() { # NS
	netns_exec "$1" sysctl -a --pattern '^net\.' 2>/dev/null |
		grep -vE '^net\.(netfilter\.nf_conntrack_count|ipv4\.route\.flush|ipv6\.route\.flush)'
}

netns_teardown() {
	local name
	[[ -e $BATS_TEST_TMPDIR/namespaces ]] || return 0
	while read -r name; do
		# What is left inside is ours: nobody else knows the namespace.
		ip netns pids "$name" 2>/dev/null | xargs -r kill -KILL 2>/dev/null
		ip netns del "$name" 2>/dev/null
	done <"$BATS_TEST_TMPDIR/namespaces"
	rm -f "$BATS_TEST_TMPDIR/namespaces"
}

netns_listens() { # NS PORT
	[[ -n $(netns_exec "$1" ss -Hltn "sport = :$2") ]]
}

wait_for_port() { # NS PORT [SECONDS]
	wait_until "${3:-5}" netns_listens "$1" "$2"
}

# nginx with one worker and the backlog it is told, everything it writes in DIR.
nginx_start() { # NS PORT BACKLOG DIR
	local ns=$1 port=$2 backlog=$3 dir=$4
	mkdir -p "$dir"
	cat >"$dir/nginx.conf" <<-CONF
		daemon off;
		worker_processes 1;
		worker_rlimit_nofile 8192;
		pid $dir/nginx.pid;
		error_log $dir/error.log;
		events { worker_connections 4096; }
		http {
			access_log off;
			client_body_temp_path $dir/body;
			proxy_temp_path $dir/proxy;
			fastcgi_temp_path $dir/fastcgi;
			uwsgi_temp_path $dir/uwsgi;
			scgi_temp_path $dir/scgi;
			server {
				listen $port backlog=$backlog;
				location / { return 200 "ok\n"; }
			}
		}
	CONF
	start_background "nginx-$port" ip netns exec "$ns" nginx -p "$dir" -c "$dir/nginx.conf" -e "$dir/error.log"
	# shellcheck disable=SC2154 # set by start_background
	printf '%s\n' "$background_pid" >"$dir/started.pid"
	wait_for_port "$ns" "$port" || {
		cat "$dir/error.log" "$BATS_TEST_TMPDIR/nginx-$port.err"
		return 1
	}
}

nginx_stop() { # DIR
	stop_process "$(cat "$1/started.pid")"
}

# As many connections at once as wrk can hold, for a server that accepts them late or never.
overflow() { # NS PORT SECONDS
	ip netns exec "$1" /usr/bin/python3 - "$2" "$3" <<-'PY'
		import socket, sys, time
		held = []
		end = time.monotonic() + float(sys.argv[2])
		while time.monotonic() < end:
		    for _ in range(20):
		        s = socket.socket()
		        s.setblocking(False)
		        try:
		            s.connect(("127.0.0.1", int(sys.argv[1])))
		        except BlockingIOError:
		            pass
		        held.append(s)
		    time.sleep(0.1)
		    if len(held) > 400:
		        break
		time.sleep(max(0, end - time.monotonic()))
	PY
}

deaf_server() { # NS PORT BACKLOG
	start_background "deaf-$2" ip netns exec "$1" /usr/bin/python3 -c \
		"import socket,time; s=socket.socket(); s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1); s.bind(('127.0.0.1', $2)); s.listen($3); time.sleep(60)"
	wait_for_port "$1" "$2"
}
