"""Decimal digits of native numbers, without an object for each."""

from typing import Final

from librt.strings import BytesWriter
from mypy_extensions import i64

_THREE_DIGITS: Final[list[bytes]] = [b"%03d" % number for number in range(1000)]
_SHORT: Final[list[bytes]] = [b"%d" % number for number in range(1000)]
_POSITIVE_MAX: Final[i64] = (1 << 63) - 1


def write_digits(out: BytesWriter, value: i64) -> None:
    """Append the decimal digits of a 64-bit integer, three at a time: a division takes longer than a table."""
    if value < 0:
        if value < -_POSITIVE_MAX:
            out.write(b"%d" % value)
            return
        out.append(45)
        value = -value
    if value >= 1000:
        write_digits(out, value // 1000)
        out.write(_THREE_DIGITS[value % 1000])
    else:
        out.write(_SHORT[value])


def digit_count(value: i64) -> i64:
    """Return how many decimal digits a number that is not negative has."""
    count: i64 = 1
    while value >= 1000:
        value //= 1000
        count += 3
    if value >= 10:
        count += 1 if value < 100 else 2
    return count
