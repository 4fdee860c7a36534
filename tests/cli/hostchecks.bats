#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# `runup check` of tasks, CPU, memory, clock, folklore and configuration files: on copies of a captured
# host in which one thing is changed. And JUnit, TAP, explain, --process and --unit.

load ../lib/runup

setup() {
	host=$BATS_TEST_TMPDIR/host
	cp -a "$RUNUP_SOURCE/tests/fixtures/hosts/vm" "$host"
}

put() { # PATH TEXT
	mkdir -p "$(dirname "$host$1")"
	printf '%b\n' "$2" >"$host$1"
}

judge() { # ARGS…
	runup --root "$host" check -o json "$@"
	[[ $status -eq 0 || $status -eq 1 || $status -eq 3 ]] || show 'no judgement'
	assert_json check
}

assert_status() { # ID STATUS
	assert_json_is "one(d[\"findings\"], id=\"$1\")[\"status\"]" "$2"
}

load=(--role generator --connections 100 --target 192.0.2.1:80)

@test "a healthy host hears nothing without a load" {
	judge
	assert_json_is '[f["id"] for f in d["findings"] if f["status"] not in ("pass", "na")]' '[]'
}

@test "pids: the tightest of four limits" {
	judge --only limits.pids
	assert_status limits.pids pass
	assert_json_is '"kernel.pid_max allows 32768" in d["findings"][0]["observed"]' true
	put /proc/loadavg '0.10 0.10 0.10 1/31500 99'
	judge --only limits.pids
	assert_status limits.pids fail
	put /proc/loadavg '0.10 0.10 0.10 1/29600 99'
	judge --only limits.pids
	assert_status limits.pids warn
	put /proc/loadavg '0.10 0.10 0.10 1/100 99'
	sed -i 's/^Max processes.*/Max processes             110                  96365                processes /' "$host/proc/self/limits"
	judge --only limits.pids
	assert_status limits.pids pass
	assert_json_is '"room for 110 more tasks: the user'\''s limit" in d["findings"][0]["observed"]' true
	put /proc/sys/kernel/threads-max 104
	judge --only limits.pids
	assert_status limits.pids fail
	assert_json_is 'd["findings"][0]["fix"]' 'raise kernel.threads-max on the host'
	rm "$host/proc/loadavg"
	judge --only limits.pids
	assert_status limits.pids unknown
	assert_exit 0
}

@test "memlock: a question of kernels before 5.11" {
	judge --only limits.memlock
	assert_status limits.memlock na
	put /proc/sys/kernel/osrelease 5.10.0
	judge --only limits.memlock
	assert_status limits.memlock pass
	rm "$host/proc/sys/kernel/osrelease"
	judge --only limits.memlock
	assert_status limits.memlock unknown
}

@test "cpu.quota: what a runtime makes of it" {
	cp -a "$RUNUP_SOURCE/tests/fixtures/hosts/cgroup-v2-quota/." "$host"
	put /sys/devices/system/cpu/online 0-7
	judge --only cpu.quota
	f='d["findings"][0]'
	assert_json_is "'even Go 1.25 reads only' in ${f}[\"why\"]" true
	assert_json_is "'GOMAXPROCS=2' in ${f}[\"fix\"]" true
	put /proc/self/cgroup 0::/system.slice/load.service
	judge --only cpu.quota
	assert_json_is "'Go before 1.25) starts threads for all 8' in ${f}[\"why\"]" true
	put /sys/devices/system/cpu/online 0-1
	judge --only cpu.quota
	assert_json_is "'GOMAXPROCS' in ${f}[\"fix\"]" false
}

@test "cpu.governor: slow ones always, ones that follow the load only under a load" {
	judge --only cpu.governor
	assert_status cpu.governor na
	put /sys/devices/system/cpu/cpufreq/policy0/scaling_governor performance
	put /sys/devices/system/cpu/cpufreq/policy1/scaling_governor performance
	judge --only cpu.governor "${load[@]}"
	assert_status cpu.governor pass
	put /sys/devices/system/cpu/cpufreq/policy1/scaling_governor schedutil
	judge --only cpu.governor
	assert_status cpu.governor pass
	judge --only cpu.governor "${load[@]}"
	assert_status cpu.governor warn
	assert_json_is 'd["findings"][0]["observed"]' 'governor schedutil, 1 of 2 policies'
	put /sys/devices/system/cpu/cpufreq/policy1/scaling_governor powersave
	put /sys/devices/system/cpu/cpufreq/policy1/scaling_driver intel_pstate
	judge --only cpu.governor
	assert_status cpu.governor pass
	put /sys/devices/system/cpu/cpufreq/policy1/scaling_driver acpi-cpufreq
	judge --only cpu.governor
	assert_status cpu.governor warn
}

