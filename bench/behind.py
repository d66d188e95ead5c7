#!/usr/bin/env python3
"""How fast the projector works off what is behind it: all likes that Kafka has, read once more.

    behind.py ENDPOINTS BINARY[,NAME=VALUE...]...

For each BINARY in turn: the stack's Nova is stopped, the projector's group is put back to the first like, and the binary runs as
Nova did, with these variables besides, until the projector has done as many likes as Kafka has. Says likes a second, and the
processor time of the server of ClickHouse meanwhile. Name two builds, or one with two settings, several times. In the end Nova is
stopped: the stack is of no more use, take it down.
"""

import argparse
import json
import os
import pathlib
import re
import signal
import subprocess
import time
import urllib.request

GROUP, TOPIC = "nova-projector", "cdc.likes"
COMMAND = "org.apache.kafka.tools.consumer.group.ConsumerGroupCommand"
SERVER = "nova-chdb-server"
PATIENCE = 900  # seconds for one run
DEADLINE = 60  # seconds for one answer of a tool, and until Nova has stopped


def only(program, argument):
    """The process of this program with this argument, and its command line."""
    found = []
    for process in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            line = (process / "cmdline").read_text().split("\0")[:-1]
        except (OSError, UnicodeDecodeError):
            continue
        if line and pathlib.Path(line[0]).name == program and argument in line:
            found.append((int(process.name), line))
    if len(found) != 1:
        raise SystemExit(f"{len(found)} processes are {program} {argument}: one stack has to run, and no other")
    return found[0]


def running(pid):
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def stop(pid):
    os.kill(pid, signal.SIGTERM)
    until = time.monotonic() + DEADLINE
    while running(pid):
        if time.monotonic() > until:
            raise SystemExit(f"process {pid} does not stop")
        time.sleep(0.1)


def seconds(pid):
    """Processor time since it began."""
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def group(kafka, broker, *arguments):
    """What Kafka's own tool answers, run with the broker's class path."""
    java, path = kafka[0], kafka[kafka.index("-cp") + 1]
    command = [java, "-cp", path, COMMAND, "--bootstrap-server", broker, "--group", GROUP, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=DEADLINE, cwd="/")
    if done.returncode != 0 or "Error" in done.stdout:
        raise SystemExit(f"{COMMAND}: {done.stdout}{done.stderr}")
    return done.stdout


def piled_up(kafka, broker):
    """Likes that Kafka has behind the group."""
    rows = [line.split() for line in group(kafka, broker, "--describe").splitlines() if TOPIC in line]
    return sum(int(row[5]) for row in rows)


def done(admin):
    """Likes that the projector has done since it began."""
    try:
        with urllib.request.urlopen(f"{admin}/metrics", timeout=5) as answer:
            text = answer.read().decode()
    except OSError:
        return 0
    found = re.search(rf'^nova_projector_records_total{{topic="{TOPIC}"}} (\S+)$', text, re.M)
    return int(float(found[1])) if found else 0


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("endpoints", type=pathlib.Path)
    arguments.add_argument("binaries", nargs="+", metavar="BINARY")
    given = arguments.parse_args()
    endpoints = json.loads(given.endpoints.read_text())
    clickhouse, _ = only(SERVER, "--listen")
    _, kafka = only("java", "kafka.Kafka")
    nova, line = only("nova", "all")
    home = os.readlink(f"/proc/{nova}/cwd")
    variables = pathlib.Path(f"/proc/{nova}/environ").read_text().split("\0")
    variables = dict(variable.split("=", 1) for variable in variables if "=" in variable)
    stop(nova)
    for wanted in given.binaries:
        binary, *settings = wanted.split(",")
        group(kafka, endpoints["kafka"], "--topic", TOPIC, "--reset-offsets", "--to-earliest", "--execute")
        likes = piled_up(kafka, endpoints["kafka"])
        environment = variables | dict(setting.split("=", 1) for setting in settings)
        with pathlib.Path(f"{given.endpoints}.behind.log").open("a") as log:
            its = subprocess.Popen([binary, *line[1:]], env=environment, cwd=home, stdout=log, stderr=log)
        began, before = time.monotonic(), seconds(clickhouse)
        first = None
        while (count := done(endpoints["admin"])) < likes:
            now = time.monotonic()
            if count and not first:
                first = now, count
            if its.poll() is not None or now - began > PATIENCE:
                raise SystemExit(f"{count} of {likes} likes after {now - began:.0f} s; see {log.name}")
            time.sleep(0.2)
        took = time.monotonic() - (first[0] if first else began)
        rate = (likes - (first[1] if first else 0)) / took
        spent = (seconds(clickhouse) - before) / likes * 1e3
        print(f"{wanted}: {likes:,} likes, {rate:,.0f} a second; ", end="")
        print(f"ClickHouse {spent:.3f} ms of processor time for each", flush=True)
        stop(its.pid)
        its.wait()


if __name__ == "__main__":
    main()
