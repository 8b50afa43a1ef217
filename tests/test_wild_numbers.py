"""Numbers that no program means, in every place of every command that takes one: none of them is an internal error.

Compiled code counts in 64 bits where it can, so what is beyond them must be turned away, or kept as a number of
Python's, before it gets there. The interpreted build would not notice: there an integer too great for a client to read
gives it away.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator, Sequence

from respd.command import CommandTable
from respd.commands import all_groups
from respd.datatypes.strings import INT64_MAX, INT64_MIN
from tests.local import Local
from tests.test_acl_proof import MORE_TEMPLATES
from tests.test_random_commands import CHOICES, TEMPLATES, THRESHOLDS
from tests.wire import Frame, ReplyReader, split

SPECIAL_KEYS = {b"e": "stream", b"p": "hyperloglog", b"g": "geo", b"y": "sorted-set"}
NUMBER = re.compile(rb"([#(iu]?)\d+")
THE_NUMBER = re.compile(rb"\bN\b")
TABLE = CommandTable(all_groups())
WILD = [
    *b"4611686018427387903 4611686018427387904 -4611686018427387904 -4611686018427387905 9223372036854775807".split(),
    *b"-9223372036854775808 9223372036854775808 -9223372036854775809 18446744073709551615 4294967296 -0 +1".split(),
    *b"18446744073709551616 999999999999999999999999999 -2147483649 0x10 1e308 -1e309 5e-324 nan -inf".split(),
    *b"9223372036854775807-9223372036854775807 18446744073709551615-18446744073709551615".split(),
    b"",
    b" 1",
]

BEGINNING = (
    "HSET hash1 a 1 m 2 b 3",
    "HSETEX hash2 EX 100 FIELDS 1 m 2",
    "SADD set1 1 2 3",
    "SADD set2 a b m",
    "ZADD sorted-set1 1 a 2 m",
    "ZADD y1 0 a 0 m",
    "RPUSH list1 a b m 1",
    "GEOADD geo1 1.5 0 a 0 1.5 m",
    "XADD stream1 0-1 a 1",
    "XADD stream1 1-1 a 1",
    "XGROUP CREATE stream1 a 0",
    "XREADGROUP GROUP a a COUNT 1 STREAMS stream1 >",
)
# What goes on with a number that has been taken: N is the wild one. Each begins without keys.
HISTORIES = """
XGROUP CREATE s g 0 MKSTREAM|XADD s 1-1 a 1|XSETID s 9-9 ENTRIESADDED N|XADD s * a 1|XINFO STREAM s|XINFO GROUPS s
XGROUP CREATE s g 0 ENTRIESREAD N MKSTREAM|XADD s 1-1 a 1|XADD s 2-1 a 1|XREADGROUP GROUP g a COUNT 1 STREAMS s >|
XINFO GROUPS s
XADD s 1-1 a 1|XGROUP CREATE s g 0|XREADGROUP GROUP g a STREAMS s >|XCLAIM s g b 0 1-1 RETRYCOUNT N|
XAUTOCLAIM s g a 0 0
XADD s 1-1 a 1|XGROUP CREATE s g 0|XREADGROUP GROUP g a STREAMS s >|XCLAIM s g b 0 1-1 IDLE N|XPENDING s g - + 9
XADD s 1-1 a 1|XGROUP CREATE s g 0|XREADGROUP GROUP g a STREAMS s >|XCLAIM s g b 0 1-1 TIME N|XCLAIM s g a N 1-1
XADD s N a 1|XADD s N-* a 1|XADD s * a 1|XGROUP CREATE s g N|XREADGROUP GROUP g a STREAMS s >|XRANGE s (N +|
XREVRANGE s (N -
XCFGSET s IDMP-DURATION N|XADD s IDMP a b * a 1|XINFO STREAM s FULL
SET k N|INCR k|INCRBY k N|DECR k|DECRBY k N|INCRBYFLOAT k N|INCREX k BYINT N|INCREX k BYFLOAT N SATURATE|
GETRANGE k N N|LCS k k
SET k 1 PXAT N|EXPIRE k N GT|PEXPIRE k N LT|TTL k|PTTL k|EXPIRETIME k|PEXPIRETIME k|GETEX k EX N|SETEX k N 1|TTL k|
MEMORY USAGE k
HSET h a N|HINCRBY h a 1|HINCRBY h a N|HINCRBYFLOAT h a N|HSETEX h PXAT N FIELDS 1 b 1|HPEXPIRE h N FIELDS 1 a|
HPTTL h FIELDS 2 a b
HSET h a 1|HEXPIREAT h N FIELDS 1 a|HEXPIRE h N GT FIELDS 1 a|HTTL h FIELDS 1 a|HEXPIRETIME h FIELDS 1 a|
HGETEX h EX N FIELDS 1 a
ZADD z N a 1 b|ZINCRBY z N a|ZADD z INCR N b|ZINCRBY z 1 a|ZUNION 1 z WEIGHTS N|ZRANGE z N N|ZRANGE z N N BYSCORE|
ZREMRANGEBYSCORE z N N
BITFIELD b SET i64 0 N INCRBY i64 0 N SET u63 0 N INCRBY u63 0 N OVERFLOW SAT INCRBY i64 0 N INCRBY u8 #0 N|
BITCOUNT b N N
RPUSH l N N|LREM l N N|LPOS l N COUNT N|LPOS l N RANK N|LINDEX l N|LRANGE l N N|LSET l N 1|LTRIM l N N|SORT l|
SORT l LIMIT N N
SADD t 1 N|SADD t N|SISMEMBER t N|SORT t|SRANDMEMBER t N|SPOP t N|SMEMBERS t|GEOADD g 1 N a|GEOADD g N 1 b|
GEODIST g a b
CONFIG SET slowlog-max-len N|CONFIG SET slowlog-log-slower-than N|CONFIG SET maxmemory N|
CONFIG SET active-expire-effort N|INFO
CONFIG SET latency-monitor-threshold N|CONFIG SET timeout N|CONFIG SET maxclients N|CONFIG SET maxmemory-samples N|
INFO
CONFIG SET client-query-buffer-limit N|CONFIG SET tracking-table-max-keys N|CONFIG SET lua-time-limit N|CONFIG GET *
CONFIG SET maxmemory-clients N|CONFIG SET stream-node-max-bytes N|CONFIG SET stream-node-max-entries N|XADD s * a 1|
INFO
CONFIG SET list-max-listpack-size N|CONFIG SET hash-max-listpack-entries N|CONFIG SET set-max-intset-entries N|
RPUSH l a|SADD s 1
CONFIG SET hll-sparse-max-bytes N|CONFIG SET zset-max-listpack-value N|CONFIG SET zset-max-listpack-entries N|
ZADD z 1 a|PFADD p a
CONFIG SET client-output-buffer-limit "normal N N N"|CONFIG SET client-output-buffer-limit "pubsub N 0 N"|GET k|
CONFIG GET client*
CONFIG SET save "N N"|CONFIG SET hz N|CONFIG SET acllog-max-len N|CONFIG SET lfu-decay-time N|
CONFIG SET lfu-log-factor N|INFO
"""
LONG_ROUNDS = 40
UNTIL_NEW = 500  # commands: by then the streams are full, and the keys are of any type

# Besides those of the other tests: places of numbers that they do not have. A digit is a number, letters are as there.
MORE = """
SET k v EX 9|SET k v PX 9|SET k v EXAT 9|SET k v PXAT 9|SETEX k 9 v|PSETEX k 9 v|GETEX k EX 9|GETEX k PX 9
GETEX k EXAT 9|EXPIRE k 9|PEXPIRE k 9|EXPIREAT k 9|PEXPIREAT k 9|EXPIRE k 9 GT|PEXPIRE k 9 LT|COPY k k DB 1|MOVE k 1
GETEX k PXAT 9|HEXPIRE k 9 FIELDS 1 m|HPEXPIRE k 9 FIELDS 1 m|HEXPIREAT k 9 FIELDS 1 m|HPEXPIREAT k 9 GT FIELDS 1 m
HPTTL k FIELDS 1 m
HSETEX k EX 9 FIELDS 1 m v|HSETEX k PX 9 FIELDS 1 m v|HSETEX k EXAT 9 FIELDS 1 m v|HGETEX k EX 9 FIELDS 1 m
HGETEX k PX 9 FIELDS 1 m|HGETEX k EXAT 9 FIELDS 1 m|HRANDFIELD k 1|HRANDFIELD k 1 WITHVALUES|SRANDMEMBER k 1|SPOP k 1
ZRANDMEMBER k 1|ZRANDMEMBER k 1 WITHSCORES|ZPOPMIN k 1|SCAN 0 COUNT 9|HSCAN k 0 COUNT 9 NOVALUES|BITCOUNT k 0 0 BIT
BITFIELD k GET u8 #0|BITFIELD k SET i64 #0 n INCRBY i64 #0 n|BITFIELD k OVERFLOW SAT INCRBY u63 0 n|BITPOS k 1 0 9 BIT
BITFIELD k OVERFLOW FAIL INCRBY i64 0 n|LPOS k v RANK 1 COUNT 0 MAXLEN 9|LMPOP 1 k LEFT COUNT 1|BLMPOP 1 1 k LEFT
ZMPOP 1 k MIN COUNT 1|BZMPOP 1 1 k MAX COUNT 1|XADD e MAXLEN ~ 9 LIMIT 9 9-* m v|XADD e MINID 9 9-* m v
GEOSEARCH k FROMLONLAT o o BYBOX r r m COUNT 9|GEOSEARCH k FROMMEMBER m BYRADIUS r ft COUNT 9 ANY|XDEL e 9
XTRIM e MINID ~ 9 LIMIT 9|XTRIM e MAXLEN = 9|XRANGE e 0 9 COUNT 9|XREVRANGE e (9 (0 COUNT 9|XREAD COUNT 9 STREAMS e 0
XREAD BLOCK 9 STREAMS e 9|XSETID e 9 ENTRIESADDED 99 MAXDELETEDID 0|XSETID e 9-9 ENTRIESADDED 99
XGROUP CREATE e a 0 ENTRIESREAD 9|XGROUP SETID e a 0 ENTRIESREAD 9|XREADGROUP GROUP a a COUNT 9 BLOCK 9 STREAMS e >
XCLAIM e a b 0 9 IDLE 9 RETRYCOUNT 9 FORCE|XCLAIM e a b 0 9 TIME 9 LASTID 9 FORCE|XCLAIM e a a 0 1-1 RETRYCOUNT 9
XAUTOCLAIM e a b 0 0 COUNT 9|XPENDING e a IDLE 0 - + 9|XPENDING e a 0 9 9 b|XINFO STREAM e FULL COUNT 9|XINFO GROUPS e
XADD e 9 m v|XADD e * m v|XREADGROUP GROUP a b COUNT 1 STREAMS e >|XACKDEL e a KEEPREF IDS 1 9|XDELEX e KEEPREF IDS 1 9
XADD e IDMP m v 9-* m v|XCFGSET e IDMP-DURATION 9 IDMP-MAXSIZE 9|SELECT 0|SWAPDB 0 0|WAIT 0 1|WAITAOF 0 0 1
CLIENT KILL ID 9|CLIENT KILL MAXAGE 9|CLIENT LIST ID 9|CLIENT UNBLOCK 9|CLIENT TRACKING ON REDIRECT 9|HELLO 3
CLIENT PAUSE 9 WRITE|LOLWUT VERSION 5 9 9 9|LOLWUT VERSION 6 9 9|SLOWLOG GET 9|ACL LOG 9|ACL GENPASS 9
EVAL return 1 k|FCALL a 1 k|RESTORE k 9 v|RESTORE k 9 v ABSTTL IDLETIME 9|RESTORE k 9 v FREQ 9|CLUSTER KEYSLOT v
MSETEX 1 k v PXAT 9|INCREX k BYINT 1 LBOUND 0 UBOUND 9|INCREX k BYFLOAT 1 LBOUND 0 UBOUND 9|INCREX k BYINT 1 EX 9
LMOVEM k k LEFT RIGHT COUNT 1|APPEND k 9|SET k 9|INCR k|DECR k|INCRBY k 9|DECRBY k 9|INCRBYFLOAT k 9|HSET k m 9
ZADD k 9 m|ZINCRBY k 9 m|ZADD k INCR 9 m|HPERSIST k FIELDS 1 m|SUBSTR k 0 9|ZRANGEBYLEX k - + LIMIT 0 9
"""


def templates() -> list[list[bytes]]:
    """The commands to fill in."""
    lines = f"{TEMPLATES.strip()}\n{MORE_TEMPLATES.strip()}\n{MORE.strip()}"
    return [split(one.removeprefix("~")) for one in re.split(r"[|\n]", lines)]


def fill(template: list[bytes], chance: random.Random) -> list[bytes]:
    """Put what fits into the places of a command; its keys are mostly of its type."""
    command = TABLE.lookup(template)
    group = command.declaration.group if command is not None else "string"
    words = [template[0]]
    for word in template[1:]:
        if word == b"k" or word in SPECIAL_KEYS:
            usual = SPECIAL_KEYS.get(word, group if chance.random() < 0.9 else "string")
            words.append(f"{usual}{chance.choice('12')}".encode())
        else:
            words.append(chance.choice(CHOICES[word]) if word in CHOICES else word)
    return words


def with_wild_numbers(template: list[bytes], chance: random.Random) -> Iterator[list[bytes]]:
    """Fill in a command as usual, and with each wild number in each place of a number, or of a value."""
    yield fill(template, chance)
    for place, word in enumerate(template):
        number = NUMBER.fullmatch(word)
        if place > 0 and (number or (word in CHOICES and word != b"k" and word not in SPECIAL_KEYS)):
            for wild in WILD:
                words = fill(template, chance)
                words[place] = (number[1] if number else b"") + wild
                yield words


def integers(frame: Frame) -> Iterator[int]:
    """The integers in a reply."""
    if frame.kind == ":":
        assert isinstance(frame.value, int)
        yield frame.value
    for item in frame.items:
        yield from integers(item)


def is_wrong(frame: Frame) -> bool:
    """Tell whether a reply is an error of ours, or holds a number that no client can read."""
    if frame.kind == "-":
        return isinstance(frame.value, bytes) and frame.value.startswith(b"ERR internal error")
    return not all(INT64_MIN <= value <= INT64_MAX for value in integers(frame))


class Session:
    """An engine and a client of it, which come to no end."""

    def __init__(self) -> None:
        self.local = Local(*all_groups())
        for name, value in THRESHOLDS.items():
            self.local.run(f"CONFIG SET {name} {value}")
        self.local.run("CONFIG SET proto-max-bulk-len 1mb")
        self.local.run('CONFIG SET client-output-buffer-limit "normal 1mb 0 0"')
        self.ctx = self.local.connect()

    def begin_anew(self, beginning: Sequence[str] = ()) -> None:
        """Drop all keys, and what the session is about; then there is some data."""
        engine = self.local.engine
        engine.disconnect(self.ctx)
        self.local.run("FLUSHALL")
        for line in beginning:
            self.local.run(line)
        self.ctx = self.local.connect()

    def answer(self, words: list[bytes]) -> list[Frame]:
        """Return all that a command makes the server send, at once."""
        engine, client = self.local.engine, self.ctx.client
        engine.execute(self.ctx, words)
        if client.parked is not None:
            engine.blocked.unblock(client, False)
        if words[:2] == [b"CLIENT", b"PAUSE"]:
            self.local.run("CLIENT UNPAUSE")
        engine.before_sleep()
        reader = ReplyReader()
        reader.feed(client.out.getvalue())
        client.out.truncate(0)
        frames: list[Frame] = []
        while (frame := reader.next()) is not None:
            frames.append(frame)
        if client.close_now:
            self.ctx = self.local.connect()
        return frames


def test_no_number_is_an_internal_error(long_form: bool) -> None:
    """Whatever number a command is given, it knows what to say, and all integers of replies fit into 64 bits."""
    chance = random.Random(None if long_form else 1)
    session = Session()
    wrong: dict[bytes, list[bytes]] = {}
    for _ in range(LONG_ROUNDS if long_form else 1):
        commands = [words for template in templates() for words in with_wild_numbers(template, chance)]
        chance.shuffle(commands)
        for number, words in enumerate(commands):
            if number % UNTIL_NEW == 0:
                session.begin_anew(BEGINNING)
            if any(map(is_wrong, session.answer(words))):
                wrong[words[0]] = words
    assert not wrong


def test_numbers_that_are_taken_go_on_well() -> None:
    """What is done with a wild number later, with what grows from it, or under such a limit, is no internal error."""
    wrong: list[object] = []
    for wild in WILD:
        session = Session()
        for history in HISTORIES.replace("|\n", "|").strip().split("\n"):
            session.begin_anew()
            for line in history.split("|"):
                words = [THE_NUMBER.sub(wild, word) for word in split(line)]
                if any(map(is_wrong, session.answer(words))):
                    wrong.append((history, words))
    assert not wrong
