#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The guardian of `run --apply` and `apply --for`: each way of killing runup, and what is there after.

load ../lib/runup
load ../lib/netns

setup() {
	need_root
	need_command ip
	ns=$(netns_make)
	state=$BATS_TEST_TMPDIR/state
	profile=$(make_profile tuning <<-'INI'
		[load]
		target = 127.0.0.1:9
		[sysctl]
		net.ipv4.tcp_slow_start_after_idle = 0
		net.ipv4.tcp_fin_timeout = 42
		net.core.somaxconn = 9000
	INI
	)
	netns_sysctls "$ns" >"$BATS_TEST_TMPDIR/before"
}

# The guardian of a --for belongs to no process of the test any more; this is the one that ends it.
teardown() {
	local file
	for file in "$BATS_TEST_TMPDIR"/*/changesets/*.journal; do
		[[ -e $file ]] || continue
		end_guardian "$file"
	done
	runup_teardown
}

end_guardian() { # JOURNAL
	local pid start
	read -r pid start < <(guardian_in "$1")
	[[ -z $pid || $(start_time "$pid") != "$start" ]] || kill -KILL "$pid" 2>/dev/null || true
}

guardian_in() { # JOURNAL: prints pid and start time
	sed -nE '1s/.*"guardian_pid":([0-9]+),"guardian_start":([0-9]+).*/\1 \2/p' "$1"
}

journal() { # the newest
	find "$state/changesets" -name '*.journal' | sort -t- -k3 | tail -n 1
}

guardian() { # prints the pid that the newest journal names
	guardian_in "$(journal)" | cut -d' ' -f1
}

has_journal() {
	[[ -s $(journal) && -n $(guardian) ]]
}

tuned() {
	[[ $(netns_exec "$ns" sysctl -n net.ipv4.tcp_fin_timeout) == 42 ]]
}

as_before() {
	netns_sysctls "$ns" | cmp -s "$BATS_TEST_TMPDIR/before" -
}

gone() { # PID: nor a zombie
	[[ ! -e /proc/$1 ]]
}

ended() { # PID: perhaps a zombie, where process 1 reaps none
	[[ ! -e /proc/$1 || $(process_state "$1") == Z ]]
}

