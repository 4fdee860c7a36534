#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# [sysfs] and [nic] change real queues, masks and channels of devices in a namespace, and put them back.

load ../lib/runup
load ../lib/netns

setup() {
	need_root
	need_command ip
	ns=$(netns_make)
	add_pair "$ns"
	settings "$ns" >"$BATS_TEST_TMPDIR/before"
}

# v0 with four queues each way and v1 with as many.
add_pair() { # NS
	ip -n "$1" link add v0 numrxqueues 4 numtxqueues 4 type veth \
		peer name v1 numrxqueues 4 numtxqueues 4
}

# `ip netns exec` mounts a sysfs of its own for the namespace.
in_sys() { # NS COMMAND…
	local ns=$1
	shift
	netns_exec "$ns" sh -c 'cd /sys/class/net && exec "$@"' sh "$@"
}

settings() { # NS
	in_sys "$1" sh -c 'grep . v*/queues/*/[rx]ps_* v*/gro_flush_timeout v*/napi_defer_hard_irqs */tx_queue_len'
}

value() { # FILE [NS]
	in_sys "${2-$ns}" cat "$1"
}

set_value() { # FILE VALUE
	in_sys "$ns" sh -c 'echo "$2" >"$1"' sh "$1" "$2"
}

assert_as_before() {
	settings "$ns" | diff "$BATS_TEST_TMPDIR/before" -
}

# A JSON of ethtool's numbers, by runup itself: there is no other reader here.
channels() { # DEVICE
	runup --netns "$ns" check -p "$(make_profile read <<<"[nic $1]"$'\n'"rx_channels = 4")" \
		--only nic.channels -o json
	json_get "one(d['findings'], subject='$1:rx_channels')['observed']"
}

change() { # KEY FIELD, of an apply's document
	json_get "one(d['changes'], key='$1')['$2']"
}

undone() { # KEY, of a rollback's document
	json_get "one(d['changesets'][0]['changes'], key='$1')['result']"
}

masks_profile() {
	make_profile masks <<-'INI'
		[sysfs]
		/sys/class/net/v*/queues/rx-*/rps_cpus = 1
		/sys/class/net/v0/queues/rx-0/rps_flow_cnt = >= 100
		/sys/class/net/v0/queues/tx-[0-1]/xps_cpus = covers 1
		/sys/class/net/v1/gro_flush_timeout = 20000
		/sys/class/net/v1/napi_defer_hard_irqs = 2
		/sys/class/net/v0/tx_queue_len = >= 2000
	INI
}

apply_masks() {
	runup --netns "$ns" apply "$(masks_profile)" -o json
	assert_exit 0
	assert_json apply
}

@test "masks and numbers of queues: applied, seen by status and check, applied again, put back" {
	p=$(masks_profile)
	runup --netns "$ns" check -p "$p" --only softnet.steering -o json
	assert_json_is 'one(d["findings"], subject="/sys/class/net/v*/queues/rx-*/rps_cpus")["status"]' warn
	[[ $(json_get 'one(d["findings"], subject="/sys/class/net/v*/queues/rx-*/rps_cpus")["observed"]') == '8 of 8 are not so: '* ]]
	apply_masks
	assert_json_is 'len(d["changes"])' 14
	assert_json_is '{c["result"] for c in d["changes"]} == {"written"}' true
	[[ $(value v0/queues/rx-3/rps_cpus) -eq 1 ]]
	[[ $(value v0/queues/rx-0/rps_flow_cnt) -eq 128 ]] # the kernel rounds it up
	[[ $(value v0/queues/tx-1/xps_cpus) -eq 1 ]]
	[[ $(value v0/queues/tx-2/xps_cpus) -eq 0 ]]
	[[ $(value v1/gro_flush_timeout) -eq 20000 ]]
	[[ $(value v0/tx_queue_len) -eq 2000 ]]
	[[ $(value v1/tx_queue_len) -eq 1000 ]]
	runup --netns "$ns" check -p "$p" --only softnet.steering,qdisc.default,config.profile -o json
	assert_json_is '{f["status"] for f in d["findings"] if f["required"]} == {"pass"}' true
	runup status -o json
	assert_exit 0
	assert_json_is '{c["result"] for c in d["changesets"][0]["changes"]} == {"in_force"}' true
	apply_masks
	assert_json_is 'd["changeset"]' null
	runup rollback -o json
	assert_exit 0
	assert_as_before
}

@test "covers widens a mask, all is every CPU that is online" {
	[[ $(nproc) -eq $(getconf _NPROCESSORS_ONLN) && $(nproc) -gt 1 ]] ||
		skip 'not possible here: one CPU has one mask'
	set_value v0/queues/rx-0/rps_cpus 2
	settings "$ns" >"$BATS_TEST_TMPDIR/before"
	p=$(make_profile p <<-'INI'
		[sysfs]
		/sys/class/net/v0/queues/rx-0/rps_cpus = covers 1
		/sys/class/net/v0/queues/rx-1/rps_cpus = all
	INI
	)
	runup --netns "$ns" apply "$p" -o json
	assert_exit 0
	[[ $(value v0/queues/rx-0/rps_cpus) == *3 ]]
	assert_json_is 'bin(int(one(d["changes"], key="/sys/class/net/v0/queues/rx-1/rps_cpus")["after"].replace(",", ""), 16)).count("1")' "$(nproc)"
	runup rollback
	assert_exit 0
	assert_as_before
}

