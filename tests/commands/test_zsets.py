"""Sorted-set commands: what they log, which events they send, and who is served first."""

import math
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from respd.commands.zset_arguments import read_score
from respd.context import Context
from respd.datatypes.strings import parse_double
from tests.local import Local, _written
from tests.wire import plain


def words(*lines: str) -> list[list[bytes]]:
    return [line.encode().split() for line in lines]


def send(local: Local, ctx: Context, line: str) -> None:
    """Send a command that is not answered at once."""
    local.engine.execute(ctx, line.encode().split())
    assert served(ctx) == []


def served(ctx: Context) -> list[object]:
    """What a client that waited has been sent."""
    return [plain(frame) for frame in _written(ctx.client)]


@pytest.mark.parametrize(
    "command, logged",
    [
        ("ZADD z 1 a", []),
        ("ZADD z 9 a 4 d", ["ZADD z 9 a 4 d"]),
        ("ZADD z NX 9 a", []),
        ("ZADD z XX 9 x", []),
        ("ZADD z INCR 1 a", ["ZADD z INCR 1 a"]),
        ("ZADD z INCR 0 a", []),
        ("ZADD z GT 0 a", []),
        ("ZINCRBY z 2 b", ["ZINCRBY z 2 b"]),
        ("ZREM z a x", ["ZREM z a x"]),
        ("ZREM z x", []),
        ("ZREMRANGEBYRANK z 0 0", ["ZREMRANGEBYRANK z 0 0"]),
        ("ZREMRANGEBYSCORE z 7 8", []),
        ("ZREMRANGEBYLEX z - +", ["ZREMRANGEBYLEX z - +"]),
        ("ZPOPMIN z", ["ZPOPMIN z"]),
        ("ZPOPMAX z 2", ["ZPOPMAX z 2"]),
        ("ZPOPMAX z 0", []),
        ("ZPOPMIN nokey", []),
        ("ZMPOP 2 nokey z MIN", ["ZPOPMIN z 1"]),
        ("ZMPOP 1 z MAX COUNT 9", ["ZPOPMAX z 3"]),
        ("ZMPOP 1 nokey MAX COUNT 9", []),
        ("BZPOPMIN nokey z 0", ["ZPOPMIN z"]),
        ("BZPOPMAX z 5", ["ZPOPMAX z"]),
        ("BZMPOP 0 2 nokey z MIN COUNT 2", ["ZPOPMIN z 2"]),
        ("ZRANGESTORE d z 0 1", ["ZRANGESTORE d z 0 1"]),
        ("ZRANGESTORE d nokey 0 1", []),
        ("ZRANGESTORE z nokey 0 1", ["ZRANGESTORE z nokey 0 1"]),
        ("ZUNIONSTORE d 1 z", ["ZUNIONSTORE d 1 z"]),
        ("ZINTERSTORE d 2 z nokey", []),
        ("ZDIFFSTORE z 2 z z", ["ZDIFFSTORE z 2 z z"]),
        ("ZRANDMEMBER z 2", []),
        ("ZUNION 1 z", []),
    ],
)
def test_what_changes_something_is_logged(local: Local, command: str, logged: list[str]) -> None:
    local.run("ZADD z 1 a 2 b 3 c")
    local.logged()
    local.run(command)
    assert local.logged() == words(*logged)


@pytest.mark.parametrize(
    "command, events",
    [
        ("ZADD z 1 a", []),
        ("ZADD z 9 a 8 b", [b"zadd"]),
        ("ZADD z INCR 5 a", [b"zincr"]),
        ("ZINCRBY z 5 a", [b"zincr"]),
        ("ZREM z a", [b"zrem"]),
        ("ZREM z a b c", [b"zrem", b"del"]),
        ("ZPOPMIN z", [b"zpopmin"]),
        ("ZPOPMAX z 5", [b"zpopmax", b"del"]),
        ("ZMPOP 1 z MIN COUNT 3", [b"zpopmin", b"del"]),
        ("BZPOPMAX z 0", [b"zpopmax"]),
        ("ZREMRANGEBYRANK z 0 1", [b"zremrangebyrank"]),
        ("ZREMRANGEBYSCORE z 0 9", [b"zremrangebyscore", b"del"]),
        ("ZREMRANGEBYLEX z - +", [b"zremrangebylex", b"del"]),
        ("ZRANGESTORE z z 0 0", [b"zrangestore"]),
        ("ZUNIONSTORE z 1 z", [b"zunionstore"]),
        ("ZINTERSTORE z 1 z", [b"zinterstore"]),
        ("ZDIFFSTORE z 2 z z", [b"del"]),
    ],
)
def test_each_change_sends_its_event_once(local: Local, command: str, events: list[bytes]) -> None:
    local.run("ZADD z 1 a 2 b 3 c")
    local.events()
    local.run(command)
    assert local.events() == [(event, b"z") for event in events]


