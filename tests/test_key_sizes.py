"""INFO keysizes of large keyspaces: walks in slices, who waits for them, and who sees which figures."""

from __future__ import annotations

import pytest

from respd.context import Context
from respd.cron import Cron
from tests.local import Local

MANY = 10_500
TICK_MS = 10
_EVAL = [b"EVAL", b"return redis.call('INFO', 'keysizes')", b"0"]


class Machine:
    """A server with many keys, its periodic work, and INFO's lines about their sizes."""

    def __init__(self, local: Local) -> None:
        self.local = local
        self.cron = Cron(local.engine)
        local.engine.shared.set_notify(0)
        local.engine.record_effects(False)
        self.set_many(0, MANY, b"xx")

    def set_many(self, start: int, end: int, value: bytes) -> None:
        words = [b"MSET"]
        for number in range(start, end):
            words += [b"k%d" % number, value]
        self.local.run(words)

    def sizes(self, command: str = "INFO all", ctx: Context | None = None) -> list[str]:
        """Return the lines that a command answers at once."""
        return distributions(self.local.run(command, ctx))

    def tick(self, times: int = 1) -> None:
        """Let time pass, and the periodic work be done."""
        for _ in range(times):
            self.local.pass_time(TICK_MS)
            self.cron.run()

    def wait(self) -> int:
        """Let time pass until no walk is under way; return how many slices it took."""
        slices = 0
        while self.local.engine.key_sizes.step():
            slices += 1
        return slices


def distributions(text: object) -> list[str]:
    assert isinstance(text, bytes)
    assert b"# Keysizes\r\n" in text
    return [line for line in text.decode().split("\r\n") if "_distrib_" in line]


@pytest.fixture
def machine(local: Local) -> Machine:
    return Machine(local)


def test_who_asks_for_all_does_not_wait(machine: Machine) -> None:
    assert machine.sizes() == []
    assert machine.wait() == 6
    assert machine.sizes() == machine.sizes("INFO") == ["db0_distrib_strings_sizes:2=10500"]


def test_nobody_asks_nobody_walks(machine: Machine) -> None:
    assert machine.wait() == 0


def test_figures_are_shared_for_a_while(machine: Machine) -> None:
    machine.sizes()
    machine.wait()
    machine.set_many(0, 500, b"xxxx")
    machine.local.pass_time(9_999)
    assert machine.sizes("INFO keysizes") == ["db0_distrib_strings_sizes:2=10500"]
    assert machine.wait() == 0
    machine.local.pass_time(1)
    assert machine.sizes() == ["db0_distrib_strings_sizes:2=10500"]
    assert machine.wait() == 6
    assert machine.sizes() == ["db0_distrib_strings_sizes:2=10000,4=500"]


def test_who_names_the_section_waits(machine: Machine) -> None:
    machine.local.run("SELECT 4")
    machine.local.run("SADD s a b c d")
    machine.local.run("XADD stream * f v")
    machine.local.send("INFO keysizes cluster")
    calls = machine.local.engine.commands.by_spelling[b"INFO"].calls
    machine.tick(3)
    assert machine.local.heard() == []
    assert machine.sizes("INFO all", machine.local.connect()) == []
    machine.tick(50)
    (text,) = machine.local.heard()
    assert distributions(text) == ["db0_distrib_strings_sizes:2=10500", "db4_distrib_sets_items:4=1"]
    assert machine.local.engine.commands.by_spelling[b"INFO"].calls == calls + 2
    assert machine.local.run("ECHO me") == b"me"


def test_who_waits_may_be_unblocked_or_go(machine: Machine) -> None:
    local = machine.local
    other = local.connect()
    local.send("INFO keysizes")
    assert local.run(f"CLIENT UNBLOCK {local.ctx.client.id}", other) == 1
    (text,) = local.heard()
    assert distributions(text) == []
    local.send("INFO keysizes")
    local.engine.disconnect(local.ctx)
    machine.tick(50)
    assert distributions(local.run("INFO keysizes", other)) == ["db0_distrib_strings_sizes:2=10500"]


def test_who_was_not_seen_for_long_is_answered_in_the_end(machine: Machine) -> None:
    machine.local.send("INFO keysizes")
    machine.wait()
    machine.local.pass_time(60_000)
    assert machine.local.heard() == []
    machine.tick(50)
    assert len(machine.local.heard()) == 1


def test_transactions_and_scripts_do_not_wait(machine: Machine) -> None:
    local = machine.local
    for _ in range(2):
        local.run("MULTI")
        local.run("INFO keysizes")
        replies = local.run("EXEC")
        assert isinstance(replies, list)
        in_script = local.run(_EVAL)
        expected = ["db0_distrib_strings_sizes:2=10500"] if machine.wait() == 0 else []
        assert distributions(replies[0]) == expected
        assert distributions(in_script) == expected


def test_keys_that_come_and_go_meanwhile(machine: Machine) -> None:
    local = machine.local
    machine.sizes()
    steps = 0
    while local.engine.key_sizes.step():
        steps += 1
        first = steps * 300
        local.run([b"DEL", *[b"k%d" % number for number in range(first, first + 300)]])
        machine.set_many(MANY + first, MANY + first + 600, b"xx")
    assert machine.sizes() == ["db0_distrib_strings_sizes:2=10500"]


def test_databases_that_are_emptied_or_swapped_meanwhile(machine: Machine) -> None:
    machine.sizes()
    machine.local.engine.key_sizes.step()
    machine.local.run("SWAPDB 0 1")
    machine.local.engine.key_sizes.step()
    machine.local.run("FLUSHALL")
    machine.local.engine.key_sizes.step()
    assert machine.sizes() == []
    assert machine.wait() == 0
    machine.set_many(0, 3, b"")
    assert machine.sizes("INFO keysizes") == ["db0_distrib_strings_sizes:0=3"]
