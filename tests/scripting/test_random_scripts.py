"""Random scripts on respd and on redis-server: replies, errors with their lines, events and data must be the same.

The same few hundred run each time; `--long` runs ten thousand, and `--random-steps N` N new ones.
"""

from __future__ import annotations

import time

import pytest

from tests.conftest import PairKeeper
from tests.harness import Step, case
from tests.scripting.grammar import ScriptMaker
from tests.test_random_commands import reduced

SCRIPTS_IN_A_CASE = 10


def _step(script: str) -> Step:
    return Step(1, (b"EVAL", script.encode("latin-1"), b"2", b"k1", b"k2", b"a", b"10"))


def test_random_scripts(pairs: PairKeeper, pytestconfig: pytest.Config, long_form: bool) -> None:
    wanted = pytestconfig.getoption("--random-steps")
    count = wanted or (10_000 if long_form else 300)
    first = int(time.time()) * 1000 if wanted else 0
    pair = pairs.get()
    for seed in range(first, first + max(1, count // SCRIPTS_IN_A_CASE)):
        maker = ScriptMaker(seed)
        steps = [_step(maker.script()) for _ in range(SCRIPTS_IN_A_CASE)]
        resp = 2 + seed % 2
        if pair.run_variant(case("random", *steps), resp, False):
            found = reduced(pair, steps, resp, False)
            pytest.fail(f"seed {seed}: {found}\n\n" + steps[-1].words[1].decode("latin-1"), pytrace=False)
