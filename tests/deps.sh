#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What runup is built and tested with: says what is missing, and installs it.
#
#   tests/deps.sh missing [-v] [build]   exit 0: nothing is missing; 1: something is (-v names it)
#   tests/deps.sh install [build]        installs what is missing, and only that
#
# "build" leaves out what only the tests and `make lint` need. Whether something is there is told by
# looking for the thing itself, not by package names, so hand-built libraries count.

set -uo pipefail
export LC_ALL=C
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin

# group  thing  apt  dnf  pacman  zypper
#
# thing: cmd:NAME a program, lib:NAME a pkg-config module, hdr:NAME a header, py:NAME a module of
# /usr/bin/python3 with the attribute that is needed, rt:CC a compiler's sanitizers. A - is a package that this manager does not have.
table='
build  cmd:gcc                     gcc                       gcc                                   gcc                     gcc
build  hdr:stdio.h                 libc6-dev                 glibc-devel                           glibc                   glibc-devel
build  hdr:linux/bpf.h             linux-libc-dev            kernel-headers                        linux-api-headers       linux-glibc-devel
build  cmd:make                    make                      make                                  make                    make
build  cmd:pkg-config              pkg-config                pkgconf-pkg-config                    pkgconf                 pkgconf-pkg-config
build  cmd:clang                   clang                     clang                                 clang                   clang
build  cmd:bpftool                 bpftool                   bpftool                               bpf                     bpftool
build  lib:libmnl                  libmnl-dev                pkgconfig(libmnl)                     libmnl                  pkgconfig(libmnl)
test   lib:libnetfilter_conntrack  libnetfilter-conntrack-dev  pkgconfig(libnetfilter_conntrack)   libnetfilter_conntrack  pkgconfig(libnetfilter_conntrack)
build  lib:libcap                  libcap-dev                pkgconfig(libcap)                     libcap                  pkgconfig(libcap)
build  lib:libelf                  libelf-dev                pkgconfig(libelf)                     libelf                  pkgconfig(libelf)
build  lib:zlib                    zlib1g-dev                pkgconfig(zlib)                       zlib                    pkgconfig(zlib)
build  lib:libbpf                  libbpf-dev                pkgconfig(libbpf)                     libbpf                  pkgconfig(libbpf)
build  lib:inih                    libinih-dev               pkgconfig(inih)                       libinih                 pkgconfig(inih)
build  lib:jansson                 libjansson-dev            pkgconfig(jansson)                    jansson                 pkgconfig(jansson)
build  lib:libnftables             libnftables-dev           pkgconfig(libnftables)                nftables                pkgconfig(libnftables)
test   lib:cmocka                  libcmocka-dev             pkgconfig(cmocka)                     cmocka                  pkgconfig(cmocka)
test   cmd:bats                    bats                      bats                                  bash-bats               bats
test   cmd:nginx                   nginx                     nginx                                 nginx                   nginx
test   cmd:wrk                     wrk                       -                                     wrk                     wrk
test   cmd:hey                     hey                       -                                     hey                     -
test   cmd:h2load                  nghttp2-client            nghttp2                               nghttp2                 nghttp2
test   cmd:ab                      apache2-utils             httpd-tools                           apache                  apache2-utils
test   cmd:siege                   siege                     siege                                 siege                   -
test   cmd:ip                      iproute2                  iproute                               iproute2                iproute2
test   cmd:ss                      iproute2                  iproute                               iproute2                iproute2
test   cmd:sysctl                  procps                    procps-ng                             procps-ng               procps
test   cmd:nft                     nftables                  nftables                              nftables                nftables
test   cmd:iptables-nft            iptables                  iptables-nft                          iptables                iptables
test   cmd:iptables-legacy         iptables                  iptables-legacy                       iptables                iptables
test   cmd:conntrack               conntrack                 conntrack-tools                       conntrack-tools         conntrack-tools
test   cmd:strace                  strace                    strace                                strace                  strace
test   cmd:systemd-analyze         systemd                   systemd                               systemd                 systemd
test   cmd:tmux                    tmux                      tmux                                  tmux                    tmux
test   cmd:script                  bsdutils                  util-linux                            util-linux              util-linux
test   cmd:unshare                 util-linux                util-linux                            util-linux              util-linux
test   cmd:setpriv                 util-linux                util-linux                            util-linux              util-linux
test   cmd:/usr/bin/python3        python3                   python3                               python                  python3
test   py:yaml.safe_load           python3-yaml              python3-pyyaml                        python-yaml             python3-PyYAML
test   cmd:qemu-system-x86_64      qemu-system-x86           qemu-system-x86-core                  qemu-system-x86         qemu-x86
test   cmd:busybox                 busybox-static            busybox                               busybox                 busybox-static
test   cmd:cpio                    cpio                      cpio                                  cpio                    cpio
test   cmd:mkfs.ext4               e2fsprogs                 e2fsprogs                             e2fsprogs               e2fsprogs
test   cmd:depmod                  kmod                      kmod                                  kmod                    kmod
test   cmd:xz                      xz-utils                  xz                                    xz                      xz
test   cmd:flock                   util-linux                util-linux                            util-linux              util-linux
test   cmd:mmdebstrap             mmdebstrap                -                                     -                       -
test   py:jsonschema.Draft202012Validator  python3-jsonschema        python3-jsonschema                    python-jsonschema       python3-jsonschema
test   cmd:valgrind                valgrind                  valgrind                              valgrind                valgrind
test   rt:clang                    libclang-rt-dev           compiler-rt                           compiler-rt             clang
test   rt:gcc                      gcc                       libasan                               gcc                     gcc
lint   cmd:clang-tidy              clang-tidy                clang-tools-extra                     clang                   clang-tools
lint   cmd:cppcheck                cppcheck                  cppcheck                              cppcheck                cppcheck
lint   cmd:perl                    perl                      perl                                  perl                    perl
lint   cmd:git                     git                       git                                   git                     git
lint   cmd:clang-format            clang-format              clang-tools-extra                     clang                   clang-tools
lint   cmd:shellcheck              shellcheck                ShellCheck                            shellcheck              ShellCheck
lint   cmd:codespell               codespell                 codespell                             codespell               codespell
lint   cmd:mandoc                  mandoc                    mandoc                                mandoc                  mandoc
lint   cmd:ctags                   universal-ctags           ctags                                 ctags                   ctags
lint   cmd:objdump                 binutils                  binutils                              binutils                binutils
'

