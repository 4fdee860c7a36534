#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# A load generator's command line behind `--`: what is sized by it, what is said of it.

load ../lib/runup

setup() {
	hosts=$RUNUP_SOURCE/tests/fixtures/hosts
}

# runup in a shell whose soft limit of descriptors is low, and whose hard one is not.
with_nofile() { # SOFT HARD ARGS…
	run_command bash -c 'ulimit -Sn "$1" && ulimit -Hn "$2" && shift 2 && exec "$@"' - "$1" "$2" "$RUNUP" "${@:3}"
}

@test "check -- wrk: the load is read, said in a line, and judged" {
	runup --root "$hosts/vm" check -- wrk -c 400 -t 4 -d 30s http://10.0.0.5:8080/
	assert_exit 0
	assert_out '^load     wrk, closed model: 400 connections, 30s, to 10\.0\.0\.5:8080$'
	assert_out '^READY: '
	runup --root "$hosts/vm" check -o json -- wrk -c 400 -t 4 -d 30s http://10.0.0.5:8080/
	assert_json check
	assert_json_is 'd["load"]["connections"]' 400
	assert_json_is 'd["load"]["duration_s"]' 30.0
	assert_json_is 'd["load"]["role"]' generator
	assert_json_is 'd["load"]["target"]' '["10.0.0.5:8080"]'
	assert_json_is 'd["load"]["generator"]' \
		'{"name": "wrk", "model": "closed", "binds_first": false, "raises_nofile": false, "threads": 4, "message": null}'
	assert_json_is 'one(d["findings"], id="ports.range")["needed"]' true
	runup --root "$hosts/vm" check -- wrk -c 60000 http://10.0.0.5:8080/
	assert_exit 1
	assert_out '^fail +ports.range'
}

@test "an open model without keep-alive: the new connections follow from the rate" {
	runup --root "$hosts/vm" check -o json --only ports.range -- \
		vegeta attack -rate 2000/s -duration 1m -keepalive=false
	assert_exit 1
	assert_json_is 'd["load"]["new_connections"]' 2000
	assert_json_is 'd["load"]["generator"]["model"]' open
	assert_json_is 'd["load"]["generator"]["binds_first"]' true
	assert_json_is 'one(d["findings"], status="fail")["id"]' ports.range
}

@test "behind wrappers and in a pipeline" {
	runup --root "$hosts/vm" check -o json -- sudo -u ada env A=b taskset -c 0-1 timeout 10 \
		hey -z 30s -c 7 https://user:secret@h/
	assert_exit 0
	assert_json_is 'd["load"]["generator"]["name"]' hey
	assert_json_is 'd["load"]["duration_s"]' 10.0
	assert_json_is 'd["load"]["target"]' '["h:443"]'
	grep -q secret <<<"$output" && show 'the password is in the output'
	runup --root "$hosts/vm" check -o json -- sh -c \
		'echo "GET http://h/" | vegeta attack -rate 10 -max-workers 5 | vegeta report'
	assert_exit 0
	assert_json_is 'd["load"]["target"]' '["h:80"]'
	assert_json_is 'd["load"]["connections"]' 5
}

@test "options win over the command, which wins over the profile" {
	p=$(make_profile big <<-'INI'
		[load]
		connections = 9000
		burst = 8000
		latency = 5ms
	INI
	)
	runup --root "$hosts/vm" check -o json -p "$p" -- wrk -c 400 http://h/
	assert_json_is 'd["load"]["connections"]' 400
	assert_json_is 'd["load"]["latency_s"]' 0.005
	assert_json_is '"burst" in d["load"]' false
	runup --root "$hosts/vm" check -o json -p "$p" --connections 500 --target 10.0.0.1:9 -- wrk -c 400 http://h/
	assert_json_is 'd["load"]["connections"]' 500
	assert_json_is 'd["load"]["target"]' '["10.0.0.1:9"]'
	assert_json_is 'd["load"]["generator"]["name"]' wrk
	# A command that says nothing leaves the profile's load as it is.
	runup --root "$hosts/vm" check -o json -p "$p" -- ./loadtest.sh
	assert_json_is 'd["load"]["connections"]' 9000
	assert_json_is 'd["load"]["burst"]' 8000
	assert_json_is 'd["load"]["generator"]["name"]' null
}

@test "a server on this host stays one, though the generator is here, too" {
	runup --root "$hosts/vm" check -o json --port 8080 -- wrk -c 400 http://127.0.0.1:8080/
	assert_json_is '"role" in d["load"]' false
	runup --root "$hosts/vm" check -o json -p server -- wrk -c 400 http://127.0.0.1:8080/
	assert_json_is 'd["load"]["role"]' server
	assert_json_is 'd["load"]["connections"]' 400
}

@test "a load that contradicts itself between options and command is an error" {
	runup check --new-connections 5 -- vegeta attack -rate 100 -keepalive=false
	assert_exit 2
	assert_one_error 'the load contradicts itself'
	runup check --latency 1s -- wrk2 -c 10 -R 100 http://h/
	assert_exit 2
	assert_one_error 'the load contradicts itself'
}

