r"""Differential tests: the same words to respd and to redis-server, and nothing may differ.

A file in tests/cases holds a list `CASES`. A case is a name and steps; each step is a command line (split as redis-cli
splits it) or a list of words:

    case("lpush then range", "LPUSH l a b", "LRANGE l 0 -1", "OBJECT ENCODING l")
    case("binary", [b"SET", b"k", b"\x00\xff"], "GET k")

Every case runs on empty servers over RESP2 and RESP3, directly and with each command inside a MULTI/EXEC of its own.
Compared are each reply with its wire types, the keyspace events, and the data set that results: keys, types, values
with their order (hashes and sets: without), expiries within two seconds, encodings.

The first of these runs sends a command when the one before it was answered; the others send all that one connection
has to say in one piece, as a pipeline.

Most cases run a third way too: each command called by a script (`redis.pcall` or `redis.call`), in RESP2 or RESP3,
whichever a checksum says. Compared are the replies, maps and sets without their order.

Loosening one step:
    unordered("SMEMBERS s")          as multisets, at the top and one level below
    shape("SRANDMEMBER s")           the type of the reply only (and the types of its elements), errors in full
    sized("SRANDMEMBER s 2")         the type and the number of elements
    about("TTL k", 1)                integers (bulk strings with numbers too) within a tolerance
    masked("CLIENT INFO", r"id=\d+") after the parts of texts that match are replaced by "~"
    without("INFO stats", ours, r"..") the same after the parts that match `ours` are taken out
    ignored("OBJECT FREQ k")         sent, and its reply thrown away
    events("LPUSH l a")              compare the keyspace events at this step, not only at the end

Several connections: a step that starts with `2> ` is sent by the second connection (there may be many; without a prefix
it is the first). A step `1& BLPOP l 0` is sent without awaiting the reply, which the step `1<` reads. `2<` with nothing
awaited reads one message (pub/sub). `wait(50)` waits 50 ms. Inside words `{id:2}` is the CLIENT ID of connection 2,
`{addr:2}` its address, `{now+100}` and `{now_ms+100}` the time plus 100 in seconds and milliseconds.

Options of a case: `script=False` (not by a script), `multi=False` (not inside MULTI, nor by a script; so by itself when
a step is about transactions, subscriptions or the session), `resp=(2,)` (only this protocol), `config=True` (changes
configuration, which is put back afterwards),
`data=False` (do not compare the resulting data set, for random effects), `data="sizes"` (compare keys, types, encodings
and sizes only), `events=False` (do not compare events), `events="unordered"`. Cases that wait do not compare events of
expiry.

By hand, `python -m tests.harness tests/cases/lists.py` starts both servers; `--respd HOST:PORT` and `--redis HOST:PORT`
name running ones. The latter are FLUSHED and reconfigured.
"""

from __future__ import annotations

import difflib
import itertools
import re
import time
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from tests.wire import AGGREGATES, CLOSED, TIMEOUT, Connection, Error, Frame, Status, encode, render, split

__all__ = [
    "Case",
    "Error",
    "Pair",
    "Side",
    "Status",
    "Step",
    "about",
    "case",
    "events",
    "ignored",
    "masked",
    "shape",
    "sized",
    "unordered",
    "wait",
    "without",
]

REPLY_TIMEOUT = 30.0
EXPIRY_TOLERANCE_MS = 2000
STALL_S = 0.01
ATTEMPTS = 6
NOTIFY = b"AEmn"

# Commands that change what later replies mean, or that MULTI itself refuses: cases with one of them run directly only.
SESSION_COMMANDS = frozenset(
    b"MULTI EXEC DISCARD WATCH UNWATCH SUBSCRIBE PSUBSCRIBE SSUBSCRIBE UNSUBSCRIBE PUNSUBSCRIBE SUNSUBSCRIBE MONITOR "
    b"RESET QUIT HELLO AUTH SHUTDOWN SYNC PSYNC".split()
)
# Commands that are sent by themselves: what CLIENT tells depends on what stands behind it in the query buffer, and
# redis-server 8.0 sometimes does not answer an AUTH that fails in a pipeline.
ALONE = SESSION_COMMANDS | {b"CLIENT"}
SCRIPT_COMMANDS = frozenset(b"EVAL EVALSHA EVAL_RO EVALSHA_RO FCALL FCALL_RO SCRIPT FUNCTION".split())
SUBSCRIPTIONS = frozenset(b"SUBSCRIBE PSUBSCRIBE SSUBSCRIBE UNSUBSCRIBE PUNSUBSCRIBE SUNSUBSCRIBE".split())

