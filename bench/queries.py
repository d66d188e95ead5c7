#!/usr/bin/env python3
"""What the queries of the read path cost ClickHouse, one after the other, over HTTP with one thread each.

    queries.py ENDPOINTS [--viewers N] [--together N] [--set NAME=VALUE ...] [--rounds N]

`--together N` asks what can be asked for several viewers at once for N of them, and says what that takes for each viewer.
With the settings that Nova sends; `--set` changes one or adds another. `view` is F1 as the parametrised view tells it.
For viewers who follow 40 to 140 users: time until the answer, and processor time of the server for each viewer, split by the thread that
takes the request, which parses, analyses and plans, and those that execute. What the server does besides (recounts, merges,
reading Kafka) is in it: the machine should be idle, and the median of several runs be taken.
"""

import argparse
import json
import pathlib
import time

from clickhouse import ClickHouse

QUERIES = pathlib.Path(__file__).parent.parent / "clickhouse" / "queries"
SERVER = "nova-chdb-server"
SETTINGS = {"max_threads": "1", "merge_tree_coarse_index_granularity": "3"}  # as libs/olap sends them
VIEW = """SELECT post_id, author_id, created_at
FROM feed_recent_follows(viewer = {viewer:UUID}, now = {now:DateTime64(6, 'UTC')},
                         window_hours = {window_hours:UInt32}, max_posts = {max_posts:UInt32})
ORDER BY created_at DESC, UUIDToNum(post_id) DESC"""
PLANS, EXECUTES = "tokio-rt-worker", "ThreadPool"  # threads of it, by name


def server():
    for process in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            if SERVER in (process / "cmdline").read_text().split("\0")[0]:
                return process
        except OSError:
            pass
    raise SystemExit(f"no {SERVER} runs here")


def milliseconds(process):
    """Processor time of each of the server's threads since it began, and its name."""
    used = {}
    for thread in (process / "task").iterdir():
        try:
            spent = int((thread / "schedstat").read_text().split()[0]) / 1e6
            used[thread.name] = spent, (thread / "comm").read_text().strip()
        except OSError:
            pass
    return used


def spent(before, after, name):
    """Of threads of this name that are there yet: some end, and what they did is not known any more."""
    return sum(time - before.get(thread, (0,))[0] for thread, (time, its) in after.items() if its == name)


def array(values):
    return "[" + ",".join(values) + "]"


def closest(clickhouse, viewer, now):
    """The 50 authors whom the viewer interacted with most, and those of them who are followed, as parameters of F3."""
    rows = clickhouse.ask(sql("viewer_interactions"), viewer=viewer, now=now, interaction_days=90)
    rows = sorted((row.split("\t") for row in rows), key=lambda row: -int(row[1]))[:50]
    chosen = {"authors": rows, "followed": [row for row in rows if row[3] == "1"]}
    return {name: array(f"'{row[0]}'" for row in its) for name, its in chosen.items()}


def sql(query):
    return VIEW if query == "view" else (QUERIES / f"{query}.sql").read_text()


def questions(viewer, now, authors):
    """The queries of a ranking and of suggestions, with what they are asked."""
    recent = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(time.time() - 180))
    window = {"viewer": viewer, "now": now}
    return {
        "view": window | {"window_hours": 72, "max_posts": 500},
        "follow_candidates": window | {"window_hours": 72, "max_posts": 500},
        "affinity_candidates": authors | {"now": now, "window_hours": 168, "max_posts": 200},
        "viewer_interactions": window | {"interaction_days": 90},
        "viewer_impressions": window | {"window_hours": 48, "max_posts": 5000},
        "newest_candidates": window | {"since": recent, "authors": "[]", "max_posts": 700},
        "trending_candidates": {
            "now": now, "window_hours": 24, "max_posts": 200, "comment_weight": 2, "share_weight": 3,
        },
        "similar_users_follows": window | {
            "interaction_days": 90, "max_likes": 20, "max_likers": 500, "max_similar": 50, "max_follows": 100, "max_users": 500,
        },
    }  # fmt: skip


def together(asked):
    """What these viewers are asked for one by one, as it is asked for all of them at once."""
    viewers = {"viewers": array(f"'{one['follow_candidates']['viewer']}'" for one in asked)}
    pairs = [
        (author, place, author in one["affinity_candidates"]["followed"])
        for place, one in enumerate(asked, 1)
        for author in one["affinity_candidates"]["authors"].strip("[]").split(",")
        if author
    ]
    authors = {"authors": array(author for author, _, _ in pairs), "places": array(str(place) for _, place, _ in pairs)}
    followed = {"followed": array(str(int(follows)) for _, _, follows in pairs)}
    own = {
        "follow_candidates": viewers,
        "affinity_candidates": viewers | authors | followed,
        "viewer_interactions": viewers,
        "viewer_impressions": viewers,
        "newest_candidates": viewers | authors,
    }
    return {f"{query}_together": asked[0][query] | its for query, its in own.items()}


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("endpoints", type=pathlib.Path)
    arguments.add_argument("--viewers", type=int, default=60)
    arguments.add_argument("--together", type=int, default=1)
    arguments.add_argument("--set", action="append", default=[], metavar="NAME=VALUE")
    arguments.add_argument("--rounds", type=int, default=1)
    given = arguments.parse_args()
    settings = SETTINGS | dict(setting.split("=", 1) for setting in given.set)
    clickhouse = ClickHouse(json.loads(given.endpoints.read_text())["clickhouse"], **settings)
    viewers = clickhouse.ask(
        "SELECT follower_id FROM follows_cdc GROUP BY follower_id HAVING count() BETWEEN 40 AND 140"
        " ORDER BY cityHash64(follower_id) LIMIT {n:UInt32}",
        n=given.viewers,
    )
    if not viewers:
        raise SystemExit("nobody follows 40 to 140 users")
    process, now = server(), time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime())
    asked = [questions(viewer, now, closest(clickhouse, viewer, now)) for viewer in viewers]
    if given.together > 1:
        asked = [together(asked[n : n + given.together]) for n in range(0, len(asked), given.together)]
    print(f"{len(viewers)} viewers; milliseconds\n{'':30}{'p50':>8}{'p95':>8}{'processor':>11}{'planning':>10}{'executing':>11}")
    for query in list(asked[0]) * given.rounds:
        text = sql(query)
        clickhouse.ask(text, **asked[0][query])
        before, took = milliseconds(process), []
        for questioned in asked:
            began = time.perf_counter()
            clickhouse.ask(text, **questioned[query])
            took.append((time.perf_counter() - began) * 1e3)
        after = milliseconds(process)
        took.sort()
        p50, p95 = took[len(took) // 2], took[len(took) * 95 // 100]
        plans, executes = (spent(before, after, name) / len(viewers) for name in (PLANS, EXECUTES))
        print(f"{query:30}{p50:8.1f}{p95:8.1f}{plans + executes:11.1f}{plans:10.1f}{executes:11.1f}")


if __name__ == "__main__":
    main()
