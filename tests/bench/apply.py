#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""apply.py BUILD [ROUNDS]: time an apply of thirty settings, a second one, and the rollback.

In a network namespace of its own: `unshare -n`, as bench.sh runs it. Where the state folder is in
memory an fsync costs nothing, so that is what an apply takes beyond those that it asks for; on disk
their cost is measured beside it. Figures to look at, nothing is judged by them.
"""

import os
import shutil
import statistics
import sys
import tempfile
import time

from bench import spawn

APPLY_MS = 10  # beyond its fsyncs
AGAIN_MS = 8  # with nothing to do


def fsyncs(folder):
    """Seconds of what an apply asks of the disk: the journal, and its name in the folder."""
    where = os.open(folder, os.O_RDONLY)
    path = os.path.join(folder, "fsync")
    fd = os.open(path, os.O_WRONLY | os.O_CREAT, 0o600)
    os.write(fd, b"x" * 8192)
    start = time.perf_counter()
    os.fsync(fd)
    os.fsync(where)
    took = time.perf_counter() - start
    os.close(fd)
    os.close(where)
    os.unlink(path)
    return took


def turn(runup, state, null, times, kind):
    profile = os.path.abspath("tests/crash/thirty.ini")
    # A folder that is there: making it is for the first apply of a host.
    os.environ["RUNUP_STATE_DIR"] = state
    for name, argv in (("apply", ["apply", profile]), ("second apply", ["apply", profile]), ("rollback", ["rollback"])):
        took, status = spawn([runup, *argv], null)
        if status != 0:
            sys.exit(f"bench: runup {' '.join(argv)}: exit status {status}")
        times.setdefault(f"{name}, state {kind}", []).append(took)
    # Rollbacks look at older changesets; a host has few.
    shutil.rmtree(os.path.join(state, "changesets"))
    os.mkdir(os.path.join(state, "changesets"), 0o700)


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 21
    runup = os.path.join(os.path.abspath(sys.argv[1]), "runup")
    null = os.open("/dev/null", os.O_RDWR)
    times = {}
    with tempfile.TemporaryDirectory(dir="/dev/shm") as memory, tempfile.TemporaryDirectory() as disk:
        for folder in (memory, disk):
            os.makedirs(os.path.join(folder, "state/changesets"), 0o700)
            os.chmod(os.path.join(folder, "state"), 0o700)
        for _ in range(rounds + 2):
            turn(runup, os.path.join(memory, "state"), null, times, "in memory")
            turn(runup, os.path.join(disk, "state"), null, times, "on disk")
            times.setdefault("two fsyncs", []).append(fsyncs(disk))
            times.setdefault("runup --version", []).append(spawn([runup, "--version"], null)[0])

    yardstick = statistics.median(times["runup --version"])
    limits = {"apply, state in memory": APPLY_MS, "second apply, state in memory": AGAIN_MS,
              "second apply, state on disk": AGAIN_MS}
    print(f"thirty settings, median of {rounds}, in turns")
    for name, taken in times.items():
        median = statistics.median(taken[2:])
        aim = f"  (aim: {limits[name]} ms)" if name in limits else ""
        print(f"  {name:<28} {median * 1000:7.2f} ms  {median / yardstick:5.2f} of runup --version{aim}")


if __name__ == "__main__":
    main()
