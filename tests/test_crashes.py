"""The crash harness: it sees what it should see; respd and redis-server keep their promises when they are killed."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from crashes.harness import DURABILITIES, Harness, Report, make_target
from crashes.ledger import Account, Ledger, Verdict
from crashes.target import ask
from crashes.writes import KINDS, Model, State, commands, reading, state_of
from tests.servers import Server, respd_command, respd_environment


def after(writer: int, number: int) -> Model:
    """A writer's model after so many changes."""
    model = Model(writer)
    for _ in range(number):
        model.step()
    return model


def ledger(*counts: tuple[int, int]) -> Ledger:
    """A writer for each (sent, acknowledged): change n is sent at n and acknowledged at n + 0.5."""
    found = Ledger(len(counts))
    for account, (sent, acked) in zip(found.accounts, counts):
        account.sent_at = [float(n) for n in range(1, sent + 1)]
        account.acked_at = [n + 0.5 for n in range(1, acked + 1)]
    return found


def test_the_model_is_what_a_server_makes_of_the_changes(server: Server) -> None:
    """After every number of changes, over more than one turn of all kinds."""
    model = Model(3)
    for number in range(1, 4 * len(KINDS)):
        ask(server.port, commands(3, number))
        model.step()
        assert state_of(3, ask(server.port, reading(3))) == model.state(), number
    for number in range(model.number + 1, 1500):
        ask(server.port, commands(3, number))
        model.step()
    assert state_of(3, ask(server.port, reading(3))) == model.state()


def test_no_two_numbers_lead_to_the_same_state() -> None:
    """Else a loss could hide."""
    model, seen = Model(0), set()
    for _ in range(1000):
        model.step()
        state = repr(sorted((key, repr(value)) for key, value in model.state().items()))
        assert state not in seen, model.number
        seen.add(state)


def test_what_was_acknowledged_is_there() -> None:
    """All acknowledged and some of the rest: nothing is lost, and the accounts go on from there."""
    book = ledger((10, 7), (5, 5))
    verdict = book.settle([after(0, 9).state(), after(1, 5).state()], book.floors(100), 11)
    assert verdict == Verdict()
    assert [(account.first, account.acked) for account in book.accounts] == [(9, 9), (5, 5)]


def test_a_loss_is_seen() -> None:
    """One acknowledged change is gone, and how long before the end it was acknowledged."""
    book = ledger((10, 7))
    verdict = book.settle([after(0, 6).state()], book.floors(100), 11)
    assert verdict.lost == 1
    assert verdict.lost_s == 3.5
    assert "7 was promised, 6 is the last" in verdict.broken[0]


def test_a_loss_within_the_promise() -> None:
    """Counted, but no promise is broken."""
    book = ledger((10, 7))
    verdict = book.settle([after(0, 5).state()], book.floors(9 - 2.9), 9)
    assert (verdict.lost, verdict.lost_s, verdict.broken) == (2, 2.5, [])


@pytest.mark.parametrize("damage", ["half a transaction", "a hole", "more than was sent", "nothing"])
def test_a_state_that_never_was_is_seen(damage: str) -> None:
    """Half a transaction, a change without the one before, a change nobody sent, an empty database."""
    pair = next(n for n in range(40, 80) if KINDS[n % len(KINDS)][1] is Model.pair)
    state = dict(after(0, pair).state())
    if damage == "half a transaction":
        state[b"w0:two"] = after(0, pair - 1).state()[b"w0:two"]
    elif damage == "a hole":
        state[b"w0:sum"] = after(0, pair - len(KINDS)).state()[b"w0:sum"]
    elif damage == "more than was sent":
        state = after(0, 101).state()
    else:
        state = {}
    book = ledger((100, pair))
    assert book.settle([state], [1], 11).broken


def test_a_change_without_its_past_is_seen() -> None:
    """Writer 1's fifth is there, and writer 0's third not, which had been acknowledged before."""
    book = ledger((5, 5), (5, 5))
    states: list[State] = [after(0, 2).state(), after(1, 5).state()]
    verdict = book.settle(states, [0, 0], 11)
    assert verdict.broken == [
        "change 5 of writer 1 is there, but not 3 of writer 0, which was acknowledged before the other was sent"
    ]


def test_together_counts_from_the_last_restart() -> None:
    """What was there before the restart needs no proof."""
    book = Ledger(1)
    book.accounts = [Account(after(0, 5), 5, [6.0], [6.5])]
    assert book.settle([after(0, 5).state()], [5], 7).broken == []


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Path]:
    """A directory that is gone after the test."""
    yield tmp_path / "crashes"
    shutil.rmtree(tmp_path / "crashes", ignore_errors=True)


def kill(command: list[str], place: Path, durability: str, kills: int, *further: str) -> Report:
    """Run the harness, small."""
    environment = respd_environment()
    target = make_target(command, place, durability, list(further), environment=environment)
    return Harness(target, durability, writers=3, keys=1000, seed=7, longest_s=0.05).run(kills)


def test_a_server_that_forgets_is_found_out(oracle_program: str, place: Path) -> None:
    """A redis-server without its append-only file loses what was acknowledged, and the harness says so."""
    report = kill([oracle_program], place, "always", 5, "--appendonly", "no")
    assert report.lost > 0
    assert "was promised" in report.broken[0]


def test_a_server_that_does_not_start_is_found_out(oracle_program: str, place: Path) -> None:
    """Its log is in the report."""
    report = kill([oracle_program], place, "rdb", 1, "--no-such-directive", "yes")
    assert "does not start" in report.broken[0]
    assert "no-such-directive" in report.broken[0]


@pytest.mark.parametrize("durability", DURABILITIES)
def test_redis_keeps_its_promises(oracle_program: str, place: Path, durability: str) -> None:
    """So the harness asks for nothing that redis-server does not give."""
    report = kill([oracle_program], place, durability, 6)
    assert report.broken == []
    assert sum(report.kills.values()) >= 6


@pytest.mark.timeout(1800)
@pytest.mark.parametrize("durability", DURABILITIES)
def test_respd_keeps_its_promises(place: Path, durability: str, long_form: bool) -> None:
    """However it is killed. (By hand: `python -m crashes --server respd --kills 2000`.)"""
    kills = 200 if long_form else 24
    report = kill(respd_command(), place, durability, kills)
    assert report.broken == []
    assert sum(report.kills.values()) >= kills
    assert report.acknowledged > 0
