#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Makes the first inputs of the fuzz targets from what the tests have: profiles, recorded hosts.

usage: tests/fuzz/seeds.py FOLDER      FOLDER/TARGET/NAME, as tests/fuzz/fuzz_TARGET.c reads them
"""
import pathlib
import re
import struct
import sys

HERE = pathlib.Path(__file__).resolve().parent
HOSTS = HERE.parent / "fixtures" / "hosts"


def table(source, field):
    """First strings of the rows of a target's table, in order: their index is the first byte."""
    text = (HERE / source).read_text()
    body = text[text.index("} " + field + "[] = {"):]
    return re.findall(r'\{"([^"]+)"', body[: body.index("\n};")])


def messages(path):
    """Netlink messages of a record, as (type, body)."""
    for line in path.read_text().splitlines():
        line = line.split("#")[0].strip()
        if line:
            raw = bytes.fromhex(line)
            yield struct.unpack_from("<H", raw, 4)[0], raw[16:]


def netlink():
    for number, record in enumerate(table("fuzz_netlink.c", "questions")):
        for host in sorted(HOSTS.iterdir()):
            path = host / "netlink" / (record + ".hex")
            if not path.exists():
                continue
            out = bytes([number])
            for kind, body in list(messages(path))[:4]:
                out += struct.pack("<HH", len(body), kind) + body
            yield f"{record}-{host.name}", out


def proc():
    for number, name in enumerate(table("fuzz_proc.c", "readers")):
        for host in sorted(HOSTS.iterdir()):
            path = host / name.lstrip("/")
            if path.is_file():
                yield f"{number:02}-{host.name}", bytes([number]) + path.read_bytes()[:4096]


def host():
    """One file each of another host, laid over the base."""
    base = HOSTS / "conntrack-full"
    names = sorted(str(p.relative_to(base)) for p in base.rglob("*") if p.is_file())
    names.sort(key=lambda n: "/" + n)
    for number, name in enumerate(names[:256]):
        for other in ("vm", "cgroup-v1-quota"):
            path = HOSTS / other / name
            if path.is_file() and path.stat().st_size < 3000:
                data = path.read_bytes()
                yield f"{number:03}-{other}", struct.pack("<BH", number, len(data)) + data


def profile():
    for path in sorted((HERE.parent.parent / "profiles").glob("*.ini")):
        yield path.stem, path.read_bytes()


def main():
    for make in (netlink, proc, host, profile):
        folder = pathlib.Path(sys.argv[1]) / make.__name__
        folder.mkdir(parents=True, exist_ok=True)
        for name, data in make():
            (folder / name).write_bytes(data)


if __name__ == "__main__":
    main()
