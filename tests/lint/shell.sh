#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Every script passes shellcheck, and every Python file compiles.

set -uo pipefail
. tests/lint/files.bash
bad=0

tree_files '*.sh' '*.bash' .ci/run | xargs shellcheck -f gcc || bad=1
# In bats files every test is a subshell, the library sets variables, and Python expressions and the
# scripts of bash -c stand in single quotes: on purpose.
tree_files '*.bats' | xargs -r shellcheck -f gcc -e SC2016,SC2030,SC2031,SC2034,SC2154 || bad=1
while IFS= read -r file; do
	/usr/bin/python3 -c 'import ast, sys; ast.parse(open(sys.argv[1]).read(), sys.argv[1])' "$file" || bad=1
done < <(tree_files '*.py')
exit "$bad"
