# SPDX-License-Identifier: GPL-2.0-or-later
# apply --as: a profile for other hosts, in each of its formats.

load ../lib/runup

formats=(sysctl.d shell ansible kubernetes)
shipped=(server http-server websocket-server proxy generator udp-server low-latency soak)

# Keys that the profile wants, whatever this host has of them.
wanted_keys() { # PROFILE
	runup profiles "$1" -o json
	json_get '" ".join(s["key"] for s in d["profiles"][0]["settings"])'
}

# The YAML on standard input as JSON that json_get reads.
load_yaml() { # FILE
	json=$BATS_TEST_TMPDIR/yaml.json
	"$PYTHON" - "$1" >"$json" <<-'CODE'
		import json, sys, yaml
		json.dump(yaml.safe_load(open(sys.argv[1], encoding="utf-8")), sys.stdout)
	CODE
}

@test "every profile in every format: nothing it wants is dropped without a word" {
	local profile format key keys
	for profile in "${shipped[@]}"; do
		keys=$(wanted_keys "$profile")
		[[ -n $keys ]]
		for format in "${formats[@]}"; do
			runup apply "$profile" --connections 20000 --port 8080 --as "$format"
			assert_exit 0
			refute_err .
			for key in $keys; do
				# A comment wraps, and a path in /proc has slashes for dots.
				tr '/' '.' <"$BATS_TEST_TMPDIR/stdout" | grep -qF -- "${key//\//.}" || show "$key of $profile is not in $format"
			done
			grep -qF 'head-room' "$BATS_TEST_TMPDIR/stdout" || [[ $profile == udp-server ]] || show 'no sum'
		done
	done
	[[ ! -e $BATS_TEST_TMPDIR/state ]]
}

@test "an ordinary user gets the same text, where keys are missing, too" {
	need_root
	share_temp
	local profile=$BATS_TEST_TMPDIR/away.ini
	printf '[sysctl]\nnet.ipv4.not_of_this_kernel = 1\nnet.core.somaxconn = >= 4096\n' >"$profile"
	for format in "${formats[@]}"; do
		runup apply "$profile" --as "$format"
		assert_exit 0
		cp "$BATS_TEST_TMPDIR/stdout" "$BATS_TEST_TMPDIR/by-root"
		run_command setpriv --reuid=65534 --regid=65534 --clear-groups "$RUNUP" apply "$profile" --as "$format"
		assert_exit 0
		refute_err .
		diff <(grep -v '^# Made by' "$BATS_TEST_TMPDIR/by-root") <(grep -v '^# Made by' "$BATS_TEST_TMPDIR/stdout")
		tr '/' '.' <"$BATS_TEST_TMPDIR/stdout" | grep -q net.ipv4.not_of_this_kernel
	done
	# Applying it here is another matter.
	runup apply "$profile" --dry-run
	assert_exit 3
}

@test "the values are the load's, and what cannot be sized is said" {
	runup apply http-server --connections 30000 --as sysctl.d
	assert_exit 0
	assert_out '^net.core.somaxconn = 65536$'
	assert_out '^-net.netfilter.nf_conntrack_tcp_timeout_time_wait = 60$'
	assert_out '^# Wanted: at least 65536'
	refute_out '^-?net.ipv4.ip_local_reserved_ports'
	tr -s '\n# ' ' ' <"$BATS_TEST_TMPDIR/stdout" | grep -qF 'sized by nothing, state --port' || show 'not said'
	runup apply http-server --connections 30000 --port 8080-8082 --as sysctl.d
	assert_out '^-net.ipv4.ip_local_reserved_ports = 8080-8082$'

	local profile
	profile=$(make_profile unsized <<<$'[sysctl]\nnet.core.somaxconn = >= auto')
	runup apply "$profile" --as shell
	assert_exit 2
	assert_no_out
	assert_one_error 'state --connections or --burst'
}

@test "sysctl.d: each line is a key, its value, and nothing else" {
	runup apply proxy --connections 5000 --port 443 --as sysctl.d
	assert_exit 0
	assert_out '^net.ipv4.tcp_tw_reuse = 1$'
	refute_out '^.{81}'
	grep -vE '^(#|$)' "$BATS_TEST_TMPDIR/stdout" >"$BATS_TEST_TMPDIR/lines"
	[[ $(wc -l <"$BATS_TEST_TMPDIR/lines") -eq 10 ]] || show 'not ten lines'
	run grep -vE '^-?net\.[a-z0-9_.]+ = [0-9 ,-]+$' "$BATS_TEST_TMPDIR/lines"
	[[ -z $output ]]
	# A range begins no lower than it may: what it depends on stands before it.
	profile=$(make_profile order <<<$'[sysctl]\nnet.ipv4.ip_local_port_range = 80 65000\nnet.ipv4.ip_unprivileged_port_start = <= 80')
	runup apply "$profile" --as sysctl.d
	[[ $(grep -nE '^net' "$BATS_TEST_TMPDIR/stdout" | head -1) == *unprivileged* ]] || show 'the wrong order'
}

