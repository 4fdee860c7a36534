#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# A journal damaged at every byte: never a wrong value written. See tests/helpers/mangle.c.

load ../lib/runup

setup() {
	need_root
}

mangled() { # MODE LEAST-ROLLBACKS
	run "$RUNUP_BUILD/tests/helpers/mangle" "$1" "$RUNUP" "$BATS_TEST_DIRNAME"
	echo "$output"
	[[ $status -eq 0 ]]
	[[ $(grep -c 'no wrong value$' <<<"$output") -eq 2 ]]
	[[ $(awk '{ n += $2 } END { print n }' <<<"$output") -ge $2 ]]
}

@test "cut at every byte" {
	mangled cut 2000
}

@test "every byte flipped, in six ways" {
	mangled flip 20000
}

@test "no room behind any byte: nothing is changed, and what is said is true" {
	mangled full 1000
}
