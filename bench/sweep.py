#!/usr/bin/env python3
"""How the service levels move with the load: the load test at one rate after the other, on a stack that runs.

    sweep.py ENDPOINTS DIR [--rates 25,50,100,200] [--loadtest BINARY] [-- OPTION ...]

Of each rate of feed reads there are a tenth as many likes and a hundredth as many posts, requests for suggested users and for trending
posts, as in the goals. What is behind `--` goes to the load test. DIR gets each run's report, load.csv with a line for each, and report.json,
so that plot/plot.sh DIR draws it. A run that breaches a service level is a result; one that cannot be done ends the sweep.
"""

import argparse
import csv
import json
import pathlib
import subprocess

PATIENCE = 1_800  # seconds for one run
# What the load test judges, by its names for it.
COLUMNS = {
    "feed hit, p95": "hit_p95_ms",
    "feed miss, p95": "miss_p95_ms",
    "source follow, p95": "follow_p95_ms",
    "source trending, p95": "trending_p95_ms",
    "source affinity, p95": "affinity_p95_ms",
    "suggested users, p95": "suggested_p95_ms",
    "like to visible, p95": "visible_p95_ms",
    "hit rate": "hit_rate",
    "error rate": "error_rate",
}


def run(loadtest, endpoints, rate, directory, options):
    """One run of the load test: its report."""
    rates = {"reads": rate, "likes": rate / 10, "posts": rate / 100, "suggested": rate / 100, "trending": rate / 100}
    command = [loadtest, "--stack", endpoints, "--report", directory]
    for name, value in rates.items():
        command += [f"--{name}", f"{value:g}"]
    directory.mkdir(parents=True, exist_ok=True)
    report = directory / "report.json"
    report.unlink(missing_ok=True)
    with (directory / "table.txt").open("w") as table:
        subprocess.run([*command, *options], stdout=table, timeout=PATIENCE)
    # It ends with 1 also when a level does not hold; then there is a report.
    if not report.exists():
        raise SystemExit(f"{rate:g} reads a second: the load test made no report; see what it says above")
    return json.loads(report.read_text())


def row(rate, report):
    measured = {verdict["name"]: verdict["measured"] for verdict in report["judgement"]["verdicts"]}
    cores = {usage["name"].replace(" ", "_"): usage["cores"] for usage in report["usage"]}
    known = [value for value in cores.values() if value is not None]
    return {
        "reads_per_second": rate,
        **{column: measured[name] for name, column in COLUMNS.items()},
        "misses": report["summary"]["feed"]["misses"],
        "cores": sum(known),
        **{f"cores_{name}": value for name, value in cores.items()},
    }


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("endpoints", type=pathlib.Path)
    arguments.add_argument("directory", type=pathlib.Path)
    arguments.add_argument("--rates", default="25,50,100,150,200", help="feed reads a second, one run each, in this order")
    arguments.add_argument("--loadtest", default="target/release/nova-loadtest", metavar="BINARY")
    given, options = arguments.parse_known_args()
    options = [option for option in options if option != "--"]
    rows = []
    for rate in map(float, given.rates.split(",")):
        report = run(given.loadtest, given.endpoints, rate, given.directory / f"{rate:g}", options)
        rows.append(row(rate, report))
        # After each: a sweep that is ended early has what it did.
        ordered = sorted(rows, key=lambda row: row["reads_per_second"])
        with (given.directory / "load.csv").open("w", newline="") as file:
            table = csv.DictWriter(file, rows[0].keys())
            table.writeheader()
            table.writerows(ordered)
        (given.directory / "report.json").write_text(json.dumps({"curves": ["load"]}))
        said = ", ".join(f"{name} {value:.3g}" for name, value in rows[-1].items() if value is not None)
        print(said, flush=True)


if __name__ == "__main__":
    main()