@test "shell: every profile's script passes sh -n and shellcheck" {
	need_command shellcheck
	local profile
	for profile in "${shipped[@]}"; do
		runup apply "$profile" --connections 20000 --port 8080 --as shell
		assert_exit 0
		sh -n "$BATS_TEST_TMPDIR/stdout"
		shellcheck --shell=sh "$BATS_TEST_TMPDIR/stdout"
	done
}

@test "ansible: tasks that keep what a host has more of" {
	runup apply proxy --connections 5000 --port 443 --as ansible
	assert_exit 0
	load_yaml "$BATS_TEST_TMPDIR/stdout"
	assert_json_is 'len(d[0]["loop"])' 10
	assert_json_is 'sorted({t["ansible.posix.sysctl"]["sysctl_file"] for t in d if "ansible.posix.sysctl" in t})' '["/etc/sysctl.d/90-runup-proxy.conf"]'
	# Each task looks at the value that was read for its own key.
	assert_json_is '[t["name"] for t in d if "ansible.posix.sysctl" in t for s in [t["ansible.posix.sysctl"]] if "results[" in s["value"] and d[0]["loop"][int(s["value"].split("results[")[1].split("]")[0])] != s["name"]]' '[]'
	assert_json_is '[t["when"] for t in d if "when" in t and d[0]["loop"][int(t["when"].split("[")[1].split("]")[0])] not in d[0]["failed_when"]]' '[]'
	assert_json_is 'one([t["ansible.posix.sysctl"] for t in d if "ansible.posix.sysctl" in t], name="net.ipv4.tcp_tw_reuse")["value"]' 1
	assert_json_is '"max" in one([t["ansible.posix.sysctl"] for t in d if "ansible.posix.sysctl" in t], name="net.core.somaxconn")["value"]' true
	assert_json_is '[t["community.general.pam_limits"]["value"] for t in d if "community.general.pam_limits" in t]' '["16384"]'
}

@test "ansible: limits of sessions and of units, and no others" {
	profile=$(make_profile limits <<-'INI'
		[rlimit]
		nofile = >= 65536
		memlock = >= 1025
		[rlimit unit:back\\slash]
		nofile = >= 70000
		[rlimit process:nginx]
		nofile = >= 80000
		[listen]
		tcp:8080 = >= 5000
	INI
	)
	runup apply "$profile" --as ansible
	assert_exit 0
	load_yaml "$BATS_TEST_TMPDIR/stdout"
	# limits.conf counts locked memory in KiB.
	assert_json_is '{t["community.general.pam_limits"]["limit_item"]: t["community.general.pam_limits"]["value"] for t in d if "community.general.pam_limits" in t}' '{"nofile": "65536", "memlock": "2"}'
	assert_json_is '[t["ansible.builtin.copy"]["dest"] for t in d if "ansible.builtin.copy" in t][0]' '/etc/systemd/system/back\\slash.service.d/90-runup-limits-nofile.conf'
	assert_json_is '[t["ansible.builtin.copy"]["content"] for t in d if "ansible.builtin.copy" in t]' '["[Service]\nLimitNOFILE=70000\n"]'
	assert_out '^# - rlimit process:nginx/nofile'
	assert_out '^# - listen tcp:8080'
}

@test "kubernetes: the safe subset in the pod, the rest by its owner" {
	runup apply proxy --connections 5000 --port 443 --as kubernetes
	assert_exit 0
	load_yaml "$BATS_TEST_TMPDIR/stdout"
	assert_json_is 'sorted(s["name"] for s in d["spec"]["securityContext"]["sysctls"])' \
		'["net.ipv4.ip_local_port_range", "net.ipv4.ip_local_reserved_ports", "net.ipv4.tcp_syncookies"]'
	assert_json_is '[type(s["value"]).__name__ for s in d["spec"]["securityContext"]["sysctls"] if not isinstance(s["value"], str)]' '[]'
	tr -s '\n# ' ' ' <"$BATS_TEST_TMPDIR/stdout" >"$BATS_TEST_TMPDIR/words"
	grep -qF 'Needs Kubernetes 1.27.' "$BATS_TEST_TMPDIR/words"
	grep -qE 'net.core.somaxconn \([^)]*\): the pod.s own, but not in the safe set' "$BATS_TEST_TMPDIR/words"
	grep -qE 'nf_conntrack_max \([^)]*\): the node.s, for all its pods' "$BATS_TEST_TMPDIR/words"
	grep -qE 'nofile \([^)]*\): no field of a pod' "$BATS_TEST_TMPDIR/words"

	profile=$(make_profile none <<<$'[sysctl]\nvm.swappiness = 10')
	runup apply "$profile" --as kubernetes
	load_yaml "$BATS_TEST_TMPDIR/stdout"
	assert_json_is 'd["spec"]["securityContext"]["sysctls"]' '[]'
}

