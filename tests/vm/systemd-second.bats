#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# The second boot of systemd.sh: what the first one enabled and left; then the power fails.

load ../lib/runup
load systemd

teardown() {
	[[ -n ${BATS_TEST_COMPLETED-} ]] || journalctl -b --no-pager -n 20 -u 'runup*'
}

@test "reboot: runup-rollback has ended the --for of before" {
	[[ $(systemctl show -p Result --value runup-rollback) == success ]]
	[[ $(systemctl show -p ExecMainStatus --value runup-rollback) == 0 ]]
	journalctl -b --no-pager -o cat -u runup-rollback | grep -E 'profile more|\(more\)'
	is 'systemctl is-active runup-rollback.timer' active
}

@test "reboot: a drop-in that stays has outlived it, and the service has the limit" {
	[[ -e $drop_in ]]
	is limit_of_unit 2000:4000
	start_service
	is limit_of_process 2000:4000
	runup status
	assert_exit 0
}

@test "reboot: the enabled profile was applied at boot, behind systemd-sysctl and runup-rollback" {
	is 'systemctl is-active runup-apply@boot-time' active
	is 'sysctl -n net.core.netdev_max_backlog' 6666
	local own before
	own=$(systemctl show -p ExecMainStartTimestampMonotonic --value runup-apply@boot-time)
	for before in systemd-sysctl runup-rollback; do
		[[ $(systemctl show -p ExecMainExitTimestampMonotonic --value $before) -lt $own ]]
	done
	runup status
	assert_exit 0
	assert_out 'profile boot-time'
	# systemd-sysctl's value of that key is what it goes back to.
	systemctl stop runup-apply@boot-time
	is 'sysctl -n net.core.netdev_max_backlog' 1234
	systemctl start runup-apply@boot-time
}

@test "before the power fails: limits of the service are applied by its unit" {
	runup rollback -p limits
	assert_exit 0
	start_service
	service_as_before
	systemctl start runup-apply@load-test
	in_force_but_backlog
	systemctl enable runup-apply@load-test
	sync
	printf 'echo o >/proc/sysrq-trigger; sleep 60\n' >/run/suite-off
}