@test "a contradiction names the option of the command that it comes from" {
	contradicts() { # PLACE COMMAND…
		local place=$1
		shift
		runup check --burst 50000 -- "$@"
		assert_exit 2
		assert_one_error "'connections' \\($place\\) is "
	}
	contradicts 'wrk -c 400' sudo -u nobody wrk -t 4 -c 400 http://h/
	contradicts 'wrk -c400' wrk -c4 -c400 http://h/
	contradicts 'wrk --connections=400' wrk --connections=400 http://h/
	contradicts "wrk's command line" wrk -t 4 http://h/
	contradicts "wrk's command line" wrk --conn 40 http://h/
	contradicts 'hey -c 30' hey -cpus 2 -c 30 -n 90 http://h/
	contradicts "hey's command line" hey -cpus 2 http://h/
	contradicts 'ab -c 7' ab -n 9 -c 7 http://h/
	contradicts 'h2load --clients 7' h2load -n 9 --clients 7 http://h/
	contradicts 'siege -c7' siege -c7 http://h/
	contradicts 'autocannon --connections 7' autocannon --connections 7 http://h/
	contradicts 'k6 -u 7' k6 run -u 7 -d 1s "$BATS_TEST_TMPDIR/none.js"
	runup check --new-connections 5 -- vegeta attack -rate=100 -keepalive=false
	assert_exit 2
	assert_one_error "'rate' \\(vegeta -rate=100\\) without keep-alive makes 100 new connections/s"
	# Both from the command, and what a wrapper says.
	runup check --latency 20s -- timeout 10 wrk -d 30s http://h/
	assert_exit 2
	assert_one_error "'latency' .*'duration' \\(timeout, which ends the command\\)"
}

@test "an unknown command: asks for the load, never guesses, and is not a pass" {
	runup --root "$hosts/vm" check -- ./loadtest.sh -c 400 http://h/
	assert_exit 3
	assert_out "what load 'loadtest.sh' makes is not known; state it with LOAD options"
	assert_out '^CANNOT TELL: '
	runup --root "$hosts/vm" check -o json -- ./loadtest.sh
	assert_exit 3
	assert_json check
	assert_json_is 'd["ready"]' false
	assert_json_is 'd["load"]["generator"]["name"]' null
	assert_json_is 'd["load"]["generator"]["message"] is not None' true
	runup --root "$hosts/vm" check --role generator --connections 400 -- ./loadtest.sh
	assert_exit 0
	refute_out 'is not known'
}

@test "a command line that the tool would refuse states nothing" {
	for line in 'wrk -t 8 -c 4 http://h/' 'wrk -c many http://h/' 'hey -c 5 -n 4 http://h/' 'ab http://h' 'wrk'; do
		# shellcheck disable=SC2086 # words
		runup --root "$hosts/vm" check -o json -- $line
		assert_exit 3
		assert_json_is 'sorted(d["load"])' '["generator"]'
		assert_json_is '"was not read" in d["load"]["generator"]["message"]' true
	done
}

@test "check does not start the command" {
	runup check -- touch "$BATS_TEST_TMPDIR/started"
	runup check -- sh -c "touch $BATS_TEST_TMPDIR/started"
	printf '#!/bin/sh\ntouch %s\n' "$BATS_TEST_TMPDIR/started" >"$BATS_TEST_TMPDIR/wrk"
	chmod +x "$BATS_TEST_TMPDIR/wrk"
	runup check -- "$BATS_TEST_TMPDIR/wrk" -c 5 http://h/
	[[ ! -e $BATS_TEST_TMPDIR/started ]]
}

@test "descriptors: soft limit or hard, by the generator's runtime" {
	with_nofile 100 4000 check --only limits.nofile -- wrk -c 400 http://h/
	assert_exit 1
	assert_out '^fail +limits.nofile'
	with_nofile 100 4000 check --only limits.nofile -- hey -c 400 -n 400 http://h/
	assert_exit 0
	assert_out '^READY: 0 failed, 0 warnings'
	with_nofile 100 400 check --only limits.nofile -- hey -c 400 -n 400 http://h/
	assert_exit 1
	# What is not known may raise it, or not.
	with_nofile 100 4000 check --only limits.nofile --connections 400 -- ./loadtest.sh
	assert_exit 0
	assert_out '^warn +limits.nofile'
}

@test "a container has limits of its own: not told, or by --ulimit" {
	runup check --only limits.nofile -- docker run --rm williamyeh/wrk -c 400 -t 4 -d 9s http://h/
	assert_exit 3
	assert_out '^unknown +limits.nofile +the container'
	assert_out 'it runs in a container'
	runup check --only limits.nofile -- docker run --ulimit nofile=100 williamyeh/wrk -c 400 http://h/
	assert_exit 1
	runup check --only limits.nofile -- docker run --ulimit=nofile=9999:9999 williamyeh/wrk -c 400 http://h/
	assert_exit 0
}

