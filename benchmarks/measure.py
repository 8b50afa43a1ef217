"""Measuring one server: redis-benchmark with the server's own CPU time beside it, memory per key, start-up time."""

from __future__ import annotations

import re
import subprocess
from dataclasses import dataclass

from tests.servers import Server
from tests.wire import Connection

KEYSPACE = 100_000
_CHUNK = 500


@dataclass(frozen=True)
class Test:
    """One line of the comparison: redis-benchmark's arguments, and what the database must hold before."""

    name: str
    arguments: tuple[str, ...]
    fill: str = ""  # "list", "set", "zset" (one member a request), or "list100"


# The tests of redis-benchmark's own list that the goal counts, in its order.
TESTS = (
    Test("SET", ("-t", "set")),
    Test("GET", ("-t", "get"), "strings"),
    Test("INCR", ("-t", "incr")),
    Test("LPUSH", ("-t", "lpush")),
    Test("RPUSH", ("-t", "rpush")),
    Test("LPOP", ("-t", "lpop"), "list"),
    Test("RPOP", ("-t", "rpop"), "list"),
    Test("SADD", ("-t", "sadd")),
    Test("HSET", ("-t", "hset")),
    Test("SPOP", ("-t", "spop"), "set"),
    Test("ZADD", ("-t", "zadd")),
    Test("ZPOPMIN", ("-t", "zpopmin"), "zset"),
    Test("LRANGE_100", ("LRANGE", "mylist", "0", "99"), "list100"),
    Test("MSET", ("-t", "mset")),
)


@dataclass(frozen=True)
class Sample:
    """One run: requests a second, latencies in milliseconds, the server's CPU time per request in microseconds."""

    rps: float
    p50_ms: float
    p99_ms: float
    p999_ms: float
    cpu_us: float


class BenchmarkFailed(Exception):
    """redis-benchmark did not do what it was told."""


def fill(server: Server, kind: str, count: int) -> None:
    """Empty the server and put in what a test needs."""
    with Connection(server.port, timeout=120) as connection:
        connection.call("FLUSHALL SYNC")
        if kind == "list100":
            count = 500
        for start in range(0, count if kind else 0, _CHUNK):
            names = [b"element:%012d" % number for number in range(start, min(count, start + _CHUNK))]
            if kind == "strings":
                words = [b"MSET"] + [part for name in names for part in (b"key:" + name[8:], b"xxx")]
            elif kind == "set":
                words = [b"SADD", b"myset", *names]
            elif kind == "zset":
                words = [b"ZADD", b"myzset"]
                for name in names:
                    words += [name[8:], name]
            else:
                words = [b"RPUSH", b"mylist"] + [b"xxx"] * len(names)
            connection.call(words)


def run(server: Server, test: Test, program: str, pipeline: int, requests: int, clients: int = 50) -> Sample:
    """Run one test of redis-benchmark against a server that was filled for it."""
    fill(server, test.fill, requests if test.fill != "strings" else KEYSPACE)
    words = [program, "-p", str(server.port), "-n", str(requests), "-c", str(clients), "-P", str(pipeline)]
    words += ["-r", str(KEYSPACE), *test.arguments]
    before = server.cpu_s()
    done = subprocess.run(words, capture_output=True, text=True, timeout=300)
    cpu_s = server.cpu_s() - before
    return parse(done.stdout, cpu_s * 1e6 / requests)


def parse(output: str, cpu_us: float) -> Sample:
    """Read redis-benchmark's report (of one test) into a sample."""
    throughput = re.search(r"throughput summary: ([\d.]+) requests per second", output)
    summary = re.search(r"avg +min +p50 +p95 +p99 +max\s+([\d. ]+)", output)
    if throughput is None or summary is None or "Error" in output:
        raise BenchmarkFailed(output[-2000:])
    p50, p99 = (float(summary[1].split()[place]) for place in (2, 4))
    points = re.findall(r"^([\d.]+)% <= ([\d.]+) milliseconds", output.partition("Cumulative")[0], re.MULTILINE)
    p999 = next(float(ms) for percent, ms in points if float(percent) >= 99.9)
    return Sample(float(throughput[1]), p50, p99, p999, cpu_us)


def memory_per_key(server: Server, kind: str, keys: int) -> float:
    """Resident bytes a key takes in a fresh server: names of 16 bytes, values of 8 bytes or of five short fields."""
    before = server.memory_bytes()
    with Connection(server.port, timeout=120) as connection:
        for start in range(0, keys, _CHUNK):
            numbers = range(start, min(keys, start + _CHUNK))
            if kind == "string":
                connection.call([b"MSET"] + [part for n in numbers for part in (b"key:%012d" % n, b"v%07d" % n)])
            else:
                fields = [b"name", b"value", b"age", b"12345", b"city", b"somewhere", b"a", b"1", b"b", b"2"]
                connection.pipeline([[b"HSET", b"key:%012d" % n, *fields] for n in numbers])
    return (server.memory_bytes() - before) / keys
