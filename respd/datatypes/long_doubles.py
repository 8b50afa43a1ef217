"""Arithmetic of INCRBYFLOAT, HINCRBYFLOAT and INCREX: the 80-bit `long double` of x86, without a C type to hold it.

Redis reads both numbers with strtold, adds them, and prints the sum with "%.17Lf", trailing zeros cut. Its results show
the rounding of a 64-bit mantissa (3.0e3 + 1.1 stays "3001.1", which a 53-bit double would not give at 17 decimals), so
a Python float cannot stand in. Here a finite number is exactly `mantissa * 2 ** exponent` in unbounded ints; the only
inexact steps are `_round` (to nearest, ties to even, with subnormals) after reading and after adding, and the rounding
of the printed decimals. The sign of zero is not kept: Redis prints -0 as 0.
"""

from __future__ import annotations

import re
from typing import Final, final

from mypy_extensions import mypyc_attr

# Redis' buffer for a number being read or printed.
_MAX_CHARS: Final = 5 * 1024
_MANTISSA_BITS: Final = 64
_MIN_EXPONENT: Final = -16445
_MAX_BITS: Final = 16384
# Decimal exponents beyond these over- or underflow whatever the digits are; they keep `10 ** n` small.
_DECIMAL_OVERFLOW: Final = 4940
_DECIMAL_UNDERFLOW: Final = -4960
_BINARY_CLAMP: Final = 100_000
_DECIMALS: Final = 17
_SCALE: Final = 10**_DECIMALS
# Python refuses to convert more than 4300 digits at once (sys.int_info); longer numbers go in two pieces.
_CHUNK_DIGITS: Final = 4000
_CHUNK: Final = 10**_CHUNK_DIGITS

_DECIMAL: Final = re.compile(rb"([+-]?)(?:([0-9]+)(?:\.([0-9]*))?|\.([0-9]+))(?:[eE]([+-]?[0-9]+))?\Z")
_HEXADECIMAL: Final = re.compile(
    rb"([+-]?)0[xX](?:([0-9a-fA-F]+)(?:\.([0-9a-fA-F]*))?|\.([0-9a-fA-F]+))(?:[pP]([+-]?[0-9]+))?\Z"
)
_INFINITIES: Final = (b"inf", b"infinity")


@final
@mypyc_attr(acyclic=True)
class LongDouble:
    """`mantissa * 2 ** exponent`, or an infinity with the mantissa's sign; never NaN."""

    def __init__(self, mantissa: int, exponent: int, is_infinite: bool) -> None:
        self.mantissa: Final[int] = mantissa
        self.exponent: Final[int] = exponent
        self.is_infinite: Final[bool] = is_infinite


def parse_long_double(data: bytes) -> LongDouble | None:
    """Read a number as strtold does: decimal, hexadecimal or infinity.

    None for everything Redis calls "not a valid float": blanks, trailing bytes, NaN, a finite number that overflows,
    and a number other than zero that underflows to it.
    """
    if len(data) >= _MAX_CHARS:
        return None
    match = _DECIMAL.match(data)
    if match is not None:
        sign, whole, fraction, only_fraction, exponent_text = match.groups()
        fraction = fraction or only_fraction or b""
        digits = ((whole or b"") + fraction).lstrip(b"0")
        return _from_decimal(sign == b"-", digits, _exponent(exponent_text) - len(fraction))
    match = _HEXADECIMAL.match(data)
    if match is not None:
        sign, whole, fraction, only_fraction, exponent_text = match.groups()
        fraction = fraction or only_fraction or b""
        digits = (whole or b"") + fraction
        number = int(digits, 16)
        return _finite(sign == b"-", number, 1, _exponent(exponent_text) - 4 * len(fraction))
    word = data.lower()
    if word[:1] == b"+" or word[:1] == b"-":
        word = word[1:]
    if word in _INFINITIES:
        return LongDouble(-1 if data[:1] == b"-" else 1, 0, True)
    return None


def long_double_from_int(number: int) -> LongDouble:
    """The long double of a 64-bit integer, which is exact."""
    return LongDouble(number, 0, False)


def largest_long_double(negative: bool) -> LongDouble:
    """The largest finite long double, or the one farthest below zero."""
    mantissa = (1 << _MANTISSA_BITS) - 1
    return LongDouble(-mantissa if negative else mantissa, _MAX_BITS - _MANTISSA_BITS, False)


def add_long_doubles(left: LongDouble, right: LongDouble) -> bytes | None:
    """Add, round and print as Redis does; None when the sum is infinite or not a number."""
    if left.is_infinite or right.is_infinite:
        return None
    total = sum_of(left, right)
    return None if total.is_infinite else format_long_double(total)


