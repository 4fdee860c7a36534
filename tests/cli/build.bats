# SPDX-License-Identifier: GPL-2.0-or-later
# What the Makefile promises: what is installed, what is rebuilt when, which builds are clean.
#
# The builds are made in a copy of the tree, so that touching files disturbs nobody.

load ../lib/runup

setup_file() {
	export COPY=$BATS_FILE_TMPDIR/tree
	mkdir "$COPY"
	cd "$BATS_TEST_DIRNAME/../.." || return 1
	local word words=(Makefile src checks profiles schemas man completion tests)
	for word in VERSION README.md systemd; do
		[[ ! -e $word ]] || words+=("$word")
	done
	tar -cf - --exclude=.git "${words[@]}" | tar -xf - -C "$COPY"
	# Built once with gcc, all warnings as errors; the tests after it start from here.
	make_in_copy WERROR=1 CC=gcc all >"$BATS_FILE_TMPDIR/gcc.log" 2>&1
	echo $? >"$BATS_FILE_TMPDIR/gcc.status"
}

# make, not as a part of the make that may run these tests.
make_in_copy() {
	env -u MAKEFLAGS -u MAKELEVEL -u MFLAGS -u MAKEOVERRIDES -u DESTDIR -u PREFIX -u B -u CFLAGS \
		make --no-print-directory -j2 -C "$COPY" "$@"
}

@test "gcc builds it without a warning" {
	cat "$BATS_FILE_TMPDIR/gcc.log"
	[[ $(cat "$BATS_FILE_TMPDIR/gcc.status") -eq 0 ]]
	run ! grep -i warning "$BATS_FILE_TMPDIR/gcc.log"
}

@test "clang builds it without a warning" {
	need_command clang
	run make_in_copy CC=clang WERROR=1 B=build-clang all
	echo "$output"
	[[ $status -eq 0 && $output != *warning* ]]
	"$COPY/build-clang/runup" --version
}

@test "a second make does nothing" {
	make_in_copy WERROR=1 CC=gcc -q all
}

@test "changed flags rebuild" {
	run make_in_copy WERROR=1 CC=gcc CFLAGS='-O1 -g' -q all
	[[ $status -eq 1 ]]
}

# Rebuilds after a touch: the lines that make would run, without running them.
would_run() { # FILE
	sleep 0.01
	touch "$COPY/$1"
	make_in_copy WERROR=1 CC=gcc V=1 -n all
}

rebuild() {
	make_in_copy WERROR=1 CC=gcc all >/dev/null
}

@test "touching a header rebuilds what includes it, and only that" {
	run would_run src/tune/knob.h
	echo "$output"
	[[ $output == *src/tune/knob_sysctl.c* ]]
	[[ $output != *src/base/err.c* ]]
	rebuild
	make_in_copy WERROR=1 CC=gcc -q all
}

@test "touching a header that both sides share rebuilds the BPF program and its user" {
	[[ -e $COPY/build/src/watch/ev_drops.bpf.o ]] || skip 'no clang or bpftool: built without BPF'
	run would_run src/watch/ev_drops.h
	echo "$output"
	[[ $output == *'-target bpf'*src/watch/ev_drops.bpf.c* ]]
	[[ $output == *'gen skeleton'* ]]
	[[ $output == *src/watch/ev_drops.c* ]]
	[[ $output != *src/base/err.c* ]]
	rebuild
	make_in_copy WERROR=1 CC=gcc -q all
}

@test "touching a BPF program rebuilds its user through the skeleton" {
	[[ -e $COPY/build/src/watch/ev_drops.bpf.o ]] || skip 'no clang or bpftool: built without BPF'
	run would_run src/watch/ev_drops.bpf.c
	[[ $output == *'gen skeleton'* && $output == *src/watch/ev_drops.c* ]]
	rebuild
}

@test "it builds without BPF, and doctor says so" {
	run make_in_copy WITH_BPF=0 WERROR=1 CC=gcc B=build-nobpf all
	echo "$output"
	[[ $status -eq 0 && $output != *warning* && $output != *.bpf* ]]
	run_command "$COPY/build-nobpf/runup" doctor -o json
	assert_json doctor
	assert_json_is 'd["build"]["bpf"]' false
	run_command "$COPY/build-nobpf/runup" doctor
	assert_out 'built without BPF'
}

