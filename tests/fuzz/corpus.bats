#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# The corpora of the fuzz targets as plain tests.

load ../lib/runup

setup_file() {
	"$BATS_TEST_DIRNAME/seeds.py" "$BATS_FILE_TMPDIR/seeds"
}

# Every input is read to its end, and every one of the folder is.
replay() {
	local folders=() expected folder
	for folder in "$BATS_TEST_DIRNAME/corpus/$1" "$BATS_FILE_TMPDIR/seeds/$1"; do
		[[ -d $folder ]] && folders+=("$folder")
	done
	expected=$(find "${folders[@]}" -type f | wc -l)
	run "$RUNUP_BUILD/tests/fuzz/replay_$1" "${folders[@]}"
	echo "$output"
	[[ $status -eq 0 ]]
	[[ $output == "$expected inputs" ]]
}

@test "profile" { replay profile; }
@test "journal" { replay journal; }
@test "files of /proc, /sys and /etc" { replay proc; }
@test "netlink answers" { replay netlink; }
@test "rules of packet filters" { replay rules; }
@test "recorded hosts" { replay host; }
@test "command lines of load generators" { replay command; }

@test "every target has a corpus test" {
	local f
	for f in "$BATS_TEST_DIRNAME"/fuzz_*.c; do
		f=${f##*/fuzz_}
		grep -q "replay ${f%.c};" "$BATS_TEST_FILENAME"
	done
}
