#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# What is said to be configured against what PAM really sets: limits.conf in a mount namespace, su.

load ../lib/runup

# A host that is this one's users, the limits.conf given, and process 77 as the user's login.
capture() { # USER
	mkdir -p "$host/proc/77" "$host/proc/sys/fs" "$host/proc/sys/kernel" "$host/etc"
	cp /etc/passwd /etc/group "$host/etc/"
	[[ ! -e /etc/debian_version ]] || cp /etc/debian_version "$host/etc/"
	cp /proc/sys/fs/nr_open "$host/proc/sys/fs/"
	echo host >"$host/proc/sys/kernel/hostname"
	printf 'Name:\tx\nUid:\t%d\t0\t0\t0\nThreads:\t1\n' "$(id -u "$1")" >"$host/proc/77/status"
	echo x >"$host/proc/77/comm"
	echo '0::/' >"$host/proc/77/cgroup"
	printf 'Limit Soft Hard\nMax open files            1  1  files\n' >"$host/proc/77/limits"
}

# "300soft 400hard", of what is configured.
configured() {
	runup --root "$host" check --pid 77 --only limits.nofile -o json
	assert_json check
	json_get 'd["findings"][0]["observed"]' | sed 's/.*configured: //; s/\([0-9]\) \([0-9]\)/\1\2/g' |
		grep -oE '[0-9]+ (soft|hard)' | tr -d ' '
}

# "300soft 400hard", as a login gets them.
in_force() { # USER
	unshare --mount bash -c 'mount -t tmpfs none /etc/security && cp -a "$1/." /etc/security/ &&
		exec su -s /bin/bash "$2" -c "ulimit -Sn; ulimit -Hn"' - "$host/etc/security" "$1" |
		paste -d ' ' - - | sed 's/ /soft /; s/$/hard/'
}

@test "the same as PAM sets, for users and root, groups and everybody, both files" {
	need_root
	need_command unshare
	need_command su
	grep -qs '^session.*pam_limits' /etc/pam.d/su || skip 'su does not load pam_limits here'
	host=$BATS_TEST_TMPDIR/host
	local user conf tables=(
		'* - nofile 333'
		'* - nofile 333|@nogroup soft nofile 111|nobody hard nofile 444'
		'nobody soft nofile 444|* hard nofile 300|root - nofile 222'
		'@nogroup - nofile 120|* soft nofile 100|* hard nofile 130|@root - nofile 90'
		'nobody - nofile 100|nobody - nofile 200|@nogroup - nofile 300|root soft nofile 60|root hard nofile 70'
		'%nogroup - nofile 99|* - nofile 98|root - nofile 97'
		':65534 - nofile 150|0:10 - nofile 151|* - nofile 152'
		'@0:65534 soft nofile 160|* hard nofile 170'
		'nobody soft nofile 101|nobody - nofile 102|* - nofile 103|root - nofile 104 # text'
	)
	for conf in "${tables[@]}"; do
		for user in nobody root; do
			rm -rf "$host"
			mkdir -p "$host/etc/security/limits.d"
			# The last line in a file of its own, the one before in one that is read later.
			tr '|' '\n' <<<"$conf" | head -n -1 >"$host/etc/security/limits.conf"
			tr '|' '\n' <<<"$conf" | tail -n 1 >"$host/etc/security/limits.d/50-last.conf"
			capture "$user"
			said=$(configured)
			real=$(in_force "$user")
			[[ $real == *soft\ *hard ]] || show 'su gave no answer'
			# What no line sets is PAM's to choose.
			for limit in $said; do
				[[ " $real " == *" $limit "* ]] || show "$user with '$conf': said $said, in force $real"
				checked=$((${checked:-0} + 1))
			done
		done
	done
	[[ $checked -ge 28 ]] || show "$checked limits were configured"
}

teardown() {
	runup_teardown
}
