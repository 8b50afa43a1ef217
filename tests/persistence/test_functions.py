"""Libraries of functions in files: kept over restarts, and files whose libraries cannot be loaded."""

from __future__ import annotations

from pathlib import Path

import anycrc
import hiredis
import pytest

from crashes.ports import free_port
from crashes.target import Target, ask
from tests.patience import PATIENCE
from tests.persistence.dataset import fill, functions, libraries, library
from tests.persistence.stores import COMMON, Kind, oracle, respd, rewrite, running, stop, wait_for
from tests.wire import encode

_CRC = anycrc.Model("CRC64-REDIS")
GOOD = library("good", "good")
LOG = ("--appendonly", "yes", "--appendfsync", "no")
CODES = {
    "no metadata": b"return 1",
    "no Lua": b"#!lua name=bad\nfoo",
    "no functions": b"#!lua name=bad\n",
    "an error": b"#!lua name=bad\nfoo()",
    "an engine": b"#!python name=bad\n",
    "a name twice": GOOD,
    "a function twice": library("bad", "good"),
}


def snapshot(*codes: bytes, opcode: bytes = b"\xf5") -> bytes:
    """An RDB file with libraries."""
    records = b"".join(opcode + bytes([0x40 | len(code) >> 8, len(code) & 255]) + code for code in codes)
    content = b"REDIS0010" + records + b"\xff"
    return content + bytes(_CRC.calc(content).to_bytes(8, "little"))


def base(place: Path, data: bytes, increment: bytes = b"") -> None:
    """An append-only file with this base and increment."""
    folder = place / "data" / "appendonlydir"
    folder.mkdir(parents=True)
    name = "appendonly.aof.1.base." + ("rdb" if data.startswith(b"REDIS") else "aof")
    (folder / name).write_bytes(data)
    (folder / "appendonly.aof.1.incr.aof").write_bytes(increment)
    manifest = f"file {name} seq 1 type b\nfile appendonly.aof.1.incr.aof seq 1 type i\n"
    (folder / "appendonly.aof.manifest").write_text(manifest)


def refused(kind: Kind, place: Path, data: bytes, form: str) -> list[str]:
    """Start a server on this RDB file; return the warnings with which it ends, without place and time."""
    if form == "aof":
        base(place, data)
    else:
        (place / "data").mkdir(parents=True)
        (place / "data" / "dump.rdb").write_bytes(data)
    options = LOG if form == "aof" else ()
    target = Target(list(kind.command), place / "data", free_port(), [*COMMON, *options], kind.environment)
    target.start()
    try:
        status = target.process.wait(PATIENCE)
        assert status == 1 or kind.name != "respd"  # redis-server's is what its check of the file says
        lines = [line.partition(" # ")[2] for line in target.log_tail().splitlines() if ":M " in line and " # " in line]
    finally:
        target.kill()
        target.sweep()
    return [line.partition(" -> ")[2] or line for line in lines if "WARNING" not in line]


@pytest.mark.parametrize("options", [(), LOG, (*LOG, "--aof-use-rdb-preamble", "no")], ids=["rdb", "aof", "commands"])
def test_functions_outlive_the_server(options: tuple[str, ...], tmp_path: Path) -> None:
    """Loaded, replaced, deleted, restored and flushed; FLUSHALL and DEBUG RELOAD keep them, and so does a rewrite."""
    with running(respd(), tmp_path, *options) as target:
        fill(target.port, list(functions()))
        fill(target.port, [[b"FUNCTION", b"DELETE", b"one"], [b"SET", b"k", b"v"], [b"FLUSHALL"]])
        fill(target.port, [[b"FUNCTION", b"LOAD", b"REPLACE", library("many", "few", "return 2")]])
        expected = libraries(target.port)
        assert len(expected) == 4
        if options:
            rewrite(target)
            fill(target.port, [[b"DEBUG", b"LOADAOF"]])
        else:
            fill(target.port, [[b"DEBUG", b"RELOAD"]])
        assert libraries(target.port) == expected
        fill(target.port, [[b"FUNCTION", b"LOAD", library("late", "late", "return 3")]])
        expected = libraries(target.port)
        if not options:
            fill(target.port, [[b"BGSAVE"]])
            wait_for(target, b"rdb_bgsave_in_progress:0", b"rdb_last_bgsave_status:ok")
        stop(target)
    with running(respd(), tmp_path, *options) as target:
        assert libraries(target.port) == expected
        assert ask(target.port, [[b"FCALL", b"few", b"0"], [b"FCALL", b"late", b"0"]]) == [2, 3]
        payload = ask(target.port, [[b"FUNCTION", b"DUMP"]])[0]
        assert isinstance(payload, bytes)
        fill(target.port, [[b"FUNCTION", b"FLUSH"], [b"FUNCTION", b"RESTORE", payload]])
        fill(target.port, [[b"FUNCTION", b"DELETE", b"late"]] + [[b"SAVE"]] * (not options))
        del expected[b"late"]
        stop(target)
    with running(respd(), tmp_path, *options) as target:
        assert libraries(target.port) == expected
        fill(target.port, [[b"FUNCTION", b"FLUSH", b"ASYNC"]] + [[b"SAVE"]] * (not options))
        stop(target)
    with running(respd(), tmp_path, *options) as target:
        assert libraries(target.port) == {}


