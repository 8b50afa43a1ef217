"""Long doubles: known results of redis-server on x86, and exact arithmetic over fractions as the model."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from respd.datatypes.long_doubles import (
    LongDouble,
    add_long_doubles,
    format_long_double,
    is_less,
    largest_long_double,
    long_double_from_int,
    negated,
    parse_long_double,
    sum_of,
)


def total(left: bytes, right: bytes) -> bytes | None:
    """Add two spelled numbers."""
    first, second = parse_long_double(left), parse_long_double(right)
    assert first is not None and second is not None
    return add_long_doubles(first, second)


def exact(number: LongDouble) -> Fraction:
    """The rational number a finite long double stands for."""
    return Fraction(number.mantissa) * Fraction(2) ** number.exponent


@pytest.mark.parametrize(
    ("left", "right", "expected"),
    [
        (b"10.50", b"0.1", b"10.6"),
        (b"10.6", b"-5", b"5.6"),
        (b"5.0e3", b"2.0e2", b"5200"),
        (b"3", b"1.1", b"4.1"),
        (b"0", b"0.1", b"0.1"),
        (b"1", b"1.000000000000000004", b"2"),
        (b"9223372036854775807", b"1", b"9223372036854775808"),
        (b"18446744073709551615", b"2", b"18446744073709551616"),
        (b"1e30", b"0", b"1000000000000000000024696061952"),
        (b"0", b"5e-18", b"0"),
        (b"0", b"5.1e-18", b"0.00000000000000001"),
        (b"0", b"-1e-18", b"0"),
        (b"-0", b"-0", b"0"),
        (b"0x1.8p3", b"+.5", b"12.5"),
        (b"1.18e4932", b"1.18e4932", None),
        (b"inf", b"1", None),
        (b"inf", b"-inf", None),
    ],
)
def test_sums_print_as_redis_prints_them(left: bytes, right: bytes, expected: bytes | None) -> None:
    assert total(left, right) == expected


@pytest.mark.parametrize("word", [b"0", b"-0", b"1.", b".5", b"+5", b"1e5", b"1E+5", b"0x.8", b"0X1P-3", b"3e-4951"])
def test_reads_what_strtold_reads(word: bytes) -> None:
    assert parse_long_double(word) is not None


NOT_FLOATS = (
    [b"", b".", b" 1", b"1 ", b"1\x00", b"1\n", b"--5", b"e5", b"1e", b"0x", b"1_0", b"1,5", b"nan", b"nan(1)"],
    [b"infin", b"1e4933", b"1e-4952", b"0x1p16384", b"0x1p-16446", b"1e" + b"9" * 20, b"9" * 5119, b"0" * 5120],
)


@pytest.mark.parametrize("word", [word for words in NOT_FLOATS for word in words])
def test_refuses_what_is_not_a_float(word: bytes) -> None:
    assert parse_long_double(word) is None


def test_longest_numbers_print_all_their_digits() -> None:
    largest = parse_long_double(b"0xffffffffffffffffp16320")
    assert largest is not None
    text = format_long_double(largest)
    assert len(text) == 4933 and text.startswith(b"118973149535723176502126385303")
    assert format_long_double(parse_long_double(text) or long_double_from_int(0)) == text


@given(st.integers(-(10**40), 10**40), st.integers(-60, 60))
def test_parsing_gives_the_nearest_mantissa_of_64_bits(digits: int, exponent: int) -> None:
    number = parse_long_double(b"%de%d" % (digits, exponent))
    assert number is not None and not number.is_infinite
    value = Fraction(digits) * Fraction(10) ** exponent
    assert abs(number.mantissa) <= 1 << 64
    assert abs(exact(number) - value) * 2 <= Fraction(2) ** number.exponent
    if digits:
        assert abs(number.mantissa) >= 1 << 63


@given(st.integers(-(1 << 63), (1 << 63) - 1), st.integers(-(1 << 62), 1 << 62))
def test_integers_add_exactly_while_they_fit_a_mantissa(left: int, right: int) -> None:
    assert add_long_doubles(long_double_from_int(left), long_double_from_int(right)) == b"%d" % (left + right)


@given(st.binary(max_size=12) | st.text(alphabet="0123456789.eExXpP+-infa", max_size=12).map(str.encode))
def test_no_input_raises(word: bytes) -> None:
    number = parse_long_double(word)
    if number is not None and not number.is_infinite:
        assert parse_long_double(format_long_double(number)) is not None


@given(
    *(st.builds(LongDouble, st.integers(-(1 << 64) + 1, (1 << 64) - 1), st.integers(-200, 200), st.just(False)),) * 2
)
def test_order_is_that_of_the_numbers(left: LongDouble, right: LongDouble) -> None:
    assert is_less(left, right) == (exact(left) < exact(right))
    assert exact(negated(left)) == -exact(left)


def test_the_ends_of_the_order() -> None:
    top, bottom = largest_long_double(False), largest_long_double(True)
    above, below = LongDouble(1, 0, True), LongDouble(-1, 0, True)
    line = [below, bottom, LongDouble(0, 0, False), top, above]
    for at, number in enumerate(line):
        assert [is_less(number, other) for other in line] == [False] * (at + 1) + [True] * (4 - at)
    assert sum_of(top, top).is_infinite and sum_of(bottom, bottom).mantissa < 0
    assert len(format_long_double(top)) == 4933
