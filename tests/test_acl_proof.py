"""The proof that permissions about keys hold: all commands and random ones, and what they can do and learn.

Keys are called by what the user may do to them: `a:` all, `r:` read, `w:` write, `d:` nothing; the letter behind tells
the type. Two engines run the same commands. In one of them the forbidden keys hold what is in no other key, in the
other they are not there. So whatever a command answers, or does to other keys, because of a forbidden key is a
difference between the two. Each command comes directly, in a transaction, or by a script that declares no keys.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st

from respd.client import Client
from respd.command import Command, CommandTable
from respd.commands import all_groups
from respd.context import Context
from tests.local import Local
from tests.servers import Server
from tests.test_random_commands import TEMPLATES
from tests.wire import Error, Frame, ReplyReader, Status, split

EXAMPLES = 10
LONG_EXAMPLES = 300
COMMANDS = 12
CANARY = b"canary"
TABLE = CommandTable(all_groups())

# Besides those of the random commands: what only a permission can make dangerous, or chance and time random there.
MORE_TEMPLATES = """
BLMOVEM k k LEFT RIGHT 0.01 COUNT 2 OBO|LMOVEM k k LEFT RIGHT COUNT 2 OBO|BLMPOP 0.01 2 k k LEFT|BRPOPLPUSH k k 0.01
BZPOPMAX k k 0.01|BLPOP k k 0|BLMOVE k k LEFT RIGHT 0|DELEX k|DELEX k IFEQ m|DIGEST k|DUMP k|EXPIRE k 100|EXPIRETIME k
PEXPIRE k 100000 NX|PTTL k|TTL k|GEORADIUS_RO k o o r km|GEORADIUSBYMEMBER_RO k m r km
GEORADIUS k o o r km STOREDIST k|GEORADIUSBYMEMBER k m r km STORE k STOREDIST k
GEOSEARCHSTORE k k FROMMEMBER m BYRADIUS r km|HEXPIRE k 100 FIELDS 1 m|HEXPIRETIME k FIELDS 1 m|HMSET k m v
HPEXPIRE k 100000 FIELDS 1 m|HPTTL k FIELDS 1 m|HRANDFIELD k 2 WITHVALUES|HTTL k FIELDS 1 m|HIMPORT PREPARE f m
HIMPORT SET k f v|HIMPORT DISCARD f|HIMPORT DISCARDALL|INCREX k BYINT 1|MEMORY USAGE k SAMPLES 0
MSETEX 2 k v k v EX 100|OBJECT FREQ k|OBJECT IDLETIME k|OBJECT HELP|PSETEX k 100000 v|RESTORE k 0 D
RESTORE k 0 D REPLACE|SDIFFCARD 2 k k|SUNIONCARD 2 k k|SETEX k 100 v|SPOP k|SPOP k 2|SRANDMEMBER k 2|WATCH k k|UNWATCH
XACKDEL k a IDS 1 1-1|XCFGSET k IDMP-MAXSIZE 10|XDELEX k IDS 1 1-1|XGROUP CREATECONSUMER k a m
XGROUP DELCONSUMER k a m|XGROUP SETID k a d|XGROUP CREATE k b $ MKSTREAM|XGROUP DESTROY k a|XIDMPRECORD k m m 1-1
XINFO CONSUMERS k a|XINFO GROUPS k|XINFO STREAM k FULL|XINFO STREAM k|XNACK k a FAIL IDS 1 1-1
ZRANDMEMBER k 2 WITHSCORES|XREAD BLOCK 1 STREAMS k k d $|XREADGROUP GROUP a m STREAMS k k > >
XREADGROUP GROUP a m CLAIM 0 STREAMS k >|XADD k 7-* m v|XRANGE k - +|XLEN k|XTRIM k MAXLEN 0|XDEL k 1-1|XSETID k 5-5
XACK k a 1-1|XPENDING k a - + 10|XCLAIM k a m 0 1-1|XAUTOCLAIM k a m 0 0|BITFIELD k GET u8 0
BITFIELD k SET u8 0 1 GET u8 0|BITFIELD_RO k GET u8 0|BITFIELD k OVERFLOW SAT GET u8 0|SET k v GET|SET k v IFEQ m
SET k v EX 100 GET|GETEX k PERSIST|GETSET k v|GETDEL k|SORT k ALPHA BY k*|SORT k ALPHA GET k*|SORT k ALPHA STORE k
SORT k GET # GET k*|SORT k BY k* GET k*->m STORE k|SORT_RO k BY k* GET k*|SORT k STORE k|SORT k BY STORE GET STORE
SORT k LIMIT STORE k STORE k|SORT k STORE k STORE k|SORT k BY nosort STORE k GET #|COPY k k DB 1|COPY k k REPLACE
MOVE k 1|RENAME k k|RENAMENX k k|LCS k k IDX|ZUNION 2 k k|ZRANGESTORE k k 0 -1|ZUNIONSTORE k 3 k k k WEIGHTS 1 2 3
ZDIFFSTORE k 1 k|ZMPOP 2 k k MIN|LMPOP 2 k k LEFT|SINTERCARD 2 k k|PFMERGE k k k|PFCOUNT k k|PFDEBUG GETREG k
PFDEBUG DECODE k|BITOP DIFF k k k|EVAL N 2 k k|EVAL_RO N 1 k|EVALSHA m 1 k|EVALSHA_RO m 2 k k|FCALL run 2 k k GET k
FCALL_RO nosuch 1 k|PUBLISH c v|SPUBLISH c v|SUBSCRIBE c c|SSUBSCRIBE c|PSUBSCRIBE c*|PSUBSCRIBE *|UNSUBSCRIBE
SUNSUBSCRIBE|PUNSUBSCRIBE|COMMAND GETKEYS GET k|CLIENT TRACKING ON|CLIENT TRACKING ON BCAST PREFIX d
CLIENT TRACKING OFF|CLIENT NO-TOUCH ON|CLIENT NO-TOUCH OFF|PUBSUB NUMSUB c|SUBSTR k 0 -1|TOUCH k k|UNLINK k k
XREADGROUP GROUP a m STREAMS k k > d
"""

# Redis lets who may run these see or change all keys: they name none.
SEE_ALL_KEYS = frozenset(b"keys scan randomkey dbsize flushall flushdb swapdb".split())

# No keys: about the session, the time, transactions, scripts as such.
NAME_NO_KEYS = frozenset(
    b"asking auth client command discard echo exec function hello himport|discard himport|discardall himport|prepare "
    b"latency lolwut memory|doctor memory|malloc-stats memory|purge memory|stats module multi object|help "
    b"ping pubsub quit readonly readwrite reset script select slowlog time unwatch wait waitaof "
    b"acl|whoami acl|cat acl|genpass acl|dryrun cluster lastsave pfselftest".split()
)

_TYPES: dict[str, bytes] = {
    "string": b"s", "bitmap": b"s", "list": b"l", "hash": b"h", "set": b"S", "sorted-set": b"z", "geo": b"g",
    "stream": b"x", "hyperloglog": b"p",
}  # fmt: skip
_ANY_TYPE = [*dict.fromkeys(_TYPES.values()), b"i"]
_CHOICES: dict[bytes, list[bytes]] = {
    b"m": [b"m", b"n", b"1"],
    b"v": [b"v", b"5", b""],
    b"i": [b"0", b"1", b"-1"],
    b"n": [b"7", b"-1"],
    b"f": [b"1.5", b"1", b"-2"],
    b"c": [b"1", b"2", b"0"],
    b"s": [b"-inf", b"+inf", b"(1"],
    b"t": [b"4000000000000"],
    b"x": [b"-", b"+", b"[a"],
    b"o": [b"1.5", b"0"],
    b"r": [b"500", b"7000"],
    b"d": [b"0", b"1-1", b"9-9"],
    b"N": [b"return {KEYS, ARGV}"],
}
_SPECIAL_KEYS = {b"y": b"z", b"g": b"g", b"p": b"p", b"e": b"x"}
_INSERTED = b"STORE STOREDIST GET BY KEYS STREAMS COUNT LIMIT REPLACE ID FORCE LASTID WITHSCORES 0 1 2 3 -1 # *".split()

_PARSED = [split(one.removeprefix("~")) for one in re.split(r"[|\n]", f"{TEMPLATES.strip()}\n{MORE_TEMPLATES.strip()}")]
_PARSED = [words for words in _PARSED if words[0].lower() not in SEE_ALL_KEYS]

USERS = {
    "patterns": [b"~a:*", b"%R~r:*", b"%W~w:*"],
    "selectors": [b"~a:*", b"(+@all %R~r:* %R~a:*)", b"(+@all %W~w:* ~a:*)"],
    "one selector": [b"(+@all ~a:* %R~r:* %W~w:*)"],
}

DIRECT, IN_MULTI, BY_SCRIPT, BY_PCALL, BY_FUNCTION = range(5)
Call = tuple[int, list[bytes]]


@st.composite
def calls(draw: Any) -> Call:
    """A way to call, and a command with random arguments, now and then with a word too many or too few."""
    template = draw(st.sampled_from(_PARSED))
    command = TABLE.lookup(template)
    group = command.declaration.group if command is not None else ""
    usual = _TYPES.get(group)
    words = [template[0]]
    for word in template[1:]:
        if word in (b"k", b"k*", b"k*->m") or word in _SPECIAL_KEYS:
            type_ = _SPECIAL_KEYS.get(word, usual)
            if type_ is None or draw(st.integers(0, 4)) == 0:
                type_ = draw(st.sampled_from([*_ANY_TYPE, b"none"]))
            elif type_ == b"s" and draw(st.booleans()):
                type_ = b"i"
            words.append(draw(st.sampled_from([b"a:"] * 5 + [b"r:", b"w:", b"d:", b"d:"])) + type_ + word[1:])
        elif word.rstrip(b"*") == b"c" and group == "pubsub":
            words.append(draw(st.sampled_from([b"a:c", b"a:c", b"d:c"])) + word[1:])
        elif word == b"D":
            words.append(_PAYLOAD)
        else:
            choices = _CHOICES.get(word)
            words.append(draw(st.sampled_from(choices)) if choices else word)
    changed = draw(st.integers(0, 9))
    if changed < 2 and len(words) > 1:
        place = draw(st.integers(1, len(words)))
        words.insert(place, draw(st.sampled_from([*_INSERTED, b"d:s", b"d:l", b"d:z", b"a:S"])))
    elif changed == 2 and len(words) > 2:
        del words[draw(st.integers(1, len(words) - 1))]
    return draw(st.sampled_from([DIRECT, DIRECT, IN_MULTI, BY_SCRIPT, BY_PCALL, BY_FUNCTION])), words


def written_out(template: list[bytes]) -> Iterator[list[bytes]]:
    """A template with allowed keys, but for one that may only be read, or written, or neither: each key in turn."""
    command = TABLE.lookup(template)
    group = command.declaration.group if command is not None else ""
    types = [_TYPES[group]] if group in _TYPES else [b"s", b"l"]
    for type_ in types:
        words = [template[0]]
        keys: list[int] = []
        for place, word in enumerate(template[1:], 1):
            if word in (b"k", b"k*", b"k*->m") or word in _SPECIAL_KEYS:
                keys.append(place)
                words.append(b"a:" + _SPECIAL_KEYS.get(word, type_) + word[1:])
            elif word.rstrip(b"*") == b"c" and group == "pubsub":
                keys.append(place)
                words.append(b"a:" + word)
            else:
                words.append(_PAYLOAD if word == b"D" else _CHOICES.get(word, [word])[0])
        yield words
        for place in keys:
            for kind in b"d:", b"w:", b"r:":
                yield [*words[:place], kind + words[place][2:], *words[place + 1 :]]


def _payload() -> bytes:
    local = Local(*all_groups())
    local.run("RPUSH k v")
    value = local.run("DUMP k")
    assert isinstance(value, bytes)
    return value


_PAYLOAD = _payload()
_RUN = b"return redis.call(unpack(ARGV))"
_PRUN = b"return redis.pcall(unpack(ARGV))"
_LIBRARY = b"#!lua name=p\nredis.register_function('run', function(k, a) return redis.call(unpack(a)) end)"


class Place:
    """An engine with keys of all kinds, forbidden ones only in the `secret` one, and a session of the user."""

    def __init__(self, secret: bool) -> None:
        self.secret = secret
        self.local = Local(*all_groups())
        self.local.engine.record_effects(False)
        self.local.engine.shared.set_notify(0)
        self.local.run([b"FUNCTION", b"LOAD", _LIBRARY])
        self.user: Context = self.local.ctx
        self.listener = self.local.connect()
        self.rules: list[bytes] = []

    def prepare(self, rules: list[bytes]) -> None:
        """Begin anew."""
        local = self.local
        for ctx in (self.user, self.listener):
            if ctx is not local.ctx:
                local.engine.disconnect(ctx)
        if rules != self.rules:
            self.rules = rules
            selectors = [rule[:-1] + b" " + _WITHOUT + b")" if rule[:1] == b"(" else rule for rule in rules]
            assert local.run([*split("ACL SETUSER u reset on nopass &a:* +@all"), *_WITHOUT.split(), *selectors]) == OK
        self.fill()
        self.user = local.connect()
        self.listener = local.connect()
        local.send("PSUBSCRIBE d:*", self.listener)
        local.heard(self.listener)
        assert local.run("AUTH u x", self.user) == OK

    def fill(self) -> None:
        """Have the keys be what they were in the beginning."""
        local = self.local
        local.run("FLUSHALL")
        for kind in b"a:", b"r:", b"w:", b"d:":
            for line in filling(kind, CANARY if kind in (b"w:", b"d:") else b"member") if self.has(kind) else ():
                assert not isinstance(local.run(line), Error), line
        local.engine.random.seed(1)

    def has(self, kind: bytes) -> bool:
        """Tell whether keys of a kind are there."""
        return self.secret or kind != b"d:"

    def play(self, call: Call) -> list[bytes]:
        """Run a command as the user; return all that the session got for it, as sent."""
        way, words = call
        local = self.local
        client = self.user.client
        sent = {
            DIRECT: [words],
            IN_MULTI: [[b"MULTI"], words, [b"EXEC"]],
            BY_SCRIPT: [[b"EVAL", _RUN, b"0", *words]],
            BY_PCALL: [[b"EVAL", _PRUN, b"0", *words]],
            BY_FUNCTION: [[b"FCALL", b"run", b"0", *words]],
        }[way]
        got: list[bytes] = []
        for one in sent:
            local.send(one, self.user)
            if client.parked is not None:
                local.engine.blocked.unblock(client, False)
            local.engine.before_sleep()
            got.append(taken(client))
        local.pass_time(1)
        got.append(taken(client))
        return got

    def state(self) -> dict[bytes, tuple[object, object, object]]:
        """Return the keys of database 0 and 1: type, expiry and value."""
        local = self.local
        found: dict[bytes, tuple[object, object, object]] = {}
        for number in (0, 1):
            local.run(f"SELECT {number}")
            for key in sorted(local.engine.databases[number].dense):
                type_ = local.run([b"TYPE", key])
                assert isinstance(type_, bytes)
                reader = _READERS[bytes(type_)]
                if type_ == b"stream" and key[:2] == b"r:":
                    reader = [b"XRANGE", b"k", b"-", b"+"]  # who may read it may do so in a group
                value = local.run([word if word != b"k" else key for word in reader])
                if isinstance(value, bytes) and value[:4] == b"HYLL":
                    value = local.run([b"PFCOUNT", key])  # reading one may change how it is kept
                found[b"%d %b" % (number, key)] = (type_, local.run([b"PEXPIRETIME", key]), value)
        local.run("SELECT 0")
        return found


_READERS = {
    b"string": [b"GET", b"k"],
    b"list": [b"LRANGE", b"k", b"0", b"-1"],
    b"hash": [b"HGETALL", b"k"],
    b"set": [b"SMEMBERS", b"k"],
    b"zset": [b"ZRANGE", b"k", b"0", b"-1", b"WITHSCORES"],
    b"stream": [b"XINFO", b"STREAM", b"k", b"FULL"],
}


def is_left_out(command: Command) -> bool:
    """Tell whether a command is about no key, and its effects are so wide that the user may not run it here."""
    if command.name in SEE_ALL_KEYS:
        return True
    return not command.declaration.keys and not {"admin", "dangerous"}.isdisjoint(command.declaration.categories())


_WITHOUT = b" ".join(b"-" + command.name for command in TABLE.all if is_left_out(command))
OK = Status(b"OK")


def filling(kind: bytes, word: bytes) -> Iterator[list[bytes]]:
    """Commands that make a key of each type; all but one type are without expiry."""
    name = kind.__add__
    yield [b"SET", name(b"s"), word]
    yield [b"SET", name(b"i"), b"5"]
    yield [b"SET", name(b"lm"), word]  # for SORT's patterns
    yield [b"RPUSH", name(b"l"), word, b"m", word + b"2"]
    yield [b"HSET", name(b"h"), b"m", word, word, b"1"]
    yield [b"SADD", name(b"S"), word, b"m"]
    yield [b"ZADD", name(b"z"), b"1", word, b"2", b"m"]
    yield [b"GEOADD", name(b"g"), b"1.5", b"0", word, b"0", b"1.5", b"m"]
    yield [b"XADD", name(b"x"), b"1-1", b"m", word]
    yield [b"XGROUP", b"CREATE", name(b"x"), b"a", b"0"]
    yield [b"PFADD", name(b"p"), word, b"m"]
    yield [b"PEXPIREAT", name(b"S"), b"4000000000000"]


def taken(client: Client) -> bytes:
    """Take what was written to a client."""
    data = client.out.getvalue()
    client.out.truncate(0)
    return data


def readable(data: bytes) -> str:
    """What was sent, for a failure's message."""
    reader = ReplyReader()
    reader.feed(data)
    frames: list[Frame] = []
    while (frame := reader.next()) is not None:
        frames.append(frame)
    return str(frames)