@test "a missing library is named, with what to do" {
	mkdir -p "$BATS_TEST_TMPDIR/bin"
	cat >"$BATS_TEST_TMPDIR/bin/pkg-config" <<-'SCRIPT'
		#!/bin/sh
		case "$*" in "--exists jansson") exit 1 ;; esac
		exec /usr/bin/pkg-config "$@"
	SCRIPT
	chmod +x "$BATS_TEST_TMPDIR/bin/pkg-config"
	run make_in_copy PKG_CONFIG="$BATS_TEST_TMPDIR/bin/pkg-config" all
	[[ $status -ne 0 && $output == *jansson* && $output == *'make deps'* ]]
}

@test "install puts exactly these files there, and uninstall leaves none" {
	local root=$BATS_TEST_TMPDIR/root name
	make_in_copy WERROR=1 CC=gcc DESTDIR="$root" PREFIX=/usr install >/dev/null
	(cd "$root" && find . ! -type d -printf '%m %P\n' | sort -k2) >"$BATS_TEST_TMPDIR/installed"
	{
		echo '755 usr/bin/runup'
		for name in runup-apply@.service runup-rollback.service runup-rollback.timer runup-watch.service; do
			echo "644 usr/lib/systemd/system/$name"
		done
		echo '644 usr/share/bash-completion/completions/runup'
		echo '644 usr/share/man/man5/runup-profile.5'
		echo '644 usr/share/man/man8/runup.8'
		for name in generator http-server low-latency proxy server soak udp-server websocket-server; do
			echo "644 usr/share/runup/profiles/$name.ini"
		done
		for name in apply capacity check common doctor profiles rollback run status watch; do
			echo "644 usr/share/runup/schemas/$name.schema.json"
		done
	} | sort -k2 | diff -u - "$BATS_TEST_TMPDIR/installed"
	"$root/usr/bin/runup" --version
	grep -q '^ExecStart=/usr/bin/runup watch' "$root/usr/lib/systemd/system/runup-watch.service"
	grep -q '^ExecStopPost=/usr/bin/runup --color never rollback' "$root/usr/lib/systemd/system/runup-apply@.service"

	make_in_copy WERROR=1 CC=gcc DESTDIR="$root" PREFIX=/usr uninstall >/dev/null
	run find "$root" ! -type d
	[[ -z $output ]]
	run find "$root" -name 'runup*'
	[[ -z $output ]]
}

@test "make help names every target of the README" {
	run make_in_copy help
	local target
	for target in all deps preflight test lint format asan memcheck analyze bench install uninstall clean help; do
		[[ $output == *"make $target "* ]] || { echo "not in make help: $target"; false; }
	done
}

@test "help and clean need neither compiler nor libraries" {
	run make_in_copy CC=/bin/false CLANG=/bin/false PKG_CONFIG=/bin/false help
	[[ $status -eq 0 && $output == *preflight* ]]
	run make_in_copy CC=/bin/false PKG_CONFIG=/bin/false B="$BATS_TEST_TMPDIR/none" clean
	[[ $status -eq 0 ]]
}

@test "deps: nothing is missing where these tests run" {
	run "$RUNUP_SOURCE/tests/deps.sh" missing -v build
	[[ $status -eq 0 && -z $output ]]
}

@test "deps: what is missing is named, and without root and sudo the command to run" {
	[[ $EUID -eq 0 ]] || skip 'needs root, to become somebody who has no sudo'
	local bin=$BATS_TEST_TMPDIR/bin tool
	mkdir "$bin"
	# A machine with an apt and next to nothing else.
	for tool in bash sh env awk sed grep sort paste cat rm tee; do
		ln -s "$(command -v "$tool")" "$bin/$tool"
	done
	printf '#!/bin/sh\nexit 1\n' >"$bin/apt-get"
	chmod +x "$bin/apt-get"
	share_temp
	cp "$RUNUP_SOURCE/tests/deps.sh" "$BATS_TEST_TMPDIR/deps.sh"
	run env -i PATH="$bin" "$bin/bash" "$BATS_TEST_TMPDIR/deps.sh" missing -v build
	[[ $status -eq 1 && $output == *cmd:gcc* && $output == *lib:jansson* ]]
	run setpriv --reuid=65534 --regid=65534 --clear-groups \
		env -i PATH="$bin" "$bin/bash" "$BATS_TEST_TMPDIR/deps.sh" install build
	echo "$output"
	[[ $status -eq 1 ]]
	[[ $output == *'apt-get install -y'*libjansson-dev* ]]
}
