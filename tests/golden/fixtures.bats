# SPDX-License-Identifier: GPL-2.0-or-later
# The captured hosts: made as their scripts make them, and with nothing of a real host in them.

load ../lib/runup

# RUNUP_NLRECORD may be a script that adds to what the real one records.
capture() { # [--lean] FOLDER
	run env RUNUP_NLRECORD="${RECORDER:-$RUNUP_BUILD/tests/helpers/nlrecord}" \
		"$RUNUP_SOURCE/tests/fixtures/capture.sh" "$@"
}

# A recorder that, after the real one, does what it is told on standard input; $1 is the folder.
recorder() {
	RECORDER=$BATS_TEST_TMPDIR/recorder
	{
		echo '#!/bin/sh -e'
		echo "'$RUNUP_BUILD/tests/helpers/nlrecord' \"\$1\""
		cat
	} >"$RECORDER"
	chmod +x "$RECORDER"
}

@test "the constructed hosts are what construct.py makes" {
	run "$PYTHON" "$RUNUP_SOURCE/tests/fixtures/construct.py" --check
	[ "$status" -eq 0 ]
	[ -z "$output" ]
}

@test "the captured hosts are lean, and hold no key and no seed" {
	local host
	for host in "$RUNUP_SOURCE"/tests/fixtures/hosts/*; do
		[ "$(find "$host" -type f | wc -l)" -lt 220 ]
		[ "$(cat "$host/proc/sys/kernel/hostname")" = captured ]
		[ -z "$(find "$host" -name '*_key' -o -name stable_secret -o -name '*_seed')" ]
	done
}

@test "capture.sh makes a captured host of this one" {
	capture --lean "$BATS_TEST_TMPDIR/lean"
	echo "$output"
	[ "$status" -eq 0 ]
	cd "$BATS_TEST_TMPDIR/lean"
	[ "$(cat proc/sys/kernel/hostname)" = captured ]
	[ "$(cat proc/sys/kernel/random/boot_id)" != "$(cat /proc/sys/kernel/random/boot_id)" ]
	cmp proc/sys/net/core/somaxconn /proc/sys/net/core/somaxconn
	[ -s proc/net/netstat ]
	[ -s proc/self/limits ]
	[ -e netlink/inet_diag-tcp4-listen.hex ]
	[ -e netlink/inet_diag-tcp6-listen.hex ]
}

@test "a whole capture has more, and leaves keys out" {
	capture "$BATS_TEST_TMPDIR/all"
	echo "$output"
	[ "$status" -eq 0 ]
	[ -e "$BATS_TEST_TMPDIR/all/proc/sys/net/ipv4/tcp_base_mss" ]
	[ -z "$(find "$BATS_TEST_TMPDIR/all" -name tcp_fastopen_key -o -name stable_secret)" ]
}

@test "a key that got into the folder fails the capture" {
	recorder <<-'SH'
		echo 1-2-3-4 >"$1/../proc/sys/net/ipv4/tcp_fastopen_key"
	SH
	capture --lean "$BATS_TEST_TMPDIR/leak"
	[ "$status" -eq 1 ]
	[[ $output == *"left in"*tcp_fastopen_key* ]]
}

@test "a folder with something in it is not captured into" {
	mkdir "$BATS_TEST_TMPDIR/full"
	touch "$BATS_TEST_TMPDIR/full/mine"
	capture --lean "$BATS_TEST_TMPDIR/full"
	[ "$status" -eq 1 ]
	[ "$(ls "$BATS_TEST_TMPDIR/full")" = mine ]
}
