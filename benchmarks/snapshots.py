"""Snapshots beside redis-server: what SAVE, BGSAVE's child and loading take, the fork, copied memory, and pauses.

    python -m benchmarks.snapshots [--respd COMMAND] [--redis COMMAND] [--keys N] [--rounds N]

Both servers get the same keys of mixed types. Seconds are CPU seconds of the process (of the child for BGSAVE): they
hardly depend on other load. The pause is the longest wait of a client that asks all the time while the child runs; the
fork, which stands beside it, is part of it.
"""

from __future__ import annotations

import argparse
import random
import shutil
import time
from pathlib import Path
from statistics import median

from benchmarks.contestants import Starter, end_on_sigterm, own_respd
from tests.servers import Server
from tests.wire import encode

PATIENCE_S = 300.0
_BATCH = 500


def commands(keys: int, seed: int = 5) -> list[list[bytes]]:
    """Commands that make `keys` keys: of ten, five strings, two hashes, a list, a set and a sorted set."""
    rng = random.Random(seed)
    words = [b"%016x" % rng.getrandbits(64) for _ in range(1000)]
    texts = [b"the quick brown fox jumps over %d lazy dogs, %d times" % (n, n * n) for n in range(1000)]
    made: list[list[bytes]] = []
    for number in range(keys):
        key = b"key:%012d" % number
        kind = number % 10
        if kind < 2:
            made.append([b"SET", key, words[number % 1000]])
        elif kind < 4:
            made.append([b"SET", key, b"%d" % number])
        elif kind == 4:
            made.append([b"SET", key, texts[number % 1000], b"EX", b"100000"])
        elif kind < 7:
            flat = [
                b"name",
                words[number % 1000],
                b"visits",
                b"%d" % number,
                b"city",
                b"Rome",
                b"a",
                b"1",
                b"b",
                b"2.5",
            ]
            made.append([b"HSET", key, *flat])
        elif kind == 7:
            made.append([b"RPUSH", key, *words[number % 990 : number % 990 + 10]])
        elif kind == 8:
            made.append([b"SADD", key, *(b"%d" % (number * each) for each in range(1, 9))])
        else:
            pairs = [(b"%d.5" % each, words[(number + each) % 1000]) for each in range(8)]
            made.append([b"ZADD", key, *(word for pair in pairs for word in pair)])
    return made


def fill(server: Server, keys: int) -> None:
    """Make the keys, in pipelines."""
    made = commands(keys)
    with server.connect() as connection:
        for start in range(0, keys, _BATCH):
            part = made[start : start + _BATCH]
            connection.send_bytes(b"".join(encode(each) for each in part))
            for _ in part:
                assert connection.read().kind in "+:"


def info(server: Server) -> dict[str, str]:
    """INFO, as a dictionary."""
    with server.connect(timeout=PATIENCE_S) as connection:
        text = connection.ask("INFO everything")
    assert isinstance(text, bytes)
    return dict(line.split(":", 1) for line in text.decode().splitlines() if ":" in line)


def child_seconds(figures: dict[str, str]) -> float:
    """CPU seconds of all children that have ended."""
    return float(figures["used_cpu_sys_children"]) + float(figures["used_cpu_user_children"])


def save(server: Server) -> float:
    """CPU seconds of SAVE."""
    before = server.cpu_s()
    with server.connect(timeout=PATIENCE_S) as connection:
        assert connection.ask("SAVE") == b"OK"
    return server.cpu_s() - before


def bgsave(server: Server) -> tuple[float, float, float, float]:
    """CPU seconds of BGSAVE's child, ms of the fork, MB of copied memory, ms of the longest wait of a client."""
    before = child_seconds(info(server))
    longest = 0.0
    until = time.monotonic() + PATIENCE_S
    with server.connect(timeout=PATIENCE_S) as connection:
        connection.ask("BGSAVE")
        asked = 0
        while time.monotonic() < until:
            started = time.monotonic()
            connection.ask(b"SET", b"asked", b"%d" % asked)
            longest = max(longest, time.monotonic() - started)
            asked += 1
            if asked % 500 == 0:
                text = connection.ask("INFO persistence")
                assert isinstance(text, bytes)
                if b"rdb_bgsave_in_progress:0" in text:
                    break
    figures = info(server)
    assert figures["rdb_last_bgsave_status"] == "ok"
    copied_mb = int(figures["rdb_last_cow_size"]) / 2**20
    return child_seconds(figures) - before, int(figures["latest_fork_usec"]) / 1000, copied_mb, longest * 1000


def load(start: Starter, snapshot: Path) -> float:
    """CPU seconds from the start of a server to the end of loading, less those of a start with nothing to load."""
    seconds = []
    for is_there in (False, True):
        folder = snapshot.parent / "load"
        folder.mkdir(exist_ok=True)
        if is_there:
            shutil.copy(snapshot, folder / "dump.rdb")
        server = start("--dir", str(folder))
        until = time.monotonic() + PATIENCE_S
        while info(server)["loading"] != "0" and time.monotonic() < until:
            time.sleep(0.05)
        seconds.append(server.cpu_s())
        server.stop()
        shutil.rmtree(folder)
    return seconds[1] - seconds[0]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--respd", default=own_respd())
    parser.add_argument("--redis", default="redis-server")
    parser.add_argument("--keys", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    end_on_sigterm()
    starters = [Starter(options.redis), Starter(options.respd)]
    rows: list[dict[str, list[float]]] = [{}, {}]
    try:
        servers = [start() for start in starters]
        for server in servers:
            fill(server, options.keys)
        for _ in range(options.rounds):
            for row, server, start in zip(rows, servers, starters, strict=True):
                row.setdefault("SAVE, CPU s", []).append(save(server))
                child, fork, copied, pause = bgsave(server)
                row.setdefault("BGSAVE's child, CPU s", []).append(child)
                row.setdefault("fork, ms", []).append(fork)
                row.setdefault("copied, MB", []).append(copied)
                row.setdefault("longest wait, ms", []).append(pause)
                row.setdefault("load, CPU s", []).append(load(start, Path(server.directory, "dump.rdb")))
        memory = [server.memory_bytes() / 2**20 for server in servers]
    finally:
        for start in starters:
            start.stop_all()
    print(f"{options.keys} keys, medians of {options.rounds}: redis-server, respd, ratio")
    for name, values in rows[0].items():
        theirs, ours = median(values), median(rows[1][name])
        print(f"{name:24} {theirs:10.2f} {ours:10.2f} {ours / theirs if theirs else 0:8.2f}")
    print(f"{'resident, MB':24} {memory[0]:10.0f} {memory[1]:10.0f} {memory[1] / memory[0]:8.2f}")


if __name__ == "__main__":
    main()
