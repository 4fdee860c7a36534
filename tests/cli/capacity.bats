# SPDX-License-Identifier: GPL-2.0-or-later
# `runup capacity`: on captured hosts, whose limits are known. What it predicts is compared with the
# kernel in tests/netns/prediction.bats.

load ../lib/runup

captured() { # HOST ARGS…
	local host=$RUNUP_SOURCE/tests/fixtures/hosts/$1
	shift
	runup --root "$host" capacity "$@"
}

@test "capacity: the first to break is named in one sentence" {
	captured vm --role generator --new-connections 2000 --target 192.0.2.1:80
	assert_exit 1
	assert_out '^BREAKS: local ports break first, at 470 new connections/s; you ask for 2 000\.$'
	[[ $(awk 'length > 80' "$BATS_TEST_TMPDIR/stdout") == "" ]]
}

@test "capacity: JSON has a row for each resource, in order" {
	captured vm -o json --role generator --new-connections 2000 --target 192.0.2.1:80
	assert_exit 1
	assert_json capacity
	assert_json_is 'd["first"]' ports
	assert_json_is '" ".join(r["resource"] for r in d["resources"])' \
		'ports accept_queue syn_queue conntrack descriptors system_files time_wait socket_memory pids cpu generator_memory neighbours'
	assert_json_is 'one(d["resources"], resource="ports")["limit"]' 28232
	assert_json_is 'one(d["resources"], resource="ports")["demand"]' 120000
	assert_json_is 'one(d["resources"], resource="ports")["breaks_at"]["new_connections"]' 470.5
	assert_json_is 'one(d["resources"], resource="accept_queue")["limit"]' null
}

@test "capacity: a load that fits is 0 and says how often" {
	captured vm --role generator --connections 100 --target 192.0.2.1:80
	assert_exit 0
	assert_out '^FITS, [0-9.]+ times over: descriptors would break first, at 19 936 connections;$'
	assert_out '^you ask for 100\.$'
}

@test "capacity: without a load the limits are turned round" {
	captured vm -o json
	assert_exit 0
	assert_json_is 'd["first"]' null
	assert_json_is 'one(d["resources"], resource="descriptors")["breaks_at"]["connections"]' 19936
	assert_json_is 'one(d["resources"], resource="descriptors")["state"]' unsized
}

@test "capacity: a listener that is not there is unknown, not fine" {
	captured vm -o json --role server --connections 10 --port 9
	assert_exit 3
	assert_json_is 'one(d["resources"], resource="accept_queue")["state"]' unknown
	assert_json_is 'one(d["resources"], resource="accept_queue")["demand"]' 10
}

@test "capacity and check agree" {
	local load=(--role server --connections 600 --port 8080)
	captured vm -o json "${load[@]}"
	assert_json_is 'one(d["resources"], resource="accept_queue")["state"]' breaks
	assert_json_is 'one(d["resources"], resource="accept_queue")["breaks_at"]["connections"]' 512
	runup --root "$RUNUP_SOURCE/tests/fixtures/hosts/vm" check -o json --only listen.backlog "${load[@]}"
	assert_json_is 'one(d["findings"], subject="tcp 0.0.0.0:8080")["status"]' fail
	load=(--role server --connections 512 --port 8080)
	captured vm -o json "${load[@]}"
	assert_json_is 'one(d["resources"], resource="accept_queue")["state"]' fits
	runup --root "$RUNUP_SOURCE/tests/fixtures/hosts/vm" check -o json --only listen.backlog "${load[@]}"
	assert_json_is 'one(d["findings"], subject="tcp 0.0.0.0:8080")["status"]' pass
}

@test "capacity: the CPU quota of an ancestor" {
	captured cgroup-v2-quota -o json
	assert_json_is 'one(d["resources"], resource="cpu")["limit"]' 1.5
	assert_json_is 'one(d["resources"], resource="cpu")["owner"]' 'CPU quota of /system.slice/load.service'
}

@test "a client that binds first shares its ports over all targets" {
	local load=(--role generator --connections 30000 --target '192.0.2.1:80,192.0.2.2:80')
	captured vm -o json "${load[@]}"
	assert_json_is 'one(d["resources"], resource="ports")["demand"]' 15000
	captured vm -o json "${load[@]}" --bind-first
	assert_json_is 'one(d["resources"], resource="ports")["demand"]' 30000
	assert_json_is 'd["load"]["bind_first"]' true
}

@test "a contradiction names both sides and where they come from" {
	local profile
	profile=$(make_profile slow <<-'INI'
		[profile]
		summary = s
		[load]
		role = generator
		connections = 10
	INI
	)
	runup capacity -p "$profile" --rate 1000 --latency 1s
	assert_exit 2
	assert_one_error "'rate' with that latency keeps 1000 requests open, but 'connections' \(.*slow\.ini:5\) is 10"
	runup capacity --rate 10 --new-connections 20
	assert_exit 2
	assert_one_error "'new_connections' opens 20/s, each for a request, but 'rate' is 10"
	runup capacity --latency 1m --duration 30s
	assert_exit 2
	runup capacity --role server --source-ips 3
	assert_exit 2
	assert_one_error "'source_ips' .* but 'role' is server"
}

@test "capacity of a load generator's own command line" {
	runup --root "$RUNUP_SOURCE/tests/fixtures/hosts/vm" capacity -- wrk -c 400 -t 4 -d 30s http://10.0.0.5:8080/
	assert_exit 0
	assert_out '^load +wrk, closed model: 400 connections'
	assert_out '^FITS, '
	refute_out '^.{81}'
	runup --root "$RUNUP_SOURCE/tests/fixtures/hosts/vm" capacity -o json -- wrk -c 40000 -t 4 http://10.0.0.5:8080/
	assert_exit 1
	assert_json capacity
	assert_json_is 'd["load"]["generator"]["name"]' wrk
	runup --root "$RUNUP_SOURCE/tests/fixtures/hosts/vm" capacity -- ./myload --fast
	assert_exit 3
}

@test "a load that sizes nothing fits nowhere" {
	runup capacity --rate 1000
	assert_exit 3
	assert_out 'what was stated sizes nothing yet'
	refute_out '^.{81}'
	runup capacity
	assert_exit 0
	assert_out 'Nothing to compare: state a load'
	refute_out '^.{81}'
}
