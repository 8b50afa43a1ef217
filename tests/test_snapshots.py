"""Snapshots of respd as a process: what is on the disk, what the log says, and how the process ends."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from crashes.ports import free_port
from tests.patience import PATIENCE, until
from tests.persistence import rdb_files
from tests.servers import respd_command, respd_environment
from tests.wire import CLOSED, Connection, Error


class Process:
    """respd in a directory that outlives it."""

    def __init__(self, folder: Path, *words: str) -> None:
        self.folder = folder
        self.port = free_port()
        self.log_path = folder / "log"
        self.log_path.write_bytes(b"")
        with self.log_path.open("ab") as log:
            self.process = subprocess.Popen(
                [*respd_command(), "--port", str(self.port), "--enable-debug-command", "yes", *words],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=folder,
                env=respd_environment(),
            )

    @property
    def log(self) -> str:
        """What it has printed."""
        return self.log_path.read_text()

    def messages(self) -> list[str]:
        """The lines of the log without process ids and times."""
        return [re.sub(r"^\d+:(.) .{24} ", r"\1 ", line) for line in self.log.splitlines()]

    def await_line(self, text: str) -> None:
        """Wait until the log says it."""
        until(lambda: text in self.log, f"{text!r} in the log")

    def ready(self) -> Process:
        """Wait until it serves."""
        self.await_line("Ready to accept connections")
        return self

    def connect(self) -> Connection:
        """A new connection."""
        return Connection(self.port)

    def ask(self, *words: str | bytes) -> object:
        """Send one command on a connection of its own."""
        with self.connect() as connection:
            return connection.ask(*words)

    def info(self, name: str) -> str:
        """A line of INFO."""
        text = self.ask("INFO everything")
        assert isinstance(text, bytes)
        found = re.search(rf"(?m)^{name}:(.*)\r$", text.decode())
        assert found, name
        return found[1]

    def await_info(self, name: str, value: str) -> None:
        """Wait until INFO says so."""
        until(lambda: self.info(name) == value, f"{name}:{value}")

    def signal(self, number: int) -> int:
        """Send a signal; return the exit status."""
        self.process.send_signal(number)
        return self.end()

    def end(self) -> int:
        """Wait for the end; return the exit status."""
        return self.process.wait(PATIENCE)


Start = Callable[..., Process]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts respd in the test's directory, as often as it likes."""
    started: list[Process] = []

    def begin(*words: str) -> Process:
        process = Process(tmp_path, *words)
        started.append(process)
        return process

    yield begin
    for each in started:
        each.process.kill()
        each.process.wait()


NOT_SAVING = ("--save", "")


def files(folder: Path) -> list[str]:
    """The names in a directory, but for the log."""
    return sorted(name for name in os.listdir(folder) if name != "log")


def test_the_default_is_redis_own(start: Start, tmp_path: Path) -> None:
    """Without any option the data is saved at the end, and there again."""
    respd = start().ready()
    respd.ask("SET k v")
    assert respd.signal(signal.SIGTERM) == 0
    assert files(tmp_path) == ["dump.rdb"]
    respd = start().ready()
    assert respd.ask("GET k") == b"v"
    assert any(re.fullmatch(r"M \* DB loaded from disk: \d+\.\d{3} seconds", line) for line in respd.messages())
    assert "M * Done loading RDB, keys loaded: 1, keys expired: 0." in respd.messages()
    assert respd.info("rdb_last_load_keys_loaded") == "1"


def test_what_has_expired_is_not_loaded(start: Start, tmp_path: Path) -> None:
    """It is counted."""
    respd = start(*NOT_SAVING).ready()
    with respd.connect() as client:
        client.ask("DEBUG SET-ACTIVE-EXPIRE 0")
        client.ask("SET a 1 PX 50")
        client.ask("SET b 1")
        client.ask("SAVE")
    respd.signal(signal.SIGKILL)
    time.sleep(0.06)
    respd = start(*NOT_SAVING).ready()
    assert respd.ask("KEYS *") == [b"b"]
    assert respd.info("rdb_last_load_keys_expired") == "1"
    assert "M * Done loading RDB, keys loaded: 1, keys expired: 1." in respd.messages()


