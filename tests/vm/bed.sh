#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The VM test bed: suites on stock Debian kernels under qemu. `make test-vm` is `tests/run.sh BUILD vm`,
# which calls this:
#
#   tests/vm/bed.sh list                         what VM_KERNEL and VM_SUITE leave: "6.1 unit", one a line
#   tests/vm/bed.sh all BUILD                    runs these, two at a time
#   tests/vm/bed.sh result BUILD KERNEL SUITE    waits for one that `all` runs, and prints its TAP
#   tests/vm/bed.sh one BUILD KERNEL SUITE       runs one that `all` prepared, and prints its TAP
#   tests/vm/bed.sh shell BUILD KERNEL           a shell in a VM
#
# VM_KERNEL="6.1 6.12", VM_SUITE="unit tune …", VM_ALL=1 for the long ones too, VM_JOBS=2 VMs at a time,
# VM_ACCEL=tcg, VM_CUTS=5 power cuts, VM_CACHE the folder that kernels are kept in. What a boot leaves is in BUILD/vm/KERNEL-SUITE.

set -uo pipefail
cd "$(dirname "$0")/../.." || exit 1
export LC_ALL=C PATH=$PATH:/usr/sbin:/sbin
. tests/vm/lib.bash

kernels='6.1 6.12'
# The longest first, so that the last does not run alone. What each is stands in CONTRIBUTING.md.
suites='systemd powercut flat conntrack check unit reboot tune cgroup nic'
# `make soak` has these too: what they take is mostly time, and they found nothing that depends on a
# kernel and the others do not.
[[ -z ${VM_ALL-} ]] || suites="netns apply cli $suites"

# What systemd does is not a question to a kernel: unless asked for, on the newest alone.
list() {
	local kernel suite
	for suite in ${VM_SUITE:-$suites}; do
		for kernel in ${VM_KERNEL:-$kernels}; do
			[[ $suite != systemd || -n ${VM_ALL-}${VM_KERNEL-} || $kernel == "${kernels##* }" ]] || continue
			printf '%s %s\n' "$kernel" "$suite"
		done
	done
}

# Images of all kernels that are asked for; a kernel that cannot be had leaves its reason instead.
prepare() {
	local kernel dir status
	mkdir -p "$vm_dir"
	rm -f "$vm_dir"/*.result "$vm_dir"/no-*
	tests/vm/image.sh base "$build" "$vm_dir/base.cpio" || return 1
	for kernel in $(list | cut -d' ' -f1 | sort -u); do
		status=0
		dir=$(tests/vm/kernel.sh "$kernel" 2>"$vm_dir/kernel-$kernel.err") || status=$?
		cat "$vm_dir/kernel-$kernel.err" >&2
		if [[ $status -ne 0 ]]; then
			printf '%s %s\n' "$status" "$(tail -n 1 "$vm_dir/kernel-$kernel.err")" >"$vm_dir/no-$kernel"
			continue
		fi
		tests/vm/image.sh modules "$dir" "$vm_dir/modules-$kernel.cpio" || return 1
		cat "$vm_dir/modules-$kernel.cpio" "$vm_dir/base.cpio" >"$vm_dir/initrd-$kernel"
		ln -sfn "$dir/vmlinuz" "$vm_dir/vmlinuz-$kernel"
		vm_choose_accel "$dir"
	done
	if list | grep ' systemd$' >/dev/null; then
		prepare_root
	fi
}

# For suites that have systemd: their root, and the initramfs that leads there; or a reason, as above.
prepare_root() {
	local kernel root status=0
	root=$(tests/vm/root.sh "$build" 2>"$vm_dir/root.err") || status=$?
	tail -n 20 "$vm_dir/root.err" >&2
	if [[ $status -ne 0 ]]; then
		printf '%s %s\n' "$status" "$(tail -n 1 "$vm_dir/root.err")" >"$vm_dir/no-root"
		return
	fi
	ln -sfn "$root" "$vm_dir/root.ext4"
	tests/vm/image.sh stage "$build" "$vm_dir/stage.cpio" || return 1
	for kernel in $(list | sed -n 's/ systemd$//p'); do
		[[ ! -e $vm_dir/modules-$kernel.cpio ]] ||
			cat "$vm_dir/modules-$kernel.cpio" "$vm_dir/stage.cpio" >"$vm_dir/stage-$kernel"
	done
}

# `# vm: memory=3G timeout=600 disk=64M device=QEMU_DEVICE` in a suite's file, or what is usual.
setting() { # SUITE NAME DEFAULT
	local value
	value=$(sed -nE "s/^# vm:.* ?$2=([^ ]+).*/\1/p" "tests/vm/$1.bats" 2>/dev/null | head -n 1)
	printf '%s\n' "${value:-$3}"
}

