#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# The end of the first boot of systemd.sh.

load ../lib/runup
load systemd

# For the second boot: one profile at boot, one left applied, one with a --for that the reboot ends.
@test "before the reboot: a unit is enabled, limits and a --for are left" {
	printf 'net.core.netdev_max_backlog = 1234\n' >/etc/sysctl.d/50-rltest.conf
	printf '[sysctl]\nnet.core.netdev_max_backlog = >= 6666\n' | profile boot-time
	systemctl enable runup-apply@boot-time runup-rollback.service
	is 'systemctl is-enabled runup-rollback.timer' enabled
	mkdir -p "$units/multi-user.target.wants"
	ln -sf ../rltest.service "$units/multi-user.target.wants/rltest.service"
	printf '[Unit]\nAfter=rltest.service\n' >/etc/systemd/system/order
	mkdir -p "$units/runup-apply@load-test.service.d"
	mv /etc/systemd/system/order "$units/runup-apply@load-test.service.d/order.conf"
	systemctl daemon-reload
	runup apply limits
	assert_exit 0
	runup apply more --for 1h
	assert_exit 0
	is limit_of_unit 9000:9000
}