def test_save_says_what_redis_says(start: Start) -> None:
    """And INFO knows."""
    respd = start(*NOT_SAVING).ready()
    respd.ask("SET k v")
    assert respd.info("rdb_changes_since_last_save") == "1"
    assert respd.ask("SAVE") == b"OK"
    assert respd.info("rdb_changes_since_last_save") == "0"
    assert respd.info("rdb_saves") == "1"
    assert respd.messages()[-1] == "M * DB saved on disk"
    assert abs(int(str(respd.ask("LASTSAVE"))) - time.time()) < PATIENCE


def test_bgsave(start: Start, tmp_path: Path) -> None:
    """The child saves what was there, the server counts what came since, and a second one is refused meanwhile."""
    respd = start(*NOT_SAVING, "--rdb-key-save-delay", "50000").ready()
    with respd.connect() as client:
        client.ask("DEBUG POPULATE 20")
        client.ask("SET k before")
        assert client.ask("BGSAVE") == b"Background saving started"
        respd.await_line("Background saving started by pid")
        child = int(re.findall(r"started by pid (\d+)", respd.log)[0])
        os.kill(child, signal.SIGSTOP)
        client.ask("SET k after")
        assert respd.info("rdb_bgsave_in_progress") == "1"
        assert respd.info("current_save_keys_total") == "21"
        assert client.call("BGSAVE").value == b"ERR Background save already in progress"
        assert client.call("SAVE").value == b"ERR Background save already in progress"
        assert client.call("BGSAVE SCHEDULE").value == b"ERR Background save already in progress"
        assert client.ask("BGREWRITEAOF") == b"Background append only file rewriting scheduled"
    os.kill(child, signal.SIGCONT)
    respd.await_info("rdb_bgsave_in_progress", "0")
    assert respd.info("rdb_changes_since_last_save") == "1"
    assert respd.info("rdb_last_bgsave_status") == "ok"
    assert int(respd.info("rdb_last_cow_size")) > 0
    assert 0 <= int(respd.info("rdb_last_bgsave_time_sec")) < PATIENCE
    assert int(respd.info("latest_fork_usec")) > 0
    lines = respd.messages()
    begun = next(index for index, line in enumerate(lines) if line.startswith("M * Background saving started by pid"))
    assert lines[begun + 1] == "C * DB saved on disk"
    assert re.fullmatch(r"C \* Fork CoW for RDB: current \d+ MB, peak \d+ MB, average \d+ MB", lines[begun + 2])
    assert "M * Background saving terminated with success" in lines
    respd.await_info("aof_rewrite_scheduled", "0")
    respd.signal(signal.SIGKILL)
    assert "dump.rdb" in files(tmp_path)
    assert start(*NOT_SAVING).ready().ask("GET k") == b"before"


def test_a_child_that_is_killed(start: Start, tmp_path: Path) -> None:
    """It is an error, its file goes, writes are refused until a snapshot succeeds, and it is tried again after 5 s."""
    respd = start("--save", "3600 1000", "--rdb-key-save-delay", "100000").ready()
    with respd.connect() as client:
        client.ask("DEBUG POPULATE 100")
        client.ask("BGSAVE")
        respd.await_line("Background saving started")
        found = re.search(r"started by pid (\d+)", respd.log)
        assert found
        os.kill(int(found[1]), signal.SIGKILL)
        respd.await_line("Background saving terminated by signal 9")
        assert respd.info("rdb_last_bgsave_status") == "err"
        for refused in ("SET k v", "PING", "INCR n"):
            reply = client.call(refused)
            assert reply.kind == "-" and str(reply).startswith(
                "-\"MISCONF Redis is configured to save RDB snapshots, but it's currently unable to persist to disk."
            )
        assert client.ask("GET k") is None
        assert client.ask("MULTI") == b"OK"
        assert client.call("SET k v").kind == "-"
        assert "EXECABORT" in str(client.call("EXEC"))
        client.ask("CONFIG SET stop-writes-on-bgsave-error no")
        assert client.ask("SET k v") == b"OK"
        client.ask("CONFIG SET stop-writes-on-bgsave-error yes rdb-key-save-delay 0")
        assert client.call("SET k v").kind == "-"
        client.ask("BGSAVE")
        respd.await_info("rdb_last_bgsave_status", "ok")
        assert client.ask("SET k w") == b"OK"
    assert files(tmp_path) == ["dump.rdb"]


def test_save_points(start: Start) -> None:
    """A snapshot is taken once enough has changed for long enough."""
    respd = start("--save", "1 3").ready()
    respd.ask("MSET a 1 b 2 c 3")
    respd.await_line("3 changes in 1 seconds. Saving...")
    respd.await_line("Background saving terminated with success")
    assert respd.info("rdb_changes_since_last_save") == "0"


