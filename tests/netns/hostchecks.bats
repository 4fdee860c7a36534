#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Judging a server in another network namespace by its process, and who drifted a value.

load ../lib/runup
load ../lib/netns

setup() {
	need_root
	need_command ip
	ns=$(netns_make)
	netns_exec "$ns" sysctl -qw net.core.somaxconn=111 net.ipv4.tcp_tw_reuse=2
}

@test "check --pid judges the namespace of that process and says so; --netns wins" {
	need_command setpriv
	start_background inside ip netns exec "$ns" sleep 60
	pid=$background_pid
	inside() { [[ $(readlink "/proc/$pid/ns/net") != "$(readlink /proc/self/ns/net)" ]]; }
	wait_until 5 inside
	runup check --pid "$pid" -p server --connections 500 --only listen.backlog -o json
	assert_json check
	assert_err "^runup: process $pid is in another network namespace"
	assert_json_is 'd["host"]["netns"]' "$pid"
	assert_json_is 'one(d["findings"], subject="net.core.somaxconn")["observed"]' 111
	other=$(netns_make)
	runup --netns "$other" check --pid "$pid" -p server --connections 500 --only listen.backlog -o json
	refute_err 'another network namespace'
	assert_json_is 'one(d["findings"], subject="net.core.somaxconn")["observed"]' 4096
	runup -q check --pid "$pid" --only limits.nofile
	refute_err .
	# Unprivileged, the wrong namespace is not judged in silence.
	share_temp
	run_command setpriv --reuid 65534 --regid 65534 --clear-groups --bounding-set -all \
		--inh-caps -all "$RUNUP" check --pid "$pid"
	assert_exit 3
	assert_one_error "process '$pid' is in another network namespace"
	assert_no_out
	# A process that shares this namespace is judged where runup is.
	start_background outside sleep 60
	runup check --pid "$background_pid" --only limits.nofile -o json
	refute_err .
	assert_json_is 'd["host"]["netns"]' null
}

# A mount namespace of its own stands in for a host whose sysctl.d says something.
with_sysctl_d() { # TEXT COMMAND…
	local text=$1
	shift
	unshare --mount bash -c 'mount -t tmpfs none /etc/sysctl.d && printf "%s\n" "$1" >/etc/sysctl.d/77-late.conf && shift && exec "$@"' - "$text" "$@"
}

@test "status names the file that sets a drifted value, and no other" {
	need_command unshare
	runup --netns "$ns" apply server --connections 3000
	assert_exit 0
	netns_exec "$ns" sysctl -qw net.core.somaxconn=777
	export -f with_sysctl_d
	run_command bash -c 'set -e; '"$(declare -f with_sysctl_d)"'; with_sysctl_d "net.core.somaxconn = 0x309" "$@"' - "$RUNUP" --netns "$ns" status
	assert_exit 1
	assert_out '^drifted +net.core.somaxconn'
	tr -s ' \n' ' ' <"$BATS_TEST_TMPDIR/stdout" | grep -q '/etc/sysctl.d/77-late.conf:1 sets that value' || show 'the file is not named'
	run_command bash -c 'set -e; '"$(declare -f with_sysctl_d)"'; with_sysctl_d "net.core.somaxconn = 778" "$@"' - "$RUNUP" --netns "$ns" status -o json
	assert_exit 1
	assert_json status
	refute_out '77-late'
	runup --netns "$ns" rollback --force
	assert_exit 0
}

@test "of this live host: what a file sets and the host has not is found" {
	need_command unshare
	# The first namespace's value is what counts, and it stays as it is.
	now=$(sysctl -n net.ipv4.tcp_fin_timeout)
	run_command bash -c 'set -e; '"$(declare -f with_sysctl_d)"'; with_sysctl_d "net.ipv4.tcp_fin_timeout = 61" "$@"' - "$RUNUP" check --only config.elsewhere -o json
	assert_json check
	if [[ $(json_get 'd["findings"][0]["observed"]') == *namespace* ]]; then
		skip 'this machine is itself in a network namespace that is not the first'
	fi
	assert_json_is 'one(d["findings"], subject="net.ipv4.tcp_fin_timeout")["status"] in ("warn", "na")' true
	assert_json_is "one(d[\"findings\"], subject=\"net.ipv4.tcp_fin_timeout\")[\"observed\"].startswith('$now')" true
}
