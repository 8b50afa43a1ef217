"""Indexed sets and maps against plain ones under random steps, and what a scan promises while they change."""

from random import Random

from hypothesis import given
from hypothesis import strategies as st

from respd.datatypes.indexed import IndexedMap, IndexedSet, average_size, scan_span

_members = st.sampled_from([b"%d" % n for n in range(12)])
_set_steps = st.lists(
    st.one_of(
        st.tuples(st.just("add"), _members),
        st.tuples(st.just("discard"), _members),
        st.tuples(st.just("pop"), _members),
    ),
    max_size=60,
)


@given(_set_steps, st.integers(0, 100))
def test_a_set_behaves_like_a_plain_one(steps: list[tuple[str, bytes]], seed: int) -> None:
    random = Random(seed)
    indexed = IndexedSet()
    plain: set[bytes] = set()
    for action, member in steps:
        if action == "add":
            assert indexed.add(member) == (member not in plain)
            plain.add(member)
        elif action == "discard":
            assert indexed.discard(member) == (member in plain)
            plain.discard(member)
        elif action == "pop" and plain:
            assert indexed.pick(random) in plain
            plain.remove(indexed.pop_random(random))
        indexed.check()
        assert set(indexed.members) == plain
        assert len(indexed) == len(plain)
        assert (member in indexed) == (member in plain)


@given(st.lists(st.tuples(st.booleans(), _members, st.binary(max_size=2)), max_size=60))
def test_a_map_behaves_like_a_plain_one(steps: list[tuple[bool, bytes, bytes]]) -> None:
    indexed = IndexedMap()
    plain: dict[bytes, bytes] = {}
    for remove, field, value in steps:
        if remove:
            assert indexed.discard(field) == (plain.pop(field, None) is not None)
        else:
            assert indexed.set(field, value) == (field not in plain)
            plain[field] = value
        indexed.check()
        assert dict(zip(indexed.fields, indexed.values)) == plain
        assert indexed.get(field) == plain.get(field)
        assert (field in indexed) == (field in plain)
        assert len(indexed) == len(plain)
        if plain:
            assert indexed.fields[indexed.pick(Random(len(plain)))] in plain


@given(
    st.integers(1, 40),
    st.integers(1, 7),
    st.lists(st.lists(st.tuples(st.booleans(), st.integers(0, 60)), max_size=12), max_size=40),
)
def test_a_scan_returns_whatever_stays(size: int, count: int, changes: list[list[tuple[bool, int]]]) -> None:
    indexed = IndexedSet()
    for number in range(size):
        indexed.add(b"%d" % number)
    stayed = set(indexed.members)
    seen: set[bytes] = set()
    cursor = 0
    for step in range(10_000):
        cursor, found = indexed.scan(cursor, count)
        seen.update(found)
        if cursor == 0:
            break
        for adds, number in changes[step] if step < len(changes) else []:
            member = b"%d" % number
            if adds:
                indexed.add(member)
            else:
                indexed.discard(member)
                stayed.discard(member)
    else:
        raise AssertionError("the scan does not end")
    assert stayed <= seen


def test_a_scan_of_a_map_returns_fields_with_their_values() -> None:
    indexed = IndexedMap()
    for number in range(5):
        indexed.set(b"f%d" % number, b"v%d" % number)
    cursor, flat = indexed.scan(0, 3)
    assert (cursor, flat) == (2, [b"f2", b"v2", b"f3", b"v3", b"f4", b"v4"])
    assert indexed.scan(cursor, 3) == (0, [b"f0", b"v0", b"f1", b"v1"])


def test_a_cursor_beyond_the_top_starts_at_the_top() -> None:
    assert scan_span(1000, 3, 10) == (10, 7)
    assert scan_span(0, 3, 0) == (0, 0)
    assert scan_span(2, 1 << 70, 10) == (2, 0)


def test_copies_are_independent() -> None:
    members = IndexedSet()
    members.add(b"a")
    twin = members.copy()
    twin.add(b"b")
    pairs = IndexedMap()
    pairs.set(b"a", b"1")
    other = pairs.copy()
    other.set(b"a", b"2")
    assert (members.members, twin.members) == ([b"a"], [b"a", b"b"])
    assert (pairs.get(b"a"), other.get(b"a")) == (b"1", b"2")


def test_freeing_in_steps_empties() -> None:
    members = IndexedSet()
    pairs = IndexedMap()
    for number in range(10):
        members.add(b"%d" % number)
        pairs.set(b"%d" % number, b"")
    left = [10, 10, 10, 7, 4, 1, 0]  # the slots go first
    for size in left:
        assert members.free_some(3) == pairs.free_some(3) == (size == 0)
        assert len(members) == len(pairs) == size


def test_a_large_set_is_split_and_stays_the_same() -> None:
    members = IndexedSet()
    pairs = IndexedMap()
    for number in range(70_000):
        assert members.add(b"%d" % number)
        assert pairs.set(b"%d" % number, b"v%d" % number)
        if number in (65_535, 65_536, 65_537):
            members.check()
    assert not members.add(b"5")
    assert not pairs.set(b"5", b"new")
    assert pairs.get(b"5") == b"new"
    twin = members.copy()
    for number in range(0, 70_000, 2):
        assert members.discard(b"%d" % number)
        assert pairs.discard(b"%d" % number)
    assert not members.discard(b"0")
    assert b"1" in members and b"2" not in members
    assert pairs.get(b"69999") == b"v69999" and pairs.get(b"2") is None
    random = Random(5)
    for _ in range(1000):
        assert members.pop_random(random) not in members
    for each in (members, pairs, twin):
        each.check()
        assert each.memory_bytes() > 1_000_000
    assert (len(members), len(pairs), len(twin)) == (34_000, 35_000, 70_000)
    steps = 0
    while not twin.free_some(1000):
        steps += 1
    assert len(twin) == 0
    assert 100 < steps < 150


def test_memory_grows_with_the_members() -> None:
    small, large = IndexedSet(), IndexedSet()
    pairs = IndexedMap()
    for number in range(1000):
        large.add(b"%d" % number)
        pairs.set(b"%d" % number, b"v" * 100)
    assert small.memory_bytes() < 1000 < 1000 * 64 < large.memory_bytes() < pairs.memory_bytes()
    assert average_size([]) == 0
