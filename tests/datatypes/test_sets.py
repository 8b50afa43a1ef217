"""Set values against a plain set under random steps, with the encodings Redis would have reported."""

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from respd.datatypes import sets
from respd.datatypes.limits import Limits
from respd.datatypes.sets import SetValue

_member = st.one_of(
    st.integers(-3, 20).map(lambda n: b"%d" % n),
    st.sampled_from([b"", b"a", b"b", b"ab", b"\x01a", b"007", b"-0", b"9" * 19, b"9" * 9, b"long" * 5, b"\x00\xff"]),
    st.sampled_from([b"w" * size for size in (253, 254, 255, 256, 300)]),
)
_steps = st.lists(st.tuples(st.sampled_from(["add", "add", "add", "discard", "pop", "many"]), _member), max_size=50)


def small_limits(longest: int = 10) -> Limits:
    limits = Limits()
    limits.set_max_intset = 6
    limits.set_max_entries = 4 if longest == 10 else 20
    limits.set_max_value = longest
    return limits


def filled(members: list[bytes], limits: Limits | None = None) -> SetValue:
    value = SetValue()
    for member in members:
        value.add(member, limits or Limits())
    return value


def numbered(count: int, first: int = 0) -> list[bytes]:
    return [b"%d" % number for number in range(first, first + count)]


@given(_steps, st.integers(0, 100), st.sampled_from([10, 1000]))
def test_behaves_like_a_plain_set(steps: list[tuple[str, bytes]], seed: int, longest: int) -> None:
    random = Random(seed)
    limits = small_limits(longest)
    value = SetValue()
    plain: set[bytes] = set()
    for action, member in steps:
        if action == "add":
            assert value.add(member, limits) == (member not in plain)
            plain.add(member)
        elif action == "discard":
            assert value.discard(member) == (member in plain)
            plain.discard(member)
        elif action == "pop" and plain:
            assert value.pick(random) in plain
            plain.remove(value.pop_random(random))
        elif action == "many" and len(plain) > 1:
            count = random.randrange(1, len(plain))
            popped = value.pop_many(count, random, limits)
            assert len(set(popped)) == count and plain.issuperset(popped)
            plain.difference_update(popped)
        value.check()
        assert sorted(value.members()) == sorted(plain)
        assert len(value) == len(plain)
        assert value.contains(member) == (member in plain)
        assert value.copy().members() == value.members()
        assert value.copy().encoding() == value.encoding()


@pytest.mark.parametrize(
    ("members", "encoding"),
    [
        (numbered(512), b"intset"),
        (numbered(513), b"hashtable"),
        ([b"a", *numbered(127)], b"listpack"),
        ([b"a", *numbered(128)], b"hashtable"),
        ([*numbered(127), b"a"], b"listpack"),
        ([*numbered(128), b"a"], b"hashtable"),
        ([b"x" * 64], b"listpack"),
        ([b"x" * 65], b"hashtable"),
        ([b"1", b"x" * 65], b"hashtable"),
        ([b"01"], b"listpack"),
        ([b"9223372036854775807", b"-9223372036854775808"], b"intset"),
        ([b"9223372036854775808"], b"listpack"),
    ],
)
def test_encoding_at_its_thresholds(members: list[bytes], encoding: bytes) -> None:
    assert filled(members).encoding() == encoding


def test_wide_integers_count_towards_the_longest_member() -> None:
    limits = Limits()
    limits.set_max_value = 4
    assert filled([b"12345", b"a"], limits).encoding() == b"hashtable"
    assert filled([b"-1234", b"a"], limits).encoding() == b"hashtable"
    assert filled([b"1234", b"a"], limits).encoding() == b"listpack"


@pytest.mark.parametrize(
    ("first", "count", "encoding"),
    [
        (b"1", 512, b"intset"),
        (b"1", 513, b"hashtable"),
        (b"a", 128, b"listpack"),
        (b"a", 129, b"hashtable"),
    ],
)
def test_prepare_goes_by_the_number_of_members_to_come(first: bytes, count: int, encoding: bytes) -> None:
    value = SetValue()
    value.prepare(first, count, Limits())
    assert value.encoding() == encoding


