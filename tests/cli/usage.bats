#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Help, options, exit codes.

load ../lib/runup

@test "bare runup says what to try, exit 2" {
	runup
	assert_exit 2
	assert_no_out
	assert_one_error 'no command given.*runup check'
}

@test "--help lists every command" {
	runup --help
	assert_exit 0
	refute_out '^.{81}'
	for c in check apply rollback status run profiles explain doctor help; do
		assert_out "^  $c "
	done
}

@test "every command has help that names its options, on 80 columns" {
	runup help --tsv
	assert_exit 0
	cp "$BATS_TEST_TMPDIR/stdout" "$BATS_TEST_TMPDIR/tsv"
	while IFS=$'\t' read -r kind command name _; do
		[[ $kind == option && $command != '*' && $name == --* ]] || continue
		runup "$command" --help
		assert_exit 0
		assert_out "^usage: runup \[OPTIONS\] $command"
		assert_out "$name( |$)"
		refute_out '^.{81}'
	done <"$BATS_TEST_TMPDIR/tsv"
	[[ $(grep -c '^command' "$BATS_TEST_TMPDIR/tsv") -ge 9 ]]
}

@test "--version" {
	runup --version
	assert_exit 0
	assert_out '^runup [^ ]+$'
}

@test "a slip in a command or option is named with its neighbour" {
	runup chekc
	assert_exit 2
	assert_one_error "no command 'chekc': did you mean check\?"
	runup check --conections 5
	assert_exit 2
	assert_one_error "unknown option '--conections': did you mean --connections\?"
	runup check --new_connections 5
	assert_exit 2
	assert_one_error 'did you mean --new-connections\?'
	runup check --zzzzzz
	assert_exit 2
	assert_one_error "unknown option '--zzzzzz'"
}

@test "options that lack, or do not take, a value" {
	runup check --connections
	assert_exit 2
	assert_one_error '--connections needs a value: N'
	runup check --no-keepalive=yes
	assert_exit 2
	assert_one_error '--no-keepalive takes no value'
	runup check -o yaml
	assert_exit 2
	assert_one_error "'yaml': expected text\|json"
	runup check --observe 5
	assert_exit 2
	assert_one_error 'a duration with its unit'
	runup check --only ,
	assert_exit 2
	assert_one_error 'an empty word'
}

@test "bad load options say what was expected" {
	runup check --connections many
	assert_exit 2
	assert_one_error "--connections 'many': expected a whole number"
	runup check --target nowhere
	assert_exit 2
	assert_one_error "--target 'nowhere': expected HOST:PORT"
	runup check --rate 1000 --no-keepalive --new-connections 5
	assert_exit 2
	assert_one_error 'the load contradicts itself'
}

@test "option values may stand behind =, and letters may carry theirs" {
	runup check --connections=7 -ojson
	assert_json check
	assert_json_is 'd["load"]["connections"]' 7
}

@test "global options work in front of the command and behind it" {
	runup -v check
	assert_out '^pass '
	runup check -v
	assert_out '^pass '
}

@test "an operand too many, a command behind -- that is not taken" {
	runup status extra
	assert_exit 2
	assert_one_error "'extra' is one operand too many"
	runup status -- wrk
	assert_exit 2
	assert_one_error 'takes no command behind --'
}

@test "--root goes with commands that only read" {
	for c in apply rollback status run; do
		runup --root "$RUNUP_SOURCE/tests/fixtures/hosts/vm" "$c"
		assert_exit 2
		assert_one_error "not with $c"
	done
}

@test "color: never without a terminal, always when asked, not with NO_COLOR" {
	runup check -v
	refute_out $'\033'
	runup --color always check -v
	assert_out $'\033\\[32m'
	run_command script -qec "$RUNUP check -v" /dev/null
	assert_out $'\033\\[32m'
	RUNUP_ENV+=(NO_COLOR=1)
	run_command script -qec "$RUNUP check -v" /dev/null
	refute_out $'\033'
}

@test "output that cannot be written is not success" {
	[[ -e /dev/full ]]
	run_command bash -c '"$1" check -v >/dev/full' - "$RUNUP"
	assert_exit 3
	# More than one buffer: the failed write is not the last one.
	run_command bash -c '"$1" check -o json >/dev/full' - "$RUNUP"
	assert_exit 3
}

@test "started without standard descriptors, nothing is written where it does not belong" {
	run_command bash -c 'exec "$1" check -v <&- >&- 2>&-' - "$RUNUP"
	assert_exit 0
	run_command bash -c 'exec "$1" nonsense <&- >&- 2>&-' - "$RUNUP"
	assert_exit 2
}

@test "explain knows every check, cause and sysctl it lists" {
	runup explain
	assert_exit 0
	local ids
	mapfile -t ids < <(grep -oE '^  [a-z_.]+' <<<"$output" | tr -d ' ')
	[[ ${#ids[@]} -ge 25 ]]
	for id in "${ids[@]}" net.core.somaxconn net.core.busy_{read,poll} net.ipv4.tcp_keepalive_time \
		net.netfilter.nf_conntrack_tcp_timeout_established observe.conntrack.full \
		folklore.tcp_fin_timeout; do
		runup explain "$id"
		assert_exit 0
		[[ ${#output} -gt 80 ]]
	done
	# A check and a cause of one name are both told.
	runup explain cpu.steal
	assert_out '^cpu.steal: '
	assert_out '^cpu.steal \(pressure\): '
	runup explain observe.cpu.steal
	refute_out '^cpu.steal: '
	assert_out '^cpu.steal \(pressure\): '
	runup explain no.such.thing
	assert_exit 2
	assert_one_error "nothing to explain about 'no.such.thing'"
}

@test "doctor says what loads, and why what does not" {
	runup doctor -o json
	assert_exit 0
	assert_json doctor
	assert_json_is 'one(d["features"], id="listeners")["status"]' works
	assert_json_is '[f["id"] for f in d["features"] if f["status"] == "no" and not f["why"]]' '[]'
	runup doctor
	assert_exit 0
	assert_out '^works +counters'
	refute_out '^.{81}'
}

@test "profiles lists the shipped ones, and one line by line" {
	runup profiles
	assert_exit 0
	assert_out '^server +A server'
	assert_out '^generator +A load generator'
	runup profiles -o json
	assert_json profiles
	runup profiles server
	assert_out '^(planned|satisfied) +net.core.somaxconn'
	assert_out '^ +wants +>= auto, which is 2048'
	assert_out '^ +line +.*server.ini:[0-9]+'
	refute_out '^.{81}'
	runup profiles server -o json
	assert_json profiles
	assert_json_is 'd["profiles"][0]["load"]["role"]' server
}

@test "a broken profile is listed with what is wrong, and does not hide the others" {
	mkdir -p "$BATS_TEST_TMPDIR/profiles"
	cp "$RUNUP_SOURCE"/profiles/*.ini "$BATS_TEST_TMPDIR/profiles/"
	printf '[nope]\n' >"$BATS_TEST_TMPDIR/profiles/broken.ini"
	runup profiles -o json
	assert_exit 0
	assert_json_is '"unknown section [nope]" in one(d["profiles"], name="broken")["error"]' true
	assert_json_is 'one(d["profiles"], name="server")["error"]' null
}
