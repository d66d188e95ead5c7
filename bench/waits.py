#!/usr/bin/env python3
"""Where a request waits while a machine is busy: a PING to Redis and a look at Nova's liveness, each on a connection of its own.

    waits.py ENDPOINTS [--seconds N]

Both cost the server next to nothing, so what they take is waiting: for a processor, and for what the server does first. Run it
beside `just load`, as root: it then takes a processor when it wants one, and its own waiting is not in it.
"""

import argparse
import json
import os
import pathlib
import socket
import time
import urllib.parse

DEADLINE = 10  # seconds for one answer
PAUSE = 0.003  # seconds between two questions


def connect(url):
    url = urllib.parse.urlsplit(url)
    link = socket.create_connection((url.hostname, url.port), timeout=DEADLINE)
    link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return link, url


def redis(url):
    link, url = connect(url)
    if url.password:
        link.sendall(f"AUTH {urllib.parse.unquote(url.password)}\r\n".encode())
        link.recv(4096)
    return link, b"PING\r\n"


def nova(url):
    link, _ = connect(url)
    return link, b"GET /health/live HTTP/1.1\r\nHost: nova\r\n\r\n"


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("endpoints", type=pathlib.Path)
    arguments.add_argument("--seconds", type=float, default=15)
    given = arguments.parse_args()
    endpoints = json.loads(given.endpoints.read_text())
    try:
        os.nice(-20)
    except PermissionError:
        print("not root: the waiting of this script is in the numbers")
    asked = {"Redis, PING": redis(endpoints["redis"]), "Nova, /health/live": nova(endpoints["admin"])}
    took = {name: [] for name in asked}
    end = time.monotonic() + given.seconds
    while time.monotonic() < end:
        for name, (link, question) in asked.items():
            began = time.perf_counter()
            link.sendall(question)
            if not link.recv(65536):
                raise SystemExit(f"{name}: the connection was closed")
            took[name].append((time.perf_counter() - began) * 1e3)
            time.sleep(PAUSE)
    print(f"milliseconds{'':12}{'mean':>8}{'p50':>8}{'p95':>8}{'p99':>8}{'max':>8}")
    for name, values in took.items():
        values.sort()
        at = [values[len(values) * p // 100] for p in (50, 95, 99)]
        row = [sum(values) / len(values), *at, values[-1]]
        print(f"{name:24}" + "".join(f"{value:8.2f}" for value in row))


if __name__ == "__main__":
    main()
