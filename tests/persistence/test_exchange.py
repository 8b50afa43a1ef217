"""respd starts on what redis-server and valkey-server have left, and they on what respd has left.

The long form is `pytest tests/persistence/test_exchange.py --long`: more random data.
"""

from __future__ import annotations

from pathlib import Path

import hiredis
import pytest

from crashes.target import Target, ask
from tests.persistence.dataset import (
    Words,
    changes,
    contents,
    difference,
    digest,
    encodings,
    everything,
    fill,
    functions,
    libraries,
    random_commands,
)
from tests.persistence.stores import Kind, check, oracle, respd, rewrite, running, stop

ORACLES = ("redis8", "redis7", "valkey9")
FORMATS = {
    "rdb": (),
    "aof": ("--appendonly", "yes", "--appendfsync", "no"),
    "aof commands": ("--appendonly", "yes", "--appendfsync", "no", "--aof-use-rdb-preamble", "no"),
}


def fields_expire(other: Kind, form: str, commands: bool = False) -> bool:
    """Whether hashes with fields that expire can be handed from respd to another server in this form."""
    return other.expires_fields and (other.reads_our_fields or (form == "aof commands" and commands))


def leave(target: Target, form: str) -> None:
    """Have all data in files, and end."""
    if form == "rdb":
        assert ask(target.port, [[b"SAVE"]]) == [b"OK"], target.log_tail()
    stop(target)


def put(target: Target, form: str, first: list[Words], then: list[Words]) -> None:
    """Put data in: with a log, part of it before a rewrite and part of it after."""
    fill(target.port, first)
    if form != "rdb":
        rewrite(target)
    fill(target.port, then)


def hand_over(giver: Kind, taker: Kind, place: Path, form: str, first: list[Words], then: list[Words]) -> None:
    """Fill the giver, start the taker on its directory, then the giver on what the taker leaves; the data stays."""
    options = FORMATS[form]
    # Valkey's digest counts the expiries of fields in another way.
    same_digest = giver.same_digest and taker.same_digest and not any(words[0] == b"HPEXPIREAT" for words in first)
    same_digest = same_digest or {giver.name, taker.name} == {"respd", "redis8"}
    with running(giver, place, *options) as target:
        put(target, form, first, then)
        expected, expected_digest = contents(target.port), digest(target.port)
        expected_libraries = libraries(target.port)
        leave(target, form)
    with running(taker, place, *options) as target:
        assert difference(contents(target.port), expected) == ""
        assert libraries(target.port) == expected_libraries
        assert digest(target.port) == expected_digest or not same_digest
        if form != "rdb":
            rewrite(target)
        fill(target.port, then[:10])
        expected, expected_digest = contents(target.port), digest(target.port)
        expected_libraries = libraries(target.port)
        leave(target, form)
    check(giver if giver.checks else taker, place / "data")
    with running(giver, place, *options) as target:
        assert difference(contents(target.port), expected) == ""
        assert libraries(target.port) == expected_libraries
        assert digest(target.port) == expected_digest or not same_digest


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("name", ORACLES)
def test_theirs_ours_theirs(name: str, form: str, tmp_path: Path) -> None:
    """What they have written we read, what we write then they read."""
    other = oracle(name)
    expiring = fields_expire(other, form)
    hand_over(other, respd(), tmp_path, form, everything(expiring), changes(expiring))


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("name", ORACLES)
def test_ours_theirs_ours(name: str, form: str, tmp_path: Path) -> None:
    """What we have written they read, what they write then we read."""
    other = oracle(name)
    expiring = fields_expire(other, form, True)
    hand_over(respd(), other, tmp_path, form, everything(expiring), changes(expiring))


def test_fields_that_expire_from_valkey(tmp_path: Path) -> None:
    """Valkey's own form of hashes whose fields expire is read."""
    valkey = oracle("valkey9")
    with running(valkey, tmp_path) as target:
        fill(target.port, everything(True))
        expected = contents(target.port)
        leave(target, "rdb")
    with running(respd(), tmp_path) as target:
        assert difference(contents(target.port), expected) == ""


def test_encodings_after_loading_are_those_of_redis(tmp_path: Path) -> None:
    """OBJECT ENCODING of every key, when both have loaded the same file of redis-server, and of respd."""
    redis = oracle("redis8")
    for giver in (redis, respd()):
        place = tmp_path / giver.name
        with running(giver, place) as target:
            fill(target.port, everything(True))
            leave(target, "rdb")
        with running(redis, place) as target:
            expected = encodings(target.port)
        with running(respd(), place) as target:
            found = encodings(target.port)
        assert {key: name for key, name in found.items() if expected[key] != name} == {}
        assert len(found) == len(expected)


@pytest.mark.parametrize("name", ORACLES)
def test_dump_and_restore_both_ways(name: str, tmp_path: Path) -> None:
    """Every payload of one is restored by the other, and gives the same payload's value back."""
    other, ours = oracle(name), respd()
    with running(other, tmp_path / "theirs") as theirs, running(ours, tmp_path / "ours") as mine:
        fill(theirs.port, everything(fields_expire(other, "rdb")))
        _restore_all(theirs, mine)
        assert digest(mine.port) == digest(theirs.port) or not other.same_digest
        ask(theirs.port, [[b"FLUSHALL"]])
        _restore_all(mine, theirs)


@pytest.mark.parametrize("name", ORACLES)
def test_functions_are_dumped_and_restored_both_ways(name: str, tmp_path: Path) -> None:
    """FUNCTION DUMP of one is restored by the other."""
    other, ours = oracle(name), respd()
    with running(other, tmp_path / "theirs") as theirs, running(ours, tmp_path / "ours") as mine:
        fill(theirs.port, list(functions()))
        expected = libraries(theirs.port)
        for giver, taker in ((theirs, mine), (mine, theirs)):
            payload = ask(giver.port, [[b"FUNCTION", b"DUMP"]])[0]
            assert isinstance(payload, bytes)
            assert ask(taker.port, [[b"FUNCTION", b"RESTORE", payload, b"FLUSH"]]) == [b"OK"]
            assert libraries(taker.port) == expected
            ask(giver.port, [[b"FUNCTION", b"FLUSH"]])


def _restore_all(giver: Target, taker: Target) -> None:
    expected = contents(giver.port)
    for database, key in expected:
        select = [b"SELECT", b"%d" % database]
        payload, ttl = ask(giver.port, [select, [b"DUMP", key], [b"PEXPIRETIME", key]])[1:]
        assert isinstance(payload, bytes) and isinstance(ttl, int)
        reply = ask(taker.port, [select, [b"RESTORE", key, b"%d" % max(ttl, 0), payload, b"ABSTTL"]])[1]
        assert not isinstance(reply, hiredis.ReplyError), (key, reply)
    assert difference(contents(taker.port), expected) == ""


@pytest.mark.timeout(1800)
@pytest.mark.parametrize("form", FORMATS)
def test_random_data(form: str, tmp_path: Path, long_form: bool) -> None:
    """Data nobody thought of, through every format, to and fro."""
    redis = oracle("redis8")
    for seed in range(50 if long_form else 1):
        commands = random_commands(seed, 300 if long_form else 100, True)
        givers = (redis, respd()) if seed % 2 else (respd(), redis)
        hand_over(*givers, tmp_path / str(seed), form, commands[:70], commands[70:])
