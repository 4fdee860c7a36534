#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# `runup run` where no namespace and no load is needed: exit codes, streams, the run directory.
# Every run states a port that nobody uses, so that what else happens on the machine is background.

load ../lib/runup

report=
setup() {
	report=$BATS_TEST_TMPDIR/report
}

run_it() { # OPTIONS… -- CMD…
	runup run --skip all --port 9 --report "$report" "$@"
}

reported() { # EXPRESSION VALUE
	load_json run "$report/run.json"
	assert_json_is "$1" "$2"
}

@test "the command's own exit code passes through" {
	run_it -- sh -c 'exit 7'
	assert_exit 7
	reported 'd["command"]["exit_code"]' 7
	reported 'd["verdict"]["verdict"]' VALID
}

@test "a command that ends by a signal gives 128+N" {
	run_it -- sh -c 'kill -TERM $$'
	assert_exit 143
	reported 'd["command"]["signal"]' 15
	reported 'd["command"]["exit_code"]' null
}

@test "not found is 127, not executable is 126, each with a report" {
	run_it -- no-such-command
	assert_exit 127
	assert_err "^runup: run 'no-such-command': not found on PATH"
	reported 'd["verdict"]["verdict"]' INVALID
	reported 'd["duration_s"]' 0.0
	report=$BATS_TEST_TMPDIR/report2
	run_it -- /etc/passwd
	assert_exit 126
	assert_err "^runup: run '/etc/passwd': Permission denied"
}

@test "wrong usage is 2 and nothing is started" {
	runup run
	assert_exit 2
	assert_one_error 'needs a command behind --'
	runup run --apply -- touch "$BATS_TEST_TMPDIR/started"
	assert_exit 2
	assert_one_error 'needs a profile'
	runup run --user no-such-user -- touch "$BATS_TEST_TMPDIR/started"
	assert_exit 2
	assert_one_error "no-such-user"
	runup run --skip no.such.check -- touch "$BATS_TEST_TMPDIR/started"
	assert_exit 2
	runup run -p no-such-profile -- touch "$BATS_TEST_TMPDIR/started"
	assert_exit 2
	[[ ! -e $BATS_TEST_TMPDIR/started ]]
}

@test "the preflight refuses with 120, and the report says why" {
	runup run --role server --port 9 --connections 100 --report "$report" -- \
		touch "$BATS_TEST_TMPDIR/started"
	assert_exit 120
	assert_no_out
	assert_err '^runup: the preflight refused'
	[[ ! -e $BATS_TEST_TMPDIR/started ]]
	reported 'd["verdict"]["verdict"]' INVALID
	reported 'any("not started" in r for r in d["verdict"]["reasons"])' true
	reported 'd["command"]["exit_code"]' null
}

@test "--skip all starts without judging and the report says so" {
	runup run --role server --port 9 --connections 100 --skip all --report "$report" -- true
	assert_exit 0
	reported 'len(d["findings"])' 0
	reported '"listen.backlog" in d["skipped"]' true
	reported 'any("--skip all" in r for r in d["verdict"]["reasons"])' true
}

@test "standard input and output belong to the command" {
	printf 'a\0b\nno newline' >"$BATS_TEST_TMPDIR/in"
	mapfile -t environment < <(runup_environment)
	env -i "${environment[@]}" "$RUNUP" run --skip all --port 9 --report "$report" -- cat \
		<"$BATS_TEST_TMPDIR/in" >"$BATS_TEST_TMPDIR/out" 2>"$BATS_TEST_TMPDIR/err"
	cmp "$BATS_TEST_TMPDIR/in" "$BATS_TEST_TMPDIR/out"
	grep -q '^VALID ' "$BATS_TEST_TMPDIR/err"
}

@test "the summary has no colour where stderr is no terminal, and 80 columns" {
	run_it -- true
	assert_err '^VALID +true exited with 0'
	assert_err "report: $report/run.json"
	refute_err $'\033'
	[[ $(grep -v 'report: ' "$BATS_TEST_TMPDIR/stderr" | wc -L) -le 80 ]] || show 'too wide'
}

