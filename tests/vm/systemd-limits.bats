#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# In the first boot of systemd.sh: limits of units. What runup reads from a unit's files is compared
# with systemd's own answer; what it writes has to survive kills.

load ../lib/runup
load systemd

setup() {
	layouts=0
}

# What a test that failed has left would be told as the next one's failure.
teardown() {
	[[ -z ${BATS_TEST_COMPLETED-} ]] || return 0
	"$RUNUP" rollback --all --force || true
	rm -rf "$units"/{rltest.service.d,service.d,rl-*,rlt@*} /run/systemd/system/rltest.service* \
		/etc/systemd/system.control /etc/systemd/system.conf.d
	sed -i 's/1000:3999/1000:4000/' "$units/rltest.service"
	systemctl daemon-reload
	start_service
}

put() { # FILE LINES…: a file of systemd's, its section first unless the lines say one
	mkdir -p "${1%/*}"
	{ [[ ${2-} == '['* ]] || echo '[Service]'; printf '%s\n' "${@:2}"; } >"$1"
}

# What `check` says is configured; systemd's default where it says that no file sets it.
configured() { # UNIT: prints SOFT:HARD
	local observed
	runup check --unit "$1" --only limits.nofile -o json
	observed=$(json_get 'one(d["findings"], id="limits.nofile")["observed"]')
	observed=${observed##*configured: }
	if [[ $observed == *"default counts"* ]]; then
		echo 1024:524288
		return
	fi
	sed -E 's/^(unlimited|[^a-z]+) soft, (unlimited|[^a-z]+) hard.*/\1:\2/; s/[^0-9:a-z]//g' <<<"$observed"
}

# No process has more descriptors than fs.nr_open, and that is what runup says of "infinity".
systemd_has() { # UNIT
	printf '%s:%s\n' "$(systemctl show -p LimitNOFILESoft --value "$1")" "$(systemctl show -p LimitNOFILE --value "$1")" |
		sed "s/infinity/$(sysctl -n fs.nr_open)/g"
}

same() { # UNIT: both read the files alike
	local ours theirs
	systemctl daemon-reload
	layouts=$((layouts + 1))
	ours=$(configured "$1")
	theirs=$(systemd_has "$1")
	[[ $ours == "$theirs" ]] || {
		printf 'layout %d of %s: runup reads %s, systemd %s\n' "$layouts" "$1" "$ours" "$theirs"
		systemctl cat "$1"
		return 1
	}
}

@test "limits of a unit: which of its files wins is what systemctl shows" {
	local run=/run/systemd/system d=$units/rltest.service.d
	same rltest
	put "$d/10-a.conf" LimitNOFILE=1500
	same rltest
	# The later name wins, in whichever folder; of two files of one name, the one in /etc.
	put "$run/rltest.service.d/20-b.conf" LimitNOFILE=1600:1700
	same rltest
	put "$run/rltest.service.d/10-a.conf" LimitNOFILE=1
	same rltest
	put "$d/20-b.conf" LimitNOFILE=1800:1900
	same rltest
	ln -sf /dev/null "$d/20-b.conf"
	same rltest
	rm "$d/20-b.conf"
	# Of all services: by its name too, and behind a unit's own of the same name.
	put "$units/service.d/30-all.conf" LimitNOFILE=3000
	same rltest
	put "$d/30-all.conf" LimitNOFILE=3100
	same rltest
	rm "$d/30-all.conf"
	put "$units/service.d/05-all.conf" LimitNOFILE=3200
	same rltest
	rm -r "$units/service.d" "$run/rltest.service.d"
	same rltest
	# A unit file in /run counts less than the one in /etc, one in system.control more.
	put "$run/rltest.service" LimitNOFILE=5
	same rltest
	rm "$run/rltest.service"
	mkdir -p /etc/systemd/system.control
	put /etc/systemd/system.control/rltest.service.d/10-a.conf LimitNOFILE=4100
	same rltest
	rm -r /etc/systemd/system.control
}

@test "limits of a unit: what is a value is what systemctl shows" {
	local value wrong=() glue=\\ d=$units/rltest.service.d
	for value in 'infinity' '2000:infinity' '0x800' '010' '  2100  ' '2200 : 2300' '5000:100' '' 'abc' '-1' '1K' \
		'2400:' ':2500' '2600:2700:2800' '18446744073709551615' '99999999999999999999' '0' '1000:0'; do
		put "$d/10-v.conf" "LimitNOFILE=$value"
		same rltest || wrong+=("$value")
	done
	printf 'told wrong: %s\n' "${wrong[@]}"
	[[ ${#wrong[@]} -eq 0 ]]
	put "$d/10-v.conf" 'LimitNOFILE = 2900'
	same rltest
	put "$d/10-v.conf" 'limitnofile=3000'
	same rltest
	put "$d/10-v.conf" '[Unit]' 'LimitNOFILE=3100'
	same rltest
	put "$d/10-v.conf" '[Unit]' 'Description=x' '[Service]' 'LimitNOFILE=3200' 'LimitNOFILE=3300:3400'
	same rltest
	put "$d/10-v.conf" '# LimitNOFILE=1' '; LimitNOFILE=2' 'LimitNOFILE=3500'
	same rltest
	put "$d/10-v.conf" "LimitNOFILE=$glue" '3600'
	same rltest
	put "$d/10-v.conf" "Environment=A=$glue" 'LimitNOFILE=3700' 'LimitNPROC=5'
	same rltest
	put "$d/10-v.conf" "Environment=A=$glue" '# a comment between' 'LimitNOFILE=3700'
	same rltest
	printf '[Service]\r\nLimitNOFILE=3800\r\n' >"$d/10-v.conf"
	same rltest
	rm -r "$d"
	same rltest
}

@test "limits of a unit: prefixes, templates and systemd's defaults, as systemctl shows them" {
	local d unit=rl-test-b.service
	put "$units/$unit" 'ExecStart=sleep infinity'
	put "$units/rlt@.service" 'ExecStart=sleep infinity'
	put "$units/rl-.service.d/50-p.conf" LimitNOFILE=1100
	systemctl daemon-reload
	systemctl start "$unit" rlt@one.service
	same "$unit"
	put "$units/rl-test-.service.d/40-p.conf" LimitNOFILE=1200
	same "$unit"
	put "$units/rl-test-.service.d/50-p.conf" LimitNOFILE=1300
	same "$unit"
	put "$units/$unit.d/50-p.conf" LimitNOFILE=1400
	same "$unit"
	rm -r "$units/rl-.service.d" "$units/rl-test-.service.d" "$units/$unit.d"
	same rlt@one.service
	put "$units/rlt@.service.d/a.conf" LimitNOFILE=1500
	same rlt@one.service
	put "$units/rlt@one.service.d/b.conf" LimitNOFILE=1600
	same rlt@one.service
	put "$units/rlt@one.service.d/a.conf" LimitNOFILE=1700
	same rlt@one.service
	rm -r "$units/rlt@one.service.d/b.conf"
	same rlt@one.service
	# Nothing of the unit's: systemd's defaults.
	same "$unit"
	put /etc/systemd/system.conf.d/d.conf '[Manager]' DefaultLimitNOFILE=1900:2000
	same "$unit"
	put "$units/$unit.d/e.conf" LimitNOFILE=2100
	same "$unit"
	systemctl stop "$unit" rlt@one.service
	rm -r /etc/systemd/system.conf.d "$units"/rl-test-b.service* "$units"/rlt@*
	systemctl daemon-reload
}

@test "check --unit: what is in force, what is configured, and by which file" {
	runup check --unit rltest --only limits.nofile --connections 1500 -o json
	assert_exit 1
	assert_json_is 'one(d["findings"], id="limits.nofile")["status"]' fail
	grep -F "$units/rltest.service:4" "$json"
	put "$units/rltest.service.d/z.conf" LimitNOFILE=3000
	systemctl daemon-reload
	runup check --unit rltest.service --only limits.nofile --connections 1500 -o json
	assert_exit 1
	grep -F 'which is not in force' "$json"
	grep -F 'systemctl restart rltest.service' "$json"
	start_service
	runup check --unit rltest --only limits.nofile --connections 1500
	assert_exit 0
	rm -r "$units/rltest.service.d"
	systemctl daemon-reload
	start_service
	runup check --unit nosuch --only limits.nofile
	assert_exit 2
}

@test "[rlimit unit:]: drop-in and live process; a restart keeps it; stacked" {
	local first
	runup apply limits
	assert_exit 0
	is limit_of_unit 2000:4000
	is limit_of_process 2000:4000
	first=$(find /var/lib/runup/changesets -name '*.journal' -printf '%f\n' | sort -t- -k3n | tail -n 1)
	runup apply limits
	assert_exit 0
	assert_out 'nothing to write'
	start_service
	is limit_of_process 2000:4000
	runup apply more
	assert_exit 0
	is limit_of_unit 9000:9000
	is limit_of_process 9000:9000
	# The first one back, the second stays, and then that.
	runup rollback "${first%.journal}"
	assert_exit 0
	is limit_of_unit 9000:9000
	runup rollback
	assert_exit 0
	is limit_of_unit 1000:4000
	start_service
	all_back
}

@test "[rlimit unit:]: edited, overridden or stale files are left alone" {
	local d=$units/rltest.service.d
	runup apply limits
	echo Nice=3 >>"$drop_in"
	systemctl daemon-reload
	runup rollback
	[[ $status -ne 0 ]]
	grep -q Nice "$drop_in"
	rm -r "$d"
	systemctl daemon-reload
	runup rollback --all --force
	start_service
	all_back

	put "$d/99-z.conf" LimitNOFILE=1500:1500
	systemctl daemon-reload
	runup apply limits
	assert_exit 3
	assert_err "another file of the unit overrides runup's drop-in"
	[[ ! -e $drop_in ]]
	[[ -e "$d/99-z.conf" ]]
	rm -r "$d"
	systemctl daemon-reload
	start_service

	put "$units/rltest.service" 'ExecStart=/usr/local/bin/rltest' 'User=nobody' 'LimitNOFILE=1000:3999' Type=notify
	runup apply limits
	assert_exit 3
	assert_err 'daemon-reload'
	[[ ! -e "$d" ]]
	put "$units/rltest.service" 'ExecStart=/usr/local/bin/rltest' 'User=nobody' 'LimitNOFILE=1000:4000' Type=notify
	systemctl daemon-reload
	printf '[rlimit unit:nosuch]\nnofile = >= 5\n' | profile nosuch
	runup apply nosuch
	assert_exit 3
	all_back
}

# At a call of each kind that touches the disk, another process or systemd: the next rollback ends at
# the start, however far it came.
@test "[rlimit unit:]: apply and rollback killed at their calls, every rollback is complete" {
	local what call kills=0
	for what in apply rollback; do
		for call in renameat:1 fsync:3 unlinkat:1 prlimit64:1 vfork:2; do
			if [[ $what == rollback ]]; then
				runup apply limits
				assert_exit 0
				set -- rollback
			else
				set -- apply limits
			fi
			status=0
			timeout 60 strace -f -o /dev/null -e "trace=${call%:*}" -e "inject=${call%:*}:signal=KILL:when=${call#*:}" \
				"$RUNUP" "$@" >/dev/null 2>&1 3>&- || status=$?
			[[ $status -ne 137 ]] || kills=$((kills + 1))
			runup rollback --all
			assert_exit 0
			all_back || { printf 'after %s killed at %s\n' "$what" "$call"; return 1; }
		done
	done
	printf '# killed %d times\n' $kills >&3
	[[ $kills -ge 6 ]]
}
