#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Licence lines, no leftovers, nothing of one machine, no blanks at line ends.

set -uo pipefail
. tests/lint/files.bash
bad=0

while IFS= read -r file; do
	if ! head -n 3 "$file" | grep -q 'SPDX-License-Identifier: GPL-2.0-or-later'; then
		echo "$file: no SPDX line"
		bad=1
	fi
done < <(tree_files '*.c' '*.h' '*.sh' '*.bash' '*.bats' '*.py' '*.ini' '*.service' 'man/*.[58]' Makefile .ci/run)

mapfile -t files < <(all_files | grep -vE '^LICENSE$|^tests/(fixtures|golden|fuzz)/.*/' | xargs -d '\n' grep -lI '' 2>/dev/null)
# Split, so that this file does not find itself.
leftovers='\b(TO''DO|FIX''ME|XX''X)\b'
machine='(^|[^A-Za-z0-9_.$})/-])/(wo''rk|ro''ot)/'
# The first is also a directive of the Test Anything Protocol: these files write, test and tell it.
tap='^(man/runup\.8|src/report/tap\.[ch]|tests/cli/hostchecks\.bats|tests/unit/test_ci_output\.c):'
tap+='[0-9]+:.*TO''DO'
if grep -nE "$leftovers" "${files[@]}" | grep -vE "$tap"; then
	echo '^ leftovers: finish it, or write an issue'
	bad=1
fi
if grep -nE "$machine" "${files[@]}"; then
	echo '^ a path of one machine'
	bad=1
fi
if grep -nE '[[:blank:]]+$' "${files[@]}" | grep -vE '^[^:]*\.md:'; then
	echo '^ blanks at the end of a line'
	bad=1
fi
for file in "${files[@]}"; do
	if [[ -s $file && -n $(tail -c 1 "$file") ]]; then
		echo "$file: no newline at its end"
		bad=1
	fi
done
exit "$bad"
