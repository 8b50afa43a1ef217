"""The digits of a double as Redis prints them: few enough to read back the same double, but not always the fewest.

Redis prints with Grisu2 (Florian Loitsch, "Printing Floating-Point Numbers Quickly and Accurately with Integers",
2010). It works with 64-bit approximations and gives the shortest digits for 99.9% of doubles; for the rest one digit
more, or not the nearest of equally short ones: 1e23 comes out as 9.999999999999999e22. Since replies must not differ,
`repr` will not do, and the algorithm is followed here on Python ints.

Idea: half way to the doubles next to v lie the bounds of an interval in which every number reads back as v. Scale it by
a power of ten from a table, so that the binary exponent of the products lies in -60..-32. Then split the upper bound
into an integer of 32 bits and a fraction, produce its digits, and stop as soon as what is left over is within the
interval; last, lower the final digit as long as that comes nearer to v.

The approximation errs by 2 units at most where half the interval is 2**9 or more. So it matters only for decimals
that close to a bound. A decimal of k places is at least 5**-k of half the interval away from it (the difference is a
multiple of that), hence up to three places Grisu2 and `repr` agree; `strings.format_double` makes use of it.
"""

from __future__ import annotations

import struct
from typing import Final

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


def shortest_digits(value: float) -> tuple[bytes, int]:
    """Return digits and a power of ten that make up a positive, finite double: value = digits * 10 ** power."""
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
