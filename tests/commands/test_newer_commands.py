"""What came with Redis 8.2 to 8.10, outside streams: what is logged and announced, who waits; models of the rest."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from respd.commands import all_groups
from respd.context import Context
from tests.local import Local
from tests.wire import Error, split

NOW_MS = 1_700_000_000_000
PAST = "EXAT 1"
IN_10_S = f"PXAT {NOW_MS + 10_000}"
# What redis-server 7.0 can load.
PLAIN_COMMANDS = {b"SET", b"MSET", b"DEL", b"LPOP", b"RPOP", b"LPUSH", b"RPUSH", b"HSET", b"ZADD", b"MULTI", b"EXEC"}


@pytest.fixture
def local() -> Local:
    return Local(*all_groups())


@pytest.fixture
def other(local: Local) -> Context:
    return local.connect()


def digest(local: Local) -> object:
    """The digest of all that a server holds."""
    return local.run("DEBUG DIGEST")


@pytest.mark.parametrize(
    ("before", "command", "logged"),
    [
        (["SET k v"], "DELEX k", ["DEL k"]),
        (["SET k v"], "DELEX k IFEQ v", ["DEL k"]),
        (["SET k v"], "SET k w IFEQ v", ["SET k w"]),
        (["SET k v"], "SET k w IFEQ v GET", ["SET k w"]),
        (["SET k v"], "SET k w IFNE x KEEPTTL", ["SET k w KEEPTTL"]),
        ([], "SET k w IFNE x EX 10", [f"SET k w {IN_10_S}"]),
        ([], f"SET k w IFNE x {IN_10_S}", [f"SET k w {IN_10_S}"]),
        ([], "MSETEX 2 a 1 b 2", ["MSET a 1 b 2"]),
        ([], "MSETEX 2 a 1 b 2 NX", ["MSET a 1 b 2"]),
        ([], "MSETEX 1 a 1 EX 10", [f"SET a 1 {IN_10_S}"]),
        ([], "MSETEX 2 a 1 b 2 PX 10000", ["MULTI", f"SET a 1 {IN_10_S}", f"SET b 2 {IN_10_S}", "EXEC"]),
        ([], "MSETEX 2 a 1 b 2 KEEPTTL", ["MULTI", "SET a 1 KEEPTTL", "SET b 2 KEEPTTL", "EXEC"]),
        ([], "INCREX k BYINT 7", ["SET k 7 KEEPTTL"]),
        (["SET k 10"], "INCREX k BYFLOAT 0.5", ["SET k 10.5 KEEPTTL"]),
        (["SET k 10"], "INCREX k BYINT 100 UBOUND 80 SATURATE", ["SET k 80 KEEPTTL"]),
        (["SET k 10"], "INCREX k EX 10", [f"SET k 11 {IN_10_S}"]),
        (["SET k 10 EX 500"], "INCREX k PERSIST", ["SET k 11"]),
        (["SET k 10 EX 500"], "INCREX k EX 10 ENX", ["SET k 11 KEEPTTL"]),
        (["SET k 10"], "INCREX k EX 10 ENX", [f"SET k 11 {IN_10_S}"]),
        (["SET k 10"], f"INCREX k {PAST}", ["DEL k"]),
        (["RPUSH l a b c"], "LMOVEM l m LEFT RIGHT", ["MULTI", "LPOP l 1", "RPUSH m a", "EXEC"]),
        (["RPUSH l a b c"], "LMOVEM l m LEFT LEFT COUNT 2 OBO", ["MULTI", "LPOP l 2", "LPUSH m a b", "EXEC"]),
        (["RPUSH l a b c"], "LMOVEM l m RIGHT LEFT COUNT 9 BULK", ["MULTI", "RPOP l 3", "LPUSH m c b a", "EXEC"]),
        (["RPUSH l a b c"], "BLMOVEM l m RIGHT RIGHT 0 EXACTLY 2 OBO", ["MULTI", "RPOP l 2", "RPUSH m c b", "EXEC"]),
        (["RPUSH l a b"], "LMOVEM l l LEFT LEFT COUNT 2 OBO", ["MULTI", "LPUSH l a b", "RPOP l 2", "EXEC"]),
        (["HIMPORT PREPARE u f g"], "HIMPORT SET h u 1 2", ["HSET h f 1 g 2"]),
        (
            ["HIMPORT PREPARE u f", "HSET h a b"],
            "HIMPORT SET h u 1",
            ["MULTI", "DEL h", "HSET h f 1", "EXEC"],
        ),
        (["SET x a", "SET y b"], "BITOP DIFF d x y", [r'SET d "\x01"']),
        (["SET d a"], "BITOP ONE d x", ["DEL d"]),
        (["SET x a"], "BITOP OR d x", ["BITOP OR d x"]),
        (
            ["ZADD a 5 m", "ZADD b 6 m"],
            "ZUNIONSTORE d 2 a b AGGREGATE COUNT",
            ["MULTI", "DEL d", "ZADD d 2 m", "EXEC"],
        ),
        (
            ["ZADD a 5 m", "ZADD b 6 m"],
            "ZUNIONSTORE d 2 a b AGGREGATE MAX",
            ["ZUNIONSTORE d 2 a b AGGREGATE MAX"],
        ),
    ],
)  # fmt: skip
def test_the_outcome_is_logged(local: Local, before: list[str], command: str, logged: list[str]) -> None:
    for line in before:
        local.run(line)
    local.logged()
    assert not isinstance(local.run(command), Error)
    assert local.logged() == [split(line) for line in logged]


@pytest.mark.parametrize(
    ("before", "command"),
    [
        ("SET k v", "DELEX k IFEQ w"),
        ("SET k v", "SET k w IFEQ x EX 10"),
        ("SET k v", "SET k w IFNE v GET"),
        ("", "SET k w IFEQ x"),
        ("SET k v", "MSETEX 2 k 1 j 2 NX"),
        ("SET k v", "MSETEX 2 k 1 j 2 XX EX 10"),
        ("SET k 10", "INCREX k UBOUND 10 EX 10"),
        ("SET k 10", "INCREX k BYFLOAT 1 UBOUND 10 PERSIST"),
        ("", "INCREX k LBOUND 5"),
        ("", f"INCREX k {PAST}"),
        ("RPUSH l a", "LMOVEM l m LEFT LEFT EXACTLY 2 OBO"),
        ("", "LMOVEM l m LEFT LEFT"),
        ("", "HIMPORT PREPARE u f"),
        ("", "HIMPORT DISCARDALL"),
        ("", "BITOP DIFF d x y"),
        ("", "ZUNIONSTORE d 1 a AGGREGATE COUNT"),
    ],
)
def test_what_changes_nothing_is_neither_logged_nor_announced(local: Local, before: str, command: str) -> None:
    if before:
        local.run(before)
    local.logged()
    local.events()
    dirty = local.engine.shared.dirty
    assert not isinstance(local.run(command), Error)
    assert local.logged() == []
    assert [event for event, _ in local.events() if event != b"keymiss"] == []
    assert local.engine.shared.dirty == dirty


@pytest.mark.parametrize(
    ("before", "command", "expected"),
    [
        ("SET k v", "DELEX k IFEQ v", "del:k"),
        ("SET k v", "SET k w IFEQ v EX 10", "set:k expire:k"),
        ("SET a v", "MSETEX 2 a 1 b 2 EX 10", "set:a expire:a set:b expire:b"),
        ("SET k 1", "INCREX k", "incrby:k"),
        ("SET k 1", "INCREX k BYFLOAT 1 EX 10", "incrbyfloat:k expire:k"),
        ("SET k 1 EX 10", "INCREX k PERSIST", "incrby:k persist:k"),
        ("SET k 1 EX 10", "INCREX k EX 20 ENX", "incrby:k"),
        ("SET k 1", f"INCREX k {PAST}", "del:k"),
        ("RPUSH l a b c", "LMOVEM l m LEFT RIGHT COUNT 2 OBO", "rpush:m lpop:l"),
        ("RPUSH l a b c", "LMOVEM l m RIGHT LEFT COUNT 3 OBO", "lpush:m rpop:l del:l"),
        ("RPUSH l a b c", "LMOVEM l l LEFT RIGHT COUNT 3 BULK", "rpush:l lpop:l"),
        ("HIMPORT PREPARE u f", "HIMPORT SET h u 1", "hset:h"),
    ],
)
def test_events(local: Local, before: str, command: str, expected: str) -> None:
    local.run(before)
    local.events()
    local.run(command)
    assert " ".join(f"{event.decode()}:{key.decode()}" for event, key in local.events()) == expected


def test_a_comparison_spoils_a_watch_only_when_it_holds(local: Local, other: Context) -> None:
    local.run("SET k v")
    for command, spoils in (("SET k w IFEQ x", False), ("SET k w IFEQ v", True), ("DELEX k IFEQ w", True)):
        local.run("WATCH k", other)
        local.run(command)
        local.run("MULTI", other)
        assert (local.run("EXEC", other) is None) == spoils


# -- waiting


def test_blmovem_with_count_is_served_by_the_first_push(local: Local, other: Context) -> None:
    local.send("BLMOVEM l m LEFT RIGHT 0 COUNT 5 BULK", other)
    local.run("RPUSH l a b")
    assert local.heard(other) == [[b"a", b"b"]]
    assert local.run("LRANGE m 0 -1") == [b"a", b"b"]


def test_blmovem_with_exactly_waits_for_enough(local: Local, other: Context) -> None:
    local.run("RPUSH l 1")
    local.send("BLMOVEM l m LEFT RIGHT 0 EXACTLY 3 BULK", other)
    local.run("RPUSH l 3")
    assert local.heard(other) == []
    assert local.run("EXISTS m") == 0
    local.run("LINSERT l BEFORE 3 2")
    assert local.heard(other) == [[b"1", b"2", b"3"]]
    assert local.run("EXISTS l") == 0


def test_blmovem_keeps_its_turn_while_others_are_served(local: Local) -> None:
    mover, first, second = local.connect(), local.connect(), local.connect()
    local.send("BLMOVEM l m LEFT RIGHT 0 EXACTLY 2 BULK", mover)
    local.send("BLPOP l 0", first)
    local.send("BLPOP l 0", second)
    local.run("RPUSH l a")
    assert local.heard(first) == [[b"l", b"a"]]
    local.run("RPUSH l b c")
    assert local.heard(mover) == [[b"b", b"c"]]
    assert local.heard(second) == []
    local.run("RPUSH l d")
    assert local.heard(second) == [[b"l", b"d"]]


def test_blmovem_times_out(local: Local, other: Context) -> None:
    local.run("RPUSH l 1")
    local.send("BLMOVEM l m LEFT RIGHT 1.5 EXACTLY 2 OBO", other)
    local.pass_time(1000)
    local.run("RPUSH l 2 3")
    assert local.heard(other) == [[b"1", b"2"]]
    local.send("BLMOVEM l m LEFT RIGHT 1.5 EXACTLY 2 OBO", other)
    local.pass_time(1499)
    assert local.heard(other) == []
    local.pass_time(1)
    assert local.heard(other) == [None]
    local.run("RPUSH l 4")
    assert local.run("LLEN l") == 2


def test_blmovem_in_a_chain(local: Local) -> None:
    first, second = local.connect(), local.connect()
    local.send("BLMOVEM b c LEFT RIGHT 0 COUNT 9 BULK", first)
    local.send("BLMOVEM a b LEFT RIGHT 0 COUNT 2 OBO", second)
    local.run("RPUSH a 1 2 3")
    assert local.heard(second) == [[b"1", b"2"]]
    assert local.heard(first) == [[b"1", b"2"]]
    assert local.run("LRANGE c 0 -1") == [b"1", b"2"]


def test_blmovem_to_a_wrong_type_ends_the_wait(local: Local, other: Context) -> None:
    local.run("SET s v")
    local.send("BLMOVEM l s LEFT LEFT 0 COUNT 2 OBO", other)
    local.run("RPUSH l a")
    assert isinstance(local.heard(other)[0], Error)
    assert local.run("LRANGE l 0 -1") == [b"a"]


# -- the connection's fieldsets


def test_fieldsets_belong_to_the_connection(local: Local, other: Context) -> None:
    local.run("HIMPORT PREPARE u f")
    assert local.run("HIMPORT SET h u 1", other) == Error("ERR no such fieldset")
    local.run("RESET")
    local.ctx.client.speak(3)
    assert local.run("HIMPORT SET h u 1") == Error("ERR no such fieldset")


# -- models

COMPARISON = st.sampled_from(["", "NX", "XX", "IFEQ", "IFNE", "IFDEQ", "IFDNE"])
VALUE = st.sampled_from(["a", "b", "12", "012", "long" * 20])


@settings(max_examples=60)
@given(st.lists(st.tuples(st.booleans(), COMPARISON, VALUE, VALUE, st.booleans()), max_size=20))
def test_set_and_delex_against_a_model(steps: list[tuple[bool, str, str, str, bool]]) -> None:
    local = Local(*all_groups())
    digests: dict[str, str] = {}
    for value in ("a", "b", "12", "012", "long" * 20):
        local.run(f"SET x {value}")
        found = local.run("DIGEST x")
        assert isinstance(found, bytes)
        digests[value] = found.decode()
    there: str | None = None
    for deletes, condition, operand, value, gets in steps:
        matches = {
            "": True,
            "NX": there is None,
            "XX": there is not None,
            "IFEQ": there == operand,
            "IFNE": there != operand,
            "IFDEQ": there == operand,
            "IFDNE": there != operand,
        }[condition]
        words = condition
        if condition.startswith("IF"):
            words += f" {digests[operand] if 'D' in condition else operand}"
        if deletes:
            if condition in ("NX", "XX"):
                continue
            matches = matches and there is not None
            assert local.run(f"DELEX k {words}") == int(matches)
            there = None if matches else there
        else:
            reply = local.run(f"SET k {value} {words} {'GET' if gets else ''}")
            if gets:
                assert reply == (None if there is None else there.encode())
            else:
                assert (reply is not None) == matches
            there = value if matches else there
        assert local.run("GET k") == (None if there is None else there.encode())


NUMBER = st.integers(-20, 20) | st.integers(-(1 << 63), (1 << 63) - 1)


@settings(max_examples=60)
@given(st.lists(st.tuples(NUMBER, st.none() | NUMBER, st.none() | NUMBER, st.booleans()), max_size=15))
def test_increx_against_a_model(steps: list[tuple[int, int | None, int | None, bool]]) -> None:
    local = Local(*all_groups())
    value = 0
    for increment, lower, upper, saturates in steps:
        line = f"INCREX k BYINT {increment}"
        line += "" if lower is None else f" LBOUND {lower}"
        line += "" if upper is None else f" UBOUND {upper}"
        low = -(1 << 63) if lower is None else lower
        high = (1 << 63) - 1 if upper is None else upper
        reply = local.run(line + (" SATURATE" if saturates else ""))
        if low > high:
            assert isinstance(reply, Error)
            continue
        total = value + increment
        if saturates:
            total = max(low, min(high, total))
            if not -(1 << 63) <= total - value < 1 << 63:
                assert reply == Error("ERR applied increment would overflow")
                continue
        elif not low <= total <= high:
            total = value
        assert reply == [total, total - value]
        value = total


END = st.sampled_from(["LEFT", "RIGHT"])


@settings(max_examples=60)
@given(
    st.lists(st.sampled_from("abc"), max_size=6),
    st.lists(st.sampled_from("xy"), max_size=3),
    END,
    END,
    st.sampled_from(["COUNT", "EXACTLY"]),
    st.integers(1, 7),
    st.sampled_from(["OBO", "BULK"]),
    st.booleans(),
)
def test_lmovem_against_a_model_and_its_log(
    source: list[str], target: list[str], end: str, to: str, selector: str, count: int, order: str, within: bool
) -> None:
    first, second = Local(*all_groups()), Local(*all_groups())
    for key, elements in (("l", source), ("m", target)):
        if elements:
            first.run(f"RPUSH {key} {' '.join(elements)}")
            first.run(f"EXPIRE {key} 100")
    reply = first.run(f"LMOVEM l {'l' if within else 'm'} {end} {to} {selector} {count} {order}")
    if not source or (selector == "EXACTLY" and count > len(source)):
        assert reply is None
    else:
        popped = source[:count] if end == "LEFT" else source[::-1][:count]
        rest = source[count:] if end == "LEFT" else source[: max(0, len(source) - count)]
        block = popped if order == "OBO" or end == "LEFT" else popped[::-1]
        if order == "OBO" and to == "LEFT":
            block = block[::-1]
        onto = rest if within else target
        result = block + onto if to == "LEFT" else onto + block
        assert reply == [element.encode() for element in block]
        assert first.run(f"LRANGE {'l' if within else 'm'} 0 -1") == [element.encode() for element in result]
    for words in first.logged():
        assert words[0] in PLAIN_COMMANDS | {b"PEXPIREAT"}
        second.run(words)
    assert digest(first) == digest(second)


@settings(max_examples=40)
@given(
    st.lists(st.dictionaries(st.sampled_from("abcde"), st.integers(-3, 3), max_size=5), min_size=1, max_size=4),
    st.lists(st.integers(-2, 2), min_size=4, max_size=4),
)
def test_the_count_aggregate_counts(sources: list[dict[str, int]], weights: list[int]) -> None:
    local = Local(*all_groups())
    for at, scores in enumerate(sources):
        for member, score in scores.items():
            local.run(f"ZADD z{at} {score} {member}")
    keys = f"{len(sources)} " + " ".join(f"z{at}" for at in range(len(sources)))
    weighted = " ".join(map(str, weights[: len(sources)]))
    counts: Counter[str] = Counter()
    sums: Counter[str] = Counter()
    for scores, weight in zip(sources, weights, strict=False):
        counts.update(scores.keys())
        sums.update(dict.fromkeys(scores, weight))
    for name, wanted in (("ZUNION", set(counts)), ("ZINTER", {m for m, n in counts.items() if n == len(sources)})):
        plain = local.run(f"{name} {keys} AGGREGATE COUNT WITHSCORES")
        assert plain == [[m.encode(), float(counts[m])] for m in sorted(wanted, key=lambda m: (counts[m], m))]
        heavy = local.run(f"{name} {keys} WEIGHTS {weighted} AGGREGATE COUNT WITHSCORES")
        assert heavy == [[m.encode(), float(sums[m])] for m in sorted(wanted, key=lambda m: (sums[m], m))]


def test_what_is_logged_makes_the_same_data_on_a_server_without_these_commands(local: Local) -> None:
    second = Local(*all_groups())
    for line in (
        "SET k v IFNE x EX 100", "MSETEX 2 a 1 b 2 EX 50", "INCREX n EX 10 ENX", "INCREX n BYFLOAT 0.1",
        "RPUSH l a b c d", "LMOVEM l m LEFT LEFT COUNT 3 OBO", "HIMPORT PREPARE u f g", "HIMPORT SET h u 1 2",
        "HIMPORT SET h u 3 4", "BITOP ONE d k a b", "ZADD z 1 a 2 b", "ZINTERSTORE y 1 z AGGREGATE COUNT", "DELEX b",
    ):  # fmt: skip
        assert not isinstance(local.run(line), Error)
    for words in local.logged():
        assert words[0] in PLAIN_COMMANDS
        second.run(words)
    assert digest(local) == digest(second)
