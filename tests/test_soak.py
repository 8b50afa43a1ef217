"""The soak: it sees what it should see, and in its short form respd stays what it was under every kind of load."""

from __future__ import annotations

import random
import shlex

import pytest

from soak.harness import Limits, Soak
from soak.load import DEEDS
from soak.models import KINDS, Checked
from soak.watch import slope
from tests.local import Local
from tests.servers import respd_command


def _checked(local: Local, steps: int, lost: str = "") -> Checked:
    """Checked keys after so many steps; in the middle the command `lost` runs besides."""
    checked = Checked(b"checked", random.Random(5), keys_of_each=1)
    local.run("FLUSHALL")
    local.run("HELLO 2")
    for number in range(steps):
        if lost and number == steps // 2:
            local.run(lost)
        checked.step(lambda commands: [local.run(words) for words in commands])
    return checked


def test_the_models_are_what_the_commands_do(local: Local) -> None:
    checked = _checked(local, 1500)
    assert (checked.wrong, checked.vanished, checked.steps) == ([], 0, 1500)
    assert len(checked.states) == len(KINDS)


def test_evicted_keys_are_told_from_wrong_ones(local: Local) -> None:
    checked = _checked(local, 300, "FLUSHALL")
    assert checked.wrong == [] and 1 <= checked.vanished <= len(KINDS)
    checked = _checked(local, 300, "SADD checked:set:0 stranger")
    assert len(checked.wrong) == 1 and "checked:set:0" in checked.wrong[0]


def test_growth_is_seen() -> None:
    assert slope([(float(second), 100.0 + 3 * second) for second in range(50)]) == pytest.approx(3)
    assert slope([]) == slope([(1.0, 5.0)]) == 0.0


def test_a_short_soak() -> None:
    """A few seconds of everything at once; limits that depend on the machine are wide here."""
    limits = Limits(stall_ms=5000, growth_percent=100)
    soak = Soak(shlex.join(respd_command()), 1.5, 200, 1, 8, 1, [], limits)
    report = soak.run(lambda line: None)
    assert report.failures == [], report.lines
    assert all(report.done[name] > 0 for name in DEEDS), report.lines
