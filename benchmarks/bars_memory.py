"""Rows of the bars about memory and start-up: bytes a key, what is given back, the time to the first PONG."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from statistics import median

from benchmarks.bars_results import Line, Setting, at_most, limit
from benchmarks.load import Flood, encode, scheduled_s
from tests.servers import Server

CALM_S = 30.0


def _strings(count: int) -> Iterator[bytes]:
    return (encode("SET", f"key:{number:012d}", f"v{number:07d}") for number in range(count))


def _hashes(count: int) -> Iterator[bytes]:
    fields = ("name", "value", "age", "12345", "city", "somewhere", "a", "1", "b", "2")
    return (encode("HSET", f"key:{number:012d}", *fields) for number in range(count))


def _lists(count: int) -> Iterator[bytes]:
    return (encode("RPUSH", f"key:{number:012d}", "value", "12345", "somewhere", "1", "22") for number in range(count))


def _sets(count: int) -> Iterator[bytes]:
    return (encode("SADD", f"key:{number:012d}", "value", "12345", "somewhere", "1", "22") for number in range(count))


def _sorted_set(count: int) -> Iterator[bytes]:
    return (encode("ZADD", "zset", number * 7919 % count, f"member:{number:012d}") for number in range(count))


def _entries(count: int) -> Iterator[bytes]:
    fields = ("name", "value", "age", "12345", "city", "somewhere")
    return (encode("XADD", "stream", "1-*", *fields) for _ in range(count))


KINDS: tuple[tuple[str, Callable[[int], Iterator[bytes]], float], ...] = (
    ("string", _strings, 2.0),
    ("hash of 5", _hashes, 3.0),
    ("list of 5", _lists, 3.0),
    ("set of 5", _sets, 3.0),
    ("member of a sorted set", _sorted_set, 2.5),
    ("entry of a stream", _entries, 3.0),
)


def memory(setting: Setting) -> list[Line]:
    """Growth of the resident memory of a fresh server for each key, of a million."""
    count = setting.amount(1_000_000, 200_000)
    lines = []
    for name, commands, bar in KINDS:
        grown = []
        for start in (setting.start_respd, setting.start_redis):
            setting.say(f"memory: {count} of {name}")
            server = start()
            try:
                before = server.memory_bytes()
                with Flood(server.port) as flood:
                    flood.fill(commands(count))
                grown.append((server.memory_bytes() - before) / count)
            finally:
                server.stop()
        lines.append(at_most(name, "bytes", grown[0], grown[1], bar))
    return lines


def _calm(server: Server) -> int:
    """Resident bytes when they no longer fall."""
    until = time.monotonic() + CALM_S
    least, since = server.memory_bytes(), time.monotonic()
    while time.monotonic() < until and time.monotonic() - since < 3:
        time.sleep(0.2)
        now = server.memory_bytes()
        if now < least * 0.99:
            least, since = now, time.monotonic()
    return server.memory_bytes()


def _in_pieces(command: str, one: Callable[[int], tuple[str | int, ...]], count: int) -> Iterator[bytes]:
    """Commands that put ten members each into one key."""
    for start in range(0, count, 10):
        words = [word for number in range(start, start + 10) for word in one(number)]
        yield encode(command, "big", *words)


def _one_by_one(count: int) -> Iterator[bytes]:
    return (encode("DEL", f"key:{number:012d}") for number in range(count))


def _unlink(_count: int) -> Iterator[bytes]:
    return iter([encode("UNLINK", "big")])


def _big_sorted_set(count: int) -> Iterator[bytes]:
    return _in_pieces("ZADD", lambda number: (number * 7919 % count, f"member:{number:012d}"), count)


def _big_hash(count: int) -> Iterator[bytes]:
    return _in_pieces("HSET", lambda number: (f"field:{number:012d}", f"v{number:07d}"), count)


def _big_list(count: int) -> Iterator[bytes]:
    return _in_pieces("RPUSH", lambda number: (f"value:{number:012d}",), count)


BACK: tuple[tuple[str, Callable[[int], Iterator[bytes]], Callable[[int], Iterator[bytes]]], ...] = (
    ("strings", _strings, _one_by_one),
    ("members of a sorted set", _big_sorted_set, _unlink),
    ("fields of a hash", _big_hash, _unlink),
    ("elements of a list", _big_list, _unlink),
)


def given_back(setting: Setting) -> list[Line]:
    """Resident memory after 5 M keys, or members of one key, were set and then deleted, in megabytes."""
    count = setting.amount(5_000_000, 500_000)
    lines: list[Line] = []
    for name, fill, delete in BACK:
        found = []
        for start in (setting.start_respd, setting.start_redis):
            setting.say(f"given-back: {count} {name}")
            server = start()
            try:
                empty = server.memory_bytes()
                with Flood(server.port) as flood:
                    flood.fill(fill(count))
                    peak = server.memory_bytes()
                    flood.fill(delete(count))
                found.append((empty / 1e6, peak / 1e6, _calm(server) / 1e6))
            finally:
                server.stop()
        ours, theirs = found
        most = round(ours[0] * 1.5 + ours[1] * 0.1, 1)
        if not lines:
            lines.append(at_most("empty", "MB", ours[0], theirs[0]))
        lines.append(at_most(f"{count} {name}", "MB", ours[1], theirs[1]))
        lines.append(limit("all deleted", "MB", ours[2], theirs[2], most))
    return lines


def start(setting: Setting) -> list[Line]:
    """From starting the process to the first PONG: the median of some starts."""
    seconds: dict[bool, list[float]] = {True: [], False: []}
    used: dict[bool, list[float]] = {True: [], False: []}
    for _ in range(setting.amount(15, 7)):
        for is_respd, begin in ((True, setting.start_respd), (False, setting.start_redis)):
            server = begin()
            seconds[is_respd].append(server.start_up_s * 1000)
            used[is_respd].append(scheduled_s(server.process.pid)[0] * 1000)
            server.stop()
    most = 120.0 if setting.build == "compiled" else 150.0
    return [
        limit(f"first PONG, {setting.build}", "ms", median(seconds[True]), median(seconds[False]), most),
        Line("the quickest start", "ms", min(seconds[True]), min(seconds[False])),
        Line("CPU time until then, the least", "ms", min(used[True]), min(used[False])),
    ]