Words = list[bytes]
Compare = Callable[[Frame], object]


@dataclass(frozen=True)
class Step:
    """One line of a case: who sends what, whether it waits, and how the replies are made comparable."""

    connection: int
    words: tuple[bytes, ...]
    action: str = "call"  # or "send" (&), "read" (<), "wait"
    compare: Compare | None = None
    tolerance: float = 0
    check_events: bool = False

    def __str__(self) -> str:
        who = {"call": ">", "send": "&", "read": "<", "wait": "~"}[self.action]
        return f"{self.connection}{who} " + " ".join(_shown(word) for word in self.words)


def _shown(word: bytes) -> str:
    text = repr(word)[2:-1]
    if len(text) > 200:
        text = f"{text[:200]}...({len(word)} bytes)"
    return text if text and not re.search(r"[\s\"\\]", text) else f'"{text}"'


StepLike = str | list[bytes] | Step
_PREFIX = re.compile(r"(\d+)([>&<])\s*")


def step(given: StepLike) -> Step:
    """A step from the way it is written in a case."""
    if isinstance(given, Step):
        return given
    if isinstance(given, list):
        return Step(1, tuple(given))
    prefix = _PREFIX.match(given)
    if prefix is None:
        return Step(1, tuple(split(given)))
    action = {">": "call", "&": "send", "<": "read"}[prefix[2]]
    return Step(int(prefix[1]), tuple(split(given[prefix.end() :])), action)


def _loose(given: StepLike, compare: Compare) -> Step:
    base = step(given)
    return Step(base.connection, base.words, base.action, compare, base.tolerance, base.check_events)


def unordered(given: StepLike) -> Step:
    """Compare aggregates as multisets, at the top and one level below."""
    return _loose(given, _sorted_frame)


def shape(given: StepLike) -> Step:
    """Compare the type of the reply only, and the set of types of its elements."""
    return _loose(given, _shape_of)


def sized(given: StepLike) -> Step:
    """Compare the type of the reply, its number of elements and their types."""
    return _loose(given, lambda frame: (_shape_of(frame), len(frame.items)))


def ignored(given: StepLike) -> Step:
    """Send, and do not look at the reply (it must come, though)."""
    return _loose(given, lambda frame: frame.kind in (TIMEOUT, CLOSED))


def about(given: StepLike, tolerance: float) -> Step:
    """Compare numbers within a tolerance, also inside aggregates."""
    base = step(given)
    return Step(base.connection, base.words, base.action, base.compare, tolerance, base.check_events)


def masked(given: StepLike, pattern: str | bytes, *, sort_lines: bool = False) -> Step:
    """Compare after whatever matches the pattern was replaced by "~" in all texts of the reply, and lines sorted.

    Integers and doubles are texts with their type in front: `:12`, `,0.5`.
    """
    regex = re.compile(pattern.encode() if isinstance(pattern, str) else pattern)
    return _loose(given, lambda frame: _masked_frame(frame, regex, sort_lines))


def without(given: StepLike, pattern: str, mask: str) -> Step:
    """Compare as `masked` with `mask` does, after whatever matches `pattern` was taken out: what only respd tells."""
    taken, masks = re.compile(pattern.encode()), re.compile(mask.encode())

    def compare(frame: Frame) -> object:
        if not isinstance(frame.value, bytes):
            return frame
        return Frame(frame.kind, masks.sub(b"~", taken.sub(b"", frame.value)))

    return _loose(given, compare)


def events(given: StepLike) -> Step:
    """Compare the keyspace events so far at this step too."""
    base = step(given)
    return Step(base.connection, base.words, base.action, base.compare, base.tolerance, True)


def wait(milliseconds: int) -> Step:
    """Let time pass, on both servers at once."""
    return Step(0, (str(milliseconds).encode(),), "wait")


_CALLERS = (b"redis.setresp(%d) return redis.pcall(unpack(ARGV))", b"redis.setresp(%d) return redis.call(unpack(ARGV))")


