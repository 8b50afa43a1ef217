"""The append-only file in this process: when it is written and synced, and what happens on a disk that fails."""

from __future__ import annotations

import errno
import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from respd.clock import ManualClock
from respd.commands import all_groups
from respd.config import Config
from respd.engine import Engine
from respd.log import Log
from respd.persistence.aof_reader import AofReader
from respd.persistence.append_log import ON, FatalDiskError
from respd.persistence.log_directory import LogFileError
from respd.persistence.log_loader import prepare_log
from tests.persistence.faulty_disk import FaultyDisk
from tests.wire import encode, split

FOLDER = "appendonlydir"
MANIFEST = "appendonly.aof.manifest"


class Life:
    """One life of a server without sockets: `turn` does what the loop does before it sends replies."""

    def __init__(self, folder: Path, options: str = "") -> None:
        config = Config()
        config.load(f"appendonly yes\n{options}".encode())
        self.disk = FaultyDisk()
        self.clock = ManualClock()
        self.log_path = folder / "log"
        self.engine = Engine(config, all_groups(), self.clock, Log(str(self.log_path), b"debug"), 1, self.disk)
        self.ctx = self.engine.connect()
        loader = prepare_log(self.engine)
        while loader is not None and not loader.step(1.0):
            pass
        if config.appendonly:
            self.engine.append_log.open_at_start()

    def run(self, *lines: str) -> bytes:
        for line in lines:
            self.engine.execute(self.ctx, split(line))
        out = self.ctx.client.out
        reply = out.getvalue()
        out.truncate(0)
        return reply

    def turn(self, *lines: str) -> bytes:
        """Run commands and end the turn; return the replies."""
        replies = self.run(*lines)
        self.engine.before_sleep()
        self.engine.append_log.flush()
        self.engine.blocked.serve_synced()
        return replies + self.run()

    def logged(self) -> list[list[bytes]]:
        """What the increment holds."""
        return commands(Path(FOLDER, self.engine.append_log.name).read_bytes())

    def log(self) -> str:
        return self.log_path.read_text() if self.log_path.exists() else ""

    def finish_rewrite(self) -> None:
        """Wait for the child, and let the server see that it has ended."""
        rewriter = self.engine.rewriter
        while rewriter.runs():
            self.engine.children.wait()

    def end(self) -> None:
        self.engine.append_log.background.drain()
        if self.engine.append_log.fd >= 0:
            os.close(self.engine.append_log.fd)
            self.engine.append_log.fd = -1


def commands(data: bytes) -> list[list[bytes]]:
    reader = AofReader()
    reader.feed(data)
    found = []
    while (words := reader.next()) is not None:
        found.append(words)
    assert reader.unread() == 0
    return found


Begin = Callable[..., Life]


@pytest.fixture
def begin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Begin]:
    """Begin a life in an empty directory, or on what the one before has left."""
    monkeypatch.chdir(tmp_path)
    lives: list[Life] = []

    def start(options: str = "") -> Life:
        for life in lives:
            life.end()
        lives.append(Life(tmp_path, options))
        return lives[-1]

    yield start
    for life in lives:
        life.end()


def put_log(base: bytes, increments: list[bytes]) -> None:
    """Write a log by hand."""
    os.makedirs(FOLDER)
    lines = ["file a.1.base.aof seq 1 type b\n"]
    Path(FOLDER, "a.1.base.aof").write_bytes(base)
    for at, data in enumerate(increments):
        lines.append(f"file a.{at + 1}.incr.aof seq {at + 1} type i\n")
        Path(FOLDER, f"a.{at + 1}.incr.aof").write_bytes(data)
    Path(FOLDER, MANIFEST).write_text("".join(lines))


SET = encode([b"SET", b"k", b"v"])

# -- writing


def test_a_turn_is_one_write_and_under_always_one_sync(begin: Begin) -> None:
    life = begin("appendfsync always")
    life.disk.done = []
    life.turn("SET a 1", "SET b 2", "GET a", "RPUSH l x")
    assert [name for name, _ in life.disk.done] == ["write", "fdatasync"]
    assert life.logged() == [
        [b"SELECT", b"0"], [b"SET", b"a", b"1"], [b"SET", b"b", b"2"], [b"RPUSH", b"l", b"x"],
    ]  # fmt: skip
    life.disk.done = []
    life.turn("GET a")
    assert life.disk.done == []


