"""Exceptions that nothing should raise: in handlers, transactions, scripts, replies and the periodic work."""

from __future__ import annotations

from pathlib import Path

import pytest

from respd.clock import ManualClock
from respd.command import Handler
from respd.commands import all_groups
from respd.config import Config
from respd.context import Context
from respd.cron import Cron
from respd.engine import Engine
from respd.log import Log
from tests.local import Local, logged_by
from tests.wire import Error, Status

OK = Status(b"OK")
PONG = Status(b"PONG")


class Broken(Local):
    """An engine whose handlers a test breaks, and the log that it writes."""

    def __init__(self, path: Path) -> None:
        super().__init__(*all_groups())
        self.engine.log.path = str(path)
        self.engine.log.set_level(b"notice")
        self.path = path

    def use(self, name: bytes, handler: Handler) -> None:
        command = self.engine.commands.lookup(name.split(b"|"))
        assert command is not None
        command.handler = handler

    def log(self) -> str:
        text = self.path.read_text() if self.path.exists() else ""
        self.path.unlink(missing_ok=True)
        return text

    def counted(self) -> int:
        return int(self.engine.stats.internal_errors)


@pytest.fixture
def broken(tmp_path: Path) -> Broken:
    return Broken(tmp_path / "respd.log")


def _fail(ctx: Context, args: list[bytes]) -> object:
    raise ZeroDivisionError("a defect of the test")


def _fail_after_popping(ctx: Context, args: list[bytes]) -> object:
    """Change the value and fail before anybody is told."""
    members = ctx.db.write_list(args[1])
    assert members is not None
    members.pop_head()
    raise KeyError(args[1])


def _no_memory(ctx: Context, args: list[bytes]) -> object:
    raise MemoryError


def _unwritable(ctx: Context, args: list[bytes]) -> object:
    return [b"first", object()]


def test_the_client_gets_an_error_and_the_server_goes_on(broken: Broken) -> None:
    broken.use(b"get", _fail)
    assert broken.run("GET k") == Error("ERR internal error in 'get': ZeroDivisionError")
    assert broken.run("SET k v") == OK
    assert broken.counted() == 1
    info = broken.run("INFO stats")
    assert isinstance(info, bytes) and b"\r\nrespd_internal_errors:1\r\n" in info
    assert broken.engine.commands.by_name[b"get"].failed == 1
    assert broken.engine.stats.errors == {b"ERR": 1}
    broken.run("CONFIG RESETSTAT")
    assert broken.counted() == 0


def test_the_report_tells_all(broken: Broken) -> None:
    broken.use(b"mset", _fail)
    broken.run("CLIENT SETNAME joe")
    broken.run([b"MSET", b"key\r\n", b"v" * 500, *[b"x"] * 40])
    report = broken.log()
    for told in (
        "internal error in command 'mset': ZeroDivisionError at test_defects.py:",
        "=== RESPD BUG REPORT START",
        "up for 0 s, 2 clients, 0 keys",
        " name=joe ",
        "mset, database 0\n",
        "argv[0]: b'MSET'",
        "argv[1]: b'key\\r\\n'",
        f"argv[2]: b'{'v' * 128}... (372 more bytes)'",
        "argv[31]: b'... (12 more arguments)'",
        "ZeroDivisionError: a defect of the test",
        "=== RESPD BUG REPORT END ===\n",
    ):
        assert told in report, (told, report)


@pytest.mark.parametrize("command", ["AUTH user secret", "CONFIG SET requirepass secret", "ACL SETUSER joe >secret"])
def test_reports_have_no_secrets(broken: Broken, command: str) -> None:
    words = command.split()
    broken.use((words[0] if len(words) == 3 and words[0] == "AUTH" else "|".join(words[:2])).lower().encode(), _fail)
    broken.run(command)
    report = broken.log()
    assert "*redacted*" in report and "secret" not in report


