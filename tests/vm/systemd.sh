# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# A host with systemd, its root on a disk: boots that follow one another. Sourced by bed.sh.

suite() { # KERNEL DIR
	local boot status reason
	# shellcheck disable=SC2154 # of bed.sh
	if [[ -e $vm_dir/no-root ]]; then
		read -r status reason <"$vm_dir/no-root"
		if [[ $status -eq 77 ]]; then
			printf '1..1\nok 1 systemd # skip not possible here: %s\n' "$reason"
			return 0
		fi
		vm_test not-ok "a root with systemd: $reason" "$vm_dir/root.err"
		return 1
	fi
	mkdir -p "$2"
	cp --sparse=always --reflink=auto "$vm_dir/root.ext4" "$2/root"
	for boot in ${VM_SYSTEMD_BOOTS:-first second third}; do
		status=0
		vm_start "$2/$boot" "$1" "systemd-$boot" 1G \
			-drive "file=$2/root,format=raw,if=none,id=root" -device 'virtio-blk-pci,drive=root,serial=root' \
			-initrd "$vm_dir/stage-$1" -append "console=ttyS0 panic=-1 no_timer_check vm.suite=systemd-$boot rw \
systemd.unit=runup-suite.target systemd.show_status=yes systemd.log_target=console"
		vm_wait 900 || status=$?
		vm_pick "$2/$boot" "$status"
	done
	rm -f "$2/root"
}
