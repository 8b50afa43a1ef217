"""Files that other servers write: what respd reads from them has the digest that they give their data themselves."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from respd.commands import all_groups
from respd.commands.keys import place
from respd.persistence.rdb_reader import EndEvent, HeaderEvent, KeyEvent, SelectEvent
from tests.local import Local
from tests.persistence.dataset import everything
from tests.persistence.reading import events
from tests.servers import Server, redis_version, start_redis
from tests.wire import Connection, plain

PROGRAMS = {
    "redis-server 7": ("redis-server",),
    "redis-server 8": ("redis-server-8", "/tmp/oracles/bin/redis-server-8"),
    "valkey-server 9": ("valkey-server-9", "/tmp/oracles/bin/valkey-server-9", "valkey-server"),
}
VERSIONS = {"redis-server 7": 10, "redis-server 8": 12, "valkey-server 9": 80}
SMALL_LIMITS = [
    "CONFIG SET list-max-listpack-size 3 hash-max-listpack-entries 3 zset-max-listpack-entries 3",
    "CONFIG SET set-max-intset-entries 3",
]


def _program(name: str) -> str | None:
    for place_of in PROGRAMS[name]:
        found = shutil.which(place_of)
        if found and (name.startswith("valkey") or (redis_version(found) or (0,))[0] == int(name[-1])):
            return found
    return None


@pytest.fixture(params=list(PROGRAMS))
def writer(request: pytest.FixtureRequest) -> Iterator[tuple[str, Server]]:
    """A server that writes files."""
    program = _program(request.param)
    if program is None:
        pytest.skip(f"no {request.param} here")
    server = start_redis(program)
    yield request.param, server
    server.stop()


def _call(connection: Connection, *words: bytes | str) -> object:
    frame = connection.call([word.encode() if isinstance(word, str) else word for word in words])
    assert frame.kind != "-", frame
    return plain(frame)


def _loaded(data: bytes, settings: list[str]) -> Local:
    """The data of a file in an engine."""
    local = Local(*all_groups())
    local.engine.config.enable_debug_command = b"yes"
    for line in settings:
        local.run(line)
    db = local.engine.databases[0]
    for event in events(data, 65536, local.engine.config.limits):
        if isinstance(event, SelectEvent):
            db = local.engine.databases[event.database]
        elif isinstance(event, KeyEvent):
            place(db, event.key, event.value, event.expire_at_ms)
        elif isinstance(event, EndEvent):
            assert event.checksum == event.computed
    for each in local.engine.databases:
        each.check()
    return local


Ask = Callable[..., object]


def _contents(ask: Ask, key: bytes) -> object:
    """A hash's fields with their expiry, a sorted set's members with their scores as numbers, else the digest.

    Of these two kinds the servers make different digests.
    """
    kind = ask(b"TYPE", key)
    if kind == b"zset":
        found = ask(b"ZRANGE", key, b"0", b"-1", b"WITHSCORES")
        assert isinstance(found, list)
        flat = [word for each in found for word in (each if isinstance(each, list) else [each])]
        return flat[::2], [float(score) for score in flat[1::2]]
    if kind == b"hash" and key.startswith(b"expiring"):
        items = ask(b"HGETALL", key)
        if isinstance(items, list):
            items = dict(zip(items[::2], items[1::2], strict=True))
        assert isinstance(items, dict)
        fields = sorted(items)
        return items, ask(b"HPEXPIRETIME", key, b"FIELDS", b"%d" % len(fields), *fields)
    return ask(b"DEBUG", b"DIGEST-VALUE", key)


@pytest.mark.parametrize("settings", [[], ["CONFIG SET rdbcompression no"], SMALL_LIMITS])
def test_every_type_and_encoding(writer: tuple[str, Server], settings: list[str]) -> None:
    """Keys, values, expiries, and where the limits are the same ones also the encodings."""
    name, server = writer
    commands = everything(hash_expiry=name != "redis-server 7")
    with server.connect() as connection:

        def ask(*words: bytes) -> object:
            return _call(connection, *words)

        for line in settings:
            _call(connection, *line.split())
        for words in commands:
            ask(*words)
        ask(b"DEBUG", b"RELOAD")  # saves, and gives the values the encodings that they have when they come from a file
        digest = ask(b"DEBUG", b"DIGEST")
        keys = ask(b"KEYS", b"*")
        assert isinstance(keys, list)
        contents = {key: _contents(ask, key) for key in keys}
        encodings = {key: ask(b"OBJECT", b"ENCODING", key) for key in keys}
    data = Path(server.directory, "dump.rdb").read_bytes()
    header = events(data, verify=False)[0]
    assert isinstance(header, HeaderEvent) and header.version == VERSIONS[name]
    local = _loaded(data, settings)

    def ask_respd(*words: bytes) -> object:
        return local.run(list(words))

    assert local.run("DBSIZE") == len(keys)
    for key in keys:
        assert _contents(ask_respd, key) == contents[key], key
        if name == "redis-server 8":
            assert ask_respd(b"OBJECT", b"ENCODING", key) == encodings[key], key
    if name == "redis-server 8":
        assert local.run("DEBUG DIGEST") == digest