def _caller(words: Iterable[bytes]) -> bytes:
    """A script that calls a command: errors are returned or raised, whichever the command's checksum says."""
    return _CALLERS[zlib.crc32(b" ".join(words)) % 2]


def _orderless(frame: Frame) -> Frame:
    """A reply with the members of its maps and sets sorted: a table of Lua's has them in an order of its own."""
    items = [_orderless(item) for item in frame.items]
    if frame.kind == "%":
        pairs = sorted(zip(items[::2], items[1::2], strict=True), key=repr)
        items = [item for pair in pairs for item in pair]
    elif frame.kind == "~":
        items.sort(key=repr)
    return Frame(frame.kind, tuple(items)) if frame.items else frame


def _sorted_frame(frame: Frame, depth: int = 2) -> object:
    if frame.kind not in AGGREGATES or frame.value is None or depth == 0:
        return frame
    members = [_sorted_frame(item, depth - 1) for item in frame.items]
    if frame.kind == "%":
        members = list(zip(members[::2], members[1::2], strict=True))
    return (frame.kind, sorted(members, key=repr))


def _shape_of(frame: Frame) -> object:
    if frame.kind == "-":
        return frame
    return (frame.kind, frame.value is None, sorted({item.kind for item in frame.items}))


def _masked_frame(frame: Frame, regex: re.Pattern[bytes], sort_lines: bool) -> Frame:
    if isinstance(frame.value, int) or (isinstance(frame.value, bytes) and frame.kind in ":,"):
        value = frame.value if isinstance(frame.value, bytes) else b"%d" % frame.value
        return Frame(frame.kind, regex.sub(b"~", frame.kind.encode() + value))
    if isinstance(frame.value, bytes):
        text = regex.sub(b"~", frame.value)
        return Frame(frame.kind, b"\n".join(sorted(text.split(b"\n"))) if sort_lines else text)
    if isinstance(frame.value, tuple):
        return Frame(frame.kind, tuple(_masked_frame(item, regex, sort_lines) for item in frame.items))
    return frame


@dataclass(frozen=True)
class Case:
    """A named list of steps, and which of its runs and comparisons make sense."""

    name: str
    steps: tuple[Step, ...]
    multi: bool = True
    resp: tuple[int, ...] = (2, 3)
    config: bool = False
    data: bool | str = True
    events: bool | str = True
    script: bool = True

    def script_resp(self) -> int | None:
        """The protocol in which a script calls the commands of this case; None for those where it would say little."""
        if not self.script or not self.multi or self.config:
            return None
        for one in self.steps:
            if one.action != "call" or one.check_events or one.words[0].upper() in SESSION_COMMANDS | SCRIPT_COMMANDS:
                return None
        return self.resp[zlib.crc32(self.name.encode()) % len(self.resp)]

    def variants(self) -> Iterator[tuple[int, bool]]:
        """The runs of this case, as (protocol, inside MULTI)."""
        multi = self.multi and not any(
            one.words and one.action != "wait" and one.words[0].upper() in SESSION_COMMANDS for one in self.steps
        )
        yield from itertools.product(self.resp, (False, True) if multi else (False,))


def case(
    name: str,
    *steps: StepLike,
    multi: bool = True,
    resp: tuple[int, ...] | int = (2, 3),
    config: bool = False,
    data: bool | str = True,
    events: bool | str = True,
    script: bool = True,
) -> Case:
    """A case from the way it is written in tests/cases; see the top of this module."""
    protocols = (resp,) if isinstance(resp, int) else resp
    return Case(name, tuple(step(one) for one in steps), multi, protocols, config, data, events, script)


_PLACEHOLDER = re.compile(rb"\{(id|addr|now|now_ms)(?::(\d+)|([+-]\d+))?\}")


