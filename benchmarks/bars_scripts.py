"""Rows of the bars about scripts: CPU time of EVALSHA with one command, with a thousand, and with none at all."""

from __future__ import annotations

import hashlib
from typing import Final

from benchmarks.bars_results import Line, Setting, at_most
from benchmarks.load import Flood, encode, scheduled_s
from tests.servers import Server

# Name, script, how many times it is run in a round, how many at once, the part of redis-server's rate it must reach.
SCRIPTS: Final = (
    ("one GET", "return redis.call('get', KEYS[1])", 40_000, 16, 0.5),
    ("1,000 GETs", "for i = 1, 1000 do redis.call('get', KEYS[1]) end return 1", 200, 4, 0.5),
    ("1,000 SETs", "for i = 1, 1000 do redis.call('set', KEYS[1], ARGV[1]) end return 1", 100, 4, None),
    ("arithmetic", "local x = 0 for i = 1, 1e6 do x = x + i % 7 * 2 end return x", 10, 1, 0.8),
    ("strings", "local t = {} for i = 1, 1e4 do t[#t + 1] = 'k' .. i end return #table.concat(t, ',')", 100, 1, 0.8),
)


def scripts(setting: Setting) -> list[Line]:
    """Run each script on both servers by turns; of all rounds the one that took least CPU time counts."""
    pair = setting.pair()
    try:
        return [_line(setting, *pair.both(), *one) for one in SCRIPTS]
    finally:
        pair.stop()


def _line(
    setting: Setting, redis: Server, respd: Server, name: str, source: str, count: int, at_once: int, rate: float | None
) -> Line:
    digest = hashlib.sha1(source.encode()).hexdigest().encode()
    call = [b"EVALSHA", digest, b"1", b"key", b"12345"]
    times = max(at_once, setting.amount(count, count // 10))
    least = {redis: float("inf"), respd: float("inf")}
    for _ in range(setting.rounds):
        for server in (redis, respd):
            with server.connect() as connection:
                connection.call([b"SCRIPT", b"LOAD", source.encode()])
                connection.call("SET key 12345")
            least[server] = min(least[server], _cpu_us(server, call, times, at_once))
    bar = None if rate is None else 1 / rate
    return at_most(f"EVALSHA of {name}", "µs CPU", least[respd], least[redis], bar)


def _cpu_us(server: Server, call: list[bytes], times: int, at_once: int) -> float:
    """CPU time of a call, sent so many at once over one connection."""
    flood = Flood(server.port, 1)
    try:
        flood.fill([encode(*call)] * at_once, at_once)
        before = scheduled_s(server.process.pid)[0]
        flood.fill([encode(*call)] * times, at_once)
        return (scheduled_s(server.process.pid)[0] - before) / times * 1e6
    finally:
        flood.close()