state_disk() { # FILE SIZE
	rm -f "$1"
	truncate -s "$2" "$1" && mkfs.ext4 -q -F -L state "$1"
}

one() { # KERNEL SUITE
	local dir=$vm_dir/$1-$2 status=0 reason options=() disk device
	if [[ -e $vm_dir/no-$1 ]]; then
		read -r status reason <"$vm_dir/no-$1"
		if [[ $status -eq 77 ]]; then
			printf '1..1\nok 1 %s # skip not possible here: %s\n' "$2" "$reason"
			return 0
		fi
		vm_test not-ok "a kernel $1: $reason"
		return 1
	fi
	if [[ -e tests/vm/$2.sh ]]; then
		# shellcheck source=/dev/null
		. "tests/vm/$2.sh" # several boots: `suite` runs them
		suite "$1" "$dir"
		return
	fi
	disk=$(setting "$2" disk '')
	if [[ -n $disk ]]; then
		mkdir -p "$dir"
		state_disk "$dir/state" "$disk"
		options=(-drive "file=$dir/state,format=raw,if=none,id=state" -device "virtio-blk-pci,drive=state,serial=state")
	fi
	device=$(setting "$2" device '')
	if [[ -n $device ]]; then # a card on a network of its own, where nobody else is
		options+=(-netdev 'hubport,id=net0,hubid=0' -device "$device")
	fi
	vm_start "$dir" "$1" "$2" "$(setting "$2" memory 1536M)" "${options[@]}"
	vm_wait "$(setting "$2" timeout 1200)" || status=$?
	vm_pick "$dir" "$status"
}

# The result appears whole, under its name.
job() { # KERNEL SUITE
	local result=$vm_dir/$1-$2.result start=${EPOCHREALTIME/./}
	one "$1" "$2" >"$result.tmp" 2>&1
	printf '# took: %d s\n' $(((${EPOCHREALTIME/./} - start) / 1000000)) >>"$result.tmp"
	mv "$result.tmp" "$result"
}

all() {
	local kernel suite
	prepare || { printf 'failed\n' >"$vm_dir/no-bed"; return 1; }
	while read -r kernel suite; do
		while [[ $(jobs -rp | wc -l) -ge ${VM_JOBS:-2} ]]; do
			wait -n
		done
		(
			trap '[[ -z ${vm_pid-} ]] || kill -KILL "$vm_pid"; exit 143' TERM INT HUP
			job "$kernel" "$suite"
		) &
	done < <(list)
	wait
}

result() { # KERNEL SUITE BED_PID
	local file=$vm_dir/$1-$2.result
	until [[ -e $file ]]; do
		if ! kill -0 "$3" 2>/dev/null && [[ ! -e $file ]]; then
			vm_test not-ok 'the bed ran it'
			return 1
		fi
		sleep 0.3
	done
	cat "$file"
	! grep -q '^not ok' "$file"
}

shell() { # KERNEL
	VM_KERNEL=$1 VM_SUITE=unit prepare || return 1
	[[ ! -e $vm_dir/no-$1 ]] || return 1
	exec qemu-system-x86_64 -accel "$(cat "$vm_dir/accel")" -machine pc -cpu max -smp 2 -m 2G \
		-nodefaults -no-user-config -display none -no-reboot -device virtio-rng-pci -serial mon:stdio \
		-kernel "$vm_dir/vmlinuz-$1" -initrd "$vm_dir/initrd-$1" \
		-append 'console=ttyS0 quiet panic=-1 no_timer_check vm.shell'
}

action=${1-}
case $action in
list) list; exit ;;
all | result | one | shell) ;;
*) sed -n '/^# The VM/,/^$/s/^# \{0,1\}//p' "$0" >&2; exit 2 ;;
esac
build=$(cd "$2" && pwd) || exit 2
vm_dir=$build/vm
shift 2
vm_pid=
"$action" "$@"