@pytest.mark.parametrize("form", ["rdb", "aof"])
@pytest.mark.parametrize("fault", [*CODES, "an old form"])
def test_a_file_with_a_bad_library_ends_the_start(fault: str, form: str, tmp_path: Path) -> None:
    """With the lines of redis-server about it."""
    said = []
    for kind in (respd(), oracle("redis8")):
        data = snapshot(GOOD, opcode=b"\xf6") if fault == "an old form" else snapshot(GOOD, CODES[fault])
        said.append(refused(kind, tmp_path / kind.name, data, form))
    ours, theirs = said
    if form == "rdb":
        assert ours[: len(theirs)] == theirs
    else:
        assert ours[0].startswith(theirs[0])


@pytest.mark.parametrize("form", ["rdb", "aof"])
def test_a_file_that_ends_within_a_library(form: str, tmp_path: Path) -> None:
    """It is refused for that."""
    lines = refused(respd(), tmp_path, snapshot(GOOD)[:40], form)
    assert any("Unexpected EOF reading RDB file" in line for line in lines)


def test_a_library_may_take_its_time_in_a_file(tmp_path: Path) -> None:
    """The half second of FUNCTION LOAD is for clients."""
    slow = b"#!lua name=slow\nlocal n = 0 while n < 3e7 do n = n + 1 end " + library("x", "slow").partition(b"\n")[2]
    base(tmp_path, encode([b"FUNCTION", b"LOAD", slow]))
    with running(respd(), tmp_path, *LOG) as target:
        assert ask(target.port, [[b"FCALL", b"slow", b"0"]]) == [1]
        replies = ask(target.port, [[b"FUNCTION", b"LOAD", b"REPLACE", slow.replace(b"3e7", b"3e9")]])
        assert isinstance(replies[0], hiredis.ReplyError) and "timeout" in str(replies[0])


def test_a_bad_library_among_the_commands_of_a_log(tmp_path: Path) -> None:
    """It is told, and what follows is loaded, as redis-server does it."""
    data = encode([b"FUNCTION", b"LOAD", CODES["no Lua"]]) + encode([b"FUNCTION", b"LOAD", GOOD])
    for kind in (respd(), oracle("redis8")):
        base(tmp_path / kind.name, data)
        with running(kind, tmp_path / kind.name, *LOG) as target:
            assert list(libraries(target.port)) == [b"good"]
            assert "== CRITICAL ==" in target.log_tail() and "Error compiling function" in target.log_tail()


def test_libraries_stay_when_a_reload_fails(tmp_path: Path) -> None:
    """DEBUG RELOAD with NOFLUSH finds them there; MERGE replaces them."""
    with running(respd(), tmp_path) as target:
        fill(target.port, [[b"FUNCTION", b"LOAD", GOOD], [b"SAVE"]])
        replies = ask(target.port, [[b"DEBUG", b"RELOAD", b"NOSAVE", b"NOFLUSH"]])
        assert isinstance(replies[0], hiredis.ReplyError)
        assert "Failed loading library, Library 'good' already exists" in target.log_tail()
        fill(target.port, [[b"DEBUG", b"RELOAD", b"NOSAVE", b"NOFLUSH", b"MERGE"]])
        assert ask(target.port, [[b"FCALL", b"good", b"0"]]) == [1]
