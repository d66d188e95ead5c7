#!/usr/bin/env python3
"""Asks a running Nova for first pages, one request after the other on each connection, and says what came.

    drive.py ENDPOINTS hit|miss --seconds N

`hit`: a few viewers, whose feeds are ranked before the clock starts and whose rankings count until it has stopped.
`miss`: each request is of a viewer who was not asked for before, as far as the population goes.

The requests are bytes made beforehand and the answers are not parsed, so that the processor is the server's. Ends with 1
when less than 95 % of the answers are what was asked for, or there were none.
"""

import argparse
import base64
import hashlib
import hmac
import itertools
import json
import multiprocessing
import random
import socket
import sys
import time
import urllib.parse

from clickhouse import ClickHouse

VIEWERS_OF_HITS = 40  # all have to be ranked within a part of the 60 s that a ranking counts
PER_VIEWER = 90  # requests a second: by default one user may ask 100 times
DEADLINE = 10.0  # seconds for one answer


def users(endpoints, at_most):
    """Users who follow somebody, in no order."""
    found = ClickHouse(endpoints["clickhouse"]).ask("SELECT DISTINCT follower_id FROM follows_cdc")
    random.shuffle(found)
    return found[:at_most]


def token(secret, user):
    def part(value):
        return base64.urlsafe_b64encode(value).rstrip(b"=")

    def text(value):
        return part(json.dumps(value, separators=(",", ":")).encode())

    claims = {"sub": user, "exp": int(time.time()) + 3600}
    body = text({"typ": "JWT", "alg": "HS256"}) + b"." + text(claims)
    return (body + b"." + part(hmac.new(secret, body, hashlib.sha256).digest())).decode()


def request(endpoints, user):
    bearer = token(endpoints["auth_secret"].encode(), user)
    head = f"GET /api/v1/feed?limit=20 HTTP/1.1\r\nHost: nova\r\nAuthorization: Bearer {bearer}\r\n\r\n"
    return head.encode()


class Connection:
    def __init__(self, address):
        self.socket = socket.create_connection(address, timeout=DEADLINE)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def ask(self, request):
        """What the answer says of itself: `hit`, `stale`, `miss`, or its status when that is not 200. And its body."""
        self.socket.sendall(request)
        answer = self.socket.recv(1 << 16)
        while b"\r\n\r\n" not in answer:
            more = self.socket.recv(1 << 16)
            if not more:
                raise ConnectionError("the connection was closed")
            answer += more
        head, _, body = answer.partition(b"\r\n\r\n")
        headers = dict(line.split(b": ", 1) for line in head.lower().split(b"\r\n")[1:])
        length = int(headers[b"content-length"])
        while len(body) < length:
            more = self.socket.recv(1 << 16)
            if not more:
                raise ConnectionError("the connection was closed")
            body += more
        status = head.split(b" ", 2)[1].decode()
        return headers[b"x-nova-cache"].decode() if status == "200" else status, body


def drive(address, requests, seconds, results):
    """One connection, one request after the other until the time is up."""
    counts = {}
    connection = Connection(address)
    began = time.monotonic()
    for sent, request in enumerate(itertools.cycle(requests)):
        early = sent / (PER_VIEWER * len(requests)) - (time.monotonic() - began)
        if early > 0:
            time.sleep(early)
        if time.monotonic() - began >= seconds:
            break
        what, _ = connection.ask(request)
        counts[what] = counts.get(what, 0) + 1
    results.put(counts)


def drive_all(address, requests, seconds, connections):
    """Several connections side by side, each with its share of the requests; what came, together."""
    results = multiprocessing.Queue()
    shares = [share for share in (requests[n::connections] for n in range(connections)) if share]
    workers = [
        multiprocessing.Process(target=drive, args=(address, share, seconds, results), daemon=True)
        for share in shares
    ]
    for worker in workers:
        worker.start()
    total = {}
    try:
        for _ in workers:
            for what, count in results.get(timeout=seconds + 2 * DEADLINE).items():
                total[what] = total.get(what, 0) + count
    finally:
        for worker in workers:
            worker.terminate()
    return total


def ranked(address, requests):
    """Those whose feed is ranked now and lacks nothing: one that does counts for a few seconds only."""
    connection = Connection(address)
    kept = []
    for request in requests:
        connection.ask(request)
        what, body = connection.ask(request)
        if what == "hit" and b'"degraded":[]' in body:
            kept.append(request)
    return kept


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("endpoints")
    parser.add_argument("kind", choices=["hit", "miss"])
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--connections", type=int, default=2)
    options = parser.parse_args()
    with open(options.endpoints, encoding="utf-8") as file:
        endpoints = json.load(file)
    url = urllib.parse.urlsplit(endpoints["api"])
    address = (url.hostname, url.port)
    viewers = users(endpoints, VIEWERS_OF_HITS if options.kind == "hit" else 1 << 20)
    requests = [request(endpoints, viewer) for viewer in viewers]
    if options.kind == "hit":
        requests = ranked(address, requests)
        if not requests:
            sys.exit("no feed that lacks nothing could be ranked")
    print("ready", flush=True)
    started = time.monotonic()
    counts = drive_all(address, requests, options.seconds, options.connections)
    took = time.monotonic() - started
    answers = sum(counts.values())
    print(json.dumps({"kind": options.kind, "viewers": len(requests), "seconds": round(took, 1),
                      "answers": counts, "per_second": round(answers / took, 1)}), flush=True)
    if answers == 0 or counts.get(options.kind, 0) < 0.95 * answers:
        sys.exit(f"{options.kind} was asked for, and came in {counts.get(options.kind, 0)} of {answers} answers")


if __name__ == "__main__":
    main()