def test_everysec_syncs_once_a_second(begin: Begin) -> None:
    life = begin()
    life.disk.done = []
    life.turn("SET a 1")
    life.turn("SET b 1")
    assert [name for name, _ in life.disk.done] == ["write", "write"]
    life.clock.advance(1000)
    life.turn()
    life.engine.append_log.background.drain()
    assert [name for name, _ in life.disk.done] == ["write", "write", "fdatasync"]
    life.clock.advance(1000)
    life.turn()
    assert len(life.disk.done) == 3


def test_no_never_syncs(begin: Begin) -> None:
    life = begin("appendfsync no")
    life.disk.done = []
    life.turn("SET a 1")
    life.clock.advance(5000)
    life.turn("SET a 1")
    assert [name for name, _ in life.disk.done] == ["write", "write"]


def test_a_client_waits_until_what_it_wrote_is_synced(begin: Begin) -> None:
    """WAITAOF: until the second's sync has been made."""
    life = begin()
    synced = b"*2\r\n:1\r\n:0\r\n"
    assert life.turn("WAITAOF 1 0 0") == synced
    assert life.turn("SET k v", "WAITAOF 1 0 0") == b"+OK\r\n"
    assert life.turn() == b""
    life.clock.advance(1000)
    asked = life.turn()  # the thread may have been quick
    life.engine.append_log.background.drain()
    assert asked + life.turn() == synced
    assert life.turn("WAITAOF 0 0 0") == synced


def test_a_client_waits_no_longer_when_a_rewrite_has_synced_what_it_wrote(begin: Begin) -> None:
    """The increment that a rewrite ends is synced as it is closed."""
    life = begin("appendfsync no")
    life.turn("SET k v")
    assert life.turn("WAITAOF 1 0 0") == b""
    assert life.engine.rewriter.start()
    asked = life.turn()
    life.engine.append_log.background.drain()
    assert asked + life.turn() == b"*2\r\n:1\r\n:0\r\n"
    life.finish_rewrite()


def test_writing_waits_for_a_slow_sync_two_seconds_at_most(begin: Begin) -> None:
    life = begin()
    append_log = life.engine.append_log
    life.turn("SET a 1")
    append_log.background._asked += 1  # a sync that takes its time
    life.turn("SET b 1")
    assert append_log.buffered() > 0 and len(life.logged()) == 2
    life.clock.advance(1999)
    life.turn("SET c 1")
    assert len(life.logged()) == 2
    life.clock.advance(1)
    life.turn()
    assert (append_log.buffered(), len(life.logged()), append_log.delayed_fsyncs) == (0, 4, 1)
    assert "Asynchronous AOF fsync is taking too long" in life.log()


def test_timestamps_are_written_once_a_second(begin: Begin) -> None:
    life = begin("aof-timestamp-enabled yes")
    life.turn("SET a 1")
    life.turn("SET a 2")
    life.clock.advance(1000)
    life.turn("SET a 3")
    data = Path(FOLDER, life.engine.append_log.name).read_bytes()
    assert data.startswith(b"#TS:1700000000\r\n*2")
    assert data.count(b"#TS:") == 2 and b"#TS:1700000001\r\n" in data


def test_restart(begin: Begin) -> None:
    life = begin()
    life.turn("SET a 1", "SELECT 3", "HSET h f v", "PEXPIRE h 5000")
    again = begin()
    assert again.run("GET a") == b"$1\r\n1\r\n"
    assert again.run("SELECT 3", "PTTL h") == b"+OK\r\n:5000\r\n"
    assert f"Opening AOF incr file {life.engine.append_log.name} on server start" in again.log()


