"""Random commands over few keys and all types, on respd and on redis-server: nothing may differ.

A bounded number of steps runs each time, always the same; `pytest tests/test_random_commands.py --random-steps 100000`
tries as many new ones as one likes. The encodings' thresholds are low, so that conversions are frequent.
"""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from respd.command import Command
from respd.commands import all_groups
from tests.conftest import PairKeeper
from tests.harness import Pair, Step, about, case, shape, unordered
from tests.local import Local
from tests.protocol.test_fuzz import WORDS
from tests.wire import split

REFERENCE = (8, 0)
STEPS = 60
EXAMPLES_IN_CI = 80

# k: key, m: member or field or element, v: any value, i: small integer, n: any integer, f: float, s: score bound,
# x: lex bound, y: a sorted set with scores of 0 only, t: a moment far away (ms), c: count, o: longitude or latitude,
# r: radius, g: a geospatial index, p: a HyperLogLog, e: a stream, d: an id; "~" in front: any order.
TEMPLATES = """
SET k v|SET k n|SET k v NX|SET k v XX GET|SET k v PXAT t|SET k v KEEPTTL|SETNX k v|GETSET k v|GETDEL k|GET k|STRLEN k
GETEX k PERSIST|GETEX k PXAT t|APPEND k v|SETRANGE k c v|GETRANGE k i i
INCR k|DECR k|INCRBY k n|DECRBY k i|INCRBYFLOAT k f
MGET k k k|MSET k v k v|MSETNX k v k v|LCS k k|LCS k k LEN|LCS k k IDX MINMATCHLEN 2 WITHMATCHLEN|SUBSTR k i i
SETBIT k c 1|SETBIT k c 0|GETBIT k c|BITCOUNT k|BITCOUNT k i i|BITCOUNT k i i BIT|BITPOS k 1 i|BITPOS k 0 i i
BITOP AND k k k|BITOP OR k k k|BITOP XOR k k k|BITOP NOT k k|BITFIELD k SET u8 c i GET i5 c INCRBY u4 #1 i
BITFIELD k OVERFLOW SAT INCRBY i8 c n OVERFLOW FAIL INCRBY u2 c i|BITFIELD_RO k GET u16 c
LPUSH k m m|RPUSH k m m m|LPUSH k n v|LPUSHX k m|RPUSHX k m|LPOP k
RPOP k|LPOP k c|RPOP k c|LLEN k|LRANGE k i i|LRANGE k 0 -1
LINDEX k i|LSET k i v|LINSERT k BEFORE m v|LINSERT k AFTER m m|LREM k i m|LTRIM k i i|LMOVE k k LEFT RIGHT
LMOVE k k RIGHT LEFT|RPOPLPUSH k k|LPOS k m|LPOS k m RANK i COUNT c|LPOS k m COUNT 0 MAXLEN c|LMPOP 2 k k LEFT COUNT 2
LMPOP 1 k RIGHT|BLPOP k k 0.01|BRPOP k 0.01|BLMOVE k k LEFT LEFT 0.01
HSET k m v|HSET k m v m n|HSETNX k m v|HGET k m|HMGET k m m|HDEL k m m|HLEN k|HSTRLEN k m|HEXISTS k m|HINCRBY k m i
HINCRBYFLOAT k m f|~HGETALL k|~HKEYS k|~HVALS k|HPEXPIREAT k t FIELDS 2 m m|HPEXPIREAT k t GT FIELDS 1 m
HPEXPIRETIME k FIELDS 2 m m|HPERSIST k FIELDS 1 m
HGETDEL k FIELDS 2 m m|HGETEX k PXAT t FIELDS 1 m|HSETEX k FIELDS 1 m v
HSETEX k FNX PXAT t FIELDS 2 m v m v|~HSCAN k 0 COUNT 1000|HEXPIREAT k 1 FIELDS 1 m
SADD k m m m|SADD k i i|SADD k n v|SREM k m i|SCARD k
SISMEMBER k m|SMISMEMBER k m i m|~SMEMBERS k|SMOVE k k m|~SINTER k k
~SUNION k k|~SDIFF k k k|SINTERSTORE k k k
SUNIONSTORE k k k|SDIFFSTORE k k k|SINTERCARD 2 k k|SINTERCARD 2 k k LIMIT 1
~SSCAN k 0 COUNT 1000|~SSCAN k 0 MATCH m* COUNT 1000
ZADD k f m f m|ZADD k i m i m i m|ZADD k NX f m|ZADD k XX CH f m
ZADD k GT CH f m|ZADD k LT f m|ZADD k INCR f m|ZADD k s m
ZINCRBY k f m|ZREM k m m|ZCARD k|ZSCORE k m|ZMSCORE k m m|ZRANK k m|ZREVRANK k m WITHSCORE|ZCOUNT k s s|ZRANGE k i i
ZRANGE k i i REV WITHSCORES|ZRANGE k s s BYSCORE LIMIT c i|ZRANGE k s s BYSCORE REV WITHSCORES|ZRANGE y x x BYLEX
ZRANGE y x x BYLEX REV LIMIT 0 c|ZREVRANGE k i i|ZRANGEBYSCORE k s s WITHSCORES|ZREVRANGEBYSCORE k s s LIMIT c c
ZRANGEBYLEX y x x|ZREVRANGEBYLEX y x x|ZLEXCOUNT y x x
ZRANGESTORE k k i i|ZRANGESTORE k k s s BYSCORE|ZREMRANGEBYRANK k i i
ZREMRANGEBYSCORE k s s|ZREMRANGEBYLEX y x x|ZPOPMIN k
ZPOPMAX k c|ZMPOP 2 k k MIN COUNT 2|BZPOPMIN k k 0.01|BZMPOP 0.01 1 k MAX
ZUNION 2 k k WITHSCORES|ZINTER 2 k k WEIGHTS f i AGGREGATE MAX WITHSCORES|ZDIFF 2 k k WITHSCORES|ZUNIONSTORE k 2 k k
ZINTERSTORE k 2 k k AGGREGATE MIN|ZDIFFSTORE k 2 k k
ZUNIONSTORE k 2 k k WEIGHTS i f|ZINTERCARD 2 k k|~ZSCAN k 0 COUNT 1000
DEL k|UNLINK k k|EXISTS k k|TYPE k|RENAME k k|RENAMENX k k|COPY k k|COPY k k REPLACE|COPY k k DB 1|MOVE k 1|TOUCH k k
PEXPIREAT k t|PEXPIREAT k t NX|PEXPIREAT k t XX|PEXPIREAT k t GT|PEXPIREAT k t LT|EXPIREAT k 1|PERSIST k|PEXPIRETIME k
OBJECT ENCODING k|OBJECT REFCOUNT k|~KEYS *|~SCAN 0 COUNT 1000|DBSIZE|SELECT 1|SELECT 0|SWAPDB 0 1|FLUSHDB
SORT k|SORT k ALPHA DESC|SORT k LIMIT c c STORE k|SORT k BY nosort GET # GET k|~SORT_RO k BY none
ZADD y 0 m 0 m|ZADD y 0 m|ZADD y 0 m 0 m 0 m|ZREM y m|DEL y|ZRANGE y 0 -1
GEOADD g o o m|GEOADD g o o m o o m|GEOADD k o o m|GEOADD g XX CH o o m o o m|GEOPOS k m m|GEOHASH g m m
GEODIST g m m km
GEOSEARCH g FROMLONLAT o o BYRADIUS r km|GEOSEARCH g FROMMEMBER m BYBOX r r km DESC WITHDIST WITHHASH WITHCOORD
GEOSEARCH k FROMMEMBER m BYRADIUS r km COUNT c|GEORADIUS g o o r km COUNT c ANY WITHDIST|ZADD g f m|ZREM g m m
GEOSEARCHSTORE k g FROMLONLAT o o BYBOX r r mi STOREDIST|GEORADIUSBYMEMBER g m r km STORE g|GEORADIUS k o o r km STORE k
PFADD p m v|PFADD p m m m m|PFADD k v|PFADD k|PFCOUNT p|PFCOUNT k|PFCOUNT k p k|PFMERGE p k|PFMERGE k p p|PFMERGE k
SETRANGE p c v|APPEND p v|GET p|PFDEBUG DECODE p|PFDEBUG TODENSE p|PFDEBUG ENCODING k|DEL p
XADD e d m v|XADD e d m v m n|XADD e d m v|XADD e 5-* m v|XADD e 9-* m n|XADD e MAXLEN c d m v|XADD e MAXLEN ~ c 9-* m v
XADD k d m v|XADD e NOMKSTREAM MINID ~ d d m v|XTRIM e MAXLEN c|XTRIM e MINID d|XTRIM e MAXLEN ~ c LIMIT c|XDEL e d d
XLEN e|XRANGE e - +|XRANGE e d d|XREVRANGE e + d COUNT c|XREVRANGE e d (1-1|XSETID e d|XSETID e 9-9 ENTRIESADDED n
XREAD STREAMS e e d d|XREAD COUNT c STREAMS e k d +|XREAD BLOCK 1 STREAMS e $|XINFO STREAM e|DEL e|COPY e e REPLACE
XGROUP CREATE e a d|XGROUP CREATE e b $ MKSTREAM|XGROUP DESTROY e a|XREADGROUP GROUP a m COUNT c STREAMS e >
XREADGROUP GROUP a m STREAMS e d|XACK e a d d|XPENDING e a|XCLAIM e a m 0 d d JUSTID|XAUTOCLAIM e a m 0 d COUNT 2 JUSTID
"""

