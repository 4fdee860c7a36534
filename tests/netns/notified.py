#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""notified.py ADDRESS SECONDS COMMAND…: run COMMAND as a service manager would.

Prints each message of the notify socket with the milliseconds since the start, and the exit code.
After SECONDS it sends TERM. ADDRESS is a path or @NAME.
"""

import os
import select
import socket
import subprocess
import sys
import time

address, seconds, command = sys.argv[1], float(sys.argv[2]), sys.argv[3:]
manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
manager.bind("\0" + address[1:] if address.startswith("@") else address)
begin = time.monotonic()


def told(until):
    while (left := until - time.monotonic()) > 0:
        if select.select([manager], [], [], left)[0]:
            passed = int((time.monotonic() - begin) * 1000)
            print(passed, manager.recv(4096).decode().replace("\n", " "), flush=True)


service = subprocess.Popen(
    command, stdout=subprocess.DEVNULL, env=dict(os.environ, NOTIFY_SOCKET=address)
)
told(begin + seconds)
service.terminate()
code = service.wait()
told(time.monotonic() + 0.1)
print("exit", code)