def test_nothing_expires_while_a_log_is_loaded(begin: Begin) -> None:
    past = encode([b"SET", b"k", b"1", b"PXAT", b"1000"]) + encode([b"INCR", b"k"]) + encode([b"PERSIST", b"k"])
    fields = encode([b"HSET", b"h", b"f", b"1"]) + encode([b"HPEXPIREAT", b"h", b"1000", b"FIELDS", b"1", b"f"])
    put_log(past, [fields + encode([b"HPERSIST", b"h", b"FIELDS", b"1", b"f"])])
    life = begin("appendfilename appendonly.aof")
    assert life.run("GET k", "HGET h f") == b"$1\r\n2\r\n$1\r\n1\r\n"


# -- a disk that fails


def test_always_ends_the_server_when_writing_fails(begin: Begin) -> None:
    life = begin("appendfsync always")
    life.disk.fail("write", errno.ENOSPC)
    with pytest.raises(FatalDiskError):
        life.turn("SET a 1")
    assert "Can't recover from AOF write error when the AOF fsync policy is 'always'. Exiting..." in life.log()


def test_always_ends_the_server_when_a_sync_fails(begin: Begin) -> None:
    life = begin("appendfsync always")
    life.disk.fail("fdatasync")
    with pytest.raises(FatalDiskError):
        life.turn("SET a 1")
    assert "Can't persist AOF for fsync error when the AOF fsync policy is 'always': Input/output error" in life.log()


def test_everysec_refuses_writes_until_writing_works_again(begin: Begin) -> None:
    life = begin()
    life.turn("SET a 1")
    life.disk.fail("write", errno.ENOSPC)
    assert life.turn("SET a 2") == b"+OK\r\n"
    misconf = b"-MISCONF Errors writing to the AOF file: No space left on device\r\n"
    assert life.turn("SET a 3") == misconf
    assert life.turn("PING") == misconf
    assert life.turn("GET a") == b"$1\r\n2\r\n"
    assert life.turn("EVAL \"return redis.call('GET','a')\" 0") == b"$1\r\n2\r\n"
    assert b"MISCONF" in life.turn("EVAL \"return redis.call('SET','a',4)\" 0")
    assert life.turn("MULTI", "SET a 5").endswith(misconf)
    life.run("DISCARD")
    life.disk.heal()
    life.turn()
    assert "AOF write error looks solved, Redis can write again." in life.log()
    assert life.turn("SET a 6") == b"+OK\r\n"
    assert life.logged()[1:] == [[b"SET", b"a", number] for number in (b"1", b"2", b"6")]


def test_a_short_write_is_taken_back(begin: Begin) -> None:
    life = begin()
    life.turn("SET a 1")
    life.disk.room = 5
    life.turn("SET a 2")
    assert "Short write while writing to the AOF file: (nwritten=5, expected=27)" in life.log()
    assert life.logged()[-1] == [b"SET", b"a", b"1"]
    life.disk.heal()
    life.turn()
    assert life.logged()[-2:] == [[b"SET", b"a", b"1"], [b"SET", b"a", b"2"]]


def test_a_short_write_that_cannot_be_taken_back_is_gone_on_with(begin: Begin) -> None:
    life = begin()
    life.turn("SET a 1")
    life.disk.room = 5
    life.disk.fail("truncate")
    life.turn("SET a 2")
    life.disk.heal()
    life.turn()
    assert life.logged()[-2:] == [[b"SET", b"a", b"1"], [b"SET", b"a", b"2"]]


def test_a_sync_in_the_background_that_fails_has_writes_refused(begin: Begin) -> None:
    life = begin()
    life.disk.fail("fdatasync")
    life.turn("SET a 1")
    life.clock.advance(1000)
    life.turn()
    life.engine.append_log.background.drain()
    life.turn()
    assert life.turn("SET a 2") == b"-MISCONF Errors writing to the AOF file: Input/output error\r\n"
    life.disk.heal()
    life.clock.advance(1000)
    life.turn()
    life.engine.append_log.background.drain()
    life.turn()
    assert life.turn("SET a 3") == b"+OK\r\n"


@pytest.mark.parametrize(
    "operation", ["mkdir", "open_new", "open_append", "write", "fsync", "rename", "fsync_directory"]
)
def test_a_log_that_cannot_be_begun_stops_the_start(begin: Begin, operation: str, tmp_path: Path) -> None:
    life = begin("appendonly no")
    life.disk.fail(operation, errno.ENOSPC)
    with pytest.raises(LogFileError):
        life.engine.append_log.open_at_start()
    begin()  # once the disk is well


