#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# The first boot of systemd.sh: the units, apply --for by systemd's timer, and limits of units.

load ../lib/runup
load systemd

setup_file() {
	mkdir -p /etc/runup
	make_service
	original >/etc/runup/original
	{ systemd-analyze blame; systemctl --failed; } >/out/boot 2>&1 || true
}

teardown() {
	# What a test that failed has left would be told as the next one's failure.
	if [[ -z ${BATS_TEST_COMPLETED-} ]]; then
		journalctl -b --no-pager -n 30 -u 'runup*' || true
		systemctl stop 'runup-apply@*' || true
		"$RUNUP" rollback --all --force || true
		start_service
	fi
	systemctl reset-failed 'runup*' 2>/dev/null || true
}

@test "the units are valid, and each one's exposure is under 3" {
	local unit score
	for unit in runup-apply@load-test.service runup-rollback.service runup-rollback.timer; do
		run systemd-analyze verify --man=no "$unit"
		[[ $status -eq 0 && -z $output ]]
	done
	for unit in runup-apply@load-test.service runup-rollback.service; do
		systemd-analyze security --no-pager "$unit" >"/out/security-$unit"
		score=$(sed -nE 's/^.*exposure level for [^ ]+: ([0-9.]+) .*/\1/p' "/out/security-$unit")
		printf '# %s: exposure %s\n' "$unit" "$score" >&3
		[[ ${score%.*} -lt 3 ]]
	done
}

@test "runup-apply@PROFILE: in force after start, back after stop, restarted" {
	systemctl start runup-apply@load-test
	in_force
	[[ $(systemctl is-active runup-apply@load-test) == active ]]
	runup status
	assert_exit 0
	[[ $(stat -c '%a %U' /var/lib/runup) == '700 root' ]]
	[[ $(stat -c %a "$drop_in") == 644 ]]
	systemctl restart runup-apply@load-test
	in_force
	start_service
	is limit_of_process 2000:4000
	systemctl stop runup-apply@load-test
	[[ $(systemctl is-failed runup-apply@load-test) == inactive ]]
	# The process that was started with the drop-in is not the one whose limit was raised.
	start_service
	all_back
}

@test "runup-apply@PROFILE: stopped, it leaves what other profiles and runs hold" {
	runup apply backlog
	assert_exit 0
	systemctl start runup-apply@load-test
	is 'sysctl -n net.core.netdev_max_backlog' 8888
	is 'sysctl -n net.core.somaxconn' 50000
	systemctl stop runup-apply@load-test
	is 'sysctl -n net.core.netdev_max_backlog' 8888
	is 'sysctl -n net.core.somaxconn' 4096
	runup rollback -p load-test
	assert_exit 0
	assert_out "no open changeset of profile 'load-test'"
	runup rollback -p backlog -o json
	assert_exit 0
	assert_json rollback
	all_back
}

@test "runup-apply@PROFILE: the name is the profile's as it is" {
	run systemctl start 'runup-apply@load\x2dtest'
	[[ $status -ne 0 ]]
	journalctl -b --no-pager -u 'runup-apply@*' | grep -F 'is not the name of a profile'
	run systemctl start runup-apply@load-tset
	[[ $status -ne 0 ]]
	journalctl -b --no-pager -u 'runup-apply@load-tset' | grep -F "no profile 'load-tset': did you mean load-test?"
	all_back
}

@test "runup-apply@PROFILE: killed in the middle of an apply, all is put back; then it starts again" {
	systemctl start --no-block runup-apply@load-test
	# It is written before systemd is told of it, which takes a while.
	wait_until 'the drop-in' test -e "$drop_in"
	systemctl kill --kill-whom=main -s KILL runup-apply@load-test
	wait_until 'the end' eval '[[ $(systemctl is-active runup-apply@load-test) == failed ]]'
	[[ $(systemctl show -p ExecMainStatus --value runup-apply@load-test) == 9 ]]
	all_back
	systemctl start runup-apply@load-test
	in_force
	systemctl stop runup-apply@load-test
	all_back
}

