#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Limits in force and configured: of a service, a login and a container, on a captured host.

load ../lib/runup

setup() {
	host=$BATS_TEST_TMPDIR/host
	cp -a "$RUNUP_SOURCE/tests/fixtures/hosts/vm" "$host"
	put /proc/77/comm nginx
	put /proc/77/status 'Name:\tnginx\nUid:\t1000\t1000\t1000\t1000\nThreads:\t1'
	put /proc/77/stat '77 (nginx) S 1 77 77 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 500'
	in_force 1024 4096
	put /etc/passwd 'root:x:0:0::/:/bin/sh\nann:x:1000:1000::/:/bin/sh'
	put /etc/group 'ann:x:1000:'
}

put() { # PATH TEXT
	mkdir -p "$(dirname "$host$1")"
	printf '%b\n' "$2" >"$host$1"
}

in_force() { # SOFT HARD
	put /proc/77/limits "$(printf '%-25s %-20s %-20s %s\n' Limit 'Soft Limit' 'Hard Limit' Units \
		'Max processes' 2000 2000 processes 'Max open files' "$1" "$2" files \
		'Max locked memory' 65536 65536 bytes)"
}

judge() { # ARGS…
	runup --root "$host" check -o json "$@"
	[[ $status -eq 0 || $status -eq 1 || $status -eq 3 ]] || show 'no judgement'
	assert_json check
}

nofile='one(d["findings"], id="limits.nofile")'

assert_says() { # FIELD TEXT
	local text
	text=$(json_get "${nofile}[\"$1\"]")
	[[ $text == *"$2"* ]] || show "$1 does not say: $2"
}

@test "a service: its unit counts and limits.conf does not; what is not in force is said" {
	put /proc/77/cgroup '0::/system.slice/nginx.service'
	put /etc/security/limits.conf '* - nofile 500000'
	put /usr/lib/systemd/system/nginx.service '[Service]\nLimitNOFILE=1024:4096'
	judge --pid 77 --only limits.nofile
	assert_json_is "${nofile}[\"status\"]" pass
	assert_says observed '1 024 soft, 4 096 hard; configured: 1 024 soft, 4 096 hard (/usr/lib/systemd/system/nginx.service:2)'
	judge --pid 77 --only limits.nofile --role server --connections 10000
	assert_json_is "${nofile}[\"status\"]" fail
	assert_says fix 'prlimit --pid 77 --nofile=10064:10064; for good: systemctl edit nginx.service: [Service] LimitNOFILE=10064'
	# Edited since: a restart is all that is missing.
	put /etc/systemd/system/nginx.service.d/limits.conf '[Service]\nLimitNOFILE=65536'
	judge --pid 77 --only limits.nofile --role server --connections 10000
	assert_json_is "${nofile}[\"status\"]" fail
	assert_says observed 'configured: 65 536 soft, 65 536 hard (/etc/systemd/system/nginx.service.d/limits.conf:2), which is not in force'
	assert_says fix 'for good: systemctl daemon-reload && systemctl restart nginx.service'
	# The load's question has been answered; that a restart changes the limit is one of its own.
	judge --pid 77 --only limits.nofile,config.elsewhere
	assert_json_is "${nofile}[\"status\"]" pass
	local elsewhere='one(d["findings"], id="config.elsewhere", subject="nofile of process 77")'
	assert_json_is "${elsewhere}[\"status\"]" warn
	assert_json_is "${elsewhere}[\"observed\"]" '1 024 soft, 4 096 hard'
	assert_json_is "${elsewhere}[\"required\"]" \
		'65 536 soft, 65 536 hard (/etc/systemd/system/nginx.service.d/limits.conf:2)'
	assert_json_is "${elsewhere}[\"fix\"]" 'systemctl daemon-reload && systemctl restart nginx.service'
	assert_exit 0
	runup --root "$host" check --pid 77 --only config.elsewhere --fail-on warn
	assert_exit 1
	# The soft limit alone counts as well; as much or more is in force.
	in_force 65535 65536
	judge --pid 77 --only config.elsewhere
	assert_json_is "${elsewhere}[\"status\"]" warn
	in_force 65536 70000
	judge --pid 77 --only config.elsewhere
	assert_json_is '[f["subject"] for f in d["findings"] if f["status"] == "warn"]' '[]'
	assert_json_is 'one(d["findings"], subject="limits of process 77")["observed"]' '1 as configured'
	# Raised by hand, and gone with the next start.
	in_force 100000 100000
	put /etc/systemd/system/nginx.service.d/limits.conf '[Service]\nLimitNOFILE=2048'
	judge --pid 77 --only limits.nofile --role server --connections 10000
	assert_json_is "${nofile}[\"status\"]" warn
	assert_says why 'gone with the next start'
	# Nothing is configured, and systemd's files may be there or not.
	rm "$host/etc/systemd/system/nginx.service.d/limits.conf"
	put /usr/lib/systemd/system/nginx.service '[Service]\nExecStart=/usr/sbin/nginx'
	judge --pid 77 --only limits.nofile
	assert_says observed 'no file of nginx.service sets LimitNOFILE=, systemd'
	rm "$host/usr/lib/systemd/system/nginx.service"
	judge --pid 77 --only limits.nofile
	assert_says observed 'configured: not known, no file of unit nginx.service is here'
	assert_json_is "${nofile}[\"status\"]" pass
}

