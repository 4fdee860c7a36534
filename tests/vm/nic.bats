#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# vm: memory=1G device=virtio-net-pci,netdev=net0,rx_queue_size=1024,tx_queue_size=256
#
# What is the host's own, or a real card's, and so is changed nowhere but here: huge pages, the default
# queueing discipline, masks and rings of a virtio card in the first namespace.

load ../lib/runup
load ../lib/netns

thp=/sys/kernel/mm/transparent_hugepage

setup() {
	modprobe virtio_net 2>/dev/null || true
	card=
	for path in /sys/class/net/*; do
		if [[ $(basename "$(readlink -f "$path/device/driver")") == virtio_net ]]; then
			card=${path##*/}
		fi
	done
	[[ -n $card ]] || skip 'not possible here: this VM has no virtio card'
	ip link set "$card" up
}

chosen() { # FILE
	sed -E 's/.*\[(.*)\].*/\1/' "$1"
}

undone() { # KEY, of a rollback's document
	json_get "one(d['changesets'][0]['changes'], key='$1')['result']"
}

ring() { # which: rx_ring or tx_ring, by a check of the profile line "= 1"
	runup check -p "$(make_profile read <<<"[nic $card]"$'\n'"$1 = 1")" --only nic.rings -o json
	json_get "one(d['findings'], subject='$card:$1')['observed']"
}

@test "huge pages: the word in brackets is the value, both files are put back" {
	enabled=$(chosen $thp/enabled) defrag=$(chosen $thp/defrag)
	for want in never madvise always; do
		p=$(make_profile "$want" <<-INI
			[sysfs]
			$thp/enabled = $want
			$thp/defrag = $want
		INI
		)
		runup apply "$p" -o json
		assert_exit 0
		[[ $(chosen $thp/enabled) == "$want" ]]
		[[ $(chosen $thp/defrag) == "$want" ]]
		runup check -p "$p" --only memory.thp -o json
		assert_json_is '{f["status"] for f in d["findings"] if f["required"]} == {"pass"}' true
		runup apply "$p" -o json
		assert_exit 0
		assert_json_is 'd["changeset"]' null
	done
	# Somebody else's word in between is left alone.
	echo never >$thp/enabled
	runup rollback --all
	[[ $status -le 1 ]]
	echo "$enabled" >$thp/enabled
	[[ $(chosen $thp/defrag) == "$defrag" ]]
	runup status
	assert_exit 0
}

@test "the default qdisc: its module is loaded, a card without one gets it, and it is put back" {
	before=$(cat /proc/sys/net/core/default_qdisc)
	[[ ! -e /sys/module/sch_fq ]] || rmmod sch_fq
	p=$(make_profile fq <<<$'[sysctl]\nnet.core.default_qdisc = fq')
	runup apply "$p"
	assert_exit 0
	[[ $(cat /proc/sys/net/core/default_qdisc) == fq ]]
	[[ -e /sys/module/sch_fq ]]
	# A card that has a qdisc keeps it; one whose own is taken away gets the default.
	tc qdisc replace dev "$card" root pfifo
	tc qdisc del dev "$card" root
	[[ $(tc qdisc show dev "$card") == 'qdisc fq '* ]]
	runup check -p "$p" --only qdisc.default -o json
	assert_json_is 'one(d["findings"], subject="net.core.default_qdisc")["status"]' pass
	runup rollback
	assert_exit 0
	[[ $(cat /proc/sys/net/core/default_qdisc) == "$before" ]]
	runup apply "$(make_profile none <<<$'[sysctl]\nnet.core.default_qdisc = runup_none')"
	assert_exit 3
	assert_one_error 'the kernel has nothing of that name, neither built in nor as a module'
	[[ $(cat /proc/sys/net/core/default_qdisc) == "$before" ]]
}

@test "masks of a real card's queues, in the first namespace" {
	p=$(make_profile rps <<-INI
		[sysfs]
		/sys/class/net/$card/queues/rx-*/rps_cpus = all
		/sys/class/net/$card/queues/rx-*/rps_flow_cnt = 256
		/sys/class/net/$card/threaded = 1
	INI
	)
	before=$(grep . /sys/class/net/"$card"/queues/rx-*/rps_* /sys/class/net/"$card"/threaded)
	runup apply "$p" -o json
	assert_exit 0
	[[ $((16#$(tr -d , </sys/class/net/"$card"/queues/rx-0/rps_cpus))) -eq $(((1 << $(nproc)) - 1)) ]]
	[[ $(cat /sys/class/net/"$card"/threaded) -eq 1 ]]
	runup status -o json
	assert_exit 0
	assert_json_is '{c["result"] for c in d["changesets"][0]["changes"]} == {"in_force"}' true
	runup rollback
	assert_exit 0
	[[ $(grep . /sys/class/net/"$card"/queues/rx-*/rps_* /sys/class/net/"$card"/threaded) == "$before" ]]
}

@test "rings of a card: to less, to max, and back" {
	[[ $(ring rx_ring) -eq 1024 ]]
	# A host's side without VIRTIO_F_RING_RESET, or a kernel before 6.0, cannot.
	p=$(make_profile less <<<"[nic $card]"$'\n''rx_ring = 512')
	runup apply "$p" -o json
	if [[ $status -ne 0 ]]; then
		assert_exit 3
		assert_err "set the receive ring of '$card' to 512: .*Operation not supported"
		[[ $(ring rx_ring) -eq 1024 ]]
		skip 'not possible here: this card cannot change its rings'
	fi
	[[ $(ring rx_ring) -eq 512 ]]
	p=$(make_profile most <<<$'[nic *]\nrx_ring = >= max\ncombined_channels = >= max')
	runup check -p "$p" --only nic.rings -o json
	assert_json_is 'one(d["findings"], subject="*:rx_ring")["status"]' warn
	runup apply "$p" -o json
	assert_exit 0
	assert_json_is "one(d['changes'], key='$card:rx_ring')['result']" written
	[[ $(ring rx_ring) -eq 1024 ]]
	runup rollback
	assert_exit 0
	[[ $(ring rx_ring) -eq 512 ]]
	runup rollback
	assert_exit 0
	[[ $(ring rx_ring) -eq 1024 ]]
}

@test "a card whose driver was bound anew is another one: nothing is written" {
	runup apply "$(make_profile q <<<"[sysfs]"$'\n'"/sys/class/net/$card/tx_queue_len = >= 5000")"
	assert_exit 0
	device=$(basename "$(readlink -f "/sys/class/net/$card/device")")
	echo "$device" >/sys/bus/virtio/drivers/virtio_net/unbind
	echo "$device" >/sys/bus/virtio/drivers/virtio_net/bind
	wait_until 5 test -e "/sys/class/net/$card"
	echo 5000 >"/sys/class/net/$card/tx_queue_len" # as runup left the other one's
	runup rollback -o json
	assert_exit 0
	[[ $(undone "/sys/class/net/$card/tx_queue_len") == gone ]]
	[[ $(cat "/sys/class/net/$card/tx_queue_len") -eq 5000 ]]
}
