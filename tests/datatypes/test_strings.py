"""Numbers as Redis reads and prints them. The expected texts were taken from redis-server 8.0."""

import math
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from respd.datatypes.doubles import digits_in_integers, shortest_digits
from respd.datatypes.strings import (
    INT64_MAX,
    INT64_MIN,
    as_bytes,
    encoding,
    format_double,
    parse_double,
    parse_int,
    try_int,
    view_of,
)

doubles = st.floats(allow_nan=False, allow_infinity=False)


@pytest.mark.parametrize("number", [0, 1, -1, 10**18, -(10**18), 10**18 - 1, INT64_MAX, INT64_MIN])
def test_integers_are_read(number: int) -> None:
    assert parse_int(b"%d" % number) == number


NOT_INTEGERS = [
    b"",
    b"-",
    b"+1",
    b"01",
    b"-0",
    b"-01",
    b"00",
    b" 1",
    b"1 ",
    b"1\n",
    b"1.0",
    b"1e3",
    b"0x1",
    b"1_0",
    b"a",
]


@pytest.mark.parametrize("word", [*NOT_INTEGERS, b"9223372036854775808", b"-9223372036854775809", b"1" * 20, b"1" * 21])
def test_what_is_no_integer_is_refused(word: bytes) -> None:
    assert parse_int(word) is None
    assert try_int(word) == word


@given(st.integers(-(1 << 65), 1 << 65))
def test_integers_of_64_bits_and_no_others(number: int) -> None:
    expected = number if INT64_MIN <= number <= INT64_MAX else None
    assert parse_int(b"%d" % number) == expected


@given(st.binary(max_size=22) | st.text(alphabet="0123456789-+ ", max_size=22).map(str.encode))
def test_only_the_canonical_spelling_becomes_an_int(word: bytes) -> None:
    assert as_bytes(try_int(word)) == word


@pytest.mark.parametrize(
    ("word", "value"),
    [
        (b"0", 0.0),
        (b"-0", -0.0),
        (b"1.", 1.0),
        (b".5", 0.5),
        (b"-.5", -0.5),
        (b"+5", 5.0),
        (b"00", 0.0),
        (b"1E5", 1e5),
        (b"1e-320", 1e-320),
        (b"0e99999999999999999999", 0.0),
        (b"0x1p3", 8.0),
        (b"0X10", 16.0),
        (b"0x.8", 0.5),
        (b"-0x1p-3", -0.125),
        (b"inf", math.inf),
        (b"-INFINITY", -math.inf),
        (b"1.7976931348623157e308", 1.7976931348623157e308),
    ],
)
def test_doubles_are_read(word: bytes, value: float) -> None:
    parsed = parse_double(word)
    assert parsed == value and math.copysign(1, parsed) == math.copysign(1, value)


NOT_DOUBLES = (
    [
        b"",
        b".",
        b"-.",
        b"-",
        b"e5",
        b"1e",
        b"1e+",
        b" 1",
        b"1 ",
        b"1\x00",
        b"\t1",
        b"1\n",
        b"--5",
        b"+-5",
        b"1_0",
        b"0x",
    ],
    [b"nan", b"-nan", b"nan(1)", b"infin", b"1f", b"1d5", b"1,5", b"0xg", b"1e309", b"-1e309", b"1e-330", b"2.4e-324"],
    [b"0x1p1024", b"0x1p-1075", "\u0661".encode(), b"9" * 400],
)


@pytest.mark.parametrize("word", [word for words in NOT_DOUBLES for word in words])
def test_what_is_no_double_is_refused(word: bytes) -> None:
    assert parse_double(word) is None


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, b"0"),
        (-0.0, b"-0"),
        (3.0, b"3"),
        (0.1, b"0.1"),
        (-12.125, b"-12.125"),
        (0.30000000000000004, b"0.30000000000000004"),
        (0.0001, b"0.0001"),
        (0.00001, b"0.00001"),
        (1e-6, b"0.000001"),
        (1e-7, b"1e-7"),
        (-1.5e-9, b"-1.5e-9"),
        (5e-324, b"5e-324"),
        (1e16, b"10000000000000000"),
        (1111111111111111111.0, b"1111111111111111168"),
        (4611686018427387904.0, b"4611686018427387904"),
        (4611686018427388928.0, b"4611686018427389000"),
        (1e19, b"1e+19"),
        (1e22, b"1e+22"),
        (1e23, b"99999999999999990000000"),
        (373231e15, b"373231000000000030000"),
        (1753242129861475.25, b"1753242129861475.3"),
        (1.7976931348623157e308, b"1.7976931348623157e+308"),
        (math.inf, b"inf"),
        (-math.inf, b"-inf"),
        (math.nan, b"nan"),
    ],
)
def test_doubles_print_as_redis_prints_them(value: float, text: bytes) -> None:
    assert format_double(value) == text


@given(doubles | st.integers(0, (1 << 64) - 1).map(lambda bits: struct.unpack("<d", struct.pack("<Q", bits))[0]))
def test_printed_doubles_read_back_the_same(value: float) -> None:
    if math.isfinite(value):
        assert float(format_double(value)) == value
        assert parse_double(format_double(value)) == value


@given(st.integers(-(10**15) + 1, 10**15 - 1), st.integers(1, 3))
def test_the_short_way_for_few_decimals_agrees_with_the_long_one(number: int, places: int) -> None:
    value = number / 10**places
    if value != int(value):
        digits, power = shortest_digits(abs(value))
        plain = digits.decode().rjust(-power + 1, "0")
        sign = "-" if value < 0 else ""
        assert format_double(value).decode() == f"{sign}{plain[:power]}.{plain[power:]}"


@given(st.one_of(doubles, st.floats(-180, 180), st.decimals(0, 10**6, places=7).map(float)))
def test_machine_words_give_the_digits_that_integers_give(value: float) -> None:
    if value:
        assert shortest_digits(abs(value)) == digits_in_integers(abs(value))


@pytest.mark.parametrize(
    ("value", "name"),
    [(7, b"int"), (b"", b"embstr"), (b"x" * 44, b"embstr"), (b"x" * 45, b"raw"), (bytearray(b"x"), b"raw")],
)
def test_encodings(value: bytes | bytearray | int, name: bytes) -> None:
    assert encoding(value) == name
    assert as_bytes(value) == view_of(value)
