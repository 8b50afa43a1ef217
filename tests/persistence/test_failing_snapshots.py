"""Snapshots on a disk that fails: in which order it is asked, and what stays when it does not do as asked."""

from __future__ import annotations

import errno
from collections.abc import Callable
from pathlib import Path

import pytest

from respd.clock import ManualClock
from respd.commands import all_groups
from respd.config import Config
from respd.engine import Engine
from respd.log import Log
from respd.persistence.loading import LoadError, RdbLoader
from tests.persistence.faulty_disk import FaultyDisk

Begin = Callable[..., "Life"]
RETRY_MS = 6_000


class Life:
    """An engine in this process on a disk that can fail."""

    def __init__(self, save: bytes = b"") -> None:
        self.disk = FaultyDisk()
        self.clock = ManualClock()
        config = Config()
        config.load(b"save '" + save + b"'")
        self.engine = Engine(config, all_groups(), self.clock, Log("log", b"debug"), 1, self.disk)
        self.ctx = self.engine.connect()

    def run(self, line: str) -> bytes:
        """Run a command; return the bytes of its reply."""
        self.engine.execute(self.ctx, line.encode().split())
        reply = self.ctx.client.out.getvalue()
        self.ctx.client.out.truncate(0)
        return reply

    def log(self) -> str:
        """What was logged."""
        return Path("log").read_text()

    def keys(self) -> int:
        """How many keys a server finds that starts on what is on the disk now."""
        other = Life()
        loader = RdbLoader(other.engine, "dump.rdb")
        while not loader.step(1.0):
            pass
        return len(other.engine.databases[0].dense)


