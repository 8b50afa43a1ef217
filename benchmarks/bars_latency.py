"""Rows of the bars about waiting: latencies at half of peak load while keys expire, and the longest pause."""

from __future__ import annotations

import time
from random import Random
from statistics import median

from benchmarks.bars_results import Line, Pair, Setting, limit
from benchmarks.bars_throughput import PLAIN, Contender, tests_named, throughput
from benchmarks.load import Flood, Latencies, Paced, encode, pieces
from tests.servers import Server

EXPIRING_A_SECOND = 100_000
LIVE = 100_000
PROBES = 20_000
PROBE_RATE = 2000
PAUSE_RATE = 5000
BATCH = 4


def _peak(setting: Setting, pair: Pair) -> float:
    """Requests a second that redis-server answers to redis-benchmark's GET, 50 connections, no pipelining."""
    found = throughput(setting, [Contender(pair.redis)], PLAIN, tests_named("GET"))["GET"][0]
    return median(sample.rps for sample in found)


def _load_expiring(server: Server, keys: int, random: Random) -> float:
    """Put in `keys` keys that expire evenly from a moment on, 100,000 a second; return that moment."""
    start = time.time() + 3 + keys / 60_000
    span_ms = keys * 1000 // EXPIRING_A_SECOND
    with Flood(server.port) as flood:
        flood.fill(encode("SET", f"live:{number:012d}", "v" * 16) for number in range(LIVE))
        flood.fill(
            encode("SET", f"key:{number:012d}", "v" * 16, "PXAT", int(start * 1000) + random.randrange(span_ms))
            for number in range(keys)
        )
    return start


def _spread(rounds: list[Latencies]) -> tuple[float, float, float, float]:
    """The 50th, 99th and 99.9th percentile, and the last with waits for a processor: medians of the rounds."""
    own = [median(seen.percentile(seen.own_ms, percent) for seen in rounds) for percent in (50, 99, 99.9)]
    return own[0], own[1], own[2], median(seen.percentile(seen.ms, 99.9) for seen in rounds)


def latency(setting: Setting) -> list[Line]:
    """GET (four of five) and SET at a fixed rate while 100,000 keys expire each second.

    Both servers get the same load, half of what redis-server can answer without pipelining, most of it in batches of 4
    (so that the generator keeps up); 2000 requests a second come one by one over 50 connections, and these are timed.
    Time in which the server or the generator waited for a processor that other programs had is taken off.
    """
    keys = setting.amount(1_000_000, 300_000)
    random = Random(1)
    requests = []
    for number in range(PROBES):
        if number % 5:
            requests.append(encode("GET", f"key:{random.randrange(keys):012d}"))
        else:
            requests.append(encode("SET", f"live:{random.randrange(LIVE):012d}", "w" * 16))
    load = [data for data, _ in pieces(requests, BATCH)]
    pair = setting.pair()
    try:
        batches = max(1, round(_peak(setting, pair) / 2 / BATCH * Paced.TICK_S))
        rate = round(batches * BATCH / Paced.TICK_S) + PROBE_RATE
        found: dict[Server, list[Latencies]] = {server: [] for server in pair.both()}
        for _ in range(1 if setting.quick else setting.rounds):
            for server in pair.both():
                start = _load_expiring(server, keys, random)
                setting.say(f"latency: {keys} keys loaded, {start - time.time():.1f} s before the first expires")
                time.sleep(max(0.0, start - time.time()))
                with Paced(server.port, server.process.pid, PROBE_RATE, load, batches) as paced:
                    seen = paced.run(requests, keys / EXPIRING_A_SECOND)
                with server.connect() as connection:
                    left = connection.ask("DBSIZE")
                setting.say(f"latency: {left} keys left; the generator was late by {seen.late_ms:.1f} ms")
                found[server].append(seen)
    finally:
        pair.stop()
    ours, theirs = _spread(found[pair.respd]), _spread(found[pair.redis])
    ratio = ours[1] / theirs[1] if theirs[1] else 0.0
    return [
        Line("requests a second", "req/s", rate, rate),
        Line("p50", "ms", ours[0], theirs[0], ours[0] / theirs[0] if theirs[0] else None),
        Line("p99", "ms", ours[1], theirs[1], ratio, "<= 1.5", ratio <= 1.5),
        limit("p99.9", "ms", ours[2], theirs[2], 10),
        Line("p99.9 with waits for a processor", "ms", ours[3], theirs[3]),
    ]


def _mixed(keys: int, random: Random) -> list[bytes]:
    """A mix of reads and writes of all kinds, over the loaded keys and some of its own."""
    requests = []
    for number in range(PROBES):
        key = f"key:{random.randrange(keys):012d}"
        some = random.randrange(2000)
        requests.append(
            (
                encode("GET", key),
                encode("SET", key, f"value:{number}"),
                encode("GET", key),
                encode("INCR", f"counter:{some}"),
                encode("DEL", key),
                encode("SET", key, "back again", "PX", 1 + some),
                encode("LPUSH", f"list:{some}", "a", "b"),
                encode("RPOP", f"list:{some}"),
                encode("HSET", f"hash:{some}", f"field:{number % 50}", "value"),
                encode("HGETALL", f"hash:{some}"),
                encode("SADD", f"set:{some}", f"member:{number}"),
                encode("SPOP", f"set:{some}"),
                encode("ZADD", "zset", random.randrange(100_000), f"member:{random.randrange(100_000)}"),
                encode("ZRANGEBYSCORE", "zset", random.randrange(100_000), "+inf", "LIMIT", 0, 10),
                encode("SCAN", random.randrange(keys), "COUNT", 20),
                encode("EXPIRE", key, 5),
            )[number % 16]
        )
    return requests


def pauses(setting: Setting) -> list[Line]:
    """The longest wait for a reply under a mixed load, with 5 M keys (10 minutes; with --quick a tenth and 15 s)."""
    keys, seconds = setting.amount(5_000_000, 500_000), float(setting.seconds or setting.amount(600, 15))
    found = []
    requests = _mixed(keys, Random(2))
    for start in (setting.start_redis, setting.start_respd):
        server = start()
        try:
            with Flood(server.port) as flood:
                flood.fill(encode("SET", f"key:{number:012d}", f"value:{number}") for number in range(keys))
            setting.say(f"pauses: {keys} keys loaded")
            with Paced(server.port, server.process.pid, PAUSE_RATE) as paced:
                found.append(paced.run(requests, seconds))
        finally:
            server.stop()
    theirs, ours = found
    return [
        limit("longest pause", "ms", max(ours.own_ms), max(theirs.own_ms), 20),
        Line("longest, with waits for a processor", "ms", max(ours.ms), max(theirs.ms)),
        Line("p99.99", "ms", ours.percentile(ours.own_ms, 99.99), theirs.percentile(theirs.own_ms, 99.99)),
        Line("the generator's own longest delay", "ms", ours.late_ms, theirs.late_ms),
    ]