def test_prepare_converts_what_is_there() -> None:
    ints, small = filled([b"1"]), filled([b"a"])
    ints.prepare(b"2", 513, Limits())
    small.prepare(b"2", 129, Limits())
    assert (ints.encoding(), ints.members()) == (b"hashtable", [b"1"])
    assert (small.encoding(), small.members()) == (b"hashtable", [b"a"])


def test_integers_are_kept_in_order_and_words_as_they_came() -> None:
    assert filled([b"10", b"9", b"-1"]).members() == [b"-1", b"9", b"10"]
    words = filled([b"b", b"c", b"a"])
    words.discard(b"c")
    assert words.members() == [b"b", b"a"]


def test_taking_nearly_all_members_rebuilds_the_set() -> None:
    random = Random(1)
    limits = Limits()
    table = filled([b"a", *numbered(200)])
    table.pop_many(198, random, limits)
    ints = filled(numbered(300))
    ints.pop_many(298, random, limits)
    many = filled([b"a", *numbered(600)])
    many.pop_many(10, random, limits)
    assert (table.encoding(), len(table)) == (b"listpack", 3)
    assert (ints.encoding(), len(ints)) == (b"intset", 2)
    assert (many.encoding(), len(many)) == (b"hashtable", 591)


def test_a_sample_has_no_member_twice() -> None:
    for members in (numbered(20), [b"a", *numbered(20)], [b"a", *numbered(200)]):
        value = filled(members)
        sample = value.sample(5, Random(3))
        assert len(set(sample)) == 5 and set(sample) <= set(members)
        assert sorted(value.sample(1000, Random(3))) == sorted(members)
        assert len(value) == len(members)


def test_small_sets_scan_in_one_step() -> None:
    assert filled([b"a", b"b"]).scan(0, 1) == (0, [b"a", b"b"])
    assert filled([b"2", b"1"]).scan(0, 1) == (0, [b"1", b"2"])
    cursor, found = filled(numbered(600)).scan(0, 10)
    assert cursor == 590 and len(found) == 10


_sets = st.lists(st.sets(_member, max_size=8), min_size=1, max_size=4)


@given(_sets)
def test_operations_on_several_sets(groups: list[set[bytes]]) -> None:
    limits = small_limits()
    values = [filled(sorted(group), limits) for group in groups]
    together = set().union(*groups)
    common = set(groups[0]).intersection(*groups)
    left = groups[0].difference(*groups[1:])
    assert sorted(sets.union(values)) == sorted(together)
    assert sorted(sets.intersection(values)) == sorted(common)
    assert sorted(sets.difference(values[0], values[1:])) == sorted(left)
    for stored, expected in [
        (sets.stored_union(values, limits), together),
        (sets.stored_intersection(values, limits), common),
        (sets.stored_difference(values[0], values[1:], limits), left),
    ]:
        stored.check()
        assert sorted(stored.members()) == sorted(expected)
    assert len(sets.intersection(values, 2)) == min(2, len(common))


def test_a_stored_intersection_is_as_compact_as_it_can_be() -> None:
    limits = Limits()
    table = filled([b"a", *numbered(1000)])
    assert sets.stored_intersection([table, filled(numbered(600, 300))], limits).encoding() == b"hashtable"
    assert sets.stored_intersection([table, filled(numbered(1000, 600))], limits).encoding() == b"intset"
    assert sets.stored_intersection([table, filled([b"a", b"1"])], limits).encoding() == b"listpack"


def test_freeing_and_memory() -> None:
    for members in ([b"1"], [b"a"], [b"a", *numbered(200)]):
        value = filled(members)
        assert value.memory_bytes() > 64
        steps = 0
        while not value.free_some(50):
            steps += 1
        assert len(value) == 0
        assert steps == len(members) // 50 * 2  # slots, then members
    assert SetValue().memory_bytes() == 64
    assert SetValue().free_some(1)
    assert not SetValue().contains(b"1")
    assert not SetValue().discard(b"1")


@given(st.lists(st.lists(_member, max_size=20), min_size=1, max_size=4), st.integers(0, 12))
def test_sizes_of_unions_and_differences(members: list[list[bytes]], limit: int) -> None:
    values = [filled(each) for each in members]
    union_of = set().union(*members)
    left = set(members[0]).difference(*members[1:])
    assert sets.union_size(values, limit) == min(len(union_of), limit or len(union_of))
    assert sets.difference_size(values[0], values[1:], limit) == min(len(left), limit or len(left))
