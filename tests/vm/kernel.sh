#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# A stock Debian kernel for the test bed: tests/vm/kernel.sh 6.1|6.12
#
# Prints a folder that has `vmlinuz`, `config` and the modules, unpacked and with their dependencies
# known: DIR/lib/modules/RELEASE. Each package is downloaded once, into $VM_CACHE, outside the tree.
# Exit 77: this machine cannot get that kernel.

set -euo pipefail
PATH=$PATH:/usr/sbin:/sbin
export LC_ALL=C

version=${1:?kernel.sh: which kernel: 6.1 or 6.12}
cache=${VM_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/runup-vm}

say() {
	printf 'kernel.sh: %s\n' "$*" >&2
}

# The meta-package of a release's own kernel has no version in its name, that of a backport has.
image_package() { # prints the package that the meta-package of this version stands for
	local meta package
	for meta in "linux-image-$version-cloud-amd64" linux-image-cloud-amd64; do
		package=$(apt-cache depends "$meta" 2>/dev/null |
			awk '$1 == "Depends:" && $2 ~ /^linux-image-/ { print $2; exit }')
		if [[ $package == "linux-image-$version".* ]]; then
			printf '%s\n' "$package"
			return
		fi
	done
	return 1
}

newest_there() { # prints the folder of the newest kernel of this version in the cache
	local dir
	dir=$(find "$cache" -mindepth 1 -maxdepth 1 -type d -name "linux-image-$version.*" 2>/dev/null | sort -V | tail -n 1)
	[[ -n $dir ]] && printf '%s\n' "$dir"
}

# Everything is made beside its place and renamed there, so that what has the name is whole.
unpack() { # DEB DIR
	local tmp=$2.tmp.$$
	rm -rf "$tmp"
	mkdir -p "$tmp"
	dpkg-deb --fsys-tarfile "$1" | tar -x -C "$tmp" --no-same-owner
	mv "$tmp"/boot/vmlinuz-* "$tmp/vmlinuz"
	mv "$tmp"/boot/config-* "$tmp/config"
	# busybox's and kmod's depmod know compressed modules only if they were built so.
	find "$tmp/lib/modules" -name '*.ko.xz' -exec xz -d {} +
	depmod -b "$tmp" "$(ls "$tmp/lib/modules")"
	mv -T "$tmp" "$2"
}

mkdir -p "$cache"
exec 9>"$cache/.lock"
flock 9 # two kernels, or two runs, at a time

if ! command -v apt-get >/dev/null 2>&1; then
	newest_there && exit 0
	say 'the kernels are Debian packages, and apt-get is not here'
	exit 77
fi
if ! package=$(image_package); then
	[[ $EUID -ne 0 ]] || apt-get update -q >&2 || true
	package=$(image_package) || package=
fi
if [[ -z $package ]]; then
	newest_there && exit 0
	say "no linux-image-$version.*-cloud-amd64 in this machine's package lists"
	exit 77
fi
release=$(apt-cache policy "$package" | awk '$1 == "Candidate:" { print $2 }')
dir=$cache/${package}_${release//:/%3a}
if [[ ! -d $dir ]]; then
	tmp=$(mktemp -d "$cache/.download.XXXXXX")
	trap 'rm -rf "$tmp"' EXIT
	# apt's own user cannot write to a folder in somebody's home.
	if (cd "$tmp" && apt-get download -q -o APT::Sandbox::User="$(id -un)" "$package" >&2); then
		unpack "$tmp"/*.deb "$dir"
	elif dir=$(newest_there); then
		say "cannot download $package, going on with ${dir##*/}"
	else
		say "cannot download $package"
		exit 1
	fi
fi
printf '%s\n' "$dir"
