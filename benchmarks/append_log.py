"""The append-only file beside redis-server: what a SET costs with each appendfsync, and what replaying a log takes.

    python -m benchmarks.append_log [--respd COMMAND] [--redis COMMAND] [--requests N] [--rounds N]

SET at -P 16 over 50 connections. Microseconds are CPU time of the server an operation, which hardly depends on other
load; requests a second do, under `always` on the disk too. A log of as many commands is made by redis-server and then
loaded by both.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import tempfile
from pathlib import Path
from statistics import median

from benchmarks.contestants import Starter, end_on_sigterm, own_respd
from benchmarks.measure import parse
from benchmarks.snapshots import PATIENCE_S, commands
from tests.servers import Server
from tests.wire import encode

POLICIES = ("off", "everysec", "always", "no")
_NO_REWRITE = ("--auto-aof-rewrite-percentage", "0", "--aof-use-rdb-preamble", "no")
_BATCH = 500


def options_of(policy: str) -> tuple[str, ...]:
    """The options for one way to log."""
    return () if policy == "off" else ("--appendonly", "yes", "--appendfsync", policy, *_NO_REWRITE)


def sets(server: Server, requests: int) -> tuple[float, float]:
    """Requests a second, and CPU microseconds of the server for each."""
    words = ["redis-benchmark", "-p", str(server.port), "-t", "set", "-P", "16", "-c", "50", "-r", "100000"]
    before = server.cpu_s()
    done = subprocess.run([*words, "-n", str(requests)], capture_output=True, text=True, timeout=PATIENCE_S)
    cpu_us = (server.cpu_s() - before) * 1e6 / requests
    return parse(done.stdout, cpu_us).rps, cpu_us


def make_log(start: Starter, keys: int, folder: Path) -> None:
    """Have redis-server write a log of `keys` commands of many kinds, and keep its directory."""
    server = start(*options_of("no"))
    made = commands(keys)
    with server.connect() as connection:
        for at in range(0, keys, _BATCH):
            part = made[at : at + _BATCH]
            connection.send_bytes(b"".join(encode(each) for each in part))
            for _ in part:
                assert connection.read().kind in "+:"
        connection.ask("CONFIG SET appendonly no")  # all is in the file then
    shutil.copytree(Path(server.directory, "appendonlydir"), folder / "appendonlydir")
    server.stop()


def replay(start: Starter, log: Path) -> float:
    """CPU seconds from the start of a server to the end of loading, less those of a start with nothing to load."""
    seconds = []
    for is_there in (False, True):
        with tempfile.TemporaryDirectory() as folder:
            if is_there:
                shutil.copytree(log / "appendonlydir", Path(folder, "appendonlydir"))
            server = start("--dir", folder, *options_of("no"))
            with server.connect(timeout=PATIENCE_S) as connection:
                while b"\nloading:0" not in bytes(connection.ask("INFO persistence")):  # type: ignore[call-overload]
                    pass
            seconds.append(server.cpu_s())
            server.stop()
    return seconds[1] - seconds[0]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--respd", default=own_respd())
    parser.add_argument("--redis", default="redis-server")
    parser.add_argument("--requests", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    end_on_sigterm()
    starters = [Starter(options.redis), Starter(options.respd)]
    rows: list[dict[str, list[float]]] = [{}, {}]
    try:
        for policy in POLICIES:
            servers = [start(*options_of(policy)) for start in starters]
            for _ in range(options.rounds):
                for row, server in zip(rows, servers, strict=True):
                    rps, cpu_us = sets(server, options.requests)
                    row.setdefault(f"SET -P 16, {policy}, requests/s", []).append(rps)
                    row.setdefault(f"SET -P 16, {policy}, CPU us", []).append(cpu_us)
            for server in servers:
                server.stop()
        with tempfile.TemporaryDirectory() as folder:
            make_log(starters[0], options.requests, Path(folder))
            for _ in range(options.rounds):
                for row, start in zip(rows, starters, strict=True):
                    row.setdefault("replay of as many commands, CPU s", []).append(replay(start, Path(folder)))
    finally:
        for start in starters:
            start.stop_all()
    print(f"{options.requests} requests, medians of {options.rounds}: redis-server, respd, ratio")
    for name, values in rows[0].items():
        theirs, ours = median(values), median(rows[1][name])
        print(f"{name:36} {theirs:12.2f} {ours:12.2f} {ours / theirs if theirs else 0:8.2f}")


if __name__ == "__main__":
    main()
