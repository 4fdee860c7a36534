#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# A root file system with systemd for the test bed: tests/vm/root.sh BUILD
#
# Prints the name of an ext4 image: this machine's own release of Debian, minimal, with systemd as the
# first process, the packages that BUILD/runup has its libraries from, and what the suite runs. It is
# made once from the machine's own package sources, into $VM_CACHE, outside the tree. No udev, dbus or
# network configuration: what a boot does not have it does not wait for.
# Exit 77: this machine cannot make one.

set -euo pipefail
PATH=$PATH:/usr/sbin:/sbin
export LC_ALL=C

build=${1:?root.sh: BUILD}
cache=${VM_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/runup-vm}
# Of another number than the image's: made anew.
revision=1
programs=(systemd kmod procps iproute2 nftables strace bats python3)

say() {
	printf 'root.sh: %s\n' "$*" >&2
}

# The packages of what the dynamic linker loads, whatever this release calls them. Where /lib is a link,
# packages may have a file by the other name.
libraries() {
	{ ldd "$build/runup" | grep -oE '/[^ ]+' | xargs -n 1 readlink -f | sed 'p; s|^/usr/|/|' |
		xargs dpkg-query -S 2>/dev/null || true; } | cut -d: -f1 | sort -u
}

# Debian's lines only, of this machine's release: what else it gets packages from is not needed.
sources() { # CODENAME
	# shellcheck disable=SC2016 # apt's variables
	apt-get indextargets --format '$(ORIGIN) $(SITE) $(RELEASE) $(COMPONENT)' 'Created-By: Packages' |
		awk -v release="$1" '$1 == "Debian" && $4 == "main" && $3 ~ "^" release "(-updates|-security)?$" {
			printf "deb %s %s main\n", $2, $3 }' | sort -u
}

# What systemd would wait for, or ask about, on a machine with people, and what only people read.
settle() { # TREE
	local unit
	# Without udev no unit dev-ttyS0.device ever appears, and the console's getty waits 90 s for it.
	for unit in serial-getty@ getty@ systemd-firstboot systemd-pcrphase; do
		ln -sf /dev/null "$1/etc/systemd/system/$unit.service"
	done
	# Timers of packages would run whenever the emulated clock says so.
	rm -rf "$1"/etc/systemd/system/timers.target.wants/*
	printf 'vm\n' >"$1/etc/hostname"
	printf '127.0.0.1 localhost vm\n' >"$1/etc/hosts"
	: >"$1/etc/fstab"
	mkdir -p "$1"/{src,out,state,usr/lib/modules}
	rm -rf "$1"/usr/share/{doc,man,locale,info} "$1"/var/lib/apt/lists "$1"/var/cache/apt
}

make_tree() { # CODENAME PACKAGES TREE
	sources "$1" | mmdebstrap --variant=minbase --include="$2" "$1" "$3" -
}

# The owners in the image are those of the files; who is not root is so in a user namespace, where all
# that has another owner than root is root's too.
as_root() {
	if [[ $EUID -eq 0 ]]; then
		"$@"
	else
		unshare --user --map-root-user "$@"
	fi
}

for program in mmdebstrap apt-get dpkg-query mkfs.ext4; do
	command -v "$program" >/dev/null 2>&1 || { say "the root is of Debian packages, and $program is not here"; exit 77; }
done
codename=$(sed -n 's/^VERSION_CODENAME=//p' /etc/os-release)
if [[ -z $(sources "$codename") ]]; then
	say "this machine has no package sources of Debian '$codename'"
	exit 77
fi
packages=$({ printf '%s\n' "${programs[@]}" && libraries; } | paste -sd,)
image=$cache/root-$codename-$(printf '%s %s\n' "$revision" "$packages" | sha256sum | cut -c1-12).ext4

mkdir -p "$cache"
exec 9>"$cache/.lock-root"
flock 9
if [[ ! -e $image ]]; then
	tmp=$(mktemp -d "$cache/.root.XXXXXX")
	trap 'as_root rm -rf "$tmp"' EXIT
	chmod 755 "$tmp"
	make_tree "$codename" "$packages" "$tmp/root.tar" >&2
	mkdir "$tmp/tree"
	# Devices are the kernel's business, and making them is not anybody's.
	as_root tar -x -f "$tmp/root.tar" -C "$tmp/tree" --exclude='./dev/*' --numeric-owner \
		"$([[ $EUID -eq 0 ]] && echo --same-owner || echo --no-same-owner)"
	export -f settle
	# shellcheck disable=SC2016 # the inner shell's argument
	as_root bash -c 'settle "$1"' settle "$tmp/tree"
	truncate -s 768M "$tmp/ext4"
	as_root mkfs.ext4 -q -F -L root -O ^has_journal -d "$tmp/tree" "$tmp/ext4"
	mv "$tmp/ext4" "$image"
fi
printf '%s\n' "$image"