# -- loading


def test_a_file_cut_at_every_byte_loads_whole_commands_only(begin: Begin) -> None:
    parts = [
        [b"SET", b"a", b"1"],
        [b"MULTI"],
        [b"SET", b"a", b"2"],
        [b"SET", b"b", b"2"],
        [b"EXEC"],
        [b"APPEND", b"b", b"x"],
    ]
    data = b"".join(map(encode, parts))
    put_log(b"", [data])
    path = Path(FOLDER, "a.1.incr.aof")
    after_exec = len(b"".join(map(encode, parts[:5])))
    for cut in range(len(data) + 1):
        path.write_bytes(data[:cut])
        life = begin()
        a, b = life.run("GET a"), life.run("GET b")
        if cut < len(encode(parts[0])):
            assert (a, b) == (b"$-1\r\n", b"$-1\r\n")
        elif cut < after_exec:
            assert (a, b) == (b"$1\r\n1\r\n", b"$-1\r\n")
        else:
            assert a == b"$1\r\n2\r\n" and b == (b"$2\r\n2x\r\n" if cut == len(data) else b"$1\r\n2\r\n")
        commands(path.read_bytes())


def test_a_short_tail_is_told(begin: Begin) -> None:
    put_log(b"", [SET + encode([b"MULTI"]) + SET])
    lines = begin().log()
    for line in (
        "Revert incomplete MULTI/EXEC transaction in AOF file a.1.incr.aof",
        "!!! Warning: short read while loading the AOF file a.1.incr.aof!!!",
        f"!!! Truncating the AOF a.1.incr.aof at offset {len(SET)} !!!",
        "AOF a.1.incr.aof loaded anyway because aof-load-truncated is enabled",
    ):
        assert line in lines


@pytest.mark.parametrize(
    "increments, options, line",
    [
        ([SET[:-1]], "aof-load-truncated no", "Unexpected end of file reading the append only file a.1.incr.aof"),
        ([SET[:-1], SET], "", "the truncated file is not the last file"),
        ([SET + b"x" + SET], "", f"at offset {len(SET)}"),
        ([SET + b"x" + SET], "", "Bad file format reading the append only file a.1.incr.aof"),
        ([SET + encode([b"NOSUCH", b"x"])], "", "Unknown command 'NOSUCH' reading the append only file a.1.incr.aof"),
        ([SET + encode([b"SET", b"x"])], "", "Bad file format"),
    ],
)
def test_a_damaged_log_is_refused(
    begin: Begin, tmp_path: Path, increments: list[bytes], options: str, line: str
) -> None:
    put_log(b"", increments)
    before = [path.read_bytes() for path in sorted(Path(FOLDER).iterdir())]
    with pytest.raises(LogFileError):
        begin(options)
    assert line in (tmp_path / "log").read_text()
    assert [path.read_bytes() for path in sorted(Path(FOLDER).iterdir())] == before


def test_an_increment_begun_in_vain_may_follow_a_short_one(begin: Begin) -> None:
    put_log(b"", [SET + SET[:-1], b""])
    assert begin().run("GET k") == b"$1\r\nv\r\n"


def test_a_missing_file_is_refused(begin: Begin, tmp_path: Path) -> None:
    put_log(SET, [SET])
    os.unlink(Path(FOLDER, "a.1.base.aof"))
    with pytest.raises(LogFileError):
        begin()
    assert (
        "Unable to obtain the AOF file a.1.base.aof length. stat: No such file or directory"
        in (tmp_path / "log").read_text()
    )


def test_the_single_file_of_an_older_redis_is_taken_over(begin: Begin) -> None:
    Path("appendonly.aof").write_bytes(SET)
    life = begin()
    assert life.run("GET k") == b"$1\r\nv\r\n"
    assert not os.path.exists("appendonly.aof")
    life.turn("SET k w")
    assert begin().run("GET k") == b"$1\r\nw\r\n"


