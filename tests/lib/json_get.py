#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""json_get.py FILE EXPRESSION: evaluate a Python expression over the document, as `d`.

Strings are printed as they are, everything else as JSON: true, null, 72.
"""

import json
import sys


def where(items, **fields):
    """The items whose fields have these values."""
    return [i for i in items if all(i.get(name) == value for name, value in fields.items())]


def one(items, **fields):
    """The only such item; anything else is an error that says what there was."""
    found = where(items, **fields)
    if len(found) != 1:
        raise LookupError(f"{len(found)} items with {fields}, not one, among {items}")
    return found[0]


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        document = json.load(file)
    try:
        value = eval(sys.argv[2], {"where": where, "one": one, "d": document})
    except Exception as error:
        sys.exit(f"json_get: {sys.argv[2]}: {type(error).__name__}: {str(error)[:1000]}")
    print(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))


main()
