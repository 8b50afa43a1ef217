"""List values against a plain Python list, under random steps; and the encodings that Redis' rules give."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from respd.datatypes.limits import Limits
from respd.datatypes.list_nodes import entry_size
from respd.datatypes.lists import LISTPACK, QUICKLIST, ListValue

WORDS = st.sampled_from([b"", b"a", b"b", b"c", b"1", b"200", b"-5", b"007"])
LONG = st.builds(lambda size, letter: letter * size, st.sampled_from([63, 64, 700, 1500, 4090, 5000]), st.just(b"x"))
ELEMENTS = st.one_of(WORDS, WORDS, LONG)
SETTINGS = [1, 2, 3, 5, 128, 0, -1, -2]


def limits_of(setting: int) -> Limits:
    limits = Limits()
    limits.list_max_size = setting
    return limits


def filled(count: int, limits: Limits, size: int = 8) -> ListValue:
    value = ListValue()
    value.push_tails([b"%0*d" % (size, number) for number in range(count)], 0, limits)
    return value


class Histories(RuleBasedStateMachine):
    """Every operation, on a list value and on a list."""

    @initialize(setting=st.sampled_from(SETTINGS))
    def begin(self, setting: int) -> None:
        self.limits = limits_of(setting)
        self.value = ListValue()
        self.model: list[bytes] = []

    def some(self, index: int) -> int:
        return index % len(self.model)

    @rule(elements=st.lists(ELEMENTS, min_size=1, max_size=5))
    def push_head(self, elements: list[bytes]) -> None:
        self.value.push_heads([b"LPUSH", b"key", *elements], 2, self.limits)
        self.model[:0] = elements[::-1]

    @rule(elements=st.lists(ELEMENTS, min_size=1, max_size=5))
    def push_tail(self, elements: list[bytes]) -> None:
        self.value.push_tails([b"RPUSH", b"key", *elements], 2, self.limits)
        self.model += elements

    @rule(element=ELEMENTS, at_head=st.booleans())
    def push_one(self, element: bytes, at_head: bool) -> None:
        if at_head:
            self.value.push_head(element, self.limits)
            self.model.insert(0, element)
        else:
            self.value.push_tail(element, self.limits)
            self.model.append(element)

    @precondition(lambda self: self.model)
    @rule()
    def pop_head(self) -> None:
        assert self.value.pop_head() == self.model.pop(0)
        self.value.shrink(self.limits)

    @precondition(lambda self: self.model)
    @rule()
    def pop_tail(self) -> None:
        assert self.value.pop_tail() == self.model.pop()
        self.value.shrink(self.limits)

    @rule(count=st.integers(1, 8))
    def pop_heads(self, count: int) -> None:
        assert self.value.pop_heads(count) == self.model[:count]
        del self.model[:count]
        self.value.shrink(self.limits)

    @rule(count=st.integers(1, 8))
    def pop_tails(self, count: int) -> None:
        assert self.value.pop_tails(count) == self.model[::-1][:count]
        del self.model[max(0, len(self.model) - count) :]
        self.value.shrink(self.limits)

    @precondition(lambda self: self.model)
    @rule(from_head=st.booleans(), to_head=st.booleans())
    def rotate(self, from_head: bool, to_head: bool) -> None:
        element = self.value.pop_head() if from_head else self.value.pop_tail()
        self.value.push_moved(element, to_head, self.limits)
        self.value.shrink(self.limits)
        assert element == self.model.pop(0 if from_head else -1)
        self.model.insert(0 if to_head else len(self.model), element)

    @rule(index=st.integers(-40, 40))
    def get(self, index: int) -> None:
        expected = self.model[index] if -len(self.model) <= index < len(self.model) else None
        assert self.value.get(index) == expected

    @rule(start=st.integers(0, 40), length=st.integers(0, 40))
    def slice(self, start: int, length: int) -> None:
        start = min(start, len(self.model))
        end = min(start + length, len(self.model))
        assert self.value.slice(start, end) == self.model[start:end]

    @rule(element=WORDS, rank=st.sampled_from([1, 2, 3, -1, -2]), count=st.integers(0, 3), depth=st.integers(0, 12))
    def positions(self, element: bytes, rank: int, count: int, depth: int) -> None:
        found = [index for index, each in enumerate(self.model) if each == element]
        if rank < 0:
            found.reverse()
            if depth:
                found = [index for index in found if index >= len(self.model) - depth]
        elif depth:
            found = [index for index in found if index < depth]
        found = found[abs(rank) - 1 :]
        assert self.value.positions(element, rank, count, depth) == (found[:count] if count else found)

    @rule(index=st.integers(-40, 40), element=ELEMENTS)
    def set(self, index: int, element: bytes) -> None:
        there = -len(self.model) <= index < len(self.model)
        assert self.value.set(index, element, self.limits) == there
        if there:
            self.model[index] = element

    @rule(pivot=WORDS, element=ELEMENTS, after=st.booleans())
    def insert(self, pivot: bytes, element: bytes, after: bool) -> None:
        there = pivot in self.model
        assert self.value.insert(pivot, element, after, self.limits) == there
        if there:
            self.model.insert(self.model.index(pivot) + after, element)

    @precondition(lambda self: self.model)
    @rule(index=st.integers(0, 99), element=ELEMENTS, after=st.booleans())
    def insert_beside(self, index: int, element: bytes, after: bool) -> None:
        self.insert(self.model[self.some(index)], element, after)

    @rule(element=WORDS, count=st.integers(-3, 3))
    def remove(self, element: bytes, count: int) -> None:
        found = [index for index, each in enumerate(self.model) if each == element]
        found = found[count:] if count < 0 else found[: count or None]
        assert self.value.remove(element, count, self.limits) == len(found)
        for index in reversed(found):
            del self.model[index]

    @rule(left=st.integers(0, 5), right=st.integers(0, 5))
    def trim(self, left: int, right: int) -> None:
        start = min(left, len(self.model))
        end = max(start, len(self.model) - right)
        self.value.trim(start, end, self.limits)
        self.model = self.model[start:end]

    @rule()
    def copy(self) -> None:
        original = self.value
        self.value = original.copy()
        assert self.value.encoding() == original.encoding()
        original.push_head(b"only in the original", self.limits)
        original.push_tail(b"only in the original", self.limits)
        original.check()

    @rule(setting=st.sampled_from(SETTINGS))
    def configure(self, setting: int) -> None:
        self.limits.list_max_size = setting

    @invariant()
    def same(self) -> None:
        self.value.check()
        assert len(self.value) == len(self.model)
        assert self.value.to_list() == self.model


Histories.TestCase.settings = settings(max_examples=60, stateful_step_count=50, deadline=None)
TestHistories = Histories.TestCase


@given(st.lists(ELEMENTS), st.integers(1, 30), st.sampled_from(SETTINGS))
def test_free_some_drops_all_in_the_end(elements: list[bytes], count: int, setting: int) -> None:
    value = ListValue()
    value.push_tails(elements, 0, limits_of(setting))
    turns = 0
    while not value.free_some(count):
        turns += 1
        value.check()
        assert value.to_list() == elements[: len(elements) - turns * count]
    assert len(value) == 0
    assert turns <= len(elements) // count


@given(st.lists(ELEMENTS), st.sampled_from(SETTINGS))
def test_fill_takes_all_elements(elements: list[bytes], setting: int) -> None:
    value = ListValue()
    value.fill(elements, limits_of(setting))
    value.check()
    assert value.to_list() == elements


@pytest.mark.parametrize(
    ("element", "size"),
    [
        (b"", 2), (b"a", 3), (b"0", 2), (b"127", 2), (b"128", 3), (b"-1", 3), (b"-4096", 3), (b"4095", 3), (b"4096", 4),
        (b"32767", 4), (b"32768", 5), (b"-8388608", 5), (b"8388608", 6), (b"2147483648", 10), (b"-2147483648", 6),
        (b"9223372036854775807", 10), (b"9223372036854775808", 21), (b"007", 5), (b"-0", 4), (b"-", 3), (b"1.5", 5),
        (b"x" * 63, 65), (b"x" * 64, 67), (b"x" * 125, 128), (b"x" * 126, 130), (b"x" * 4095, 4099),
        (b"x" * 4096, 4103),
        (b"x" * 16377, 16384), (b"x" * 16378, 16386),
    ],
)  # fmt: skip
def test_entry_size_is_that_of_a_listpack_entry(element: bytes, size: int) -> None:
    assert entry_size(element) == size


@pytest.mark.parametrize(("setting", "most"), [(1, 1), (4, 4), (0, 1), (128, 128)])
def test_a_positive_bound_counts_elements(setting: int, most: int) -> None:
    limits = limits_of(setting)
    value = filled(most, limits)
    assert value.encoding() == LISTPACK
    value.push_tail(b"one more", limits)
    assert value.encoding() == QUICKLIST
    while value.encoding() == QUICKLIST and len(value):
        value.pop_tail()
        value.shrink(limits)
    assert len(value) == most // 2


@pytest.mark.parametrize(
    ("setting", "size"), [(-1, 4096), (-2, 8192), (-3, 16384), (-4, 32768), (-5, 65536), (-6, 65536)]
)
def test_a_negative_bound_counts_bytes(setting: int, size: int) -> None:
    limits = limits_of(setting)
    value = ListValue()
    value.push_tail(b"x" * (size - 7), limits)
    assert value.encoding() == LISTPACK
    value = ListValue()
    value.push_tail(b"x" * (size - 6), limits)
    assert value.encoding() == QUICKLIST


def test_many_elements_at_once_are_weighed_together() -> None:
    limits = limits_of(4)
    value = filled(5, limits)
    assert value.encoding() == QUICKLIST
    assert value.node_count() == 2


def test_a_large_element_alone_stays_a_quicklist() -> None:
    limits = limits_of(-2)
    value = ListValue()
    value.push_tail(b"x" * 9000, limits)
    value.push_tail(b"small", limits)
    value.pop_tail()
    value.shrink(limits)
    assert value.encoding() == QUICKLIST
    value.push_tail(b"small", limits)
    value.pop_head()
    value.shrink(limits)
    assert value.encoding() == LISTPACK


def test_moved_numbers_weigh_nothing() -> None:
    limits = limits_of(-1)
    for number, encoding in [(b"123456", LISTPACK), (b"letter", QUICKLIST)]:
        value = ListValue()
        value.push_tail(b"x" * 4083, limits)
        value.push_moved(number, False, limits)
        assert value.encoding() == encoding


def test_both_ends_of_many_nodes() -> None:
    limits = limits_of(4)
    value = ListValue()
    model: list[bytes] = []
    for number in range(2000):
        element = b"%d" % number
        if number % 3:
            value.push_head(element, limits)
            model.insert(0, element)
        else:
            value.push_tail(element, limits)
            model.append(element)
    value.check()
    assert value.to_list() == model
    for number in range(1000):
        assert value.get(number) == model[number]
        assert value.get(-number - 1) == model[-number - 1]
    while model:
        assert value.pop_head() == model.pop(0)
        if model:
            assert value.pop_tail() == model.pop()
        if len(model) % 100 == 0:
            value.check()


def test_memory_grows_with_the_elements() -> None:
    limits = limits_of(-2)
    small, large = filled(10, limits).memory_bytes(), filled(10_000, limits).memory_bytes()
    assert 100 < small < 2000
    assert 10_000 * 50 < large < 10_000 * 80
    assert filled(1000, limits, 1000).memory_bytes() > 1_000_000