_ELEMENTS = [
    b"a",
    b"b",
    b"c",
    b"dd",
    b"1",
    b"2",
    b"30",
    b"m",
    b"",
    b"a longer member that does not fit into a listpack",
]
_NUMBERS = [b"0", b"1", b"-1", b"2", b"7", b"100", b"9223372036854775807", b"-9223372036854775808", b"12345678901"]
_FLOATS = [b"0", b"1", b"-1", b"1.5", b"-0.25", b"3.0e2", b"1e17", b"0.1", b"inf", b"-inf", b"1e-7", b"123456.789"]
_SMALL = [b"%d" % number for number in range(-4, 6)]
CHOICES: dict[bytes, list[bytes]] = {
    b"k": [b"k1", b"k2", b"k3", b"k4"],
    b"m": _ELEMENTS,
    b"v": [*_ELEMENTS, b"x" * 50, b"\x00\xff\r\n", b"3.5", b" 1", b"+1"],
    b"i": _SMALL,
    b"n": _NUMBERS,
    b"f": _FLOATS,
    b"c": [b"0", b"1", b"2", b"3", b"10"],
    b"s": [*_FLOATS, b"(1", b"(-1", b"+inf", b"(1.5"],
    b"y": [b"y"],
    b"o": [b"0", b"1.5", b"13.361389", b"38.115556", b"-80", b"85.05112878", b"66"],
    b"r": [b"0", b"1", b"500", b"7000", b"20000000"],
    b"g": [b"g"],
    b"p": [b"p"],
    b"e": [b"e1", b"e2"],
    b"d": [b"0-1", b"1-1", b"1-2", b"2-1", b"3", b"5", b"5-3", b"7-7", b"9-1"],
    b"x": [b"-", b"+", b"[a", b"(a", b"[c", b"(dd", b"[", b"(1"],
    b"t": [b"%d" % (4_000_000_000_000 + number * 1_000_000) for number in range(4)],
}
PARSED = [split(one) for one in re.split(r"[|\n]", TEMPLATES.strip())]

