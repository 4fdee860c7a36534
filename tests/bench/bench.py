#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""bench.py BUILD [ROUNDS]: time runup against `sysctl -a`.

Absolute times say little on a shared machine: all commands take turns in one session, and what
counts is the ratio of their medians.
"""

import os
import shutil
import statistics
import sys
import time

LIMIT = 0.25  # of `sysctl -a`, for a check with everything on


def commands(build):
    runup = os.path.join(build, "runup")
    load = ["--connections", "10000", "--port", "8080"]
    return {
        "sysctl -a": [shutil.which("sysctl") or sys.exit("bench: no sysctl: make deps"), "-a"],
        "runup --version": [runup, "--version"],
        "runup check": [runup, "check"],
        "runup check, everything on": [runup, "check", "-p", "server", *load, "-o", "json"],
    }


def spawn(argv, null):
    """Seconds from the start of a program to its end, and its exit status."""
    actions = [(os.POSIX_SPAWN_DUP2, null, fd) for fd in (0, 1, 2)]
    start = time.perf_counter()
    pid = os.posix_spawn(argv[0], argv, os.environ, file_actions=actions)
    _, status = os.waitpid(pid, 0)
    return time.perf_counter() - start, os.waitstatus_to_exitcode(status)


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 41
    os.environ["RUNUP_PROFILE_DIR"] = os.path.abspath("profiles")
    table = commands(os.path.abspath(sys.argv[1]))
    times = {name: [] for name in table}
    null = os.open("/dev/null", os.O_RDWR)
    for turn in range(rounds + 2):
        for name, argv in table.items():
            took, status = spawn(argv, null)
            # A check may find things or not be able to tell; a usage error measures nothing.
            if status < 0 or status == 2 or status > 3:
                sys.exit(f"bench: {' '.join(argv)}: exit status {status}")
            if turn >= 2:  # the first turns fill caches
                times[name].append(took)

    yardstick = statistics.median(times["sysctl -a"])
    over = False
    print(f"median of {rounds}, in turns")
    for name, taken in times.items():
        median = statistics.median(taken)
        line = f"  {name:<28} {median * 1000:7.2f} ms  {median / yardstick:5.2f} of sysctl -a"
        if name.startswith("runup check"):
            line += f"  (limit {LIMIT})"
            over |= median > LIMIT * yardstick
        print(line)
    return 1 if over else 0


if __name__ == "__main__":
    sys.exit(main())
