#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# [sysfs] and [nic] of a profile: what may stand there, and what check says of it.

load ../lib/runup

setup() {
	host=$BATS_TEST_TMPDIR/host
	cp -r "$RUNUP_SOURCE/tests/fixtures/hosts/vm" "$host"
}

found() { # ID SUBJECT: an expression for that finding
	printf 'one(d["findings"], id="%s", subject="%s")' "$1" "$2"
}

refused() { # SECTION LINE REGEX
	local p
	p=$(make_profile bad <<<"[$1]"$'\n'"$2")
	runup profiles "$p"
	assert_exit 2
	assert_one_error "bad\.ini:[12]: .*$3"
}

@test "paths that are not on the list, values and operators that do not fit: file and line" {
	refused sysfs '/sys/kernel/uevent_helper = /bin/sh' 'may not be set'
	refused sysfs '/sys/class/net/../../kernel/mm/transparent_hugepage/enabled = never' 'may not be set'
	refused sysfs '/sys/class/net/eth0/../eth1/tx_queue_len = 5' 'may not be set'
	refused sysfs '/etc/passwd = x' 'may not be set'
	refused sysfs '/sys/kernel/mm/transparent_hugepage/enabled = sometimes' 'always, madvise, never'
	refused sysfs '/sys/kernel/mm/transparent_hugepage/enabled = >= never' 'operator does not fit'
	refused sysfs '/sys/class/net/*/queues/rx-*/rps_cpus = 0-3' 'mask of CPUs'
	refused sysfs '/sys/class/net/*/queues/rx-*/rps_cpus = >= 3' 'operator does not fit'
	refused sysfs '/sys/class/net/*/queues/rx-*/rps_cpus = covers auto' 'no sum'
	refused sysfs '/sys/class/net/*/threaded = all' 'not a number'
	refused sysfs '/sys/class/net/*/threaded = 2' 'not between 0 and 1'
	refused 'sysfs eth0' '/sys/class/net/*/threaded = 1' 'nothing may stand behind'
	refused nic 'rx_ring = 512' 'needs a device'
	refused 'nic a/b' 'rx_ring = 512' 'no network device can have this name'
	refused 'nic eth0' 'mtu = 9000' 'known: rx_ring, tx_ring, combined_channels'
	refused 'nic eth0' 'rx_ring = <= 512' 'only a bare value and >='
	refused 'nic eth0' 'rx_ring = >= auto' 'no sum'
	refused 'nic eth0' 'rx_ring = 0' 'from 1 on'
	refused 'nic eth0' 'rx_ring = covers 5' 'operator does not fit'
}

@test "explain knows what [sysfs] and [nic] set" {
	runup explain /sys/class/net/eth0/queues/rx-0/rps_cpus
	assert_exit 0
	assert_out '^/sys/class/net/\*/queues/rx-\*/rps_cpus$'
	assert_out 'of +network namespace'
	assert_out 'check +softnet.steering'
	runup explain rx_ring
	assert_exit 0
	assert_out '^rx_ring: receive ring of a network card'
	runup explain /sys/kernel/uevent_helper
	assert_exit 2
}

@test "a profile shows what it wants of files and cards" {
	p=$(make_profile p <<-'INI'
		[sysfs]
		/sys/class/net/eth*/queues/rx-*/rps_cpus = covers all
		-/sys/devices/system/cpu/cpu*/cpufreq/scaling_governor = performance
		[nic eth0]
		rx_ring = >= max
		[nic *]
		-tx_channels = 2
	INI
	)
	runup profiles "$p" -o json
	assert_exit 0
	assert_json profiles
	assert_json_is '[(s["kind"], s["key"], s["want"], s["optional"]) for s in d["profiles"][0]["settings"]]' \
		'[["sysfs", "/sys/class/net/eth*/queues/rx-*/rps_cpus", "covers all", false], ["sysfs", "/sys/devices/system/cpu/cpu*/cpufreq/scaling_governor", "performance", true], ["nic", "eth0:rx_ring", ">= max", false], ["nic", "*:tx_channels", "2", true]]'
	p=$(make_profile twice <<-'INI'
		[nic eth0]
		rx_ring = 1
		rx_ring = 2
	INI
	)
	runup profiles "$p"
	assert_exit 2
	assert_one_error "twice.ini:3: 'eth0:rx_ring' is set twice \(line 2\)"
}

@test "check judges what the profile wants under the check it belongs to" {
	p=$(make_profile p <<-'INI'
		[sysfs]
		/sys/class/net/eth0/queues/rx-*/rps_cpus = 3
		/sys/kernel/mm/transparent_hugepage/enabled = never
		-/sys/devices/system/cpu/cpu*/cpufreq/scaling_governor = performance
		/sys/class/net/eth1/threaded = 1
		[nic eth0]
		rx_ring = >= max
		tx_ring = >= 4096
		[nic *]
		combined_channels = >= 1
	INI
	)
	echo 'always [madvise] never' >"$host/sys/kernel/mm/transparent_hugepage/enabled"
	echo 1 >"$host/sys/class/net/eth0/queues/rx-0/rps_cpus"
	runup --root "$host" check -p "$p" -o json
	assert_exit 1
	steering=$(found softnet.steering '/sys/class/net/eth0/queues/rx-*/rps_cpus')
	assert_json_is "$steering"'["status"]' warn
	assert_json_is "$steering"'["observed"]' '1 at /sys/class/net/eth0/queues/rx-0/rps_cpus'
	assert_json_is "$steering"'["fix"]' "runup apply $p"
	thp=$(found memory.thp /sys/kernel/mm/transparent_hugepage/enabled)
	assert_json_is "$thp"'["observed"]' madvise
	assert_json_is "$thp"'["status"]' warn
	governor=$(found cpu.governor '/sys/devices/system/cpu/cpu*/cpufreq/scaling_governor')
	assert_json_is "$governor"'["status"]' na
	assert_json_is "$governor"'["observed"]' 'there is none'
	threaded=$(found config.profile /sys/class/net/eth1/threaded)
	assert_json_is "$threaded"'["status"]' fail
	assert_json_is "$(found nic.rings eth0:rx_ring)"'["status"]' pass # 256 of 256
	ring=$(found nic.rings eth0:tx_ring)
	assert_json_is "$ring"'["status"]' fail
	[[ $(json_get "$ring"'["observed"]') == *'at most 256'* ]]
	assert_json_is "$(found nic.channels '*:combined_channels')"'["status"]' pass

	echo 00000000,00000003 >"$host/sys/class/net/eth0/queues/rx-0/rps_cpus"
	echo 'always madvise [never]' >"$host/sys/kernel/mm/transparent_hugepage/enabled"
	runup --root "$host" check -p "$p" -o json --only softnet.steering,memory.thp
	assert_json_is "$steering"'["status"]' pass
	assert_json_is "$thp"'["status"]' pass
}
