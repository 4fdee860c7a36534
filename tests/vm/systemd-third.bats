#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# The third boot of systemd.sh: after the power failed while profiles were applied.

load ../lib/runup
load systemd

teardown() {
	[[ -n ${BATS_TEST_COMPLETED-} ]] || journalctl -b --no-pager -n 20 -u 'runup*'
}

@test "power cut: both profiles were applied again, and the drop-in is there" {
	is 'systemctl is-active runup-apply@boot-time' active
	is 'systemctl is-active runup-apply@load-test' active
	in_force_but_backlog
	runup status
	assert_exit 0
}

@test "power cut: stopped, the profiles leave nothing, not of the boot before either" {
	systemctl stop runup-apply@load-test
	systemctl stop runup-apply@boot-time
	rm /etc/sysctl.d/50-rltest.conf
	sysctl -q -w net.core.netdev_max_backlog=1000
	start_service
	all_back
}
