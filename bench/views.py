#!/usr/bin/env python3
"""What the views of ClickHouse that refresh themselves cost, each alone, in percent of a processor.

    views.py ENDPOINTS [--seconds N]

For each view: what the threads that refresh it used while all others were stopped, and how long its last refresh took. On a
stack without requests this is what is paid for looking whether there is work. All views are started again in the end, also
those that somebody had stopped; a stack that somebody needs is no place for this.
"""

import argparse
import json
import pathlib
import time

from clickhouse import ClickHouse
from queries import milliseconds, server, spent

REFRESHES = "BgSchPool"  # threads of the server, by name
SETTLES = 3  # seconds until a view that was started is at its pace


def used(process, seconds):
    """Percent of a processor that the refreshing threads take."""
    before = milliseconds(process)
    time.sleep(seconds)
    return spent(before, milliseconds(process), REFRESHES) / 10 / seconds


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("endpoints", type=pathlib.Path)
    arguments.add_argument("--seconds", type=float, default=30)
    given = arguments.parse_args()
    clickhouse = ClickHouse(json.loads(given.endpoints.read_text())["clickhouse"])
    views = clickhouse.ask("SELECT view FROM system.view_refreshes WHERE database = currentDatabase() ORDER BY view")
    process = server()
    try:
        for view in views:
            clickhouse.ask(f"SYSTEM STOP VIEW {view}")
        print(f"{'':24}{'processor, %':>13}{'last refresh, ms':>18}{'rows read':>12}{'written':>10}")
        for view in views:
            clickhouse.ask(f"SYSTEM START VIEW {view}")
            time.sleep(SETTLES)
            percent = used(process, given.seconds)
            [last] = clickhouse.ask(
                "SELECT last_success_duration_ms, read_rows, written_rows FROM system.view_refreshes WHERE view = {view:String}",
                view=view,
            )
            took, read, written = last.split("\t")
            print(f"{view:24}{percent:13.1f}{took:>18}{read:>12}{written:>10}", flush=True)
            clickhouse.ask(f"SYSTEM STOP VIEW {view}")
    finally:
        for view in views:
            clickhouse.ask(f"SYSTEM START VIEW {view}")


if __name__ == "__main__":
    main()
