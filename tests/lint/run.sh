#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The rules a machine can check: tests/lint/run.sh BUILD [RULE…]. Every rule is a script beside this
# one that prints one line per violation; all are run, and any of them fails the whole.

set -uo pipefail
cd "$(dirname "$0")/../.." || exit 1
export LC_ALL=C
export PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin

[[ $# -gt 0 ]] || { echo 'usage: tests/lint/run.sh BUILD [RULE…]' >&2; exit 2; }
build=$1
shift
[[ $# -gt 0 ]] || set -- layers registry globals reads sizes text format shell spelling help docs

bad=()
for rule; do
	if out=$("tests/lint/$rule.sh" "$build" 2>&1); then
		printf '  ok   %s\n' "$rule"
	else
		printf '  FAIL %s\n' "$rule"
		bad+=("$rule")
	fi
	[[ -z $out ]] || printf '%s\n' "$out" | sed 's/^/         /'
done
[[ ${#bad[@]} -eq 0 ]] || printf 'lint: broken rules: %s\n' "${bad[*]}"
[[ ${#bad[@]} -eq 0 ]]
