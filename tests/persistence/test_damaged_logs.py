"""Logs with something unusual in them: whole servers start on those that redis-server starts on, with the same keys.

With --long all of them; else a few, for starting servers takes time. Random damage: `test_damage`.
"""

from __future__ import annotations

import subprocess
import time
from pathlib import Path

import pytest

from crashes.ports import free_port
from crashes.target import ask
from tests.patience import PATIENCE
from tests.persistence.stores import Kind, oracle, respd
from tests.wire import encode

FOLDER = "appendonlydir/"
BASE = "file appendonly.aof.1.base.aof seq 1 type b"
FIRST = "file appendonly.aof.1.incr.aof seq 1 type i"
SECOND = "file appendonly.aof.2.incr.aof seq 2 type i"

Files = dict[str, bytes]


def put(key: bytes) -> bytes:
    """The command that sets a key."""
    return encode([b"SET", key, b"1"])


def log(*lines: str, base: bytes | None = None, first: bytes | None = None, second: bytes | None = None) -> Files:
    """A manifest of these lines, and the files that it may name."""
    files = {FOLDER + "appendonly.aof.manifest": "".join(f"{line}\n" for line in lines).encode()}
    for name, data in (("1.base", base), ("1.incr", first), ("2.incr", second)):
        if data is not None:
            files[f"{FOLDER}appendonly.aof.{name}.aof"] = data
    return files


A, B, C = put(b"a"), put(b"b"), put(b"c")
ALWAYS: dict[str, Files] = {
    "whole": log(BASE, FIRST, SECOND, base=A, first=B, second=C),
    "a short end": log(BASE, FIRST, base=A, first=B + C[:-4]),
    "an old file": {"appendonly.aof": A},
    "an unknown command": log(BASE, FIRST, base=A, first=encode([b"NOSUCH", b"1"])),
}
FURTHER: dict[str, Files] = {
    "an empty increment": log(BASE, FIRST, base=A, first=b""),
    "nothing": log(BASE, FIRST, base=b"", first=b""),
    "history that is there": log(BASE, FIRST[:-1] + "h", SECOND, base=A, first=C, second=B),
    "a short file that is not the last": log(BASE, FIRST, SECOND, base=A, first=B[:-2], second=C),
    "a short base": log(BASE, FIRST, base=A + b"*3\r\n", first=B),
    "a transaction without end": log(BASE, FIRST, base=A, first=B + encode([b"MULTI"]) + C),
    "an unknown subcommand": log(BASE, FIRST, base=A, first=encode([b"CONFIG", b"NOSUCH"])),
    "no manifest": {FOLDER + "appendonly.aof.1.base.aof": A},
    "an old file and a log": {"appendonly.aof": A, **log(BASE, FIRST, base=B, first=C)},
    "an old file half taken over": {"appendonly.aof": A, **log("file appendonly.aof seq 1 type b")},
    "the wrong type": log(BASE, FIRST, base=A, first=encode([b"RPUSH", b"a", b"1"])),
    "EXEC alone": log(BASE, FIRST, base=A, first=encode([b"EXEC"]) + B),
    "timestamps": log(BASE, FIRST, base=b"#TS:1\r\n" + A, first=b"#TS:2\r\n" + B),
}


def keys_of(kind: Kind, place: Path, files: Files) -> list[bytes] | None:
    """The keys with which a server starts on these files, None when it does not start."""
    for name, data in files.items():
        path = place / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    port = free_port()
    words = [*kind.command, "--port", str(port), "--dir", str(place), "--save", "", "--appendonly", "yes"]
    with (place / "server.log").open("wb") as out:
        process = subprocess.Popen(words, stdout=out, stderr=out, env=kind.environment, cwd=place)
    until = time.monotonic() + PATIENCE
    try:
        while process.poll() is None:
            assert time.monotonic() < until
            try:
                found = ask(port, [[b"KEYS", b"*"]])[0]
            except OSError:
                found = None
            if isinstance(found, list):
                return sorted(key for key in found if isinstance(key, bytes))
            time.sleep(0.01)
        return None
    finally:
        process.kill()
        process.wait()


@pytest.mark.parametrize("name", [*ALWAYS, *FURTHER])
def test_started_or_refused_as_by_redis(tmp_path: Path, long_form: bool, name: str) -> None:
    if name in FURTHER and not long_form:
        pytest.skip("in the long form only")
    files = ALWAYS.get(name) or FURTHER[name]
    kinds = (oracle("redis8"), respd())
    places = [tmp_path / kind.name for kind in kinds]
    for place in places:
        place.mkdir()
    theirs, ours = (keys_of(kind, place, files) for kind, place in zip(kinds, places, strict=True))
    assert ours == theirs, (places[1] / "server.log").read_text()