@test "runup-rollback: what a kill left is put back, what is applied stays" {
	runup apply backlog
	assert_exit 0
	env -i PATH=/usr/bin "$RUNUP" apply load-test >/dev/null 2>&1 3>&- &
	local pid=$!
	wait_until 'the drop-in' test -e "$drop_in"
	kill -KILL $pid
	wait $pid || true
	runup status
	assert_exit 1
	is 'sysctl -n net.core.somaxconn' 50000
	systemctl start runup-rollback.service
	is 'sysctl -n net.core.somaxconn' 4096
	is 'sysctl -n net.core.netdev_max_backlog' 8888
	[[ ! -e $drop_in ]]
	runup status
	assert_exit 0
	systemctl start runup-rollback.service
	journalctl -b --no-pager -u runup-rollback | grep -F 'nothing is unfinished: nothing to roll back'
	runup rollback
	all_back
}

@test "runup-rollback: the timer starts it again and again" {
	mkdir -p /run/systemd/system/runup-rollback.timer.d
	printf '%s\n' '[Timer]' OnCalendar= 'OnCalendar=*:*:0/2' AccuracySec=1ms \
		>/run/systemd/system/runup-rollback.timer.d/fast.conf
	systemctl daemon-reload
	systemctl start runup-rollback.timer
	looks() { journalctl -b --no-pager -o cat -u runup-rollback | grep -c 'nothing is unfinished' || true; }
	local before
	before=$(looks)
	wait_until 'two looks' eval '[[ $(looks) -ge before+2 ]]'
	systemctl stop runup-rollback.timer
	rm -r /run/systemd/system/runup-rollback.timer.d
	systemctl daemon-reload
}

@test "apply --for: systemd's timer rolls it back" {
	runup apply load-test --for 20s -o json
	assert_exit 0
	local timer
	timer=$(json_get 'd["for"]["timer"]')
	in_force
	[[ $(systemctl is-active "$timer.timer") == active ]]
	[[ -z $(pgrep -x runup-guardian) ]]
	runup status -o json
	assert_exit 0
	wait_until 'the time' eval '[[ $(sysctl -n net.core.somaxconn) == 4096 ]]'
	wait_until 'the end' eval '[[ $(systemctl is-active "$timer.service") == inactive ]]'
	all_back
	# Transient: nothing of it stays.
	[[ $(systemctl show -p LoadState --value "$timer.timer") == not-found ]]
	[[ $(systemctl show -p LoadState --value "$timer.service") == not-found ]]
}

@test "apply --for: confirm and rollback end the timer" {
	local timer word
	for word in confirm rollback; do
		runup apply load-test --for 1h -o json
		assert_exit 0
		timer=$(json_get 'd["for"]["timer"]')
		[[ $(systemctl is-active "$timer.timer") == active ]]
		runup "$word"
		assert_exit 0
		[[ $(systemctl is-active "$timer.timer") == inactive ]]
		[[ $word != confirm ]] || in_force
		runup rollback
		assert_exit 0
		all_back
	done
}

@test "apply --for: a guardian waits where systemd-run refuses or is not there" {
	local how
	for how in refuses missing; do
		if [[ $how == refuses ]]; then
			mount --bind /bin/false /usr/bin/systemd-run
		else
			mv /usr/bin/systemd-run /usr/bin/systemd-run.away
		fi
		runup apply load-test --for 20s -o json
		if [[ $how == refuses ]]; then
			umount /usr/bin/systemd-run
		else
			mv /usr/bin/systemd-run.away /usr/bin/systemd-run
		fi
		assert_exit 0
		assert_json_is 'd["for"]["timer"]' null
		in_force
		[[ -n $(pgrep -x runup-guardian) ]]
		wait_until 'the time' eval '[[ $(sysctl -n net.core.somaxconn) == 4096 ]]'
		wait_until 'the guardian' eval '[[ -z $(pgrep -x runup-guardian) ]]'
		all_back
	done
}
