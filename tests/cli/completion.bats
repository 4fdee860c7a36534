#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Completion, asked as bash asks it; and what is said where a word is not known.

load ../lib/runup

# What the last word can become, a line each.
complete() { # WORD…
	RUNUP_PROFILE_DIR=${profiles-} bash -c '. "$1"/completion/runup.bash; shift
		COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMPREPLY=(); _runup
		printf "%s\n" "${COMPREPLY[@]}"' - "$RUNUP_SOURCE" "$RUNUP" "$@"
}

@test "ids of checks, alone and in a list, and areas" {
	[[ $(complete check --only listen | tr '\n' ' ') == 'listen listen.backlog listen.syn_queue ' ]]
	[[ $(complete check --skip cpu.quota,time.s) == cpu.quota,time.sync ]]
	[[ $(complete run --skip al) == all ]]
	[[ -z $(complete check --skip al) ]]
	[[ $(complete check --only folklore.tcp_s | tr '\n' ' ') == 'folklore.tcp_sack folklore.tcp_syncookies ' ]]
	# Whatever is offered is taken.
	local id n=0
	while read -r id; do
		runup check --skip "$id" --only time.sync
		[[ $status -ne 2 ]] || show "$id is not taken"
		n=$((n + 1))
	done < <(complete check --skip '')
	[[ $n -gt 60 ]]
}

@test "ids that are explained" {
	[[ $(complete explain conn. | tr '\n' ' ') == 'conn.churn ' ]]
	[[ $(complete explain acc) == accept_queue ]]
	local id n=0
	while read -r id; do
		runup explain "$id"
		assert_exit 0
		n=$((n + 1))
	done < <(complete explain '')
	[[ $n -gt 80 ]]
}

@test "profiles, of RUNUP_PROFILE_DIR too" {
	profiles=$BATS_TEST_TMPDIR/own
	mkdir "$profiles"
	[[ -z $(complete check -p zzz) ]]
	touch "$profiles/zzz-own.ini"
	[[ $(complete check -p zzz) == zzz-own ]]
	[[ $(complete apply zzz) == zzz-own ]]
}

@test "did you mean: profiles, checks, areas, what is explained" {
	nearly() { # WORD COMMAND…
		local word=$1
		shift
		runup "$@"
		assert_exit 2
		assert_one_error "did you mean $word\?$"
	}
	nearly server check -p servr
	nearly generator apply generatorx
	nearly listen.backlog check --only listen.backlogs
	nearly listen check --skip lisen
	nearly folklore.tcp_sack check --only folklore.tcp_sak
	nearly observe.tcp.reset check --skip observe.tcp.rest
	nearly conn.churn explain conn.chrun
	nearly accept_queue explain accept_que
	# Of a file there is nothing to guess, and far off is no slip.
	local args
	for args in 'check -p ./servr.ini' 'check -p zzzzzz' 'check --only xx' 'explain xx'; do
		# shellcheck disable=SC2086
		runup $args
		assert_exit 2
		assert_one_error
		refute_err 'did you mean'
	done
}

@test "--only and --skip take an area; what was left out is recorded" {
	runup check --only time -o json
	assert_json check
	assert_json_is 'sorted({f["id"] for f in d["findings"]})' '["time.clocksource", "time.sync"]'
	runup check --only time,cpu.quota --skip cpu -o json
	assert_json_is '[f["id"] for f in d["findings"] if f["id"].startswith("cpu")]' '[]'
	runup check --skip time,folklore -o json
	assert_json_is '[f["id"] for f in d["findings"] if f["id"].startswith(("time", "folklore"))]' '[]'
	assert_json_is '[i for i in d["skipped"] if i.startswith(("time", "folklore"))]' '["time.clocksource", "time.sync", "folklore"]'
	# An area is no check: a profile judges one by one.
	profile=$(make_profile area <<-'INI'
		[profile]
		summary = s
		[check]
		time = warn
	INI
	)
	runup check -p "$profile"
	assert_exit 2
}

@test "a file for CI says where exit code 3 comes from" {
	runup check --only time -o junit -- ./loadtest.sh
	assert_exit 3
	assert_out '<testsuite name="runup check" tests="3" failures="0" errors="1"'
	assert_out "<testcase classname=\"load\" name=\"load of the command\">"
	assert_out "<error message=\"what load 'loadtest.sh' makes is not known"
	runup check --only time -o tap -- ./loadtest.sh
	assert_exit 3
	assert_out '^1\.\.3$'
	assert_out '^not ok 3 - load of the command$'
	runup check --only time --skip time -o tap
	assert_exit 3
	assert_out '^not ok 1 - load nothing was judged$'
	# Nothing is added where the findings tell, or all is well.
	runup check --only time.clocksource -o tap
	assert_exit 0
	assert_out '^1\.\.1$'
	runup check --only time -o tap -- wrk -c 4 -t 2 http://h/
	refute_out ' load '
}
