# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# For the boots of systemd.sh: the installed runup, its own folders, and the service that it tunes.

# shellcheck disable=SC2034 # of lib/runup.bash
RUNUP=/usr/local/bin/runup RUNUP_STATE_DIR=/var/lib/runup RUNUP_PROFILE_DIR=/etc/runup/profiles
units=/etc/systemd/system
drop_in=$units/rltest.service.d/50-runup-nofile.conf
sysctls=(net.core.somaxconn net.core.netdev_max_backlog vm.max_map_count)

# Beside runup's bookkeeping a test may leave nothing: the host is the same one for all of them.
original() { # prints what is to be back
	sysctl "${sysctls[@]}"
	limit_of_unit
	nft list ruleset 2>/dev/null
}

limit_of_unit() { # SOFT:HARD as systemd has them
	printf '%s:%s\n' "$(systemctl show -p LimitNOFILESoft --value rltest)" "$(systemctl show -p LimitNOFILE --value rltest)"
}

limit_of_process() { # SOFT:HARD in force
	awk '/^Max open files/ { print $4 ":" $5 }' "/proc/$(systemctl show -p MainPID --value rltest)/limits"
}

listen_limit() { # what ss calls Send-Q of a listener
	ss -Hltn 'sport = :8080' | awk '{ print $3 }'
}

profile() { # NAME <INI
	mkdir -p /etc/runup/profiles
	cat >"/etc/runup/profiles/$1.ini"
}

# The service, of another user, and the profile of dashes that touches all kinds of things.
make_service() {
	cat >/usr/local/bin/rltest <<-'PY'
		#!/usr/bin/python3
		import os, signal, socket
		s = socket.socket()
		s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
		s.bind(("127.0.0.1", 8080))
		s.listen(10)
		notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
		notify.sendto(b"READY=1", os.environ["NOTIFY_SOCKET"])
		signal.pause()
	PY
	chmod +x /usr/local/bin/rltest
	printf '%s\n' '[Service]' 'ExecStart=/usr/local/bin/rltest' 'User=nobody' 'LimitNOFILE=1000:4000' \
		Type=notify >"$units/rltest.service"
	profile load-test <<-'INI'
		[sysctl]
		net.core.somaxconn = >= 50000
		net.core.netdev_max_backlog = >= 7777
		vm.max_map_count = >= 300000
		[rlimit unit:rltest.service]
		nofile = >= 2000
		[listen]
		tcp:8080 = >= 999
		[conntrack]
		notrack = tcp:8080
	INI
	printf '[rlimit unit:rltest]\nnofile = >= 2000\n' | profile limits
	printf '[rlimit unit:rltest]\nnofile = >= 9000\n' | profile more
	printf '[sysctl]\nnet.core.netdev_max_backlog = >= 8888\n' | profile backlog
	echo nf_conntrack >/etc/modules-load.d/rltest.conf
	modprobe nf_conntrack
	systemctl daemon-reload
	start_service
}

start_service() {
	systemctl restart rltest
}

wait_until() { # WHAT COMMAND…: at most a minute
	local what=$1 i
	shift
	for ((i = 0; i < 600; i++)); do
		if "$@"; then
			return 0
		fi
		sleep 0.1
	done
	printf 'waited in vain for %s\n' "$what"
	return 1
}

is() { # WHAT VALUE: of a function or command that prints one line
	local value
	value=$($1) || true # systemctl's exit status says the same
	[[ $value == "$2" ]] || { printf '%s: %s, not %s\n' "$1" "$value" "$2"; return 1; }
}

in_force() { # of profile load-test
	is 'sysctl -n net.core.netdev_max_backlog' 7777
	in_force_but_backlog
}

in_force_but_backlog() { # that one is of another profile too
	is 'sysctl -n net.core.somaxconn' 50000
	is 'sysctl -n vm.max_map_count' 300000
	is limit_of_unit 2000:4000
	is limit_of_process 2000:4000
	is listen_limit 999
	nft list ruleset | grep -q notrack
}

# Nothing of runup's is left, in memory or on disk.
all_back() {
	original | diff -u /etc/runup/original -
	service_as_before
	runup status
	assert_exit 0
	assert_out 'no open changeset'
}

service_as_before() {
	is limit_of_process 1000:4000
	is listen_limit 10
	[[ ! -e "$units/rltest.service.d" ]]
	[[ -z $(find "$units" -name '.runup*') ]]
}