say() {
	printf 'deps: %s\n' "$*" >&2
}

is_there() { # THING
	local name=${1#*:}
	case $1 in
	cmd:ctags) ctags --version 2>/dev/null | grep -q '^Universal Ctags' ;;
	cmd:*) command -v "$name" >/dev/null 2>&1 ;;
	lib:*) pkg-config --exists "$name" 2>/dev/null ;;
	hdr:*) printf '#include <%s>\n' "$name" | gcc -E - >/dev/null 2>&1 ;;
	rt:clang) compgen -G "$(clang -print-runtime-dir 2>/dev/null)/libclang_rt.fuzzer*" >/dev/null ;;
	rt:gcc) [[ $(gcc -print-file-name=libasan.so 2>/dev/null) == /* ]] ;;
	py:*) /usr/bin/python3 -c "import ${name%.*}; ${name%.*}.${name##*.}" 2>/dev/null ;;
	esac
}

# The rows of the groups that are asked for whose thing is not there.
missing_rows() { # GROUPS
	local group thing packages
	while read -r group thing packages; do
		[[ -n $group && " $1 " == *" $group "* ]] || continue
		is_there "$thing" || printf '%s %s %s\n' "$group" "$thing" "$packages"
	done <<<"$table"
}

things_of() { # ROWS
	awk '{ print $2 }' <<<"$1" | sort -u
}

find_manager() {
	local m
	for m in apt-get dnf pacman zypper; do
		if command -v "$m" >/dev/null 2>&1; then
			printf '%s\n' "$m"
			return
		fi
	done
	return 1
}

packages_of() { # MANAGER ROWS
	local column
	case $1 in
	apt-get) column=3 ;;
	dnf) column=4 ;;
	pacman) column=5 ;;
	zypper) column=6 ;;
	esac
	awk -v c="$column" '$c != "-" { print $c }' <<<"$2" | sort -u
}

install_command() { # MANAGER: one word a line, without the packages
	case $1 in
	apt-get)
		printf '%s\n' env DEBIAN_FRONTEND=noninteractive apt-get install -y -q \
			--no-install-recommends -o Dpkg::Use-Pty=0 -o DPkg::Lock::Timeout=120
		;;
	dnf) printf '%s\n' dnf install -y --setopt=install_weak_deps=False ;;
	pacman) printf '%s\n' pacman -S --needed --noconfirm ;;
	zypper) printf '%s\n' zypper --non-interactive install --no-recommends ;;
	esac
}

# Fresh containers have no package lists; on other machines those that are there are used first.
refresh_command() { # MANAGER
	case $1 in
	apt-get) printf '%s\n' apt-get update -q ;;
	dnf) printf '%s\n' dnf makecache ;;
	pacman) printf '%s\n' pacman -Sy ;;
	zypper) printf '%s\n' zypper --non-interactive refresh ;;
	esac
}

knows_all() { # MANAGER PACKAGES…
	local manager=$1 package
	shift
	case $manager in
	apt-get)
		for package; do
			apt-cache policy "$package" 2>/dev/null | grep -q 'Candidate: [^(]' || return 1
		done
		;;
	pacman) compgen -G '/var/lib/pacman/sync/*.db' >/dev/null ;;
	*) true ;; # dnf and zypper refresh by themselves
	esac
}

# Debian starts and enables the services of what it installs: nginx would answer on port 80 of a
# machine that only wanted to run tests. The packages' scripts ask /usr/sbin/policy-rc.d before they
# start anything; it is ours only while the installation runs, and only if there was none.
policy=/usr/sbin/policy-rc.d
policy_mark='made by runup tests/deps.sh for the time of an installation; may be removed'
holds_policy=

hold_services() {
	[[ $manager == apt-get ]] || return 0
	if [[ -e $policy ]] && ! grep -qF "$policy_mark" "$policy"; then
		return 0 # the machine has rules of its own
	fi
	say 'no service is started by this installation, nor enabled at boot'
	if printf '#!/bin/sh\n# %s\nexit 101\n' "$policy_mark" | "${as_root[@]}" tee "$policy" >/dev/null; then
		holds_policy=1
		"${as_root[@]}" chmod 0755 "$policy"
	fi
}

release_services() {
	if [[ -n $holds_policy ]]; then
		"${as_root[@]}" rm -f "$policy"
		holds_policy=
	fi
}

on_exit() {
	release_services
	[[ -z ${log-} ]] || rm -f "$log"
}

manual() { # MANAGER PACKAGES…: what to do by hand
	local manager=$1 words
	shift
	mapfile -t words < <(install_command "$manager")
	printf 'deps: to install it by hand, as root:\n\n' >&2
	printf '    %s' "${words[*]}" >&2
	printf " '%s'" "$@" >&2
	printf '\n\n' >&2
}

become_root() {
	as_root=()
	[[ $EUID -eq 0 ]] && return 0
	command -v sudo >/dev/null 2>&1 || return 1
	say 'root is needed to install packages: sudo may ask for your password'
	sudo -v || return 1
	as_root=(sudo)
}

# All at once; if the manager refuses (a package that it does not have), one by one, so that one
# unknown name does not keep the others away.
install_packages() { # PACKAGES…
	local words refresh package bad=()
	mapfile -t words < <(install_command "$manager")
	mapfile -t refresh < <(refresh_command "$manager")
	local refreshed=
	if ! knows_all "$manager" "$@"; then
		say "fetching package lists: ${refresh[*]}"
		"${as_root[@]}" "${refresh[@]}" || say 'could not fetch the package lists, going on with what is there'
		refreshed=1
	fi
	say "installing: $*"
	"${as_root[@]}" "${words[@]}" "$@" && return 0
	if [[ -z $refreshed && $manager != pacman ]]; then
		say "that failed; once more with fresh package lists"
		"${as_root[@]}" "${refresh[@]}" && "${as_root[@]}" "${words[@]}" "$@" && return 0
	fi
	say 'that failed; installing one by one'
	for package; do
		"${as_root[@]}" "${words[@]}" "$package" || bad+=("$package")
	done
	[[ ${#bad[@]} -eq 0 ]] || say "not installed: ${bad[*]}"
}

cmd_install() {
	local rows left packages had_nginx=
	rows=$(missing_rows "$groups")
	if [[ -z $rows ]]; then
		say 'nothing is missing'
		return 0
	fi
	say "missing: $(things_of "$rows" | paste -sd ' ')"
	if ! manager=$(find_manager); then
		say 'none of apt, dnf, pacman, zypper is here: install these by hand:'
		things_of "$rows" | sed 's/^/    /' >&2
		return 1
	fi
	mapfile -t packages < <(packages_of "$manager" "$rows")
	if [[ ${#packages[@]} -gt 0 ]]; then
		if ! become_root; then
			say "installing needs root, and sudo is not here or was refused"
			manual "$manager" "${packages[@]}"
			return 1
		fi
		command -v nginx >/dev/null 2>&1 && had_nginx=1
		trap on_exit EXIT
		trap 'exit 130' INT TERM HUP
		hold_services
		install_packages "${packages[@]}"
		if [[ $manager == apt-get && -z $had_nginx ]] && command -v nginx >/dev/null 2>&1; then
			"${as_root[@]}" update-rc.d nginx disable
		fi
		release_services
		hash -r
	fi

	left=$(missing_rows "$groups")
	[[ -n $left ]] || return 0
	say "still missing: $(things_of "$left" | paste -sd ' ')"
	# Without a tool that only tests use, the tests that use it are skipped and say so.
	if ! grep -q '^build ' <<<"$left" && [[ -z ${CI-} ]]; then
		return 0
	fi
	manual "$manager" "${packages[@]}"
	return 1
}

cmd_missing() {
	local rows
	rows=$(missing_rows "$groups")
	[[ -n $rows ]] || return 0
	[[ -z $verbose ]] || things_of "$rows"
	return 1
}

usage() {
	sed -n '/^# What/,/^[^#]/s/^# \{0,1\}//p' "$0" >&2
	exit 2
}

[[ $# -gt 0 ]] || usage
action=$1
shift
groups='build test lint'
verbose=
for word; do
	case $word in
	build) groups=build ;;
	-v) verbose=1 ;;
	*) usage ;;
	esac
done

case $action in
missing) cmd_missing ;;
install) cmd_install ;;
*) usage ;;
esac
