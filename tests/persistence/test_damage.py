"""Damaged logs and manifests: respd starts where redis-server does, and then has the same data.

It is stricter with bytes that redis-server passes over: the line ends after words, the sign of a number in a manifest.
The long form is `pytest tests/persistence/test_damage.py --long`: more random damage.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from random import Random

import pytest

from crashes.ports import free_port
from crashes.target import Broken, Target, ask
from respd.clock import ManualClock
from respd.persistence.loading import LoadError
from respd.persistence.log_directory import LogFileError
from tests.patience import PATIENCE
from tests.persistence.lives import Life, QuickDisk
from tests.persistence.stores import COMMON, Kind, oracle
from tests.wire import encode

FOLDER = "appendonlydir"
MANIFEST = "appendonly.aof.manifest"
BASE = encode([b"SELECT", b"0"]) + encode([b"SET", b"base", b"1"]) + encode([b"RPUSH", b"list", b"a", b"b"])
FIRST = encode([b"SELECT", b"0"]) + encode([b"SET", b"first", b"some value"]) + encode([b"INCR", b"base"])
SECOND = (
    encode([b"SELECT", b"1"])
    + encode([b"HSET", b"hash", b"field", b"value"])
    + encode([b"MULTI"])
    + encode([b"SET", b"one", b"1"])
    + encode([b"SET", b"two", b"2"])
    + encode([b"EXEC"])
    + encode([b"ZADD", b"zset", b"1.5", b"member"])
)
FILES = {"a.1.base.aof": BASE, "a.1.incr.aof": FIRST, "a.2.incr.aof": SECOND}
LINES = b"file a.1.base.aof seq 1 type b\nfile a.1.incr.aof seq 1 type i\nfile a.2.incr.aof seq 2 type i\n"

MANIFESTS = {
    "whole": LINES,
    "empty": b"",
    "a blank line": b"\n" + LINES,
    "no end of the last line": LINES[:-1],
    "a comment": b"# all there\n" + LINES,
    "history": LINES + b"file a.0.incr.aof seq 0 type h\n",
    "history with a number": LINES + b"file a.9.incr.aof seq 9 type h\n",
    "two bases": b"file a.1.base.aof seq 1 type b\n" + LINES,
    "two bases, far apart": LINES + b"file a.1.base.aof seq 2 type b\n",
    "no base": LINES.partition(b"\n")[2],
    "base only": LINES.partition(b"\n")[0] + b"\n",
    "base last": LINES.partition(b"\n")[2] + LINES.partition(b"\n")[0] + b"\n",
    "a type that is none": LINES.replace(b"type b", b"type x"),
    "a type of two letters": LINES.replace(b"type b", b"type bb"),
    "a missing increment": LINES + b"file a.3.incr.aof seq 3 type i\n",
    "a missing base": LINES.replace(b"a.1.base", b"a.7.base"),
    "a gap": LINES.replace(b"seq 2", b"seq 5"),
    "the same number twice": LINES.replace(b"seq 2", b"seq 1"),
    "numbers that go down": LINES.replace(b"seq 1 type i", b"seq 3 type i"),
    "number zero": LINES.replace(b"seq 1 type b", b"seq 0 type b"),
    "a number below zero": LINES.replace(b"seq 1 type b", b"seq -1 type b"),
    "no number": LINES.replace(b"seq 1 type b", b"seq x type b"),
    "a path": LINES.replace(b"file a.1.incr.aof", b"file ./a.1.incr.aof"),
    "a word too many": LINES.replace(b"type b", b"type b more"),
    "another word": LINES.replace(b"type b", b"type b more words"),
    "a word too few": LINES.replace(b" type b", b""),
    "other order": LINES.replace(b"file a.1.base.aof seq 1 type b", b"type b seq 1 file a.1.base.aof"),
    "capitals": LINES.replace(b"file", b"FILE").replace(b"type", b"Type"),
    "quoted": LINES.replace(b"a.1.base.aof", b'"a.1.base.aof"'),
    "half a quote": LINES.replace(b"a.1.base.aof", b'"a.1.base.aof'),
    "line ends of Windows": LINES.replace(b"\n", b"\r\n"),
    "a zero byte": LINES.replace(b"seq 2", b"seq\x002"),
    "noise": bytes(range(1, 256)),
    "cut in the middle": LINES[: len(LINES) // 2],
}


def put(place: Path, manifest: bytes, files: dict[str, bytes]) -> None:
    """A data directory with a log of these parts."""
    shutil.rmtree(place, ignore_errors=True)
    (place / "data" / FOLDER).mkdir(parents=True)
    (place / "data" / FOLDER / MANIFEST).write_bytes(manifest)
    for name, data in files.items():
        (place / "data" / FOLDER / name).write_bytes(data)


def _reads() -> list[list[bytes]]:
    return [
        [b"SELECT", b"0"],
        [b"DBSIZE"],
        [b"MGET", b"base", b"first", b"one", b"two"],
        [b"LRANGE", b"list", b"0", b"-1"],
        [b"SELECT", b"1"],
        [b"DBSIZE"],
        [b"HGETALL", b"hash"],
        [b"MGET", b"base", b"first", b"one", b"two"],
        [b"ZRANGE", b"zset", b"0", b"-1", b"WITHSCORES"],
        [b"DEBUG", b"DIGEST"],
    ]


def theirs(redis: Kind, place: Path) -> list[object] | None:
    """What redis-server has after starting there, None when it refuses to start."""
    target = Target(list(redis.command), place / "data", free_port(), [*COMMON, "--appendonly", "yes"])
    target.start()
    try:
        target.wait_until_ready(PATIENCE)
        return ask(target.port, _reads())
    except Broken:
        return None
    finally:
        target.kill()
        target.sweep()


def ours(place: Path) -> list[object] | None:
    """The same of respd."""
    os.chdir(place / "data")
    options = "appendonly yes\nenable-debug-command yes"
    try:
        life = Life(options, QuickDisk(), ManualClock(), place / "log")
    except (LogFileError, LoadError):
        return None
    try:
        return life.ask(_reads())
    finally:
        life.end()
        os.chdir(place.parent)


@pytest.mark.parametrize("name", MANIFESTS)
def test_manifests(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Empty, doubled, of wrong types, with gaps and missing files."""
    monkeypatch.chdir(tmp_path)
    redis = oracle("redis8")
    found = []
    for start in (lambda place: theirs(redis, place), ours):
        put(tmp_path / "log", MANIFESTS[name], FILES)
        found.append(start(tmp_path / "log"))
    assert found[1] == (None if name == "a number below zero" else found[0])
    assert found[0] is not None or name != "whole"


@pytest.mark.timeout(1800)
def test_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, long_form: bool) -> None:
    """A file of the log cut, with bytes changed, put in or taken out."""
    monkeypatch.chdir(tmp_path)
    redis = oracle("redis8")
    random = Random(3)
    refused = stricter = 0
    count = 500 if long_form else 30
    for number in range(count):
        files = dict(FILES)
        name = random.choice(list(files))
        data = bytearray(files[name])
        kind, at = random.randrange(4), random.randrange(len(data))
        if kind == 0:
            del data[at:]
        elif kind == 1:
            data[at] = random.choice([0, 10, 13, 36, 42, 45, 48, 57, 255, random.randrange(256)])
        elif kind == 2:
            data[at:at] = random.randbytes(random.randint(1, 3))
        else:
            del data[at : at + random.randint(1, 5)]
        files[name] = bytes(data)
        found = []
        for start in (lambda place: theirs(redis, place), ours):
            put(tmp_path / "log", LINES, files)
            found.append(start(tmp_path / "log"))
        assert found[1] in (found[0], None), f"{number}: {name} {bytes(data)!r}"
        refused += found[0] is None
        stricter += found[1] != found[0]
    assert 0 < refused < count
    assert stricter <= count / 4