# SIGKILL to a process (or, negative, a group), and how long it takes until a setting is back. A look
# at all of them follows.
kill_and_measure() { # WHAT PID
	local took
	took=$(netns_exec "$ns" "$PYTHON" -c '
import os, signal, sys, time
end = time.monotonic() + 10
since = time.monotonic()
os.kill(int(sys.argv[1]), signal.SIGKILL)
while open("/proc/sys/net/ipv4/tcp_fin_timeout").read() == "42\n" and time.monotonic() < end:
    time.sleep(0.0005)
print(round((time.monotonic() - since) * 1000, 1))' "$2")
	wait_until 10 as_before
	echo "# put back $took ms after SIGKILL of $1" >&3
	[[ ${took%.*} -lt 1000 ]] || show "put back only after $took ms"
}

wait_for_time() { # MICROSECONDS since the epoch
	while [[ ${EPOCHREALTIME/./} -lt $1 ]]; do
		sleep 0.002
	done
}

# A run of CMD in a session of its own, tuned and running: sets $runner, $load and $guard.
start_run() { # COMM CMD…
	local comm=$1 environment
	shift
	mapfile -t environment < <(runup_environment)
	start_background run env -i "${environment[@]}" setsid ip netns exec "$ns" "$RUNUP" run --skip all \
		-p "$profile" --apply --report "$BATS_TEST_TMPDIR/report$RANDOM" -- "$@"
	runner=$background_pid
	wait_until 10 load_runs "$comm"
	load=$(pgrep -P "$runner" -x "$comm")
	remember "$load"
	guard=$(guardian)
	tuned
}

load_runs() { # COMM
	[[ -n $(pgrep -P "$runner" -x "$1") ]]
}

# What outlives its parent is ended with the test, too.
remember() { # PID
	printf '%s %s\n' "$1" "$(start_time "$1")" >>"$BATS_TEST_TMPDIR/pids"
}

assert_tenure() { # FIELD VALUE, of the newest changeset; leaves status' exit code in $status
	runup status -o json
	assert_json status
	assert_json_is "d['changesets'][-1]['tenure']['$1']" "$2"
}

start_python() { # NAME ARGS…: script on standard input
	local name=$1
	shift
	cat >"$BATS_TEST_TMPDIR/$name.py"
	local environment
	mapfile -t environment < <(runup_environment)
	start_background "$name" env -i "${environment[@]}" "$PYTHON" "$BATS_TEST_TMPDIR/$name.py" "$@"
}

@test "run: runup killed: put back at once, the load goes on" {
	start_run sleep sleep 60
	kill_and_measure runup "$runner"
	[[ $(process_state "$load") == S ]]
	wait_until 5 ended "$guard"
	runup status
	assert_exit 0
	assert_out 'nothing is applied'
}

@test "run: its process group killed: put back, a load in a session of its own goes on" {
	for comm in sleep tail; do
		# tail stays in the group, sleep does not.
		if [[ $comm == tail ]]; then
			start_run tail tail -f /dev/null
		else
			start_run sleep setsid sleep 60
		fi
		kill_and_measure "the process group of a run" "-$runner"
		wait_until 5 ended "$runner"
		[[ $comm == tail ]] || [[ $(process_state "$load") == S ]]
		[[ $comm == sleep ]] || ended "$load"
		runup status
		assert_exit 0
	done
}

@test "run: the guardian killed: runup puts it back itself" {
	start_run sleep sleep 60
	kill -KILL "$guard"
	wait_until 5 gone "$guard"
	tuned
	assert_tenure state working
	assert_exit 0
	kill -TERM "$load"
	wait "$runner" || true
	as_before
	runup status
	assert_exit 0
}

@test "run: both killed: status says so and any rollback puts it back" {
	start_run sleep sleep 60
	lost=$(basename "$(journal)" .journal)
	kill -KILL "$guard" "$runner"
	wait_until 5 ended "$runner"
	tuned
	runup status
	assert_exit 1
	assert_out 'the run \(pid [0-9]+\) was killed, and so was its guardian; undo it: runup rollback '
	assert_tenure state lost
	# A later one is the newest; the lost one is put back with it.
	other=$(make_profile other <<<$'[sysctl]\nnet.ipv4.tcp_tw_reuse = 1')
	runup --netns "$ns" apply "$other"
	assert_exit 0
	tuned
	runup rollback
	assert_exit 0
	assert_out "^changeset $lost"
	as_before
	[[ $(process_state "$load") == S ]]
	runup status
	assert_exit 0
}

@test "run: rolled back by somebody while it runs: said by both, and SUSPECT" {
	start_run sleep sleep 60
	runup rollback
	assert_exit 0
	assert_err "belongs to a run in progress \\(pid $runner\\)"
	as_before
	kill -TERM "$load"
	wait "$runner" || true
	grep -q 'rolled back by somebody while it ran' "$BATS_TEST_TMPDIR/run.err"
	gone "$guard"
	as_before
}

@test "run: the load killed first: put back, and nothing is left" {
	start_run sleep sleep 60
	kill -KILL "$load"
	status=0
	wait "$runner" || status=$?
	[[ $status -eq 137 ]]
	as_before
	gone "$guard"
}

@test "run: the terminal closed: hung up, put back" {
	local environment
	start_python terminal "$BATS_TEST_TMPDIR/pid" ip netns exec "$ns" "$RUNUP" run --skip all -p "$profile" \
		--apply --report "$BATS_TEST_TMPDIR/report" -- sleep 60 <<-'PY'
		import os, pty, sys, time
		pid, master = pty.fork()
		if pid == 0:
		    os.execvp(sys.argv[2], sys.argv[2:])
		with open(sys.argv[1] + ".new", "w") as f:
		    f.write(str(pid))
		os.rename(sys.argv[1] + ".new", sys.argv[1])
		while not os.path.exists(sys.argv[1] + ".close"):
		    time.sleep(0.02)
		os.close(master)
		os.waitpid(pid, 0)
	PY
	wait_until 10 tuned
	runner=$(cat "$BATS_TEST_TMPDIR/pid")
	remember "$runner"
	wait_until 10 load_runs sleep
	load=$(pgrep -P "$runner" -x sleep)
	guard=$(guardian)
	touch "$BATS_TEST_TMPDIR/pid.close"
	wait_until 10 as_before
	wait_until 5 ended "$runner"
	ended "$load"
	gone "$guard"
}

@test "run: ends as ever; the guardian is reaped and not taken for the command's" {
	run_command ip netns exec "$ns" "$RUNUP" run --skip all -p "$profile" --apply \
		--report "$BATS_TEST_TMPDIR/report" -- sh -c 'sleep 3 >/dev/null 2>&1 </dev/null & pgrep -f no-such-name; true'
	assert_exit 0
	[[ $(grep -c 'still running' "$BATS_TEST_TMPDIR/stderr") -eq 1 ]]
	assert_err 'still running, started by the command: [0-9]+ \(sleep\)'
	refute_err guardian
	gone "$(guardian)"
	as_before
}

@test "run: nothing to change, no guardian; the preflight refuses, none is left" {
	run_command ip netns exec "$ns" "$RUNUP" run --skip all -p "$profile" --apply \
		--report "$BATS_TEST_TMPDIR/one" -- true
	assert_exit 0
	netns_exec "$ns" sysctl -qw net.ipv4.tcp_slow_start_after_idle=0 net.ipv4.tcp_fin_timeout=42 net.core.somaxconn=9000
	run_command ip netns exec "$ns" "$RUNUP" run --skip all -p "$profile" --apply \
		--report "$BATS_TEST_TMPDIR/two" -- pgrep -P "$$" -x runup-guardian
	assert_no_out
	[[ $(find "$state/changesets" -name '*.journal' | wc -l) -eq 1 ]]
	netns_exec "$ns" sysctl -qw net.ipv4.tcp_fin_timeout=60
	run_command ip netns exec "$ns" "$RUNUP" run -p "$profile" --apply --role server --port 9 --connections 10 \
		--report "$BATS_TEST_TMPDIR/three" -- true
	assert_exit 120
	gone "$(guardian)"
	runup status
	assert_exit 0
}

waits_for_its_time() { # PID
	[[ $(readlink "/proc/$1/fd/3") == 'anon_inode:[timerfd]' ]]
}

assert_guardian() { # PID CAPABILITIES (hex): what it has, is and stands in
	local fd session
	session=$(sed 's/.*) //' "/proc/$1/stat" | cut -d' ' -f3,4)
	[[ $session == "$1 $1" ]] || show "session and group: $session"
	for fd in 0 1 2; do
		[[ $(readlink "/proc/$1/fd/$fd") == /dev/null ]]
	done
	for set in CapPrm CapEff CapBnd; do
		grep -qE "^$set:[[:space:]]0*$2\$" "/proc/$1/status" || show "$set of the guardian"
	done
	grep -qE '^CapInh:[[:space:]]0+$' "/proc/$1/status"
	grep -qE '^CapAmb:[[:space:]]0+$' "/proc/$1/status"
	grep -qE '^NoNewPrivs:[[:space:]]1$' "/proc/$1/status"
	[[ $(readlink "/proc/$1/ns/net") == "$(netns_exec "$ns" readlink /proc/self/ns/net)" ]]
	[[ $(cat "/proc/$1/comm") == runup-guardian ]]
}

@test "what a guardian has: a session, no descriptors of others, one capability, the namespace" {
	exec 7<"$profile" 8>"$BATS_TEST_TMPDIR/inherited" 9</dev/zero
	start_run sleep sleep 60
	assert_guardian "$guard" 1000 # CAP_NET_ADMIN, 12
	for fd in "/proc/$guard/fd"/*; do
		[[ ${fd##*/} -gt 2 ]] || continue
		[[ $(readlink "$fd") == pipe:* ]] || show "open: $(readlink "$fd")"
		# O_CLOEXEC, in octal
		grep -qE '^flags:[[:space:]][0-7]*2[0-7]{6}$' "/proc/$guard/fdinfo/${fd##*/}"
	done
	[[ $(find "/proc/$guard/fd" -type l | wc -l) -eq 5 ]]
	kill -TERM "$runner"
	wait "$runner" || true
	as_before

	runup --netns "$ns" apply "$profile" --for 10m
	assert_exit 0
	exec 7<&- 8>&- 9<&-
	guard=$(guardian)
	assert_guardian "$guard" 1000
	wait_until 5 waits_for_its_time "$guard"
	[[ $(find "/proc/$guard/fd" -type l | wc -l) -eq 4 ]]
}

