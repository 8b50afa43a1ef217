"""What the writers write: numbered changes whose outcome is known, so that a state tells which change was its last.

Writer `w` makes change 1, 2, 3, ... to keys of its own, in this order. Each change is one command, or one transaction,
and is made of the writer and the number alone; `Model` repeats it on Python values. So the state that a server has
after a restart is right exactly when it equals the model's after some number, and that number says what was lost.
No two numbers lead to the same state: every change leaves its number, or adds to a sum. Changes go through every kind
of value, streams with a group among them, and through commands whose effect is logged in other words (INCRBYFLOAT,
SPOP, SET with EX, GETDEL, XREADGROUP).
"""

from __future__ import annotations

from collections.abc import Callable

Words = list[bytes]
State = dict[bytes, object]

KEPT = 40
FIELDS = 600
MEMBERS = 300
TEXT_BYTES = 500


class Model:
    """The values of one writer's keys after its first `number` changes."""

    def __init__(self, writer: int) -> None:
        self.writer = writer
        self.number = 0
        self._strings: dict[str, bytes] = {}
        self._sum = 0
        self._halves = 0
        self._list: list[bytes] = []
        self._moved: list[bytes] = []
        self._queue: list[bytes] = []
        self._hash: dict[bytes, bytes] = {}
        self._set: set[bytes] = set()
        self._scores: dict[bytes, float] = {}
        self._text = bytearray()
        self._stream: list[object] = []
        self._jobs: list[bytes] = []  # not delivered yet
        self._delivered: dict[bytes, bytes] | None = None  # and not acknowledged, to whom; None without a group

    def step(self) -> None:
        """Make the next change."""
        self.number += 1
        KINDS[self.number % len(KINDS)][1](self, self.number)

    def state(self) -> State:
        """Every key that exists and its value: bytes, a list, a dict or a set. Good until the next step."""
        values: dict[str, object] = {
            **self._strings,
            "sum": b"%d" % self._sum if self._sum else b"",
            "halves": b"%g" % (self._halves / 2) if self._halves else b"",
            "text": bytes(self._text),
            "list": self._list,
            "moved": self._moved,
            "queue": self._queue,
            "hash": self._hash,
            "set": self._set,
            "scores": self._scores,
            "stream": self._stream,
            "jobs": [] if self._delivered is None else [self._delivered],
        }
        return {f"w{self.writer}:{name}".encode(): value for name, value in values.items() if value}

    def _leave(self, n: int, *names: str) -> None:
        for name in names:
            self._strings[name] = b"%d" % n

    def set_(self, n: int) -> None:
        """A string."""
        self._leave(n, "string")

    def expiring(self, n: int) -> None:
        """A string that expires, long after."""
        self._leave(n, "expiring")

    def pair(self, n: int) -> None:
        """Two strings that change together or not at all."""
        self._leave(n, "one", "two")

    def gone(self, n: int) -> None:
        """A key that comes and goes; the number remains in another."""
        self._leave(n, "other")

    def incrby(self, n: int) -> None:
        """A sum."""
        self._sum += n

    def incrbyfloat(self, n: int) -> None:
        """A sum of halves."""
        self._halves += 1

    def setrange(self, n: int) -> None:
        """Some bytes within a string."""
        at, data = n % TEXT_BYTES, b"%d," % n
        self._text.extend(bytes(max(0, at + len(data) - len(self._text))))
        self._text[at : at + len(data)] = data

    def rpush(self, n: int) -> None:
        """A bounded list."""
        self._list = [*self._list, b"%d" % n, b"%d" % n][-KEPT:]

    def move(self, n: int) -> None:
        """One list's head goes to another's tail."""
        if self._list:
            self._moved = [*self._moved, self._list.pop(0)][-KEPT:]
        self._leave(n, "other")

    def lpush(self, n: int) -> None:
        """A bounded list of long elements."""
        self._queue = [b"%d:%b" % (n, b"x" * 100), *self._queue][:KEPT]

    def hset(self, n: int) -> None:
        """A hash, small at first."""
        self._hash[b"field:%d" % (n % FIELDS)] = b"%d" % n

    def sadd(self, n: int) -> None:
        """A set of the last numbers."""
        self._set.add(b"%d" % n)
        self._set.discard(b"%d" % (n - KEPT * len(KINDS)))

    def zadd(self, n: int) -> None:
        """A sorted set, small at first."""
        self._scores[b"member:%d" % (n % MEMBERS)] = float(n)

    def xadd(self, n: int) -> None:
        """A bounded stream."""
        self._stream = [*self._stream, [b"%d-0" % n, [b"number", b"%d" % n]]][-KEPT:]

    def jobs(self, n: int) -> None:
        """A stream of three entries and a group that has not read them."""
        self._jobs = [b"%d-%d" % (n, number) for number in (1, 2, 3)]
        self._delivered = {}
        self._leave(n, "other")

    def deliver(self, n: int) -> None:
        """Two of them are delivered to a consumer."""
        assert self._delivered is not None
        for id in self._jobs[:2]:
            self._delivered[id] = b"%d" % n
        del self._jobs[:2]

    def acknowledge(self, n: int) -> None:
        """One of the two is acknowledged."""
        assert self._delivered is not None
        del self._delivered[b"%d-1" % (n - 2)]


