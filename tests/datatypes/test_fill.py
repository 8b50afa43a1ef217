"""Values made in one go from what a file holds: the same as values made member by member, and twins are noticed."""

from __future__ import annotations

from array import array

import pytest
from hypothesis import given
from hypothesis import strategies as st

from respd.datatypes.hashes import HashValue
from respd.datatypes.limits import Limits
from respd.datatypes.list_nodes import packed_node, plain_node
from respd.datatypes.lists import ListValue
from respd.datatypes.sets import SetValue
from respd.datatypes.sorted_sets import SortedSet

WORDS = st.binary(max_size=70) | st.integers(-(1 << 63), (1 << 63) - 1).map(lambda n: b"%d" % n)
FEW = st.lists(st.sampled_from([b"%d" % n for n in range(6)]) | WORDS, max_size=30)
SCORES = st.floats(allow_nan=False) | st.sampled_from([0.0, -0.0, 1.0])


def _limits(entries: int) -> Limits:
    limits = Limits()
    limits.hash_max_entries = limits.set_max_entries = limits.zset_max_entries = limits.set_max_intset = entries
    return limits


@given(FEW, st.integers(0, 30), st.booleans())
def test_a_set(members: list[bytes], entries: int, any_size: bool) -> None:
    """Its members, and whether one came twice."""
    made = SetValue()
    differ = made.fill(members[:], _limits(entries), any_size)
    assert differ == (len(set(members)) == len(members))
    if differ and members:
        made.check()
        assert sorted(made.members()) == sorted(members)
        if len(members) > entries:
            assert made.encoding() == b"hashtable"
        elif any_size:
            assert made.encoding() == b"listpack"


@pytest.mark.parametrize(
    "members, encoding",
    [
        ([b"3", b"1", b"-2"], b"intset"),
        ([b"3", b"1", b"x"], b"listpack"),
        ([b"x", b"1"], b"listpack"),
        ([b"1", b"x" * 65], b"hashtable"),
        ([b"%d" % n for n in range(129)], b"intset"),
        ([*(b"%d" % n for n in range(128)), b"x"], b"hashtable"),
        ([b"%d" % n for n in range(513)], b"hashtable"),
    ],
)
def test_the_encoding_of_a_set(members: list[bytes], encoding: bytes) -> None:
    """As Redis finds it while it reads member by member."""
    made = SetValue()
    assert made.fill(members, Limits(), False)
    assert made.encoding() == encoding


def test_numbers_before_the_first_word_are_put_in_order() -> None:
    """They were an intset until then."""
    made = SetValue()
    assert made.fill([b"3", b"-1", b"x", b"2"], Limits(), False)
    assert made.members() == [b"-1", b"3", b"x", b"2"]


def test_a_set_of_an_array() -> None:
    """Beyond the limit it is large."""
    for count, encoding in ((3, b"intset"), (4, b"hashtable")):
        made = SetValue()
        made.fill_ints(array("q", range(count)), _limits(3))
        made.check()
        assert made.encoding() == encoding and len(made) == count


@given(st.lists(st.tuples(WORDS, WORDS), max_size=30), st.integers(0, 30), st.booleans())
def test_a_hash(pairs: list[tuple[bytes, bytes]], entries: int, any_size: bool) -> None:
    """Its pairs, and whether a field came twice."""
    flat = [word for pair in pairs for word in pair]
    made = HashValue()
    differ = made.fill(flat, _limits(entries), any_size)
    assert differ == (len({field for field, _ in pairs}) == len(pairs))
    if differ:
        made.check()
        assert made.items() == flat
        if any_size:
            assert made.encoding() == (b"listpack" if len(pairs) <= entries else b"hashtable")


@given(st.lists(st.tuples(WORDS, WORDS, st.integers(0, 5)), max_size=30), st.integers(0, 30), st.booleans())
def test_a_hash_whose_fields_expire(rows: list[tuple[bytes, bytes, int]], entries: int, any_size: bool) -> None:
    """Its pairs with their moments; the earliest is known."""
    flat = [word for field, value, _ in rows for word in (field, value)]
    made = HashValue()
    differ = made.fill_expiring(flat, [at_ms for _, _, at_ms in rows], _limits(entries), any_size)
    assert differ == (len({field for field, _, _ in rows}) == len(rows))
    if differ:
        made.check()
        assert len(made) == len(rows)
        for field, value, at_ms in rows:
            assert made.get(field) == value
            assert made.expire_at(field) == at_ms


def test_fields_with_equal_moments() -> None:
    """From a listpack as they stand there; one by one, the last comes first, as in Redis."""
    flat = [b"a", b"", b"b", b"", b"c", b"", b"d", b""]
    for any_size, expected in ((True, [b"a", b"c", b"b", b"d"]), (False, [b"c", b"a", b"b", b"d"])):
        made = HashValue()
        assert made.fill_expiring(flat, [7, 0, 7, 0], Limits(), any_size)
        assert made.fields() == expected


@given(st.lists(st.tuples(WORDS, SCORES), max_size=300), st.integers(0, 300), st.booleans(), st.integers(0, 2))
def test_a_sorted_set(rows: list[tuple[bytes, float]], entries: int, any_size: bool, order: int) -> None:
    """Whatever the order in which its members come, and whether one came twice."""
    if order:
        rows.sort(key=lambda row: (row[1], row[0]), reverse=order == 2)
    made = SortedSet()
    differ = made.fill([member for member, _ in rows], [score for _, score in rows], _limits(entries), any_size)
    assert differ == (len({member for member, _ in rows}) == len(rows))
    if differ:
        made.check()
        found = [(element.score, element.member) for element in made.between(0, len(made))]
        assert found == sorted((score, member) for member, score in rows)
        if any_size:
            assert made.encoding() == (b"listpack" if len(rows) <= entries else b"skiplist")


@given(st.lists(st.lists(WORDS, min_size=1, max_size=5), min_size=1, max_size=6), st.booleans())
def test_a_list(parts: list[list[bytes]], plain: bool) -> None:
    """Nodes stay what they were in the file, but a single one that is small enough."""
    nodes = [packed_node(part[:]) for part in parts]
    if plain:
        nodes.append(plain_node(b"alone"))
        parts = [*parts, [b"alone"]]
    made = ListValue()
    made.fill_nodes(nodes, Limits())
    made.check()
    assert made.to_list() == [word for part in parts for word in part]
    assert made.encoding() == (b"listpack" if len(parts) == 1 else b"quicklist")
    made.push_tail(b"more", Limits())
    made.pop_head()
    made.check()
