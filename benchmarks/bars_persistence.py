"""Rows of the bars about persistence: snapshots and what they cost those who are served; the append-only file."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

from benchmarks.append_log import make_log, options_of, replay, sets
from benchmarks.bars_results import Line, Pair, Setting, at_least, at_most, limit
from benchmarks.load import Flood, LoadFailed, Paced, encode
from benchmarks.snapshots import bgsave, commands, load, save
from tests.servers import Server

PAUSE_RATE = 2000
SAVE_OPTIONS = ("--rdb-save-incremental-fsync", "yes")


def _fill(server: Server, keys: int) -> None:
    with Flood(server.port) as flood:
        flood.fill(encode(*words) for words in commands(keys))


def _longest_pause_ms(server: Server, seconds: float) -> tuple[float, float]:
    """The longest wait for a reply from the moment a snapshot's child is forked, until some time after its end.

    First without the time that server and generator waited for a processor, then with it.
    """
    requests = [encode("SET", f"asked:{number}", number) for number in range(100)]
    with Paced(server.port, server.process.pid, PAUSE_RATE) as paced, server.connect(timeout=60) as connection:
        paced.run(requests, 0.5)
        connection.ask("BGSAVE")
        seen = paced.run(requests, seconds)
        info = connection.ask("INFO persistence")
    if not isinstance(info, bytes) or b"rdb_bgsave_in_progress:0" not in info:
        raise LoadFailed("the snapshot took longer than expected")
    return max(seen.own_ms), max(seen.ms)


def snapshots(setting: Setting) -> list[Line]:
    """A million keys of mixed types: SAVE, BGSAVE's child and loading in CPU seconds; pauses while the child runs."""
    keys = setting.amount(1_000_000, 100_000)
    pair = setting.pair(*SAVE_OPTIONS)
    found: dict[Server, dict[str, list[float]]] = {each: {} for each in pair.both()}
    starters = {pair.redis: setting.start_redis, pair.respd: setting.start_respd}
    try:
        for server in pair.both():
            setting.say(f"filling, port {server.port}")
            _fill(server, keys)
        for _ in range(setting.rounds):
            for server in pair.both():
                setting.say(f"snapshots, port {server.port}")
                figures = found[server]
                figures.setdefault("save", []).append(save(server))
                started = time.monotonic()
                child, fork_ms, copied_mb, _ = bgsave(server)
                took = time.monotonic() - started
                figures.setdefault("child", []).append(child)
                figures.setdefault("fork", []).append(fork_ms)
                figures.setdefault("copied", []).append(copied_mb)
                own_ms, seen_ms = _longest_pause_ms(server, 2 * took + 2)
                figures.setdefault("pause", []).append(own_ms)
                figures.setdefault("seen", []).append(seen_ms)
                figures.setdefault("load", []).append(load(starters[server], Path(server.directory, "dump.rdb")))
    finally:
        pair.stop()

    def least(name: str) -> tuple[float, float]:
        return min(found[pair.respd][name]), min(found[pair.redis][name])

    return [
        at_most("SAVE", "s CPU", *least("save"), 2.5),
        at_most("BGSAVE's child", "s CPU", *least("child"), 2.5),
        at_most("loading", "s CPU", *least("load"), 2.5),
        limit("longest pause besides the fork", "ms", *least("pause"), 30),
        at_most("with waits for a processor", "ms", *least("seen")),
        at_most("the fork", "ms", *least("fork")),
        at_most("copied pages", "MB", *least("copied")),
    ]


def _set(setting: Setting, policy: str) -> list[Line]:
    pair: Pair = setting.pair(*options_of(policy))
    rates: dict[Server, list[float]] = {each: [] for each in pair.both()}
    costs: dict[Server, list[float]] = {each: [] for each in pair.both()}
    try:
        for _ in range(setting.rounds):
            for server in pair.both():
                setting.say(f"SET, {policy}, port {server.port}")
                rps, cpu_us = sets(server, setting.amount(1_000_000, 200_000))
                rates[server].append(rps)
                costs[server].append(cpu_us)
    finally:
        pair.stop()
    return [
        at_least(f"SET -P 16, {policy}", "req/s", rates[pair.respd], rates[pair.redis], 0.8),
        at_most(f"SET -P 16, {policy}", "µs CPU", min(costs[pair.respd]), min(costs[pair.redis])),
    ]


def log(setting: Setting) -> list[Line]:
    """SET with `appendfsync` everysec and always; the rate at which a log of as many mixed commands is loaded."""
    lines = [*_set(setting, "everysec"), *_set(setting, "always")]
    count = setting.amount(1_000_000, 100_000)
    rates: tuple[list[float], list[float]] = ([], [])
    with tempfile.TemporaryDirectory() as folder:
        setting.say("a log to load")
        make_log(setting.start_redis, count, Path(folder))
        for _ in range(setting.rounds):
            for found, start in zip(rates, (setting.start_respd, setting.start_redis)):
                setting.say("loading the log")
                found.append(count / replay(start, Path(folder)))
    lines.append(at_least("loading a log", "commands/s CPU", *rates, 0.5))
    return lines
