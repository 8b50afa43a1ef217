"""A disk that is full: a small tmpfs, which needs root. What was acknowledged stays; once there is room all goes on.

How each operation may fail is in test_append_log and test_snapshots, with a disk that fails when told to.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import hiredis
import pytest

from crashes.target import Target, ask
from tests.patience import until
from tests.persistence.stores import respd, rewrite, running, wait_for

SIZE = 2 << 20
VALUE = b"v" * 10_000


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Path]:
    """A directory whose `data` is a disk of 2 MB."""
    if not sys.platform.startswith("linux") or os.geteuid() != 0:
        pytest.skip("mounting a tmpfs needs root on Linux")
    data = tmp_path / "data"
    data.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "tmpfs", str(data)], capture_output=True)
    if mounted.returncode != 0:
        pytest.skip(f"no tmpfs here: {mounted.stderr.decode()}")
    yield tmp_path
    subprocess.run(["umount", "-l", str(data)], check=True)


def take_room(place: Path, leave: int) -> Path:
    """Fill the disk but for so many bytes; return the file that did."""
    disk = os.statvfs(place / "data")
    ballast = place / "data" / "ballast"
    ballast.write_bytes(bytes(max(0, disk.f_bavail * disk.f_bsize - leave)))
    return ballast


def write_until_refused(target: Target) -> tuple[int, object]:
    """SET key after key; return how many were acknowledged, and the error, or None when the server has gone."""
    for number in range(500):
        try:
            reply = ask(target.port, [[b"SET", b"key:%d" % number, b"%d:" % number + VALUE]])[0]
        except OSError:
            return number, None
        if reply != b"OK":
            return number, reply
    raise AssertionError("the disk is not full")


def expect(target: Target, count: int) -> None:
    """All that were acknowledged are there."""
    for number in range(count):
        assert ask(target.port, [[b"GET", b"key:%d" % number]]) == [b"%d:" % number + VALUE]


def refused(reply: object, text: str) -> bool:
    """Whether a reply is an error that begins so."""
    return isinstance(reply, hiredis.ReplyError) and str(reply).startswith(text)


def test_always(place: Path) -> None:
    """The server ends without acknowledging what it cannot write; it starts again, even while the disk is full."""
    options = ("--appendonly", "yes", "--appendfsync", "always")
    with running(respd(), place, *options) as target:
        ballast = take_room(place, 200_000)
        count, reply = write_until_refused(target)
        assert reply is None
        assert 10 < count < 30
        assert target.process.wait(10) == 1
        told = "Can't recover from AOF write error when the AOF fsync policy is 'always'. Exiting..."
        assert told in target.log_tail()
    with running(respd(), place, *options) as target:
        expect(target, count)
    ballast.unlink()
    with running(respd(), place, *options) as target:
        expect(target, count)
        assert ask(target.port, [[b"SET", b"key:0", b"0:" + VALUE]]) == [b"OK"]


def test_everysec(place: Path) -> None:
    """Writes are refused with MISCONF while the disk is full, reads are not; once there is room all goes on."""
    options = ("--appendonly", "yes", "--appendfsync", "everysec")
    with running(respd(), place, *options) as target:
        ballast = take_room(place, 200_000)
        count, reply = write_until_refused(target)
        assert refused(reply, "MISCONF Errors writing to the AOF file: No space left on device")
        expect(target, count)
        ballast.unlink()
        until(lambda: ask(target.port, [[b"SET", b"again", b"1"]]) == [b"OK"], "writing again")
        wait_for(target, b"aof_last_write_status:ok")
        ask(target.port, [[b"CONFIG", b"SET", b"appendfsync", b"always"], [b"SET", b"last", b"2"]])
    with running(respd(), place, *options) as target:
        expect(target, count)
        assert ask(target.port, [[b"MGET", b"again", b"last"]]) == [[b"1", b"2"]]


def test_a_rewrite_without_room(place: Path) -> None:
    """It fails, is told, and leaves nothing behind; the log goes on, and the next rewrite succeeds."""
    options = ("--appendonly", "yes", "--appendfsync", "always", "--rdbcompression", "no")
    with running(respd(), place, *options) as target:
        for number in range(50):
            ask(target.port, [[b"SET", b"key:%d" % number, b"%d:" % number + VALUE]])
        ballast = take_room(place, 300_000)
        ask(target.port, [[b"BGREWRITEAOF"]])
        wait_for(target, b"aof_rewrite_in_progress:0", b"aof_last_bgrewrite_status:err")
        assert list((place / "data").glob("temp-*")) == []
        assert ask(target.port, [[b"SET", b"key:50", b"50:" + VALUE]]) == [b"OK"]
        ballast.unlink()
        rewrite(target)
    with running(respd(), place, *options) as target:
        expect(target, 51)


def test_a_snapshot_without_room(place: Path) -> None:
    """It fails and the one before stays; with save points writes are refused until a snapshot succeeds."""
    options = ("--save", "3600 1000000", "--rdbcompression", "no")
    with running(respd(), place, *options) as target:
        ask(target.port, [[b"SET", b"key:0", b"0:" + VALUE]])
        assert ask(target.port, [[b"SAVE"]]) == [b"OK"]
        before = (place / "data" / "dump.rdb").read_bytes()
        for number in range(50):
            ask(target.port, [[b"SET", b"key:%d" % number, b"%d:" % number + VALUE]])
        ballast = take_room(place, 300_000)
        ask(target.port, [[b"BGSAVE"]])
        wait_for(target, b"rdb_bgsave_in_progress:0", b"rdb_last_bgsave_status:err")
        assert sorted(path.name for path in (place / "data").iterdir()) == ["ballast", "dump.rdb"]
        assert (place / "data" / "dump.rdb").read_bytes() == before
        assert refused(ask(target.port, [[b"SET", b"a", b"1"]])[0], "MISCONF Redis is configured to save RDB snapshots")
        assert refused(ask(target.port, [[b"SAVE"]])[0], "ERR")
        ballast.unlink()
        ask(target.port, [[b"BGSAVE"]])
        wait_for(target, b"rdb_bgsave_in_progress:0", b"rdb_last_bgsave_status:ok")
        assert ask(target.port, [[b"SET", b"a", b"1"]]) == [b"OK"]
    with running(respd(), place, *options) as target:
        expect(target, 50)
