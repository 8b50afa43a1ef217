"""Random commands in this process: what they log, run again, makes the same data, in every database."""

from __future__ import annotations

import random

import pytest

from respd.commands import all_groups
from tests.local import Local, logged_by
from tests.protocol.test_fuzz import WORDS, names

COMMANDS = 3000
KEYS = [b"k", b"s", b"l", b"h", b"z", b"t"]
SCRIPTS = [
    b"return redis.call('SPOP', KEYS[1], 2)",
    b"redis.call('SELECT', 5) redis.call('INCR', 'n') redis.call('PEXPIRE', 'n', 50) return 1",
    b"redis.pcall('RPUSH', KEYS[1], ARGV[1]) return redis.pcall('LPOP', KEYS[1])",
    b"redis.call('HSET', 'h2', ARGV[1], 1) redis.call('HPEXPIRE', 'h2', 30, 'FIELDS', 1, ARGV[1])",
]
PLAIN = [
    line.split()
    for line in b"""
    SADD s a b c d e
    SPOP s
    SPOP s 3
    HSET h a 1 b 2
    HPEXPIRE h 40 FIELDS 1 a
    HINCRBYFLOAT h b 1.5
    SET k v PX 30
    SET k 5
    INCRBYFLOAT k 0.25
    GETEX k PX 20
    GETDEL k
    EXPIRE z 1
    ZADD z 1 a 2 b
    ZPOPMIN z
    RPUSH l a b c
    LMPOP 1 l LEFT COUNT 2
    BLPOP l 1
    BLMOVE l t LEFT RIGHT 1
    COPY k k2 DB 3
    MOVE l 4
    SWAPDB 0 4
    RENAME h h3
    SORT l STORE t
    LTRIM l 0 5
    FLUSHDB
    HGETDEL h FIELDS 1 b
    HGETEX h PX 20 FIELDS 1 b
    HSETEX h PX 25 FIELDS 1 c 3
    PERSIST k
    DEL t
    SETRANGE k 3 x
    RESTORE x 0 y
""".strip().split(b"\n")
]


def random_command(chance: random.Random, known: list[bytes]) -> list[bytes]:
    """A command that may well do something, or one of any words."""
    kind = chance.random()
    if kind < 0.6:
        return chance.choice(PLAIN)
    if kind < 0.65:
        return [b"EVAL", chance.choice(SCRIPTS), b"1", b"s", chance.choice(WORDS)]
    if kind < 0.7:
        return [b"SELECT", b"%d" % chance.randrange(6)]
    words = [chance.choice(known), chance.choice(KEYS)]
    return words + [chance.choice(WORDS) for _ in range(chance.randrange(4))]


@pytest.mark.parametrize("seed", range(4))
def test_what_is_logged_makes_the_same_data(seed: int) -> None:
    chance = random.Random(seed)
    known = [name for name in names() if name not in (b"flushall", b"flushdb")]
    first, second = Local(*all_groups()), Local(*all_groups())
    second.engine.record_effects(False)
    allow_debug(first)
    allow_debug(second)
    ctx = first.connect()
    for number in range(COMMANDS):
        words = random_command(chance, known)
        in_transaction = chance.random() < 0.1
        if in_transaction:
            first.engine.execute(ctx, [b"MULTI"])
        first.engine.execute(ctx, words)
        if in_transaction:
            first.engine.execute(ctx, random_command(chance, known))
            first.engine.execute(ctx, [b"EXEC"])
        if chance.random() < 0.05:
            first.clock.advance(chance.randrange(30))
        if chance.random() < 0.5:
            first.engine.before_sleep()
        if ctx.client.parked is not None or number % 500 == 499:
            first.engine.disconnect(ctx)
            ctx = first.connect()
        ctx.client.out.truncate(0)
        if number % 50 == 49:
            first.engine.before_sleep()
            compare(first, second)


def compare(first: Local, second: Local) -> None:
    """Run what the first has logged on the second, as a loader would, and compare all databases."""
    second.clock.advance(int(first.clock.ms - second.clock.ms))
    second.engine.shared.expire_off = True
    ctx = second.ctx
    for words in logged_by(first.engine):
        second.engine.execute(ctx, words)
    ctx.client.out.truncate(0)
    second.engine.shared.expire_off = False
    for number in range(len(first.engine.databases)):
        mine, theirs = first.engine.databases[number], second.engine.databases[number]
        assert sorted(mine.keys()) == sorted(theirs.keys()), number
        for key in mine.dense:
            assert mine.get_expire(key) == theirs.get_expire(key), (number, key)
    assert first.run("DEBUG DIGEST") == second.run("DEBUG DIGEST")


def allow_debug(local: Local) -> None:
    """Let DEBUG DIGEST be asked."""
    local.engine.config.put(b"enable-debug-command", b"yes")