def test_user_data_is_left_out_on_demand(broken: Broken) -> None:
    broken.use(b"lpop", _fail_after_popping)
    broken.run("RPUSH private-list a b")
    broken.run("CONFIG SET hide-user-data-from-log yes")
    broken.run("LPOP private-list")
    report = broken.log()
    assert "argv[1]: b'*redacted*'" in report and "KeyError" in report
    assert "private" not in report


def test_without_the_crash_log_there_is_a_line(broken: Broken) -> None:
    broken.run("CONFIG SET crash-log-enabled no")
    broken.use(b"get", _fail)
    broken.run("GET k")
    assert broken.log().count("\n") == 1 and broken.counted() == 1


def test_a_defect_met_all_the_time_does_not_fill_the_log(broken: Broken) -> None:
    broken.use(b"get", _fail)
    for _ in range(50):
        broken.run("GET k")
    assert broken.log().count("internal error in command") == 1
    broken.pass_time(1500)
    for _ in range(50):
        broken.run("GET k")
    text = broken.log()
    assert text.count("\n") == 1 and "50 times since it was last reported" in text
    broken.pass_time(60_000)
    broken.run("GET k")
    assert "BUG REPORT" in broken.log() and broken.counted() == 101


def test_a_lack_of_memory_is_an_error_too(broken: Broken) -> None:
    broken.use(b"get", _no_memory)
    assert broken.run("GET k") == Error("OOM command not allowed: not enough memory")
    text = broken.log()
    assert "MemoryError" in text and text.count("\n") == 1


def test_transactions_run_to_their_end(broken: Broken) -> None:
    broken.use(b"get", _fail)
    for command in ("MULTI", "SET a 1", "GET a", "INCR a"):
        broken.run(command)
    assert broken.run("EXEC") == [OK, Error("ERR internal error in 'get': ZeroDivisionError"), 2]
    assert ", in a transaction\n" in broken.log()
    assert not broken.engine.in_exec and not broken.engine.clock.frozen and not broken.ctx.deny_blocking
    assert broken.logged() == [
        [b"MULTI"], [b"SET", b"a", b"1"], [b"INCR", b"a"], [b"EXEC"],
    ]  # fmt: skip


def test_exec_that_fails_itself_leaves_nothing_behind(broken: Broken) -> None:
    broken.run("MULTI")
    broken.run([b"GET", b"a"])
    broken.ctx.client.queued.append(5)  # type: ignore[arg-type]
    reply = broken.run("EXEC")
    assert isinstance(reply, Error) and "internal error in 'exec'" in str(reply)
    assert not broken.engine.in_exec and not broken.engine.clock.frozen and not broken.ctx.deny_blocking
    assert broken.run("PING") == PONG


def test_scripts_get_the_error_and_go_on(broken: Broken) -> None:
    broken.use(b"get", _fail)
    script = "redis.call('set', 'k', '1'); local r = redis.pcall('get', 'k'); return {redis.call('incr', 'k'), r.err}"
    assert broken.run([b"EVAL", script.encode(), b"0"]) == [2, b"ERR internal error in 'get': ZeroDivisionError"]
    assert ", in a script\n" in broken.log()
    reply = broken.run([b"EVAL", b"return redis.call('get', 'k')", b"0"])
    assert isinstance(reply, Error) and "internal error in 'get'" in str(reply)
    assert broken.run("PING") == PONG and not broken.engine.in_script


def test_the_log_of_changes_gets_the_keys_as_they_are(broken: Broken) -> None:
    """What was changed before the failure is on the disk, and nothing more, whatever the command does the next time."""
    broken.use(b"lpop", _fail_after_popping)
    broken.run("RPUSH l a b c")
    broken.run("EXPIRE l 1000")
    watcher = broken.connect()
    broken.run("WATCH l", watcher)
    broken.logged()
    broken.run("LPOP l")
    (words,) = broken.logged()
    assert words[:2] == [b"RESTORE", b"l"] and words[4:] == [b"REPLACE", b"ABSTTL"]
    broken.run("MULTI", watcher)
    assert broken.run("EXEC", watcher) is None
    other = Local(*all_groups())
    assert other.run(words) == OK
    assert other.run("LRANGE l 0 -1") == [b"b", b"c"] and other.run("TTL l") == 1000


