#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# The network checks on what no test machine is: copies of a captured host, changed in one place.

load ../lib/runup

setup() {
	host=$BATS_TEST_TMPDIR/host
	cp -r "$RUNUP_SOURCE/tests/fixtures/hosts/vm" "$host"
	chmod -R u+w "$host"
}

# Replaces bytes of a record; what is not there would make the test say nothing.
patch_record() { # RECORD FROM TO
	grep -q "$2" "$host/netlink/$1.hex"
	sed -i "s/$2/$3/" "$host/netlink/$1.hex"
}

# The one device of the record supports these link modes.
able_of() { # RECORD NAME…
	"$PYTHON" - "$host/netlink/$1.hex" "${@:2}" <<-'PY'
		import struct, sys
		def attribute(kind, payload):
		    data = struct.pack("<HH", 4 + len(payload), kind) + payload
		    return data + bytes(-len(data) % 4)
		path, *names = sys.argv[1:]
		line = open(path).read().splitlines()[1]
		message = bytes.fromhex(line)
		bits = b"".join(attribute(0x8001, attribute(1, struct.pack("<I", i)) + attribute(2, n.encode() + b"\0"))
		                for i, n in enumerate(names))
		# ETHTOOL_A_LINKMODES_OURS { SIZE, BITS { BIT { INDEX, NAME } … } }
		message += attribute(0x8003, attribute(2, struct.pack("<I", 121)) + attribute(0x8003, bits))
		open(path, "w").write((struct.pack("<I", len(message)) + message[4:]).hex() + "\n")
	PY
}

put() { # PATH TEXT
	printf '%s\n' "$2" >"$host/$1"
}

judge() { # ID ARGS…
	local id=$1
	shift
	runup --root "$host" check -o json --only "$id" "$@"
	assert_json check
}

assert_finding() { # ID SUBJECT STATUS
	assert_json_is "one(d['findings'], id='$1', subject='$2')['status']" "$3"
}

