"""One process of the load: threads that use the server in every way that clients do, at a given rate.

    python -m soak.load '{"port": 6379, "tls_port": 0, "ca": "", "rate": 100, "seconds": 10, "number": 0, "seed": 1}'

It prints what it has done and what was not as it should be, as JSON. Ends early when its standard input is closed.
"""

from __future__ import annotations

import json
import random
import select
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import redis

from soak.models import Checked, Words

SCRIPT = """
local sum = 0
for i = 1, #ARGV do sum = sum + redis.call('HINCRBY', KEYS[1], 'f' .. (i % 5), ARGV[i]) end
redis.call('PEXPIRE', KEYS[1], 60000)
return cjson.encode({sum = sum, n = #ARGV})
"""
GRACE_S = 1.0  # how long after its TTL a key may still be seen
FILLER = 40_000
DEEDS = (
    "checked steps", "connections", "expired", "messages", "pipelined commands", "scripts", "stream entries", "taken",
)  # fmt: skip
_PATIENCE_S = 60.0
_SHOWN = 20


@dataclass
class Settings:
    """What the process is told."""

    port: int
    tls_port: int
    ca: str
    rate: float
    seconds: float
    number: int
    seed: int


@dataclass
class Findings:
    """What it tells in the end."""

    done: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    vanished: int = 0

    def report(self, text: str) -> None:
        """Note something that is not as it should be."""
        self.done["wrong"] += 1
        if len(self.wrong) < _SHOWN:
            self.wrong.append(text)