@pytest.mark.parametrize(
    "points, words, saved",
    [
        ("", "SHUTDOWN", False),
        ("", "SHUTDOWN SAVE", True),
        ("3600 1", "SHUTDOWN", True),
        ("3600 1", "SHUTDOWN NOSAVE", False),
        ("3600 1", "SHUTDOWN NOW FORCE", True),
    ],
)
def test_shutdown(start: Start, tmp_path: Path, points: str, words: str, saved: bool) -> None:
    """Saves as its options and the save points say."""
    respd = start("--save", points).ready()
    with respd.connect() as client:
        client.ask("SET k v")
        client.send(words)
        assert client.read().kind == CLOSED
    assert respd.end() == 0
    assert files(tmp_path) == (["dump.rdb"] if saved else [])
    expected = ["M * User requested shutdown..."]
    if saved:
        expected += ["M * Saving the final RDB snapshot before exiting.", "M * DB saved on disk"]
    assert respd.messages()[-len(expected) - 1 :] == [*expected, "M # Redis is now ready to exit, bye bye..."]


@pytest.mark.parametrize(
    "number, options, saved",
    [
        (signal.SIGTERM, (), True),
        (signal.SIGINT, (), True),
        (signal.SIGTERM, ("--shutdown-on-sigterm", "nosave"), False),
        (signal.SIGINT, ("--shutdown-on-sigint", "nosave force"), False),
        (signal.SIGTERM, ("--save", "", "--shutdown-on-sigterm", "save"), True),
        (signal.SIGTERM, ("--save", ""), False),
    ],
)
def test_signals(start: Start, tmp_path: Path, number: int, options: tuple[str, ...], saved: bool) -> None:
    """They end the server as the configuration says."""
    respd = start(*options).ready()
    respd.ask("SET k v")
    assert respd.signal(number) == 0
    assert files(tmp_path) == (["dump.rdb"] if saved else [])
    assert f"M # Received {signal.Signals(number).name} scheduling shutdown..." in respd.messages()


def test_a_shutdown_that_cannot_save_does_not_happen(start: Start, tmp_path: Path) -> None:
    """Unless it is forced."""
    respd = start("--save", "3600 1").ready()
    (tmp_path / "dump.rdb").mkdir()
    with respd.connect() as client:
        client.ask("SET k v")
        assert client.call("SAVE").value == b"ERR"
        assert client.call("SHUTDOWN").value == b"ERR Errors trying to SHUTDOWN. Check logs."
        assert respd.messages()[-2:] == [
            "M # Error trying to save the DB, can't exit.",
            "M # Errors trying to shut down the server. Check the logs for more information.",
        ]
        assert client.ask("GET k") == b"v"
        respd.process.send_signal(signal.SIGTERM)
        respd.await_line("Received SIGTERM")
        time.sleep(0.2)
        assert client.ask("GET k") == b"v"
        client.send("SHUTDOWN FORCE")
    assert respd.end() == 0
    assert "M # Error trying to save the DB. Exit anyway." in respd.messages()
    assert files(tmp_path) == ["dump.rdb"]
    assert f"Error moving temp DB file temp-{respd.process.pid}.rdb on the final destination dump.rdb" in respd.log


def test_a_child_at_shutdown_is_killed(start: Start, tmp_path: Path) -> None:
    """And leaves nothing."""
    respd = start(*NOT_SAVING, "--rdb-key-save-delay", "100000").ready()
    respd.ask("DEBUG POPULATE 100")
    respd.ask("BGSAVE")
    assert respd.signal(signal.SIGTERM) == 0
    assert "M # There is a child saving an .rdb. Killing it!" in respd.messages()
    assert files(tmp_path) == []


def test_other_commands_of_the_same_turn_are_not_acknowledged_after_the_last_snapshot(
    start: Start, tmp_path: Path
) -> None:
    """What was told OK is in the file."""
    respd = start("--save", "3600 1").ready()
    with respd.connect() as client:
        client.send("SET a 1", "SHUTDOWN", "SET b 2")
        first = client.read()
        assert first.value == b"OK"
        with pytest.raises((AssertionError, OSError)):
            assert client.read().value == b"OK"
    respd.end()
    again = start("--save", "").ready()
    assert again.ask("KEYS *") == [b"a"]


