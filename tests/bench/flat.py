#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""flat.py BUILD [ROUNDS [TIME_WAITS]]: what `runup check` costs in a crowded namespace, against an idle one.

The crowd: 2 000 listeners, 200 000 sockets in TIME_WAIT, 500 000 conntrack entries, or as many as
the host's nf_conntrack_max lets in. Both namespaces are checked in turns; what counts is the ratio.
"""

import os
import shutil
import statistics
import subprocess
import sys
import time

LIMIT = 2.0
LISTENERS, TIME_WAITS, ENTRIES = 2000, 200000, 500000


def ip(*args):
    subprocess.run(["ip", *args], check=True)


def make_namespace(name):
    ip("netns", "add", name)
    ip("-n", name, "link", "set", "lo", "up")


def fill(build, name, waits):
    """Starts the crowd in the namespace; the process, and what it says there is."""
    for key in (
        "net.ipv4.ip_local_port_range=10000 60999",
        f"net.ipv4.tcp_max_tw_buckets={waits * 2}",
        "net.ipv4.tcp_tw_reuse=0",
    ):
        subprocess.run(["ip", "netns", "exec", name, "sysctl", "-qw", key], check=True)
    crowd = subprocess.Popen(
        ["ip", "netns", "exec", name, os.path.join(build, "tests/helpers/crowd")]
        + [str(n) for n in (LISTENERS, waits, ENTRIES)],
        stdout=subprocess.PIPE,
        text=True,
    )
    return crowd, crowd.stdout.readline().split()


def check_seconds(build, name, null):
    argv = [os.path.join(build, "runup"), "--netns", name, "check", "-o", "json"]
    actions = [(os.POSIX_SPAWN_DUP2, null, fd) for fd in (0, 1, 2)]
    start = time.perf_counter()
    pid = os.posix_spawn(argv[0], argv, os.environ, file_actions=actions)
    _, status = os.waitpid(pid, 0)
    took = time.perf_counter() - start
    if os.waitstatus_to_exitcode(status) not in (0, 1, 3):
        sys.exit(f"flat: runup check: exit status {os.waitstatus_to_exitcode(status)}")
    return took


def time_waits(name):
    """Sockets in TIME_WAIT at this moment: they last a minute, and a slow host makes them slowly."""
    sockstat = subprocess.run(
        ["ip", "netns", "exec", name, "cat", "/proc/net/sockstat"],
        check=True,
        capture_output=True,
        text=True,
    ).stdout.split()
    return int(sockstat[sockstat.index("tw") + 1])


def measure(build, rounds, waits, idle, crowded):
    crowd, counts = fill(build, crowded, waits)
    try:
        if len(counts) != 3:
            sys.exit("flat: the crowd did not come together")
        times = {idle: [], crowded: []}
        null = os.open("/dev/null", os.O_RDWR)
        for turn in range(rounds + 2):
            for name, taken in times.items():
                took = check_seconds(build, name, null)
                if turn >= 2:  # the first turns fill caches
                    taken.append(took)
        counts[1] = time_waits(crowded)
    finally:
        crowd.kill()
        crowd.wait()
    return counts, statistics.median(times[idle]), statistics.median(times[crowded])


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    if os.geteuid() != 0 or not shutil.which("ip"):
        print("flat cost: not measured: making network namespaces needs root and ip")
        return 0
    build = os.path.abspath(sys.argv[1])
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 21
    waits = int(sys.argv[3]) if len(sys.argv) > 3 else TIME_WAITS
    names = [f"runup-b{os.getpid()}-{kind}" for kind in ("idle", "crowded")]
    try:
        for name in names:
            make_namespace(name)
        start = time.perf_counter()
        counts, idle, crowded = measure(build, rounds, waits, *names)
        took = time.perf_counter() - start
    finally:
        for name in names:
            subprocess.run(["ip", "netns", "del", name], check=False, stderr=subprocess.DEVNULL)
    listeners, waiting, tracked = (f"{int(n):,}".replace(",", " ") for n in counts)
    print(f"flat cost, median of {rounds}, in turns ({took:.0f} s with the crowd's making)")
    print(f"  runup check, idle            {idle * 1000:7.2f} ms")
    print(
        f"  runup check, crowded         {crowded * 1000:7.2f} ms  {crowded / idle:5.2f} of idle"
        f"  (limit {LIMIT:g})"
    )
    print(f"  {listeners} listeners, {waiting} TIME_WAIT, {tracked} conntrack entries")
    if int(counts[2]) < ENTRIES:
        print(f"  (nf_conntrack_max of this host lets no more in than that; {ENTRIES} were asked for)")
    return 1 if crowded > LIMIT * idle else 0


if __name__ == "__main__":
    sys.exit(main())
