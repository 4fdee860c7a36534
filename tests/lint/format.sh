#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# clang-format decides about layout. Versions differ in what they decide; 14 is the one that counts.

set -uo pipefail
. tests/lint/files.bash

format=
for candidate in clang-format-14 clang-format; do
	if "$candidate" --version 2>/dev/null | grep -q 'version 14\.'; then
		format=$candidate
		break
	fi
done
if [[ -z $format ]]; then
	echo "not checked: needs clang-format 14, here is: $(clang-format --version 2>/dev/null || echo none)"
	[[ -z ${CI-} ]]
	exit
fi
tree_files '*.c' '*.h' | xargs "$format" --dry-run -Werror 2>&1 | awk -F: '
	/error:/ && !seen[$1]++ { print $1 ":" $2 ": not as clang-format has it: make format"; bad = 1 }
	END { exit bad }'
