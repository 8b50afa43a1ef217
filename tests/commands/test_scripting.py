"""What scripts log, keep and leave as it was."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from respd.clock import ManualClock
from tests.local import Local
from tests.wire import Error

Run = Callable[..., object]
Recorded = Callable[[], list[list[bytes]]]


def test_effects_are_one_unit(run: Run, recorded: Recorded) -> None:
    """Several commands are logged in MULTI and EXEC, as what they did."""
    run([b"EVAL", b"redis.call('SADD', 's', 'a') redis.call('SPOP', 's') redis.call('SET', 'k', 'v', 'EX', 10)", b"0"])
    logged = recorded()
    assert logged[0] == [b"MULTI"] and logged[-1] == [b"EXEC"]
    assert [words[0] for words in logged[1:-1]] in ([b"SADD", b"SREM", b"SET"], [b"SADD", b"DEL", b"SET"])
    assert logged[-2][:4] == [b"SET", b"k", b"v", b"PXAT"]


def test_a_reading_script_logs_nothing(run: Run, recorded: Recorded) -> None:
    """Neither itself nor its commands."""
    run([b"EVAL", b"return redis.call('GET', 'k')", b"0"])
    assert recorded() == []


def test_what_was_done_before_an_error_is_logged(run: Run, recorded: Recorded) -> None:
    """A script is not undone."""
    assert isinstance(run([b"EVAL", b"redis.call('SET', 'k', 'v') error('x')", b"0"]), Error)
    assert recorded() == [[b"SET", b"k", b"v"]]


@pytest.mark.parametrize(
    ("wanted", "is_logged"), [("NONE", False), ("REPLICA", False), ("SLAVE", False), ("AOF", True), ("ALL", True)]
)
def test_set_repl(run: Run, recorded: Recorded, wanted: str, is_logged: bool) -> None:
    """A script may keep its effects from the log, but not those of the next one."""
    run([b"EVAL", b"redis.set_repl(redis.REPL_%b) redis.call('SET', 'k', 'v')" % wanted.encode(), b"0"])
    assert bool(recorded()) is is_logged
    run([b"EVAL", b"redis.call('SET', 'k', 'v')", b"0"])
    assert recorded() == [[b"SET", b"k", b"v"]]


def test_time_stands_still(run: Run, clock: ManualClock) -> None:
    """A key does not expire while a script runs, and the clock goes on afterwards."""
    assert run([b"EVAL", b"local a = redis.call('TIME') local b = redis.call('TIME') return a[2] == b[2]", b"0"]) == 1
    assert not clock.frozen


def test_the_session_is_as_before(local: Local) -> None:
    """Protocol, database and blocking are the script's own."""
    local.run([b"EVAL", b"redis.call('SELECT', 5) redis.setresp(3) error('x')", b"0"])
    assert local.ctx.client.resp == 3 and local.ctx.db.index == 0 and not local.ctx.deny_blocking


def test_evaluated_scripts_are_forgotten_in_time(local: Local) -> None:
    """500 of those that came by EVAL are kept, and all that were loaded."""
    loaded = local.run([b"SCRIPT", b"LOAD", b"return 'loaded'"])
    for number in range(510):
        local.run([b"EVAL", b"return %d" % number, b"0"])
    assert len(local.engine.scripts) == 501 and local.engine.stats.evicted_scripts == 10
    assert isinstance(loaded, bytes) and local.run([b"EVALSHA", loaded, b"0"]) == b"loaded"
