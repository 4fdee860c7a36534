#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# A hostile place to run in: environment, umask, descriptors, limits, and what lies in the state
# folder. Each is refused or harmless, and never is a value lost.

load ../lib/runup
load ../lib/netns

setup() {
	need_root
	need_command ip
	ns=$(netns_make)
	netns_exec "$ns" sysctl -qw net.core.somaxconn=128 net.ipv4.tcp_tw_reuse=2
	state=$BATS_TEST_TMPDIR/state
	profile=$(make_profile p <<<$'[sysctl]\nnet.core.somaxconn = 5000\nnet.ipv4.tcp_tw_reuse = 1')
}

values() {
	netns_exec "$ns" sysctl -n net.core.somaxconn net.ipv4.tcp_tw_reuse | xargs
}

start='128 2' applied='5000 1'

# Applied and rolled back, whatever surrounds it: WRAPPER… is put in front of runup.
survives() { # WRAPPER…
	run_command "$@" "$RUNUP" --netns "$ns" apply "$profile"
	assert_exit 0
	[[ $(values) == "$applied" ]]
	journal=$(echo "$state"/changesets/*.journal)
	[[ $(stat -c '%a %u' "$journal" "$state/changesets" "$state" "$state/lock" | xargs) == '600 0 700 0 700 0 600 0' ]]
	# Nothing but records: no descriptor of the output became the journal's.
	run_command grep -vE '^[0-9]{8} [0-9a-f]{8} \{.*\}$' "$journal"
	assert_exit 1
	run_command "$@" "$RUNUP" rollback
	assert_exit 0
	[[ $(values) == "$start" ]]
	rm -rf "$state"
}

@test "any umask" {
	for mask in 000 777 0277; do
		survives bash -c 'umask "$1"; shift; exec "$@"' - "$mask"
	done
}

@test "standard descriptors that are closed" {
	for close in '<&-' '>&-' '2>&-' '<&- >&-' '>&- 2>&-' '<&- >&- 2>&-'; do
		survives bash -c "exec \"\$@\" $close" -
	done
}

@test "an environment full of lies" {
	garbage=$(head -c 3000 /dev/urandom | tr -d '\0\n')
	survives env LD_PRELOAD=/nowhere/evil.so LD_LIBRARY_PATH=/nowhere LD_AUDIT=/nowhere/audit.so LD_DEBUG= \
		PATH=/nowhere HOME=/nowhere TMPDIR=/nowhere LANG="$garbage" LC_ALL="$garbage" LANGUAGE="$garbage" \
		TZ="$garbage" TERM="$garbage" XDG_STATE_HOME=/nowhere SUDO_USER="$garbage" RUNUP_UNKNOWN="$garbage" \
		NO_COLOR="$garbage" MALLOC_PERTURB_=165 MALLOC_CHECK_=3 RES_OPTIONS="$garbage" IFS=x
	survives env -i "RUNUP_STATE_DIR=$state"
	for uid in -1 0x0 99999999999 "$garbage" ''; do
		run_command env SUDO_UID="$uid" "$RUNUP" --netns "$ns" apply "$profile"
		[[ $status -eq 0 || $status -eq 2 || $status -eq 3 ]] || show "SUDO_UID='$uid'"
		runup rollback --all
		assert_exit 0
		[[ $(values) == "$start" ]]
	done
}

@test "a state folder that is not one" {
	mkdir "$BATS_TEST_TMPDIR/real"
	ln -s "$BATS_TEST_TMPDIR/real" "$BATS_TEST_TMPDIR/link"
	mkfifo "$BATS_TEST_TMPDIR/fifo"
	: >"$BATS_TEST_TMPDIR/file"
	mkdir -m 0777 "$BATS_TEST_TMPDIR/open"
	install -d -o 65534 -m 0700 "$BATS_TEST_TMPDIR/theirs"
	long=/$(printf 'x%.0s' {1..5000})
	for bad in "$BATS_TEST_TMPDIR"/{link,fifo,file,open,theirs,none/none} /dev/null /proc/self "$long"; do
		for command in "apply $profile" rollback; do
			# shellcheck disable=SC2086 # two words
			run_command env RUNUP_STATE_DIR="$bad" "$RUNUP" --netns "$ns" $command
			if [[ $command == rollback && $bad == */none/none ]]; then
				assert_exit 0
				continue
			fi
			[[ $status -eq 3 || $status -eq 2 ]] || show "not refused: $bad"
			assert_one_error
		done
	done
	[[ $(values) == "$start" && -z $(ls -A "$BATS_TEST_TMPDIR/real") && -z $(ls -A "$BATS_TEST_TMPDIR/open") ]]
}

# Makes FILE what NAME says.
make_thing() { # NAME FILE
	case $1 in
	link) ln -s "$BATS_TEST_TMPDIR/victim" "$2" ;;
	dangling) ln -s "$BATS_TEST_TMPDIR/made" "$2" ;;
	fifo) mkfifo "$2" ;;
	device) mknod "$2" c 1 5 ;; # /dev/zero
	socket) "$PYTHON" -c 'import socket, sys; socket.socket(socket.AF_UNIX).bind(sys.argv[1])' "$2" ;;
	folder) mkdir "$2" ;;
	owner) install -o 65534 -m 0600 /dev/null "$2" ;;
	esac
}