@test "other knobs: another user's listener and a process's limits are put back with what is kept for them" {
	need_command setpriv ss prlimit
	netns_exec "$ns" sysctl -qw net.core.somaxconn=8192
	start_background server ip netns exec "$ns" setpriv --reuid 65534 --regid 65534 --clear-groups \
		prlimit --nofile=100:4096 "$PYTHON" -c '
import signal, socket
s = socket.socket()
s.bind(("127.0.0.1", 8080))
s.listen(100)
signal.pause()'
	server=$background_pid
	wait_for_port "$ns" 8080
	p=$(make_profile listen <<<$'[listen]\ntcp:8080 = >= 4000')
	runup --netns "$ns" apply "$p" --for 3s
	assert_exit 0
	[[ $(netns_exec "$ns" ss -Hltn | awk '{ print $3 }') == 4000 ]]
	assert_guardian "$(guardian)" 80004 # CAP_SYS_PTRACE, 19, and CAP_DAC_READ_SEARCH, 2
	wait_until 10 ended "$(guardian)"
	[[ $(netns_exec "$ns" ss -Hltn | awk '{ print $3 }') == 100 ]]
	[[ $(process_state "$server") == S ]]

	cp "$(command -v sleep)" "$BATS_TEST_TMPDIR/guarded-sleep"
	start_background guarded ip netns exec "$ns" prlimit --nofile=100:4096 "$BATS_TEST_TMPDIR/guarded-sleep" 300
	sleeper=$background_pid
	wait_until 5 grep -q guarded-sleep "/proc/$sleeper/comm"
	p=$(make_profile limit <<<$'[rlimit process:guarded-sleep]\nnofile = >= 2000')
	runup --netns "$ns" apply "$p" --for 2s
	assert_exit 0
	grep -qE '^Max open files +2000 +4096 ' "/proc/$sleeper/limits"
	grep -qE '^CapEff:[[:space:]]0*(1000000|0)$' "/proc/$(guardian)/status" # CAP_SYS_RESOURCE, 24
	wait_until 10 ended "$(guardian)"
	grep -qE '^Max open files +100 +4096 ' "/proc/$sleeper/limits"
}

