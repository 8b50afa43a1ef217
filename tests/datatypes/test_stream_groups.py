"""Consumer groups against a plain model, and how far a group is against what it was really given."""

import random
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from respd.datatypes.stream_groups import (
    FIRST_ID,
    LAST_ID,
    Consumer,
    ConsumerGroup,
    Pending,
    PendingEntries,
    forget,
    is_settled,
)

NAMES = st.sampled_from([b"", b"a", b"b", b"zz"])
IDS = st.one_of(st.integers(0, 12), st.sampled_from([1 << 64, (1 << 64) + 1, LAST_ID]))
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("deliver"), IDS, NAMES),
        st.tuples(st.just("deliver"), IDS, NAMES),
        st.tuples(st.just("hand over"), IDS, NAMES),
        st.tuples(st.just("give back"), IDS),
        st.tuples(st.just("acknowledge"), IDS),
        st.tuples(st.just("delete consumer"), NAMES),
        st.tuples(st.just("copy")),
    ),
    max_size=60,
)


@dataclass
class Model:
    """What a group is: for each pending id its consumer, moment and number of deliveries."""

    pending: dict[int, tuple[bytes | None, int, int]] = field(default_factory=dict)
    consumers: set[bytes] = field(default_factory=set)

    def of(self, name: bytes | None) -> list[int]:
        return sorted(id for id, (owner, _, _) in self.pending.items() if owner == name)


def consumer(group: ConsumerGroup, name: bytes) -> Consumer:
    return group.consumer(name) or group.create_consumer(name, 0)


def step(group: ConsumerGroup, model: Model, given_step: tuple[object, ...], now_ms: int) -> ConsumerGroup:
    match given_step:
        case ("deliver", int(id), bytes(name)):
            group.deliver(id, consumer(group, name), now_ms)
            model.consumers.add(name)
            model.pending[id] = (name, now_ms, 1)
        case ("hand over", int(id), bytes(name)) if id in model.pending:
            entry = group.pending.get(id)
            assert entry is not None
            group.hand_over(entry, consumer(group, name))
            model.consumers.add(name)
            model.pending[id] = (name, *model.pending[id][1:])
        case ("give back", int(id)) if id in model.pending:
            entry = group.pending.get(id)
            assert entry is not None
            group.hand_over(entry, None)
            model.pending[id] = (None, *model.pending[id][1:])
        case ("acknowledge", int(id)):
            assert group.acknowledge(id) == (model.pending.pop(id, None) is not None)
        case ("delete consumer", bytes(name)):
            owned = model.of(name)
            assert group.delete_consumer(name) == len(owned)
            model.consumers.discard(name)
            for id in owned:
                del model.pending[id]
        case ("copy",):
            return group.copy()
    return group


@given(STEPS)
def test_a_group_is_what_its_model_is(steps: list[tuple[object, ...]]) -> None:
    group, model = ConsumerGroup(FIRST_ID, 0), Model()
    for now_ms, one in enumerate(steps):
        group = step(group, model, one, now_ms)
        group.check()
        found = {each.id: (each.consumer, each.delivered_ms, each.deliveries) for each in group.pending.all()}
        assert found == model.pending
        assert [each.name for each in group.sorted_consumers()] == sorted(model.consumers)
        for name in model.consumers:
            assert [each.id for each in consumer(group, name).pending.all()] == model.of(name)


@given(st.lists(st.integers(0, 50), unique=True), st.integers(-1, 51), st.integers(-1, 51), st.integers(0, 60))
def test_between_returns_what_lies_between(ids: list[int], start: int, end: int, limit: int) -> None:
    entries = PendingEntries()
    for id in ids:
        entries.add(Pending(id, b"c", 0, 1))
    expected = [id for id in sorted(ids) if start <= id <= end][:limit]
    assert [entry.id for entry in entries.between(start, end, limit)] == expected


@pytest.mark.parametrize("in_order", [True, False])
def test_thousands_of_pending_entries(in_order: bool) -> None:
    chance = random.Random(7)
    entries = PendingEntries()
    ids = list(range(0, 6000, 2))
    if not in_order:
        chance.shuffle(ids)
    for id in ids:
        entries.add(Pending(id, b"c", 0, 1))
    entries.check()
    kept = set(ids)
    for _ in range(2000):
        id = chance.randrange(6000)
        removed = entries.remove(id)
        assert (removed is not None) == (id in kept)
        kept.discard(id)
    entries.check()
    inside = sorted(kept)
    assert [entry.id for entry in entries.all()] == inside
    for _ in range(50):
        start, end, limit = chance.randrange(-5, 6010), chance.randrange(-5, 6010), chance.randrange(2000)
        expected = [id for id in inside if start <= id <= end][:limit]
        assert [entry.id for entry in entries.between(start, end, limit)] == expected
    assert (entries.first_id(), entries.last_id(), len(entries)) == (inside[0], inside[-1], len(inside))


def test_a_group_is_freed_in_slices() -> None:
    group = ConsumerGroup(FIRST_ID, 0)
    for number in range(5000):
        group.deliver(number, consumer(group, b"%d" % (number % 3)), 0)
    slices = 0
    while group.free_some(500) <= 0:
        slices += 1
    assert not group.consumers
    assert 15 <= slices <= 25


@pytest.mark.parametrize(
    ("last_id", "pending", "settled"), [(5, [], True), (4, [], False), (5, [5], False), (9, [4, 6], True)]
)
def test_an_entry_is_settled_when_every_group_has_acknowledged_it(
    last_id: int, pending: list[int], settled: bool
) -> None:
    done, asked = ConsumerGroup(LAST_ID, 0), ConsumerGroup(last_id, 0)
    for id in pending:
        asked.deliver(id, consumer(asked, b"c"), 0)
    groups = {b"done": done, b"asked": asked}
    assert is_settled(groups, 5) == settled
    forget(groups, 5)
    asked.check()
    assert is_settled(groups, 5) == (last_id >= 5)
