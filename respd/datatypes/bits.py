"""Strings as arrays of bits, bit 0 being the highest of the first byte: counting, searching, combining, bit fields.

Nothing here loops over the bytes of a long string in Python. Long strings are taken in chunks that become one int each
(`int.from_bytes` and `int.bit_count` run at memory speed), and runs of equal bytes are skipped by comparing and
stripping whole chunks. Positions are bits unless a name says bytes; ranges include both ends.
"""

from __future__ import annotations

from typing import Final

Bits = bytes | bytearray

AND: Final = 0
OR: Final = 1
XOR: Final = 2
DIFF: Final = 3  # in the first, and in none of the others
DIFF1: Final = 4  # in one of the others, and not in the first
ANDOR: Final = 5  # in the first, and in one of the others
ONE: Final = 6  # in one of them all, and in no second one

# What becomes of a bit field's value that does not fit.
WRAP: Final = 0
SAT: Final = 1
FAIL: Final = 2

_CHUNK: Final = 1 << 16
_FILLED: Final = (b"\x00" * _CHUNK, b"\xff" * _CHUNK)
_INVERTED: Final = bytes(255 - byte for byte in range(256))
_INT64_MAX: Final = (1 << 63) - 1


def get_bit(data: Bits, position: int) -> int:
    """Return the bit at `position`, 0 beyond the end. O(1)."""
    at = position >> 3
    if at >= len(data):
        return 0
    return (data[at] >> (7 - (position & 7))) & 1


def set_bit(data: bytearray, position: int, bit: int) -> int:
    """Store a bit within `data` and return the one it replaces. O(1)."""
    at = position >> 3
    mask = 0x80 >> (position & 7)
    byte = data[at]
    if bit:
        data[at] = byte | mask
    else:
        data[at] = byte & ~mask
    return 1 if byte & mask else 0


def grow(data: bytearray, size: int) -> bool:
    """Add zero bytes until `data` has `size` of them; return whether any were missing."""
    missing = size - len(data)
    if missing <= 0:
        return False
    data.extend(bytes(missing))
    return True


def count_bits(data: Bits, first: int, last: int) -> int:
    """Return how many bits are set from `first` to `last`, which must lie within `data`. O(N)."""
    if first > last:
        return 0
    first_byte = first >> 3
    last_byte = last >> 3
    total = _count_bytes(data, first_byte, last_byte + 1)
    total -= (data[first_byte] >> (8 - (first & 7))).bit_count()
    total -= (data[last_byte] & (0xFF >> ((last & 7) + 1))).bit_count()
    return total


def _count_bytes(data: Bits, start: int, stop: int) -> int:
    if start == 0 and stop == len(data) and stop <= _CHUNK:
        return int.from_bytes(data, "little").bit_count()
    total = 0
    while start < stop:
        end = min(start + _CHUNK, stop)
        total += int.from_bytes(data[start:end], "little").bit_count()
        start = end
    return total


def find_bit(data: Bits, bit: int, first: int, last: int) -> int:
    """Return where `bit` first stands from `first` to `last`, which must lie within `data`; -1 if nowhere. O(N)."""
    position = first
    while position <= last and position & 7:
        if get_bit(data, position) == bit:
            return position
        position += 1
    if position > last:
        return -1
    position = 8 * _skip_bytes(data, position >> 3, (last + 1) >> 3, _FILLED[1 - bit])
    while position <= last:
        if get_bit(data, position) == bit:
            return position
        position += 1
    return -1


def _skip_bytes(data: Bits, start: int, stop: int, filled: bytes) -> int:
    """The first index from `start` whose byte differs from those of `filled`, or `stop`."""
    size = 64  # the answer is often near: begin with little
    while start < stop:
        end = min(start + size, stop)
        chunk = data[start:end]
        if chunk != filled and (left := len(chunk.lstrip(filled[:1]))):
            return end - left
        start = end
        size = _CHUNK
    return stop


def combine(operation: int, sources: list[Bits]) -> bytearray:
    """Return what `operation` makes of all sources, the shorter ones filled up with zero bytes. O(N) per source."""
    size = 0
    for source in sources:
        size = max(size, len(source))
    result = bytearray()
    start = 0
    while start < size:
        end = min(start + _CHUNK, size)
        number = int.from_bytes(sources[0][start:end], "little")
        others = 0  # for DIFF, DIFF1 and ANDOR: what is in one of the others; for ONE: what has come twice
        for index in range(1, len(sources)):
            other = int.from_bytes(sources[index][start:end], "little")
            if operation == AND:
                number &= other
            elif operation == OR:
                number |= other
            elif operation == XOR:
                number ^= other
            elif operation == ONE:
                others |= number & other
                number |= other
            else:
                others |= other
        if operation == ANDOR:
            number &= others
        elif operation == DIFF1:
            number = others & ~number
        elif operation in (DIFF, ONE):
            number &= ~others
        result += number.to_bytes(end - start, "little")
        start = end
    return result


def invert(data: Bits) -> bytearray:
    """Return the string with every bit inverted. O(N)."""
    inverted = data.translate(_INVERTED)
    return inverted if isinstance(inverted, bytearray) else bytearray(inverted)


def get_field(data: Bits, position: int, width: int, signed: bool) -> int:
    """Return the integer of `width` bits at `position`, highest bit first; missing bits are 0. O(1)."""
    start = position >> 3
    stop = (position + width + 7) >> 3
    chunk = data[start:stop]
    number = int.from_bytes(chunk, "big") << (8 * (stop - start - len(chunk)))
    number = (number >> (8 * stop - position - width)) & ((1 << width) - 1)
    if signed and number >> (width - 1):
        number -= 1 << width
    return number


def set_field(data: bytearray, position: int, width: int, value: int) -> None:
    """Store the low `width` bits of `value` at `position`, which must lie within `data`. O(1)."""
    start = position >> 3
    stop = (position + width + 7) >> 3
    shift = 8 * stop - position - width
    mask = (1 << width) - 1
    number = int.from_bytes(data[start:stop], "big")
    number = (number & ~(mask << shift)) | ((value & mask) << shift)
    data[start:stop] = number.to_bytes(stop - start, "big")


def fit_unsigned(value: int, increment: int, width: int, overflow: int) -> int | None:
    """Return `value + increment` as an unsigned field of `width` bits holds it; None when it must FAIL.

    `value` below zero is what a client gave to SET; Redis reads it as a huge number, so it saturates at the top.
    """
    top = (1 << width) - 1
    total = value + increment
    if 0 <= total <= top and value >= 0:
        return total
    if overflow == WRAP:
        return total & top
    if overflow == FAIL:
        return None
    return 0 if total < 0 <= value else top


def fit_signed(value: int, increment: int, width: int, overflow: int) -> int | None:
    """Return `value + increment` as a signed field of `width` bits holds it; None when it must FAIL."""
    top = (1 << (width - 1)) - 1
    total = value + increment
    if -top - 1 <= total <= top and -top - 1 <= value <= top:
        return total
    if overflow == WRAP:
        total &= (1 << width) - 1
        return total - (1 << width) if total > top else total
    if overflow == FAIL:
        return None
    # Redis computes `top - value` in 64 bits, so the very lowest numbers given to SET saturate at the top.
    if total > top or (width < 64 and top - value > _INT64_MAX):
        return top
    return -top - 1
