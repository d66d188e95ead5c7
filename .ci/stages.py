"""Tells what criterion measured, and what a hit allocates (lines on stdin), as tables.

    stages.py CRITERION_DIR [PAGE]

In PAGE what follows the marker is replaced by them.
"""

import json
import pathlib
import sys

MARKER = "<!-- written by `just stages --write` -->\n"
UNITS = [(1e9, "s"), (1e6, "ms"), (1e3, "µs"), (1, "ns")]


def told(nanoseconds):
    size, unit = next(((size, unit) for size, unit in UNITS if nanoseconds >= size), UNITS[-1])
    return f"{nanoseconds / size:.3g} {unit}"


def times(directory):
    yield "| stage | median | 95 % confidence |\n|---|---|---|"
    found = sorted(pathlib.Path(directory).glob("**/new/estimates.json"))
    if not found:
        sys.exit("stages: criterion has measured nothing")
    for file in found:
        name = json.loads(file.with_name("benchmark.json").read_text())["title"]
        median = json.loads(file.read_text())["median"]
        interval = median["confidence_interval"]
        bounds = f"{told(interval['lower_bound'])} – {told(interval['upper_bound'])}"
        yield f"| {name} | {told(median['point_estimate'])} | {bounds} |"


def memory(lines):
    yield "\n| what a hit allocates, page of 20 | blocks | bytes |\n|---|---|---|"
    lines = [line.strip() for line in lines if line.strip()]
    if not lines:
        sys.exit("stages: nothing is known of what a hit allocates")
    for line in lines:
        what, _, numbers = line.partition(": ")
        blocks, _, size = numbers.partition(" blocks, ")
        yield f"| {what} | {int(blocks):,} | {int(size.removesuffix(' bytes')):,} |"


def main():
    tables = "\n".join([*times(sys.argv[1]), *memory(sys.stdin)]) + "\n"
    print(tables, end="")
    for page in map(pathlib.Path, sys.argv[2:]):
        kept, marker, _ = page.read_text().partition(MARKER)
        if not marker:
            sys.exit(f"stages: {page} has no line {MARKER.strip()}")
        page.write_text(f"{kept}{MARKER}\n{tables}")


main()
