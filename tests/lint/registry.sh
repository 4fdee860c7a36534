#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What is in a file of its own (a check, a command, a knob, a source) is in its table. The other
# direction, a row without its file, is found by the linker.

set -uo pipefail
shopt -s nullglob
bad=0

complain() {
	printf '%s\n' "$*"
	bad=1
}

# Every file defines at least one `const struct TYPE PREFIX_NAME`, and each is named in the table:
# as PREFIX_NAME, or as X(NAME) of an X-macro list.
registered() { # TYPE TABLE FILE…
	local type=$1 table=$2 file names name
	shift 2
	if [[ ! -e $table ]]; then
		complain "$table: the table of struct $type is not there"
		return
	fi
	for file; do
		[[ $file != *.bpf.c ]] || continue
		mapfile -t names < <(sed -nE "s/^const struct $type ([a-z0-9_]+) *=.*/\1/p" "$file")
		[[ ${#names[@]} -gt 0 ]] || complain "$file: defines no struct $type, and so nobody can reach it"
		for name in "${names[@]}"; do
			grep -qE "(^|[^a-z0-9_])$name([^a-z0-9_]|$)|X\(${name#"${type}"_}\)" "$table" ||
				complain "$file: $name is not in $table"
		done
	done
}

registered check src/core/check.h checks/*.c
registered cmd src/cli/cmd.h src/cli/cmd_*.c
registered knob src/tune/knob.h src/tune/knob_*.c
registered gen src/gen/gen.h src/gen/gen_*.c
registered export_format src/report/export.c src/report/export_*.c
registered source src/watch/list.h src/watch/src_*.c src/watch/ev_*.c

# Order and spelling of ids: a check is called by the id its variable says.
for file in checks/*.c; do
	while read -r name id; do
		[[ ${id//./_} == "$name" ]] || complain "$file: check_$name has the id '$id'"
	done < <(awk '
		/^const struct check check_/ { name = $4; sub(/^check_/, "", name) }
		/^\t\.id = "/ && name { split($0, q, "\""); print name, q[2]; name = "" }' "$file")
done
exit "$bad"
