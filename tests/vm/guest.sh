#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# In the VM: runs one suite and writes what the host's side reads, the Test Anything Protocol with a
# line before and after all of it. Between them stand the streams of the suite's files, each with its
# own plan, and each followed by the test that the file itself ended well.

cd /src || exit 1
# As a login shell of a host that is meant for this: 1024 is what init starts with.
ulimit -n 20000
export RUNUP_BUILD=/src/build RUNUP_MUST=1 CMOCKA_MESSAGE_OUTPUT=TAP
# Python is slow here; what JSON the tests saw is validated by the host.
export RUNUP_KEEP_JSON=/out/json
mkdir -p "$RUNUP_KEEP_JSON"

suite=$1
files=0

uptime_ms() {
	local up
	read -r up _ </proc/uptime
	printf '%s\n' $((10#${up/./} * 10))
}

# One program that speaks TAP; its tests are told with its name in front.
file() { # LABEL COMMAND…
	local label=$1 status start took
	shift
	start=$(uptime_ms)
	files=$((files + 1))
	export RUNUP_TEST_ID=runup-t$files
	timeout --kill-after=10 "${VM_FILE_TIMEOUT:-900}" "$@" 2>&1 </dev/null | tee /tmp/tap |
		sed -u -E "s/^((not )?ok [0-9]+) (- )?/\1 $label: /"
	status=${PIPESTATUS[0]}
	took=$(($(uptime_ms) - start))
	printf '1..1\n'
	if [[ $status -le 1 ]] && grep -qE '^1\.\.[1-9]' /tmp/tap; then
		printf 'ok 1 %s ended after %d.%d s\n' "$label" $((took / 1000)) $((took / 100 % 10))
	else
		printf 'not ok 1 %s ended with status %s\n' "$label" "$status"
	fi
}

units() {
	local program
	for program in build/tests/unit/test_*; do
		file "${program##*/}" "$program"
	done
}

bats_files() { # FILES…
	local path
	for path; do
		file "$(basename "$path" .bats)" bats --tap "$path"
	done
}

# For powercut.sh: how long an apply takes here, and then one that is cut off.
apply_until_cut() {
	local start
	export RUNUP_STATE_DIR=/state/runup RUNUP_PROFILE_DIR=/src/profiles
	start=$(uptime_ms)
	build/runup -q apply server --connections 200000 >/dev/null
	start=$(($(uptime_ms) - start))
	build/runup -q rollback >/dev/null
	sync
	printf '# applying, %d ms\n' "$start"
	build/runup -q apply server --connections 200000 >/dev/null
	sleep 600
}

printf '# vm begin: Linux %s, %s CPUs, booted in %s ms\n' "$(uname -r)" "$(nproc)" "$(uptime_ms)"
case $suite in
unit) units ;;
# Not gen: how many connections a generator opens in a second is a question to an unloaded machine.
netns) bats_files tests/netns/{check,hostchecks,netchecks,prediction,run}.bats ;;
apply) bats_files tests/netns/{apply,capture}.bats ;;
# How the tree is built, and how its tests are run and validated, is not a question to a kernel.
cli) bats_files tests/cli/{capacity,check,gen,hostchecks,netchecks,run,usage}.bats ;;
powercut-apply)
	bats_files tests/vm/powercut-look.bats
	apply_until_cut
	;;
systemd-first) bats_files tests/vm/systemd-{units,watch,limits,last}.bats ;;
*.bats) bats_files "tests/$suite" ;;
*) bats_files "tests/vm/$suite.bats" ;;
esac
printf '# vm end: %d files\n' "$files"