@test "run: refused by what its command asks for, and run.json says it" {
	with_nofile 100 4000 run --report "$BATS_TEST_TMPDIR/report" -- wrk -c 400 -d 1s http://127.0.0.1:9/
	assert_exit 120
	assert_err '^load     wrk, closed model: 400 connections'
	assert_err '^fail +limits.nofile'
	load_json run "$BATS_TEST_TMPDIR/report/run.json"
	assert_json_is 'd["load"]["generator"]["name"]' wrk
	assert_json_is 'd["command"]["exit_code"]' null
}

@test "run: an unknown command just has no load from it" {
	runup run --report "$BATS_TEST_TMPDIR/report" -- true
	assert_exit 0
	assert_err "what load 'true' makes is not known"
	runup -q run --report "$BATS_TEST_TMPDIR/report2" -- true
	assert_exit 0
	refute_err 'is not known'
}

# No k6 is packaged where this runs: a program of its name gives the answers that k6 2.2.0 gave, and
# leaves behind how it was called.
make_k6() { # ANSWER
	mkdir -p "$BATS_TEST_TMPDIR/bin"
	share_temp
	chmod a+rwx "$BATS_TEST_TMPDIR/bin"
	cat >"$BATS_TEST_TMPDIR/bin/k6" <<-END
		#!/bin/sh
		{
			echo "user \$(id -u) home \$HOME"
			echo "args \$*"
			echo "stages \${K6_STAGES-none} vus \${K6_VUS-none} duration \${K6_DURATION-none}"
			echo "stdin [\$(cat)]"
			tty <&2 || true
		} >>$BATS_TEST_TMPDIR/bin/called
		$1
	END
	chmod 0755 "$BATS_TEST_TMPDIR/bin/k6"
	RUNUP_ENV+=("PATH=$BATS_TEST_TMPDIR/bin:/usr/sbin:/usr/bin:/sbin:/bin")
}

k6_answer='{"vus": null, "scenarios": {"open": {"executor": "constant-arrival-rate", "startTime": null,
	"gracefulStop": "2s", "rate": 200, "timeUnit": "1s", "duration": "3s", "preAllocatedVUs": 10, "maxVUs": 20}},
	"noConnectionReuse": null, "totalDuration": "5s", "maxVUs": 20}'

@test "k6: the script is read by k6 inspect, with the options of the command" {
	make_k6 "echo '$k6_answer'"
	RUNUP_ENV+=(K6_STAGES=1s:1)
	runup --root "$hosts/vm" check -o json -- env A=b k6 run -q -e TOKEN=x --vus 5 --duration=1m script.js
	assert_exit 0
	assert_json_is 'd["load"]["rate"]' 200
	assert_json_is 'd["load"]["connections"]' 20
	assert_json_is 'd["load"]["duration_s"]' 3.0
	assert_json_is 'd["load"]["keepalive"]' true
	assert_json_is 'd["load"]["generator"]["model"]' open
	assert_json_is 'd["load"]["generator"]["raises_nofile"]' true
	grep -qx 'args inspect --execution-requirements --include-system-env-vars -e TOKEN=x script.js' \
		"$BATS_TEST_TMPDIR/bin/called"
	grep -qx 'stages none vus 5 duration 1m' "$BATS_TEST_TMPDIR/bin/called"
	grep -qxF 'stdin []' "$BATS_TEST_TMPDIR/bin/called"
	grep -qx 'not a tty' "$BATS_TEST_TMPDIR/bin/called"
}

@test "k6: the script is executed as the user behind sudo" {
	need_root
	make_k6 "echo '$k6_answer'"
	RUNUP_ENV+=(SUDO_UID=65534 SUDO_GID=65534)
	runup --root "$hosts/vm" check -- k6 run script.js
	assert_exit 0
	assert_out '^load     k6, open model: 200 requests/s, 20 connections, 3s$'
	grep -qx "user 65534 home $(getent passwd 65534 | cut -d: -f6)" "$BATS_TEST_TMPDIR/bin/called"
}

@test "k6: where inspect fails or never ends, the options alone are the load, and that is said" {
	make_k6 'exit 107'
	runup --root "$hosts/vm" check -- k6 run -u 50 -d 1m script.js
	assert_exit 0
	assert_out '^load     k6, closed model: 50 connections, 1m$'
	assert_out 'the script was not read \(k6 inspect ended with 107\)'
	runup --root "$hosts/vm" check -- k6 run script.js
	assert_exit 3
	make_k6 'exec sleep 60'
	SECONDS=0
	runup --root "$hosts/vm" check -- k6 run -u 50 -d 1m script.js
	[[ $SECONDS -ge 9 && $SECONDS -le 20 ]]
	assert_exit 0
	assert_out 'not done within 10s'
	make_k6 'exec yes'
	runup --root "$hosts/vm" check -- k6 run -u 50 -d 1m script.js
	assert_exit 0
	assert_out 'was not read'
}

@test "k6: no k6 here, or a script on standard input" {
	runup --root "$hosts/vm" check -- k6 run -u 50 -d 1m script.js
	if command -v k6 >/dev/null; then skip 'not possible here: k6 is installed'; fi
	assert_exit 0
	assert_out 'k6 is not here to read it'
	runup --root "$hosts/vm" check -- k6 run -u 50 -d 1m -
	assert_exit 0
	assert_out 'it comes on standard input'
}
