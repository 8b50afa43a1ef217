"""What `benchmarks.instructions` runs under callgrind: a server and its client in one process, scenario by scenario.

The server is the real one, parser, engine, encoder, poller and socket, turned by hand, so that everything a command
costs outside the kernel is counted. Nothing depends on time (the clock stands still, so no periodic work falls due) or
on chance (fixed seeds). callgrind is told to count between two marks: functions of libc that nothing else here calls,
`getppid` (start) and `getpgrp` (stop, and write what was counted). It is run by its path, not with -m, so that `respd`
is the installed one and not the source beside it.
"""

from __future__ import annotations

import gc
import os
import socket
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from random import Random

from respd import build
from respd.clock import ManualClock
from respd.commands import all_groups
from respd.config import Config
from respd.engine import Engine
from respd.log import Log
from respd.network import Server

KEYS = 5000
BATCH = 16
BATCHES = 60
WARM_UP_BATCHES = 10

start_counting = os.getppid
stop_counting = os.getpgrp


class Scenario:
    """A command whose instructions are counted.

    In `command` (and in `setup`, which runs once) `#` stands for a random number below KEYS, `@` for one that counts up
    from 0. `setup_times` is how often the set-up is sent; `batch` how many commands arrive in one piece.
    """

    def __init__(self, name: str, command: str, setup: str = "", setup_times: int = KEYS, batch: int = BATCH) -> None:
        self.name = name
        self.command = command
        self.setup = setup
        self.setup_times = setup_times if setup else 0
        self.batch = batch


STRINGS = "SET key:@ value:@"
NUMBERS = "RPUSH list element:@"
MEMBERS = "SADD set member:@"
FIELDS = "HSET hash field:@ value:@"
SCORES = "ZADD zset @ member:@"
SMALL = "HSET hash:@ name value age 12345 city somewhere a 1 b 2"

ERROR = "an unknown command"

SCENARIOS = (
    Scenario("PING, one a turn", "PING", batch=1),
    Scenario("GET, one a turn", "GET key:#", STRINGS, batch=1),
    Scenario("SET, one a turn", "SET key:# xxx", STRINGS, batch=1),
    Scenario("PING", "PING"),
    Scenario("GET", "GET key:#", STRINGS),
    Scenario("GET of nothing", "GET none:#"),
    Scenario("SET", "SET key:# xxx", STRINGS),
    Scenario("SET of a new key", "SET key:@ xxx"),
    Scenario("SET EX", "SET key:# xxx EX 100", STRINGS),
    Scenario("SET of 1024 bytes", f"SET key:# {'x' * 1024}", STRINGS),
    Scenario("INCR", "INCR counter:#"),
    Scenario("APPEND", "APPEND key:# x", STRINGS),
    Scenario("MGET of 10", f"MGET {'key:# ' * 10}", STRINGS),
    Scenario("MSET of 10", f"MSET {'key:# xxx ' * 10}", STRINGS),
    Scenario("SETBIT", "SETBIT bits # 1"),
    Scenario("EXISTS", "EXISTS key:#", STRINGS),
    Scenario("DEL", "DEL key:@", STRINGS),
    Scenario("EXPIRE", "EXPIRE key:# 100", STRINGS),
    Scenario("TTL", "TTL key:#", STRINGS),
    Scenario("SCAN", "SCAN #", STRINGS),
    Scenario("LPUSH", "LPUSH list xxx"),
    Scenario("RPUSH", "RPUSH list xxx"),
    Scenario("LPOP", "LPOP list", NUMBERS),
    Scenario("RPOP", "RPOP list", NUMBERS),
    Scenario("LINDEX", "LINDEX list #", NUMBERS),
    Scenario("LRANGE of 100", "LRANGE list 0 99", NUMBERS, 500),
    Scenario("SADD", "SADD set member:#"),
    Scenario("SISMEMBER", "SISMEMBER set member:#", MEMBERS),
    Scenario("SPOP", "SPOP set", MEMBERS),
    Scenario("HSET", "HSET hash field:# xxx"),
    Scenario("HSET of 5 fields, new key", SMALL),
    Scenario("HGET", "HGET hash field:#", FIELDS),
    Scenario("HGETALL of 5", "HGETALL hash:#", SMALL),
    Scenario("HINCRBY", "HINCRBY hash field:# 1"),
    Scenario("ZADD", "ZADD zset # member:#"),
    Scenario("ZADD of a new member", "ZADD zset # member:@"),
    Scenario("ZINCRBY", "ZINCRBY zset 1 member:#", SCORES),
    Scenario("ZSCORE", "ZSCORE zset member:#", SCORES),
    Scenario("ZRANK", "ZRANK zset member:#", SCORES),
    Scenario("ZRANGE of 10", "ZRANGE zset 1000 1009", SCORES),
    Scenario("ZRANGEBYSCORE LIMIT", "ZRANGEBYSCORE zset # +inf LIMIT 5 10", SCORES),
    Scenario("ZREM", "ZREM zset member:@", SCORES),
    Scenario("ZPOPMIN", "ZPOPMIN zset", SCORES),
    Scenario("PUBLISH to nobody", "PUBLISH channel message"),
    Scenario("MULTI, SET, GET, EXEC", "MULTI;SET key:# xxx;GET key:#;EXEC", STRINGS),
    Scenario(ERROR, "NONSENSE a b"),
)