@test "what a profile holds cannot leave its comment, its word or its string" {
	local dir=$BATS_TEST_TMPDIR/$'a\n touch '"pwned" format
	mkdir -p "$dir"
	cat >"$dir/t'\"\$(touch pwned).ini" <<-'INI'
		[profile]
		summary = it's "$(touch pwned)" `touch pwned` {{ lookup('pipe', 'touch pwned') }}
		[sysctl]
		; ends here? '; touch pwned; " $(touch pwned) {{ 1 }}
		net.ipv4.tcp_congestion_control = x'$(touch_pwned)'"y\
		; a template
		net.core.default_qdisc = {{ lookup('pipe', 'touch pwned') }}
	INI
	cd "$BATS_TEST_TMPDIR"
	for format in "${formats[@]}"; do
		runup apply "$dir/t'\"\$(touch pwned).ini" --as "$format"
		assert_exit 0
		cp stdout "text.$format"
		# No line of it begins with what stood behind a line end.
		refute_out '^ *touch'
	done
	sh -n text.shell
	sh text.shell nothing || [[ $? -eq 2 ]]
	grep -qF "'x'\\''\$(touch_pwned)'\\''\"y\\'" text.shell
	load_yaml text.ansible
	assert_json_is '"|".join(t["ansible.posix.sysctl"]["value"] for t in d if "ansible.posix.sysctl" in t)' "x'\$(touch_pwned)'\"y\\"
	assert_json_is '"lookup" in str(d)' false
	load_yaml text.kubernetes
	[[ ! -e pwned ]]
}

@test "--as: a format that is not known, and options that do not go with it" {
	runup apply server --as puppet
	assert_exit 2
	assert_one_error "--as 'puppet': expected one of sysctl.d, shell, ansible, kubernetes"
	runup apply server --as shell -o json
	assert_exit 2
	assert_one_error 'leave -o out'
	runup apply server --as shell --for 10m
	assert_exit 2
	assert_one_error 'leave --for out'
	runup apply server --as shell --keep-going
	assert_exit 2
	assert_one_error 'leave --keep-going out'
	# The table of formats and the words that help and completion name.
	runup help --tsv
	assert_out $'^option\tapply\t--as\tsysctl.d.shell.ansible.kubernetes'
}

@test "profiles NAME: a line that cannot be told does not hide the others" {
	profile=$(make_profile mixed <<-'INI'
		[sysctl]
		; reason of it
		net.ipv4.not_of_this_kernel = 1
		-net.ipv4.nor_is_this = 1
		net.core.somaxconn = >= auto
		net.ipv4.ip_local_port_range = covers 32768 60999
		[rlimit]
		nofile = >= auto
	INI
	)
	runup profiles "$profile"
	assert_exit 0
	assert_out '^unknown +net.ipv4.not_of_this_kernel'
	assert_out '^missing +net.ipv4.nor_is_this'
	assert_out '^unsized +net.core.somaxconn'
	assert_out '>= auto: state --connections or --burst'
	refute_out '^.{81}'
	runup profiles "$profile" --connections 100000 -o json
	assert_exit 0
	assert_json profiles
	assert_json_is '"not there" in one(d["profiles"][0]["settings"], key="net.ipv4.not_of_this_kernel")["error"]' true
	assert_json_is 'one(d["profiles"][0]["settings"], key="net.ipv4.not_of_this_kernel")["reason"]' 'reason of it'
	assert_json_is 'one(d["profiles"][0]["settings"], key="net.core.somaxconn")["value"]' 131072
	assert_json_is 'one(d["profiles"][0]["settings"], key="net.core.somaxconn")["changes"][0]["before"]' "$(cat /proc/sys/net/core/somaxconn)"
	assert_json_is 'one(d["profiles"][0]["settings"], key="nofile")["changes"]' '[]'
	assert_json_is 'd["resolved_for"]["connections"]' 100000
	runup profiles server -- wrk -c 7000 -d 1s http://127.0.0.1:1/
	assert_exit 0
	assert_out '>= auto, which is 16384'
	runup profiles --connections 5
	assert_exit 2
	assert_one_error 'runup profiles NAME'
}

@test "profiles NAME reads a captured host, too" {
	local host=$RUNUP_SOURCE/tests/fixtures/hosts/vm
	runup --root "$host" profiles server --connections 3000 -o json
	assert_exit 0
	assert_json_is 'd["host"]["captured"]' true
	assert_json_is '[s["error"] for s in d["profiles"][0]["settings"] if s["error"]]' '[]'
	assert_json_is 'one(d["profiles"][0]["settings"], key="net.core.somaxconn")["changes"][0]["before"]' "$(cat "$host/proc/sys/net/core/somaxconn")"
}