def play(places: tuple[Place, Place], call: Call) -> None:
    """Run a command in both places, and compare what comes back."""
    secret, empty = places
    with_secret, without = secret.play(call), empty.play(call)
    if with_secret != without or CANARY in b"".join(with_secret):
        pytest.fail(f"{call}\n{list(map(readable, with_secret))}\n{list(map(readable, without))}")


def compare(places: tuple[Place, Place], before: dict[bytes, tuple[object, object, object]]) -> None:
    """See whether forbidden keys are as before, and all others the same in both places, without their contents."""
    for place in places:
        assert not taken(place.listener.client), "a forbidden channel got something"
    after, others = places[0].state(), places[1].state()
    for key, value in before.items():
        if key[2:4] in (b"d:", b"r:"):
            assert after.get(key) == value, key
    for key, value in after.items():
        if key[2:4] == b"d:":
            assert key in before, key
        else:
            assert others.get(key) == value, key
            if key[2:4] != b"w:":
                assert CANARY not in repr(value).encode(), (key, value)
    assert set(others) == {key for key in after if key[2:4] != b"d:"}


@pytest.fixture(scope="module")
def places() -> tuple[Place, Place]:
    """The two engines."""
    return Place(True), Place(False)


def test_every_command_is_thought_of() -> None:
    """Each names its keys and is tried below, or is known to name none."""
    tried = {command.name for words in _PARSED if (command := TABLE.lookup(words)) is not None}
    for command in TABLE.all:
        if command.declaration.keys or "pubsub" in command.declaration.categories():
            known = command.name in tried or command.name.startswith(b"pubsub|") or command.name == b"pubsub"
        else:
            container = command.name.partition(b"|")[0]
            known = bool({command.name, container} & (NAME_NO_KEYS | SEE_ALL_KEYS)) or is_left_out(command)
            known = known or command.subcommands is not None or command.name.endswith(b"|help")
        assert known, command.name


