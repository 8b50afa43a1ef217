"""Geo commands: what they log, and which events they send."""

import pytest

from respd.database import Database
from tests.local import Local

SETUP = "GEOADD g 13.361389 38.115556 Palermo 15.087269 37.502669 Catania"


@pytest.mark.parametrize(
    "command, logged",
    [
        ("GEOADD g 1 1 a", ["zadd g 3377822707026402 a"]),
        ("GEOADD g 13.361389 38.115556 Palermo", []),
        ("geoadd g ch 1 1 Palermo 2 2 b", ["zadd g ch 3377822707026402 Palermo 3378191666521995 b"]),
        ("GEOADD g NX Ch 1 1 Palermo 1 1 a", ["zadd g NX Ch 3377822707026402 Palermo 3377822707026402 a"]),
        ("GEOADD g NX 1 1 Palermo", []),
        ("GEOADD g XX 1 1 a", []),
        ("GEOADD g 1 1 a 200 1 b", []),
        ("GEORADIUS g 15 37 200 km", []),
        ("GEORADIUS g 15 37 200 km STORE d", ["GEORADIUS g 15 37 200 km STORE d"]),
        ("GEORADIUS g 50 37 1 m STORE d", []),
        ("GEORADIUS g 50 37 1 m STORE g", ["GEORADIUS g 50 37 1 m STORE g"]),
        ("GEORADIUSBYMEMBER g Palermo 1 m STOREDIST d", ["GEORADIUSBYMEMBER g Palermo 1 m STOREDIST d"]),
        ("GEORADIUSBYMEMBER nokey Palermo 1 m STORE g", ["GEORADIUSBYMEMBER nokey Palermo 1 m STORE g"]),
        ("GEOSEARCHSTORE d g FROMLONLAT 15 37 BYBOX 9 9 m", []),
        ("GEOSEARCHSTORE d g FROMMEMBER Catania BYBOX 9 9 m", ["GEOSEARCHSTORE d g FROMMEMBER Catania BYBOX 9 9 m"]),
    ],
)
def test_what_changes_something_is_logged(local: Local, command: str, logged: list[str]) -> None:
    local.run(SETUP)
    local.logged()
    local.run(command)
    assert local.logged() == [line.encode().split() for line in logged]


@pytest.mark.parametrize(
    "command, events",
    [
        ("GEOADD g 1 1 Palermo 2 2 a 3 3 b", [b"zadd"]),
        ("GEOADD g 13.361389 38.115556 Palermo", []),
        ("GEORADIUS g 15 37 200 km STORE g", [b"georadiusstore"]),
        ("GEORADIUSBYMEMBER g Palermo 200 km STOREDIST g", [b"georadiusstore"]),
        ("GEOSEARCHSTORE g g FROMMEMBER Palermo BYRADIUS 200 km", [b"geosearchstore"]),
        ("GEOSEARCHSTORE g g FROMLONLAT 50 50 BYRADIUS 1 m", [b"del"]),
        ("GEOSEARCHSTORE g g FROMLONLAT 50 50 BYRADIUS 1 m ANY", []),
    ],
)
def test_each_change_sends_its_event_once(local: Local, command: str, events: list[bytes]) -> None:
    local.run(SETUP)
    local.events()
    local.run(command)
    assert local.events() == [(event, b"g") for event in events]


def test_a_search_in_the_source_may_store_in_it(local: Local) -> None:
    local.run(SETUP)
    assert local.run("GEOSEARCHSTORE g g FROMMEMBER Palermo BYRADIUS 1 m STOREDIST") == 1
    assert local.run("ZRANGE g 0 -1 WITHSCORES") == [[b"Palermo", 0.0]]
    database: Database = local.engine.databases[0]
    database.check()
