#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# The first boot of reboot.sh: something is applied, and the host goes down without a rollback.

load ../lib/runup

RUNUP_STATE_DIR=/state/runup

@test "reboot: host-wide settings are applied" {
	mountpoint -q /state
	p=$(make_profile p <<-'INI'
		[sysctl]
		net.core.somaxconn = >= 50000
		net.core.netdev_max_backlog = >= 7000
		net.netfilter.nf_conntrack_max = >= 500000
	INI
	)
	runup apply "$p" -o json
	assert_exit 0
	[[ $(sysctl -n net.core.netdev_max_backlog) -eq 7000 ]]
	runup apply server --connections 100000 -o json
	assert_exit 0
	runup status
	assert_exit 0
	cat /proc/sys/kernel/random/boot_id >/state/boot
}
