#!/usr/bin/env python3
"""What ClickHouse is asked while a stack works: each kind of query, how often, how long it takes, and what it costs by itself.

    asked.py ENDPOINTS [--seconds N] [--alone]

Reads the requests off the loopback interface, as root, beside `just load`. A kind is the first words of a query's first comment.
`under way`: how many of the kind are under way on average. With --alone what was captured is asked again afterwards, one after the
other, and the processor time of the server for each is said, without what it uses when nobody asks: the load should have ended.
"""

import argparse
import collections
import http.client
import json
import pathlib
import re
import socket
import struct
import time
import urllib.parse

from behind import seconds as used
from queries import server

DEADLINE = 30  # seconds for one answer
SETTLES = 20  # seconds until a stack without load is at rest, nearly
REPEATS = 4  # seconds of asking for each kind
KIND = re.compile(rb"-- ([^\n]{1,60})|(?:SELECT|WITH|INSERT|SYSTEM|KILL)[^\r\n]{1,60}")
LENGTH = re.compile(rb"content-length: (\d+)", re.IGNORECASE)
ETHERNET, IPV4, TO_US = 14, 0x0800, 0  # of a frame: the header's length, what it carries, and that it is received, not sent


def payload(frame):
    """Source port, destination port and bytes of a TCP segment."""
    tcp = ETHERNET + (frame[ETHERNET] & 15) * 4
    source, destination = struct.unpack_from("!HH", frame, tcp)
    return source, destination, frame[tcp + (frame[tcp + 12] >> 4) * 4 :]


def whole(request):
    """Whether these are all bytes of a request."""
    head, _, body = request.partition(b"\r\n\r\n")
    length = LENGTH.search(head)
    return len(body) >= int(length[1]) if length else request.endswith(b"\r\n0\r\n\r\n")


def capture(port, seconds):
    """Requests by kind, and how long each took until the first byte of its answer, seconds."""
    link = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.ntohs(3))
    link.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 64 << 20)
    link.bind(("lo", 0))
    link.settimeout(1)
    begun, found = {}, collections.defaultdict(list)
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            frame, (_, protocol, direction, *_) = link.recvfrom(1 << 17)
        except TimeoutError:
            continue
        if protocol != IPV4 or direction != TO_US:
            continue
        source, destination, data = payload(frame)
        if destination == port and data:
            if data.startswith(b"POST "):
                begun[source] = [time.monotonic(), b""]
            if source in begun:
                begun[source][1] += data
        elif source == port and data and destination in begun:
            at, request = begun.pop(destination)
            kind = KIND.search(request)
            if kind and whole(request):
                name = (kind[1] or kind[0]).decode(errors="replace")
                found[name].append((time.monotonic() - at, request))
    return found


def again(link, request):
    """Sends what was captured, as it was."""
    link.sendall(request)
    with http.client.HTTPResponse(link, method="POST") as answer:
        answer.begin()
        answer.read()
        if answer.status != 200:
            raise SystemExit(f"ClickHouse: {answer.status} {answer.reason}")


def alone(port, found):
    """Milliseconds of processor time for one query of each kind, and the cores in use when nobody asks."""
    pid, costs = server().name, {}
    link = socket.create_connection(("127.0.0.1", port), timeout=DEADLINE)
    time.sleep(SETTLES)
    before, began = used(pid), time.monotonic()
    time.sleep(SETTLES)
    idle = (used(pid) - before) / (time.monotonic() - began)
    for kind, asked in found.items():
        again(link, asked[0][1])
        before, began, done = used(pid), time.monotonic(), 0
        while (passed := time.monotonic() - began) < REPEATS:
            again(link, asked[done % len(asked)][1])
            done += 1
        costs[kind] = (used(pid) - before - idle * passed) * 1e3 / done
    return costs, idle


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("endpoints", type=pathlib.Path)
    arguments.add_argument("--seconds", type=float, default=30)
    arguments.add_argument("--alone", action="store_true")
    given = arguments.parse_args()
    port = urllib.parse.urlsplit(json.loads(given.endpoints.read_text())["clickhouse"]).port
    found = capture(port, given.seconds)
    if not found:
        raise SystemExit(f"nobody asked ClickHouse anything for {given.seconds:.0f} s")
    costs, idle = alone(port, found) if given.alone else ({}, 0)
    print(f"{'a second':>9}{'p50, ms':>9}{'under way':>10}{'processor, ms':>15}{'cores':>7}")
    total = 0
    for kind, asked in sorted(found.items(), key=lambda entry: -len(entry[1])):
        rate, took = len(asked) / given.seconds, sorted(seconds for seconds, _ in asked)
        line = f"{rate:9.2f}{took[len(took) // 2] * 1e3:9.1f}{sum(took) / given.seconds:10.2f}"
        if kind in costs:
            total += rate * costs[kind] / 1e3
            line += f"{costs[kind]:15.1f}{rate * costs[kind] / 1e3:7.3f}"
        else:
            line += " " * 22
        print(f"{line}  {kind}")
    if costs:
        print(f"{total:41.3f} cores for all of them; {idle:.3f} when nobody asks")


if __name__ == "__main__":
    main()
