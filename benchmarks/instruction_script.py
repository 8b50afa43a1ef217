"""What `benchmarks.instructions` runs under callgrind: a server and its client in one process, scenario by scenario.

The server is the real one, parser, engine, encoder, poller and socket, turned by hand, so that everything a command
costs outside the kernel is counted. Nothing depends on time (the clock stands still, so no periodic work falls due) or
on chance (fixed seeds). callgrind is told to count between two marks: functions of libc that nothing else here calls,
`getppid` (start) and `getpgrp` (stop, and write what was counted). It is run by its path, not with -m, so that `respd`
is the installed one and not the source beside it.
"""

from __future__ import annotations

import gc
import hashlib
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

KEYS = 2000
BATCH = 16
BATCHES = 60
WARM_UP_BATCHES = 10

start_counting = os.getppid
stop_counting = os.getpgrp


class Scenario:
    """A command whose instructions are counted.

    In `command` (and in `setup`, which runs once) `#` stands for a random number below KEYS, `@` for one that counts up
    from 0. `setup_times` is how often the set-up is sent; `batch` how many commands arrive in one piece; `inline`
    whether they come as lines of words; `subscribers` how many other clients listen to the channel `channel`.
    """

    def __init__(
        self,
        name: str,
        command: str,
        setup: str = "",
        setup_times: int = KEYS,
        batch: int = BATCH,
        inline: bool = False,
        subscribers: int = 0,
    ) -> None:
        self.name = name
        self.command = command
        self.setup = setup
        self.setup_times = setup_times if setup else 0
        self.batch = batch
        self.inline = inline
        self.subscribers = subscribers


STRINGS = "SET key:@ value:@"
LONG_STRINGS = f"SET key:@ {'x' * 1024}"
NUMBERS = "RPUSH list element:@"
MEMBERS = "SADD set member:@"
FIELDS = "HSET hash field:@ value:@"
SCORES = "ZADD zset @ member:@"
SMALL = "HSET hash:@ name value age 12345 city somewhere a 1 b 2"
SMALL_SETS = "SADD set:@ a b c d e"
SMALL_SCORES = "ZADD zset:@ 1 a 2 b 3 c 4 d 5 e"
PLACES = "GEOADD geo 2.# 48.# member:@"
ELEMENTS = "PFADD hll element:@"
READING = "return(redis.call('GET',KEYS[1]))"  # a script without a space: commands are split there
READING_SHA1 = hashlib.sha1(READING.encode()).hexdigest()
ENTRIES = "XADD stream 1000-* name value:@ age @"
TWO_SETS = "SADD one member:@;SADD two member:#"
TWO_SCORES = "ZADD one @ member:@;ZADD two # member:#"

ERROR = "an unknown command"