def test_a_collection_that_was_emptied_is_gone(broken: Broken) -> None:
    broken.use(b"lpop", _fail_after_popping)
    broken.run("RPUSH l a")
    broken.logged()
    broken.run("LPOP l")
    assert broken.run("EXISTS l") == 0
    assert broken.logged() == [[b"DEL", b"l"]]
    assert broken.engine.shared.dirty > 0


def test_in_a_transaction_the_log_gets_the_keys_in_their_place(broken: Broken) -> None:
    broken.use(b"lpop", _fail_after_popping)
    broken.run("RPUSH l a b")
    broken.logged()
    for command in ("MULTI", "SET a 1", "LPOP l", "RPUSH l z", "EXEC"):
        broken.run(command)
    other = Local(*all_groups())
    other.run("RPUSH l a b")
    names = []
    for words in broken.logged():
        names.append(words[0])
        if words[0] not in (b"MULTI", b"EXEC"):
            other.run(words)
    assert names == [b"MULTI", b"SET", b"RESTORE", b"RPUSH", b"EXEC"]
    assert other.run("LRANGE l 0 -1") == broken.run("LRANGE l 0 -1") == [b"b", b"z"]


@pytest.mark.parametrize("records", [True, False])
def test_a_reply_that_cannot_be_written_is_an_error(broken: Broken, records: bool) -> None:
    broken.engine.record_effects(records)
    broken.use(b"lrange", _unwritable)
    broken.send("PING")
    broken.send("LRANGE l 0 -1")
    broken.send("PING")
    pong, error, again = broken.heard()
    assert (pong, again) == (PONG, PONG)
    assert isinstance(error, Error) and "ERR internal error in 'lrange'" in str(error)
    assert broken.counted() == 1 and "writing a reply" in broken.log()


def test_a_blocked_client_gets_the_error(broken: Broken) -> None:
    waiting = broken.connect()
    broken.send("BLPOP l 0", waiting)
    broken.use(b"blpop", _fail)
    waiting.client.parked.command.handler = _fail  # type: ignore[union-attr]
    assert broken.run("RPUSH l a") == 1
    (reply,) = broken.heard(waiting)
    assert isinstance(reply, Error) and "ERR internal error in 'blpop'" in str(reply)
    assert waiting.client.parked is None
    assert broken.run("LRANGE l 0 -1") == [b"a"]


def test_the_periodic_work_goes_on(tmp_path: Path) -> None:
    clock = ManualClock()
    config = Config()
    config.put(b"save", [])
    path = tmp_path / "respd.log"
    engine = Engine(config, list(all_groups()), clock, Log(str(path)), 7)
    cron = Cron(engine)
    done: list[int] = []

    def fail() -> None:
        raise ZeroDivisionError

    cron.checks = [fail, lambda: done.append(1)]
    for _ in range(3):
        clock.advance(200)
        assert cron.run()
    assert done == [1, 1, 1] and engine.stats.internal_errors == 3
    assert path.read_text().count("internal error in the periodic work") == 1


def test_what_a_failed_command_left_behind_is_undone(broken: Broken) -> None:
    engine = broken.engine
    engine.effects.add(0, [b"SET", b"k", b"v"])
    engine.tracking.current = broken.ctx.client
    engine.defects.outside("serving a connection", ZeroDivisionError(), broken.ctx.client)
    assert logged_by(engine)[-1] == [b"SET", b"k", b"v"]
    assert "internal error in serving a connection" in broken.log()
    assert not engine.tracking.current
