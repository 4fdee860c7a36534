#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""powercut.py DISK LOG SEED: what a disk holds after the power failed, written to DISK.

Killing qemu alone loses nothing that the guest has handed to its disk: that is in the host's page
cache. A real disk keeps it in a cache of its own, and loses it. So qemu's blklogwrites driver
records every write and flush (in the format of the kernel's dm-log-writes), and this replays them
onto DISK as it was before: everything up to the last flush, and of what came after it each sector
or none, by a random number, in whatever order: a disk that has not been told to flush owes nothing.

Prints how much there was: "WRITES durable, WRITES in the cache, SECTORS of SECTORS of these kept".
"""

import random
import struct
import sys

MAGIC = 0x6A736677736872
FLUSH, FUA, DISCARD = 1, 2, 4
SECTOR = 512


def entries(log):
    """(flags, first sector, data) of each record that is whole."""
    head = log.read(28)
    if len(head) < 28:
        return
    magic, version, _, size = struct.unpack("<QQQI", head)
    if magic != MAGIC or version != 1:
        sys.exit("powercut.py: this is no log of writes")
    log.seek(size)
    while True:
        head = log.read(size)
        if len(head) < size:
            return
        sector, count, flags, _ = struct.unpack("<QQQQ", head[:32])
        data = b"" if flags & DISCARD else log.read(count * SECTOR)
        if not flags & DISCARD and len(data) < count * SECTOR:
            return
        if not flags and not count:
            return  # behind the last record
        yield flags, sector, data


def main():
    disk, log, seed = sys.argv[1:]
    with open(log, "rb") as file:
        records = list(entries(file))
    flushes = [number for number, record in enumerate(records) if record[0] & FLUSH]
    durable = flushes[-1] if flushes else -1
    rng = random.Random(int(seed))
    written, cached, sectors, kept = 0, 0, 0, 0
    with open(disk, "r+b") as file:
        for number, (flags, sector, data) in enumerate(records):
            certain = number <= durable or flags & FUA
            written, cached = written + certain, cached + (not certain)
            for i in range(0, len(data), SECTOR):
                if not certain:
                    sectors += 1
                    if rng.random() < 0.5:
                        continue
                    kept += 1
                file.seek((sector * SECTOR) + i)
                file.write(data[i : i + SECTOR])
    print(f"{written} durable, {cached} in the cache, {kept} of {sectors} sectors of these kept")


main()