@pytest.fixture
def life(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Life:
    """With a good snapshot of one key."""
    monkeypatch.chdir(tmp_path)
    life = Life(b"3600 1")
    life.run("SET a 1")
    assert life.run("SAVE") == b"+OK\r\n"
    life.disk.done.clear()
    return life


def test_a_snapshot_is_whole_before_it_gets_its_name(life: Life) -> None:
    """Written, synced, renamed, and then the name is synced."""
    life.run("SAVE")
    steps = [name for name, _ in life.disk.done]
    assert steps == ["open_new", "write", "fsync", "rename", "fsync_directory"]
    assert life.disk.done[3] == ("rename", "dump.rdb")


def test_a_long_file_is_synced_as_it_grows(life: Life) -> None:
    """Every 4 MB, unless the configuration says otherwise."""
    life.engine.config.put(b"rdbcompression", False)
    life.run("SET big " + "x" * 9_000_000)
    life.run("SAVE")
    assert [name for name, _ in life.disk.done].count("fdatasync") >= 1
    life.disk.done.clear()
    life.engine.config.put(b"rdb-save-incremental-fsync", False)
    life.run("SAVE")
    assert [name for name, _ in life.disk.done].count("fdatasync") == 0


@pytest.mark.parametrize(
    "operation, line",
    [
        ("open_new", "Failed opening the temp RDB file temp-"),
        ("write", "Write error while saving DB to the disk(rdbSaveRio): Input/output error"),
        ("fsync", "Write error while saving DB to the disk(fsync): Input/output error"),
        ("rename", "Error moving temp DB file temp-"),
    ],
)
def test_a_snapshot_that_fails_leaves_the_old_one(life: Life, operation: str, line: str) -> None:
    """And nothing else."""
    life.run("SET b 1")
    life.disk.fail(operation)
    assert life.run("SAVE") == b"-ERR\r\n"
    assert line in life.log()
    assert sorted(path.name for path in Path().iterdir()) == ["dump.rdb", "log"]
    assert life.keys() == 1
    assert life.engine.shared.dirty == 1
    life.disk.heal()
    assert life.run("SAVE") == b"+OK\r\n"
    assert life.keys() == 2


def test_a_directory_that_cannot_be_synced_is_an_error(life: Life) -> None:
    """The new snapshot has its name, but may lose it."""
    life.disk.fail("fsync_directory")
    assert life.run("SAVE") == b"-ERR\r\n"
    assert "Failed to fsync directory while saving DB: Input/output error" in life.log()


def test_a_disk_that_takes_a_part(life: Life) -> None:
    """A short write is no success."""
    life.run("SET b " + "ab" * 1000)
    life.engine.config.put(b"rdbcompression", False)
    life.disk.room = 1500
    assert life.run("SAVE") == b"-ERR\r\n"
    assert "Write error while saving DB to the disk(rdbSaveRio): No space left on device" in life.log()
    assert life.keys() == 1


def test_a_child_that_fails_is_tried_again_after_five_seconds(life: Life) -> None:
    """Meanwhile writes are refused."""
    engine = life.engine
    life.disk.fail("fsync", errno.ENOSPC)
    assert life.run("BGSAVE") == b"+Background saving started\r\n"
    engine.children.wait()
    assert "Background saving error" in life.log()
    assert life.run("SET b 1").startswith(b"-MISCONF Redis is configured to save RDB snapshots")
    assert life.run("PING").startswith(b"-MISCONF")
    assert life.run("GET a") == b"$1\r\n1\r\n"
    life.disk.heal()
    engine.shared.dirty += 1
    engine.config.put(b"save", [(1, 1)])
    life.clock.advance(2000)
    engine.snapshots.check()
    assert not engine.snapshots.runs()
    life.clock.advance(RETRY_MS)
    engine.snapshots.check()
    assert "1 changes in 1 seconds. Saving..." in life.log()
    engine.children.wait()
    assert life.run("SET b 1") == b"+OK\r\n"


def test_a_scheduled_snapshot_waits_for_the_other_child(life: Life) -> None:
    """And for no longer."""
    engine = life.engine
    engine.children.start("AOF", lambda: 0, lambda status: None)
    assert life.run("BGSAVE").startswith(b"-ERR Another child process is active (AOF?): can't BGSAVE right now.")
    assert life.run("BGSAVE schedule") == b"+Background saving scheduled\r\n"
    engine.snapshots.check()
    assert (engine.snapshots.is_scheduled, engine.snapshots.runs()) == (True, False)
    engine.children.wait()
    engine.snapshots.check()
    assert (engine.snapshots.is_scheduled, engine.snapshots.runs()) == (False, True)
    engine.children.wait()
    assert life.log().count("Background saving terminated with success") == 1


def test_a_snapshot_in_a_transaction_is_taken_after_it(life: Life) -> None:
    """A fork in its middle would save half of it."""
    for line in ("MULTI", "SET b 1", "BGSAVE", "SET c 1"):
        life.run(line)
    assert b"+Background saving scheduled\r\n" in life.run("EXEC")
    life.engine.snapshots.check()
    life.engine.children.wait()
    assert life.keys() == 3


def test_reload_of_a_damaged_file_is_an_error(life: Life) -> None:
    """The server goes on without the data, which it has forgotten; Redis ends."""
    Path("dump.rdb").write_bytes(Path("dump.rdb").read_bytes()[:-9])
    life.engine.config.put(b"enable-debug-command", b"yes")
    reply = life.run("DEBUG RELOAD NOSAVE")
    assert reply == b"-ERR Error trying to load the RDB dump, check server logs.\r\n"
    assert not life.engine.shared.expire_off


def test_a_file_for_more_databases_is_refused(life: Life) -> None:
    """It says why."""
    life.run("SELECT 9")
    life.run("SET k v")
    life.run("SAVE")
    config = Config()
    config.put(b"databases", 4)
    engine = Engine(config, all_groups(), life.clock, Log("log", b"debug"), 1)
    with pytest.raises(LoadError):
        RdbLoader(engine, "dump.rdb").step(1.0)
    assert "configured to handle more than 4 databases. Exiting" in life.log()