def test_each_key_of_each_command(places: tuple[Place, Place]) -> None:
    """No key that a command names can be one that may not be read, or written."""
    for place in places:
        place.prepare(USERS["patterns"])
    before = places[0].state()
    for template in _PARSED:
        for place in places:
            place.fill()
        for words in written_out(template):
            play(places, (BY_SCRIPT if len(words) % 2 else DIRECT, words))
        compare(places, before)


@pytest.mark.parametrize("user", USERS)
def test_forbidden_keys_are_out_of_reach(places: tuple[Place, Place], user: str, long_form: bool) -> None:
    """No command, option, transaction or script reads or changes a key that its user may not read or change."""

    @settings(
        max_examples=LONG_EXAMPLES if long_form else EXAMPLES,
        derandomize=not long_form,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.explicit, Phase.generate, *([Phase.shrink] if long_form else [])],
    )
    @example([(DIRECT, split(line)) for line in ("SORT a:l BY d:* GET d:*", "COPY d:s a:none", "SORT a:l STORE d:l")])
    @given(st.lists(calls(), min_size=COMMANDS // 2, max_size=COMMANDS))
    def run(played: list[Call]) -> None:
        for place in places:
            place.prepare(USERS[user])
        before = places[0].state()
        for call in played:
            play(places, call)
        compare(places, before)

    run()


def test_permissions_are_redis_own(oracle: Server, long_form: bool) -> None:
    """ACL DRYRUN of random commands says the same on redis-server."""
    places = Local(*all_groups())
    drawn: list[list[bytes]] = []
    with oracle.connect() as connection:
        listed = connection.ask("COMMAND LIST")
    assert isinstance(listed, list)

    @settings(
        max_examples=5000 if long_form else 400, derandomize=not long_form, database=None, deadline=None,
        suppress_health_check=list(HealthCheck), phases=[Phase.generate],
    )  # fmt: skip
    @given(calls())
    def draw(call: Call) -> None:
        command = TABLE.lookup(call[1])
        if command is not None and command.name in listed and not differs(call[1]):
            drawn.append(call[1])

    draw()
    with oracle.connect() as connection:
        for rules in USERS.values():
            words = [b"ACL", b"SETUSER", b"proof", b"reset", b"+@all", b"&a:*", *rules]
            assert places.run(words) == connection.ask(*words) == b"OK"
            asked = [[b"ACL", b"DRYRUN", b"proof", *one] for one in drawn]
            for words, theirs in zip(asked, connection.pipeline(asked), strict=True):
                ours = places.run(words)
                assert (ours.text if isinstance(ours, Error) else ours) == theirs.value, (rules, words)
        connection.ask("ACL DELUSER proof")


def differs(words: list[bytes]) -> bool:
    """Tell whether redis-server 8.0 is known not to see what a command does: a newer option, PFMERGE of nothing."""
    return bool({b"IFEQ", b"CLAIM", b"DIFF"} & set(words)) or (words[0] == b"PFMERGE" and len(words) == 2)