@test "a lock or a folder of changesets that is something else" {
	echo precious >"$BATS_TEST_TMPDIR/victim"
	for thing in link dangling fifo device socket folder owner; do
		for place in lock changesets; do
			[[ $thing != folder || $place != changesets ]] || continue
			mkdir -m 0700 "$state"
			make_thing "$thing" "$state/$place"
			RUNUP_TIMEOUT=10 runup --netns "$ns" apply "$profile"
			assert_exit 3
			assert_one_error
			[[ $(values) == "$start" ]]
			rm -rf "$state"
		done
	done
	[[ $(<"$BATS_TEST_TMPDIR/victim") == precious && ! -e $BATS_TEST_TMPDIR/made ]]
}

@test "a lock that others could open, and hold, is closed to them" {
	mkdir -m 0755 "$state"
	: >"$state/lock"
	chmod 0666 "$state/lock"
	runup --netns "$ns" apply "$profile"
	assert_exit 0
	[[ $(stat -c %a "$state/lock") == 600 ]]
}

@test "a journal that is something else: named, and the others are still rolled back" {
	echo precious >"$BATS_TEST_TMPDIR/victim"
	for thing in link dangling fifo device socket folder owner; do
		runup --netns "$ns" apply "$profile" -o json
		id=$(json_get 'd["changeset"]')
		make_thing "$thing" "$state/changesets/20990101-000000-9000.journal"
		RUNUP_TIMEOUT=10 runup rollback 20990101-000000-9000
		[[ $status -eq 3 || $status -eq 2 ]] || show "$thing: not refused"
		assert_one_error
		[[ $(values) == "$applied" ]]
		RUNUP_TIMEOUT=10 runup rollback
		assert_exit 3
		assert_out 'changeset 20990101-000000-9000: .*left alone'
		assert_out "changeset $id"
		[[ $(values) == "$start" ]]
		rm -rf "$state"
	done
	[[ $(<"$BATS_TEST_TMPDIR/victim") == precious && ! -e $BATS_TEST_TMPDIR/made ]]
}

@test "a journal under a second name writes nothing, nor is another file cut" {
	runup --netns "$ns" apply "$profile" -o json
	id=$(json_get 'd["changeset"]')
	ln "$state/changesets/$id.journal" "$state/changesets/20990101-000000-9000.journal"
	runup rollback 20990101-000000-9000
	assert_exit 3
	assert_one_error 'line 1 of its journal is not believed'
	[[ $(values) == "$applied" ]]
	runup rollback "$id"
	assert_exit 0
	[[ $(values) == "$start" ]]
	printf 'no journal at all, and no end of line' >"$BATS_TEST_TMPDIR/other"
	ln "$BATS_TEST_TMPDIR/other" "$state/changesets/20990101-000001-9001.journal"
	chmod 0600 "$BATS_TEST_TMPDIR/other"
	runup rollback --all
	grep -qx 'no journal at all, and no end of line' "$BATS_TEST_TMPDIR/other"
}

@test "a reader that has gone away: what was asked for is done, and can be undone" {
	run_command bash -c 'trap "" PIPE; "$@" > >(exec true)' - "$RUNUP" --netns "$ns" apply "$profile"
	run_command bash -c '{ sleep 0.2; "$@"; } | true' - "$RUNUP" --netns "$ns" rollback --all
	runup rollback --all
	assert_exit 0
	[[ $(values) == "$start" ]]
	run_command bash -c 'exec "$@" >/dev/full' - "$RUNUP" --netns "$ns" apply "$profile"
	assert_exit 3
	assert_one_error 'standard output.*No space left'
	[[ $(values) == "$applied" ]]
	runup rollback
	assert_exit 0
	[[ $(values) == "$start" ]]
}

@test "any limit of descriptors and of file size: all of it is done, or nothing" {
	for limit in 'n 3' 'n 4' 'n 5' 'n 6' 'n 7' 'n 8' 'n 9' 'n 10' 'n 12' 'f 0' 'f 1'; do
		for command in "--netns $ns apply $profile" rollback; do
			# shellcheck disable=SC2086 # several words
			run_command bash -c "ulimit -S$limit; exec \"\$@\"" - "$RUNUP" $command
			if [[ $status -eq 0 && $command == rollback ]]; then
				[[ $(values) == "$start" ]] || show "ulimit -$limit"
			elif [[ $status -eq 0 ]]; then
				[[ $(values) == "$applied" ]] || show "ulimit -$limit"
			else
				[[ $status -eq 3 || $status -eq 2 || $status -eq 127 ]] || show "ulimit -$limit"
				[[ $command == rollback || $(values) == "$start" ]] || show "ulimit -$limit"
			fi
		done
		runup rollback --all
		assert_exit 0
		[[ $(values) == "$start" ]]
		# And a rollback alone, of what was applied without.
		runup --netns "$ns" apply "$profile"
		run_command bash -c "ulimit -S$limit; exec \"\$@\"" - "$RUNUP" rollback
		[[ $status -ne 0 || $(values) == "$start" ]] || show "ulimit -$limit"
		runup rollback --all
		assert_exit 0
		[[ $(values) == "$start" ]] || show "ulimit -$limit"
	done
}