SCENARIOS = (
    Scenario("PING, one a turn", "PING", batch=1),
    Scenario("GET, one a turn", "GET key:#", STRINGS, batch=1),
    Scenario("SET, one a turn", "SET key:# xxx", STRINGS, batch=1),
    Scenario("PING", "PING"),
    Scenario("PING, inline", "PING", inline=True),
    Scenario("SET, inline", "SET key:# xxx", STRINGS, inline=True),
    Scenario("GET", "GET key:#", STRINGS),
    Scenario("GET of nothing", "GET none:#"),
    Scenario("GET of 1024 bytes", "GET key:#", LONG_STRINGS),
    Scenario("SET", "SET key:# xxx", STRINGS),
    Scenario("SET of a new key", "SET key:@ xxx"),
    Scenario("SET EX", "SET key:# xxx EX 100", STRINGS),
    Scenario("SETEX", "SETEX key:# 100 xxx", STRINGS),
    Scenario("SETNX", "SETNX key:# xxx", STRINGS),
    Scenario("GETSET", "GETSET key:# xxx", STRINGS),
    Scenario("SET of 1024 bytes", f"SET key:# {'x' * 1024}", STRINGS),
    Scenario("INCR", "INCR counter:#"),
    Scenario("INCRBY", "INCRBY counter:# 1000"),
    Scenario("APPEND", "APPEND key:# x", STRINGS),
    Scenario("STRLEN", "STRLEN key:#", STRINGS),
    Scenario("GETRANGE", "GETRANGE key:# 1 3", STRINGS),
    Scenario("MGET of 10", f"MGET {'key:# ' * 10}", STRINGS),
    Scenario("MSET of 10", f"MSET {'key:# xxx ' * 10}", STRINGS),
    Scenario("SETBIT", "SETBIT bits # 1"),
    Scenario("GETBIT", "GETBIT bits #", "SETBIT bits # 1"),
    Scenario("EXISTS", "EXISTS key:#", STRINGS),
    Scenario("TYPE", "TYPE key:#", STRINGS),
    Scenario("DEL", "DEL key:@", STRINGS),
    Scenario("EXPIRE", "EXPIRE key:# 100", STRINGS),
    Scenario("TTL", "TTL key:#", STRINGS),
    Scenario("SCAN", "SCAN #", STRINGS),
    Scenario("LPUSH", "LPUSH list xxx"),
    Scenario("RPUSH", "RPUSH list xxx"),
    Scenario("LPOP", "LPOP list", NUMBERS),
    Scenario("RPOP", "RPOP list", NUMBERS),
    Scenario("LLEN", "LLEN list", NUMBERS),
    Scenario("LINDEX", "LINDEX list #", NUMBERS),
    Scenario("LPUSH, LTRIM", "LPUSH list xxx;LTRIM list 0 99", NUMBERS),
    Scenario("LRANGE of 100", "LRANGE list 0 99", NUMBERS, 500),
    Scenario("LRANGE of 300", "LRANGE list 0 299", NUMBERS, 500, 4),
    Scenario("LRANGE of 500", "LRANGE list 0 499", NUMBERS, 500, 4),
    Scenario("LRANGE of 600", "LRANGE list 0 599", NUMBERS, 600, 4),
    Scenario("SADD", "SADD set member:#"),
    Scenario("SADD to a small set", "SADD set:# c", SMALL_SETS),
    Scenario("SREM", "SREM set member:#", MEMBERS),
    Scenario("SISMEMBER", "SISMEMBER set member:#", MEMBERS),
    Scenario("SCARD", "SCARD set", MEMBERS),
    Scenario("SPOP", "SPOP set", MEMBERS),
    Scenario("SRANDMEMBER", "SRANDMEMBER set", MEMBERS),
    Scenario("SMEMBERS of 5", "SMEMBERS set:#", SMALL_SETS),
    Scenario("SMEMBERS of 1000", "SMEMBERS set", MEMBERS, 1000, 1),
    Scenario("SINTER of 1000 and 1000", "SINTER one two", TWO_SETS, 1000, 1),
    Scenario("SUNION of 1000 and 1000", "SUNION one two", TWO_SETS, 1000, 1),
    Scenario("HSET", "HSET hash field:# xxx"),
    Scenario("HSET in a small hash", "HSET hash:# city elsewhere", SMALL),
    Scenario("HSET of 5 fields, new key", SMALL),
    Scenario("HGET", "HGET hash field:#", FIELDS),
    Scenario("HGET from a small hash", "HGET hash:# city", SMALL),
    Scenario("HMGET of 5", f"HMGET hash {'field:# ' * 5}", FIELDS),
    Scenario("HDEL", "HDEL hash field:#", FIELDS),
    Scenario("HEXISTS", "HEXISTS hash field:#", FIELDS),
    Scenario("HGETALL of 5", "HGETALL hash:#", SMALL),
    Scenario("HGETALL of 1000", "HGETALL hash", FIELDS, 1000, 1),
    Scenario("HINCRBY", "HINCRBY hash field:# 1"),
    Scenario("HINCRBY in a small hash", "HINCRBY hash:# age 1", SMALL),
    Scenario("ZADD", "ZADD zset # member:#"),
    Scenario("ZADD of a new member", "ZADD zset # member:@"),
    Scenario("ZADD to a small set", "ZADD zset:# # c", SMALL_SCORES),
    Scenario("ZINCRBY", "ZINCRBY zset 1 member:#", SCORES),
    Scenario("ZSCORE", "ZSCORE zset member:#", SCORES),
    Scenario("ZRANK", "ZRANK zset member:#", SCORES),
    Scenario("ZCARD", "ZCARD zset", SCORES),
    Scenario("ZCOUNT", "ZCOUNT zset # +inf", SCORES),
    Scenario("ZRANGE of 10", "ZRANGE zset 1000 1009", SCORES),
    Scenario("ZREVRANGE of 10 WITHSCORES", "ZREVRANGE zset 1000 1009 WITHSCORES", SCORES),
    Scenario("ZRANGEBYSCORE LIMIT", "ZRANGEBYSCORE zset # +inf LIMIT 5 10", SCORES),
    Scenario("ZREM", "ZREM zset member:@", SCORES),
    Scenario("ZPOPMIN", "ZPOPMIN zset", SCORES),
    Scenario("ZUNIONSTORE of 1000 and 1000", "ZUNIONSTORE all 2 one two", TWO_SCORES, 1000, 1),
    Scenario("SORT of 1000", "SORT list", "RPUSH list #", 1000, 1),
    Scenario("GEOADD", "GEOADD geo 2.# 48.# member:#", PLACES),
    Scenario("GEOADD of a new member", "GEOADD geo 2.# 48.# member:@"),
    Scenario("GEODIST", "GEODIST geo member:# member:#", PLACES),
    Scenario("GEOPOS", "GEOPOS geo member:#", PLACES),
    Scenario("GEOSEARCH of some 100", "GEOSEARCH geo FROMLONLAT 2.# 48.# BYRADIUS 4 km", PLACES, batch=1),
    Scenario("GEOSEARCH ASC WITHDIST", "GEOSEARCH geo FROMLONLAT 2.# 48.# BYRADIUS 4 km ASC WITHDIST", PLACES, batch=1),
    Scenario("EVALSHA of a GET", f"EVALSHA {READING_SHA1} 1 key:#", f"{STRINGS};SCRIPT LOAD {READING}"),
    Scenario("PFADD", "PFADD hll element:@", ELEMENTS),
    Scenario("PFADD to a small one", "PFADD hll:# element:#"),
    Scenario("PFCOUNT", "PFCOUNT hll", ELEMENTS),
    Scenario("PFCOUNT of what has changed", "SETBIT hll 120 1;PFCOUNT hll", ELEMENTS, batch=1),
    Scenario("PFCOUNT of 2", "PFCOUNT hll hll", ELEMENTS, batch=1),
    Scenario("PFMERGE of 2", "PFMERGE all hll hll", ELEMENTS, batch=1),
    Scenario("XADD", "XADD stream * name value:@ age @"),
    Scenario("XADD MAXLEN ~", "XADD stream MAXLEN ~ 1000 * name value:@ age @", ENTRIES),
    Scenario("XRANGE of 10", "XRANGE stream 1000 + COUNT 10", ENTRIES),
    Scenario("XRANGE of 100", "XRANGE stream 1000 + COUNT 100", ENTRIES),
    Scenario("XREAD of 10", "XREAD COUNT 10 STREAMS stream 1000", ENTRIES),
    Scenario("PUBLISH to nobody", "PUBLISH channel message"),
    Scenario("PUBLISH to 10", "PUBLISH channel message", subscribers=10),
    Scenario("MULTI, SET, GET, EXEC", "MULTI;SET key:# xxx;GET key:#;EXEC", STRINGS),
    Scenario(ERROR, "NONSENSE a b"),
)