def test_loading_answers_loading(start: Start) -> None:
    """Nearly every command is refused, INFO tells how far it is, and the server can be ended."""
    respd = start(*NOT_SAVING).ready()
    with respd.connect() as client:
        client.ask("DEBUG POPULATE 1000 key 100")
        client.ask("SAVE")
    respd.signal(signal.SIGTERM)
    respd = start("--save", "3600 1", "--key-load-delay", "30000")
    respd.await_line("Loading RDB produced by version")
    with respd.connect() as client:
        for refused in ("PING", "GET k", "SET k v", "DBSIZE", "SAVE", "BGSAVE", "CONFIG SET loglevel debug dir /tmp"):
            assert client.call(refused).value == b"LOADING Redis is loading the dataset in memory"
        assert client.ask("ECHO hello") == b"hello"
        assert client.ask("CONFIG GET port") == [b"port", b"%d" % respd.port]
        assert client.ask("LASTSAVE") is not None
        assert client.ask("MULTI") == b"OK"
        assert client.ask("EXEC") == []
        assert respd.info("loading") == "1"
        assert int(respd.info("loading_total_bytes")) > 1000
        assert 0 <= float(respd.info("loading_loaded_perc")) <= 100
        assert int(respd.info("loading_rdb_used_mem")) > 1000
        client.send("SHUTDOWN SAVE")
    assert respd.end() == 0
    assert "Saving the final" not in respd.log
    respd = start("--save", "3600 1", "--key-load-delay", "30000")
    respd.await_line("Loading RDB produced by version")
    assert respd.signal(signal.SIGTERM) == 0
    assert respd.messages()[-3:] == [
        "M # Received shutdown signal during loading, scheduling shutdown.",
        "M * User requested shutdown...",
        "M # Redis is now ready to exit, bye bye...",
    ]


def damaged(good: bytes, how: str) -> bytes:
    """A snapshot with a fault."""
    if how == "short":
        return good[:-12]
    if how == "empty":
        return b""
    if how == "checksum":
        return good[:-1] + bytes([good[-1] ^ 1])
    if how == "magic":
        return b"REDIX" + good[5:]
    if how == "version":
        return b"REDIS0099" + good[9:]
    assert how == "twice"
    return good.replace(b"\0\1k\1v", b"\0\1k\1v\0\1k\1v")


@pytest.mark.parametrize(
    "how, line",
    [
        ("short", "Short read or OOM loading DB. Unrecoverable error, aborting now."),
        ("empty", "Short read or OOM loading DB. Unrecoverable error, aborting now."),
        ("checksum", r"Wrong RDB checksum expected: \([0-9a-f]+\) but got \([0-9a-f]+\). Aborting now."),
        ("checksum", r"Internal error in RDB reading offset \d+ -> RDB CRC error"),
        ("magic", "Wrong signature trying to load DB from file"),
        ("version", "Can't handle RDB format version 99"),
        ("twice", "RDB has duplicated key 'k' in DB 0"),
    ],
)
def test_a_damaged_file_ends_the_start(start: Start, tmp_path: Path, how: str, line: str) -> None:
    """With exit status 1 and a line that says why; the file is as it was."""
    respd = start(*NOT_SAVING).ready()
    respd.ask("SET k v")
    respd.ask("SAVE")
    respd.signal(signal.SIGTERM)
    path = tmp_path / "dump.rdb"
    data = damaged(path.read_bytes(), how)
    path.write_bytes(data)
    respd = start()
    assert respd.end() == 1
    assert re.search(line, respd.log), respd.log
    last = respd.messages()[-1]
    assert last in (
        "M # Fatal error loading the DB, check server logs. Exiting.",
        "M # Terminating server after rdb file reading failure.",
    )
    assert path.read_bytes() == data


def test_collections_without_members_are_left_out(start: Start, tmp_path: Path) -> None:
    """The log names the first ten of them."""
    empty = [rdb_files.key(b"empty%d" % number, 2, b"\0") for number in range(12)]
    (tmp_path / "dump.rdb").write_bytes(rdb_files.file(11, *empty, rdb_files.key(b"k", 0, b"\1v")))
    respd = start().ready()
    assert respd.ask("KEYS *") == [b"k"]
    told = [line for line in respd.messages() if "skipping empty key" in line]
    assert told == [f"M * rdbLoadObject skipping empty key: empty{number}" for number in range(10)]
    assert "M * Done loading RDB, keys loaded: 1, keys expired: 0, empty keys skipped: 12." in respd.messages()