@test "--unit finds the process by its group, and says honestly where there is none" {
	put /proc/77/cgroup '1:name=systemd:/system.slice/nginx.service'
	put /etc/systemd/system/nginx.service '[Service]\nLimitNOFILE=9999'
	judge --unit nginx --only limits.nofile,config.elsewhere
	assert_json_is "${nofile}[\"status\"]" pass
	assert_json_is 'one(d["findings"], subject="nofile of process 77", id="config.elsewhere")["status"]' warn
	assert_says observed '(/etc/systemd/system/nginx.service:2), which is not in force'
	runup --root "$host" check --unit apache --only limits.nofile
	assert_exit 2
	assert_one_error "find unit 'apache.service': no process runs in a control group of that name"
	[[ -d /run/systemd/system ]] && return
	runup check --unit apache --only limits.nofile
	assert_exit 2
	assert_one_error 'systemd does not run here, and no process'
}

@test "a login: limits.conf counts and units do not; a container: neither" {
	put /proc/77/cgroup '0::/user.slice/user-1000.slice/session-4.scope'
	put /etc/systemd/system.conf '[Manager]\nDefaultLimitNOFILE=500000'
	judge --pid 77 --only limits.nofile --role server --connections 10000
	assert_says observed 'configured: nothing in limits.conf or limits.d sets nofile for its user'
	assert_says fix 'a line "USER - nofile 10064" in /etc/security/limits.d/'
	put /etc/security/limits.d/load.conf 'ann - nofile 20000'
	judge --pid 77 --only limits.nofile --role server --connections 10000
	assert_says observed 'configured: 20 000 soft, 20 000 hard (/etc/security/limits.d/load.conf:1), which is not in force'
	assert_says fix 'for good: log in again'
	local elsewhere='one(d["findings"], id="config.elsewhere", subject="nofile of process 77")'
	judge --pid 77 --only config.elsewhere
	assert_json_is "${elsewhere}[\"status\"]" warn
	assert_json_is "${elsewhere}[\"fix\"].startswith('log in again')" true
	put /etc/pam.d/sshd '#'
	judge --pid 77 --only limits.nofile --role server --connections 10000
	assert_says observed 'no login here loads pam_limits'
	assert_says fix 'a line "USER - nofile'
	judge --pid 77 --only config.elsewhere
	assert_json_is "'no login here loads pam_limits' in ${elsewhere}[\"why\"]" true
	assert_json_is "${elsewhere}[\"fix\"]" 'load pam_limits.so in the PAM service of the login'
	put /proc/77/cgroup '0::/docker/0123456789ab'
	judge --pid 77 --only limits.nofile --role server --connections 10000
	assert_says observed 'configured: not known'
	assert_says fix 'start the container with --ulimit nofile=10064'
	# What cannot be told is no difference, and no pass either.
	judge --pid 77 --only config.elsewhere
	assert_json_is '[f["subject"] for f in d["findings"] if "77" in (f["subject"] or "")]' '[]'
}

