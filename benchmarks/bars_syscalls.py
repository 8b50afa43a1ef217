"""The row of the bars about system calls: what a server asks the kernel for without pipelining, counted by strace."""

from __future__ import annotations

import re
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path

from benchmarks.bars_results import Line, Setting
from benchmarks.bars_throughput import PLAIN, Contender, fill, tests_named
from benchmarks.load import LoadFailed
from tests.servers import Server

REQUESTS = 10_000
READS = ("read", "readv", "recvfrom", "recvmsg")
WRITES = ("write", "writev", "sendto", "sendmsg")
WAITS = ("epoll_wait", "epoll_pwait", "epoll_pwait2")
PATIENCE_S = 20.0


def parse(table: str) -> dict[str, int]:
    """The calls by name of what `strace -c` wrote."""
    lines = re.findall(r"^ *[\d.]+ +[\d.]+ +\d+ +(\d+) +(?:\d+ +)?(\w+)$", table, re.MULTILINE)
    return {name: int(calls) for calls, name in lines if name != "total"}


def groups(calls: dict[str, int]) -> dict[str, int]:
    """Reads, writes, waits for events, and all the rest."""
    found = {
        "reads": sum(calls.get(name, 0) for name in READS),
        "writes": sum(calls.get(name, 0) for name in WRITES),
        "waits": sum(calls.get(name, 0) for name in WAITS),
    }
    return {**found, "others": sum(calls.values()) - sum(found.values())}


def _traced(setting: Setting, server: Server, name: str) -> dict[str, int]:
    """Count a server's calls while redis-benchmark sends it one test over 50 connections."""
    (test,) = tests_named(name)
    fill(Contender(server), test, PLAIN, REQUESTS)
    with tempfile.TemporaryDirectory() as folder:
        table = Path(folder, "calls")
        words = ["strace", "-c", "-f", "-o", str(table), "-p", str(server.process.pid)]
        with subprocess.Popen(words, stderr=subprocess.PIPE, text=True) as strace:
            try:
                assert strace.stderr is not None
                if "attached" not in (line := strace.stderr.readline()):
                    raise LoadFailed(f"strace: {line.strip()}")
                load = [setting.redis_benchmark, "-p", str(server.port), "-n", str(REQUESTS), "-c", "50"]
                subprocess.run([*load, *test.arguments], capture_output=True, timeout=600, check=True)
            finally:
                strace.send_signal(signal.SIGINT)
                strace.communicate()
        until = time.monotonic() + PATIENCE_S
        while not table.exists() and time.monotonic() < until:
            time.sleep(0.01)
        return groups(parse(table.read_text()))


def syscalls(setting: Setting) -> list[Line]:
    """System calls for 10,000 GETs and SETs, 50 connections, no pipelining, connecting and hanging up included.

    The aim: one read and one write for every ready client, one wait for a turn, and next to nothing else. So there may
    be a read and a write for each request (and 5 % for connecting and hanging up), no more waits than those, and of
    other calls, which connections and the clock cause, one for ten requests.
    """
    if shutil.which("strace") is None:
        raise ValueError("strace is not here (on Debian: apt install strace)")
    lines = []
    pair = setting.pair()
    try:
        for name in ("GET", "SET"):
            setting.say(f"system calls of {name}")
            theirs, ours = (_traced(setting, server, name) for server in pair.both())
            for what in ("reads", "writes", "waits", "others"):
                most = REQUESTS * (0.1 if what == "others" else 1.05)
                ratio = ours[what] / theirs[what] if theirs[what] else None
                reached = ours[what] <= most
                bar = f"<= {most:,.0f}"
                lines.append(Line(f"{name}: {what}", "calls", ours[what], theirs[what], ratio, bar, reached))
    finally:
        pair.stop()
    return lines