class Client:
    """One of a case's connections to one server."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.awaited: list[list[Words]] = []  # commands sent with `&`, whose replies are still to be read
        self.id = b""
        self.pushes: list[Frame] = []

    def read(self, timeout: float = REPLY_TIMEOUT) -> Frame:
        """The next frame that is no RESP3 push; pushes are kept for `N<` and for the end."""
        while True:
            frame = self.connection.read(timeout)
            if frame.kind != ">":
                return frame
            self.pushes.append(frame)

    def read_replies(self, commands: list[Words]) -> list[Frame]:
        """The replies to commands that were sent."""
        frames: list[Frame] = []
        for words in commands:
            if words[0].upper() in SUBSCRIPTIONS:
                frames += self._read_subscriptions(words)
            else:
                frames.append(self.read())
            if frames[-1].kind in (TIMEOUT, CLOSED):
                break
        return frames

    def _read_subscriptions(self, words: Words) -> list[Frame]:
        """SUBSCRIBE and its like answer once a channel, in RESP3 with pushes."""
        frames = [self.connection.read(REPLY_TIMEOUT)]
        if frames[0].kind in "+-" or frames[0].kind in (TIMEOUT, CLOSED):
            return frames
        if len(words) > 1:
            return frames + [self.connection.read(REPLY_TIMEOUT) for _ in words[2:]]
        # Without names there are as many replies as there were subscriptions: a PING marks the end.
        mark = b"harness-mark"
        self.connection.send([b"PING", mark])
        while True:
            frame = self.connection.read(REPLY_TIMEOUT)
            if frame.kind in (TIMEOUT, CLOSED):
                return [*frames, frame]
            if frame.value == mark or (frame.items and frame.items[-1].value == mark):
                return frames
            frames.append(frame)

    def finish(self) -> list[Frame]:
        """Whatever was sent to this connection and not read by the case; ends the session."""
        if self.awaited:
            return self.pushes
        self.connection.send("RESET")
        while True:
            frame = self.connection.read(REPLY_TIMEOUT)
            if frame == Frame("+", b"RESET") or frame.kind in (TIMEOUT, CLOSED):
                return self.pushes if frame.kind == "+" else [*self.pushes, frame]
            self.pushes.append(frame)


@dataclass
class Result:
    """What one server answered in one run of a case."""

    replies: list[list[Frame]] = field(default_factory=list)
    events: list[list[tuple[bytes, bytes]]] = field(default_factory=list)
    leftovers: dict[int, list[Frame]] = field(default_factory=dict)
    data: dict[tuple[int, bytes], dict[str, object]] = field(default_factory=dict)


_BEGIN = Frame("*", (Frame("$", b"pong"), Frame("$", b"begin")))  # how PING is answered to who has subscribed


class Side:
    """One of the two servers: an inspecting connection, one that watches events, and those of the running case."""

    def __init__(self, name: str, port: int, host: str = "127.0.0.1") -> None:
        self.name = name
        self.port = port
        self.host = host
        self.admin = Connection(port, host=host)
        self.watcher = Connection(port, host=host)
        self.clients: dict[int, Client] = {}
        self.asks_ids = False
        self.result = Result()
        self.pending: list[list[Words]] = []  # of each step that was sent and not answered, its commands
        self.admin.call([b"CONFIG", b"SET", b"notify-keyspace-events", NOTIFY])
        self.watcher.call("PSUBSCRIBE __keyevent@*__:*")
        self.baseline = self._configuration()

    def close(self) -> None:
        """Close all connections."""
        self._close_clients()
        self.admin.close()
        self.watcher.close()

    def _close_clients(self) -> None:
        for client in self.clients.values():
            client.connection.close()
        self.clients = {}

    def _configuration(self) -> dict[bytes, bytes]:
        answer = self.admin.ask("CONFIG GET *")
        assert isinstance(answer, list), answer
        return dict(zip(answer[::2], answer[1::2], strict=True))

    def begin(self, one: Case) -> None:
        """Make the server empty and forget the previous case."""
        self.asks_ids = any(b"{id" in word for each in one.steps for word in each.words)
        self._close_clients()
        self.watcher.send("PING begin")  # the events before it do not count
        self.admin.pipeline([[b"CLIENT", b"UNPAUSE"], [b"FLUSHALL", b"SYNC"]])
        self.result = Result()

    def restore_configuration(self) -> None:
        """Put back every directive that a case has changed."""
        now = self._configuration()
        changed = [(name, value) for name, value in self.baseline.items() if now.get(name) != value]
        self.admin.pipeline([[b"CONFIG", b"SET", name, value] for name, value in changed])

    def client(self, number: int, resp: int) -> Client:
        """The connection with a number, opened at its first use."""
        if number not in self.clients:
            client = Client(Connection(self.port, resp=resp, host=self.host, timeout=REPLY_TIMEOUT))
            if self.asks_ids:
                client.id = str(client.connection.ask("CLIENT ID")).encode()
            self.clients[number] = client
        return self.clients[number]

    def send(self, steps: Sequence[Step], lines: list[Words], resp: int, multi: bool) -> None:
        """Send the commands of steps of one connection, in one piece."""
        client = self.client(steps[0].connection, resp)
        self.pending = []
        for line in lines:
            words = [_PLACEHOLDER.sub(lambda found: self._fill(found, resp), word) for word in line]
            self.pending.append([[b"MULTI"], words, [b"EXEC"]] if multi else [words])
        client.connection.send_bytes(b"".join(encode(words) for commands in self.pending for words in commands))
        if steps[0].action == "send":
            client.awaited.append(self.pending[0])
            self.admin.call("PING")  # by its answer the server has seen, and blocked, the other

    def _fill(self, found: re.Match[bytes], resp: int) -> bytes:
        if found[1] in (b"now", b"now_ms"):
            return found[0]
        client = self.client(int(found[2] or 1), resp)
        if found[1] == b"id":
            return client.id
        host, port = client.connection.socket.getsockname()[:2]
        return f"{host}:{port}".encode()

    def receive(self, one: Step, resp: int) -> None:
        """Read what a step that was sent answers, or what it waits for."""
        client = self.client(one.connection, resp)
        if one.action == "call":
            self.result.replies.append(client.read_replies(self.pending.pop(0)))
        elif one.action == "read" and client.awaited:
            self.result.replies.append(client.read_replies(client.awaited.pop(0)))
        elif one.action == "read":
            frame = client.pushes.pop(0) if client.pushes else client.connection.read(REPLY_TIMEOUT)
            self.result.replies.append([frame])
        else:
            self.result.replies.append([])

    def note_events(self) -> None:
        """Add the events since the last time to the result."""
        self.result.events.append(self._take_events())

    def _take_events(self) -> list[tuple[bytes, bytes]]:
        self.watcher.send("PING mark")
        seen: list[tuple[bytes, bytes]] = []
        while True:
            frame = self.watcher.read(REPLY_TIMEOUT)
            if (
                len(frame.items) == 4
                and isinstance(frame.items[2].value, bytes)
                and isinstance(frame.items[3].value, bytes)
            ):
                seen.append((frame.items[2].value.removeprefix(b"__keyevent@"), frame.items[3].value))
            elif frame == _BEGIN:
                seen = []
            else:
                return seen

    def end(self, data: bool | str) -> None:
        """Gather what is left on the connections, and the data set."""
        for number, client in self.clients.items():
            self.result.leftovers[number] = client.finish()
        self._close_clients()
        self.note_events()
        if data:
            self.result.data = data_set(self.admin, sizes_only=data == "sizes")


_KEYSPACE = re.compile(rb"^db(\d+):keys=", re.MULTILINE)
_READERS: dict[bytes, tuple[bytes, ...]] = {
    b"string": (b"GET",),
    b"list": (b"LRANGE", b"0", b"-1"),
    b"hash": (b"HGETALL",),
    b"set": (b"SMEMBERS",),
    b"zset": (b"ZRANGE", b"0", b"-1", b"WITHSCORES"),
    b"stream": (b"FULL", b"COUNT", b"0"),
}
_SIZES: dict[bytes, bytes] = {
    b"string": b"STRLEN",
    b"list": b"LLEN",
    b"hash": b"HLEN",
    b"set": b"SCARD",
    b"zset": b"ZCARD",
    b"stream": b"XLEN",
}
_TIME = Frame(":", "a time")


def data_set(admin: Connection, sizes_only: bool = False) -> dict[tuple[int, bytes], dict[str, object]]:
    """Everything a server holds: by (database, key) its type, encoding, expiry and value."""
    found: dict[tuple[int, bytes], dict[str, object]] = {}
    overview, names = admin.pipeline([[b"INFO", b"keyspace"], [b"KEYS", b"*"]])  # nearly always of database 0 only
    assert isinstance(overview.value, bytes)
    selected = 0
    for number in map(int, _KEYSPACE.findall(overview.value)):
        if number != selected:
            names = admin.pipeline([[b"SELECT", b"%d" % number], [b"KEYS", b"*"]])[1]
            selected = number
        keys = [item.value for item in names.items if isinstance(item.value, bytes)]
        if not keys:
            continue
        types = [frame.value for frame in admin.pipeline([[b"TYPE", key] for key in keys])]
        questions: list[Words] = []
        for key, kind in zip(keys, types, strict=True):
            assert isinstance(kind, bytes)
            reader = (_SIZES[kind],) if sizes_only and kind in _SIZES else _READERS.get(kind, (b"DUMP",))
            questions.append([b"OBJECT", b"ENCODING", key])
            questions.append([b"PEXPIRETIME", key])
            if reader[0] == b"FULL":
                questions.append([b"XINFO", b"STREAM", key, *reader])
            else:
                questions.append([reader[0], key, *reader[1:]])
        replies = admin.pipeline(questions)
        for place, (key, kind) in enumerate(zip(keys, types, strict=True)):
            encoding, expiry, value = replies[place * 3 : place * 3 + 3]
            one: dict[str, object] = {"type": kind, "encoding": encoding.value, "expiry": expiry.value, "value": value}
            if kind == b"hash" and not sizes_only:
                fields = value.items[::2]
                one["value"] = sorted(zip(fields, value.items[1::2], strict=True))
                one["field expiry"] = _field_expiry(admin, key, [item.value for item in fields])
            elif kind == b"set" and not sizes_only:
                one["value"] = sorted(value.items)
            elif kind == b"stream":
                one["value"] = _timeless(value)
            found[number, key] = one
    if selected:
        admin.call("SELECT 0")
    return found


def _timeless(frame: Frame) -> Frame:
    """XINFO STREAM's answer without the moments in it."""
    items = list(frame.items)
    for place, item in enumerate(items[:-1]):
        follower = items[place + 1]
        if item.value in (b"seen-time", b"active-time") and follower.value != -1:
            items[place + 1] = _TIME
        elif item.value in (b"pel", b"pending") and follower.items:
            entries = [_without_time(entry) for entry in follower.items]
            items[place + 1] = Frame(follower.kind, tuple(entries))
    if frame.items:
        return Frame(frame.kind, tuple(_timeless(item) for item in items))
    return frame


