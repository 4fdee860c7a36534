#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# `runup run` with real servers, real load and real terminals, in namespaces of its own.

load ../lib/runup
load ../lib/netns

report=
setup() {
	report=$BATS_TEST_TMPDIR/report
	folder=$(mktemp -d "${TMPDIR:-/tmp}/runup-run.XXXXXX") # others can reach it
	chmod 0755 "$folder"
}

teardown() {
	if [[ -n ${tmux_started-} ]]; then
		tmux_ kill-server 2>/dev/null
	fi
	runup_teardown
	rm -rf "$folder"
}

tuning_profile() { # one change that every namespace can have
	make_profile tuning <<-'END'
		[profile]
		summary = one change
		[load]
		target = 127.0.0.1:9
		[sysctl]
		net.ipv4.tcp_slow_start_after_idle = 0
	END
}

reported() { # EXPRESSION VALUE
	load_json run "$report/run.json"
	assert_json_is "$1" "$2"
}

# wrk against an nginx whose worker does not accept for the first half second, as in a collection of
# garbage: the queue holds all 400 connections, or it overflows.
stalled_wrk() { # prints a script for sh -c
	local worker
	worker=$(pgrep -P "$(cat "$BATS_TEST_TMPDIR/nginx/nginx.pid")")
	printf '%s' "kill -STOP $worker; { sleep 0.5; kill -CONT $worker; } & " \
		"wrk -t1 -c400 -d2s http://127.0.0.1:8080/; code=\$?; wait; exit \$code"
}

setting() { # NS
	netns_exec "$1" sysctl -n net.ipv4.tcp_slow_start_after_idle
}

@test "nginx with a small backlog: refused, INVALID by name, VALID after apply, then as found" {
	need_command nginx wrk
	local ns load=(-p server --port 8080 --connections 400)
	ns=$(netns_make)
	netns_exec "$ns" sysctl -q -w net.core.somaxconn=16
	netns_sysctls "$ns" >"$BATS_TEST_TMPDIR/before"
	nginx_start "$ns" 8080 4096 "$BATS_TEST_TMPDIR/nginx"

	run_command ip netns exec "$ns" "$RUNUP" check "${load[@]}"
	assert_exit 1
	assert_out '^fail +listen.backlog +tcp 0.0.0.0:8080'

	run_command ip netns exec "$ns" "$RUNUP" run "${load[@]}" --report "$report" -- sh -c "$(stalled_wrk)"
	assert_exit 120
	assert_no_out

	report=$BATS_TEST_TMPDIR/report2
	run_command ip netns exec "$ns" "$RUNUP" run "${load[@]}" --skip listen.backlog \
		--report "$report" -- sh -c "$(stalled_wrk)"
	assert_exit 121
	assert_err '^INVALID +sh exited with 0'
	assert_err 'accept queue full: .* at tcp 0.0.0.0:8080 \(nginx, pid [0-9]+\)'
	assert_out 'requests in'
	reported 'd["verdict"]["verdict"]' INVALID
	reported 'd["verdict"]["blame"]' 'this host'
	reported 'one(d["verdict"]["causes"], subject="tcp 0.0.0.0:8080", cause="listen.accept_overflow")["process"]["comm"]' nginx

	run_command ip netns exec "$ns" "$RUNUP" apply server --port 8080 --connections 400
	assert_exit 0
	nginx_stop "$BATS_TEST_TMPDIR/nginx"
	nginx_start "$ns" 8080 4096 "$BATS_TEST_TMPDIR/nginx"
	report=$BATS_TEST_TMPDIR/report3
	run_command ip netns exec "$ns" "$RUNUP" run "${load[@]}" --report "$report" -- sh -c "$(stalled_wrk)"
	assert_exit 0
	assert_err '^VALID '
	reported 'd["verdict"]["verdict"]' VALID

	run_command ip netns exec "$ns" "$RUNUP" rollback
	assert_exit 0
	netns_sysctls "$ns" >"$BATS_TEST_TMPDIR/after"
	diff "$BATS_TEST_TMPDIR/before" "$BATS_TEST_TMPDIR/after"
}

