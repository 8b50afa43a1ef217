"""Geohashes: a place on the earth as one integer, so that places which are near each other have near numbers.

Longitude and latitude are cut into 2**26 equal steps each, and the bits of the two numbers are interleaved, the
longitude's above the latitude's: 52 bits, which a score holds exactly. A *cell* of a coarser grid of 2**step by 2**step
is the common front of all places in it, hence one range of scores. Latitudes end at 85.05112878 degrees, where the map
becomes a square.

Every float operation stands in the order in which Redis does it, for the digits of its replies depend on that.
Source: redis.io/commands/geoadd; distances: the haversine formula on a sphere.
"""

from __future__ import annotations

import math
from typing import Final

from mypy_extensions import i64

LONGITUDE_MAX: Final = 180.0
LATITUDE_MAX: Final = 85.05112878
MAX_STEP: Final = 26
EARTH_RADIUS_M: Final = 6372797.560856
_LONGITUDE_SPAN: Final = LONGITUDE_MAX * 2
_LATITUDE_SPAN: Final = LATITUDE_MAX * 2
_CELLS: Final = float(1 << MAX_STEP)
_RADIANS: Final = math.pi / 180.0
_EVEN: Final = 0x5555555555555555
_TWO_64: Final = 18446744073709551616.0
_TWO_63: Final = 9223372036854775808.0
_INT64_MIN: Final = -(1 << 63)
_LETTERS: Final = b"0123456789bcdefghjkmnpqrstuvwxyz"
_TEXT_SIZE: Final = 10  # letters of five bits each; Redis shows an eleventh, which is always 0

_asin: Final = math.asin


def encode(longitude: float, latitude: float) -> i64:
    """Return the 52 bits of a place within the limits; at the upper limits themselves a bit more."""
    x: i64 = int((longitude + LONGITUDE_MAX) / _LONGITUDE_SPAN * _CELLS)
    y: i64 = int((latitude + LATITUDE_MAX) / _LATITUDE_SPAN * _CELLS)
    return interleave(x, y)


def interleave(x: i64, y: i64) -> i64:
    """Return the bits of `y` at the even positions and those of `x`, the longitude, at the odd ones."""
    return spread(y) | (spread(x) << 1)


def spread(number: i64) -> i64:
    """Return the lower 32 bits of `number` at the even positions."""
    number = (number | (number << 16)) & 0x0000FFFF0000FFFF
    number = (number | (number << 8)) & 0x00FF00FF00FF00FF
    number = (number | (number << 4)) & 0x0F0F0F0F0F0F0F0F
    number = (number | (number << 2)) & 0x3333333333333333
    return (number | (number << 1)) & _EVEN


def squeeze(bits: i64) -> i64:
    """Return the number whose bits stand at the even positions of `bits`."""
    bits &= _EVEN
    bits = (bits | (bits >> 1)) & 0x3333333333333333
    bits = (bits | (bits >> 2)) & 0x0F0F0F0F0F0F0F0F
    bits = (bits | (bits >> 4)) & 0x00FF00FF00FF00FF
    bits = (bits | (bits >> 8)) & 0x0000FFFF0000FFFF
    return (bits | (bits >> 16)) & 0xFFFFFFFF


def longitude_edge(x: i64, cells: float) -> float:
    """Return where column `x` of a grid with so many `cells` begins; it ends where the next one begins."""
    return -LONGITUDE_MAX + (float(x) / cells) * _LONGITUDE_SPAN


def latitude_edge(y: i64, cells: float) -> float:
    """Return where row `y` of a grid with so many `cells` begins."""
    return -LATITUDE_MAX + (float(y) / cells) * _LATITUDE_SPAN


def longitude_of(bits: i64) -> float:
    """Return the longitude in the middle of the smallest cell that `bits` names."""
    x = squeeze(bits >> 1)
    middle = (longitude_edge(x, _CELLS) + longitude_edge((x + 1) & 0xFFFFFFFF, _CELLS)) / 2
    return max(-LONGITUDE_MAX, min(middle, LONGITUDE_MAX))


def latitude_of(bits: i64) -> float:
    """Return the latitude in the middle of the smallest cell that `bits` names."""
    y = squeeze(bits)
    middle = (latitude_edge(y, _CELLS) + latitude_edge((y + 1) & 0xFFFFFFFF, _CELLS)) / 2
    return max(-LATITUDE_MAX, min(middle, LATITUDE_MAX))


def bits_of_score(score: float) -> i64:
    """Return the bits that a score stands for: those of any sorted set's score, as x86 makes an unsigned 64-bit number.

    What is beyond all such numbers becomes what the processor's conversion makes of it.
    """
    if 0.0 <= score < _TWO_63:
        return int(score)
    if score >= _TWO_64:
        return 0
    if score >= _TWO_63:
        return int(score - _TWO_63) + _INT64_MIN
    return int(score) if score > -_TWO_63 else _INT64_MIN


def text_of(bits: i64) -> bytes:
    """Return the geohash of a place as geohash.org writes it: latitudes from -90 to 90, letters of five bits."""
    x: i64 = int((longitude_of(bits) + LONGITUDE_MAX) / _LONGITUDE_SPAN * _CELLS)
    y: i64 = int((latitude_of(bits) + 90.0) / 180.0 * _CELLS)
    bits = interleave(x, y)
    text = bytearray()
    shift: i64 = 2 * MAX_STEP - 5
    for _ in range(_TEXT_SIZE):
        text.append(_LETTERS[(bits >> shift) & 31])
        shift -= 5
    return bytes(text) + b"0"


def latitude_distance_m(latitude1: float, latitude2: float) -> float:
    """Return the distance of two places on one meridian in metres."""
    return EARTH_RADIUS_M * abs(latitude2 * _RADIANS - latitude1 * _RADIANS)


def distance_m(longitude1: float, latitude1: float, longitude2: float, latitude2: float) -> float:
    """Return the distance of two places in metres, nan for opposite ones that rounding puts beyond each other."""
    v = math.sin((longitude2 * _RADIANS - longitude1 * _RADIANS) / 2)
    if v == 0.0:
        return latitude_distance_m(latitude1, latitude2)
    latitude1 *= _RADIANS
    latitude2 *= _RADIANS
    u = math.sin((latitude2 - latitude1) / 2)
    return haversine_m(u * u + math.cos(latitude1) * math.cos(latitude2) * v * v)


def haversine_m(haversine: float) -> float:
    """Return the distance in metres that belongs to the squared sine of half the angle between two places."""
    if haversine > 1.0:
        return math.nan
    return 2.0 * EARTH_RADIUS_M * _asin(math.sqrt(haversine))


def radians(degrees: float) -> float:
    """Return an angle in radians as Redis reckons it: not always to the last bit what `math.radians` gives."""
    return degrees * _RADIANS
