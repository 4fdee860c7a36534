# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# For the host's side of the test bed: boots a VM and picks out what it said.
#
# A boot has a folder: `console` (the first serial port: kernel and init), `tap` (the second: the
# suite), and the `out` disk, a tar that the VM leaves at its end. vm_dir is the folder of all boots,
# with the images in it: initrd-6.1, initrd-6.12, and `accel`.

: "${vm_dir:=build/vm}"

# Whether hardware virtualisation works is known only when something has run under it: /dev/kvm may
# be there and refuse, or stall, half-way. A kernel without a root panics within a second or two.
#
# Software emulation in one thread: with one thread a virtual CPU, qemu 7.2 may run code that another
# CPU has just patched, and the kernel dies of a breakpoint it has already taken out (static keys).
# With two VMs on two cores that costs nothing.
vm_choose_accel() { # KERNEL_DIR: writes $vm_dir/accel
	local pid i accel='tcg,thread=single'
	if [[ -n ${VM_ACCEL-} ]]; then
		accel=$VM_ACCEL
	elif [[ -w /dev/kvm ]]; then
		qemu-system-x86_64 -accel kvm -machine pc -cpu max -m 512 -nodefaults -no-user-config \
			-display none -no-reboot -serial "file:$vm_dir/kvm-console" -kernel "$1/vmlinuz" \
			-append 'console=ttyS0 panic=-1 no_timer_check' >/dev/null 2>&1 &
		pid=$!
		for ((i = 0; i < 100; i++)); do
			kill -0 "$pid" 2>/dev/null || break
			sleep 0.1
		done
		kill -KILL "$pid" 2>/dev/null
		wait "$pid" 2>/dev/null
		if grep -aq 'Kernel panic' "$vm_dir/kvm-console" 2>/dev/null; then
			accel=kvm
		fi
	fi
	printf '%s\n' "$accel" >"$vm_dir/accel"
}

# Starts a VM and sets vm_pid. The options that follow are qemu's. no_timer_check: on a busy host the
# emulated timer is late and the kernel gives up at once ("IO-APIC + timer doesn't work").
vm_start() { # DIR KERNEL SUITE MEMORY [QEMU_OPTION…]
	local dir=$1 kernel=$2 suite=$3 memory=$4
	shift 4
	mkdir -p "$dir"
	rm -f "$dir/console" "$dir/tap" "$dir/out"
	truncate -s 256M "$dir/out" # of the file system's blocks it takes what is written
	qemu-system-x86_64 -accel "$(cat "$vm_dir/accel")" -machine pc -cpu max -smp 2 -m "$memory" \
		-nodefaults -no-user-config -display none -no-reboot -device virtio-rng-pci \
		-serial "file:$dir/console" -serial "file:$dir/tap" \
		-kernel "$vm_dir/vmlinuz-$kernel" -initrd "$vm_dir/initrd-$kernel" \
		-append "console=ttyS0 panic=-1 no_timer_check vm.suite=$suite" \
		-drive "file=$dir/out,format=raw,if=none,id=out" \
		-device virtio-blk-pci,drive=out,serial=out "$@" >"$dir/qemu" 2>&1 </dev/null &
	vm_pid=$!
}

# Waits for the end of it; 124: not within that time, and stopped.
vm_wait() { # SECONDS
	local end=$((SECONDS + $1)) status=0
	while kill -0 "$vm_pid" 2>/dev/null; do
		if [[ $SECONDS -ge $end ]]; then
			vm_cut
			return 124
		fi
		sleep 0.2
	done
	wait "$vm_pid" 2>/dev/null || status=$?
	vm_pid=
	return "$status"
}

# As a power cut does: nothing is asked, nothing is flushed.
vm_cut() {
	kill -KILL "$vm_pid" 2>/dev/null
	wait "$vm_pid" 2>/dev/null
	vm_pid=
}

# The host's own test about a boot, a stream of one.
vm_test() { # ok|not-ok NAME [FILE that explains it]
	printf '1..1\n%s 1 %s\n' "${1/-/ }" "$2"
	[[ $1 == ok || -z ${3-} ]] || tail -n 40 "$3" | tr -d '\r\0' | sed 's/^/# /'
}

# Prints what the suite said, and as tests of their own that it said all of it, that the kernel is
# well, and that each JSON document that a test saw follows its schema.
vm_pick() { # DIR STATUS
	local dir=$1 status=$2 begin end ended
	tr -d '\r\0' <"$dir/tap" >"$dir/tap.txt" 2>/dev/null
	grep -vE '^# vm (begin|end):' "$dir/tap.txt"
	begin=$(sed -n 's/^# vm begin: //p' "$dir/tap.txt")
	end=$(sed -nE 's/^# vm end: ([0-9]+) files$/\1/p' "$dir/tap.txt")
	ended=$(grep -cE '^(not )?ok 1 [^ ]+ ended (after|with)' "$dir/tap.txt")
	if [[ -z $begin ]]; then
		vm_test not-ok "the VM booted (qemu: status $status, $(head -c 200 "$dir/qemu"))" "$dir/console"
	elif [[ -z $end || $end -ne $ended ]]; then
		vm_test not-ok "the suite came to its end (qemu: status $status, $ended files of ${end:-?} told)" "$dir/console"
	elif [[ $status -ne 0 ]]; then
		vm_test not-ok "the VM powered off by itself (status $status)" "$dir/console"
	elif grep -aqE 'Kernel panic|Oops: |BUG: (unable|kernel)|general protection fault' "$dir/console"; then
		vm_test not-ok 'the kernel is well' "$dir/console"
	else
		vm_test ok "the VM booted and powered off: $begin"
	fi
	vm_validate "$dir"
}

vm_validate() { # DIR
	local file name lines
	rm -rf "$1/kept"
	mkdir -p "$1/kept"
	# An empty disk is a tar without members.
	tar -x -f "$1/out" -C "$1/kept" --no-same-owner 2>/dev/null || true
	for file in "$1"/kept/json/*.jsonl; do
		[[ -e $file ]] || continue
		name=$(basename "$file" .jsonl)
		lines=$(wc -l <"$file")
		if /usr/bin/python3 tests/validate.py --lines "$name" "$file" >"$1/validate" 2>&1; then
			vm_test ok "$lines documents follow schemas/$name.schema.json"
		else
			vm_test not-ok "$lines documents follow schemas/$name.schema.json" "$1/validate"
		fi
	done
}
