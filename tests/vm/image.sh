#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The initramfs of the test bed, in two parts that the kernel unpacks one over the other:
#
#   tests/vm/image.sh base BUILD OUT          the tests, what they run, and its libraries
#   tests/vm/image.sh modules KERNEL_DIR OUT  modules and what they depend on
#   tests/vm/image.sh stage BUILD OUT         instead of base, where the root is on a disk (root.sh)
#
# Needs no root: devices are the kernel's business (devtmpfs), and cpio writes root as the owner.

set -euo pipefail
cd "$(dirname "$0")/../.."
PATH=$PATH:/usr/sbin:/sbin
export LC_ALL=C

# What the tests and the bed itself run. A program that is not here is missing in the VM too, where
# the tests that need it say so.
programs='bash sh bats env
	ls cat cp mv rm ln mkdir rmdir mktemp touch chmod chown head tail cut tr sort uniq wc tee od paste
	date sleep timeout id whoami uname nproc seq basename dirname readlink realpath stat sync true false
	test printf echo expr dd df du kill stty tty yes nl tac comm join fold split install numfmt sha256sum
	nohup nice setsid mkfifo truncate flock chroot
	awk sed grep egrep find xargs diff cmp tar ps pgrep pkill sysctl free
	mount umount mountpoint unshare nsenter setpriv prlimit taskset script dmesg
	ip ss tc nstat nft conntrack iptables strace tmux
	nginx wrk hey h2load ab siege /usr/bin/python3
	kmod modprobe insmod rmmod lsmod getent mkfs.ext4'

# Modules that something in the tests asks for, by name or through the kernel; missing ones are built
# in, or this kernel has no such thing.
modules='ext4 virtio_pci virtio_blk virtio_rng virtio_net dummy veth bridge bonding ifb tun macvlan ipvlan
	inet_diag tcp_diag udp_diag raw_diag unix_diag netlink_diag af_packet_diag
	nf_conntrack nf_conntrack_netlink nfnetlink nfnetlink_hook nf_tables nft_ct nft_chain_nat nft_nat nft_masq
	nft_redir nft_reject nft_reject_inet nft_reject_ipv4 nft_limit nft_log nft_compat nft_fib nft_fib_inet
	nf_nat nf_defrag_ipv4 nf_defrag_ipv6 nf_log_syslog ip_tables iptable_filter iptable_nat iptable_raw
	ip6_tables ip6table_filter xt_conntrack xt_CT xt_MASQUERADE xt_tcpudp xt_state
	sch_fq sch_netem sch_tbf sch_htb sch_prio sch_ingress sch_multiq sch_cake cls_matchall cls_u32 act_mirred
	act_police tcp_bbr tcp_cubic tls sctp overlay loop configs dm_mod dm_flakey msr'

say() {
	printf 'image.sh: %s\n' "$*" >&2
}

archive() { # TREE OUT
	(cd "$1" && find . -print0 | cpio --quiet --null --create --format=newc --owner=0:0) >"$2.tmp"
	mv "$2.tmp" "$2"
}

put() { # FILE…: each at its own place, whatever links lead there followed
	cp -L --parents -- "$@" "$tree"
}

# Where /lib is a link to /usr/lib, a library is listed by either name.
one_name() {
	if [[ -L /lib ]]; then
		sed 's|^/lib|/usr/lib|'
	else
		cat
	fi
}

# What the dynamic linker would load for programs and for what they load themselves.
put_libraries() {
	local libs
	mapfile -t libs < <(find "$tree" -type f \( -perm -u+x -o -name '*.so*' \) -print0 |
		xargs -0 -r ldd 2>/dev/null | grep -oE '/[^ ]+\.so[^ ]*' | grep -v ':$' | one_name | sort -u)
	put "${libs[@]}"
}

put_python() {
	local lib
	lib=$(/usr/bin/python3 -c 'import os; print(os.path.dirname(os.__file__))')
	mkdir -p "$tree$lib"
	tar -c -C "$lib" --exclude=./test --exclude='./config-*' --exclude=./dist-packages \
		--exclude=./site-packages --exclude=./idlelib --exclude=./lib2to3 --exclude=./ensurepip \
		--exclude=./pydoc_data --exclude=./tkinter --exclude=./distutils . | tar -x -C "$tree$lib" --no-same-owner
}

put_bats() {
	local dir
	for dir in /usr/lib/bats-core /usr/libexec/bats-core /usr/local/lib/bats-core /usr/local/libexec/bats-core; do
		[[ ! -d $dir ]] || cp -rL --parents "$dir" "$tree"
	done
}

