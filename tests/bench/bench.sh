#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# How long things take here: tests/bench/bench.sh BUILD [ROUNDS]. Exit 1 if a limit is exceeded.

set -u
cd "$(dirname "$0")/../.." || exit 1
export PATH=$PATH:/usr/sbin:/sbin
/usr/bin/python3 tests/bench/bench.py "$@"
status=$?
if [[ $EUID -eq 0 ]]; then
	unshare -n /usr/bin/python3 tests/bench/apply.py "$1" || status=1
else
	echo 'apply and rollback: not measured, a network namespace takes root'
fi
/usr/bin/python3 tests/bench/flat.py "$1" && exit "$status"
