"""Rows of the bars that redis-benchmark measures: its default list, pipelined, wide, many connections; CPU time."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from functools import partial

from benchmarks import measure
from benchmarks.bars_results import Figures, Line, Pair, Setting, at_least, at_most
from benchmarks.load import Flood, LoadFailed, encode, scheduled_s
from benchmarks.report import geometric_mean
from tests.servers import Server

TIMEOUT_S = 600
BRIEF_REQUESTS = 5000
QUICK_BYTES = 3_000_000  # a request moves no more in a quick run
BYTES_A_RUN = 400_000_000
LIST_LENGTH = 600


@dataclass(frozen=True)
class Test:
    """A test of redis-benchmark's default list: its arguments, what must be there, how many values a request moves."""

    name: str
    arguments: tuple[str, ...]
    fill: str = ""
    values: int = 1


TESTS = (
    Test("PING_INLINE", ("-t", "ping_inline"), values=0),
    Test("PING_MBULK", ("-t", "ping_mbulk"), values=0),
    Test("SET", ("-t", "set")),
    Test("GET", ("-t", "get"), "string"),
    Test("INCR", ("-t", "incr"), values=0),
    Test("LPUSH", ("-t", "lpush")),
    Test("RPUSH", ("-t", "rpush")),
    Test("LPOP", ("-t", "lpop"), "list"),
    Test("RPOP", ("-t", "rpop"), "list"),
    Test("SADD", ("-t", "sadd"), values=0),
    Test("HSET", ("-t", "hset")),
    Test("SPOP", ("-t", "spop"), "set", values=0),
    Test("ZADD", ("-t", "zadd"), values=0),
    Test("ZPOPMIN", ("-t", "zpopmin"), "zset", values=0),
    Test("LRANGE_100", ("LRANGE", "mylist", "0", "99"), "range", 100),
    Test("LRANGE_300", ("LRANGE", "mylist", "0", "299"), "range", 300),
    Test("LRANGE_500", ("LRANGE", "mylist", "0", "499"), "range", 500),
    Test("LRANGE_600", ("LRANGE", "mylist", "0", "599"), "range", 600),
    Test("MSET", ("-t", "mset"), values=10),
)


@dataclass(frozen=True)
class Shape:
    """How the list is sent: depth of pipelining, range of random keys (0: always the same), size of values."""

    name: str
    pipeline: int = 1
    keyspace: int = 0
    size: int = 3
    clients: int = 50


@dataclass(frozen=True)
class Contender:
    """A running server that is measured; `brief`: it is so slow that a few requests, once, must do."""

    server: Server
    brief: bool = False
    share: float = 1.0  # of the others' requests, for one that is slower


def tests_named(*names: str) -> tuple[Test, ...]:
    """Some tests of the list."""
    return tuple(test for test in TESTS if test.name in names)


def fill(contender: Contender, test: Test, shape: Shape, requests: int) -> None:
    """Empty a server and put in what a test needs."""
    value = "x" * shape.size
    with Flood(contender.server.port, 1) as flood:
        # The others free at once what FLUSHALL drops; fakeredis does not know the word.
        flood.fill([encode("FLUSHALL") if contender.brief else encode("FLUSHALL", "SYNC")])
        if test.fill == "string":
            names = [f"key:{number:012d}" for number in range(shape.keyspace or 1)]
            flood.fill([encode("SET", "key:__rand_int__", value), *(encode("SET", name, value) for name in names)])
        elif test.fill == "list":
            flood.fill(encode("RPUSH", "mylist", value) for _ in range(requests))
        elif test.fill == "range":
            flood.fill(encode("RPUSH", "mylist", value) for _ in range(LIST_LENGTH))
        elif test.fill == "set" and shape.keyspace:
            flood.fill(encode("SADD", "myset", f"element:{number:012d}") for number in range(shape.keyspace))
        elif test.fill == "zset" and shape.keyspace:
            flood.fill(encode("ZADD", "myzset", number, f"element:{number:012d}") for number in range(shape.keyspace))
        elif test.fill:  # as the default list leaves them
            words = ("SADD", "myset") if test.fill == "set" else ("ZADD", "myzset", "0")
            flood.fill([encode(*words, "element:__rand_int__")])


