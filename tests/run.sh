#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Runs the tests of a build: tests/run.sh BUILD [GROUP…]
#
#   unit     BUILD/tests/unit/test_*     cmocka programs
#   golden cli crash fuzz netns          tests/GROUP/*.bats; crash and netns need root
#   lint     tests/lint/run.sh           as one test
#   vm       suites on other kernels     only if named; see tests/vm/bed.sh
#   memcheck tests/memcheck/*.bats       only if named; `make memcheck` builds what they run
#
# One line a file, then failures in full, skips with their reasons, and last the closing line
# "N passed, N failed[, N skipped]". Exit 1 on any failure, or if nothing ran.
#
# With CI or RUNUP_MUST set a skip is a failure, but for reasons that begin "not possible here:".

set -uo pipefail
cd "$(dirname "$0")/.." || exit 1
export LC_ALL=C
export PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin

[[ $# -gt 0 ]] || { echo "usage: tests/run.sh BUILD [GROUP…]" >&2; exit 2; }
RUNUP_BUILD=$(cd "$1" 2>/dev/null && pwd) || { echo "run.sh: no build folder '$1'" >&2; exit 2; }
shift
all_groups=(unit golden cli crash fuzz netns lint)
[[ $# -gt 0 ]] || set -- "${all_groups[@]}"
for group; do
	[[ " ${all_groups[*]} vm memcheck " == *" $group "* ]] || { echo "run.sh: no group '$group'" >&2; exit 2; }
done

timeout_s=${RUNUP_TEST_TIMEOUT:-300}
must=${RUNUP_MUST:-${CI:-}}
export RUNUP_BUILD
# Namespaces and temporary files of these tests are told by it, so that none can stay behind.
export RUNUP_TEST_ID=runup-t$$
export CMOCKA_MESSAGE_OUTPUT=TAP

tmp=$(mktemp -d "${TMPDIR:-/tmp}/runup-test.XXXXXX") || exit 1
chmod 0755 "$tmp" # tests run some commands as another user
export TMPDIR=$tmp
child=
bed=

remove_namespaces() {
	local left
	left=$(ip netns list 2>/dev/null | awk -v id="$RUNUP_TEST_ID-" 'index($1, id) == 1 { print $1 }')
	[[ -n $left ]] || return 1
	printf '%s\n' "$left"
	while read -r ns; do
		ip netns del "$ns"
	done <<<"$left"
}

cleanup() {
	if [[ -n $child ]]; then
		kill -TERM "$child" 2>/dev/null # timeout(1) hands it on to the group it made
		wait "$child" 2>/dev/null
	fi
	[[ -z $bed ]] || kill -TERM -- "-$bed" 2>/dev/null # its group: the VMs too
	remove_namespaces >/dev/null
	rm -rf "$tmp"
}
trap cleanup EXIT
trap 'echo >&2; echo "run.sh: interrupted" >&2; exit 130' INT
trap 'exit 143' TERM HUP

passed=0 failed=0 skipped=0 own_time=
: >"$tmp/failures"
: >"$tmp/skips"

# Reads TAP on standard input and prints, tab-separated: pass | fail NAME | skip NAME<TAB>REASON |
# plan N; the lines that explain a failure go to the file $1. cmocka writes "not ok N # SKIP NAME"
# with what the test printed before it as its only reason, bats "ok N NAME # skip REASON".
parse_tap() {
	awk -v details="$1" '
	function flush_said() { for (i = 0; i < said; i++) print "    " line[i] >> details; said = 0 }
	/^1\.\.[0-9]+/ { print "plan\t" substr($1, 4); next }
	/^(not )?ok [0-9]+/ {
		bad = /^not /
		text = $0
		sub(/^(not )?ok [0-9]+ *(- )?/, "", text)
		failing = 0
		if (match(text, /# *[sS][kK][iI][pP]/)) {
			name = substr(text, 1, RSTART - 1)
			reason = substr(text, RSTART + RLENGTH)
			gsub(/^[ \t(]+|[ \t)]+$/, "", reason)
			gsub(/[ \t]+$/, "", name)
			if (name == "") {
				name = reason
				reason = said ? line[said - 1] : ""
			}
			print "skip\t" name "\t" reason
		} else if (bad) {
			print "fail\t" text
			print "  " $0 >> details
			flush_said()
			failing = 1
		} else {
			print "pass"
		}
		said = 0
		next
	}
	{
		if (failing && /^#/) print "    " $0 >> details
		else if (said < 200) line[said++] = $0
	}
	END { flush_said() }
	'
}

fail() { # LABEL TEXT
	failed=$((failed + 1))
	file_failed=$((file_failed + 1))
	printf '%s: %s\n' "$1" "$2" >>"$tmp/failures"
}

skip() { # LABEL NAME REASON
	if [[ -n $must && $3 != 'not possible here:'* ]]; then
		fail "$1" "$2: skipped: ${3:-no reason}; here it must run"
		return
	fi
	skipped=$((skipped + 1))
	file_skipped=$((file_skipped + 1))
	printf '  %s: %s: %s\n' "$1" "$2" "${3:-no reason}" >>"$tmp/skips"
}

# Adds up what one file said, and what it should have said: a program that dies half-way has told of
# no failure, but of fewer tests than it planned.
count_results() { # LABEL STATUS
	local what a b plan=0 told=0 before=$failed
	: >"$tmp/details"
	while IFS=$'\t' read -r what a b; do
		if [[ $what == plan ]]; then
			plan=$((plan + a))
			continue
		fi
		told=$((told + 1))
		case $what in
		pass)
			passed=$((passed + 1))
			file_passed=$((file_passed + 1))
			;;
		fail) fail "$1" "$a" ;;
		skip) skip "$1" "$a" "$b" ;;
		esac
	done < <(parse_tap "$tmp/details" <"$tmp/out")
	if [[ $2 -eq 124 || $2 -eq 137 ]]; then
		fail "$1" "not done after $timeout_s s, stopped at test $((told + 1)) of $plan"
	elif [[ $told -ne $plan ]]; then
		fail "$1" "ended with status $2 after $told of $plan tests"
	elif [[ $plan -eq 0 ]]; then
		fail "$1" "ended with status $2 and ran no test"
	elif [[ $2 -ne 0 && $failed -eq $before && $file_skipped -eq 0 ]]; then
		fail "$1" "ended with status $2 though no test failed"
	fi
	[[ $failed -eq $before ]] || cat "$tmp/details" >>"$tmp/failures"
}

# With job control, since bash lets what it starts in the background ignore SIGINT without, and tests
# of signals would inherit that.
set -m
ulimit -c 0

run_limited() { # COMMAND…: its output goes to $tmp/out
	timeout --kill-after=10 "$timeout_s" "$@" >"$tmp/out" 2>&1 </dev/null 3>&- &
	child=$!
	wait "$child" 2>/dev/null # a program that aborts is told of below, not by the shell
	local status=$?
	child=
	return "$status"
}

# Times are shown in tenths of a second.
run_file() { # LABEL COMMAND…
	local label=$1 start=${EPOCHREALTIME/./} status took word=ok left
	shift
	file_passed=0 file_failed=0 file_skipped=0
	run_limited "$@"
	status=$?
	own_time=$(sed -nE 's/^# took: ([0-9]+) s$/\1/p' "$tmp/out")
	count_results "$label" "$status"
	if left=$(remove_namespaces); then
		fail "$label" "left network namespaces behind: $left"
	fi
	report_file
	own_time=
}

report_file() {
	took=$(((${EPOCHREALTIME/./} - start) / 100000))
	# Of what ran beside others, its own time and not how long it was waited for.
	[[ -z $own_time ]] || took=$((own_time * 10))
	[[ $file_failed -eq 0 ]] || word=FAIL
	printf '  %-4s %-34s %4d passed' "$word" "$label" "$file_passed"
	[[ $file_failed -eq 0 ]] || printf ', %d failed' "$file_failed"
	[[ $file_skipped -eq 0 ]] || printf ', %d skipped' "$file_skipped"
	printf '  %d.%d s\n' $((took / 10)) $((took % 10))
}

# A script that is one test: its exit status counts, its output is the explanation.
run_script() { # LABEL COMMAND…
	local label=$1 start=${EPOCHREALTIME/./} status took word=ok
	shift
	file_passed=0 file_failed=0 file_skipped=0
	run_limited "$@"
	status=$?
	if [[ $status -eq 0 ]]; then
		passed=$((passed + 1)) file_passed=1
	else
		fail "$label" "ended with status $status"
		sed 's/^/    /' "$tmp/out" >>"$tmp/failures"
	fi
	report_file
}

skip_file() { # LABEL FILE REASON: each of its tests counts
	local label=$1 start=${EPOCHREALTIME/./} took word=skip i count
	file_passed=0 file_failed=0 file_skipped=0
	count=$(bats --count "$2" 2>/dev/null) || count=1
	for ((i = 0; i < count; i++)); do
		skip "$label" "test $((i + 1)) of $count" "$3"
	done
	report_file
}

run_bats_group() { # GROUP
	local file label
	for file in tests/"$1"/*.bats; do
		[[ -e $file ]] || continue
		label=${file#tests/}
		label=${label%.bats}
		if [[ $1 == netns || $1 == crash ]] && [[ $EUID -ne 0 ]]; then
			skip_file "$label" "$file" 'making network namespaces needs root: run it with sudo'
		else
			run_file "$label" bats --tap "$file"
		fi
	done
}

# The VMs run side by side; each suite is told of when it is done, in their order.
run_vm_group() {
	local kernel suite timeout_s=${RUNUP_BED_TIMEOUT:-3600}
	tests/vm/bed.sh all "$RUNUP_BUILD" >"$tmp/bed" 2>&1 </dev/null &
	bed=$!
	while read -r kernel suite; do
		run_file "vm/$kernel/$suite" tests/vm/bed.sh result "$RUNUP_BUILD" "$kernel" "$suite" "$bed"
	done < <(tests/vm/bed.sh list)
	wait "$bed" || fail vm "$(tail -n 5 "$tmp/bed")"
	bed=
}

for group; do
	case $group in
	vm) run_vm_group ;;
	unit)
		for program in "$RUNUP_BUILD"/tests/unit/test_*; do
			[[ -x $program && ! -d $program && ${program##*/} != *.* ]] || continue
			# A program whose source is gone is of an older build.
			[[ -e tests/unit/${program##*/}.c ]] || continue
			run_file "unit/${program##*/}" "$program"
		done
		;;
	lint) run_script lint tests/lint/run.sh "$RUNUP_BUILD" ;;
	*) run_bats_group "$group" ;;
	esac
done

if [[ -s $tmp/failures ]]; then
	printf '\nfailed:\n'
	sed 's/^/  /' "$tmp/failures"
fi
if [[ -s $tmp/skips ]]; then
	printf '\nskipped:\n'
	cat "$tmp/skips"
fi
printf '\n%d passed, %d failed' "$passed" "$failed"
[[ $skipped -eq 0 ]] || printf ', %d skipped' "$skipped"
printf '\n'
[[ $failed -eq 0 && $passed -gt 0 ]]
