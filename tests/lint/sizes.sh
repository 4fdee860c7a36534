#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Files up to 500 lines, BPF programs up to 230, functions up to 60.
# (Columns are clang-format's business.)

set -uo pipefail
. tests/lint/files.bash
bad=0

mapfile -t files < <(tree_files '*.c' '*.h')
while read -r lines file; do
	[[ $file != total ]] || continue
	max=500
	[[ $file != *.bpf.c ]] || max=230
	if [[ $lines -gt $max ]]; then
		echo "$file: $lines lines, at most $max"
		bad=1
	fi
done < <(wc -l "${files[@]}")

ctags --version | grep -q '^Universal Ctags' || { echo 'universal-ctags is not here: make deps'; exit 1; }
ctags -f - --languages=C --langmap=C:.c.h --kinds-C=f --fields=+ne --excmd=number "${files[@]}" | awk -F'\t' '
	{
		start = end = 0
		for (i = 4; i <= NF; i++) {
			if ($i ~ /^line:/) start = substr($i, 6)
			if ($i ~ /^end:/) end = substr($i, 5)
		}
		if (end - start + 1 > 60) {
			print $2 ":" start ": " $1 "() has " end - start + 1 " lines, at most 60"
			bad = 1
		}
	}
	END { exit bad }' || bad=1
exit "$bad"