# Accounts that the tests use: root, the one without rights, and one that sudo might have come from.
put_etc() {
	mkdir -p "$tree/etc/nginx" "$tree/etc/sysctl.d" "$tree/etc/security"
	printf '%s\n' 'root:x:0:0:root:/:/bin/bash' 'www-data:x:33:33::/:/bin/false' \
		'user:x:1000:1000::/home/user:/bin/bash' 'nobody:x:65534:65534::/:/bin/false' >"$tree/etc/passwd"
	printf '%s\n' 'root:x:0:' 'tty:x:5:' 'www-data:x:33:' 'user:x:1000:' 'nogroup:x:65534:' >"$tree/etc/group"
	printf '127.0.0.1 localhost vm\n::1 localhost\n' >"$tree/etc/hosts"
	printf 'passwd: files\ngroup: files\nhosts: files\n' >"$tree/etc/nsswitch.conf"
	printf 'vm\n' >"$tree/etc/hostname"
	[[ ! -e /etc/ld.so.conf ]] || put /etc/ld.so.cache
	put /etc/protocols /etc/services 2>/dev/null || true
}

# The tests, run from /src as they are run here from the tree.
put_tests() { # BUILD
	local file
	mkdir -p "$tree/src/build/tests"
	cp -r Makefile checks completion man profiles schemas src systemd tests .ci README.md "$tree/src/"
	cp "$1/runup" "$tree/src/build/"
	mkdir -p "$tree/src/build/tests/unit" "$tree/src/build/tests/helpers"
	for file in "$1"/tests/unit/test_* "$1"/tests/helpers/*; do
		if [[ -f $file && -x $file ]]; then
			cp "$file" "$tree/src/build/${file#"$1"/}"
		fi
	done
}

base() { # BUILD OUT
	local program path dir
	mkdir -p "$tree"/{usr/bin,usr/sbin,usr/lib,usr/lib64,dev,proc,sys,run,tmp,out,state,home/user,var/lib,var/log/nginx,var/lib/nginx,srv}
	for dir in bin sbin lib lib64; do
		ln -s "usr/$dir" "$tree/$dir"
	done
	for program in $programs; do
		if path=$(type -P "$program"); then
			put "$path"
		else
			say "no $program here, so none in the VM"
		fi
	done
	path=$(type -P busybox) || { say 'no busybox here: make deps installs it'; exit 1; }
	put "$path"
	put_bats
	put_python
	put_tests "$1"
	put_libraries
	put_etc
	# bats and tmux want a locale with UTF-8, tmux and script a terminal.
	for dir in /usr/lib/locale/C.utf8 /lib/terminfo /usr/share/terminfo/x /usr/share/terminfo/s; do
		[[ ! -d $dir ]] || cp -rL --parents "$dir" "$tree"
	done
	for dir in /usr/lib/*/xtables /usr/lib/xtables; do
		[[ ! -d $dir ]] || cp -rL --parents "$dir" "$tree"
	done
	install -m 0755 tests/vm/init "$tree/init"
	archive "$tree" "$2"
}

# The suite as a service of the VM's, which starts when all that a boot starts is there.
put_suite_units() {
	local dir=$tree/stage/etc/systemd/system
	mkdir -p "$dir"
	printf '%s\n' '[Unit]' 'Wants=multi-user.target runup-suite.service' >"$dir/runup-suite.target"
	printf '%s\n' '[Unit]' 'After=multi-user.target' '[Service]' 'Type=oneshot' \
		'ExecStart=/src/tests/vm/suite.sh' 'TimeoutStartSec=infinity' >"$dir/runup-suite.service"
}

# What `make install` puts on a host, and the tree with the tests.
stage() { # BUILD OUT
	local path
	mkdir -p "$tree"/{bin,stage,usr/lib}
	ln -s usr/lib "$tree/lib"
	path=$(type -P busybox) || { say 'no busybox here: make deps installs it'; exit 1; }
	cp "$path" "$tree/bin/busybox"
	make -s --no-print-directory -o all B="$1" DESTDIR="$tree/stage" install >&2
	put_tests "$1"
	put_suite_units
	install -m 0755 tests/vm/init-root "$tree/init"
	archive "$tree" "$2"
}

modules() { # KERNEL_DIR OUT
	local release name file
	release=$(ls "$1/lib/modules")
	mkdir -p "$tree/usr/lib"
	ln -s usr/lib "$tree/lib"
	for name in $modules; do
		modprobe -d "$1" -S "$release" --show-depends --ignore-install "$name" 2>/dev/null || true
	done | awk '$1 == "insmod" { print $2 }' | sort -u >"$tree/list"
	while IFS= read -r file; do
		install -D -m 0644 "$file" "$tree/usr${file#"$1"}"
	done <"$tree/list"
	rm "$tree/list"
	cp "$1/lib/modules/$release"/modules.{order,builtin,builtin.modinfo} "$tree/usr/lib/modules/$release/"
	mkdir -p "$tree/boot"
	cp "$1/config" "$tree/boot/config-$release"
	depmod -b "$tree" "$release"
	archive "$tree" "$2"
}

what=${1:?image.sh: base, stage or modules}
tree=$(mktemp -d "${TMPDIR:-/tmp}/runup-vm.XXXXXX")/tree
mkdir "$tree"
trap 'rm -rf "${tree%/tree}"' EXIT
case $what in
base | stage) "$what" "$(cd "$2" && pwd)" "$3" ;;
modules) modules "$2" "$3" ;;
*) say "no part '$what'"; exit 2 ;;
esac