def _ran_s(server: Server) -> float:
    return scheduled_s(server.process.pid)[0]


def run(program: str, contender: Contender, test: Test, shape: Shape, requests: int) -> measure.Sample:
    """Run one test of redis-benchmark (`program`) against a server, filled for it."""
    if contender.brief:
        requests = min(requests, BRIEF_REQUESTS) if shape.pipeline == 1 else shape.clients * shape.pipeline * 2
    requests = max(round(requests * contender.share), shape.clients * shape.pipeline)
    server = contender.server
    fill(contender, test, shape, requests)
    words = [program, "-p", str(server.port), "-n", str(requests), "-c", str(shape.clients)]
    words += ["-P", str(shape.pipeline), "-d", str(shape.size)]
    words += ["-r", str(shape.keyspace)] if shape.keyspace else []
    # A thread that has ended, as fakeredis' do with their client, is in the process's own sum only, in ticks of 10 ms.
    used = server.cpu_s if contender.brief else partial(_ran_s, server)
    before = used()
    done = subprocess.run([*words, *test.arguments], capture_output=True, text=True, timeout=TIMEOUT_S)
    cpu_s = used() - before
    return measure.parse(done.stdout, cpu_s * 1e6 / requests)


def _requests(test: Test, shape: Shape, wanted: int) -> int:
    """How many requests a run sends: fewer where each moves much."""
    moved = max(1, test.values * shape.size)
    return min(max(wanted, shape.clients * 30), BYTES_A_RUN // moved, wanted * 100 // max(100, test.values))


Samples = dict[str, list[list[measure.Sample]]]
"""By test, for every contender, the samples of the rounds."""


def throughput(setting: Setting, contenders: list[Contender], shape: Shape, tests: tuple[Test, ...]) -> Samples:
    """Run tests against servers in turns."""
    wanted = setting.amount(100_000, 20_000) * (1 if shape.pipeline == 1 else 3)
    results: Samples = {}
    for test in tests:
        setting.say(f"{shape.name} {test.name}")
        requests = _requests(test, shape, wanted)
        results[test.name] = [[] for _ in contenders]
        for number in range(setting.rounds):
            for contender, samples in zip(contenders, results[test.name], strict=True):
                if number and contender.brief:
                    continue
                try:
                    samples.append(run(setting.redis_benchmark, contender, test, shape, requests))
                except (measure.BenchmarkFailed, LoadFailed) as error:
                    if not contender.brief:
                        raise
                    setting.say(f"{test.name} is not for {contender.server.command[0]}: {error}")
    return results


def figures(samples: list[measure.Sample]) -> Figures:
    """What the rows need of the samples of the rounds."""
    return Figures([one.rps for one in samples], min(one.cpu_us for one in samples))


def _pair(setting: Setting, pair: Pair, shape: Shape, tests: tuple[Test, ...]) -> dict[str, tuple[Figures, Figures]]:
    """Respd's and redis-server's figures by test."""
    share = 1.0 if setting.build == "compiled" or shape.pipeline == 1 else 0.3
    found = throughput(setting, [Contender(pair.redis), Contender(pair.respd, share=share)], shape, tests)
    return {name: (figures(ours), figures(theirs)) for name, (theirs, ours) in found.items()}


def _list(setting: Setting, shape: Shape) -> dict[str, tuple[Figures, Figures]]:
    """The whole list in one shape, measured once for a setting."""
    if shape.name not in setting.measured:
        tests = [test for test in TESTS if not setting.quick or test.values * shape.size <= QUICK_BYTES]
        pair = setting.pair()
        try:
            setting.measured[shape.name] = _pair(setting, pair, shape, tuple(tests))
        finally:
            pair.stop()
    return setting.measured[shape.name]


def _lines(setting: Setting, shape: Shape, mean_bar: float, least_bar: float | None) -> list[Line]:
    found = _list(setting, shape)
    prefix = f"{shape.name} "
    lines = [
        at_least(prefix + name, "req/s", ours.rps, theirs.rps, least_bar) for name, (ours, theirs) in found.items()
    ]
    ratios = [line.ratio or 0.0 for line in lines]
    mean = geometric_mean(ratios)
    rates = [geometric_mean(line.respd for line in lines), geometric_mean(line.redis for line in lines)]
    lines.append(
        Line(prefix + "geometric mean", "req/s", rates[0], rates[1], mean, f">= {mean_bar:g}", mean >= mean_bar)
    )
    return lines


PLAIN = Shape("-P 1")
PIPELINED = Shape("-P 16", pipeline=16, keyspace=100_000)
DEEP = Shape("-P 100", pipeline=100, keyspace=100_000)
WIDE = Shape("-d 1024", size=1024)
WIDEST = Shape("-d 65536", size=65536)


def default(setting: Setting) -> list[Line]:
    """redis-benchmark's default list, 50 connections, no pipelining."""
    return _lines(setting, PLAIN, 1.0, 0.85)


def pipelined(setting: Setting) -> list[Line]:
    """The same with -P 16 -r 100000."""
    return _lines(setting, PIPELINED, 1.0, 0.75)


def wide(setting: Setting) -> list[Line]:
    """The same with -P 100, and with values of 1024 and of 65536 bytes."""
    return [line for shape in (DEEP, WIDE, WIDEST) for line in _lines(setting, shape, 0.9, None)]


def cpu(setting: Setting) -> list[Line]:
    """The server's CPU time for an operation: the mean over the list, at both depths, from the least of the rounds."""
    lines = []
    for shape in (PLAIN, PIPELINED):
        found = _list(setting, shape)
        for name, (ours, theirs) in found.items():
            lines.append(at_most(f"{shape.name} {name}", "µs", ours.cpu_us, theirs.cpu_us))
        respd = sum(ours.cpu_us for ours, _ in found.values()) / len(found)
        redis = sum(theirs.cpu_us for _, theirs in found.values()) / len(found)
        lines.append(at_most(f"{shape.name} mean", "µs", respd, redis, 1.0))
        ratio = geometric_mean(ours.cpu_us / theirs.cpu_us for ours, theirs in found.values())
        lines.append(Line(f"{shape.name} geometric mean of the ratios", "", ratio, 1.0, ratio))
    return lines


def interpreted(setting: Setting) -> list[Line]:
    """The interpreted build at both depths."""
    if setting.build != "interpreted":
        raise ValueError("this row is for the interpreted build: name it with --respd")
    return _lines(setting, PLAIN, 0.85, None) + _lines(setting, PIPELINED, 0.4, None)


def connections(setting: Setting) -> list[Line]:
    """GET and SET over 1,000 and over 10,000 connections; none may be dropped."""
    lines = []
    tests = tests_named("GET", "SET")
    for clients in (1000, 10_000):
        shape = Shape(f"{clients} connections,", clients=clients)
        pair = setting.pair("--maxclients", "12000")
        try:
            found = _pair(setting, pair, shape, tests)
            dropped = [_dropped(server) for server in (pair.respd, pair.redis)]
        finally:
            pair.stop()
        lines += [at_least(f"{shape.name} {name}", "req/s", a.rps, b.rps, 0.9) for name, (a, b) in found.items()]
        lines.append(Line(f"{shape.name} dropped", "", dropped[0], dropped[1], None, "0", dropped[0] == 0))
    return lines


def _dropped(server: Server) -> int:
    """Connections that the server turned away; redis-benchmark itself fails when one is closed under way."""
    with server.connect() as connection:
        info = connection.ask("INFO stats")
    assert isinstance(info, bytes)
    fields = dict(line.split(":", 1) for line in info.decode().splitlines() if ":" in line)
    return int(fields["rejected_connections"])
