"""How many changes each write counts, which is what save points go by, beside redis-server."""

from __future__ import annotations

import pytest

from tests.conftest import StartServer
from tests.servers import Server
from tests.wire import Connection

STEPS = [
    ("MSET a 1 b 2 c 3", 3),
    ("DEL a b nokey", 2),
    ("RENAME c d", 1),
    ("COPY d e", 1),
    ("MOVE d 1", 1),
    ("BITFIELD bits SET u8 0 1 GET u8 0 SET u8 8 2 SET u8 0 1", 3),
    ("PFADD hll x y z", 4),
    ("PFADD hll x y z", 0),
    ("RPUSH l a b c d e f g h i j", 10),
    ("LPUSH l 1 2 3", 3),
    ("LPUSHX l 4 5", 2),
    ("RPUSHX l k k", 2),
    ("LREM l 0 k", 2),
    ("LPOP l 2", 2),
    ("LMPOP 1 l RIGHT COUNT 3", 3),
    ("LMOVE l m LEFT RIGHT", 1),
    ("BRPOPLPUSH l l 0", 1),
    ("LTRIM l 1 -3", 3),
    ("LTRIM l 0 -1", 0),
    ("SORT l ALPHA STORE sorted", 6),
    ("SADD s a b c d e f g", 7),
    ("SADD s a h i", 2),
    ("SREM s a nomember b", 2),
    ("SPOP s 2", 2),
    ("SPOP s 100", 5),
    ("HSET h a 1 b 2 c 3 d 4 e 5 f 6 g 7 h 8", 8),
    ("HMSET h a 0 b 0", 2),
    ("HDEL h a nofield b", 2),
    ("HEXPIRE h 100 FIELDS 3 c d nofield", 2),
    ("HPERSIST h FIELDS 2 c d", 1),
    ("HGETEX h EX 100 FIELDS 2 c d", 2),
    ("HGETEX h PERSIST FIELDS 2 c d", 2),
    ("HSETEX h EX 100 FIELDS 2 c 1 d 2", 2),
    ("HGETDEL h FIELDS 3 c d nofield", 2),
    ("HGETEX h PXAT 1 FIELDS 2 e f", 2),
    ("HPEXPIREAT h 1 FIELDS 1 g", 1),
    ("ZADD z 1 a 2 b 3 c 4 d 5 e 6 f 7 g 8 h", 8),
    ("ZADD z 9 a 2 b 9 new", 2),
    ("ZREM z a nomember b", 2),
    ("ZPOPMIN z 2", 2),
    ("ZMPOP 1 z MAX COUNT 2", 2),
    ("ZRANGESTORE copy z 0 -1", 1),
    ("ZREMRANGEBYRANK z 0 1", 2),
    ("ZREMRANGEBYSCORE z -inf +inf", 1),
    ("GEOADD g 13.361389 38.115556 Palermo 15.087269 37.502669 Catania", 2),
    ("GEOSEARCHSTORE near g FROMLONLAT 15 37 BYRADIUS 900 km", 2),
    ("GEOSEARCHSTORE near nokey FROMLONLAT 15 37 BYRADIUS 900 km", 1),
    ("XADD x 1-0 f v", 1),
    ("XADD x 2-0 f v", 1),
    ("XGROUP CREATE x g 0", 1),
    ("XREADGROUP GROUP g a STREAMS x >", 2),
    ("XREADGROUP GROUP g a STREAMS x 0", 0),
    ("XREADGROUP GROUP g new STREAMS x 0", 1),
    ("XCLAIM x g b 0 1-0 2-0", 3),
    ("XACK x g 1-0 9", 1),
    ("XDEL x 1-0 2-0 9", 2),
    ("DEL x", 1),
    ("FLUSHDB", 9),
    ("FLUSHDB", 0),
]


def _changes(connection: Connection) -> int:
    text = connection.ask("INFO persistence")
    assert isinstance(text, bytes)
    return int(text.split(b"rdb_changes_since_last_save:")[1].split(b"\r")[0])


@pytest.mark.parametrize("name", ["start_server", "start_oracle"])
def test_changes_that_a_command_counts(name: str, request: pytest.FixtureRequest) -> None:
    start: StartServer = request.getfixturevalue(name)
    server: Server = start()
    counted: list[tuple[str, int]] = []
    with server.connect() as connection:
        for command, _ in STEPS:
            before = _changes(connection)
            connection.ask(command)
            counted.append((command, _changes(connection) - before))
    assert counted == STEPS
