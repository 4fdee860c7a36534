# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# A reboot between apply and rollback, the state folder on a disk that stays: two boots. Sourced by
# bed.sh.

suite() { # KERNEL DIR
	local boot status
	mkdir -p "$2"
	state_disk "$2/state" 64M || return 1
	for boot in before after; do
		status=0
		vm_start "$2/$boot" "$1" "reboot-$boot" 1G \
			-drive "file=$2/state,format=raw,if=none,id=state" -device "virtio-blk-pci,drive=state,serial=state"
		vm_wait 300 || status=$?
		vm_pick "$2/$boot" "$status"
	done
}