# What is sent (commands parted by semicolons form a transaction), and its like on the model.
KINDS: tuple[tuple[str, Callable[[Model, int], None]], ...] = (
    ("SET {w}:string {n}", Model.set_),
    ("RPUSH {w}:list {n} {n} ; LTRIM {w}:list -{kept} -1", Model.rpush),
    ("HSET {w}:hash field:{field} {n}", Model.hset),
    ("INCRBY {w}:sum {n}", Model.incrby),
    ("SET {w}:one {n} ; SET {w}:two {n}", Model.pair),
    ("ZADD {w}:scores {n} member:{member}", Model.zadd),
    ("SADD {w}:set {n} ; SREM {w}:set {old}", Model.sadd),
    ("INCRBYFLOAT {w}:halves 0.5", Model.incrbyfloat),
    ("SET {w}:expiring {n} EX 1000000", Model.expiring),
    ("LMOVE {w}:list {w}:moved LEFT RIGHT ; LTRIM {w}:moved -{kept} -1 ; SET {w}:other {n}", Model.move),
    ("SETRANGE {w}:text {at} {n},", Model.setrange),
    ("SADD {w}:gone {n} ; SPOP {w}:gone ; SET {w}:other {n}", Model.gone),
    ("LPUSH {w}:queue {n}:{long} ; LTRIM {w}:queue 0 {last}", Model.lpush),
    ("SET {w}:gone {n} ; GETDEL {w}:gone ; SET {w}:other {n}", Model.gone),
    ("XADD {w}:stream MAXLEN {kept} {n} number {n}", Model.xadd),
    (
        "DEL {w}:jobs ; XADD {w}:jobs {n}-1 f {n} ; XADD {w}:jobs {n}-2 f {n} ; XADD {w}:jobs {n}-3 f {n} ; "
        "XGROUP CREATE {w}:jobs group 0 ; SET {w}:other {n}",
        Model.jobs,
    ),
    ("XREADGROUP GROUP group {n} COUNT 2 STREAMS {w}:jobs >", Model.deliver),
    ("XACK {w}:jobs group {made}-1", Model.acknowledge),
)
_SPLIT = tuple(tuple(tuple(command.split()) for command in kind.split(" ; ")) for kind, _ in KINDS)


def commands(writer: int, n: int) -> list[Words]:
    """The commands of a writer's change `n`: one, or a transaction with its MULTI and EXEC."""
    values = {
        "w": f"w{writer}",
        "n": n,
        "kept": KEPT,
        "last": KEPT - 1,
        "field": n % FIELDS,
        "member": n % MEMBERS,
        "at": n % TEXT_BYTES,
        "old": n - KEPT * len(KINDS),
        "long": "x" * 100,
        "made": n - 2,
    }
    found = [[word.format_map(values).encode() for word in command] for command in _SPLIT[n % len(KINDS)]]
    return found if len(found) == 1 else [[b"MULTI"], *found, [b"EXEC"]]


_READ: dict[str, tuple[bytes, ...]] = {
    "list": (b"LRANGE", b"0", b"-1"),
    "moved": (b"LRANGE", b"0", b"-1"),
    "queue": (b"LRANGE", b"0", b"-1"),
    "hash": (b"HGETALL",),
    "set": (b"SMEMBERS",),
    "scores": (b"ZRANGE", b"0", b"-1", b"WITHSCORES"),
    "stream": (b"XRANGE", b"-", b"+"),
    "jobs": (b"XPENDING", b"group", b"-", b"+", b"100"),
}
NAMES = ("string", "expiring", "one", "two", "other", "sum", "halves", "text", "gone", *_READ)


def reading(writer: int) -> list[Words]:
    """The commands that read a writer's keys back."""
    found = []
    for name in NAMES:
        verb, *rest = _READ.get(name, (b"GET",))
        found.append([verb, f"w{writer}:{name}".encode(), *rest])
    return found


def state_of(writer: int, replies: list[object]) -> State:
    """The state that the replies to `reading` tell of, in RESP2."""
    state: State = {}
    for name, reply in zip(NAMES, replies, strict=True):
        value = reply
        if isinstance(reply, list):
            pairs = zip(reply[::2], reply[1::2])
            if name == "hash":
                value = dict(pairs)
            elif name == "scores":
                value = {member: float(score) for member, score in pairs}
            elif name == "set":
                value = set(reply)
            elif name == "jobs":
                value = [{id: consumer for id, consumer, _idle_ms, _deliveries in reply}]
        elif isinstance(reply, Exception) and name == "jobs":
            value = None  # there is no such group yet
        if value:
            state[f"w{writer}:{name}".encode()] = value
    return state


def difference(found: State, expected: State) -> str:
    """The first key in which two states differ, for a person."""
    for key in sorted({*found, *expected}):
        if found.get(key) != expected.get(key):
            return f"{key.decode()} is {str(found.get(key))[:200]}, not {str(expected.get(key))[:200]}"
    return ""