def _without_time(entry: Frame) -> Frame:
    """A pending entry, of which the last but one tells when it was delivered."""
    return Frame(entry.kind, (*entry.items[:-2], _TIME, entry.items[-1]))


def _field_expiry(admin: Connection, key: bytes, names: list[object]) -> dict[object, object]:
    words = [name for name in names if isinstance(name, bytes)]
    times = admin.ask(b"HPEXPIRETIME", key, b"FIELDS", str(len(words)).encode(), *words)
    if not isinstance(times, list):
        return {}
    return {name: at for name, at in zip(words, times, strict=True) if at != -1}


def _close(left: object, right: object, tolerance: float) -> bool:
    """Whether two values are equal, numbers within a tolerance."""
    if left == right:
        return True
    if isinstance(left, Frame) and isinstance(right, Frame):
        return left.kind == right.kind and _close(left.value, right.value, tolerance)
    if isinstance(left, tuple) and isinstance(right, tuple):
        return len(left) == len(right) and all(_close(a, b, tolerance) for a, b in zip(left, right, strict=True))
    try:
        return abs(float(left) - float(right)) <= tolerance  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return False


def _same_expiry(left: object, right: object) -> bool:
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(_same_expiry(left[name], right[name]) for name in left)
    if isinstance(left, int) and isinstance(right, int) and min(left, right) > 0:
        return abs(left - right) <= EXPIRY_TOLERANCE_MS
    return left == right


