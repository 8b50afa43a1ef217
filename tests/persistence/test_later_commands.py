"""Servers that do not know what came with Redis 8.2 to 8.10 load the log of respd, which does."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.persistence.dataset import Words, contents, difference, fill
from tests.persistence.stores import oracle, respd, running, stop

LOGGED = ("--appendonly", "yes", "--appendfsync", "no")
COMMANDS: list[Words] = [
    line.split()
    for line in b"""
    SET k v IFNE x EX 1000
    SET k w IFEQ v KEEPTTL
    MSETEX 2 a 1 b 2 EX 1000
    MSETEX 2 a 3 b 4 XX KEEPTTL
    MSETEX 2 c 5 d 6
    DELEX d IFEQ 6
    INCREX n BYINT 5 EX 1000 ENX
    INCREX n BYFLOAT 0.1 UBOUND 5.05 SATURATE
    RPUSH l 1 2 3 4 5
    EXPIRE l 1000
    LMOVEM l m LEFT LEFT COUNT 2 OBO
    BLMOVEM l l RIGHT RIGHT 0 EXACTLY 3 OBO
    HIMPORT PREPARE u f g
    HIMPORT SET h u 1 2
    HIMPORT SET h u 3 4
    BITOP ONE o k a b
    BITOP DIFF o2 k a
    ZADD z 1 x 2 y
    SADD s x w
    ZUNIONSTORE zu 2 z s WEIGHTS 2 3 AGGREGATE COUNT
    """.strip().split(b"\n")
]


@pytest.mark.parametrize("name", ["redis8", "redis7", "valkey9"])
def test_the_log_is_loaded_elsewhere(name: str, tmp_path: Path) -> None:
    other = oracle(name)
    with running(respd(), tmp_path, *LOGGED) as target:
        fill(target.port, COMMANDS)
        expected = contents(target.port)
        stop(target)
    assert len(expected) == 13
    with running(other, tmp_path, *LOGGED) as target:
        assert difference(contents(target.port), expected) == ""