class Load:
    """The threads of one process."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.findings = Findings()
        self.over = threading.Event()
        self._roles: list[Callable[[random.Random], None]] = [
            self._check, self._mix, self._expire, self._work, self._push, self._listen, self._publish, self._group,
            self._churn,
        ]  # fmt: skip
        self._pace = len(self._roles) / settings.rate

    def run(self) -> Findings:
        """Start the threads, wait for the end, and gather what they found."""
        threads = [threading.Thread(target=self._guard, args=(role,)) for role in self._roles]
        for thread in threads:
            thread.start()
        end = time.monotonic() + self.settings.seconds
        while time.monotonic() < end or not self._has_done_all(end):
            if select.select([sys.stdin], [], [], min(0.2, max(0.02, end - time.monotonic())))[0]:
                break  # whoever started this process has gone, or wants an end
        self.over.set()
        for thread in threads:
            thread.join()
        return self.findings

    def _has_done_all(self, end: float) -> bool:
        """Tell whether everything was done at least once, or that takes far too long (a busy machine, an error)."""
        done = self.findings.done
        return time.monotonic() > end + _PATIENCE_S or done["wrong"] > 0 or all(done[name] for name in DEEDS)

    def _guard(self, role: Callable[[random.Random], None]) -> None:
        try:
            role(random.Random(f"{self.settings.seed}:{self.settings.number}:{role.__name__}"))
        except (redis.RedisError, OSError, AssertionError, TypeError, ValueError, IndexError) as error:
            self.findings.report(f"{role.__name__} ended: {type(error).__name__}: {error}")

    def _connect(self, rng: random.Random, database: int = 0, protocol: int = 2) -> Any:
        """A client with a connection of its own, a third of them by TLS."""
        options: dict[str, Any] = {"db": database, "protocol": protocol, "socket_timeout": 60}
        if self.settings.tls_port and rng.random() < 0.34:
            options |= {"port": self.settings.tls_port, "ssl": True, "ssl_ca_certs": self.settings.ca}
        else:
            options["port"] = self.settings.port
        return redis.Redis("127.0.0.1", single_connection_client=True, **options)

    def _rest(self) -> bool:
        """Keep to the rate; tell whether there is more to do."""
        return not self.over.wait(self._pace)

    def _name(self, kind: str) -> str:
        return f"{kind}:{self.settings.number}"

    def _check(self, rng: random.Random) -> None:
        """Checked keys of every type; now and then by a new connection."""
        checked = Checked(b"checked:%d" % self.settings.number, rng)
        client = self._connect(rng)

        def transact(commands: list[Words]) -> list[Any]:
            raw = _Raw(client)
            raw.send([[b"MULTI"], *commands, [b"EXEC"]])
            for _ in range(len(commands) + 1):
                raw.read()
            replies = raw.read()
            assert isinstance(replies, list)
            return replies

        while self._rest():
            checked.step(transact)
            self.findings.done["checked steps"] += 1
            if rng.random() < 0.01:
                client.close()
                client = self._connect(rng)
        client.close()
        for text in checked.wrong:
            self.findings.report(text)
        self.findings.vanished += checked.vanished

    def _mix(self, rng: random.Random) -> None:
        """Pipelines that fill the memory, transactions that are watched, scripts."""
        client = self._connect(rng)
        script = client.register_script(SCRIPT)
        number = 0
        while self._rest():
            number += 1
            choice = number % 10
            if choice < 7:
                with client.pipeline(transaction=choice == 1) as pipe:
                    for _ in range(20):
                        _write_something(pipe, rng)
                    pipe.execute()
                self.findings.done["pipelined commands"] += 20
            elif choice == 7:
                self._watched(client, rng)
            else:
                numbers = [rng.randrange(100) for _ in range(rng.randint(1, 10))]
                answer = json.loads(script(keys=[f"script:{rng.randrange(100)}"], args=numbers))
                if answer["n"] != len(numbers):
                    self.findings.report(f"a script said {answer}")
                self.findings.done["scripts"] += 1
        client.close()

    def _watched(self, client: Any, rng: random.Random) -> None:
        """A transaction that another client spoils, or not, or that is discarded."""
        key = self._name("watched")
        with client.pipeline() as pipe:
            pipe.watch(key)
            spoilt = rng.random() < 0.5
            if spoilt:
                with self._connect(rng) as other:
                    other.incr(key)
            pipe.multi()
            pipe.incr(key)
            if rng.random() < 0.2:
                pipe.reset()
                return
            try:
                pipe.execute()
                if spoilt:
                    self.findings.report("EXEC ran although a watched key was changed")
            except redis.WatchError:
                self.findings.done["watched and spoilt"] += 1
                # the key may also have been evicted meanwhile, which spoils as well

    def _expire(self, rng: random.Random) -> None:
        """Keys and fields with short TTLs, alone in a database: after it nobody sees them, and DBSIZE knows of none."""
        client = self._connect(rng, database=1 + self.settings.number)
        ends: dict[str, float] = {}
        number = 0
        while self._rest():
            number += 1
            key, ttl_ms = f"e:{number}", rng.choice((1, 20, 100, 300, 1000))
            if number % 4 == 0:
                client.hset(key, mapping={"a": 1, "b": 2})
                client.hpexpire(key, ttl_ms, "a", "b")
            elif number % 4 == 1:
                client.rpush(key, 1, 2)
                client.pexpire(key, ttl_ms)
            else:
                client.set(key, "x" * rng.randrange(200), px=ttl_ms)
            ends[key] = time.monotonic() + ttl_ms / 1000 + GRACE_S
            now = time.monotonic()
            over = [key for key, end in ends.items() if end < now]
            for key in over:
                del ends[key]
            self.findings.done["expired"] += len(over)
            if number % 20 == 0:
                size = client.dbsize()
                if size > len(ends):
                    self.findings.report(f"DBSIZE is {size}, at most {len(ends)} keys have not expired")
            looked_at = [key for key in over if key.endswith(("1", "2", "3", "4"))]  # the others nobody touches again
            if looked_at and (count := client.exists(*looked_at)):
                self.findings.report(f"{count} of {len(looked_at)} keys are there {GRACE_S} s after their TTL")
        client.close()

    def _work(self, rng: random.Random) -> None:
        """Wait for what `_push` sends, in every way: in its order, nothing twice."""
        client = self._connect(rng)
        name, last = self._name("queue"), {"list": 0, "zset": 0}
        while not self.over.is_set():
            kind = rng.choice(("list", "zset"))
            if kind == "list":
                taken = client.blpop([f"{name}:list", f"{name}:nothing"], timeout=0.2)
                value = int(taken[1]) if taken else 0
            else:
                found = client.bzpopmin(f"{name}:zset", timeout=0.2)
                value = int(found[1]) if found else 0
            if value and value <= last[kind]:
                self.findings.report(f"{kind}: {value} came after {last[kind]}")
            if value:
                last[kind] = value
                self.findings.done["taken"] += 1
            if rng.random() < 0.01:
                client.close()
                client = self._connect(rng)
        client.close()

    def _push(self, rng: random.Random) -> None:
        client = self._connect(rng, protocol=3)
        name, number = self._name("queue"), 0
        while self._rest():
            number += 1
            client.rpush(f"{name}:list", number)
            client.zadd(f"{name}:zset", {str(number): number})
        client.delete(f"{name}:list", f"{name}:zset")
        client.close()

    def _listen(self, rng: random.Random) -> None:
        """Subscribers miss nothing while they are connected."""
        while not self.over.is_set():
            client = self._connect(rng, protocol=rng.choice((2, 3)))
            listener = client.pubsub()
            listener.subscribe(self._name("channel"))
            listener.psubscribe(self._name("chan*"))
            last: dict[str, int] = {}
            until = time.monotonic() + rng.uniform(1, 5)
            while time.monotonic() < until and not self.over.is_set():
                message = listener.get_message(timeout=0.1)
                if message is None or not message["type"].endswith("message"):
                    continue
                kind, value = message["type"], int(message["data"])
                if kind in last and value != last[kind] + 1:
                    self.findings.report(f"{kind} {value} came after {last[kind]}")
                last[kind] = value
                self.findings.done["messages"] += 1
            listener.close()
            client.close()

    def _publish(self, rng: random.Random) -> None:
        client = self._connect(rng)
        number = 0
        while self._rest():
            number += 1
            client.publish(self._name("channel"), number)
        client.close()

    def _group(self, rng: random.Random) -> None:
        """A consumer group: added, read, acknowledged, claimed; the stream may be evicted, and is made anew."""
        client = self._connect(rng)
        key, number = self._name("stream"), 0
        while self._rest():
            try:
                number += 1
                client.xadd(key, {"n": str(number), "text": "x" * rng.randrange(100)}, maxlen=100)
                got = client.xreadgroup("g", f"c{rng.randrange(3)}", {key: ">"}, count=3, block=rng.choice((None, 20)))
                for _, entries in got or []:
                    for entry, _ in entries:
                        if rng.random() < 0.8:
                            client.xack(key, "g", entry)
                if number % 50 == 0:
                    client.xautoclaim(key, "g", "c0", min_idle_time=0, count=100)
                    pending = client.xpending_range(key, "g", "-", "+", 100)
                    if pending:
                        client.xack(key, "g", *(each["message_id"] for each in pending))
                self.findings.done["stream entries"] += 1
            except redis.ResponseError as error:
                if not str(error).startswith(("NOGROUP", "UNBLOCKED")):
                    raise
                client.xgroup_create(key, "g", "0", mkstream=True)
        client.close()

    def _churn(self, rng: random.Random) -> None:
        """Clients that come, leave something open, and go without a word."""
        while self._rest():
            client = self._connect(rng)
            client.ping()
            raw = _Raw(client)
            is_answered, commands = rng.choice(_LEFT_OPEN)
            raw.send(commands)
            if is_answered and rng.random() < 0.5:
                raw.read()
            if rng.random() < 0.3:
                raw.send_bytes(b"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$1000\r\nhalf of it")
            client.close()
            self.findings.done["connections"] += 1


# What clients have open when they go, and whether the first of it is answered.
_LEFT_OPEN: list[tuple[bool, list[Words]]] = [
    (True, [[b"MULTI"], [b"SET", b"never", b"1"]]),
    (True, [[b"WATCH", b"watched:0", b"watched:1"]]),
    (True, [[b"SUBSCRIBE", b"channel:0", b"left"]]),
    (True, [[b"PSUBSCRIBE", b"left*"]]),
    (True, [[b"HELLO", b"3"], [b"CLIENT", b"TRACKING", b"ON", b"BCAST", b"PREFIX", b"checked:"]]),
    (True, [[b"HELLO", b"3"], [b"CLIENT", b"TRACKING", b"ON"], [b"MGET", *(b"fill:%d" % each for each in range(50))]]),
    (False, [[b"BLPOP", b"nothing", b"0"]]),
    (False, [[b"XREAD", b"BLOCK", b"0", b"STREAMS", b"nothing", b"$"]]),
    (True, [[b"CLIENT", b"SETNAME", b"guest"], [b"CLIENT", b"LIST"]]),
    (False, [[b"CLIENT", b"REPLY", b"OFF"], [b"CLIENT", b"NO-EVICT", b"ON"]]),
]


class _Raw:
    """The socket below a client of redis-py: commands without waiting, replies as they come (RESP2)."""

    def __init__(self, client: Any) -> None:
        if client.connection is None:
            client.ping()
        self._connection: Any = client.connection

    def send(self, commands: list[Words]) -> None:
        """Send commands together."""
        self._connection.send_packed_command(self._connection.pack_commands(commands))

    def send_bytes(self, data: bytes) -> None:
        """Send what may be no command."""
        self._connection.send_packed_command([data])

    def read(self) -> Any:
        """The next reply."""
        return self._connection.read_response(disable_decoding=True)


def _write_something(pipe: Any, rng: random.Random) -> None:
    """One write or read among many keys of all types, most of which are evicted sooner or later."""
    number, choice = rng.randrange(FILLER), rng.randrange(12)
    if choice < 4:
        pipe.set(f"fill:{number}", "x" * rng.choice((10, 100, 1000, 4000)), px=rng.choice((None, 3000, 60_000)))
    elif choice == 4:
        pipe.rpush(f"fill:list:{number % 997}", *("y" * rng.randrange(80) for _ in range(5)))
    elif choice == 5:
        pipe.hset(f"fill:hash:{number % 997}", mapping={f"f{rng.randrange(300)}": "z" * rng.randrange(100)})
    elif choice == 6:
        pipe.zadd(f"fill:zset:{number % 997}", {f"m{rng.randrange(300)}": rng.random()})
    elif choice == 7:
        pipe.sadd(f"fill:set:{number % 997}", rng.randrange(500), f"s{rng.randrange(50)}")
    elif choice == 8:
        pipe.pfadd(f"fill:hll:{number % 97}", number)
    elif choice == 9:
        pipe.unlink(f"fill:list:{number % 997}", f"fill:zset:{number % 997}")
    elif choice == 10:
        pipe.geoadd("fill:geo", [rng.uniform(-180, 180), rng.uniform(-80, 80), f"g{number % 500}"])
    else:
        pipe.get(f"fill:{number}")


def main() -> None:
    """Run as told by the only argument."""
    findings = Load(Settings(**json.loads(sys.argv[1]))).run()
    json.dump({"done": findings.done, "wrong": findings.wrong, "vanished": findings.vanished}, sys.stdout)


if __name__ == "__main__":
    main()
