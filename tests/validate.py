#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Validate runup's JSON against schemas/NAME.schema.json.

    validate.py [--lines] NAME [FILE]      FILE defaults to standard input
    validate.py --examples                 every schema is one, and its example is valid

Says nothing and exits 0 when all is well; else one line per violation, exit 1.
"""

import argparse
import json
import sys
from pathlib import Path

from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError

SCHEMAS = Path(__file__).resolve().parent.parent / "schemas"
COMMON = "common.schema.json"


def read_strictly(text):
    """JSON as RFC 8259 has it: a key twice, NaN or Infinity is an error."""

    def unique(pairs):
        seen = dict(pairs)
        if len(seen) != len(pairs):
            keys = [key for key, _ in pairs]
            twice = sorted({key for key in keys if keys.count(key) > 1})
            raise ValueError(f"the key {', '.join(twice)} is there twice")
        return seen

    def refuse(word):
        raise ValueError(f"{word} is not JSON")

    return json.loads(text, object_pairs_hook=unique, parse_constant=refuse)


def localise(node):
    """Turn references into the common file into local ones.

    How a reference to another file is resolved differs between the versions of jsonschema that
    the distributions carry; a reference inside one document does not.
    """
    if isinstance(node, dict):
        return {
            key: value.removeprefix(COMMON) if key == "$ref" else localise(value)
            for key, value in node.items()
        }
    if isinstance(node, list):
        return [localise(item) for item in node]
    return node


def load_schema(name):
    path = SCHEMAS / f"{name}.schema.json"
    if not path.is_file():
        sys.exit(f"validate.py: no schema '{path}'")
    schema = localise(read_strictly(path.read_text(encoding="utf-8")))
    common = read_strictly((SCHEMAS / COMMON).read_text(encoding="utf-8"))
    schema.setdefault("$defs", {}).update(common["$defs"])
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema)


def violations(validator, text):
    """One line per violation, with the place it is at: "$.findings[3].status: …"."""
    try:
        document = read_strictly(text)
    except ValueError as error:
        return [f"not JSON: {error}: {text[:200]!r}"]
    found = []
    for error in sorted(validator.iter_errors(document), key=lambda e: e.json_path):
        found.append(f"{error.json_path}: {error.message[:400]}")
        found += [f"  {e.json_path}: {e.message[:400]}" for e in error.context or []]
    return found


def example_of(name):
    """A document, or for what prints JSON Lines a document a line."""
    lines = SCHEMAS / "examples" / f"{name}.jsonl"
    return lines if lines.is_file() else lines.with_suffix(".json")


def check_examples():
    found = []
    for path in sorted(SCHEMAS.glob("*.schema.json")):
        name = path.name.removesuffix(".schema.json")
        if path.name == COMMON:
            continue
        try:
            validator = load_schema(name)
        except (SchemaError, ValueError) as error:
            found.append(f"{path.name}: {error}")
            continue
        example = example_of(name)
        if not example.is_file():
            found.append(f"{path.name}: no example 'schemas/examples/{name}.json' or .jsonl")
            continue
        text = example.read_text(encoding="utf-8")
        for document in text.splitlines() if example.suffix == ".jsonl" else [text]:
            found += [f"examples/{example.name}: {v}" for v in violations(validator, document)]
            if not violations(validator, json.dumps(dict(json.loads(document), unheard_of=1))):
                found.append(f"{path.name}: is not strict, an unknown field passes")
    for path in sorted((SCHEMAS / "examples").glob("*.json*")):
        if not (SCHEMAS / f"{path.stem}.schema.json").is_file():
            found.append(f"examples/{path.name}: no schema of that name")
    return found


def main():
    parser = argparse.ArgumentParser(description="Validate runup's JSON against its schemas.")
    parser.add_argument("--lines", action="store_true", help="one document per line")
    parser.add_argument("--examples", action="store_true", help="validate all schemas and examples")
    parser.add_argument("name", nargs="?", help="check, apply, rollback, status, run …")
    parser.add_argument("file", nargs="?", help="default: standard input")
    args = parser.parse_args()

    if args.examples:
        found = check_examples()
    elif not args.name:
        parser.error("which schema?")
    else:
        validator = load_schema(args.name)
        if args.file:
            text = Path(args.file).read_text(encoding="utf-8")
        else:
            text = sys.stdin.read()
        if args.lines:
            lines = [line for line in text.split("\n") if line.strip()]
            found = [] if lines else ["no line at all"]
            for number, line in enumerate(lines, 1):
                found += [f"line {number}: {v}" for v in violations(validator, line)]
        else:
            found = violations(validator, text)
    for line in found:
        print(line, file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