@test "cpu.busy: pressure where the kernel tells it, the load average where not" {
	put /proc/pressure/cpu 'some avg10=20.00 avg60=1.00 avg300=0.00 total=1'
	judge --only cpu.busy
	assert_status cpu.busy warn
	put /proc/pressure/cpu 'some avg10=19.90 avg60=90.00 avg300=90.00 total=1'
	put /proc/loadavg '9.00 9.00 9.00 1/100 99'
	judge --only cpu.busy
	assert_status cpu.busy pass
	rm "$host/proc/pressure/cpu"
	judge --only cpu.busy
	assert_status cpu.busy warn
	put /proc/loadavg '1.90 9.00 9.00 1/100 99'
	judge --only cpu.busy
	assert_status cpu.busy pass
}

@test "cpu.steal is shown since boot and judged only of what was observed" {
	put /proc/stat 'cpu  100 0 0 100 0 0 0 800 0 0'
	judge --only cpu.steal
	assert_status cpu.steal na
	assert_json_is 'd["findings"][0]["observed"]' '80.00% since boot; judged with --observe'
	runup check --observe 200ms --only cpu.steal -o json
	assert_json check
	assert_json_is 'd["findings"][0]["status"] in ("pass", "warn")' true
}

@test "memory.available: what the connections take at least, little left, pressure" {
	judge --only memory.available "${load[@]}"
	assert_status memory.available pass
	assert_json_is '"100 connections x 4.9 KiB" in d["findings"][0]["arithmetic"]' true
	judge --only memory.available --role generator --connections 10M
	assert_status memory.available fail
	sed -i 's/^MemAvailable:.*/MemAvailable:    2000000 kB/' "$host/proc/meminfo"
	judge --only memory.available
	assert_status memory.available warn
	sed -i 's/^MemAvailable:.*/MemAvailable:   20000000 kB/' "$host/proc/meminfo"
	put /proc/pressure/memory 'some avg10=12.00 avg60=1.00 avg300=0.00 total=1'
	judge --only memory.available
	assert_status memory.available warn
}

@test "memory.cgroup: the ancestor with the least left, page cache taken off" {
	cp -a "$RUNUP_SOURCE/tests/fixtures/hosts/cgroup-v1-quota/." "$host"
	judge --only memory.cgroup
	assert_status memory.cgroup pass
	judge --only memory.cgroup --role generator --connections 1M
	assert_status memory.cgroup fail
	put /sys/fs/cgroup/memory/docker/app/memory.stat 'total_inactive_file 0'
	judge --only memory.cgroup
	assert_status memory.cgroup warn
	assert_json_is '"set by /docker/app" in d["findings"][0]["observed"]' true
}

@test "swap and huge pages matter to a load only" {
	sed -i 's/^SwapTotal:.*/SwapTotal:    1000000 kB/; s/^SwapFree:.*/SwapFree:  500000 kB/' "$host/proc/meminfo"
	put /sys/kernel/mm/transparent_hugepage/enabled '[always] madvise never'
	judge --only memory.swap,memory.thp
	assert_status memory.swap pass
	assert_status memory.thp pass
	judge --only memory.swap,memory.thp "${load[@]}"
	assert_status memory.swap warn
	assert_status memory.thp pass
	judge --only memory.swap,memory.thp "${load[@]}" --latency 5ms
	assert_status memory.thp warn
	put /sys/kernel/mm/transparent_hugepage/enabled 'always [madvise] never'
	judge --only memory.thp "${load[@]}" --latency 5ms
	assert_status memory.thp pass
}

