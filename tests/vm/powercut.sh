# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The power fails in the middle of apply, VM_CUTS times: each boot first looks at what the cut before
# has left, then applies until it is cut off. Sourced by bed.sh; see powercut.py for what a cut is.

suite() { # KERNEL DIR
	local dir=$2 cuts=${VM_CUTS:-5} cut status moment
	mkdir -p "$dir"
	state_disk "$dir/state" 64M || return 1
	RANDOM=${VM_SEED:-$$}
	printf '# power cuts: %d, VM_SEED=%s repeats them as far as time does\n' "$cuts" "${VM_SEED:-$$}"
	for ((cut = 0; cut <= cuts; cut++)); do
		cp --sparse=always "$dir/state" "$dir/disk"
		: >"$dir/log"
		vm_start "$dir/boot" "$1" "powercut-$([[ $cut -lt $cuts ]] && echo apply || echo look)" 1G \
			-blockdev "driver=file,filename=$dir/disk,node-name=disk" \
			-blockdev "driver=file,filename=$dir/log,node-name=log" \
			-blockdev 'driver=blklogwrites,node-name=state,file=disk,log=log,log-super-update-interval=1' \
			-device 'virtio-blk-pci,drive=state,serial=state,write-cache=on'
		if [[ $cut -lt $cuts ]]; then
			moment=$(wait_for_apply "$dir/boot")
			if [[ -z $moment ]]; then
				vm_cut
				vm_pick "$dir/boot" 124
				return 1
			fi
			sleep "$moment"
			vm_cut
			tell_boot "$dir/boot" "$cut"
			printf '# cut %d, %s s after apply began: %s\n' $((cut + 1)) "$moment" \
				"$(tests/vm/powercut.py "$dir/state" "$dir/log" "$RANDOM")"
		else
			status=0
			vm_wait 300 || status=$?
			vm_pick "$dir/boot" "$status"
		fi
	done
}

# When the guest says that it begins, it says too how long an apply has just taken here: the cut comes
# within that time, and a little after.
wait_for_apply() { # DIR: prints seconds
	local i took_ms at_ms
	: >>"$1/tap"
	for ((i = 0; i < 6000; i++)); do
		took_ms=$(tr -d '\r\0' 2>/dev/null <"$1/tap" | sed -nE 's/^# applying, ([0-9]+) ms$/\1/p')
		if [[ -n $took_ms ]]; then
			at_ms=$((RANDOM * (took_ms * 13 / 10) / 32768))
			printf '%d.%03d\n' $((at_ms / 1000)) $((at_ms % 1000))
			return
		fi
		# shellcheck disable=SC2154 # of lib.bash
		kill -0 "$vm_pid" 2>/dev/null || return
		sleep 0.02
	done
}

# A boot that is cut off has told what it found before, and cannot tell its end.
tell_boot() { # DIR CUT
	tr -d '\r\0' <"$1/tap" | grep -vE '^# vm (begin|end):|^# applying' | sed -E "s/^((not )?ok [0-9]+) /\1 after $2 cuts: /"
}