def test_a_snapshot_goes_where_the_configuration_says_now(start: Start, tmp_path: Path) -> None:
    """`dir` and `dbfilename` may change."""
    respd = start(*NOT_SAVING, "--enable-protected-configs", "yes").ready()
    (tmp_path / "elsewhere").mkdir()
    with respd.connect() as client:
        client.ask("CONFIG SET dbfilename other.rdb")
        client.ask("SAVE")
        client.ask(b"CONFIG", b"SET", b"dir", str(tmp_path / "elsewhere").encode())
        client.ask("BGSAVE")
    respd.await_line("Background saving terminated with success")
    assert files(tmp_path) == ["elsewhere", "other.rdb"]
    assert files(tmp_path / "elsewhere") == ["other.rdb"]


def test_a_connection_closes_for_the_client_while_a_child_runs(start: Start) -> None:
    """The child does not keep it open."""
    respd = start(*NOT_SAVING, "--rdb-key-save-delay", "100000").ready()
    with respd.connect() as client, respd.connect() as other:
        client.ask("DEBUG POPULATE 5000")
        client.ask("BGSAVE")
        other.send("QUIT")
        assert other.read().value == b"OK"
        assert other.read().kind == CLOSED
    assert respd.signal(signal.SIGTERM) == 0  # and its child with it


def test_a_full_disk(start: Start, tmp_path: Path) -> None:
    """The old snapshot stays, writes are refused, and all is well again when there is room."""
    if os.geteuid() != 0 or shutil.which("mount") is None:
        pytest.skip("needs root and mount")
    disk = tmp_path / "disk"
    disk.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k", "none", str(disk)], capture_output=True).returncode:
        pytest.skip("cannot mount a tmpfs")
    try:
        respd = start("--dir", str(disk), "--rdbcompression", "no", "--save", "3600 1").ready()
        with respd.connect() as client:
            client.ask("SET k v")
            assert client.ask("SAVE") == b"OK"
            before = (disk / "dump.rdb").read_bytes()
            client.ask(b"SET", b"big", os.urandom(400_000))
            assert client.call("SAVE").value == b"ERR"
            assert "Write error while saving DB to the disk(rdbSaveRio): No space left on device" in respd.log
            client.ask("BGSAVE")
            respd.await_line("Background saving error")
            assert client.call("SET k w").kind == "-"
            assert os.listdir(disk) == ["dump.rdb"] and (disk / "dump.rdb").read_bytes() == before
            client.ask("CONFIG SET save ''")
            client.ask("DEL big")
            client.ask(b"CONFIG", b"SET", b"save", b"3600 1")
            client.ask("BGSAVE")
            respd.await_info("rdb_last_bgsave_status", "ok")
            assert client.ask("SET k w") == b"OK"
    finally:
        for each in (respd.process,):
            each.kill()
            each.wait()
        subprocess.run(["umount", str(disk)], check=True)


def test_flushall_with_save_points_leaves_an_empty_snapshot(start: Start, tmp_path: Path) -> None:
    """As redis-server does, so that a crash does not bring everything back."""
    respd = start("--save", "3600 1").ready()
    with respd.connect() as client:
        client.ask("SET k v")
        client.ask("SAVE")
        client.ask("FLUSHALL")
    respd.signal(signal.SIGKILL)
    assert start().ready().ask("DBSIZE") == 0


def test_a_flushall_in_a_log_leaves_the_snapshot_alone(start: Start, tmp_path: Path) -> None:
    """While the log is loaded, that is: at the start and by DEBUG LOADAOF."""
    respd = start("--save", "3600 1", "--appendonly", "yes", "--aof-use-rdb-preamble", "no").ready()
    with respd.connect() as client:
        client.ask("FLUSHALL")
        client.ask("SET k v")
        client.ask("SAVE")
        before = (tmp_path / "dump.rdb").read_bytes()
        assert client.ask("DEBUG LOADAOF") == b"OK"
        assert client.ask("GET k") == b"v"
    respd.signal(signal.SIGKILL)
    assert start("--appendonly", "yes").ready().ask("GET k") == b"v"
    assert (tmp_path / "dump.rdb").read_bytes() == before


def test_no_log_to_load(start: Start) -> None:
    """DEBUG LOADAOF without a log forgets the data, as in Redis, and says so."""
    with start("--appendonly", "no").ready().connect() as client:
        client.ask("SET k v")
        assert client.ask("DEBUG LOADAOF") == Error("ERR Error trying to load the AOF files, check server logs.")
        assert client.ask("DBSIZE") == 0
