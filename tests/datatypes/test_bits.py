"""Bits against strings of "0" and "1" as the model."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from respd.datatypes.bits import (
    AND,
    ANDOR,
    DIFF,
    DIFF1,
    FAIL,
    ONE,
    OR,
    SAT,
    WRAP,
    XOR,
    combine,
    count_bits,
    find_bit,
    fit_signed,
    fit_unsigned,
    get_bit,
    get_field,
    grow,
    invert,
    set_bit,
    set_field,
)


def text_of(data: bytes | bytearray) -> str:
    """All bits of a string, one character each."""
    return "".join(f"{byte:08b}" for byte in data)


# Runs of equal bytes longer than a chunk of the search, between short random parts.
runs = st.tuples(st.sampled_from([b"\x00", b"\xff", b"\x10"]), st.sampled_from([0, 1, 70, 70_000])).map(
    lambda pair: pair[0] * pair[1]
)
strings = st.lists(st.binary(max_size=4) | runs, max_size=3).map(b"".join)


@given(strings, st.data())
def test_counting_and_finding_in_ranges(data: bytes, draw: st.DataObject) -> None:
    text = text_of(data)
    first = draw.draw(st.integers(0, len(text)))
    last = draw.draw(st.integers(first - 1, len(text) - 1))
    assert count_bits(data, first, last) == text.count("1", first, last + 1)
    for bit in (0, 1):
        assert find_bit(data, bit, first, last) == text.find(str(bit), first, last + 1)
        assert find_bit(bytearray(data), bit, first, last) == text.find(str(bit), first, last + 1)


@given(st.binary(min_size=1, max_size=9), st.integers(0, 100), st.integers(0, 1))
def test_single_bits(data: bytes, position: int, bit: int) -> None:
    raw = bytearray(data)
    assert grow(raw, (position >> 3) + 1) == (position >= 8 * len(data))
    text = text_of(raw)
    assert get_bit(raw, position) == set_bit(raw, position, bit) == int(text[position])
    assert text_of(raw) == text[:position] + str(bit) + text[position + 1 :]
    assert get_bit(data, position) == (int(text[position]) if position < 8 * len(data) else 0)


@given(st.lists(strings, min_size=1, max_size=4))
def test_combining(sources: list[bytes]) -> None:
    size = max(map(len, sources))
    numbers = [int.from_bytes(source.ljust(size, b"\x00"), "big") for source in sources]
    both, either, odd = numbers[0], numbers[0], numbers[0]
    for number in numbers[1:]:
        both, either, odd = both & number, either | number, odd ^ number
    assert combine(AND, list(sources)) == both.to_bytes(size, "big")
    assert combine(OR, list(sources)) == either.to_bytes(size, "big")
    assert combine(XOR, list(sources)) == odd.to_bytes(size, "big")


@given(st.binary(max_size=40))
def test_inverting_twice_changes_nothing(data: bytes) -> None:
    assert invert(invert(data)) == data
    assert combine(XOR, [data, invert(data)]) == b"\xff" * len(data)


@given(st.binary(max_size=12), st.integers(0, 120), st.integers(1, 64), st.booleans(), st.integers(-(1 << 63), 1 << 63))
def test_fields(data: bytes, position: int, width: int, signed: bool, value: int) -> None:
    text = text_of(data).ljust(200, "0")
    expected = int(text[position : position + width], 2)
    if signed and text[position] == "1":
        expected -= 1 << width
    assert get_field(data, position, width, signed) == expected
    raw = bytearray(data)
    grow(raw, (position + width + 7) >> 3)
    before = text_of(raw)
    set_field(raw, position, width, value)
    after = text_of(raw)
    assert int(after[position : position + width], 2) == value & ((1 << width) - 1)
    assert (after[:position], after[position + width :]) == (before[:position], before[position + width :])


@given(st.integers(1, 64), st.booleans(), st.integers(-(1 << 63), (1 << 63) - 1), st.data())
def test_sums_that_do_not_fit(width: int, signed: bool, increment: int, draw: st.DataObject) -> None:
    if not signed:
        width = min(width, 63)
    low, high = (-(1 << (width - 1)), (1 << (width - 1)) - 1) if signed else (0, (1 << width) - 1)
    fit = fit_signed if signed else fit_unsigned
    old = draw.draw(st.integers(low, high))
    total = old + increment
    if low <= total <= high:
        assert fit(old, increment, width, WRAP) == fit(old, increment, width, FAIL) == total
        return
    wrapped = fit(old, increment, width, WRAP)
    assert wrapped is not None and low <= wrapped <= high and (wrapped - total) % (1 << width) == 0
    assert fit(old, increment, width, SAT) == (high if total > high else low)
    assert fit(old, increment, width, FAIL) is None


@pytest.mark.parametrize(
    ("value", "width", "signed", "expected"),
    [
        (-1, 8, False, 255),
        (-129, 8, True, -128),
        (128, 8, True, 127),
        (-(1 << 63), 8, True, 127),
        (-(1 << 63) + 127, 8, True, 127),
        (-(1 << 63) + 128, 8, True, -128),
        (-(1 << 63), 64, True, -(1 << 63)),
    ],
)
def test_values_given_to_set_saturate_as_redis_has_it(value: int, width: int, signed: bool, expected: int) -> None:
    assert (fit_signed if signed else fit_unsigned)(value, 0, width, SAT) == expected


@given(st.lists(strings, min_size=1, max_size=4))
def test_combining_against_ints(sources: list[bytes]) -> None:
    size = max(map(len, sources))
    first, *rest = (int.from_bytes(source.ljust(size, b"\0"), "big") for source in sources)
    others = 0
    for number in rest:
        others |= number
    once = 0
    for number in (first, *rest):
        others_set = 0
        skipped = False
        for other in (first, *rest):
            if other is number and not skipped:
                skipped = True
            else:
                others_set |= other
        once |= number & ~others_set
    for operation, expected in (
        (DIFF, first & ~others),
        (DIFF1, others & ~first),
        (ANDOR, first & others),
        (ONE, once),
    ):
        assert combine(operation, list(sources)) == expected.to_bytes(size, "big")