def test_taking_over_goes_on_where_it_was_cut_off(begin: Begin) -> None:
    Path("appendonly.aof").write_bytes(SET)
    os.makedirs(FOLDER)
    Path(FOLDER, MANIFEST).write_text("file appendonly.aof seq 1 type b\n")
    assert begin().run("GET k") == b"$1\r\nv\r\n"


def test_a_base_is_loaded_in_slices_of_any_length(begin: Begin) -> None:
    """Also where a slice ends within a database that is not the first."""
    life = begin()
    for database in (3, 5):
        life.turn(f"SELECT {database}", *(f"SET key:{number} {database}" for number in range(200)))
    assert life.run("BGREWRITEAOF").startswith(b"+Background")
    life.finish_rewrite()
    again = begin()
    again.run("FLUSHALL")
    loader = prepare_log(again.engine)
    assert loader is not None
    slices = 1
    while not loader.step(1e-5):
        slices += 1
    assert slices > 1
    assert again.run("DBSIZE", "SELECT 3", "DBSIZE", "SELECT 5", "DBSIZE") == b":0\r\n+OK\r\n:200\r\n+OK\r\n:200\r\n"


# -- rewriting


def test_a_rewrite_replaces_what_was_there(begin: Begin) -> None:
    life = begin()
    life.turn("SET a 1", "SET a 2")
    assert life.run("BGREWRITEAOF").startswith(b"+Background append only file rewriting started")
    life.engine.append_log.background.drain()
    life.turn("SET b 3")
    life.finish_rewrite()
    assert "Fork CoW for AOF rewrite: current " in life.log()
    life.end()
    assert sorted(os.listdir(FOLDER))[1:] == ["appendonly.aof.2.incr.aof", MANIFEST]
    again = begin()
    assert again.run("GET a", "GET b") == b"$1\r\n2\r\n$1\r\n3\r\n"


def test_a_new_increment_is_not_written_before_the_last_one_is_synced(begin: Begin) -> None:
    """Else a loss of power could leave what is new and tear what is old: such a log is refused."""
    life = begin("appendfsync everysec")
    life.turn("SET a 1")
    begun, may_end = threading.Event(), threading.Event()

    def wait_in_sync(name: str) -> None:
        if name == "fdatasync":
            begun.set()
            assert may_end.wait(10)

    life.disk.before = wait_in_sync
    assert life.run("BGREWRITEAOF").startswith(b"+Background append only file rewriting started")
    assert begun.wait(10)
    life.turn("SET b 2")
    assert life.logged() == []
    may_end.set()
    life.engine.append_log.background.drain()
    life.turn()
    assert life.logged() == [[b"SELECT", b"0"], [b"SET", b"b", b"2"]]
    life.finish_rewrite()


@pytest.mark.parametrize("preamble", ["yes", "no"])
def test_a_base_holds_every_type(begin: Begin, preamble: str) -> None:
    life = begin(f"aof-use-rdb-preamble {preamble}")
    life.turn("SET s 1", "RPUSH l a b", "SADD t x y", "SADD i 1 2", "ZADD z 1.5 a inf b", "HSET h f v g w")
    life.turn("HPEXPIRE h 5000 FIELDS 1 g", "PEXPIRE l 7000", "SELECT 5", "SET five 5", "SELECT 0")
    life.turn(*[f"RPUSH long {number}" for number in range(200)])
    digest = life.run("DEBUG DIGEST")
    life.run("BGREWRITEAOF")
    life.finish_rewrite()
    again = begin()
    assert again.run("DEBUG DIGEST") == digest
    assert again.run("PTTL l") == b":7000\r\n"


@pytest.mark.parametrize("operation", ["rename", "fsync_directory", "open_new"])
def test_a_rewrite_that_fails_leaves_the_log_as_it_was(begin: Begin, operation: str) -> None:
    life = begin()
    life.turn("SET a 1")
    life.run("BGREWRITEAOF")
    life.turn("SET a 2")
    life.disk.fail(operation, errno.ENOSPC)
    life.finish_rewrite()
    life.turn("SET a 3")
    life.disk.heal()
    life.turn("SET a 4")
    assert begin().run("GET a") == b"$1\r\n4\r\n"


