"""The digits of a double as Redis prints them: few enough to read back the same double, but not always the fewest.

Redis prints with Grisu2 (Florian Loitsch, "Printing Floating-Point Numbers Quickly and Accurately with Integers",
2010). It works with 64-bit approximations and gives the shortest digits for 99.9% of doubles; for the rest one digit
more, or not the nearest of equally short ones: 1e23 comes out as 9.999999999999999e22. Since replies must not differ,
`repr` will not do, and the algorithm is followed here on Python ints.

Idea: half way to the doubles next to v lie the bounds of an interval in which every number reads back as v. Scale it by
a power of ten from a table, so that the binary exponent of the products lies in -60..-32. Then split the upper bound
into an integer of 32 bits and a fraction, produce its digits, and stop as soon as what is left over is within the
interval; last, lower the final digit as long as that comes nearer to v.

Compiled, machine words do the same some ten times as fast, wherever no number may need 64 bits (`_digits_in_words`).

The approximation errs by 2 units at most where half the interval is 2**9 or more. So it matters only for decimals
that close to a bound. A decimal of k places is at least 5**-k of half the interval away from it (the difference is a
multiple of that), hence up to three places Grisu2 and `repr` agree; `strings.format_double` makes use of it.
"""

from __future__ import annotations

import struct
from typing import Final

from librt.strings import BytesWriter, read_i64_le, write_f64_le
from mypy_extensions import i64

from respd.builds import INTERPRETED

_FRACTION_BITS: Final = 52
_HIDDEN_BIT: Final = 1 << _FRACTION_BITS
_BIAS: Final = 1075
_FIRST_POWER: Final = -348
_POWER_STEP: Final = 8
_POWER_COUNT: Final = 87
_LOWEST: Final = -60
_HIGHEST: Final = -32
_HALF: Final = 1 << 63
_LOG_TWO: Final = 0.30102999566398114
_TENS: Final[list[int]] = [10**power for power in range(9, -1, -1)]


def _cached_powers() -> list[tuple[int, int]]:
    """The powers of ten of the table, as 64-bit mantissas (rounded) and binary exponents."""
    powers: list[tuple[int, int]] = []
    for index in range(_POWER_COUNT):
        power = _FIRST_POWER + index * _POWER_STEP
        numerator = 10**power if power >= 0 else 1
        denominator = 1 if power >= 0 else 10**-power
        exponent = numerator.bit_length() - denominator.bit_length() - 64
        mantissa = _rounded(numerator, denominator, exponent)
        if mantissa >> 64:
            exponent += 1
            mantissa = _rounded(numerator, denominator, exponent)
        powers.append((mantissa, exponent))
    return powers


def _rounded(numerator: int, denominator: int, exponent: int) -> int:
    """`numerator / denominator / 2 ** exponent`, rounded."""
    if exponent >= 0:
        denominator <<= exponent
    else:
        numerator <<= -exponent
    return (2 * numerator + denominator) // (2 * denominator)


_POWERS: Final[list[tuple[int, int]]] = _cached_powers()
_LOW_32: Final = (1 << 32) - 1
_POWER_HIGHS: Final[list[int]] = [mantissa >> 32 for mantissa, _ in _POWERS]
_POWER_LOWS: Final[list[int]] = [mantissa & _LOW_32 for mantissa, _ in _POWERS]
_POWER_EXPONENTS: Final[list[int]] = [exponent for _, exponent in _POWERS]
_WIDEST: Final = 1 << 59  # an interval that may still be multiplied by ten


def shortest_digits(value: float) -> tuple[bytes, int]:
    """Return digits and a power of ten that make up a positive, finite double: value = digits * 10 ** power."""
    if not INTERPRETED:
        number, power = _digits_in_words(value)
        if number > 0:
            return str(number).encode(), power
    return digits_in_integers(value)