@test "time.clocksource: what is read by a system call is named, with the better one" {
	put /sys/devices/system/clocksource/clocksource0/current_clocksource acpi_pm
	judge --only time.clocksource
	assert_status time.clocksource warn
	assert_json_is 'd["findings"][0]["fix"].startswith("echo tsc")' true
	put /sys/devices/system/clocksource/clocksource0/available_clocksource 'acpi_pm tsc-early'
	judge --only time.clocksource
	assert_json_is 'd["findings"][0]["fix"].startswith("echo tsc")' false
	put /sys/devices/system/clocksource/clocksource0/current_clocksource hyperv_clocksource_tsc_page
	judge --only time.clocksource
	assert_status time.clocksource pass
	rm -r "$host/sys/devices/system/clocksource"
	judge --only time.clocksource "${load[@]}"
	assert_status time.clocksource unknown
	assert_exit 0
	judge --only time.sync
	assert_status time.sync na
}

@test "folklore: lowered below what the kernel chose, set for nothing, and in force" {
	assert_row() { # KEY VALUE STATUS
		local file=/proc/sys/${1//./\/} id=folklore.${1##*.}
		put "$file" "$2"
		judge --only "${id//-/_}"
		assert_status "${id//-/_}" "$3"
	}
	assert_row net.ipv4.tcp_max_tw_buckets 8192 warn
	assert_row net.ipv4.tcp_max_tw_buckets 131072 pass
	assert_row net.ipv4.tcp_max_orphans 65536 warn
	assert_row net.ipv4.tcp_mem '262144 262144 262144' warn
	assert_row net.ipv4.tcp_mem '67108864 100663296 134217728' warn
	assert_row net.ipv4.tcp_low_latency 1 warn
	assert_row net.ipv4.tcp_fack 1 warn
	assert_row net.ipv4.tcp_sack 0 warn
	assert_row net.ipv4.tcp_window_scaling 0 warn
	assert_row net.ipv4.tcp_tw_recycle 1 warn
	assert_row fs.file-max 1000000 warn
	assert_row fs.file-max 9223372036854775807 pass
	# systemd may raise nr_open itself: it harms only whoever has a limit as high.
	assert_row fs.nr_open 1073741816 pass
	sed -i 's/^Max open files.*/Max open files            1073741816           1073741816           files     /' "$host/proc/self/limits"
	assert_row fs.nr_open 1073741816 warn
	# Half of a namespace's share of the host's table, which is shown as a negative number.
	put /proc/sys/net/ipv4/tcp_ehash_entries -262144
	assert_row net.ipv4.tcp_max_tw_buckets 131071 warn
	rm "$host/proc/sys/net/ipv4/tcp_ehash_entries"
	assert_row net.ipv4.tcp_max_tw_buckets 8192 na
	runup check --only folklore.no_such
	assert_exit 2
}

@test "checks of CPU, memory and folklore name the causes that they predict" {
	judge -v
	local id causes
	while read -r id causes; do
		assert_json_is "' '.join([f for f in d['findings'] if f['id'] == '$id'][0]['predicts'])" "$causes"
	done <<-'CHECKS'
		cpu.quota cpu.throttled
		cpu.busy cpu.saturated
		cpu.steal cpu.steal
		cpu.governor cpu.saturated
		memory.available memory.oom memory.pressure
		memory.cgroup memory.oom memory.pressure
		memory.swap memory.swap
		memory.thp memory.pressure
		tcp.orphans tcp.orphans tcp.reset
		folklore.tcp_syncookies listen.syn_overflow
		folklore.tcp_max_tw_buckets timewait.overflow
		folklore.tcp_fin_timeout
	CHECKS
}

@test "every row of folklore and every resource explains itself" {
	local id
	for id in tcp_fin_timeout tcp_mem file_max nr_open; do
		runup explain "folklore.$id"
		assert_exit 0
		assert_out "^folklore.$id: "
		assert_out '^fix  '
	done
	runup explain folklore.no_such
	assert_exit 2
	for id in ports accept_queue syn_queue conntrack descriptors system_files time_wait \
		socket_memory pids cpu generator_memory neighbours; do
		runup explain "$id"
		assert_exit 0
		assert_out "^$id: "
		assert_out '^limit  '
	done
	runup explain
	assert_out '^  generator_memory '
	assert_out '^  folklore.tcp_max_tw_buckets '
}

@test "a failing sysctl names the file and the line that sets it" {
	put /etc/sysctl.d/10-old.conf 'net.core.somaxconn = 99'
	put /etc/sysctl.d/50-guide.conf '# from a guide\nnet.core.somaxconn = 128'
	put /proc/sys/net/core/somaxconn 128
	judge -p server --connections 1000 --only listen.backlog,config.elsewhere
	assert_json_is 'one(d["findings"], subject="net.core.somaxconn")["why"].endswith("; /etc/sysctl.d/50-guide.conf:2 sets it")' true
	put /proc/sys/net/core/somaxconn 256
	judge -p server --connections 1000 --only listen.backlog
	assert_json_is 'one(d["findings"], subject="net.core.somaxconn")["why"].endswith("; /etc/sysctl.d/50-guide.conf:2 sets 128, which is not in force")' true
	put /etc/sysctl.d/60-fin.conf 'net.ipv4.tcp_fin_timeout=15'
	put /proc/sys/net/ipv4/tcp_fin_timeout 15
	judge --only folklore.tcp_fin_timeout
	assert_json_is '"/etc/sysctl.d/60-fin.conf:1 sets it" in d["findings"][0]["why"]' true
}

@test "configured and not in force is its own finding" {
	rm "$host/usr/lib/sysctl.d/50-pid-max.conf"
	put /etc/sysctl.d/1.conf 'net.core.somaxconn = 0x400\nnet.ipv4.tcp_rmem = 4096 131072 1\nvm.no_such_key = 1\nkernel.core_pattern = x'
	put /proc/sys/net/core/somaxconn 1024
	# Where nothing is known to read such files at boot, only what the profile asks about counts.
	judge --only config.elsewhere
	assert_json_is 'one(d["findings"], subject="net.ipv4.tcp_rmem")["status"]' na
	assert_json_is 'one(d["findings"], subject="sysctl.d")["observed"]' '1 setting in force'
	assert_json_is 'len(d["findings"])' 2
	put /run/systemd/system/captured ''
	judge --only config.elsewhere
	assert_json_is 'one(d["findings"], subject="net.ipv4.tcp_rmem")["status"]' warn
	assert_json_is 'one(d["findings"], subject="net.ipv4.tcp_rmem")["required"]' '4096 131072 1 (/etc/sysctl.d/1.conf:2)'
	# A module that came later, or not at all.
	put /etc/sysctl.d/1.conf 'net.netfilter.nf_conntrack_max = 500000'
	judge --only config.elsewhere
	assert_json_is 'one(d["findings"], subject="net.netfilter.nf_conntrack_max")["status"]' warn
	rm "$host/proc/sys/net/netfilter/nf_conntrack_max"
	judge --only config.elsewhere
	assert_json_is 'one(d["findings"], subject="net.netfilter.nf_conntrack_max")["status"]' warn
	put /etc/sysctl.d/1.conf '-net.netfilter.nf_conntrack_max = 500000'
	judge --only config.elsewhere
	assert_json_is '[f["status"] for f in d["findings"]]' '[]'
	# Another namespace has values of its own.
	rm "$host/proc/sys/net/core/netdev_max_backlog"
	judge --only config.elsewhere
	assert_status config.elsewhere na
}

@test "a file that cannot be read is unknown, not fine" {
	ln -s loop.conf "$host/etc/sysctl.d/loop.conf"
	judge --only config.elsewhere
	assert_json_is 'one(d["findings"], subject="/etc/sysctl.d/loop.conf")["status"]' unknown
	assert_exit 0
}

@test "JUnit is XML, and says what the exit code says" {
	put /etc/sysctl.d/1.conf 'net.core.somaxconn = <&">\x01\xff'
	put /run/systemd/system/captured ''
	local args
	for args in '' '-p server --connections 60000 --port 9' '--fail-on warn'; do
		# shellcheck disable=SC2086 # words
		runup --root "$host" check -o junit $args
		"$PYTHON" - "$BATS_TEST_TMPDIR/stdout" "$status" <<-'PY' || show 'not what the exit code says'
			import sys, xml.etree.ElementTree as tree
			root = tree.parse(sys.argv[1]).getroot()
			suite = root.find("testsuite")
			cases = suite.findall("testcase")
			found = {k: len(suite.findall(f"testcase/{k}")) for k in ("failure", "error", "skipped")}
			assert len(cases) > 20
			assert int(suite.get("tests")) == len(cases)
			assert int(suite.get("failures")) == found["failure"]
			assert int(suite.get("errors")) == found["error"]
			assert int(suite.get("skipped")) == found["skipped"]
			code = 1 if found["failure"] else 3 if found["error"] else 0
			assert code == int(sys.argv[2]), (code, sys.argv[2])
		PY
	done
	[[ $status -eq 1 ]]
}

@test "TAP: a plan, numbered points, reasons for skips, details as YAML" {
	put /run/systemd/system/captured ''
	local args
	for args in '' '-p server --connections 60000 --port 9' '--fail-on warn'; do
		# shellcheck disable=SC2086 # words
		runup --root "$host" check -o tap $args
		"$PYTHON" - "$BATS_TEST_TMPDIR/stdout" "$status" <<-'PY' || show 'not what the exit code says'
			import json, re, sys
			lines = open(sys.argv[1]).read().splitlines()
			assert lines[0] == "TAP version 14"
			plan = int(lines[1].removeprefix("1.."))
			points, bad, inside = 0, [], False
			for line in lines[2:]:
			    if line in ("  ---", "  ..."):
			        inside = line == "  ---"
			    elif inside:
			        name, value = re.fullmatch(r'  ([a-z]+): (".*")', line).groups()
			        json.loads(value)
			        if name == "status" and bad and bad[-1] is None:
			            bad[-1] = json.loads(value)
			    else:
			        ok, number, rest = re.fullmatch(r"(ok|not ok) (\d+) - (.*)", line).groups()
			        points += 1
			        assert int(number) == points
			        if " # SKIP" in rest:
			            assert ok == "ok" and rest.split(" # SKIP")[1].strip()
			        elif ok == "not ok" and " # TODO" not in rest:
			            bad.append(None)
			assert points == plan > 20
			code = 3 if bad and all(s == "unknown" for s in bad) else 1 if bad else 0
			assert code == int(sys.argv[2]), (code, sys.argv[2], bad)
		PY
	done
	[[ $status -eq 1 ]]
}

@test "no line of text is wider than 80 columns" {
	local h
	for h in "$RUNUP_SOURCE"/tests/fixtures/hosts/* /; do
		if [[ $h == / ]]; then
			runup check -v "${load[@]}"
		else
			runup --root "$h" check -v -p server --connections 60000 --port 8080
		fi
		awk -v h="$h" 'length > 80 { print h ": " $0; bad = 1 } END { exit bad }' "$BATS_TEST_TMPDIR/stdout" || show 'too wide'
	done
	runup explain
	awk 'length > 80 { print; bad = 1 } END { exit bad }' "$BATS_TEST_TMPDIR/stdout" || show 'too wide'
}

@test "--process finds a server by name; several that are none of each other's are listed" {
	cp "$(command -v sleep)" "$BATS_TEST_TMPDIR/runup-t-server"
	start_background one "$BATS_TEST_TMPDIR/runup-t-server" 60
	one=$background_pid
	wait_until 5 grep -q runup-t-server "/proc/$one/comm"
	runup check --process runup-t-server --only limits.nofile -o json
	assert_exit 0
	assert_json check
	assert_json_is 'd["load"]["pid"]' "$one"
	assert_json_is 'd["load"]["process"]' runup-t-server
	assert_json_is "d[\"findings\"][0][\"subject\"].startswith('process $one ')" true
	start_background two "$BATS_TEST_TMPDIR/runup-t-server" 60
	two=$background_pid
	wait_until 5 grep -q runup-t-server "/proc/$two/comm"
	runup check --process runup-t-server
	assert_exit 2
	assert_one_error "$one.*$two.*--pid"
	# The command line wins over the profile; two on one line contradict each other.
	p=$(make_profile named <<-'INI'
		[load]
		process = runup-t-server
	INI
	)
	runup check -p "$p" --pid "$two" --only limits.nofile -o json
	assert_exit 0
	assert_json_is 'd["load"]["pid"]' "$two"
	runup check --process runup-t-server --pid "$two"
	assert_exit 2
	assert_one_error 'contradicts itself'
	runup check --process runup-t-none
	assert_exit 2
	runup check --unit runup-t-none
	assert_exit 2
	assert_one_error "unit 'runup-t-none.service'"
}
