"""Every case of tests/cases, on respd and on redis-server: replies, types, errors, events and data must be the same."""

from __future__ import annotations

from typing import Any

import pytest

from tests.conftest import PairKeeper
from tests.harness import Case
from tests.harness_cli import CASES_HOME, load_cases


def _all_cases() -> list[Any]:
    found = []
    for path in sorted(CASES_HOME.glob("[!_]*.py")):
        for one in load_cases(path):
            found.append(pytest.param(one, id=f"{path.stem}: {one.name}"))
    return found


@pytest.mark.parametrize("one", _all_cases())
def test_case(one: Case, pairs: PairKeeper) -> None:
    """respd does what redis-server does."""
    try:
        differences = pairs.get().run(one)
    except (OSError, AssertionError):
        pairs.forget()
        raise
    if differences:
        pytest.fail("\n".join(differences), pytrace=False)