@test "-q says nothing about a run that is VALID" {
	runup -q run --skip all --port 9 --report "$report" -- true
	assert_exit 0
	[[ ! -s $BATS_TEST_TMPDIR/stderr ]] || show 'stderr should be empty'
}

@test "the run directory is 0700 and below the state folder by default" {
	runup run --skip all --port 9 -- true
	local dir
	dir=$(echo "$BATS_TEST_TMPDIR"/.local/state/runup/runs/*)
	[[ $(stat -c %a "$dir") == 700 ]]
	[[ $(stat -c %a "$dir/run.json") == 600 ]]
	RUNUP_ENV+=("XDG_STATE_HOME=$BATS_TEST_TMPDIR/xdg")
	runup run --skip all --port 9 -- true
	load_json run "$(echo "$BATS_TEST_TMPDIR"/xdg/runup/runs/*/run.json)"
}

@test "a run directory that cannot be made is 125 before the command is started" {
	mkdir "$report"
	touch "$report/keep"
	run_it -- touch "$BATS_TEST_TMPDIR/started"
	assert_exit 125
	assert_one_error 'not empty'
	report=$BATS_TEST_TMPDIR/no/parent
	run_it -- touch "$BATS_TEST_TMPDIR/started"
	assert_exit 125
	assert_one_error "$report"
	[[ ! -e $BATS_TEST_TMPDIR/started ]]
}

@test "an empty folder may be the run directory, a link to one may not" {
	mkdir "$report"
	run_it -- true
	assert_exit 0
	[[ $(stat -c %a "$report") == 700 ]]
	mkdir "$BATS_TEST_TMPDIR/target"
	ln -s target "$BATS_TEST_TMPDIR/link"
	report=$BATS_TEST_TMPDIR/link
	run_it -- true
	assert_exit 125
}

@test "a run directory that is gone at the end is 125, but not for a command that failed" {
	run_it -- rm -r "$report"
	assert_exit 125
	assert_err "^runup: report in '$report'"
	run_it -- sh -c "rm -r '$report'; exit 3"
	assert_exit 3
}

@test "secrets in the command line are redacted, --no-argv leaves it out" {
	run_it -- true -u ada:hunter2 -H 'Authorization: Bearer hunter2' http://ada:hunter2@h/
	assert_exit 0
	reported 'd["command"]["argv"]' \
		'["true", "-u", "ada:***", "-H", "Authorization: ***", "http://ada:***@h/"]'
	[[ $(grep -c hunter2 "$report/run.json") -eq 0 ]]
	report=$BATS_TEST_TMPDIR/report2
	run_it --no-argv -- true hunter2
	reported 'd["command"]["argv"]' null
	[[ $(grep -c hunter2 "$report/run.json") -eq 0 ]]
}

@test "arguments that are no UTF-8 do not break the report" {
	run_it -- true $'\xff\xfe' ''
	assert_exit 0
	reported 'len(d["command"]["argv"])' 3
}

@test "the profile's descriptor limit is the command's" {
	local profile
	profile=$(
		make_profile limits <<-'END'
			[profile]
			summary = limits
			[rlimit]
			nofile = >= 300
		END
	)
	run_command bash -c "ulimit -Sn 100; exec '$RUNUP' run -p '$profile' --skip all --port 9 \
		--report '$report' -- sh -c 'ulimit -Sn'"
	assert_exit 0
	[[ $output == 300 ]] || show 'expected a limit of 300'
}

@test "a descriptor limit that cannot be had is 125 and says what to do" {
	local profile above
	above=$(($(</proc/sys/fs/nr_open) + 1))
	profile=$(
		make_profile limits <<-END
			[profile]
			summary = limits
			[rlimit]
			nofile = >= $above
		END
	)
	runup run -p "$profile" --skip all --report "$report" -- touch "$BATS_TEST_TMPDIR/started"
	assert_exit 125
	assert_one_error "raise the limit of open files to '$above'.*fs.nr_open"
	[[ ! -e $BATS_TEST_TMPDIR/started ]]
}
