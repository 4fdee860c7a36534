#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# What belongs to the whole host, changed and put back: here the host is the test's own.

load ../lib/runup

setup() {
	host_values >"$BATS_TEST_TMPDIR/before"
}

# Everything that is writable and host-wide, but for what counts, or is another name of something.
host_values() {
	sysctl -a --pattern '^(net|vm|fs|kernel)\.' 2>/dev/null |
		grep -E '^(net\.(core|netfilter|nf_conntrack|ipv4)|fs\.(file-max|nr_open|aio|inotify|pipe)|kernel\.(pid_max|threads-max)|vm\.)' |
		grep -vE '(_count|flush|stat_refresh|compact_memory|drop_caches|file-nr|aio-nr|dentry|inode)' | sort
}

assert_as_before() {
	host_values >"$BATS_TEST_TMPDIR/after"
	diff "$BATS_TEST_TMPDIR/before" "$BATS_TEST_TMPDIR/after"
}

value() { # KEY
	sysctl -n "$1" | tr '\t' ' '
}

hostwide_profile() {
	make_profile hostwide <<-'INI'
		[sysctl]
		net.netfilter.nf_conntrack_max = >= 300000
		net.netfilter.nf_conntrack_buckets = >= 131072
		fs.nr_open = >= 2097152
		net.core.netdev_max_backlog = >= 5000
		net.ipv4.tcp_mem = >= 400000 500000 600000
		net.ipv4.tcp_max_orphans = >= 131072
		kernel.pid_max = >= 100000
		fs.file-max = 3000000
	INI
}

@test "tune: host-wide settings are applied, read back, and rolled back" {
	p=$(hostwide_profile)
	runup apply "$p" -o json
	assert_exit 0
	assert_json apply
	[[ $(value net.netfilter.nf_conntrack_max) -eq 300000 ]]
	[[ $(value net.netfilter.nf_conntrack_buckets) -ge 131072 ]]
	[[ $(value fs.nr_open) -eq 2097152 ]]
	[[ $(value net.core.netdev_max_backlog) -eq 5000 ]]
	[[ $(value net.ipv4.tcp_mem) == '400000 500000 600000' ]]
	[[ $(value net.ipv4.tcp_max_orphans) -eq 131072 ]]
	[[ $(value kernel.pid_max) -eq 100000 ]]
	[[ $(value fs.file-max) -eq 3000000 ]]
	runup status -o json
	assert_exit 0
	assert_json_is 'sorted({c["result"] for c in d["changesets"][0]["changes"]})' '["in_force"]'
	runup rollback -o json
	assert_exit 0
	assert_json_is 'sorted({c["result"] for c in d["changesets"][0]["changes"]})' '["restored"]'
	assert_as_before
}

@test "tune: a second apply finds nothing to do, though the kernel rounds the buckets up" {
	p=$(make_profile p <<-'INI'
		[sysctl]
		net.netfilter.nf_conntrack_buckets = >= 100001
	INI
	)
	runup apply "$p" -o json
	assert_exit 0
	[[ $(value net.netfilter.nf_conntrack_buckets) -gt 100001 ]] # a page of chains is never half-used
	runup apply "$p" -o json
	assert_exit 0
	assert_json_is 'd["changeset"]' null
	runup rollback --all
	assert_exit 0
	assert_as_before
}

@test "tune: a shipped profile at a large load, applied and rolled back on the host itself" {
	runup apply server --connections 500000 --port 8080 -o json
	assert_exit 0
	[[ $(value net.netfilter.nf_conntrack_max) -ge 500000 ]]
	runup check -p server --connections 500000 --port 8080 --only conntrack.capacity -o json
	assert_json_is 'where(d["findings"], id="conntrack.capacity", status="fail")' '[]'
	runup rollback
	assert_exit 0
	assert_as_before
}

@test "tune: in a namespace a setting of the host is refused, and nothing is written" {
	ip netns add other
	p=$(make_profile p <<-'INI'
		[sysctl]
		net.core.somaxconn = >= 9999
		net.core.netdev_max_backlog = >= 7777
	INI
	)
	runup --netns other apply "$p"
	assert_exit 3
	assert_err 'net.core.netdev_max_backlog'
	[[ $(ip netns exec other sysctl -n net.core.somaxconn) -ne 9999 ]]
	ip netns del other
	assert_as_before
}

@test "tune: drift of a host-wide setting is named, and left alone" {
	p=$(hostwide_profile)
	runup apply "$p"
	assert_exit 0
	sysctl -qw net.core.netdev_max_backlog=6000
	runup status
	assert_exit 1
	assert_out 'net.core.netdev_max_backlog'
	runup rollback -o json
	assert_exit 1
	assert_json_is 'one(d["changesets"][0]["changes"], key="net.core.netdev_max_backlog")["result"]' drifted
	[[ $(value net.core.netdev_max_backlog) -eq 6000 ]]

	sysctl -qw net.core.netdev_max_backlog=1000
	runup apply "$p"
	assert_exit 0
	sysctl -qw net.core.netdev_max_backlog=6000
	runup rollback --force
	assert_exit 0
	assert_as_before
}

@test "tune: with CAP_SYS_RESOURCE the command gets more descriptors than its hard limit" {
	p=$(make_profile p <<-'INI'
		[rlimit]
		nofile = >= 700000
	INI
	)
	run_command bash -c "ulimit -n 4096; exec '$RUNUP' run -p '$p' --skip all --port 9 --report '$BATS_TEST_TMPDIR/r' -- bash -c 'ulimit -Sn; ulimit -Hn'"
	assert_exit 0
	[[ $(grep -cx 700000 <<<"$output") -ge 1 ]] || show 'the limit was not raised'
}

@test "tune: nr_open comes before the limit that needs it" {
	p=$(make_profile p <<-'INI'
		[sysctl]
		fs.nr_open = >= 3000000
		[rlimit]
		nofile = >= 2500000
	INI
	)
	runup run --apply -p "$p" --skip all --port 9 --report "$BATS_TEST_TMPDIR/r" -- bash -c 'ulimit -Sn'
	assert_exit 0
	assert_out '^2500000$'
	assert_as_before
}