THRESHOLDS = {
    "hash-max-listpack-entries": "4",
    "hash-max-listpack-value": "20",
    "set-max-intset-entries": "4",
    "set-max-listpack-entries": "6",
    "set-max-listpack-value": "20",
    "zset-max-listpack-entries": "4",
    "zset-max-listpack-value": "20",
    "list-max-listpack-size": "4",
    "stream-node-max-entries": "4",
}


@st.composite
def commands(draw: Any) -> Step:
    """One command with random arguments."""
    template = draw(st.sampled_from(PARSED))
    free_order = template[0].startswith(b"~")
    words = [template[0].removeprefix(b"~")]
    for word in template[1:]:
        choices = CHOICES.get(word)
        words.append(draw(st.sampled_from(choices)) if choices else word)
    if words[0] == b"SORT" and b"BY" in words:
        free_order = True  # a set's own order is nobody's business
    return unordered(words) if free_order else Step(1, tuple(words))


# Commands whose answers are the time, chance, or the server's own business; and those that wait or end the session.
NOT_COMPARED = frozenset(
    b"time lastsave info debug client config command memory lolwut shutdown monitor slowlog latency object acl "
    b"role module spop randomkey wait waitaof quit reset hello auth multi exec discard watch subscribe "
    b"psubscribe ssubscribe unsubscribe punsubscribe sunsubscribe save bgsave bgrewriteaof replicaof slaveof "
    b"sync psync failover dump restore blpop brpop blmove brpoplpush blmpop bzmpop bzpopmin bzpopmax script "
    b"function eval evalsha eval_ro evalsha_ro select swapdb flushall flushdb pfselftest".split()
)
SHAPES = frozenset(b"scan sscan hscan zscan srandmember hrandfield zrandmember".split())
UNORDERED = frozenset(b"keys smembers sinter sunion sdiff hgetall hkeys hvals sort sort_ro".split())
TIMES = frozenset(b"ttl pttl expiretime pexpiretime httl hpttl hexpiretime hpexpiretime".split())
KEYS = [b"s", b"l", b"h", b"t", b"z", b"k", b"g", b"p", b"x", b"none"]


SIMPLE_WORDS = [b"0", b"1", b"2", b"-1", b"a", b"b", b"10", b"3.5"]