@test "the state folder beneath one that only another user may enter, and by a relative path" {
	folder=$(mktemp -d "${TMPDIR:-/tmp}/runup-guardian.XXXXXX")
	mkdir "$folder/private"
	chown 65534:65534 "$folder/private"
	chmod 0700 "$folder/private"
	cd "$folder/private"
	RUNUP_STATE_DIR=state
	state=$folder/private/state
	start_run sleep sleep 60
	kill -KILL "$runner"
	wait_until 10 as_before
	cd /
	wait_until 5 ended "$guard"
	rm -rf "$folder"
}

@test "another runup holds the lock: the guardian waits for it, and looks whether there is need to" {
	start_run sleep sleep 60
	start_python lock "$state/lock" "$BATS_TEST_TMPDIR/locked" <<-'PY'
		import fcntl, sys, time
		f = open(sys.argv[1], "r+")
		fcntl.lockf(f, fcntl.LOCK_EX)
		open(sys.argv[2], "w").close()
		time.sleep(60)
	PY
	holder=$background_pid
	wait_until 5 test -e "$BATS_TEST_TMPDIR/locked"
	kill -KILL "$runner"
	sleep 3 # longer than it waits at a time
	tuned
	assert_tenure state restoring
	assert_exit 1
	kill -KILL "$holder"
	wait_until 10 as_before
	wait_until 5 ended "$guard"
}

@test "apply --for: rolled back by itself, and no sooner" {
	since=$EPOCHREALTIME
	runup --netns "$ns" apply "$profile" --for 5s -o json
	assert_exit 0
	assert_json apply
	assert_json_is 'd["for"]["duration_s"]' 5.0
	assert_json_is 'd["for"]["timer"]' null
	guard=$(guardian)
	assert_tenure state waiting
	assert_exit 0
	assert_json_is '0 < d["changesets"][-1]["tenure"]["left_s"] <= 5' true
	assert_json_is "d['changesets'][-1]['tenure']['guardian']" "$guard"
	runup status
	assert_out '^will be rolled back by itself in [0-9a-z]+ \(.*Z\),$'
	assert_out '^unless confirmed: runup confirm '
	wait_until 10 as_before
	took=$(((${EPOCHREALTIME/./} - ${since/./}) / 1000))
	echo "# put back $took ms after an apply --for 5s" >&3
	[[ $took -ge 5000 ]]
	wait_until 5 ended "$guard"
	runup status
	assert_exit 0
	assert_out 'nothing is applied'
}

