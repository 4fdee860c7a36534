#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""latency.py RUNUP NETNS INTERVAL_MS: how long after a first drop its alert is there.

A datagram that no receive buffer has room for is sent at different moments of the interval; what is
measured is the time from there to the line on a pipe. Exit 1 if any took longer than an interval
and 100 ms for the machine.
"""

import json
import os
import select
import socket
import subprocess
import sys
import time

runup, netns, interval = sys.argv[1], sys.argv[2], int(sys.argv[3]) / 1000


def enter():
    """The namespace is this process's from here on: the sockets are made in it."""
    with open(f"/run/netns/{netns}", "rb") as file:
        libc_setns = __import__("ctypes").CDLL(None, use_errno=True).setns
        if libc_setns(file.fileno(), 0x40000000):
            raise OSError(__import__("ctypes").get_errno(), "setns")


def lines(process, until):
    """The whole lines that come until then, with the time each was there."""
    rest = b""
    while time.monotonic() < until:
        ready, _, _ = select.select([process.stdout], [], [], until - time.monotonic())
        if not ready:
            return
        data = os.read(process.stdout.fileno(), 65536)
        if not data:
            return
        *whole, rest = (rest + data).split(b"\n")
        for line in whole:
            yield time.monotonic(), json.loads(line)


def full_receiver():
    receiver = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    receiver.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2304)
    receiver.bind(("127.0.0.1", 0))
    return receiver


def measure(process, offset):
    receiver = full_receiver()
    sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    time.sleep(offset)
    for _ in range(20):
        sender.sendto(b"x" * 1000, receiver.getsockname())
    dropped = time.monotonic()
    for at, line in lines(process, dropped + 5):
        if line["type"] == "alert" and line["cause"] == "udp.receive_buffer":
            return at - dropped
    sys.exit("no alert within 5 s")


def main():
    enter()
    command = [runup, "watch", "-o", "json", "--interval", f"{int(interval * 1000)}ms"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE)
    try:
        for _, line in lines(process, time.monotonic() + 10):
            if line["type"] == "start":
                break
        took = [measure(process, share * interval) for share in (0.1, 0.4, 0.7, 0.95)]
    finally:
        process.terminate()
        process.wait()
    shown = " ".join(f"{t * 1000:.0f}" for t in took)
    print(f"first drop to alert: {shown} ms, interval {interval * 1000:.0f} ms")
    sys.exit(max(took) > interval + 0.1)


main()
