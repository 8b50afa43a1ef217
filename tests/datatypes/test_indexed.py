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
        st.tuples(st.just("free"), _members),
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
        elif action == "free" and len(plain) > 8:
            assert not indexed.free_some(2)
            plain = set(indexed.members)
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
    for step in range(4):
        assert members.free_some(3) == pairs.free_some(3) == (step == 3)
        members.check()
        pairs.check()
    assert len(members) == len(pairs) == 0


def test_memory_grows_with_the_members() -> None:
    small, large = IndexedSet(), IndexedSet()
    pairs = IndexedMap()
    for number in range(1000):
        large.add(b"%d" % number)
        pairs.set(b"%d" % number, b"v" * 100)
    assert small.memory_bytes() < 1000 < 1000 * 64 < large.memory_bytes() < pairs.memory_bytes()
    assert average_size([]) == 0