@pytest.mark.parametrize(
    "operation", ["mkdir", "open_new", "open_append", "rename", "fsync_directory", "fsync", "write"]
)
def test_a_rewrite_that_cannot_begin_is_an_error(begin: Begin, operation: str) -> None:
    life = begin()
    life.turn("SET a 1")
    life.disk.fail(operation, errno.ENOSPC)
    reply = life.run("BGREWRITEAOF")
    life.disk.heal()
    if operation in ("mkdir", "open_new", "open_append", "rename"):
        assert reply.startswith(b"-ERR Can't execute an AOF background rewriting. Please check the server logs")
    life.finish_rewrite()
    life.turn("SET a 2")
    assert begin().run("GET a") == b"$1\r\n2\r\n"


def test_automatic_rewriting(begin: Begin) -> None:
    life = begin("auto-aof-rewrite-min-size 1000\nauto-aof-rewrite-percentage 100")
    life.turn("SET a " + "x" * 800)
    life.engine.rewriter.check()
    assert not life.engine.rewriter.runs()
    life.turn("SET a " + "x" * 800)
    life.engine.rewriter.check()
    life.finish_rewrite()
    assert "Starting automatic rewriting of AOF on" in life.log()
    assert life.engine.append_log.base_size == life.engine.append_log.current_size < 1200


def test_repeated_failures_are_spaced_out(begin: Begin) -> None:
    life = begin()
    rewriter = life.engine.rewriter
    rewriter.failures = 3
    rewriter.is_scheduled = True
    for minutes in (1, 2, 4):
        rewriter.check()
        assert f"will retry in {minutes} minutes" in life.log()
        life.clock.advance(minutes * 60_000 - 1)
        rewriter.check()
        assert rewriter.is_scheduled
        life.clock.advance(1)
        rewriter.check()
        assert rewriter.runs()
        life.engine.children.kill()
        rewriter.failures += 1
        rewriter.is_scheduled = True


# -- on and off


def test_switched_on_at_run_time(begin: Begin) -> None:
    life = begin("appendonly no")
    life.engine.config.on_change(["appendonly"], life.engine.append_log.follow_switch)
    life.turn("SET a 1")
    assert life.turn("CONFIG SET appendonly yes") == b"+OK\r\n"
    life.turn("SET b 2")
    life.finish_rewrite()
    assert life.engine.append_log.state == ON
    life.turn("SET c 3")
    again = begin()
    assert again.run("MGET a b c") == b"*3\r\n$1\r\n1\r\n$1\r\n2\r\n$1\r\n3\r\n"


def test_switched_off_and_on_again(begin: Begin) -> None:
    life = begin()
    life.engine.config.on_change(["appendonly"], life.engine.append_log.follow_switch)
    life.turn("SET a 1", "CONFIG SET appendonly no", "SET a 2", "CONFIG SET appendonly yes", "SET b 1")
    life.finish_rewrite()
    life.turn("SET c 1")
    assert begin().run("MGET a b c") == b"*3\r\n$1\r\n2\r\n$1\r\n1\r\n$1\r\n1\r\n"


def test_the_first_base_is_tried_again(begin: Begin) -> None:
    life = begin("appendonly no")
    life.engine.config.on_change(["appendonly"], life.engine.append_log.follow_switch)
    life.turn("SET a 1", "CONFIG SET appendonly yes", "SET a 2")
    life.disk.fail("rename")
    life.finish_rewrite()
    life.turn("SET a 3")
    life.disk.heal()
    life.engine.rewriter.check()
    life.finish_rewrite()
    assert begin().run("GET a") == b"$1\r\n3\r\n"


def test_switching_on_fails_where_no_file_can_be_made(begin: Begin) -> None:
    life = begin("appendonly no")
    life.engine.config.on_change(["appendonly"], life.engine.append_log.follow_switch)
    life.disk.fail("open_new", errno.ENOSPC)
    assert life.turn("CONFIG SET appendonly yes") == (
        b"-ERR CONFIG SET failed (possibly related to argument 'appendonly') - "
        b"Unable to turn on AOF. Check server logs.\r\n"
    )
    assert life.run("CONFIG GET appendonly").endswith(b"no\r\n")