def encode(words: list[str]) -> bytes:
    """A command as clients send it."""
    parts = [f"*{len(words)}\r\n"]
    for word in words:
        parts.append(f"${len(word)}\r\n{word}\r\n")
    return "".join(parts).encode()


def commands(pattern: str, seed: int, inline: bool = False) -> Iterator[bytes]:
    """The commands of a pattern, one after another."""
    random = Random(seed)
    number = 0
    while True:
        text = pattern.replace("@", str(number))
        while "#" in text:
            text = text.replace("#", str(random.randrange(KEYS)), 1)
        number += 1
        if inline:
            yield text.encode() + b"\r\n"
        else:
            yield b"".join(encode(one.split()) for one in text.split(";"))


class Loop:
    """The server with one client."""

    def __init__(self, path: str) -> None:
        config = Config()
        config.load(f"port 0\nunixsocket {path}\nsave ''\n".encode())
        log = Log(level=b"nothing")
        self.server = Server(config, log, Engine(config, all_groups(), ManualClock(), log, 7))
        self.server.listeners.open()
        self.path = path
        self.client = self.connect()
        self.buffer = bytearray(1 << 20)

    def connect(self) -> socket.socket:
        """Open another client's connection."""
        client = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        client.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 20)
        client.connect(self.path)
        self.server.turn(0.0)
        return client

    def send(self, pieces: list[bytes]) -> None:
        """Have the server answer one piece after the other, in a turn each (or a few)."""
        send, turn, receive, buffer = self.client.send, self.server.turn, self.client.recv_into, self.buffer
        for piece in pieces:
            send(piece)
            turn(0.0)
            while True:
                try:
                    receive(buffer, 0, socket.MSG_DONTWAIT)
                    break
                except BlockingIOError:  # a server may take more than a turn to read a long piece
                    turn(0.0)

    def count(self, scenario: Scenario) -> None:
        """Run one scenario; callgrind writes down what happens between the marks."""
        self.send([encode(["FLUSHALL", "SYNC"])])
        setup = commands(scenario.setup, 1)
        self.send([b"".join(next(setup) for _ in range(10)) for _ in range(scenario.setup_times // 10)])
        subscribers = [self.connect() for _ in range(scenario.subscribers)]
        for subscriber in subscribers:
            subscriber.send(encode(["SUBSCRIBE", "channel"]))
            self.server.turn(0.0)
        source = commands(scenario.command, 2, scenario.inline)
        pieces = [b"".join(next(source) for _ in range(scenario.batch)) for _ in range(WARM_UP_BATCHES + BATCHES)]
        self.send(pieces[:WARM_UP_BATCHES])
        if self.buffer[:1] == b"-" and scenario.name != ERROR:
            raise ValueError(f"{scenario.name}: {bytes(self.buffer[:80])!r}")
        measured = pieces[WARM_UP_BATCHES:]
        start_counting()
        self.send(measured)
        stop_counting()
        for subscriber in subscribers:
            subscriber.close()
            self.server.turn(0.0)


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
