"""What redis-benchmark says of a run, and the memory that a key takes."""

from __future__ import annotations

import re
from dataclasses import dataclass

from tests.servers import Server
from tests.wire import Connection

_CHUNK = 500


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


def memory_per_key(server: Server, kind: str, keys: int, together: int = _CHUNK) -> float:
    """Resident bytes a key takes in a fresh server: names of 16 bytes, values of 8 bytes or of five short fields."""
    before = server.memory_bytes()
    with Connection(server.port, timeout=120) as connection:
        for start in range(0, keys, together):
            numbers = range(start, min(keys, start + together))
            if kind == "string":
                connection.call([b"MSET"] + [part for n in numbers for part in (b"key:%012d" % n, b"v%07d" % n)])
            else:
                fields = [b"name", b"value", b"age", b"12345", b"city", b"somewhere", b"a", b"1", b"b", b"2"]
                connection.pipeline([[b"HSET", b"key:%012d" % n, *fields] for n in numbers])
    return (server.memory_bytes() - before) / keys