@st.composite
def wild_commands(draw: Any) -> Step:
    """A command of respd's with about as many words as it takes: keys first, then whatever commands look for."""
    command = draw(st.sampled_from(_DECLARED))
    name = command.name.partition(b"|")[0]
    count = max(0, abs(command.declaration.arity) - 1 + draw(st.sampled_from([0, 0, 0, 1, 1, 2, 2, 3, 4, 6, -1])))
    words = [name]
    options = [
        word for word in re.findall(r"[A-Z]{2,}", command.declaration.syntax) if word not in later_words(command)
    ]
    for place in range(count):
        chance = draw(st.integers(0, 9))
        if place == 0 or (place < 3 and chance < 4):
            words.append(draw(st.sampled_from(KEYS)))
        elif options and chance < 7:
            words.append(draw(st.sampled_from(options)).encode())
        else:
            words.append(draw(st.sampled_from(SIMPLE_WORDS if chance == 7 else WORDS)))
    if name in (b"psetex", b"pexpire", b"hpexpire") or b"PX" in words:
        words = [
            b"3600000" if word.isdigit() and 0 < int(word) < 100_000 else word for word in words
        ]  # what ends at once is a race
    if name in SHAPES:
        return shape(words)
    if name in UNORDERED:
        return unordered(words)
    return about(words, 2000) if name in TIMES else Step(1, tuple(words))


def is_later(version: str) -> bool:
    """Tell whether a version came after the redis-server we are compared with."""
    return tuple(map(int, version.split(".")))[:2] > REFERENCE


def later_words(command: Command) -> list[str]:
    """The words that a command takes since then, which its history tells."""
    history = command.declaration.history
    return [word for version, text in history if is_later(version) for word in re.findall(r"`([A-Z]+)", text)]


_DECLARED = [
    command
    for command in Local(*all_groups()).engine.commands.all
    if b"|" not in command.name and command.name not in NOT_COMPARED and not is_later(command.declaration.since)
]


class Difference(Exception):
    """Commands that make the two servers differ, and how."""


def reduced(pair: Pair, played: list[Step], resp: int, multi: bool) -> str:
    """The commands that it takes to make a difference, and what it is (quicker here than hypothesis' own search)."""
    for number in range(len(played) - 1, -1, -1):
        fewer = played[:number] + played[number + 1 :]
        if pair.run_variant(case("reduced", *fewer), resp, multi):
            played = fewer
    differences = pair.run_variant(case("reduced", *played), resp, multi)
    return "\n".join([f"RESP{resp}{', inside MULTI' if multi else ''}", *map(str, played), *differences])


def play_random(
    pairs: PairKeeper,
    pytestconfig: pytest.Config,
    step: st.SearchStrategy[Step],
    setup: list[str],
    variants: list[bool],
) -> None:
    """Run lists of random steps after some fixed ones on both servers, as often as the options say."""
    wanted = pytestconfig.getoption("--random-steps")
    pair = pairs.get()

    @settings(
        max_examples=wanted // STEPS if wanted else EXAMPLES_IN_CI,
        derandomize=not wanted,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.generate],
    )
    @given(st.lists(step, min_size=STEPS // 2, max_size=STEPS), st.sampled_from([2, 3]), st.sampled_from(variants))
    def play(played: list[Step], resp: int, multi: bool) -> None:
        steps = [Step(1, tuple(split(line))) for line in setup] + played
        if pair.run_variant(case("random", *steps), resp, multi):
            raise Difference(reduced(pair, steps, resp, multi))

    for side in pair.sides:
        for name, value in THRESHOLDS.items():
            assert side.admin.ask("CONFIG", "SET", name, value) == b"OK"
    try:
        play()
    except Difference as found:
        pytest.fail(str(found), pytrace=False)
    finally:
        for side in pair.sides:
            side.restore_configuration()


def test_random_commands(pairs: PairKeeper, pytestconfig: pytest.Config) -> None:
    """Any sequence of commands has the same replies, events and data on both servers."""
    play_random(pairs, pytestconfig, commands(), [], [False, True])


def test_random_arguments(pairs: PairKeeper, pytestconfig: pytest.Config) -> None:
    """Whatever words follow a command's name, right or wrong, the answer is the same, to the order of the checks."""
    setup = ["SET s 12", "RPUSH l a 2 c", "HSET h a 1 b 2", "SADD t a 1 2", "ZADD z 1 a 2 b 3.14 c", "SETBIT k 5 1"]
    setup += ["GEOADD g 1 1 a 2 2 b 13.361389 38.115556 m", "PFADD p a b"]
    setup += [
        "XADD x 1-1 a 1",
        "XADD x 2-1 b 2",
        "XADD x 10-0 a 1",
        "XGROUP CREATE x a 0",
        "XREADGROUP GROUP a b STREAMS x >",
    ]
    play_random(pairs, pytestconfig, wild_commands(), setup, [False])
