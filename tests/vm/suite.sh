#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# In a VM with systemd: what runup-suite.service starts. One suite, what it left for the host onto the
# disk for that, and off, by the suite's own way if it has one (/run/suite-off).

export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8

read -r -a words </proc/cmdline
for word in "${words[@]}"; do
	[[ $word != vm.suite=* ]] || suite=${word#*=}
done
stty -F /dev/ttyS1 raw -echo
mkdir -p /out
mount -t tmpfs tmpfs /out
/src/tests/vm/guest.sh "$suite" </dev/null >/dev/ttyS1
tar -c -C /out . >/dev/disk-out
sync
if [[ -e /run/suite-off ]]; then
	# shellcheck source=/dev/null
	. /run/suite-off
fi
systemctl --no-block poweroff
