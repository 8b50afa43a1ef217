"""The approximate count of accesses."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from respd.datatypes.frequencies import MOST, NEW_KEY, decayed, minute_of, packed, raised

MINUTES = st.integers(0, 0xFFFF)
COUNTERS = st.integers(0, MOST)


@given(MINUTES, COUNTERS, st.integers(0, 1000), st.integers(0, 100))
def test_it_falls_by_one_for_each_period(minute: int, counter: int, passed: int, period: int) -> None:
    now = (minute + passed) & 0xFFFF
    expected = max(0, counter - passed // period) if period else counter
    assert decayed(packed(minute, counter), now, period) == expected


@given(COUNTERS, st.floats(0, 1, exclude_max=True), st.integers(0, 1000))
def test_it_rises_by_one_at_most(counter: int, random: float, factor: int) -> None:
    assert raised(counter, random, factor) - counter in ((0,) if counter == MOST else (0, 1))


@given(st.integers(0, NEW_KEY), st.floats(0, 1, exclude_max=True), st.integers(0, 1000))
def test_it_rises_for_certain_while_it_is_low(counter: int, random: float, factor: int) -> None:
    assert raised(counter, random, factor) == counter + 1


@given(COUNTERS, st.floats(0, 1, exclude_max=True))
def test_with_a_factor_of_0_it_counts_every_access(counter: int, random: float) -> None:
    assert raised(counter, random, 0) == min(MOST, counter + 1)


@pytest.mark.parametrize(
    "factor, accesses, least, most", [(10, 1000, 12, 24), (10, 100_000, 110, 180), (1, 1000, 35, 62)]
)
def test_it_grows_as_redis_documents(factor: int, accesses: int, least: int, most: int) -> None:
    """redis.io gives 18, 142 and 49 for these."""
    random = Random(4)
    counter = NEW_KEY
    for _ in range(accesses):
        counter = raised(counter, random.random(), factor)
    assert least <= counter <= most


def test_minutes_go_round_in_45_days() -> None:
    assert minute_of(60_000 * 65_537) == 1
    assert decayed(packed(0xFFFF, 9), 2, 1) == 6
