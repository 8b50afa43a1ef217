"""The append-only file of whole servers: killed and started again, rewritten under load, switched on, taken over."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from crashes.target import ask
from tests.patience import until
from tests.persistence.stores import Kind, oracle, respd, rewrite, running, stop, wait_for
from tests.wire import encode

LOG = ("--appendonly", "yes")
ALWAYS = (*LOG, "--appendfsync", "always")


def info(port: int, field: str) -> str:
    """One field of INFO persistence."""
    reply = ask(port, [[b"INFO", b"persistence"]])[0]
    assert isinstance(reply, bytes)
    return dict(line.split(":", 1) for line in reply.decode().splitlines() if ":" in line)[field]


@pytest.mark.parametrize("preamble", ["yes", "no"])
def test_what_was_acknowledged_is_there_after_a_kill(tmp_path: Path, preamble: str) -> None:
    options = (*ALWAYS, "--aof-use-rdb-preamble", preamble)
    for life in range(3):
        with running(respd(), tmp_path, *options) as target:
            assert ask(target.port, [[b"DBSIZE"]]) == [100 * life]
            commands = [[b"SET", b"%d:%d" % (life, number), b"x"] for number in range(100)]
            assert ask(target.port, commands) == [b"OK"] * 100
            if life == 1:
                rewrite(target)


def test_writes_go_on_during_a_rewrite(tmp_path: Path) -> None:
    with running(respd(), tmp_path, *LOG) as target:
        ask(target.port, [[b"SET", b"base:%d" % number, b"x" * 100] for number in range(20_000)])
        counts: list[int] = []
        done = threading.Event()

        def write() -> None:
            count = 0
            while not done.is_set():
                ask(target.port, [[b"INCR", b"counter"]] * 50)
                count += 50
            counts.append(count)

        writers = [threading.Thread(target=write) for _ in range(2)]
        for writer in writers:
            writer.start()
        for _ in range(3):
            rewrite(target)
        done.set()
        for writer in writers:
            writer.join()
        assert info(target.port, "aof_last_bgrewrite_status") == "ok"
        stop(target)
    with running(respd(), tmp_path, *LOG) as target:
        assert ask(target.port, [[b"GET", b"counter"], [b"DBSIZE"]]) == [b"%d" % sum(counts), 20_001]
    names = sorted(path.name for path in (tmp_path / "data" / "appendonlydir").iterdir())
    assert names == ["appendonly.aof.4.base.rdb", "appendonly.aof.4.incr.aof", "appendonly.aof.manifest"]


def test_switched_on_while_it_serves(tmp_path: Path) -> None:
    with running(respd(), tmp_path) as target:
        ask(
            target.port,
            [[b"SET", b"before", b"1"], [b"CONFIG", b"SET", b"appendonly", b"yes"], [b"SET", b"after", b"2"]],
        )
        wait_for(target, b"aof_rewrite_in_progress:0", b"aof_last_bgrewrite_status:ok")
        assert info(target.port, "aof_enabled") == "1"
        ask(target.port, [[b"CONFIG", b"SET", b"appendfsync", b"always"], [b"SET", b"last", b"3"]])
    with running(respd(), tmp_path, *LOG) as target:
        assert ask(target.port, [[b"MGET", b"before", b"after", b"last"]]) == [[b"1", b"2", b"3"]]


def test_the_single_file_of_an_older_redis(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    (folder / "appendonly.aof").write_bytes(encode([b"SELECT", b"0"]) + encode([b"SET", b"k", b"v"]))
    with running(respd(), tmp_path, *LOG) as target:
        assert ask(target.port, [[b"GET", b"k"]]) == [b"v"]
    assert not (folder / "appendonly.aof").exists()


@pytest.mark.parametrize("name", ["redis7", "redis8", "valkey9"])
def test_a_single_file_that_begins_with_a_snapshot(tmp_path: Path, name: str) -> None:
    """What Redis 4 to 6 wrote: here another server's base and increment in one file."""
    folder = tmp_path / "data"
    other: Kind = oracle(name)
    with running(other, tmp_path, *LOG) as target:
        ask(target.port, [[b"SET", b"a", b"1"], [b"RPUSH", b"l", b"x", b"y"]])
        rewrite(target)
        ask(target.port, [[b"SET", b"b", b"2"]])
        stop(target)
    log = folder / "appendonlydir"
    parts = sorted(log.glob("*.base.rdb")) + sorted(log.glob("*.incr.aof"))
    (folder / "appendonly.aof").write_bytes(b"".join(part.read_bytes() for part in parts))
    for path in log.iterdir():
        path.unlink()
    log.rmdir()
    with running(respd(), tmp_path, *LOG) as target:
        assert ask(target.port, [[b"MGET", b"a", b"b"], [b"LLEN", b"l"]]) == [[b"1", b"2"], 2]
        assert "Reading RDB preamble from AOF file..." in target.log_tail()


def test_a_log_cut_short_is_loaded_or_refused(tmp_path: Path) -> None:
    with running(respd(), tmp_path, *LOG) as target:
        ask(target.port, [[b"SET", b"a", b"1"], [b"SET", b"b", b"2"]])
        stop(target)
    increment = next((tmp_path / "data" / "appendonlydir").glob("*.incr.aof"))
    data = increment.read_bytes()
    increment.write_bytes(data[:-3])
    with pytest.raises(Exception), running(respd(), tmp_path, *LOG, "--aof-load-truncated", "no"):  # noqa: B017
        pass
    assert increment.read_bytes() == data[:-3]
    with running(respd(), tmp_path, *LOG) as target:
        assert ask(target.port, [[b"MGET", b"a", b"b"]]) == [[b"1", None]]


def test_the_files_that_a_rewrite_has_replaced_may_stay(tmp_path: Path) -> None:
    """With aof-disable-auto-gc yes they do, and go once it is switched off."""
    folder = tmp_path / "data" / "appendonlydir"
    with running(respd(), tmp_path, *LOG, "--aof-disable-auto-gc", "yes") as target:
        rewrite(target)
        replaced = [folder / "appendonly.aof.1.base.rdb", folder / "appendonly.aof.1.incr.aof"]
        assert all(path.exists() for path in replaced)
        assert (folder / "appendonly.aof.manifest").read_text().count(" type h") == 2
        assert ask(target.port, [[b"CONFIG", b"SET", b"aof-disable-auto-gc", b"no"]]) == [b"OK"]
        until(lambda: not any(path.exists() for path in replaced), "the removal of what was replaced")
        assert " type h" not in (folder / "appendonly.aof.manifest").read_text()