@test "in a namespace whose devices /sys does not show, and undone from a third one" {
	other=$(netns_make)
	add_pair "$other"
	settings "$other" >"$BATS_TEST_TMPDIR/other-before"
	# /sys is that of `other`, and its v0 looks the same; the network is that of `ns`.
	run_command ip netns exec "$other" nsenter --net="/run/netns/$ns" "$RUNUP" apply "$(masks_profile)"
	assert_exit 0
	[[ $(value v0/queues/rx-0/rps_cpus) -eq 1 ]]
	settings "$other" | diff "$BATS_TEST_TMPDIR/other-before" -
	run_command ip netns exec "$other" "$RUNUP" rollback
	assert_exit 0
	assert_as_before
	settings "$other" | diff "$BATS_TEST_TMPDIR/other-before" -
}

@test "drift of one mask is left alone and named; --force sets it back" {
	key=/sys/class/net/v0/queues/rx-1/rps_cpus
	set_value v0/queues/rx-1/rps_cpus 1
	settings "$ns" >"$BATS_TEST_TMPDIR/before"
	p=$(make_profile p <<-INI
		[sysfs]
		/sys/class/net/v0/queues/rx-*/rps_flow_cnt = 64
		$key = 0
	INI
	)
	runup --netns "$ns" apply "$p"
	assert_exit 0
	set_value v0/queues/rx-1/rps_flow_cnt 32
	runup status
	assert_exit 1
	assert_out '^drifted +/sys/class/net/v0/queues/rx-1/rps_flow_cnt'
	runup rollback -o json
	assert_exit 1
	assert_json_is 'sorted(c["result"] for c in d["changesets"][0]["changes"])' \
		'["drifted", "restored", "restored", "restored", "restored"]'
	[[ $(value v0/queues/rx-1/rps_flow_cnt) -eq 32 ]]
	[[ $(value v0/queues/rx-1/rps_cpus) -eq 1 ]]
	runup rollback --force "$(json_get 'd["changesets"][0]["id"]')"
	assert_exit 0
	assert_as_before
}

@test "a device that is gone, and one that took its name: nothing is written" {
	apply_masks
	ip -n "$ns" link del v0
	runup rollback --dry-run -o json
	assert_exit 0
	assert_json_is '{c["result"] for c in d["changesets"][0]["changes"]} == {"gone"}' true
	add_pair "$ns"
	# What the stranger has looks like runup's own.
	set_value v0/queues/rx-0/rps_cpus 1
	runup status -o json
	assert_json_is '{c["result"] for c in d["changesets"][0]["changes"]} == {"gone"}' true
	runup rollback -o json
	assert_exit 0
	assert_json_is '{c["result"] for c in d["changesets"][0]["changes"]} == {"gone"}' true
	[[ $(value v0/queues/rx-0/rps_cpus) -eq 1 ]]
}

@test "what is not there, and what a device does not support: named, and nothing is changed" {
	p=$(make_profile p <<-'INI'
		[sysfs]
		/sys/class/net/v0/tx_queue_len = 500
		/sys/class/net/v9/tx_queue_len = 500
	INI
	)
	runup --netns "$ns" apply "$p"
	assert_exit 3
	assert_one_error "p.ini:3: '/sys/class/net/v9/tx_queue_len' is not there: no such device"
	assert_as_before
	sed -i 's|^/sys/class/net/v9|-&|' "$p"
	# Only where there are several queues is there a mask of who sends.
	echo '-/sys/class/net/lo/queues/tx-*/xps_cpus = 1' >>"$p"
	# Its NAPI is there only while it is up and merges packets.
	echo '/sys/class/net/v1/threaded = 1' >>"$p"
	runup --netns "$ns" apply "$p" -o json
	assert_exit 3
	assert_err "write '1' to '/sys/class/net/v1/threaded': not supported by this device"
	assert_as_before
	sed -i '$d' "$p"
	runup --netns "$ns" apply "$p" -o json
	assert_exit 0
	[[ $(change /sys/class/net/v9/tx_queue_len result) == missing ]]
	[[ $(change '/sys/class/net/lo/queues/tx-*/xps_cpus' result) == missing ]]
	runup rollback
	assert_as_before
}

