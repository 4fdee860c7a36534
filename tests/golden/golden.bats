#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Every captured host, judged without a load and by both shipped profiles: byte for byte what
# tests/golden/HOST.CASE.txt holds. After a change that is meant to change what is said:
#
#     RUNUP_GOLDEN_UPDATE=1 bats tests/golden        then read the diff

load ../lib/runup

judge() { # HOST CASE ARGS…
	local host=$1 golden=$BATS_TEST_DIRNAME/$1.$2.txt
	shift 2
	# Hosts and profiles are named in findings as they were given.
	cd "$RUNUP_SOURCE" || return 1
	export RUNUP_PROFILE_DIR=profiles
	runup --root "tests/fixtures/hosts/$host" check -v "$@"
	{
		printf '$ runup --root tests/fixtures/hosts/%s check -v%s\n' "$host" "${*:+ $*}"
		sed "s#$RUNUP#runup#" "$BATS_TEST_TMPDIR/stdout"
		printf 'exit code %s\n' "$status"
	} >"$BATS_TEST_TMPDIR/said"
	[[ -z ${RUNUP_GOLDEN_UPDATE-} ]] || cp "$BATS_TEST_TMPDIR/said" "$golden"
	[[ ! -s $BATS_TEST_TMPDIR/stderr ]] || grep -v '^runup: debug: ' "$BATS_TEST_TMPDIR/stderr" | show stderr
	diff -u "$golden" "$BATS_TEST_TMPDIR/said"
	runup --root "tests/fixtures/hosts/$host" check -o json "$@"
	assert_json check
}

all_cases() { # HOST
	judge "$1" none
	judge "$1" server -p server --connections 10000 --port 8080
	judge "$1" generator -p generator --connections 4000 --new-connections 2000 --target 192.0.2.1:80
}

@test "a virtual machine" {
	all_cases vm
}

@test "cgroup v1 with a quota on an ancestor" {
	all_cases cgroup-v1-quota
	grep -q '^warn  *cpu.quota' "$BATS_TEST_DIRNAME/cgroup-v1-quota.none.txt"
}

@test "cgroup v2 with a quota on an ancestor" {
	all_cases cgroup-v2-quota
	grep -q '^warn  *cpu.quota' "$BATS_TEST_DIRNAME/cgroup-v2-quota.none.txt"
}

@test "connection tracking nearly full" {
	all_cases conntrack-full
	grep -q '^fail  *conntrack.capacity' "$BATS_TEST_DIRNAME/conntrack-full.none.txt"
}
