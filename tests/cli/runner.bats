# SPDX-License-Identifier: GPL-2.0-or-later
# The runner must not call green what is not: it is tried here on a tree of made-up tests.

load ../lib/runup

setup() {
	TREE=$BATS_TEST_TMPDIR/tree
	mkdir -p "$TREE"/tests/{unit,cli,golden,crash,netns,lint} "$TREE/build/tests/unit" "$TREE/.ci"
	cp "$RUNUP_SOURCE/tests/run.sh" "$TREE/tests/"
	cp "$RUNUP_SOURCE/.ci/run" "$TREE/.ci/"
}

unit() { # NAME: a test program from standard input
	touch "$TREE/tests/unit/test_$1.c"
	{
		echo '#!/bin/sh'
		cat
	} >"$TREE/build/tests/unit/test_$1"
	chmod +x "$TREE/build/tests/unit/test_$1"
}

run_tests() { # [NAME=VALUE…] [GROUP…]
	local variables=()
	while [[ ${1-} == *=* ]]; do
		variables+=("$1")
		shift
	done
	# In a tree of its own, whatever the outer run was told.
	run env -u CI -u RUNUP_MUST -u RUNUP_TEST_TIMEOUT "${variables[@]}" "$TREE/tests/run.sh" "$TREE/build" "$@"
	echo "$output"
}

closing() { # LINE STATUS
	[[ ${lines[-1]} == "$1" && $status -eq $2 ]]
}

@test "runner: what passed and failed is counted" {
	unit mixed <<<'printf "1..3\nok 1 - a\nnot ok 2 - b\n# 1 != 2\nok 3 - c\n"; exit 1'
	run_tests unit
	closing '2 passed, 1 failed' 1
	[[ $output == *'not ok 2 - b'*'# 1 != 2'* ]]
}

@test "runner: all passed" {
	unit fine <<<'printf "1..2\nok 1 - a\nok 2 - b\n"'
	run_tests unit
	closing '2 passed, 0 failed' 0
}

@test "runner: a crash half-way is a failure" {
	unit crash <<<'printf "1..3\nok 1 - a\n"; kill -SEGV $$'
	run_tests unit
	closing '1 passed, 1 failed' 1
	[[ $output == *'after 1 of 3 tests'* ]]
}

@test "runner: a program that tests nothing is a failure" {
	unit nothing <<<'exit 0'
	run_tests unit
	closing '0 passed, 1 failed' 1
}

@test "runner: a bad exit status without a failed test is a failure" {
	unit leak <<<'printf "1..1\nok 1 - a\n"; exit 23'
	run_tests unit
	closing '1 passed, 1 failed' 1
}

@test "runner: a program that hangs is ended, and a failure" {
	unit hang <<<'printf "1..2\nok 1 - a\n"; exec sleep 30'
	run_tests RUNUP_TEST_TIMEOUT=1 unit
	closing '1 passed, 1 failed' 1
	[[ $output == *'not done after 1 s'* ]]
}

@test "runner: no tests at all is a failure" {
	run_tests unit
	closing '0 passed, 0 failed' 1
}

@test "runner: skips are told with their reason, and must not be in CI" {
	# bats would take lines that begin with @test for tests of this file.
	printf '@%s\n' 'test "works" { true; }' 'test "lazy" { skip "needs wrk"; }' \
		'test "no BTF" { skip "not possible here: no BTF"; }' >"$TREE/tests/cli/s.bats"
	unit skips <<<'printf "1..1\nneeds root\nnot ok 1 # SKIP raise_limit\n"'
	run_tests cli unit
	closing '1 passed, 0 failed, 3 skipped' 0
	[[ $output == *'lazy: needs wrk'* && $output == *'raise_limit: needs root'* ]]
	run_tests CI=true cli unit
	closing '1 passed, 2 failed, 1 skipped' 1
}

@test "runner: a namespace that is left behind is a failure" {
	need_root
	# shellcheck disable=SC2016 # for the shell of that program
	unit leaves <<<'ip netns add "$RUNUP_TEST_ID-left"; printf "1..1\nok 1 - a\n"'
	run_tests unit
	closing '1 passed, 1 failed' 1
	run ip netns list
	[[ $output != *-left* ]]
}

