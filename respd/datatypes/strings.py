"""String values, and numbers as Redis reads and prints them.

A string value is one of three: `int` where Redis reports the encoding `int`; `bytearray` for a string that is edited in
place (what APPEND, SETRANGE and SETBIT leave, always `raw`); `bytes` for all others (`embstr` to 44 bytes, then `raw`).
"""

import math
from typing import Final

from mypy_extensions import i64

from respd.builds import INTERPRETED
from respd.datatypes.doubles import shortest_digits

StringValue = bytes | int | bytearray

INT64_MIN: Final = -(1 << 63)
INT64_MAX: Final = (1 << 63) - 1
_EMBSTR_MAX: Final = 44
_BEYOND_DIGITS: Final = b":"
_EXACT_INT: Final = 1 << 62
_SMALL_INT: Final = 1 << 61  # compiled, integers up to this one are compared without a call
_EXACT_THOUSANDTHS: Final = 1e12
_EXACT_DIGITS: Final = 15
_PLAIN_SIZE: Final = _EXACT_DIGITS + 2


def parse_int(data: bytes) -> int | None:
    """Return the 64-bit integer that `data` spells in its one canonical form, else None.

    No sign but a minus, no leading zero, no space: what Redis' string2ll accepts.
    """
    size: i64 = len(data)
    if size == 0 or size > 20:
        return None
    start: i64 = 0
    first: i64 = data[0]
    if first == 45:  # minus
        if size == 1:
            return None
        start = 1
        first = data[1]
        if first == 48:
            return None
    elif first == 48:
        return 0 if size == 1 else None
    if first < 48 or first > 57:
        return None
    if INTERPRETED:
        if not (data[1:] if start else data).isdigit():
            return None
        number = int(data)
        return number if INT64_MIN <= number <= INT64_MAX else None
    value: i64 = 0
    position = start
    while position < size:
        digit: i64 = data[position]
        if digit < 48 or digit > 57:
            return None
        if position - start < 18:
            value = value * 10 + digit - 48
        position += 1
    if size - start > 18:
        big = int(data)
        return big if INT64_MIN <= big <= INT64_MAX else None
    return int(-value if start else value)


def fits_int64(number: int) -> bool:
    """Tell whether `number` is a 64-bit integer."""
    return -_SMALL_INT <= number <= _SMALL_INT or INT64_MIN <= number <= INT64_MAX


def plain_double(data: bytes) -> float:
    """Return the double that `data` spells in a usual way, else nan: compiled, that is sooner known than from C.

    A usual way is up to 15 digits, with or without a point and a minus, or infinity. Number and power of ten are exact
    doubles then, so their quotient is rounded once, as strtod rounds.
    """
    size: i64 = len(data)
    if INTERPRETED or size == 0 or size > _PLAIN_SIZE:
        return math.nan
    number: i64 = 0
    scale = 0.0  # the power of ten below the number, once the point has been seen
    negative = data[0] == 45
    position: i64 = 1 if negative else 0
    digits: i64 = 0
    while position < size:
        byte: i64 = data[position]
        if 48 <= byte <= 57:
            number = number * 10 + (byte - 48)
            digits += 1
            scale *= 10.0
        elif byte == 46 and scale == 0.0:
            scale = 1.0
        else:
            break
        position += 1
    if position == size and 0 < digits <= _EXACT_DIGITS:
        value = float(number)
        if scale > 1.0:
            value /= scale
        return -value if negative else value
    if data == b"+inf" or data == b"inf":
        return math.inf
    return -math.inf if data == b"-inf" else math.nan


def parse_double(data: bytes) -> float | None:
    """Return the double that `data` spells as C's strtod reads it, else None: nan, spaces and overflow are refused."""
    value = plain_double(data)
    if value == value:
        return value
    if not data or data[0] <= 32 or data[-1] <= 32 or 95 in data:  # float() would pass over spaces and underscores
        return None
    try:
        value = float(data)
    except ValueError:
        return _parse_hex_double(data)
    if value - value != 0.0:  # not finite
        return value if value == value and b"inf" in data.lower() else None
    if value == 0.0 and _spells_nonzero(data):
        return None
    return value


def _parse_hex_double(data: bytes) -> float | None:
    body = data.lower().lstrip(b"+-")
    if not body.startswith(b"0x") or len(data) - len(body) > 1:
        return None
    try:
        value = float.fromhex(data.decode("ascii"))
    except (ValueError, OverflowError):
        return None
    if value == 0.0 and body[2:].partition(b"p")[0].strip(b"0."):
        return None
    return value


def _spells_nonzero(data: bytes) -> bool:
    mantissa = data.lower().split(b"e")[0]
    return any(49 <= digit <= 57 for digit in mantissa)


def format_double(value: float) -> bytes:
    """Return `value` as Redis prints scores: integers up to 2**62 in full, else digits that read back the same."""
    if value == math.inf:
        return b"inf"
    if value == -math.inf:
        return b"-inf"
    if value != value:
        return b"nan"
    if -_EXACT_INT <= value <= _EXACT_INT:
        whole = int(value)
        if float(whole) == value:
            if whole == 0 and math.copysign(1.0, value) < 0:
                return b"-0"
            return b"%d" % whole
    if INTERPRETED and -_EXACT_THOUSANDTHS < value < _EXACT_THOUSANDTHS:
        # With three decimals or fewer the shortest digits are Redis' (see `doubles`), and C finds them much sooner.
        plain = repr(value)
        if plain.find(".") >= len(plain) - 4:
            return plain.encode()
    digits, power = shortest_digits(abs(value))
    text = place_point(digits, power)
    return b"-" + text if value < 0 else text


def place_point(digits: bytes, power: int) -> bytes:
    """Return `digits * 10 ** power` in plain notation, or with an exponent where that would need many zeros."""
    count = len(digits)
    scientific = power + count - 1
    if power >= 0 and scientific < count + 7:
        return digits + b"0" * power
    if power < 0 and (power > -7 or abs(scientific) < 4):
        whole = count + power
        if whole <= 0:
            return b"0." + b"0" * -whole + digits
        return digits[:whole] + b"." + digits[whole:]
    point = digits[:1] + b"." + digits[1:] if count > 1 else digits
    return b"%be%b%d" % (point, b"-" if scientific < 0 else b"+", abs(scientific))


def as_bytes(value: StringValue) -> bytes:
    """Return the bytes a client sees of a string value; a raw string is copied."""
    if isinstance(value, bytes):
        return value
    if isinstance(value, int):
        return b"%d" % value
    return bytes(value)


def view_of(value: StringValue) -> bytes | bytearray:
    """Return the bytes of a string value to look at; a raw string is not copied, so it must not be kept."""
    if isinstance(value, int):
        return b"%d" % value
    return value


def try_int(data: bytes) -> bytes | int:
    """Return what SET stores for `data`: an int when it is the canonical spelling of one, else the bytes."""
    if len(data) > 20 or (INTERPRETED and data > _BEYOND_DIGITS):
        return data
    number = parse_int(data)
    return data if number is None else number


def encoding(value: StringValue) -> bytes:
    """Return OBJECT ENCODING's answer for a string value."""
    if isinstance(value, int):
        return b"int"
    if isinstance(value, bytes) and len(value) <= _EMBSTR_MAX:
        return b"embstr"
    return b"raw"