@test "--apply tunes for the run alone, whatever becomes of the command" {
	local ns profile command
	ns=$(netns_make)
	profile=$(tuning_profile)
	netns_sysctls "$ns" >"$BATS_TEST_TMPDIR/before"
	for command in 'exit 0' 'exit 5' 'kill -KILL $$' 'exec /no/such/command'; do
		report=$BATS_TEST_TMPDIR/report.${command//[^a-z0-9]/}
		run_command ip netns exec "$ns" "$RUNUP" run -p "$profile" --apply \
			--report "$report" -- sh -c "sysctl -n net.ipv4.tcp_slow_start_after_idle; $command"
		[[ $output == 0 ]] || show 'not tuned while the command ran'
		netns_sysctls "$ns" >"$BATS_TEST_TMPDIR/after"
		diff "$BATS_TEST_TMPDIR/before" "$BATS_TEST_TMPDIR/after"
		reported 'one(d["changes"], key="net.ipv4.tcp_slow_start_after_idle")["result"]' restored
	done
	run_command ip netns exec "$ns" "$RUNUP" run -p "$profile" --apply \
		--report "$BATS_TEST_TMPDIR/report.notfound" -- no-such-command
	assert_exit 127
	[[ $(setting "$ns") == 1 ]]
	run_command ip netns exec "$ns" "$RUNUP" status
	assert_exit 0
}

@test "what the preflight refuses after --apply is put back" {
	local ns profile
	ns=$(netns_make)
	profile=$(tuning_profile)
	run_command ip netns exec "$ns" "$RUNUP" run -p "$profile" --apply --role server \
		--port 9 --connections 10 --report "$report" -- touch "$BATS_TEST_TMPDIR/started"
	assert_exit 120
	[[ ! -e $BATS_TEST_TMPDIR/started && $(setting "$ns") == 1 ]]
	reported 'one(d["changes"], key="net.ipv4.tcp_slow_start_after_idle")["result"]' restored
}

@test "a setting that somebody changed during the run is left alone and named" {
	local ns profile
	ns=$(netns_make)
	profile=$(tuning_profile)
	run_command ip netns exec "$ns" "$RUNUP" run -p "$profile" --apply --report "$report" -- \
		sysctl -q -w net.ipv4.tcp_slow_start_after_idle=1
	assert_exit 0
	reported 'one(d["changes"], key="net.ipv4.tcp_slow_start_after_idle")["result"]' unchanged
	reported 'd["verdict"]["verdict"]' SUSPECT
	[[ $(setting "$ns") == 1 ]]

	profile=$(make_profile fin <<<$'[load]\ntarget = 127.0.0.1:9\n[sysctl]\nnet.ipv4.tcp_fin_timeout = 61')
	run_command ip netns exec "$ns" "$RUNUP" -q run -p "$profile" --apply --report "$report-2" -- \
		sysctl -q -w net.ipv4.tcp_fin_timeout=62
	assert_exit 0
	assert_err 'SUSPECT'
	assert_err 'net.ipv4.tcp_fin_timeout was changed by somebody'
	load_json run "$report-2/run.json"
	assert_json_is 'd["verdict"]["verdict"]' SUSPECT
	[[ $(netns_exec "$ns" sysctl -n net.ipv4.tcp_fin_timeout) == 62 ]]
}

@test "--netns: the host is the namespace, the command runs where runup was started" {
	local ns profile
	ns=$(netns_make)
	profile=$(tuning_profile)
	runup --netns "$ns" run -p "$profile" --apply --report "$report" -- \
		sh -c "readlink /proc/self/ns/net; ip netns exec '$ns' sysctl -n net.ipv4.tcp_slow_start_after_idle"
	assert_exit 0
	[[ ${output%%$'\n'*} == "$(readlink /proc/self/ns/net)" ]] || show 'in the wrong namespace'
	[[ ${output##*$'\n'} == 0 ]] || show 'not tuned'
	[[ $(setting "$ns") == 1 ]]
}

@test "a signal that comes before the command is started: rolled back, 128+N, not started" {
	local ns profile
	ns=$(netns_make)
	profile=$(tuning_profile)
	# A blocked signal stays pending across exec, so this one is there from the first moment.
	run_command ip netns exec "$ns" "$PYTHON" -c '
import os, signal, sys
signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
os.kill(os.getpid(), signal.SIGTERM)
os.execv(sys.argv[1], sys.argv[1:])' "$RUNUP" run -p "$profile" --apply --report "$report" -- \
		touch "$BATS_TEST_TMPDIR/started"
	assert_exit 143
	[[ ! -e $BATS_TEST_TMPDIR/started && $(setting "$ns") == 1 ]]
	reported 'one(d["changes"], key="net.ipv4.tcp_slow_start_after_idle")["result"]' restored
	reported 'd["verdict"]["verdict"]' INVALID
}

# Starts a run of "sleep 30" in the background and waits until it is tuned and runs.
start_sleeper() { # NS SIGNAL-SETUP…
	local ns=$1 profile environment
	shift
	profile=$(tuning_profile)
	mapfile -t environment < <(runup_environment)
	start_background sleeper env -i "${environment[@]}" "$@" ip netns exec "$ns" "$RUNUP" run \
		-p "$profile" --apply --report "$report" -- sleep 30
	wait_until 5 sleeper_runs
}

sleeper_runs() {
	# shellcheck disable=SC2154 # start_background sets it
	sleeper=$(pgrep -P "$background_pid" -x sleep)
}

@test "TERM and HUP are forwarded; all is put back and reported" {
	local ns sig status
	ns=$(netns_make)
	for sig in TERM HUP; do
		report=$BATS_TEST_TMPDIR/report.$sig
		start_sleeper "$ns"
		[[ $(setting "$ns") == 0 ]]
		kill -"$sig" "$background_pid"
		status=0
		wait "$background_pid" || status=$?
		[[ $status -eq $((128 + $(kill -l "$sig"))) ]]
		[[ $(setting "$ns") == 1 && ! -e /proc/$sleeper ]]
		reported 'd["command"]["signal"]' "$(kill -l "$sig")"
	done
}

@test "under nohup a hangup reaches neither" {
	local ns
	ns=$(netns_make)
	start_sleeper "$ns" nohup
	kill -HUP "$background_pid"
	sleep 0.3
	[[ -e /proc/$sleeper ]]
	grep -Eq '^SigIgn:.*[13579bdf]$' "/proc/$sleeper/status"
	kill -TERM "$background_pid"
	wait "$background_pid" || true
	[[ $(setting "$ns") == 1 ]]
}

@test "a command that is stopped stops runup, and is continued with it" {
	local ns
	ns=$(netns_make)
	start_sleeper "$ns"
	kill -STOP "$sleeper"
	wait_until 5 is_stopped "$background_pid"
	kill -CONT "$background_pid"
	wait_until 5 is_not_stopped "$sleeper"
	kill -TERM "$background_pid"
	wait "$background_pid" || true
	[[ $(setting "$ns") == 1 ]]
}

is_stopped() { # PID
	[[ $(process_state "$1") == T ]]
}

is_not_stopped() { # PID
	[[ $(process_state "$1") == S ]]
}

@test "the command runs as --user: ids, environment, descriptors, capabilities, run directory" {
	local ns
	ns=$(netns_make)
	mkdir "$folder/nobody"
	chown nobody "$folder/nobody"
	RUNUP_ENV+=("XDG_CONFIG_HOME=/nowhere")
	exec 9</dev/null
	# shellcheck disable=SC2016 # for the command's own shell
	run_command ip netns exec "$ns" "$RUNUP" run --skip all --user nobody \
		--report "$folder/nobody/report" -- sh -c 'id -un; id -G; echo "$HOME $USER $LOGNAME"
			echo "config [$XDG_CONFIG_HOME]"
			i=3; while [ $i -lt 64 ]; do [ -e /proc/$$/fd/$i ] && echo "open $i"; i=$((i+1)); done
			grep -E "^Cap(Prm|Eff)" /proc/self/status
			cat /etc/shadow'
	exec 9<&-
	assert_exit 1
	assert_out '^nobody$'
	assert_out "^$(id -g nobody)$"
	assert_out "^$(getent passwd nobody | cut -d: -f6) nobody nobody$"
	assert_out '^config \[\]$'
	refute_out '^open'
	assert_out '^CapPrm:[[:space:]]0+$'
	assert_out '^CapEff:[[:space:]]0+$'
	refute_out '^root:'
	[[ $(stat -c '%U %a' "$folder/nobody/report") == 'nobody 700' ]]
	[[ $(stat -c '%U %a' "$folder/nobody/report/run.json") == 'nobody 600' ]]
	load_json run "$folder/nobody/report/run.json"
	assert_json_is 'd["command"]["user"]' nobody
}

@test "the user behind sudo is the default" {
	local ns
	ns=$(netns_make)
	mkdir "$folder/sudo"
	chown 54321 "$folder/sudo"
	RUNUP_ENV+=(SUDO_UID=54321 SUDO_GID=54322)
	run_command ip netns exec "$ns" "$RUNUP" run --skip all --report "$folder/sudo/report" -- \
		sh -c 'id -u; id -g'
	assert_exit 0
	[[ $output == $'54321\n54322' ]] || show 'not as the user behind sudo'
	RUNUP_ENV=(SUDO_UID=root SUDO_GID=0)
	run_command ip netns exec "$ns" "$RUNUP" run --skip all --report "$folder/sudo/two" -- id
	assert_exit 2
}

@test "root writes nothing where the user could not" {
	local ns
	ns=$(netns_make)
	mkdir -m 0700 "$folder/roots" "$folder/empty"
	mkdir "$folder/nobody"
	chown nobody "$folder/nobody"
	ln -s "$folder/roots" "$folder/nobody/link"
	local path
	for path in "$folder/roots/report" "$folder/nobody/link/report" "$folder/empty"; do
		run_command ip netns exec "$ns" "$RUNUP" run --skip all --user nobody \
			--report "$path" -- true
		assert_exit 125
		assert_one_error "$folder"
	done
	# While the run lasts, the user puts a link where the report will be written.
	run_command ip netns exec "$ns" "$RUNUP" run --skip all --user nobody \
		--report "$folder/nobody/report" -- \
		ln -s "$folder/roots/stolen" "$folder/nobody/report/.run.json.new"
	assert_exit 125
	[[ -z $(find "$folder/roots" "$folder/empty" -mindepth 1) ]]
}

@test "what outlives the command is named and not waited for" {
	local ns
	ns=$(netns_make)
	RUNUP_TIMEOUT=10 run_command ip netns exec "$ns" "$RUNUP" run --skip all --port 9 --report "$report" -- \
		sh -c 'sleep 20 >/dev/null 2>&1 </dev/null & sleep 0.1 >/dev/null 2>&1 & sleep 0.3'
	assert_exit 0
	assert_err '^runup: still running, started by the command: [0-9]+ \(sleep\)$'
	[[ $(grep -c 'still running' "$BATS_TEST_TMPDIR/stderr") -eq 1 ]]
}

@test "an overflow of another listener is background" {
	need_command nginx wrk
	local ns
	ns=$(netns_make)
	netns_exec "$ns" sysctl -q -w net.core.somaxconn=16
	nginx_start "$ns" 8080 4096 "$BATS_TEST_TMPDIR/nginx"
	run_command ip netns exec "$ns" "$RUNUP" run --skip all --port 9 --report "$report" -- \
		sh -c "$(stalled_wrk)"
	load_json run "$report/run.json"
	assert_json_is 'one(d["verdict"]["background"], cause="listen.accept_overflow", subject="tcp 0.0.0.0:8080")["process"]["comm"]' nginx
	assert_json_is 'any(c["cause"] == "listen.accept_overflow" and c["subject"] != "unattributed" for c in d["verdict"]["causes"])' false
	[[ $status -eq 0 ]] || show 'a loss that is not of this load made it INVALID'
}

@test "--pid: the server's ports are the load's" {
	need_command nginx wrk
	local ns pid
	ns=$(netns_make)
	netns_exec "$ns" sysctl -q -w net.core.somaxconn=16
	nginx_start "$ns" 8080 4096 "$BATS_TEST_TMPDIR/nginx"
	# A worker: it holds the listener that its master made.
	pid=$(pgrep -P "$(cat "$BATS_TEST_TMPDIR/nginx/nginx.pid")")
	run_command ip netns exec "$ns" "$RUNUP" run --skip all --pid "$pid" --report "$report" -- \
		sh -c "$(stalled_wrk)"
	assert_exit 121
	reported 'd["verdict"]["verdict"]' INVALID
}

# An interactive bash in a terminal of its own.
tmux_() {
	tmux -S "$folder/tmux" -f /dev/null "$@"
}

tmux_start() {
	local environment
	mapfile -t environment < <(runup_environment)
	tmux_ new-session -d -s t -x 100 -y 50 "env -i ${environment[*]} PS1='READY> ' bash --norc --noprofile -i"
	tmux_started=1
	wait_until 5 screen_has '^READY>'
}

type_line() { # TEXT
	tmux_ send-keys -t t -l "$1"
	tmux_ send-keys -t t Enter
}

screen_has() { # REGEX
	tmux_ capture-pane -p -J -t t | grep -qE -- "$1"
}

# Ends with a number that the echo of the command line does not show.
prompt_returns() {
	marker=$((${marker-0} + 1))
	type_line "echo back-\$(($marker + 100))"
	wait_until 5 screen_has "^back-$((marker + 100))\$"
}

@test "Ctrl-Z, fg, bg and Ctrl-C in an interactive shell" {
	need_command tmux
	local ns profile
	ns=$(netns_make)
	profile=$(tuning_profile)
	tmux_start
	type_line "ip netns exec $ns $RUNUP run -p $profile --apply --report $report -- sh -c 'trap \"echo got-INT; exit 9\" INT; echo begun; while :; do sleep 0.1; done'"
	wait_until 5 screen_has '^begun'
	tmux_ send-keys -t t C-z
	wait_until 5 screen_has '^\[1\]\+ +Stopped '
	prompt_returns
	[[ $(setting "$ns") == 0 ]]
	type_line fg
	sleep 0.3
	tmux_ send-keys -t t C-z
	prompt_returns
	type_line bg
	prompt_returns
	type_line fg
	sleep 0.3
	tmux_ send-keys -t t C-c
	wait_until 5 screen_has '^(\^C)?got-INT$'
	wait_until 5 screen_has 'exited with 9'
	type_line 'echo code=$?'
	wait_until 5 screen_has '^code=9'
	[[ $(tmux_ capture-pane -p -t t | grep -cE '^(\^C)?got-INT$') -eq 1 ]]
	[[ $(setting "$ns") == 1 ]]
	reported 'd["command"]["exit_code"]' 9
	# What it had measured until then is not the test that was asked for.
	reported 'd["verdict"]["verdict"]' SUSPECT
	reported 'any("interrupted by signal 2" in r for r in d["verdict"]["reasons"])' true
}

@test "the command reads the terminal, and in the background stops as it would alone" {
	need_command tmux
	tmux_start
	type_line "$RUNUP run --skip all --port 9 --report $report -- cat"
	sleep 0.5
	type_line hello
	tmux_ send-keys -t t C-d
	wait_until 5 screen_has 'cat exited with 0'
	[[ $(tmux_ capture-pane -p -t t | grep -c '^hello') -eq 2 ]]
	type_line "$RUNUP run --skip all --port 9 --report $report.2 -- cat &"
	sleep 0.5
	prompt_returns
	wait_until 5 screen_has '^\[1\]\+ +Stopped'
	type_line fg
	sleep 0.3
	type_line again
	tmux_ send-keys -t t C-d
	prompt_returns
	[[ -s $report.2/run.json ]]
}

@test "a terminal that goes away ends the command, and all is put back and reported" {
	need_command tmux
	local ns profile
	ns=$(netns_make)
	profile=$(tuning_profile)
	tmux_start
	type_line "ip netns exec $ns $RUNUP run -p $profile --apply --report $report -- sleep 60"
	wait_until 5 tuned "$ns"
	sleep 0.2
	tmux_ kill-server
	tmux_started=
	wait_until 5 test -s "$report/run.json"
	[[ $(setting "$ns") == 1 ]]
	reported 'd["command"]["signal"]' 1
}

tuned() { # NS
	[[ $(setting "$1") == 0 ]]
}
