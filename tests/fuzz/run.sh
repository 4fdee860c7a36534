#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Fuzzes: tests/fuzz/run.sh BUILD [TARGET…]
#
# Each target starts with its corpus and what seeds.py makes of the recorded hosts, and goes on for
# FUZZ_SECONDS (60), as many at a time as there are CPUs. What it learns is kept in BUILD/corpus; an
# input that ends it, in BUILD/findings. Prints a line a target, the number of inputs at the end.
# Exit 1 if anything was found.

set -uo pipefail
cd "$(dirname "$0")/../.." || exit 1
[[ $# -gt 0 ]] || { echo "usage: tests/fuzz/run.sh BUILD [TARGET…]" >&2; exit 2; }
build=$1
shift
seconds=${FUZZ_SECONDS:-60}
targets=("$@")
if [[ $# -eq 0 ]]; then
	for f in tests/fuzz/fuzz_*.c; do
		f=${f##*/fuzz_}
		targets+=("${f%.c}")
	done
fi
mkdir -p "$build/findings" "$build/logs"
tests/fuzz/seeds.py "$build/seeds"

fuzz_one() {
	local target=$1 log=$build/logs/$1 status
	local seeds=() dict=()
	mkdir -p "$build/corpus/$target"
	[[ -d tests/fuzz/corpus/$target ]] && seeds+=("tests/fuzz/corpus/$target")
	[[ -d $build/seeds/$target ]] && seeds+=("$build/seeds/$target")
	[[ -f tests/fuzz/$target.dict ]] && dict=("-dict=tests/fuzz/$target.dict")
	"$build/tests/fuzz/fuzz_$target" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 \
		-max_len=16384 -print_final_stats=1 -artifact_prefix="$build/findings/$target-" \
		"${dict[@]}" "$build/corpus/$target" "${seeds[@]}" >"$log" 2>&1
	status=$?
	printf '  %-10s %10s inputs  %s\n' "$target" \
		"$(awk '/stat::number_of_executed_units/ { print $2 }' "$log")" \
		"$([[ $status -eq 0 ]] && echo "nothing found" || echo "FOUND: see $log")"
	return $status
}

failed=0
for target in "${targets[@]}"; do
	fuzz_one "$target" &
	while [[ $(jobs -rp | wc -l) -ge $(nproc) ]]; do
		wait -n || failed=1
	done
done
while [[ $(jobs -p | wc -l) -gt 0 ]]; do
	wait -n || failed=1
	jobs >/dev/null
done
awk '/stat::number_of_executed_units/ { n += $2 } END { printf "%d inputs\n", n }' \
	"${targets[@]/#/$build/logs/}"
exit $failed