@test "nproc and memlock, too" {
	put /proc/77/cgroup '0::/system.slice/nginx.service'
	put /usr/lib/systemd/system/nginx.service '[Service]\nLimitNPROC=4000\nLimitMEMLOCK=64K'
	judge --pid 77 --only limits.pids,limits.memlock,config.elsewhere
	assert_json_is 'one(d["findings"], id="config.elsewhere", subject="nproc of process 77")["status"]' warn
	assert_json_is 'one(d["findings"], subject="limits of process 77")["observed"]' '1 as configured'
	assert_json_is 'one(d["findings"], id="limits.pids", subject="nproc of process 77")["status"]' pass
	assert_json_is 'one(d["findings"], id="limits.pids", subject="nproc of process 77")["observed"]' \
		'2 000 soft, 2 000 hard; configured: 4 000 soft, 4 000 hard (/usr/lib/systemd/system/nginx.service:2), which is not in force'
	assert_json_is 'one(d["findings"], subject="memlock of process 77")["status"]' pass
	# Of this shell only where something is configured.
	judge --only limits.pids,limits.memlock
	assert_json_is '[f["subject"] for f in d["findings"] if f["subject"] and "of this shell" in f["subject"]]' '[]'
	put /proc/self/status 'Name:\tbash\nUid:\t1000\t1000\t1000\t1000\nThreads:\t1'
	put /etc/security/limits.conf 'ann soft nproc 7'
	judge --only limits.pids,limits.memlock
	assert_json_is 'one(d["findings"], subject="nproc of this shell")["status"]' pass
}

@test "RLIMIT_NPROC counts the other processes of the user, and does not bind root" {
	need_root
	need_command setpriv
	need_command prlimit
	share_temp
	local user=64321 as
	as=(setpriv --reuid "$user" --regid "$user" --clear-groups --bounding-set -all --inh-caps -all)
	for _ in 1 2 3 4 5; do
		start_background sleeping "${as[@]}" sleep 60
	done
	asleep() { [[ $(pgrep -c -u "$user" -x sleep) -eq 5 ]]; }
	wait_until 5 asleep
	pids() { # COMMAND…
		run_command "$@" "$RUNUP" check --only limits.pids -o json
		assert_json check
		[[ $status -eq 0 || $status -eq 1 ]] || show 'no judgement'
	}
	local observed='d["findings"][0]["observed"]'
	pids prlimit --nproc=100 "${as[@]}"
	assert_json_is "$observed" "room for 94 more tasks: the user's limit (ulimit -u), of which 6 are in use, allows 100"
	# LeakSanitizer looks from a task of its own, for which there is no room.
	RUNUP_ENV+=("ASAN_OPTIONS=${ASAN_OPTIONS-}:detect_leaks=0")
	pids prlimit --nproc=6 "${as[@]}"
	assert_json_is 'd["findings"][0]["status"]' fail
	# A limit that is far off is not counted for.
	pids prlimit --nproc=90000 "${as[@]}"
	assert_json_is "'ulimit' in $observed" false
	pids prlimit --nproc=6
	assert_json_is "'ulimit' in $observed" false
	# Root of a user namespace is a user like any other.
	"${as[@]}" unshare --user --map-root-user true || skip 'users may not make user namespaces here'
	pids prlimit --nproc=100 "${as[@]}" unshare --user --map-root-user
	assert_json_is "$observed" "room for 94 more tasks: the user's limit (ulimit -u), of which 6 are in use, allows 100"
}

@test "memory.high is judged beside memory.max: slowed down, not killed" {
	cp -a "$RUNUP_SOURCE/tests/fixtures/hosts/cgroup-v2-quota/." "$host"
	rm -rf "$host/sys/fs/cgroup"
	put /proc/self/cgroup '0::/a/b'
	put /proc/self/mountinfo '30 20 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw'
	put /sys/fs/cgroup/cgroup.controllers 'cpu memory pids'
	local group
	for group in a a/b; do
		put /sys/fs/cgroup/$group/memory.max max
		put /sys/fs/cgroup/$group/memory.high max
		put /sys/fs/cgroup/$group/memory.current 100000000
		put /sys/fs/cgroup/$group/memory.stat 'inactive_file 20000000'
	done
	judge --only memory.cgroup
	assert_json_is '[f["status"] for f in d["findings"]]' '["pass"]'
	put /sys/fs/cgroup/a/memory.high 500000000
	local high='one(d["findings"], subject="memory.high of this shell")'
	judge --only memory.cgroup
	assert_json_is "${high}[\"status\"]" pass
	assert_json_is "${high}[\"observed\"]" '401 MiB left below 477 MiB, set by /a'
	judge --only memory.cgroup --role generator --connections 100k
	assert_json_is "${high}[\"status\"]" warn
	assert_json_is "'sleep' in ${high}[\"why\"] and 'MemoryHigh=' in ${high}[\"fix\"]" true
	assert_json_is 'one(d["findings"], subject="this shell")["status"]' pass
	put /sys/fs/cgroup/a/memory.current 499000000
	judge --only memory.cgroup
	assert_json_is "${high}[\"status\"]" warn
	put /sys/fs/cgroup/a/b/memory.max 400000000
	judge --only memory.cgroup --role generator --connections 100k
	assert_json_is 'one(d["findings"], subject="this shell")["status"]' fail
}