def _bodies(frames: Sequence[Frame], multi: bool) -> list[Frame]:
    """The replies to compare loosely: inside MULTI, what EXEC holds."""
    if multi and len(frames) == 3 and len(frames[2].items) == 1:
        return [*frames[:2], frames[2].items[0]]
    return list(frames)


def _diff(left: str, right: str, names: tuple[str, str]) -> str:
    lines = difflib.unified_diff(left.splitlines(), right.splitlines(), *names, lineterm="", n=2)
    return "\n".join(itertools.islice(lines, 60))


def _text(frames: Iterable[object]) -> str:
    return "\n".join(str(frame) for frame in frames)


class Pair:
    """Two servers that must do the same. `run` runs a case on both and returns the differences as texts."""

    def __init__(self, left: Side, right: Side) -> None:
        self.sides = (left, right)
        self.names = (left.name, right.name)
        self.slowest_s = 0.0

    def close(self) -> None:
        """Close all connections."""
        for side in self.sides:
            side.close()

    def run(self, one: Case) -> list[str]:
        """Run all variants of a case and return a text for each difference; none when all is well.

        Only the first variant that differs is told in full. What differs while the machine was busy with other things
        may differ for that reason, since time passes in many cases: then the variant is run again.
        """
        found: list[str] = []
        for place, (resp, multi) in enumerate(one.variants()):
            title = f"[RESP{resp}{', inside MULTI' if multi else ''}]"
            texts = self._run_unhindered(self.run_variant, one, resp, multi, place > 0)
            if found and texts:
                found.append(f"{title} differs too, {len(texts)} times: {texts[0].splitlines()[0]}")
            else:
                found += [f"{title} {text}" for text in texts]
        by_script = one.script_resp()
        if by_script is not None and not found:
            texts = self._run_unhindered(self.run_by_script, one, by_script)
            found = [f"[by a script, RESP{by_script}] {text}" for text in texts]
        return found

    def _run_unhindered(self, variant: Callable[..., list[str]], one: Case, *how: int) -> list[str]:
        """Run a variant until nothing differs, or something does and no step took longer than it should."""
        texts: list[str] = []
        for _ in range(ATTEMPTS):
            self.slowest_s = 0.0
            texts = variant(one, *how)
            if not texts or self.slowest_s < STALL_S:
                break
        return texts

    def _clocked(self, started: float, expected_s: float = 0.0) -> None:
        self.slowest_s = max(self.slowest_s, time.monotonic() - started - expected_s)

    def run_by_script(self, one: Case, resp: int) -> list[str]:
        """Run the steps of a case by scripts and compare the replies."""
        for side in self.sides:
            side.begin(one)
        for batch in _batches(one.steps):
            lines = [[b"EVAL", _caller(each.words) % resp, b"0", *_timed(each.words)] for each in batch]
            self._send(batch, lines, resp, False)
        left, right = self.sides[0].result, self.sides[1].result
        found: list[str] = []
        for place, each in enumerate(one.steps):
            ours, theirs = [
                [_orderless(frame) for frame in replies[place]] for replies in (left.replies, right.replies)
            ]
            if not _same_replies(each, ours, theirs, False):
                before = "".join(f"    {earlier}\n" for earlier in one.steps[:place][-6:])
                found.append(f"the reply differs:\n{before}    {each}\n{_diff(_text(ours), _text(theirs), self.names)}")
        return found

    def run_variant(self, one: Case, resp: int, multi: bool, pipelined: bool = False) -> list[str]:
        """Run a case one way."""
        for side in self.sides:
            side.begin(one)
        self.run_steps(one, resp, multi, pipelined=pipelined)
        return self._compare(one, multi)

    def run_steps(
        self, one: Case, resp: int, multi: bool, *, pipelined: bool = False, data: bool | str | None = None
    ) -> None:
        """Run the steps of a case on servers that have begun."""
        try:
            for batch in _batches(one.steps) if pipelined else ((each,) for each in one.steps):
                self._step(batch, resp, multi)
            for side in self.sides:
                side.end(one.data if data is None else data)
        finally:
            if one.config:
                for side in self.sides:
                    side.restore_configuration()

    def _step(self, batch: Sequence[Step], resp: int, multi: bool) -> None:
        first = batch[0]
        if first.action == "wait":
            waited_s = int(first.words[0]) / 1000
            started = time.monotonic()
            time.sleep(waited_s)
            self._clocked(started, waited_s)
        elif first.action == "read":
            for side in self.sides:
                side.receive(first, resp)
        else:
            self._send(batch, [_timed(each.words) for each in batch], resp, multi)
        if batch[-1].check_events:
            for side in self.sides:
                side.note_events()

    def _send(self, batch: Sequence[Step], lines: list[Words], resp: int, multi: bool) -> None:
        started = time.monotonic()
        for side in self.sides:
            side.send(batch, lines, resp, multi)
        for side in self.sides:
            for each in batch:
                side.receive(each, resp)
        self._clocked(started)

    def _compare(self, one: Case, multi: bool) -> list[str]:
        left, right = self.sides[0].result, self.sides[1].result
        found: list[str] = []
        talking = [each for each in one.steps if each.action != "wait"]
        for place, each in enumerate(talking):
            ours, theirs = left.replies[place], right.replies[place]
            if not _same_replies(each, ours, theirs, multi):
                before = "".join(f"    {earlier}\n" for earlier in talking[:place][-6:])
                found.append(f"the reply differs:\n{before}    {each}\n{_diff(_text(ours), _text(theirs), self.names)}")
        for number in left.leftovers:
            if left.leftovers[number] != right.leftovers.get(number):
                texts = _text(left.leftovers[number]), _text(right.leftovers.get(number, []))
                found.append(f"connection {number} was sent besides:\n{_diff(*texts, self.names)}")
        if one.events:
            found += self._compare_events(left, right, one)
        found += self._compare_data(left, right)
        return found

    def _compare_events(self, left: Result, right: Result, one: Case) -> list[str]:
        passing_time = any(each.action == "wait" for each in one.steps)
        for ours, theirs in zip(left.events, right.events, strict=True):
            if passing_time:
                ours, theirs = _without_expiry(ours), _without_expiry(theirs)
            if one.events == "unordered":
                ours, theirs = sorted(ours), sorted(theirs)
            if ours != theirs:
                return [f"keyspace events differ:\n{_diff(_text(ours), _text(theirs), self.names)}"]
        return []

    def _compare_data(self, left: Result, right: Result) -> list[str]:
        found = []
        for place in sorted(left.data.keys() | right.data.keys()):
            ours, theirs = left.data.get(place), right.data.get(place)
            title = f"key {place[1]!r} in database {place[0]}"
            if ours is None or theirs is None:
                found.append(f"{title} is only in {self.names[0] if ours else self.names[1]}: {ours or theirs}")
                continue
            for aspect in ours.keys() | theirs.keys():
                one, other = ours.get(aspect), theirs.get(aspect)
                if one == other or ("expiry" in aspect and _same_expiry(one, other)):
                    continue
                found.append(f"{title}: {aspect} differs:\n{_diff(_pretty(one), _pretty(other), self.names)}")
        return found


