"""MurmurHash64A of Austin Appleby, which HyperLogLogs hash their elements with: words of eight bytes, little-endian."""

from __future__ import annotations

import struct
from typing import Final

from librt.strings import read_i64_le
from mypy_extensions import i64

from respd.builds import INTERPRETED

_MULTIPLIER: Final = -4132994306676758123  # 0xc6a4a7935bd1e995 as a signed number
_LOW_17: Final = (1 << 17) - 1  # what is left of 64 bits after a shift by 47
_MASK: Final = (1 << 64) - 1


def murmur64a(data: bytes, seed: i64) -> i64:
    """Return the hash of `data`; only its lower 64 bits count. O(length)."""
    if INTERPRETED:
        return _without_wrapping(data, int(seed))
    size: i64 = len(data)
    value = seed ^ (size * _MULTIPLIER)
    at: i64 = 0
    while at + 8 <= size:
        word = read_i64_le(data, at) * _MULTIPLIER
        word = (word ^ ((word >> 47) & _LOW_17)) * _MULTIPLIER
        value = (value ^ word) * _MULTIPLIER
        at += 8
    if at < size:
        rest: i64 = 0
        last: i64 = size - 1
        while last >= at:
            byte: i64 = data[last]
            rest = (rest << 8) | byte
            last -= 1
        value = (value ^ rest) * _MULTIPLIER
    value = (value ^ ((value >> 47) & _LOW_17)) * _MULTIPLIER
    return value ^ ((value >> 47) & _LOW_17)


def _without_wrapping(data: bytes, seed: int) -> int:
    """Do the same with numbers that do not wrap by themselves."""
    factor = _MULTIPLIER & _MASK
    value = seed ^ (len(data) * factor & _MASK)
    whole = len(data) // 8
    for word in struct.unpack_from(f"<{whole}Q", data):
        word = word * factor & _MASK
        value = (value ^ ((word ^ (word >> 47)) * factor & _MASK)) * factor & _MASK
    rest = data[whole * 8 :]
    if rest:
        value = (value ^ int.from_bytes(rest, "little")) * factor & _MASK
    value = (value ^ (value >> 47)) * factor & _MASK
    return value ^ (value >> 47)
