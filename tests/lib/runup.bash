# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# For bats files: `load ../lib/runup`. Runs the built runup in a clean environment, and asserts.
#
# `runup ARGS…` sets $status, $output (stdout) and $stderr, and never fails by itself, except that
# every JSON document a test gets to see is validated against its schema right here.

bats_require_minimum_version 1.5.0

: "${RUNUP_BUILD:=$BATS_TEST_DIRNAME/../../build}"
RUNUP_SOURCE=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)
RUNUP=$RUNUP_BUILD/runup
PYTHON=/usr/bin/python3

# Tests may add to it before they call runup: RUNUP_ENV+=(SUDO_UID=1000)
RUNUP_ENV=()

# The environment that runup is run in: nothing of the caller's but what sanitizers need.
runup_environment() { # prints one word a line, for env(1)
	local state=${RUNUP_STATE_DIR:-$BATS_TEST_TMPDIR/state}
	local profiles=${RUNUP_PROFILE_DIR:-$BATS_TEST_TMPDIR/profiles}
	if [[ ! -d $profiles ]]; then
		mkdir -p "$profiles"
		cp "$RUNUP_SOURCE"/profiles/*.ini "$profiles"/ 2>/dev/null || true
	fi
	printf '%s\n' PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C \
		TERM=dumb "HOME=$BATS_TEST_TMPDIR" "RUNUP_STATE_DIR=$state" \
		"RUNUP_PROFILE_DIR=$profiles" ${ASAN_OPTIONS+"ASAN_OPTIONS=$ASAN_OPTIONS"} \
		${UBSAN_OPTIONS+"UBSAN_OPTIONS=$UBSAN_OPTIONS"} "${RUNUP_ENV[@]}"
}

runup() {
	run_command "$RUNUP" "$@"
}

# The same for another command line that ends in runup: `run_command setpriv … "$RUNUP" check`.
run_command() {
	local environment
	mapfile -t environment < <(runup_environment)
	runup_command="$*"
	status=0
	timeout --foreground --kill-after=5 "${RUNUP_TIMEOUT:-60}" env -i "${environment[@]}" "$@" \
		>"$BATS_TEST_TMPDIR/stdout" 2>"$BATS_TEST_TMPDIR/stderr" </dev/null 3>&- || status=$?
	collect_output
}

# $(…) drops NUL bytes and final newlines; what needs the exact bytes reads the files.
collect_output() {
	output=$(tr -d '\0' <"$BATS_TEST_TMPDIR/stdout")
	# shellcheck disable=SC2034 # for the tests
	stderr=$(tr -d '\0' <"$BATS_TEST_TMPDIR/stderr")
	json=
	if [[ ${output:0:1} == '{' ]]; then
		validate_output
	fi
}

# The document says itself which schema it follows: {"schema":"runup/check/1", …
validate_output() {
	json=$BATS_TEST_TMPDIR/output.json
	# JSON Lines begin with the line that names their schema; for json_get they are one list.
	if [[ ${output%%$'\n'*} == '{"type":"start",'* ]]; then
		"$PYTHON" "$RUNUP_SOURCE/tests/validate.py" --lines watch "$BATS_TEST_TMPDIR/stdout" ||
			show 'not valid by schemas/watch.schema.json' || return 1
		sed -e '1s/^/[/' -e '$!s/$/,/' -e '$s/$/]/' "$BATS_TEST_TMPDIR/stdout" >"$json"
		return
	fi
	cp "$BATS_TEST_TMPDIR/stdout" "$json"
	local name
	name=$(head -c 200 "$json" | sed -nE 's|^ *\{? *"schema": ?"runup/([a-z]+)/1".*|\1|p' | head -n 1)
	[[ -n $name ]] || show 'the JSON names no schema' || return 1
	validate_json "$name" "$json"
}

# With RUNUP_KEEP_JSON set (in a VM, where it would take seconds) documents are kept in that folder,
# one a line, and validated afterwards.
validate_json() { # SCHEMA FILE
	if [[ -n ${RUNUP_KEEP_JSON-} ]]; then
		{ tr -d '\n' <"$2"; echo; } >>"$RUNUP_KEEP_JSON/$1.jsonl"
		return
	fi
	"$PYTHON" "$RUNUP_SOURCE/tests/validate.py" "$1" "$2" || show "not valid by schemas/$1.schema.json"
}

# What a failed assertion prints: bats shows the output of a failed test. Always returns 1.
show() { # MESSAGE
	printf '%s\n-- command: %s\n-- status: %s\n' "$1" "${runup_command-}" "${status-}"
	printf -- '-- stdout:\n'
	head -c 6000 "$BATS_TEST_TMPDIR/stdout"
	printf -- '\n-- stderr:\n'
	head -c 3000 "$BATS_TEST_TMPDIR/stderr"
	printf '\n'
	return 1
}

assert_exit() { # STATUS
	[[ $status -eq $1 ]] || show "expected exit status $1"
}

# Regular expressions are grep -E's and match within one line.
assert_out() { # REGEX
	grep -aqE -- "$1" "$BATS_TEST_TMPDIR/stdout" || show "stdout does not match: $1"
}

refute_out() { # REGEX
	! grep -aqE -- "$1" "$BATS_TEST_TMPDIR/stdout" || show "stdout matches: $1"
}

assert_err() { # REGEX
	grep -aqE -- "$1" "$BATS_TEST_TMPDIR/stderr" || show "stderr does not match: $1"
}

refute_err() { # REGEX
	! grep -aqE -- "$1" "$BATS_TEST_TMPDIR/stderr" || show "stderr matches: $1"
}

assert_no_out() {
	[[ ! -s $BATS_TEST_TMPDIR/stdout ]] || show 'stdout should be empty'
}

# The house rule for errors: one line on stderr, "runup: …".
assert_one_error() { # [REGEX]
	local lines
	lines=$(wc -l <"$BATS_TEST_TMPDIR/stderr")
	[[ $lines -eq 1 ]] || show "expected one line on stderr, got $lines" || return 1
	assert_err '^runup: '
	[[ $# -eq 0 ]] || assert_err "$1"
}

# stdout is one document of that schema; `runup` has validated it already.
assert_json() { # SCHEMA
	[[ -n $json ]] || show "stdout is not a JSON object" || return 1
	[[ $(json_get 'd["schema"]') == "runup/$1/1" ]] || show "not a document of schema runup/$1/1"
}

# A file that runup wrote, such as run.json: validated, and then what json_get looks at.
load_json() { # SCHEMA FILE
	[[ -s $2 ]] || show "no file '$2'" || return 1
	validate_json "$1" "$2" || return 1
	json=$2
}

# Looks into the last document with a Python expression over d; see json_get.py for its helpers.
#   json_get 'one(d["findings"], id="listen.backlog")["status"]'
json_get() { # EXPRESSION
	"$PYTHON" "$RUNUP_SOURCE/tests/lib/json_get.py" "$json" "$1"
}

assert_json_is() { # EXPRESSION VALUE
	local value
	value=$(json_get "$1") || show "cannot evaluate: $1" || return 1
	[[ $value == "$2" ]] || show "$1 is '$value', expected '$2'"
}

# Lets other users reach what a test puts into its temporary folder.
share_temp() {
	chmod a+rx "$BATS_RUN_TMPDIR" "$BATS_RUN_TMPDIR"/* "$BATS_FILE_TMPDIR" "$BATS_TEST_TMPDIR" 2>/dev/null || true
}

# Writes a profile from standard input and prints its path.
make_profile() { # NAME
	local path=$BATS_TEST_TMPDIR/$1.ini
	cat >"$path"
	printf '%s\n' "$path"
}

need_root() {
	[[ $EUID -eq 0 ]] || skip 'needs root: run it with sudo'
}

need_command() { # NAME…
	local name
	for name; do
		command -v "$name" >/dev/null 2>&1 || skip "needs $name: make deps installs it"
	done
}

built_with_bpf() {
	runup doctor -o json
	[[ $(json_get 'd["build"]["bpf"]') == true ]]
}

# Processes that a test starts. Each is remembered with its start time, so that the end of the test
# stops it and never a stranger that got its number later.
start_time() { # PID
	sed 's/.*) //' "/proc/$1/stat" 2>/dev/null | cut -d' ' -f20
}

start_background() { # NAME COMMAND…: sets $background_pid; output goes to NAME.out and NAME.err
	local name=$1
	shift
	# Open descriptors of bats (3) would keep it waiting for the process.
	"$@" >"$BATS_TEST_TMPDIR/$name.out" 2>"$BATS_TEST_TMPDIR/$name.err" </dev/null 3>&- &
	background_pid=$!
	printf '%s %s\n' "$background_pid" "$(start_time "$background_pid")" >>"$BATS_TEST_TMPDIR/pids"
}

# runup itself in the background, as `runup` would run it.
runup_background() { # NAME ARGS…
	local name=$1 environment
	shift
	mapfile -t environment < <(runup_environment)
	start_background "$name" env -i "${environment[@]}" "$RUNUP" "$@"
}

stop_process() { # PID
	local i started
	started=$(awk -v p="$1" '$1 == p { print $2 }' "$BATS_TEST_TMPDIR/pids" 2>/dev/null)
	[[ -n $started && $(start_time "$1") == "$started" ]] || return 0
	kill -TERM "$1" 2>/dev/null || return 0
	for ((i = 0; i < 40; i++)); do
		[[ $(start_time "$1") == "$started" && $(process_state "$1") != Z ]] || break
		sleep 0.05
	done
	[[ $(start_time "$1") != "$started" ]] || kill -KILL "$1" 2>/dev/null || true
	wait "$1" 2>/dev/null || true
}

process_state() { # PID
	sed 's/.*) //' "/proc/$1/stat" 2>/dev/null | cut -d' ' -f1
}

# Waits until a command succeeds, at most SECONDS.
wait_until() { # SECONDS COMMAND…
	local end=$((${EPOCHREALTIME/./} + $1 * 1000000))
	shift
	until "$@" >/dev/null 2>&1; do
		if [[ ${EPOCHREALTIME/./} -ge $end ]]; then
			echo "waited in vain for: $*"
			return 1
		fi
		sleep 0.05
	done
}

runup_teardown() {
	local pid _
	if [[ -e $BATS_TEST_TMPDIR/pids ]]; then
		while read -r pid _; do
			stop_process "$pid"
		done <"$BATS_TEST_TMPDIR/pids"
	fi
	if declare -F netns_teardown >/dev/null; then
		netns_teardown
	fi
}

# A file with a teardown of its own calls runup_teardown at its end.
teardown() {
	runup_teardown
}
