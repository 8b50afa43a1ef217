"""Sorted sets against a naive model, and the claims their text makes."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from respd.datatypes import sorted_sets
from respd.datatypes.limits import Limits
from respd.datatypes.sorted_sets import Element, SortedSet, ordered, sorted_set

MEMBERS = st.one_of(st.sampled_from([b"", b"a", b"b", b"ab", b"\x00", b"\xff", b"long" * 5]), st.binary(max_size=2))
SCORES = st.sampled_from([0.0, 1.0, -1.0, 1.5, 2.0, 3.0, float("inf"), float("-inf"), 1e300, 5e-324])
RANKS = st.integers(0, 40)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("put"), MEMBERS, SCORES),
        st.tuples(st.just("put"), MEMBERS, SCORES),
        st.tuples(st.just("discard"), MEMBERS),
        st.tuples(st.just("pop_min")),
        st.tuples(st.just("pop_max")),
        st.tuples(st.just("remove_between"), RANKS, RANKS),
        st.tuples(st.just("copy")),
    ),
    max_size=60,
)
Flat = list[tuple[float, bytes]]


def limits(entries: int = 5, value: int = 10) -> Limits:
    made = Limits()
    made.zset_max_entries = entries
    made.zset_max_value = value
    return made


def flat(elements: list[Element]) -> Flat:
    return [(element.score, element.member) for element in elements]


def contents(zset: SortedSet) -> Flat:
    return flat(zset.between(0, len(zset)))


class Model:
    """What a sorted set is, in one dictionary."""

    def __init__(self) -> None:
        self.scores: dict[bytes, float] = {}

    def items(self) -> Flat:
        return sorted((score, member) for member, score in self.scores.items())

    def put(self, member: bytes, score: float) -> None:
        self.scores[member] = score

    def discard(self, member: bytes) -> bool:
        return self.scores.pop(member, None) is not None

    def take(self, start: int, stop: int) -> Flat:
        taken = self.items()[start:stop]
        for _, member in taken:
            del self.scores[member]
        return taken


def step(zset: SortedSet, model: Model, given_step: tuple[object, ...], bounds: Limits) -> SortedSet:
    match given_step:
        case ("put", bytes(member), float(score)):
            zset.put(member, score, bounds)
            model.put(member, score)
        case ("discard", bytes(member)):
            assert zset.discard(member) == model.discard(member)
        case ("pop_min",) if len(zset):
            assert flat([zset.pop_min()]) == model.take(0, 1)
        case ("pop_max",) if len(zset):
            assert flat([zset.pop_max()]) == model.take(len(zset), len(zset) + 1)
        case ("remove_between", int(start), int(stop)):
            stop = min(stop, len(zset))
            assert zset.remove_between(start, stop) == len(model.take(start, stop))
        case ("copy",):
            twin = zset.copy()
            assert twin.encoding() == zset.encoding()
            zset.put(b"only here", 1.0, bounds)
            zset.check()
            zset = twin
    return zset


def agree(zset: SortedSet, model: Model) -> None:
    items = model.items()
    zset.check()
    assert len(zset) == len(items)
    assert contents(zset) == items
    assert sorted(flat(zset.unordered())) == items
    for rank, (score, member) in enumerate(items):
        element = zset.find(member)
        assert element is not None
        assert element.score == score
        assert zset.rank(element) == rank
        assert zset.rank_of_score(score, False) == sum(other < score for other, _ in items)
        assert zset.rank_of_score(score, True) == sum(other <= score for other, _ in items)
    assert zset.find(b"absent") is None
    assert zset.rank_of_score(1.7, False) == sum(score < 1.7 for score, _ in items)
    half = len(items) // 2
    assert flat(zset.between(half, len(items))) == items[half:]
    assert flat(zset.between(0, half)) == items[:half]


@given(STEPS, st.sampled_from([0, 5, 1000]))
@settings(deadline=None, max_examples=120)
def test_random_steps_agree_with_the_model(steps: list[tuple[object, ...]], entries: int) -> None:
    bounds = limits(entries)
    zset = SortedSet()
    model = Model()
    for one in steps:
        zset = step(zset, model, one, bounds)
        agree(zset, model)


@pytest.mark.parametrize("seed", range(4))
def test_long_histories_split_and_join_blocks_and_groups(seed: int) -> None:
    # Some hundred thousand members would be needed to fill a group of full blocks: rising runs and thinned-out ends
    # bring splits and joins of both sooner.
    rng = random.Random(seed)
    bounds = limits()
    zset = SortedSet()
    model = Model()
    size = 150 if seed % 2 else 30_000
    for number in range(size):
        score = float(number if seed < 2 else rng.randrange(size // 3))
        zset.put(b"m%d" % number, score, bounds)
        model.put(b"m%d" % number, score)
    zset.check()
    assert contents(zset) == model.items()
    for number in range(size * 2):
        member = b"m%d" % rng.randrange(size)
        choice = rng.random()
        if choice < 0.5:
            assert zset.discard(member) == model.discard(member)
        elif choice < 0.75 and len(zset):
            pair = flat([zset.pop_min() if choice < 0.6 else zset.pop_max()])[0]
            assert model.scores.pop(pair[1]) == pair[0]
        else:
            zset.put(member, float(rng.randrange(size // 3)), bounds)
            model.put(member, zset.find(member).score)  # type: ignore[union-attr]
        if number % (size // 8) == 0:
            zset.check()
            assert contents(zset) == model.items()
    zset.check()
    items = model.items()
    for _ in range(50):
        start = rng.randrange(len(items) + 1)
        stop = rng.randrange(start, len(items) + 1)
        assert flat(zset.between(start, stop)) == items[start:stop]
    while items:
        stop = min(len(items), len(items) // 3 + 1 + rng.randrange(40))
        start = rng.randrange(stop)
        assert zset.remove_between(start, stop) == stop - start
        del items[start:stop]
        zset.check()
        assert contents(zset) == items


def test_groups_split_and_join_at_random_scores() -> None:
    rng = random.Random(5)
    bounds = limits()
    zset = SortedSet()
    total = sorted_sets._BLOCK_MAX * sorted_sets._GROUP_MAX * 2
    for number in range(total):
        zset.put(b"%d" % number, rng.random(), bounds)
    zset.check()
    expected = contents(zset)
    assert expected == sorted(expected)
    for number in range(0, total, 997):
        element = zset.find(b"%d" % number)
        assert element is not None
        assert expected[zset.rank(element)][1] == b"%d" % number
    for number in range(total):
        if number % 50:
            assert zset.discard(b"%d" % number)
    zset.check()
    assert contents(zset) == [pair for pair in expected if int(pair[1]) % 50 == 0]


@given(st.lists(MEMBERS, unique=True, max_size=30), MEMBERS, st.sampled_from([0, 1000]))
@settings(deadline=None)
def test_ranks_of_members_where_scores_are_equal(members: list[bytes], probe: bytes, entries: int) -> None:
    zset = SortedSet()
    for member in members:
        zset.put(member, 7.0, limits(entries))
    assert zset.rank_of_member(probe, False) == sum(member < probe for member in members)
    assert zset.rank_of_member(probe, True) == sum(member <= probe for member in members)


@given(st.dictionaries(MEMBERS, SCORES, max_size=12))
def test_a_set_made_of_elements_is_as_one_filled_by_hand(scores: dict[bytes, float]) -> None:
    zset = sorted_set(ordered(scores), limits())
    zset.check()
    assert contents(zset) == sorted((score, member) for member, score in scores.items())


@pytest.mark.parametrize("spread", [1, 7, 10**6])
@pytest.mark.parametrize("size", [1, 128, 129, 128 * 128, 128 * 128 + 1, 40_000])
def test_a_set_filled_at_once_is_in_order_and_may_change(size: int, spread: int) -> None:
    rng = random.Random(size)
    members = [b"%d" % number for number in range(size)]
    scores = [float(rng.randrange(spread)) for _ in members]
    zset = SortedSet()
    assert zset.fill(members, scores, limits(0), False)
    zset.check()
    assert contents(zset) == sorted(zip(scores, members))
    for member in members[::3]:
        zset.put(member, 3.5, limits(0))
    zset.check()


@pytest.mark.parametrize("entries, value, large", [(3, 10, False), (2, 10, True), (3, 2, True), (0, 10, True)])
def test_encoding_follows_the_limits(entries: int, value: int, large: bool) -> None:
    zset = SortedSet()
    assert zset.encoding() == b"listpack"
    for member in (b"one", b"two", b"six"):
        zset.put(member, 1.0, limits(entries, value))
    assert zset.encoding() == (b"skiplist" if large else b"listpack")
    zset.discard(b"one")
    zset.discard(b"two")
    assert zset.encoding() == (b"skiplist" if large else b"listpack")


def test_a_small_set_has_no_negative_zero_and_a_large_one_has() -> None:
    small = SortedSet()
    small.put(b"a", -0.0, limits())
    large = SortedSet()
    large.put(b"a", -0.0, limits(0))
    assert str(small.pop_min().score) == "0.0"
    assert str(large.pop_min().score) == "-0.0"


@pytest.mark.parametrize("seed", range(20))
def test_a_scan_returns_what_stays_whatever_else_happens(seed: int) -> None:
    rng = random.Random(seed)
    bounds = limits()
    zset = SortedSet()
    for number in range(200):
        zset.put(b"stay%d" % number, rng.random(), bounds)
        zset.put(b"go%d" % number, rng.random(), bounds)
    seen: set[bytes] = set()
    cursor = 0
    while True:
        cursor, found = zset.scan(cursor, rng.randrange(1, 20))
        seen.update(element.member for element in found)
        if cursor == 0:
            break
        for _ in range(15):
            zset.discard(b"go%d" % rng.randrange(200))
            zset.put(b"new%d" % rng.randrange(1000), rng.random(), bounds)
            zset.put(b"stay%d" % rng.randrange(200), rng.random(), bounds)  # moves in order
        zset.check()
    assert seen >= {b"stay%d" % number for number in range(200)}


def test_random_members_are_any_of_the_set() -> None:
    for entries in (0, 1000):
        zset = SortedSet()
        for number in range(20):
            zset.put(b"%d" % number, 0.0, limits(entries))
        rng = random.Random(1)
        assert len({zset.pick(rng).member for _ in range(500)}) == 20


@pytest.mark.parametrize("size, slices", [(0, 1), (5, 1), (1000, 7), (40_000, 267)])
def test_freeing_takes_slices(size: int, slices: int) -> None:
    zset = SortedSet()
    for number in range(size):
        zset.put(b"%d" % number, float(number % 7), limits())
    taken = 1
    while not zset.free_some(300):
        taken += 1
    assert taken <= slices + 1
    assert taken >= slices
    assert len(zset) == 0


def test_memory_grows_with_the_members() -> None:
    zset = SortedSet()
    empty = zset.memory_bytes()
    for number in range(1000):
        zset.put(b"%016d" % number, 0.0, limits())
    assert empty < 1000 < 50_000 < zset.memory_bytes() < 1_000_000