def _digits_in_words(value: float) -> tuple[i64, int]:
    """Return digits and power of ten as `digits_in_integers` does; digits 0 where machine words might not hold all.

    Words are signed, so numbers of 64 bits look negative: they are only added, masked and shifted here.
    """
    out = BytesWriter()
    write_f64_le(out, value)
    bits: i64 = read_i64_le(out.getvalue(), 0)
    fraction: i64 = bits & (_HIDDEN_BIT - 1)
    exponent: i64 = bits >> _FRACTION_BITS
    if exponent == 0 or fraction == 0:
        return 0, 0
    fraction += _HIDDEN_BIT
    exponent -= _BIAS + 11
    index: i64 = (int(float(exponent + _POWER_COUNT) * -_LOG_TWO) - _FIRST_POWER) // _POWER_STEP
    current: i64 = exponent + _POWER_EXPONENTS[index] + 64
    while current < _LOWEST or current > _HIGHEST:
        index += 1 if current < _LOWEST else -1
        current = exponent + _POWER_EXPONENTS[index] + 64
    point: i64 = -current
    high: i64 = _POWER_HIGHS[index]
    low: i64 = _POWER_LOWS[index]
    upper = _scaled(((fraction << 1) + 1) << 10, high, low) - 1
    width: i64 = upper - _scaled(((fraction << 1) - 1) << 10, high, low) - 1
    distance: i64 = upper - _scaled(fraction << 11, high, low)
    power: i64 = -(_FIRST_POWER + index * _POWER_STEP)
    one: i64 = 1
    one <<= point
    whole: i64 = (upper >> point) & ((1 << (64 - point)) - 1)
    rest: i64 = upper & (one - 1)
    number: i64 = 0
    ten: i64 = 1_000_000_000
    left: i64 = 9
    while ten > 0:
        digit: i64 = whole // ten
        whole -= digit * ten
        number = number * 10 + digit
        remainder = (whole << point) + rest
        if 0 <= remainder <= width:
            return number, int(power + left)
        ten //= 10
        left -= 1
    while width < _WIDEST:
        rest *= 10
        width *= 10
        distance *= 10
        power -= 1
        number = number * 10 + ((rest >> point) & 15)
        rest &= one - 1
        if rest < width:
            while rest < distance and width - rest >= one:
                if rest + one >= distance and distance - rest <= rest + one - distance:
                    break
                number -= 1
                rest += one
            return number, int(power)
    return 0, 0


def _scaled(number: i64, high: i64, low: i64) -> i64:
    """Return the upper 64 bits, rounded, of a product of two numbers of 64 bits; the second comes in halves."""
    number_high: i64 = (number >> 32) & _LOW_32
    number_low: i64 = number & _LOW_32
    one: i64 = number_high * low
    other: i64 = number_low * high
    middle: i64 = (one & _LOW_32) + (other & _LOW_32) + (((number_low * low) >> 32) & _LOW_32) + (1 << 31)
    return number_high * high + ((one >> 32) & _LOW_32) + ((other >> 32) & _LOW_32) + (middle >> 32)


def digits_in_integers(value: float) -> tuple[bytes, int]:
    """Return digits and a power of ten as `shortest_digits` does, whatever the number and the build."""
    bits: int = struct.unpack("<Q", struct.pack("<d", value))[0]
    fraction = bits & (_HIDDEN_BIT - 1)
    exponent = bits >> _FRACTION_BITS
    if exponent:
        fraction += _HIDDEN_BIT
        exponent -= _BIAS
    else:
        exponent = 1 - _BIAS
    # Half way to the neighbours above and below, the upper bound normalized to 64 bits and the others aligned to it.
    shift = 63 - fraction.bit_length()
    upper = (2 * fraction + 1) << shift
    upper_exponent = exponent - 1 - shift
    if fraction == _HIDDEN_BIT:
        lower = (4 * fraction - 1) << (shift - 1)
    else:
        lower = (2 * fraction - 1) << shift
    middle = fraction << (shift + 1)
    power_index = (int(-(upper_exponent + _POWER_COUNT) * _LOG_TWO) - _FIRST_POWER) // _POWER_STEP
    while True:
        scale, scale_exponent = _POWERS[power_index]
        current = upper_exponent + scale_exponent + 64
        if current < _LOWEST:
            power_index += 1
        elif current > _HIGHEST:
            power_index -= 1
        else:
            break
    power = -(_FIRST_POWER + power_index * _POWER_STEP)
    upper = ((upper * scale + _HALF) >> 64) - 1
    lower = ((lower * scale + _HALF) >> 64) + 1
    middle = (middle * scale + _HALF) >> 64
    return _generate(upper, upper - lower, upper - middle, -current, power)


def _generate(upper: int, width: int, distance: int, point: int, power: int) -> tuple[bytes, int]:
    """Produce digits of `upper` (with `point` fractional bits) until the rest is within `width` of it."""
    one = 1 << point
    whole = upper >> point
    rest = upper & (one - 1)
    number = 0
    left = len(_TENS)
    for ten in _TENS:
        digit, whole = divmod(whole, ten)
        number = number * 10 + digit
        left -= 1
        remainder = (whole << point) + rest
        if remainder <= width:
            return _print(_nearer(number, width, remainder, ten << point, distance), power + left)
    while True:
        rest *= 10
        width *= 10
        distance *= 10
        power -= 1
        number = number * 10 + (rest >> point)
        rest &= one - 1
        if rest < width:
            return _print(_nearer(number, width, rest, one, distance), power)


def _nearer(number: int, width: int, remainder: int, unit: int, distance: int) -> int:
    """Lower the last digit while that stays within the interval and comes nearer to the double."""
    while (
        remainder < distance
        and width - remainder >= unit
        and (remainder + unit < distance or distance - remainder > remainder + unit - distance)
    ):
        number -= 1
        remainder += unit
    return number


def _print(number: int, power: int) -> tuple[bytes, int]:
    return b"%d" % number, power