@test "two lines that name one file are refused" {
	p=$(make_profile p <<-'INI'
		[sysfs]
		/sys/class/net/v0/queues/rx-*/rps_cpus = 1
		/sys/class/net/*/queues/rx-2/rps_cpus = 0
	INI
	)
	runup --netns "$ns" apply "$p"
	assert_exit 2
	assert_one_error "p.ini:3: sysfs '/sys/class/net/v0/queues/rx-2/rps_cpus' is named by an earlier line"
	assert_as_before
}

@test "what belongs to the host is not set from a namespace" {
	for line in '/sys/kernel/mm/transparent_hugepage/enabled = never' '/sys/kernel/mm/transparent_hugepage/enabled = always'; do
		p=$(make_profile p <<<"[sysfs]"$'\n'"$line")
		runup --netns "$ns" apply "$p" --dry-run
		# One of them is in force already, and then there is nothing to refuse.
		[[ $status -eq 0 ]] && continue
		assert_exit 3
		assert_one_error 'belongs to the host, not to this network namespace'
		refused=1
	done
	[[ $refused -eq 1 ]]
	p=$(make_profile p <<<"[sysctl]"$'\n'"net.core.default_qdisc = fq")
	runup --netns "$ns" apply "$p"
	assert_exit 3
	assert_one_error "'net.core.default_qdisc' belongs to the host"
}

@test "a qdisc that the kernel does not have: the error says so, the default stays" {
	[[ -w /proc/sys/net/core/default_qdisc ]] || skip 'not possible here: not in the first namespace'
	before=$(cat /proc/sys/net/core/default_qdisc)
	p=$(make_profile p <<<"[sysctl]"$'\n'"net.core.default_qdisc = runup_none")
	runup apply "$p"
	assert_exit 3
	assert_one_error "'runup_none' to sysctl 'net.core.default_qdisc': the kernel has nothing of that name"
	[[ $(cat /proc/sys/net/core/default_qdisc) == "$before" ]]
	runup status
	assert_out 'nothing is applied'
}

@test "channels of a card: by number and by max, put back one after the other" {
	p=$(make_profile less <<-'INI'
		[nic v0]
		rx_channels = 2
	INI
	)
	[[ $(channels v0) -eq 4 ]]
	runup --netns "$ns" apply "$p" -o json
	assert_exit 0
	assert_json apply
	[[ $(change v0:rx_channels after) -eq 2 ]]
	[[ $(channels v0) -eq 2 ]]
	p=$(make_profile more <<-'INI'
		[nic v0]
		rx_channels = >= max
		tx_channels = >= 1
	INI
	)
	runup --netns "$ns" apply "$p" -o json
	assert_exit 0
	[[ $(change v0:rx_channels want) == '>= 4' ]]
	[[ $(change v0:tx_channels result) == satisfied ]]
	runup rollback
	assert_exit 0
	[[ $(channels v0) -eq 2 ]]
	runup rollback
	assert_exit 0
	[[ $(channels v0) -eq 4 ]]
	assert_as_before

	p=$(make_profile toomany <<-'INI'
		[nic v0]
		rx_channels = >= 5
	INI
	)
	runup --netns "$ns" apply "$p"
	assert_exit 2
	assert_one_error "toomany.ini:2: 'v0:rx_channels = 5': the device takes at most 4"
}

@test "a card without rings, and one that is not there" {
	p=$(make_profile p <<-'INI'
		[nic v0]
		rx_ring = >= max
	INI
	)
	runup --netns "$ns" apply "$p"
	assert_exit 3
	assert_one_error "p.ini:2: 'v0' \(veth\) has no receive ring that can be set: not supported by its driver"
	sed -i 's/^rx_ring/-rx_ring/; $a [nic v9]\n-tx_ring = 5\n[nic *]\n-combined_channels = >= max' "$p"
	runup --netns "$ns" apply "$p" -o json
	assert_exit 0
	assert_json_is 'sorted((c["key"], c["result"]) for c in d["changes"])' \
		'[["*:combined_channels", "missing"], ["v0:rx_ring", "missing"], ["v9:tx_ring", "missing"]]'
	[[ $(change v9:tx_ring why) == "there is no network device 'v9' in this network namespace" ]]
}

@test "a card that is gone, and one that took its name" {
	runup --netns "$ns" apply "$(make_profile p <<<$'[nic v0]\nrx_channels = 2')"
	assert_exit 0
	ip -n "$ns" link del v0
	add_pair "$ns"
	runup rollback -o json
	assert_exit 0
	[[ $(undone v0:rx_channels) == gone ]]
	[[ $(channels v0) -eq 4 ]]
}

@test "queues that fewer channels take away: what was written is put back" {
	p=$(make_profile p <<-'INI'
		[nic v0]
		rx_channels = 2
		[sysfs]
		/sys/class/net/v0/queues/rx-*/rps_cpus = 1
	INI
	)
	runup --netns "$ns" apply "$p"
	assert_exit 3
	assert_one_error 'rx-2/rps_cpus.: it is gone since the change was planned'
	[[ $(channels v0) -eq 4 ]]
	assert_as_before
}

# With ".." in its links, openat2(2) asks to be called again when something was mounted anywhere.
@test "what is mounted elsewhere meanwhile does not disturb" {
	mkdir "$BATS_TEST_TMPDIR/mounted"
	for i in 1 2; do
		start_background "mounts-$i" unshare -m sh -c \
			'while :; do mount -t tmpfs none "$1" && umount "$1"; done' sh "$BATS_TEST_TMPDIR/mounted"
	done
	for i in 1 2 3 4 5; do
		apply_masks
		runup rollback
		assert_exit 0
	done
	assert_as_before
}