def sum_of(left: LongDouble, right: LongDouble) -> LongDouble:
    """Add two finite numbers and round; the sum may be infinite."""
    exponent = min(left.exponent, right.exponent)
    total = _scaled(left, exponent) + _scaled(right, exponent)
    return _round(total < 0, abs(total), 1, exponent)


def negated(number: LongDouble) -> LongDouble:
    """The number with the other sign."""
    return LongDouble(-number.mantissa, number.exponent, number.is_infinite)


def is_less(left: LongDouble, right: LongDouble) -> bool:
    """Tell whether `left` is below `right`; infinities of one sign are equal."""
    if left.is_infinite:
        return left.mantissa < 0 and not (right.is_infinite and right.mantissa < 0)
    if right.is_infinite:
        return right.mantissa > 0
    exponent = min(left.exponent, right.exponent)
    return _scaled(left, exponent) < _scaled(right, exponent)


def _scaled(number: LongDouble, exponent: int) -> int:
    """The number in units of `2 ** exponent`, which must not be above its own exponent."""
    return number.mantissa << (number.exponent - exponent)


def format_long_double(number: LongDouble) -> bytes:
    """Print a finite number with up to 17 decimals and no trailing zeros (Redis' "human" form)."""
    magnitude = abs(number.mantissa)
    shift = -number.exponent
    if shift <= 0:
        text = _print_int(magnitude << -shift)
    else:
        scaled = magnitude * _SCALE
        units = scaled >> shift
        rest = scaled - (units << shift)
        half = 1 << (shift - 1)
        if rest > half or (rest == half and units & 1):
            units += 1
        whole, decimals = divmod(units, _SCALE)
        text = _print_int(whole)
        if decimals:
            text += b"." + (b"%017d" % decimals).rstrip(b"0")
    return b"-" + text if number.mantissa < 0 and text != b"0" else text


def _exponent(text: bytes | None) -> int:
    """The exponent written after e or p, clamped to where its exact value no longer matters."""
    if text is None:
        return 0
    digits = text.lstrip(b"+-").lstrip(b"0")
    value = int(digits) if 0 < len(digits) < 7 else (_BINARY_CLAMP if digits else 0)
    value = min(value, _BINARY_CLAMP)
    return -value if text[:1] == b"-" else value


def _from_decimal(negative: bool, digits: bytes, exponent: int) -> LongDouble | None:
    if not digits:
        return LongDouble(0, 0, False)
    magnitude = len(digits) + exponent
    if magnitude > _DECIMAL_OVERFLOW or magnitude < _DECIMAL_UNDERFLOW:
        return None
    number = _parse_int(digits)
    if exponent >= 0:
        return _finite(negative, number * 10**exponent, 1, 0)
    return _finite(negative, number, 10**-exponent, 0)


def _finite(negative: bool, numerator: int, denominator: int, exponent: int) -> LongDouble | None:
    """Round, refusing what strtold reports as out of range."""
    rounded = _round(negative, numerator, denominator, exponent)
    if rounded.is_infinite or (rounded.mantissa == 0 and numerator != 0):
        return None
    return rounded


def _round(negative: bool, numerator: int, denominator: int, exponent: int) -> LongDouble:
    """The long double nearest to `numerator / denominator * 2 ** exponent`, ties to even."""
    if numerator == 0:
        return LongDouble(0, 0, False)
    # The quotient's length is known to one bit, so `shift` leaves 64 or 65 bits; one more step leaves 64.
    shift = numerator.bit_length() - denominator.bit_length() - _MANTISSA_BITS
    shift = max(shift, _MIN_EXPONENT - exponent)
    quotient, rest, divisor = _divide(numerator, denominator, shift)
    if quotient >> _MANTISSA_BITS:
        shift += 1
        quotient, rest, divisor = _divide(numerator, denominator, shift)
    if 2 * rest > divisor or (2 * rest == divisor and quotient & 1):
        quotient += 1
    is_infinite = quotient.bit_length() + shift + exponent > _MAX_BITS
    return LongDouble(-quotient if negative else quotient, shift + exponent, is_infinite)


def _divide(numerator: int, denominator: int, shift: int) -> tuple[int, int, int]:
    """Quotient, rest and divisor of `numerator / (denominator * 2 ** shift)`."""
    if shift >= 0:
        divisor = denominator << shift
    else:
        numerator <<= -shift
        divisor = denominator
    quotient, rest = divmod(numerator, divisor)
    return quotient, rest, divisor


def _parse_int(digits: bytes) -> int:
    if len(digits) <= _CHUNK_DIGITS:
        return int(digits)
    head = len(digits) - _CHUNK_DIGITS
    return int(digits[:head]) * _CHUNK + int(digits[head:])


def _print_int(number: int) -> bytes:
    if number < _CHUNK:
        return b"%d" % number
    head, tail = divmod(number, _CHUNK)
    return b"%d" % head + (b"%d" % tail).zfill(_CHUNK_DIGITS)
