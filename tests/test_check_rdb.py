"""`respd check-rdb`: what it says of sound files and of others, and its exit status."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from respd.check_rdb import RdbCheck
from tests.persistence import rdb_files
from tests.persistence.rdb_files import aux, file, key, length, number, select, string
from tests.servers import respd_command, respd_environment, start_redis

SOUND = file(
    11,
    aux(b"redis-ver", b"7.2.0\xff"),
    select(3),
    key(b"a", 0, number(1), expire_ms=1),
    key(b"b", 0, string(b"v"), expire_ms=4_000_000_000_000),
    key(b"c", 23, string(rdb_files.listpack([b"f", b"v", b"4000000000000"]))),
    key(b"d", 2, b"\0"),
)


def check(data: bytes) -> tuple[int, list[str]]:
    """The exit status and the lines for a file with these bytes."""
    lines: list[str] = []
    parts = [data[at : at + 5] for at in range(0, len(data), 5)] + [b""]
    progress: list[int] = []
    status = RdbCheck(lines.append).run(lambda _size: parts.pop(0), progress.append)
    assert sum(progress) <= len(data)
    return status, lines


def test_a_sound_file() -> None:
    """What it holds is counted."""
    status, lines = check(SOUND)
    assert status == 0
    assert lines == [
        "[offset 27] AUX FIELD redis-ver = '7.2.0\\xff'",
        "[offset 29] Selecting DB ID 3",
        f"[offset {len(SOUND)}] Checksum OK",
        f"[offset {len(SOUND)}] \\o/ RDB looks OK! \\o/",
        "[info] 4 keys read",
        "[info] 2 expires",
        "[info] 1 already expired",
        "[info] 1 subexpires",
        "[info] 1 keys without members, which no server loads",
    ]


def test_a_file_without_a_checksum() -> None:
    """It is said that nothing was compared."""
    for data in (file(4), file(11, checksum=False)):
        status, lines = check(data)
        assert status == 0
        assert lines[0] == f"[offset {len(data)}] The file was saved without a checksum"


@pytest.mark.parametrize(
    "data, error",
    [
        (b"", "[offset 0] Unexpected EOF reading RDB file"),
        (b"REDISxxxx", "[offset 0] Can't handle RDB format version 0"),
        (b"not an rdb", "[offset 0] Wrong signature trying to load DB from file"),
        (SOUND[:-1], f"[offset {len(SOUND) - 1}] Unexpected EOF reading RDB file"),
        (SOUND[:-1] + b"x", f"[offset {len(SOUND)}] RDB CRC error"),
        (file(11, key(b"k", 2, length(2) + string(b"m") * 2)), "[offset 17] a set with the same member twice"),
    ],
)
def test_files_that_are_not_sound(data: bytes, error: str) -> None:
    """Where they go wrong, in which key, and what was read before."""
    status, lines = check(data)
    assert status == 1
    at = lines.index("--- RDB ERROR DETECTED ---")
    assert lines[at + 1].startswith(error)
    assert f"[info] {1 if data.startswith(SOUND[:-1]) else 0} subexpires" in lines


def test_the_key_at_fault_is_named() -> None:
    """And its type."""
    _status, lines = check(file(11, key(b"good", 0, string(b"v")), key(b"bad", 2, length(2) + string(b"m") * 2)))
    assert "[additional info] Reading key 'bad'" in lines
    assert "[additional info] Reading type 2 (set)" in lines


def test_streams_and_functions(oracle_program: str) -> None:
    """Streams with groups, as redis-server writes them, are read to the byte; libraries of functions are counted."""
    server = start_redis(oracle_program)
    try:
        with server.connect() as connection:
            for line in (
                "XADD s 1-1 a b",
                "XADD s 2-1 a b",
                "XGROUP CREATE s g 0 ENTRIESREAD 1",
                "XGROUP CREATE s h 0",
                "XREADGROUP GROUP g c COUNT 1 STREAMS s >",
                "XDEL s 1-1",
                "FUNCTION LOAD \"#!lua name=lib\\nredis.register_function('f', function() return 1 end)\"",
                "SET k v",
                "SAVE",
            ):
                assert connection.call(line).kind != "-", line
        status, lines = check(Path(server.directory, "dump.rdb").read_bytes())
    finally:
        server.stop()
    assert status == 0
    assert "[info] 2 keys read" in lines
    assert "[info] 1 libraries of functions" in lines


def _run(*words: str) -> tuple[int, str, str]:
    done = subprocess.run(
        [*respd_command(), *words], capture_output=True, text=True, env=respd_environment(), timeout=60
    )
    return done.returncode, done.stdout, done.stderr


def test_the_command(tmp_path: Path) -> None:
    """The lines go to standard output, and no bar of progress where nobody looks."""
    path = tmp_path / "dump.rdb"
    path.write_bytes(SOUND)
    status, out, err = _run("check-rdb", str(path))
    assert (status, err) == (0, "")
    assert out.startswith(f"[offset 0] Checking RDB file {path}\n[offset 27] AUX FIELD")
    path.write_bytes(SOUND[:-1])
    status, out, err = _run("check-rdb", str(path))
    assert (status, err) == (1, "")
    assert "--- RDB ERROR DETECTED ---" in out


def test_the_command_without_a_file(tmp_path: Path) -> None:
    """Usage, or why it cannot be opened."""
    status, _out, err = _run("check-rdb")
    assert status == 1 and "Usage: respd check-rdb" in err
    status, _out, err = _run("check-rdb", str(tmp_path / "nothing"))
    assert status == 1 and "No such file or directory" in err
