#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# SIGKILL at the entry and at the exit of every system call, all of them in turn: the next rollback
# ends at the start. See tests/helpers/killer.c for what each name stands for.

load ../lib/runup

setup() {
	need_root
}

# Each of the two workers kills every other time; together that is every time.
killed_everywhere() { # SCENARIO LEAST-KILLS
	run "$RUNUP_BUILD/tests/helpers/killer" "$1" "$RUNUP" "$BATS_TEST_DIRNAME"
	echo "$output"
	[[ $status -eq 0 ]]
	[[ $(grep -c 'every value as at the start$' <<<"$output") -eq 2 ]]
	read -r killed stops < <(awk '{ n += $4; stops = $6 } END { print n, stops }' <<<"$output")
	[[ $killed -eq $stops && $killed -ge $2 ]]
	echo "# $1: $killed kills" >&3
}

@test "apply" {
	killed_everywhere apply 600
}

@test "rollback" {
	killed_everywhere rollback 600
}

@test "rollback of a changeset that a later one builds on" {
	killed_everywhere handing-over 600
}

@test "apply on top of another changeset" {
	killed_everywhere on-top 400
}

@test "apply that takes back what it wrote, since the kernel refuses a value" {
	killed_everywhere refused 600
}

@test "apply, and then the rollback that repairs it: one place of it for each of the apply's" {
	killed_everywhere rollback-too 600
	[[ $(awk '/the rollback, too/ { n += $(NF - 7) } END { print n }' <<<"$output") -ge 400 ]]
}

@test "apply to another network namespace, rolled back from outside" {
	killed_everywhere other-namespace 600
}

@test "rollback in another network namespace" {
	killed_everywhere other-namespace-rollback 600
}

@test "apply under a umask that leaves nothing" {
	killed_everywhere umask 600
}
