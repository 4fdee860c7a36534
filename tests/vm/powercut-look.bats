#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# After a power cut in the middle of apply (or, at first, after nothing): what status and rollback say.

load ../lib/runup

RUNUP_STATE_DIR=/state/runup

values() {
	grep -s . /proc/sys/net/{core,ipv4,netfilter}/* /proc/sys/fs/{file-max,nr_open} /proc/sys/kernel/pid_max |
		grep -vE '_count|flush|/file-nr'
}

@test "power cut: the disk is mounted, and the journals on it are whole or prove that nothing was written" {
	mountpoint -q /state
	runup status -o json
	assert_json status
	[[ $status -eq 0 || $status -eq 1 ]] || show 'status cannot tell'
	# Where the power failed, for who reads this.
	echo "# journals: $(json_get '", ".join(c["state"] + " with " + str(len(c["changes"])) for c in d["changesets"] if c["state"] != "closed") or "none open"')" >&3
	# Unreadable would mean that a header is there but not proven, and that nobody knows what was done.
	assert_json_is '[c["id"] for c in d["changesets"] if c["state"] not in ("empty", "unfinished", "open", "closed")
		or c["bad_lines"] or c["boot"] == "this"]' '[]'
	assert_json_is 'sorted({c["result"] for s in d["changesets"] if s["state"] in ("unfinished", "open") for c in s["changes"]} - {"gone"})' '[]'
}

@test "power cut: rollback writes nothing, says why, and closes what was open" {
	values >"$BATS_TEST_TMPDIR/before"
	runup rollback --all -o json
	assert_exit 0
	values >"$BATS_TEST_TMPDIR/after"
	diff "$BATS_TEST_TMPDIR/before" "$BATS_TEST_TMPDIR/after"
	runup rollback
	assert_exit 0
	assert_out 'nothing to roll back'
	runup status
	assert_exit 0
	assert_out 'nothing is applied'
}

@test "power cut: apply and rollback work as ever" {
	values >"$BATS_TEST_TMPDIR/before"
	runup apply server --connections 100000
	assert_exit 0
	runup rollback
	assert_exit 0
	values >"$BATS_TEST_TMPDIR/after"
	diff "$BATS_TEST_TMPDIR/before" "$BATS_TEST_TMPDIR/after"
}