@test "runner: lint is one test" {
	printf '#!/bin/sh\necho broken: x; exit 1\n' >"$TREE/tests/lint/run.sh"
	chmod +x "$TREE/tests/lint/run.sh"
	run_tests lint
	closing '0 passed, 1 failed' 1
	[[ $output == *'broken: x'* ]]
}

# tests/run.sh with a bed that says what $TREE/tap says.
run_bed() {
	mkdir -p "$TREE/tests/vm"
	cat >"$TREE/tests/vm/bed.sh" <<-'SH'
		#!/bin/sh
		case $1 in
		list) echo '6.1 check' ;;
		all) sleep 0.2 ;;
		result) cat tap ;;
		esac
	SH
	chmod +x "$TREE/tests/vm/bed.sh"
	cat >"$TREE/tap"
	run_tests "$@" vm
}

@test "runner: a VM's streams are added up, and a short one is a failure" {
	run_bed <<<$'1..2\nok 1 a: x\nok 2 a: y\n1..1\nok 1 a ended\n# took: 17 s'
	closing '3 passed, 0 failed' 0
	[[ $output == *'vm/6.1/check'*'17.0 s'* ]]
	run_bed <<<$'1..2\nok 1 a: x\n1..1\nok 1 a ended'
	closing '2 passed, 1 failed' 1
	run_bed <<<'no TAP at all'
	closing '0 passed, 1 failed' 1
}

@test "runner: a kernel that cannot be had is a skip that CI accepts, one that should be there is not" {
	run_bed CI=true <<<$'1..1\nok 1 unit # skip not possible here: no such package'
	[[ $output == *'0 passed, 0 failed, 1 skipped'* ]]
	run_bed CI=true <<<$'1..1\nok 1 unit # skip no qemu'
	closing '0 passed, 1 failed' 1
}

# .ci/run with a made-up `make test`, and a `make test-vm` that is $vm.
run_ci() {
	{
		printf 'test:\n'
		sed 's/^/\t@/'
		printf 'test-vm asan memcheck:\n\t@%s\n' "${vm-exit 1}"
		printf 'analyze fuzz:\n\t@%s\n' "${step-exit 1}"
	} >"$TREE/Makefile"
	run env -u MAKEFLAGS -u MAKELEVEL CI_LONG="${long-}" "$TREE/.ci/run"
	echo "$output"
}

@test "ci: one closing line, the last, and the status of the tests" {
	run_ci <<<'echo "3 passed, 0 failed, 1 skipped"; echo after'
	closing '3 passed, 0 failed, 1 skipped' 0
	[[ $(grep -c ' passed, ' <<<"$output") -eq 1 ]]
	run_ci <<<'echo "3 passed, 2 failed"; exit 1'
	closing '3 passed, 2 failed' 1
}

@test "ci: a build that fails, or tests that did not run, are a failure" {
	run_ci <<<'echo building; exit 2'
	closing '0 passed, 1 failed' 1
	run_ci <<<'echo "0 passed, 0 failed"'
	closing '0 passed, 1 failed' 1
	run_ci <<<'echo "5 passed, 0 failed"; exit 2'
	closing '5 passed, 1 failed' 1
}

@test "ci: what takes long counts as much, where it is asked for" {
	long=1 step=true vm='echo "2 passed, 1 failed, 3 skipped"; exit 1' run_ci <<<'echo "5 passed, 0 failed, 1 skipped"'
	closing '13 passed, 3 failed, 10 skipped' 1
	long=1 step=true vm='exit 1' run_ci <<<'echo "5 passed, 0 failed"'
	closing '7 passed, 3 failed' 1
	long=1 step=false vm='echo "2 passed, 0 failed"' run_ci <<<'echo "5 passed, 0 failed"'
	closing '11 passed, 2 failed' 1
	long=1 step=true vm='echo "2 passed, 0 failed"' run_ci <<<'echo "5 passed, 0 failed"'
	closing '13 passed, 0 failed' 0
}

@test "ci: a skip is a failure there" {
	unset CI
	# shellcheck disable=SC2016 # for the shell of make
	run_ci <<<'echo "CI is $$CI"; echo "1 passed, 0 failed"'
	[[ $output == *'CI is true'* ]]
}
