#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# In the first boot of systemd.sh: runup-watch.service under systemd itself.

load ../lib/runup
load systemd

setup_file() {
	# Sooner than on a host, or the test would mostly wait.
	mkdir -p /run/systemd/system/runup-watch.service.d
	printf '%s\n' '[Service]' RestartSec=1s >/run/systemd/system/runup-watch.service.d/fast.conf
	systemctl daemon-reload
}

teardown() {
	[[ -n ${BATS_TEST_COMPLETED-} ]] || journalctl -b --no-pager -n 20 -u runup-watch
	systemctl stop runup-watch
	systemctl reset-failed runup-watch 2>/dev/null || true
}

main_pid() {
	systemctl show -p MainPID --value runup-watch
}

restarts() {
	systemctl show -p NRestarts --value runup-watch
}

@test "runup-watch: valid, and its exposure is under 3" {
	local score
	run systemd-analyze verify --man=no runup-watch.service
	[[ $status -eq 0 && -z $output ]]
	score=$(systemd-analyze security --no-pager runup-watch | sed -nE 's/^.*exposure level for [^ ]+: ([0-9.]+) .*/\1/p')
	printf '# runup-watch: exposure %s\n' "$score" >&3
	[[ ${score%.*} -lt 3 ]]
}

@test "runup-watch: started when it says so, unprivileged, and stopped without a failure" {
	# Type=notify: the start ends with READY=1.
	systemctl start runup-watch
	is 'systemctl is-active runup-watch' active
	[[ $(systemctl show -p StatusText --value runup-watch) == ?* ]]
	[[ $(awk '/^Uid:/ { print $2 }' "/proc/$(main_pid)/status") -ne 0 ]]
	wait_until 'the first line' eval 'journalctl -b --no-pager -o cat -u runup-watch | grep -q "\"type\":\"start\""'
	systemctl stop runup-watch
	is 'systemctl is-active runup-watch' inactive
	is 'systemctl show -p Result --value runup-watch' success
	# The sandbox takes nothing away that it reads.
	journalctl -b --no-pager -o cat -u runup-watch >"$BATS_TEST_TMPDIR/journal"
	run ! grep -E 'Function not implemented|Permission denied|not permitted|"kernel":""' "$BATS_TEST_TMPDIR/journal"
}

@test "runup-watch: killed, it is started again" {
	systemctl start runup-watch
	local pid
	pid=$(main_pid)
	systemctl kill --kill-whom=main -s KILL runup-watch
	wait_until 'another process' eval '[[ $(main_pid) -ne 0 && $(main_pid) -ne $pid ]]'
	wait_until 'its start' eval '[[ $(systemctl is-active runup-watch) == active ]]'
	[[ $(restarts) -ge 1 ]]
}

@test "runup-watch: the watchdog is fed, and ends one that hangs" {
	printf '%s\n' '[Service]' WatchdogSec=8s >/run/systemd/system/runup-watch.service.d/dog.conf
	systemctl daemon-reload
	systemctl start runup-watch
	local pid
	pid=$(main_pid)
	sleep 12
	[[ $(main_pid) -eq $pid && $(restarts) -eq 0 ]]
	kill -STOP "$pid"
	wait_until 'another process' eval '[[ $(main_pid) -ne 0 && $(main_pid) -ne $pid ]]'
	rm /run/systemd/system/runup-watch.service.d/dog.conf
	systemctl daemon-reload
}