def _pretty(value: object) -> str:
    if isinstance(value, Frame):
        return "\n".join(render(value))
    if isinstance(value, list):
        return "\n".join(_pretty(item) for item in value)
    if isinstance(value, tuple):
        return " ".join(_pretty(item) for item in value)
    return str(value)


def _without_expiry(seen: list[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    """Events but those of expiry: when redis-server finds what is due is a matter of chance."""
    return [one for one in seen if not one[0].endswith((b":expired", b":hexpired"))]


def _batches(steps: Sequence[Step]) -> Iterator[Sequence[Step]]:
    """The steps of a case, together what one connection sends without looking at anything but replies."""
    batch: list[Step] = []
    for each in steps:
        alone = each.action != "call" or each.words[0].upper() in ALONE
        if batch and (alone or each.connection != batch[0].connection or batch[-1].check_events):
            yield batch
            batch = []
        batch.append(each)
        if alone:
            yield batch
            batch = []
    if batch:
        yield batch


def _timed(words: Sequence[bytes]) -> Words:
    return [_PLACEHOLDER.sub(_fill_time, word) for word in words]


def _fill_time(found: re.Match[bytes]) -> bytes:
    if found[1] not in (b"now", b"now_ms"):
        return found[0]
    now = int(time.time() * 1000) if found[1] == b"now_ms" else int(time.time())
    return b"%d" % (now + int(found[3] or 0))


def _same_replies(each: Step, ours: list[Frame], theirs: list[Frame], multi: bool) -> bool:
    if any(frame.kind == TIMEOUT for frame in [*ours, *theirs]):
        return ours == theirs and each.action == "read"
    if ours == theirs:
        return True
    if len(ours) != len(theirs):
        return False
    left, right = _bodies(ours, multi), _bodies(theirs, multi)
    if each.tolerance:
        return _close(tuple(left), tuple(right), each.tolerance)
    if each.compare is None:
        return False
    seen, expected = [each.compare(frame) for frame in left], [each.compare(frame) for frame in right]
    if each.compare is _sorted_frame:
        return sorted(seen, key=repr) == sorted(expected, key=repr)
    return seen == expected


if __name__ == "__main__":
    from tests.harness_cli import main

    main()