@test "apply --for: killed at any write, put back at once without a further command" {
	need_command strace
	local environment n
	mapfile -t environment < <(runup_environment)
	for n in 1 2 3 4 5 6 7 8 9; do
		# Without -f the guardian is not traced.
		env -i "${environment[@]}" strace -qq -o /dev/null -e trace=write \
			-e inject=write:signal=KILL:when="$n" \
			"$RUNUP" --netns "$ns" apply "$profile" --for 30m >/dev/null 2>&1 3>&- || true
		wait_until 10 as_before
	done
	[[ $(find "$state/changesets" -name '*.journal' | wc -l) -gt 3 ]]
	wait_until 5 no_guardian
	runup status
	assert_exit 0
}

no_guardian() {
	local file
	for file in "$state"/changesets/*.journal; do
		# Cut off before its first line was whole, it names none.
		[[ -z $(guardian_in "$file") ]] || ended "$(guardian_in "$file" | cut -d' ' -f1)" || return 1
	done
}

# An apply that is held up: all is written, and it is about to record that. Its writes are the journal's
# plan, and then one to a setting and one to the journal in turn.
start_held_apply() { # OPTIONS…
	local environment
	mapfile -t environment < <(runup_environment)
	start_background apply env -i "${environment[@]}" setsid strace -qq -o /dev/null -e trace=write \
		-e inject=write:delay_enter=20000000:when=8 \
		"$RUNUP" --netns "$ns" apply "$profile" "$@"
	group=$background_pid
	wait_until 10 tuned
	wait_until 10 pgrep -g "$group" -x runup
	runner=$(pgrep -g "$group" -x runup)
	guard=$(guardian)
}

@test "apply --for: its process group killed while it writes: put back at once" {
	need_command strace
	start_held_apply --for 30m
	assert_tenure state working
	assert_exit 0
	kill_and_measure "the process group of an apply" "-$group"
	wait_until 5 ended "$guard"
}

@test "apply: status tells one under way from one that was killed" {
	need_command strace
	start_held_apply
	assert_tenure state working
	assert_exit 0
	runup status
	assert_out "an apply is under way \\(pid $runner\\)"
	kill -KILL -- "-$group"
	wait_until 5 ended "$runner"
	runup status
	assert_exit 1
	assert_out 'an apply was interrupted'
	runup rollback
	assert_exit 0
	as_before
}

@test "apply --for: the guardian and runup killed while it writes: status says so, rollback ends it" {
	need_command strace
	start_held_apply --for 30m
	kill -KILL "$guard"
	kill -KILL -- "-$group"
	wait_until 5 ended "$runner"
	tuned
	runup status
	assert_exit 1
	assert_out 'an apply was interrupted'
	runup confirm
	assert_exit 3
	assert_one_error 'interrupted'
	runup rollback
	assert_exit 0
	as_before
}

@test "apply --for: the terminal closed: the guardian stays for its time" {
	start_python terminal ip netns exec "$ns" "$RUNUP" apply "$profile" --for 4s <<-'PY'
		import os, pty, sys
		pid, master = pty.fork()
		if pid == 0:
		    os.execvp(sys.argv[1], sys.argv[1:])
		try:
		    while os.read(master, 4096):
		        pass
		except OSError:
		    pass
		os.waitpid(pid, 0)
		os.close(master)
	PY
	wait "$background_pid"
	tuned
	[[ $(process_state "$(guardian)") == S ]]
	wait_until 10 as_before
}

@test "apply --for: the guardian killed: status says so, the next runup after its time ends it" {
	runup --netns "$ns" apply "$profile" --for 5s
	over=$((${EPOCHREALTIME/./} + 5000000))
	kill -KILL "$(guardian)"
	wait_until 5 ended "$(guardian)"
	runup status
	assert_exit 1
	assert_out 'its guardian is gone'
	assert_tenure state unwatched
	wait_for_time "$over"
	runup status
	assert_exit 1
	assert_out 'past its time'
	assert_tenure state over
	tuned # status only says so
	# A profile that all of this would satisfy.
	runup --netns "$ns" apply "$profile" --dry-run
	tuned
	runup --netns "$ns" apply "$profile"
	assert_exit 0
	assert_err 'was past its time .*: rolled back'
	assert_out '3 settings written'
	runup rollback
	assert_exit 0
	as_before
}

@test "a --for past its time is ended by rollback, rollback --expired, confirm and run --apply" {
	other=$(make_profile other <<<$'[load]\ntarget = 127.0.0.1:9\n[sysctl]\nnet.ipv4.tcp_tw_reuse = 1')
	for command in "rollback" "rollback --expired" "rollback --all" "confirm" "run"; do
		runup --netns "$ns" apply "$profile" --for 1s
		assert_exit 0
		kill -KILL "$(guardian)"
		sleep 1.1
		tuned
		case $command in
		run)
			runup --netns "$ns" run --skip all -p "$other" --apply --report "$BATS_TEST_TMPDIR/report" -- \
				ip netns exec "$ns" sysctl -n net.ipv4.tcp_fin_timeout
			[[ $output != 42 ]]
			;;
		confirm)
			runup confirm
			assert_exit 3
			assert_err 'too late, its time was over'
			;;
		*)
			# shellcheck disable=SC2086 # words
			runup $command
			assert_exit 0
			assert_out '^restored'
			;;
		esac
		as_before
	done
	runup rollback --expired
	assert_exit 0
	assert_out 'nothing to roll back'
	runup rollback --expired --all
	assert_exit 2
}

@test "rollback --profile: of that profile alone, all of it, and nothing of a run in progress" {
	other=$(make_profile other <<<$'[sysctl]\nnet.ipv4.tcp_tw_reuse = 1')
	more=$(make_profile more <<<$'[sysctl]\nnet.ipv4.tcp_max_syn_backlog = 777')
	runup --netns "$ns" apply "$profile"
	runup --netns "$ns" apply "$other"
	echo 'net.ipv4.tcp_max_syn_backlog = 999' >>"$profile"
	runup --netns "$ns" apply "$profile"
	runup --netns "$ns" rollback --profile "$profile" -o json
	assert_exit 0
	assert_json_is 'len(d["changesets"])' 2
	[[ $(netns_exec "$ns" sysctl -n net.ipv4.tcp_tw_reuse) == 1 ]]
	runup rollback -p "$profile"
	assert_exit 0
	assert_out "no open changeset of profile '.*': nothing to roll back"
	runup rollback --profile "$other" --all
	assert_exit 2
	runup rollback --profile "$other"
	assert_exit 0
	as_before

	env -i PATH="$PATH" RUNUP_STATE_DIR="$state" "$RUNUP" --netns "$ns" run --skip all -p "$more" --apply \
		--report "$BATS_TEST_TMPDIR/report" -- sleep 3 >/dev/null 2>&1 3>&- &
	wait_until 5 eval '[[ $(netns_exec "$ns" sysctl -n net.ipv4.tcp_max_syn_backlog) == 777 ]]'
	runup rollback --profile "$more"
	assert_exit 0
	[[ $(netns_exec "$ns" sysctl -n net.ipv4.tcp_max_syn_backlog) == 777 ]]
	wait
	as_before
}

@test "rollback --unfinished: what was killed, and not what is applied to stay" {
	other=$(make_profile other <<<$'[sysctl]\nnet.ipv4.tcp_tw_reuse = 1')
	runup --netns "$ns" apply "$other"
	# All is written by then, and `applied` is not in the journal.
	mapfile -t environment < <(runup_environment)
	status=0
	env -i "${environment[@]}" strace -f -o /dev/null -e trace=write -e inject=write:signal=KILL:when=7 \
		"$RUNUP" --netns "$ns" apply "$profile" >/dev/null 2>&1 3>&- || status=$?
	[[ $status -eq 137 ]]
	runup status
	assert_exit 1
	runup rollback --unfinished
	assert_exit 0
	refute_out 'other\.ini'
	[[ $(netns_exec "$ns" sysctl -n net.ipv4.tcp_tw_reuse) == 1 ]]
	runup status
	assert_exit 0
	runup rollback --unfinished
	assert_exit 0
	assert_out 'nothing is unfinished: nothing to roll back'
	runup rollback
	as_before
}

@test "rollback --expired leaves what has time left, and what has none" {
	runup --netns "$ns" apply "$profile" --for 10m
	other=$(make_profile other <<<$'[sysctl]\nnet.ipv4.tcp_tw_reuse = 1')
	runup --netns "$ns" apply "$other"
	runup rollback --expired
	assert_exit 0
	tuned
	[[ $(netns_exec "$ns" sysctl -n net.ipv4.tcp_tw_reuse) == 1 ]]
	[[ $(process_state "$(guardian_in "$(find "$state/changesets" -name '*-0001.journal')" | cut -d' ' -f1)") == S ]]
	guard=$(guardian_in "$(find "$state/changesets" -name '*-0001.journal')" | cut -d' ' -f1)
	runup rollback --all
	assert_exit 0
	as_before
	# It is not left waiting for ten minutes.
	wait_until 5 ended "$guard"
}

@test "confirm keeps it; again; without one; too late; not a --for" {
	runup confirm
	assert_exit 0
	assert_out 'nothing to confirm'
	[[ ! -e $state ]]
	runup --netns "$ns" apply "$profile" --for 5s -o json
	over=$((${EPOCHREALTIME/./} + 5000000))
	id=$(json_get 'd["changeset"]')
	guard=$(guardian)
	runup confirm
	assert_exit 0
	assert_out "changeset $id is confirmed"
	wait_until 5 ended "$guard"
	grep -q '"type":"confirmed"' "$(journal)"
	wait_for_time "$over"
	tuned
	runup status
	assert_exit 0
	assert_out '^confirmed: '
	assert_tenure confirmed true
	runup confirm "$id"
	assert_exit 0
	assert_out 'confirmed before'
	runup rollback
	assert_exit 0
	as_before
	runup confirm "$id"
	assert_exit 3
	assert_one_error 'too late'

	runup --netns "$ns" apply "$profile" -o json
	id=$(json_get 'd["changeset"]')
	runup confirm "$id"
	assert_exit 2
	assert_one_error 'not applied with --for'
	runup confirm 20200101-000000-0001
	assert_exit 2
	runup confirm ../x
	assert_exit 2
	runup rollback
	assert_exit 0
}

@test "confirm is synced to the disk" {
	need_command strace
	runup --netns "$ns" apply "$profile" --for 10m
	run_command strace -qq -f -s 200 -o "$BATS_TEST_TMPDIR/trace" -e trace=fsync,write "$RUNUP" confirm
	assert_exit 0
	grep -A1 'type\\":\\"confirmed' "$BATS_TEST_TMPDIR/trace" | grep -q 'fsync(.*= 0'
}

@test "confirm at the last moment: kept or rolled back, and it says which" {
	local kept=0 late=0 i
	for i in 1 2 3 4 5 6 7 8 9 10 11 12; do
		since=$EPOCHREALTIME
		runup --netns "$ns" apply "$profile" --for 800ms
		assert_exit 0
		guard=$(guardian)
		# Around the deadline, from a little before to a little behind.
		wait_for_time $((${since/./} + 680000 + i * 15000))
		runup confirm
		if [[ $status -eq 0 ]]; then
			kept=$((kept + 1))
			wait_until 5 ended "$guard"
			wait_for_time $((${since/./} + 1200000))
			tuned
			assert_tenure state plain
			runup rollback
			assert_exit 0
		else
			assert_exit 3
			late=$((late + 1))
		fi
		wait_until 10 as_before
	done
	echo "# confirmed in time: $kept, too late: $late" >&3
	[[ $((kept + late)) -eq 12 ]]
	runup status
	assert_exit 0
}

@test "rollback and the guardian at the same moment: once is enough" {
	local i
	for i in 1 2 3 4 5 6; do
		runup --netns "$ns" apply "$profile" --for 300ms
		assert_exit 0
		sleep "0.$((26 + i))"
		runup rollback
		assert_exit 0
		as_before
		[[ $(grep -c '"type":"closed"' "$(journal)") -eq 1 ]]
	done
	start_run sleep sleep 60
	kill -KILL "$runner"
	runup rollback
	assert_exit 0
	as_before
	[[ $(grep -c '"type":"closed"' "$(journal)") -eq 1 ]]
}

@test "what somebody else changed is left by the guardian, too" {
	runup --netns "$ns" apply "$profile" --for 700ms
	netns_exec "$ns" sysctl -qw net.core.somaxconn=5000
	guard=$(guardian)
	wait_until 10 ended "$guard"
	[[ $(netns_exec "$ns" sysctl -n net.ipv4.tcp_fin_timeout) != 42 ]]
	[[ $(netns_exec "$ns" sysctl -n net.core.somaxconn) == 5000 ]]
	grep -q '"result":"drifted"' "$(journal)"
	runup status
	assert_exit 0
}

@test "an apply on top of a --for or a run says what it does not hold" {
	runup --netns "$ns" apply "$profile" --for 60s
	assert_exit 0
	runup --netns "$ns" apply "$profile"
	assert_exit 0
	assert_out 'nothing to write'
	assert_err 'satisfied by changeset [0-9-]+ only until 20.*Z, and not held by this apply \(runup confirm [0-9-]+ keeps it\)'
	runup --netns "$ns" apply "$profile" --for 1h -o json
	assert_exit 0
	assert_err 'satisfied by changeset'
	runup confirm
	assert_exit 0
	runup --netns "$ns" apply "$profile"
	assert_exit 0
	[[ -z $stderr ]]
	runup rollback
	start_run sleep sleep 60
	runup --netns "$ns" apply "$profile"
	assert_exit 0
	assert_err 'only until its run is over'
}

@test "--for: bad durations are refused, a dry run and a satisfied host start nothing" {
	for duration in 0s 0 30 -1s x 10y '' 8761h; do
		runup --netns "$ns" apply "$profile" --for "$duration"
		assert_exit 2
		assert_one_error
		as_before
	done
	runup --netns "$ns" apply "$profile" --for 30m --dry-run -o json
	assert_exit 0
	assert_json_is 'd["for"]["until"]' null
	[[ ! -e $state ]]
	runup --netns "$ns" apply "$profile" --for 30m --dry-run
	assert_out 'would be rolled back by themselves after 30m'
	runup --netns "$ns" apply "$profile"
	runup --netns "$ns" apply "$profile" --for 30m
	assert_exit 0
	assert_out 'nothing to write'
	[[ -z $(guardian) ]]
}

@test "--keep-going: what fails is named, the rest stays, and rollback undoes it" {
	p=$(make_profile p <<-'INI'
		[sysctl]
		net.core.somaxconn = >= 9000
		net.ipv4.ip_local_port_range = covers 80 65535
		net.ipv4.tcp_tw_reuse = 1
	INI
	)
	runup --netns "$ns" apply "$p" --keep-going -o json
	assert_exit 1
	assert_json apply
	assert_json_is 'd["error"]' null
	assert_json_is '[c["result"] for c in d["changes"]]' '["written", "failed", "written"]'
	assert_json_is '"ip_local_port_range" in one(d["changes"], result="failed")["why"]' true
	[[ $(netns_exec "$ns" sysctl -n net.core.somaxconn) == 9000 ]]
	runup status
	assert_exit 0
	runup rollback -o json
	assert_exit 0
	assert_json_is 'd["changesets"][0]["state"]' closed
	as_before

	runup -q --netns "$ns" apply "$p" --keep-going
	assert_exit 1
	assert_out '^failed +net.ipv4.ip_local_port_range'
	assert_out '^1 setting could not be written'
	assert_out '^2 settings written as changeset'
	runup rollback
	assert_exit 0
	as_before

	# Together with --for.
	runup --netns "$ns" apply "$p" --keep-going --for 500ms
	assert_exit 1
	wait_until 10 as_before
	# Without it: all or nothing.
	runup --netns "$ns" apply "$p" --for 30m
	assert_exit 3
	as_before
	gone "$(guardian)"
}

@test "--keep-going: not without a journal" {
	need_command strace
	local environment
	mapfile -t environment < <(runup_environment)
	# One of these is the record of a change, and the disk is full.
	for n in 3 4 5 6; do
		status=0
		env -i "${environment[@]}" strace -qq -s 200 -o "$BATS_TEST_TMPDIR/trace" -e trace=write \
			-e inject=write:error=ENOSPC:when="$n" \
			"$RUNUP" --netns "$ns" apply "$profile" --keep-going \
			>"$BATS_TEST_TMPDIR/stdout" 2>"$BATS_TEST_TMPDIR/stderr" || status=$?
		if grep -q 'done.*ENOSPC' "$BATS_TEST_TMPDIR/trace"; then
			assert_exit 3
			seen=1
		fi
		runup rollback --all
		as_before
	done
	[[ -n ${seen-} ]]
}