def test_an_error_halfway_leaves_no_trace(local: Local) -> None:
    local.run("ZADD z inf a")
    local.logged()
    local.events()
    local.run("ZINCRBY z -inf a")
    local.run("ZADD z 1 b x c")
    local.run("ZADD new x c")
    local.run("ZUNIONSTORE z 1 z WEIGHTS x")
    assert local.logged() == []
    assert local.events() == []
    assert local.run("ZRANGE z 0 -1") == [b"a"]
    assert local.run("EXISTS new") == 0


def test_waiting_clients_are_served_in_order_of_arrival(local: Local) -> None:
    first, second, third = local.connect(), local.connect(), local.connect()
    send(local, first, "BZPOPMIN z 0")
    send(local, second, "BZMPOP 0 2 y z MAX COUNT 2")
    send(local, third, "BZPOPMAX z 0")
    local.run("ZADD z 1 a 2 b 3 c")
    assert served(first) == [[b"z", b"a", 1.0]]
    assert served(second) == [[b"z", [[b"c", 3.0], [b"b", 2.0]]]]
    assert served(third) == []
    local.run("ZADD z 9 late")
    assert served(third) == [[b"z", b"late", 9.0]]


def test_many_waiting_clients_get_one_member_each_in_order(local: Local) -> None:
    waiting = [local.connect() for _ in range(100)]
    for ctx in waiting:
        send(local, ctx, "BZPOPMIN z 0")
    for number in range(100):
        local.run(f"ZADD z {number} m{number}")
    for number, ctx in enumerate(waiting):
        assert served(ctx) == [[b"z", b"m%d" % number, float(number)]]
    assert local.run("EXISTS z") == 0


def test_a_waiting_pop_is_logged_after_what_woke_it(local: Local) -> None:
    send(local, local.connect(), "BZPOPMIN y z 0")
    send(local, local.connect(), "BZMPOP 0 1 z MAX COUNT 5")
    assert local.logged() == []
    local.run("ZADD z 1 a 2 b 3 c")
    assert local.logged() == words("ZADD z 1 a 2 b 3 c", "ZPOPMIN z", "ZPOPMAX z 2")


def test_a_waiting_pop_gives_up_when_its_time_is_up(local: Local) -> None:
    ctx = local.connect()
    send(local, ctx, "BZPOPMAX z 1.5")
    local.pass_time(1400)
    assert served(ctx) == []
    local.pass_time(200)
    assert served(ctx) == [None]
    local.run("ZADD z 1 a")
    assert local.run("ZCARD z") == 1
    assert local.logged() == words("ZADD z 1 a")


def test_a_large_set_scanned_while_it_changes_loses_nobody(local: Local) -> None:
    for number in range(500):
        local.run(f"ZADD z {number} stay{number} {number} go{number}")
    seen: set[bytes] = set()
    cursor = b"0"
    rounds = 0
    while rounds == 0 or cursor != b"0":
        reply = local.run([b"ZSCAN", b"z", cursor, b"COUNT", b"20", b"MATCH", b"stay*"])
        assert isinstance(reply, list)
        cursor = reply[0]
        seen.update(reply[1][::2])
        for number in range(rounds * 9, rounds * 9 + 9):
            local.run(f"ZREM z go{number % 500}")
            local.run(f"ZINCRBY z 700 stay{number * 7 % 500}")
            local.run(f"ZADD z 5 new{number}")
        rounds += 1
    assert seen == {b"stay%d" % number for number in range(500)}


def test_random_members_are_any_and_differ_when_they_must(local: Local) -> None:
    local.run([b"ZADD", b"z", *[word for n in range(300) for word in (b"1", b"%d" % n)]])
    many = local.run("ZRANDMEMBER z 200")
    assert isinstance(many, list)
    assert len(set(many)) == 200
    repeated = local.run("ZRANDMEMBER z -2000")
    assert isinstance(repeated, list)
    assert len(repeated) == 2000
    assert len(set(repeated)) > 250


@given(
    st.one_of(
        st.from_regex(rb"\A-?[0-9]{0,17}\.?[0-9]{0,17}\Z"),
        st.from_regex(rb"\A[-+.0-9e]{0,8}\Z"),
        st.floats(allow_nan=False).map(lambda value: repr(value).encode()),
    )
)
def test_scores_are_read_as_strtod_reads_them(word: bytes) -> None:
    expected = parse_double(word)
    score = read_score(word)
    if expected is None:
        assert math.isnan(score)
    else:
        assert struct.pack("d", score) == struct.pack("d", expected)
