"""Rows of the bars about pub/sub (fan-out to 100 subscribers) and a sorted set, a list, a stream of a million."""

from __future__ import annotations

import math
import select
import time
from collections.abc import Callable
from random import Random

from benchmarks.bars_results import Line, Setting, at_least, at_most
from benchmarks.load import Flood, LoadFailed, connect, encode, scheduled_s
from tests.servers import Server

SUBSCRIBERS = 100
WINDOW = 32
PATIENCE_S = 60.0


def _fan_out(server: Server, messages: int) -> tuple[float, float]:
    """Publish to 100 subscribers; return messages delivered a second and CPU microseconds for each."""
    message = b"*3\r\n$7\r\nmessage\r\n$7\r\nchannel\r\n$16\r\n" + b"m" * 16 + b"\r\n"
    publish = encode("PUBLISH", "channel", "m" * 16)
    answer = b":%d\r\n" % SUBSCRIBERS
    subscribers = [connect(server.port) for _ in range(SUBSCRIBERS)]
    for sock in subscribers:
        sock.sendall(encode("SUBSCRIBE", "channel"))
        sock.recv(1000)
    publisher = connect(server.port)
    poll = select.epoll()
    sockets = {sock.fileno(): sock for sock in [*subscribers, publisher]}
    for fd in sockets:
        poll.register(fd, select.EPOLLIN)
    buffer = bytearray(1 << 18)
    sent = answered = delivered = 0
    wanted = messages * SUBSCRIBERS * len(message)
    before = scheduled_s(server.process.pid)[0]
    started = time.perf_counter()
    while delivered < wanted or answered < messages * len(answer):
        room = min(messages - sent, WINDOW - (sent - answered // len(answer)))
        if room >= WINDOW // 2 or 0 < room == messages - sent:
            publisher.sendall(publish * room)
            sent += room
        for fd, _ in poll.poll(1.0):
            got = sockets[fd].recv_into(buffer)
            if got == 0:
                raise LoadFailed("the server hung up")
            if fd == publisher.fileno():
                answered += got
            else:
                delivered += got
        if time.perf_counter() - started > PATIENCE_S:
            raise LoadFailed("messages are missing")
    seconds = time.perf_counter() - started
    cpu_s = scheduled_s(server.process.pid)[0] - before
    for sock in sockets.values():
        sock.close()
    poll.close()
    return messages * SUBSCRIBERS / seconds, cpu_s * 1e6 / (messages * SUBSCRIBERS)


def pubsub(setting: Setting) -> list[Line]:
    """One publisher with up to 32 messages under way, 100 subscribers: messages delivered a second."""
    messages = setting.amount(10_000, 3000)
    pair = setting.pair()
    try:
        rates: dict[Server, list[float]] = {pair.respd: [], pair.redis: []}
        costs: dict[Server, list[float]] = {pair.respd: [], pair.redis: []}
        for _ in range(setting.rounds):
            for server in pair.both():
                rate, cpu_us = _fan_out(server, messages)
                rates[server].append(rate)
                costs[server].append(cpu_us)
    finally:
        pair.stop()
    return [
        at_least("delivered", "1/s", rates[pair.respd], rates[pair.redis], 0.9),
        at_most("CPU a delivery", "µs", min(costs[pair.respd]), min(costs[pair.redis])),
    ]


Operation = tuple[str, Callable[[int, Random], bytes], int]
"""A name, what makes a command for a value of so many members, and how many are sent."""


def _timed(server: Server, commands: list[bytes]) -> tuple[float, float]:
    """Send commands; return operations a second, and CPU microseconds each."""
    before = scheduled_s(server.process.pid)[0]
    with Flood(server.port) as flood:
        seconds = flood.run(commands, 50)
    cpu_s = scheduled_s(server.process.pid)[0] - before
    return len(commands) / seconds, cpu_s * 1e6 / len(commands)


def _measure(
    setting: Setting, server: Server, fill: Callable[[int], list[bytes]], size: int, operations: tuple[Operation, ...]
) -> dict[str, tuple[list[float], float]]:
    """Rates of every round, and the least CPU microseconds, of operations on a value of `size` members."""
    with Flood(server.port) as flood:
        flood.fill([encode("FLUSHALL", "SYNC")])
        flood.fill(fill(size))
    found: dict[str, tuple[list[float], float]] = {}
    for name, command, count in operations:
        setting.say(f"{name} of {size}, port {server.port}")
        rates, least = [], float("inf")
        for seed in range(setting.rounds):
            random = Random(seed)
            rate, cpu_us = _timed(server, [command(size, random) for _ in range(count)])
            rates.append(rate)
            least = min(least, cpu_us)
        found[name] = (rates, least)
    return found


def _member(size: int, random: Random) -> str:
    return f"member:{random.randrange(size):08d}"


def _zset_fill(size: int) -> list[bytes]:
    numbers = list(range(size))
    Random(3).shuffle(numbers)
    return [
        encode("ZADD", "zset", *(word for n in numbers[at : at + 50] for word in (n, f"member:{n:08d}")))
        for at in range(0, size, 50)
    ]


ZSET: tuple[Operation, ...] = (
    ("ZADD", lambda size, random: encode("ZADD", "zset", random.randrange(size), _member(size, random)), 20_000),
    ("ZRANK", lambda size, random: encode("ZRANK", "zset", _member(size, random)), 20_000),
    (
        "ZRANGE BYSCORE LIMIT 1000 10",
        lambda size, random: encode(
            "ZRANGE", "zset", random.randrange(size - 2000), "+inf", "BYSCORE", "LIMIT", 1000, 10
        ),
        10_000,
    ),
    ("ZREM", lambda size, random: encode("ZREM", "zset", _member(size, random)), 3000),
)


def zset(setting: Setting) -> list[Line]:
    """ZADD, ZRANK, ZRANGE by score with offset and ZREM on a sorted set of a million members, and of ten thousand.

    A cost that grows as log n is 1.5 times as high with a million members as with ten thousand; but caches miss more
    often in a million. redis-server's skip list grows as log n by its make, so what it grows by is allowed too.
    """
    big, small = setting.amount(1_000_000, 200_000), setting.amount(10_000, 10_000)
    pair = setting.pair()
    try:
        found = {
            (server, size): _measure(setting, server, _zset_fill, size, ZSET)
            for size in (small, big)
            for server in pair.both()
        }
    finally:
        pair.stop()
    lines = []
    for name, _, _ in ZSET:
        ours, theirs = found[pair.respd, big][name], found[pair.redis, big][name]
        lines.append(at_least(name, "1/s", ours[0], theirs[0], 0.6))
    allowed = math.log(big) / math.log(small)
    for name, _, _ in ZSET:
        growth = [found[server, big][name][1] / found[server, small][name][1] for server in (pair.respd, pair.redis)]
        most = max(allowed, growth[1])
        text = f"log n: <= {allowed:.2f}" if growth[1] < allowed else f"<= redis-server's {growth[1]:.2f}"
        lines.append(Line(f"{name} growth {small}-{big}", "", growth[0], growth[1], None, text, growth[0] <= most))
    return lines


def _list_fill(size: int) -> list[bytes]:
    return [
        encode("RPUSH", "list", *(f"element:{n:08d}" for n in range(at, min(size, at + 100))))
        for at in range(0, size, 100)
    ]


def _middle(size: int, random: Random) -> int:
    return size * 2 // 5 + random.randrange(size // 5)


ENDS: tuple[Operation, ...] = (
    ("LPUSH", lambda size, random: encode("LPUSH", "list", "xxx"), 20_000),
    ("RPOP", lambda size, random: encode("RPOP", "list"), 5000),
)


def _range(size: int, random: Random) -> bytes:
    at = _middle(size, random)
    return encode("LRANGE", "list", at, at + 99)


MIDDLE: tuple[Operation, ...] = (
    ("LINDEX", lambda size, random: encode("LINDEX", "list", _middle(size, random)), 10_000),
    ("LRANGE of 100", _range, 5000),
    (
        "LINSERT",
        lambda size, random: encode("LINSERT", "list", "BEFORE", f"element:{_middle(size, random):08d}", "new"),
        50,
    ),
)


def list_(setting: Setting) -> list[Line]:
    """LPUSH and RPOP on a list of a million elements and of ten thousand; LINDEX, LRANGE and LINSERT in the middle."""
    big, small = setting.amount(1_000_000, 200_000), 20_000
    pair = setting.pair()
    try:
        few = {server: _measure(setting, server, _list_fill, small, ENDS) for server in pair.both()}
        many = {server: _measure(setting, server, _list_fill, big, MIDDLE + ENDS) for server in pair.both()}
    finally:
        pair.stop()
    lines = []
    for name, _, _ in ENDS:
        lines.append(at_least(name, "1/s", many[pair.respd][name][0], many[pair.redis][name][0]))
        growth = [many[server][name][1] / few[server][name][1] for server in (pair.respd, pair.redis)]
        lines.append(
            Line(f"{name} growth {small}-{big}", "", growth[0], growth[1], None, "<= 1.5 (O(1))", growth[0] <= 1.5)
        )
    for name, _, _ in MIDDLE:
        lines.append(
            at_most(f"{name} in the middle", "µs CPU", many[pair.respd][name][1], many[pair.redis][name][1], 3)
        )
    return lines


FIELDS = ("name", "value", "age", "12345", "city", "somewhere")


def _stream_fill(size: int) -> list[bytes]:
    return [encode("XADD", "stream", "1-*", *FIELDS) for _ in range(size)]  # over several connections, in any order


def _entry(size: int, random: Random) -> str:
    return f"1-{random.randrange(size)}"


def _range_of(count: int) -> Callable[[int, Random], bytes]:
    return lambda size, random: encode("XRANGE", "stream", _entry(size - count, random), "+", "COUNT", count)


STREAM: tuple[Operation, ...] = (
    ("XRANGE of 10", _range_of(10), 10_000),
    ("XRANGE of 100", _range_of(100), 3000),
    (
        "XREAD of 10",
        lambda size, random: encode("XREAD", "COUNT", 10, "STREAMS", "stream", _entry(size - 10, random)),
        10_000,
    ),
    ("XDEL", lambda size, random: encode("XDEL", "stream", _entry(size, random)), 3000),
    ("XADD", lambda size, random: encode("XADD", "stream", "*", *FIELDS), 20_000),
    ("XADD MAXLEN ~", lambda size, random: encode("XADD", "stream", "MAXLEN", "~", size, "*", *FIELDS), 20_000),
    ("XTRIM of one entry", lambda size, random: encode("XTRIM", "stream", "MAXLEN", size + random.randrange(99)), 5000),
)


def stream(setting: Setting) -> list[Line]:
    """Adding to, reading, deleting from and trimming a stream of a million entries, and one of ten thousand."""
    big, small = setting.amount(1_000_000, 200_000), 10_000
    pair = setting.pair()
    try:
        found = {
            (server, size): _measure(setting, server, _stream_fill, size, STREAM)
            for size in (small, big)
            for server in pair.both()
        }
    finally:
        pair.stop()
    lines = []
    for name, _, _ in STREAM:
        ours, theirs = found[pair.respd, big][name][1], found[pair.redis, big][name][1]
        lines.append(at_most(name, "µs CPU", ours, theirs, 1.25))
    for name, _, _ in STREAM:
        growth = [found[server, big][name][1] / found[server, small][name][1] for server in (pair.respd, pair.redis)]
        most = max(2.0, growth[1])
        text = f"<= {most:.2f} (log n)"
        lines.append(Line(f"{name} growth {small}-{big}", "", growth[0], growth[1], None, text, growth[0] <= most))
    return lines