@test "a captured host keeps quiet without a load" {
	local each
	for each in "$RUNUP_SOURCE"/tests/fixtures/hosts/*; do
		runup --root "$each" check -o json
		assert_json_is '[f["id"] for f in d["findings"] if f["status"] in ("warn", "fail", "unknown")
			and f["id"] not in ("cpu.quota", "conntrack.capacity")]' '[]'
	done
}

@test "a host that was captured without devices: unknown, and nobody needs it" {
	rm "$host"/netlink/{rtnl,genl,ethtool}-*.hex
	judge nic.rings,nic.channels,nic.link,qdisc.default,softnet.steering --connections 10
	assert_exit 0
	assert_json_is 'd["counts"]["unknown"]' 5
	assert_json_is 'd["counts"]["pass"]' 1 # net.core.default_qdisc is a file
	assert_json_is 'all("no record" in f["observed"] for f in d["findings"] if f["status"] == "unknown")' true
}

# Not every kernel has sch_netem, so that a record says it: of eth0's pfifo_fast as RTM_NEWQDISC shows
# it, with netem's kind and options (struct tc_netem_qopt: 1 ms of latency, 1 000 packets).
@test "qdisc.default: a netem that another test left behind, with and without a load" {
	local record=$host/netlink/rtnl-qdisc.hex
	judge qdisc.default
	assert_json_is 'one(d["findings"], subject="eth0")["status"]' pass
	"$PYTHON" - "$record" <<-'PYTHON'
		import struct, sys
		path = sys.argv[1]
		text = open(path).read()
		def attribute(kind, payload):
		    return struct.pack("HH", len(payload) + 4, kind) + payload + b"\0" * (-len(payload) % 4)
		old_kind = attribute(1, b"pfifo_fast\0").hex()
		start = text.index(old_kind)
		options = start + len(old_kind)
		end = options + 2 * 24
		assert text[options:options + 8] == "18000200", text[options:options + 8]
		new = (attribute(1, b"netem\0") + attribute(2, struct.pack("6I", 15625, 1000, 0, 0, 0, 0))).hex()
		assert len(new) == end - start  # the message is as long as before
		open(path, "w").write(text[:start] + new + text[end:])
	PYTHON
	local load
	for load in '' '--connections 10'; do
		# shellcheck disable=SC2086
		judge qdisc.default $load
		assert_json_is 'one(d["findings"], subject="eth0")["status"]' warn
		assert_json_is 'one(d["findings"], subject="eth0")["observed"].startswith("netem, txqueuelen 1000")' true
		assert_json_is '"delays or loses packets on purpose" in one(d["findings"], subject="eth0")["why"]' true
		assert_json_is 'one(d["findings"], subject="eth0")["fix"]' 'tc qdisc del dev eth0 root'
	done
}

@test "nic.rings: a burst against the ring, as far as the card can go" {
	judge nic.rings --burst 2000
	assert_finding nic.rings eth0 pass # 256 of 256: there is no more
	patch_record ethtool-rings 0800020000010000 0800020000100000
	judge nic.rings
	assert_finding nic.rings eth0 pass
	judge nic.rings --burst 256
	assert_finding nic.rings eth0 pass
	judge nic.rings --burst 2000
	assert_finding nic.rings eth0 warn
	assert_json_is 'one(d["findings"], subject="eth0")["fix"]' 'ethtool -G eth0 rx 2000, or in a profile: [nic eth0] rx_ring = >= 2000'
	assert_json_is 'one(d["findings"], subject="eth0")["predicts"]' '["nic.ring"]'
	judge nic.rings --burst 9000
	assert_json_is 'one(d["findings"], subject="eth0")["fix"]' 'ethtool -G eth0 rx 4096, or in a profile: [nic eth0] rx_ring = >= 4096'
}

@test "nic.channels: a free channel for a CPU that has none" {
	judge nic.channels --connections 10
	assert_finding nic.channels eth0 pass # 1 of 1
	patch_record ethtool-channels 0800050001000000 0800050008000000
	judge nic.channels
	assert_finding nic.channels eth0 pass
	judge nic.channels --connections 10
	assert_finding nic.channels eth0 warn
	assert_json_is 'one(d["findings"], subject="eth0")["fix"]' 'ethtool -L eth0 combined 2, or in a profile: [nic eth0] combined_channels = >= 2'
}

@test "nic.link: half duplex and a link that fell back are told" {
	# A gigabit link, full duplex
	patch_record ethtool-linkmodes 08000500ffffffff05000600ff000000 08000500e80300000500060001000000
	judge nic.link
	assert_finding nic.link eth0 pass
	assert_json_is 'one(d["findings"], subject="eth0")["observed"].startswith("1000 Mb/s, full duplex; ")' true
	patch_record ethtool-linkmodes 0500060001000000 0500060000000000
	judge nic.link
	assert_finding nic.link eth0 warn
	patch_record ethtool-linkmodes 0500060000000000 0500060001000000
	patch_record ethtool-linkmodes 08000500e8030000 0800050064000000
	judge nic.link
	assert_finding nic.link eth0 pass # nothing says that it could do more
	able_of ethtool-linkmodes 10baseT/Half TP 1000baseT/Full Autoneg
	judge nic.link
	assert_finding nic.link eth0 warn
	assert_json_is 'one(d["findings"], subject="eth0")["required"]' '1000 Mb/s'
}

@test "nic.link: an offload that somebody switched off" {
	judge nic.link --connections 10
	assert_finding nic.link 'offloads of eth0' pass
	# The last rx-gro of a device is the one of its active set.
	sed -i 's/\(.*\)72782d67726f00/\172782d67727800/' "$host/netlink/ethtool-features.hex"
	judge nic.link
	assert_finding nic.link 'offloads of eth0' pass
	judge nic.link --connections 10
	assert_finding nic.link 'offloads of eth0' warn
	assert_json_is 'one(d["findings"], subject="offloads of eth0")["fix"]' 'ethtool -K eth0 rx-gro on'
}

@test "softnet: lowered below what the kernel begins with" {
	put proc/sys/net/core/netdev_max_backlog 300
	put proc/sys/net/core/netdev_budget 16
	judge softnet.backlog,softnet.budget
	assert_finding softnet.backlog 'backlog of a CPU' warn
	assert_finding softnet.budget 'budget of a round' warn
	assert_json_is 'one(d["findings"], id="softnet.budget")["predicts"]' '["softnet.squeeze"]'
	put proc/net/softnet_stat 'not hexadecimal'
	judge softnet.backlog
	assert_json_is 'd["findings"][0]["status"]' unknown
}

@test "softnet: drops since boot are shown and not judged" {
	put proc/net/softnet_stat '00000010 000003e8 00000002 0 0'
	judge softnet.backlog
	assert_finding softnet.backlog 'backlog of a CPU' pass
	assert_json_is 'd["findings"][0]["observed"]' '1 000 packets, 1 000 dropped since boot'
}

@test "steering: half of RFS, and masks that help nobody" {
	put sys/class/net/eth0/queues/rx-0/rps_flow_cnt 4096
	judge softnet.steering
	assert_finding softnet.steering eth0 warn
	put proc/sys/net/core/rps_sock_flow_entries 32768
	judge softnet.steering
	assert_finding softnet.steering eth0 pass
	put sys/class/net/eth0/queues/rx-0/rps_cpus 00000001,00000000
	judge softnet.steering
	assert_finding softnet.steering eth0 warn
	assert_json_is 'd["findings"][0]["observed"]' '1 receive queue for 2 CPUs, RPS to CPUs 32'
	put sys/class/net/eth0/queues/rx-0/rps_cpus nonsense
	judge softnet.steering
	assert_finding softnet.steering eth0 unknown
}

@test "neighbours: a table that is nearly full, and one that the load would fill" {
	put proc/sys/net/ipv4/neigh/default/gc_thresh2 4
	put proc/sys/net/ipv4/neigh/default/gc_thresh3 5
	judge neigh.table --target 10.0.0.1:80,10.0.0.1:81
	assert_finding neigh.table 'IPv4 neighbours' pass # 3 entries and one more host
	judge neigh.table --target 10.0.0.1:80,10.0.0.2:80
	assert_finding neigh.table 'IPv4 neighbours' warn
	assert_finding neigh.table 'IPv6 neighbours' pass
	judge neigh.table --target "$(printf '10.0.0.%s:80,' 1 2 3 4 5)10.0.0.6:80"
	assert_exit 1
	assert_finding neigh.table 'IPv4 neighbours' fail
	put proc/sys/net/ipv4/neigh/default/gc_thresh2 2
	judge neigh.table
	assert_exit 0
	assert_finding neigh.table 'IPv4 neighbours' warn
}

@test "tcp.memory: now, and for the load's connections" {
	put proc/sys/net/ipv4/tcp_mem '1000 2000 3000'
	put proc/net/sockstat "$(sed -E 's/(TCP: .* mem )[0-9]+/\12500/' "$host/proc/net/sockstat")"
	judge tcp.memory
	assert_finding tcp.memory 'memory now' warn
	put proc/net/sockstat "$(sed -E 's/(TCP: .* mem )[0-9]+/\13000/' "$host/proc/net/sockstat")"
	judge tcp.memory
	assert_finding tcp.memory 'memory now' fail
	put proc/net/sockstat "$(sed -E 's/(TCP: .* mem )[0-9]+/\10/' "$host/proc/net/sockstat")"
	judge tcp.memory --connections 1000 # 2 000 pages: 8 KiB each, 4 and 4 are the smallest
	assert_finding tcp.memory 'memory for the load' pass
	judge tcp.memory --connections 1001
	assert_exit 1
	assert_finding tcp.memory 'memory for the load' fail
	judge tcp.memory --connections 501 --role proxy # both sides
	assert_finding tcp.memory 'memory for the load' fail
}

@test "tcp.buffers and tcp.orphans: what the load's connections come to" {
	put proc/sys/net/ipv4/tcp_mem '1000 2000 36000' # 36 000 pages hold 1 000 x (128 + 16) KiB
	put proc/sys/net/ipv4/tcp_rmem '4096 131072 6291456'
	put proc/sys/net/ipv4/tcp_wmem '4096 16384 4194304'
	judge tcp.buffers --connections 1000
	assert_finding tcp.buffers 'initial buffers of the load' pass
	judge tcp.buffers --connections 1001
	assert_exit 0
	assert_finding tcp.buffers 'initial buffers of the load' warn
	put proc/sys/net/ipv4/tcp_max_orphans 1000
	judge tcp.orphans --connections 1000
	assert_finding tcp.orphans 'orphaned connections' pass
	judge tcp.orphans --connections 1001
	assert_finding tcp.orphans 'orphaned connections' warn
	put proc/net/sockstat "$(sed -E 's/orphan [0-9]+/orphan 250/' "$host/proc/net/sockstat")"
	judge tcp.orphans
	assert_finding tcp.orphans 'orphaned connections' warn
	put proc/net/sockstat "$(sed -E 's/orphan [0-9]+/orphan 249/' "$host/proc/net/sockstat")"
	judge tcp.orphans
	assert_finding tcp.orphans 'orphaned connections' pass
}

@test "ports.usage: too many sockets to list are not broken down, and never a pass" {
	put proc/net/sockstat "$(sed -E 's/ tw [0-9]+/ tw 20000/' "$host/proc/net/sockstat")"
	judge ports.usage
	assert_exit 0
	assert_json_is 'd["findings"][0]["status"]' unknown
	assert_json_is '"not broken down: 20 0" in d["findings"][0]["observed"]' true
	judge ports.usage --role generator --connections 10
	assert_exit 3
	put proc/net/sockstat "$(sed -E 's/ tw [0-9]+/ tw 5000/' "$host/proc/net/sockstat")"
	judge ports.usage --role generator --connections 10
	assert_exit 0
}

@test "conntrack.buckets: a maximum raised without the buckets" {
	put proc/sys/net/netfilter/nf_conntrack_buckets 65536
	put proc/sys/net/netfilter/nf_conntrack_max 2000000
	put proc/sys/net/netfilter/nf_conntrack_count 262144
	judge conntrack.buckets
	assert_finding conntrack.buckets 'chains now' pass
	put proc/sys/net/netfilter/nf_conntrack_count 300000
	judge conntrack.buckets
	assert_finding conntrack.buckets 'chains now' warn
	assert_json_is 'd["findings"][0]["fix"]' 'on the host: sysctl -w net.netfilter.nf_conntrack_buckets=524288'
	rm -r "$host/proc/sys/net/netfilter"
	judge conntrack.buckets
	assert_json_is 'd["findings"][0]["status"]' na
}

@test "udp.buffers: memory of all UDP sockets" {
	put proc/sys/net/ipv4/udp_mem '10 20 30'
	put proc/net/sockstat "$(sed -E 's/(UDP: .* mem )[0-9]+/\120/' "$host/proc/net/sockstat")"
	judge udp.buffers
	assert_finding udp.buffers 'memory of all UDP sockets' warn
	put proc/net/sockstat "$(sed -E 's/(UDP: .* mem )[0-9]+/\131/' "$host/proc/net/sockstat")"
	judge udp.buffers
	assert_exit 1
	assert_finding udp.buffers 'memory of all UDP sockets' fail
}