def encode(words: list[str]) -> bytes:
    """A command as clients send it."""
    parts = [f"*{len(words)}\r\n"]
    for word in words:
        parts.append(f"${len(word)}\r\n{word}\r\n")
    return "".join(parts).encode()


def commands(pattern: str, seed: int) -> Iterator[bytes]:
    """The commands of a pattern, one after another."""
    random = Random(seed)
    number = 0
    while True:
        text = pattern.replace("@", str(number))
        while "#" in text:
            text = text.replace("#", str(random.randrange(KEYS)), 1)
        number += 1
        yield b"".join(encode(one.split()) for one in text.split(";"))


class Loop:
    """The server with one client."""

    def __init__(self, path: str) -> None:
        config = Config()
        config.load(f"port 0\nunixsocket {path}\n".encode())
        log = Log(level=b"nothing")
        self.server = Server(config, log, Engine(config, all_groups(), ManualClock(), log, 7))
        self.server.listen()
        self.client = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.client.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 20)
        self.client.connect(path)
        self.server.turn(0.0)
        self.buffer = bytearray(1 << 20)

    def send(self, pieces: list[bytes]) -> None:
        """Have the server answer one piece after the other, in a turn each."""
        send, turn, receive, buffer = self.client.send, self.server.turn, self.client.recv_into, self.buffer
        for piece in pieces:
            send(piece)
            turn(0.0)
            receive(buffer)

    def count(self, scenario: Scenario) -> None:
        """Run one scenario; callgrind writes down what happens between the marks."""
        self.send([encode(["FLUSHALL", "SYNC"])])
        setup = commands(scenario.setup, 1)
        self.send([b"".join(next(setup) for _ in range(100)) for _ in range(scenario.setup_times // 100)])
        source = commands(scenario.command, 2)
        pieces = [b"".join(next(source) for _ in range(scenario.batch)) for _ in range(WARM_UP_BATCHES + BATCHES)]
        self.send(pieces[:WARM_UP_BATCHES])
        if self.buffer[:1] == b"-" and scenario.name != ERROR:
            raise ValueError(f"{scenario.name}: {bytes(self.buffer[:80])!r}")
        measured = pieces[WARM_UP_BATCHES:]
        start_counting()
        self.send(measured)
        stop_counting()


def main() -> None:
    """Run the scenarios named, or all; print the build, then the names of those run."""
    names = sys.argv[1:]
    print(build())
    gc.collect()
    gc.freeze()
    gc.disable()
    with tempfile.TemporaryDirectory() as folder:
        loop = Loop(str(Path(folder, "socket")))
        for scenario in SCENARIOS:
            if not names or scenario.name in names:
                loop.count(scenario)
                print(f"{scenario.batch * BATCHES} {scenario.name}", flush=True)
        loop.client.close()
        loop.server.stop()


if __name__ == "__main__":
    main()
