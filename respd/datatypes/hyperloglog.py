"""HyperLogLogs: how many different elements were added, to within a percent, in 12 kilobytes at most.

An element's hash picks one of 16384 registers, which keeps the longest run of zeros ever seen behind it. A value is a
string, the same bytes as in Redis: a header of 16 bytes, `HYLL`, the form, three unused ones, the cached cardinality
(little-endian; its top bit says that it is stale), then the registers, *dense* with 6 bits each or *sparse* as runs
(`hyperloglog_sparse`). It is edited in place, as a `bytearray`.

Compiled, loops over machine words of eight registers do what takes long. Interpreted, all registers together are one
integer, and arithmetic on it does the same.

Cardinalities are estimated as Redis does it, after Otmar Ertl, "New cardinality estimation algorithms for HyperLogLog
sketches", arXiv:1702.01284.
"""

from __future__ import annotations

import math
from typing import Final, final

from librt.strings import BytesWriter, read_i64_le, write_i64_le
from librt.vecs import append, vec
from mypy_extensions import i64

from respd.builds import INTERPRETED
from respd.datatypes.hyperloglog_sparse import (
    CHANGED,
    CORRUPT,
    EMPTY_RUNS,
    HEADER_SIZE,
    REGISTERS,
    TOO_LARGE,
    SparseEditor,
    is_whole,
    plain_registers,
    read_runs,
    run_length,
    run_value,
)
from respd.datatypes.murmur import murmur64a

DENSE: Final = 0
SPARSE: Final = 1
_MAGIC: Final = b"HYLL"
_FORM: Final = 4  # where the header tells it
_CACHE: Final = 8
_STALE_AT: Final = 15
_STALE: Final = 0x80
_BODY_SIZE: Final = REGISTERS * 6 // 8
DENSE_SIZE: Final = HEADER_SIZE + _BODY_SIZE

_SEED: Final = 0xADC83B19
_INDEX_BITS: Final = 14
_HASH_BITS: Final = 50  # what is left for the run of zeros
_HASH_MASK: Final = (1 << _HASH_BITS) - 1
_COUNTS: Final = 64
_ALPHA: Final = 0.721347520444481703680  # 0.5 / ln(2)
_INT64_LIMIT: Final = 9223372036854775808.0

# Eight registers as a word, and every other one of them: each then has 6 bits of 0 above it.
_WORDS: Final = REGISTERS // 8
_WORD: Final = (1 << 48) - 1
_LANES: Final = 0x03F03F03F03F
_GUARDS: Final = 0x040040040040
# Eight registers of a byte each.
_TOP_BITS: Final = -0x7F7F7F7F7F7F7F80  # 0x8080808080808080 as a signed number
_ONES: Final = 0x0101010101010101
# All registers as an integer.
_ALL_TOP_BITS: Final = int.from_bytes(b"\x80" * REGISTERS, "little")
_ALL_LANES: Final = int.from_bytes(_LANES.to_bytes(6, "little") * _WORDS, "little")
_ALL_GUARDS: Final = int.from_bytes(_GUARDS.to_bytes(6, "little") * _WORDS, "little")


class CorruptRegisters(Exception):
    """The runs of a sparse HyperLogLog are not those of all its registers."""


def is_valid(data: bytes | bytearray) -> bool:
    """Tell whether a string has the header of a HyperLogLog, and the size if it is dense."""
    if len(data) < HEADER_SIZE or not data.startswith(_MAGIC):
        return False
    form = data[_FORM]
    return form == SPARSE or (form == DENSE and len(data) == DENSE_SIZE)


def empty() -> bytearray:
    """Return a new one."""
    return bytearray(_MAGIC + bytes([SPARSE]) + bytes(HEADER_SIZE - _FORM - 1) + EMPTY_RUNS)


def is_sparse(data: bytearray) -> bool:
    """Tell which form a valid HyperLogLog has."""
    return data[_FORM] == SPARSE


def cached_count(data: bytearray) -> int:
    """Return the cardinality that the header remembers, -1 when it is stale."""
    if data[_STALE_AT] & _STALE:
        return -1
    return int.from_bytes(data[_CACHE:HEADER_SIZE], "little")


def remember_count(data: bytearray, count: int) -> None:
    """Keep the cardinality in the header."""
    data[_CACHE:HEADER_SIZE] = (count & ((1 << 64) - 1)).to_bytes(8, "little")


def forget_count(data: bytearray) -> None:
    """Mark the remembered cardinality as stale."""
    data[_STALE_AT] |= _STALE


def add(data: bytearray, element: bytes, sparse_max: i64) -> bool:
    """Add an element; tell whether a register has grown. The sparse form becomes dense beyond `sparse_max` bytes.

    O(1) for the dense form, O(size) for the sparse one. Raises CorruptRegisters.
    """
    value = murmur64a(element, _SEED)
    index = value & (REGISTERS - 1)
    rest = (value >> _INDEX_BITS) & _HASH_MASK | (1 << _HASH_BITS)
    zeros: i64 = 1
    while rest & 1 == 0:
        rest >>= 1
        zeros += 1
    if data[_FORM] == DENSE:
        return _put_dense(data, index, zeros)
    done = SparseEditor(data, sparse_max).put(index, zeros)
    if done == TOO_LARGE:
        make_dense(data)
        return _put_dense(data, index, zeros)
    if done == CORRUPT:
        raise CorruptRegisters
    if done == CHANGED:
        forget_count(data)  # at once, for another element may find the runs corrupt
        return True
    return False


def _put_dense(data: bytearray, index: i64, value: i64) -> bool:
    """Raise a register of the dense form to `value`; tell whether it was lower."""
    bit: i64 = index * 6
    at: i64 = HEADER_SIZE + (bit >> 3)
    shift: i64 = bit & 7
    low: i64 = data[at]
    high: i64 = data[at + 1] if shift > 2 else 0
    both: i64 = low | (high << 8)
    if (both >> shift) & 63 >= value:
        return False
    both = (both & ~(63 << shift)) | (value << shift)
    data[at] = int(both & 255)
    if shift > 2:
        data[at + 1] = int(both >> 8)
    return True


def _whole_runs(data: bytes | bytearray) -> vec[i64]:
    """Return the runs of the sparse form. Raises CorruptRegisters."""
    runs = read_runs(bytes(data))
    if not is_whole(runs):
        raise CorruptRegisters
    return runs


def make_dense(data: bytearray) -> bool:
    """Give a sparse HyperLogLog the dense form, with the header as it is; return False if it is dense already.

    Raises CorruptRegisters.
    """
    if data[_FORM] == DENSE:
        return False
    runs = _whole_runs(data)
    data[HEADER_SIZE:] = _packed(plain_registers(runs))
    data[_FORM] = DENSE
    return True


def registers(data: bytearray) -> list[object]:
    """Return the values of all registers of the dense form."""
    values: list[object] = []
    values.extend(_unpacked(bytes(data[HEADER_SIZE:])))
    return values


def count(data: bytearray) -> int:
    """Return the estimated cardinality, a 64-bit number. O(registers). Raises CorruptRegisters."""
    if data[_FORM] == DENSE:
        union = Union()
        union.merge(data)
        return union.count()
    runs = _whole_runs(data)
    counts = [0] * _COUNTS
    for run in runs:
        counts[int(run_value(run))] += int(run_length(run))
    return _estimate(counts)


def merge(data: bytearray, union: Union, sparse_max: i64) -> None:
    """Raise the registers to those of a union that includes this one. It stays sparse if all are and it may."""
    if union.is_dense:
        data[HEADER_SIZE:] = union.body()
        data[_FORM] = DENSE
        forget_count(data)
        return
    plain = union.sparse_registers()
    editor = SparseEditor(data, sparse_max)
    for index in range(REGISTERS):
        value: i64 = plain[index]
        if value:
            if data[_FORM] == DENSE:
                _put_dense(data, index, value)
            elif editor.put(index, value) == TOO_LARGE:
                make_dense(data)
                _put_dense(data, index, value)
    forget_count(data)


@final
class Union:
    """The largest of each register of several HyperLogLogs.

    Those of the sparse ones are bytes of `_plain`. Those of the dense ones are in `_words` (compiled) or the integer
    `_all` (interpreted), once `is_dense`.
    """

    def __init__(self) -> None:
        self.is_dense: bool = False
        self._plain: bytes = b""
        self._words: vec[i64] = vec[i64]()
        self._all: int = 0

    def merge(self, data: bytes | bytearray) -> None:
        """Take a valid HyperLogLog in. Raises CorruptRegisters."""
        if data[_FORM] == DENSE:
            self._merge_body(bytes(data[HEADER_SIZE:]))
            return
        runs = _whole_runs(data)
        plain = plain_registers(runs)
        self._plain = _larger_plain(self._plain, plain) if self._plain else plain

    def sparse_registers(self) -> bytes:
        """Return the registers of the sparse ones, a byte each."""
        return self._plain or bytes(REGISTERS)

    def _merge_body(self, body: bytes) -> None:
        if INTERPRETED:
            self._all = _larger_of_all(self._all, int.from_bytes(body, "little"))
        elif self.is_dense:
            _raise_words(self._words, body)
        else:
            self._words = _read_words(body)
        self.is_dense = True

    def _merge_plain(self) -> None:
        """Take what the sparse ones have into the dense form."""
        if self._plain:
            self._merge_body(_packed(self._plain))
            self._plain = b""

    def body(self) -> bytes:
        """Return the registers in the dense form."""
        self._merge_plain()
        return self._all.to_bytes(_BODY_SIZE, "little") if INTERPRETED else _write_words(self._words)

    def count(self) -> int:
        """Return the estimated cardinality, a 64-bit number. O(registers)."""
        if not self.is_dense:
            return _estimate(_count_plain(self.sparse_registers()))
        self._merge_plain()
        if INTERPRETED:
            return _estimate(_count_plain(_unpacked(self.body())))
        return _estimate(_count_words(self._words))


# -- all registers as one integer


def _larger_of_all(one: int, other: int) -> int:
    """Return the larger of each register of two integers of all registers."""
    even = _larger(one & _ALL_LANES, other & _ALL_LANES, _ALL_GUARDS, 6)
    return even | (_larger((one >> 6) & _ALL_LANES, (other >> 6) & _ALL_LANES, _ALL_GUARDS, 6) << 6)


def _larger(one: int, other: int, guards: int, bits: int) -> int:
    """Return the larger of each lane of so many bits: where `other` is, subtracting it takes the guard bit above."""
    kept = ((one | guards) - other) & guards
    kept -= kept >> bits
    return other ^ ((one ^ other) & kept)


# -- registers in machine words of eight


def _read_words(body: bytes) -> vec[i64]:
    words: vec[i64] = vec[i64](capacity=_WORDS)
    at: i64 = 0
    while at < _BODY_SIZE - 6:
        words = append(words, read_i64_le(body, at) & _WORD)
        at += 6
    return append(words, (read_i64_le(body, at - 2) >> 16) & _WORD)


def _raise_words(words: vec[i64], body: bytes) -> None:
    lanes: i64 = _LANES
    guards: i64 = _GUARDS
    at: i64 = 0
    for index in range(_WORDS):
        if index < _WORDS - 1:
            other = read_i64_le(body, at)
        else:
            other = read_i64_le(body, at - 2) >> 16
        one = words[index]
        even = one & lanes
        kept = ((even | guards) - (other & lanes)) & guards
        kept -= kept >> 6
        even = (other & lanes) ^ ((even ^ other) & kept)
        odd = (one >> 6) & lanes
        other = (other >> 6) & lanes
        kept = ((odd | guards) - other) & guards
        kept -= kept >> 6
        words[index] = even | ((other ^ ((odd ^ other) & kept)) << 6)
        at += 6


def _write_words(words: vec[i64]) -> bytes:
    """Return the words side by side, 48 bits of each: four fill three of 64 bits."""
    out = BytesWriter()
    index: i64 = 0
    while index < _WORDS:
        second = words[index + 1]
        third = words[index + 2]
        write_i64_le(out, words[index] | (second << 48))
        write_i64_le(out, (second >> 16) | (third << 32))
        write_i64_le(out, (third >> 32) | (words[index + 3] << 16))
        index += 4
    return out.getvalue()


def _count_words(words: vec[i64]) -> list[int]:
    """Return how many registers have each value."""
    counts: vec[i64] = vec[i64]([0] * _COUNTS)
    others: vec[i64] = vec[i64]([0] * _COUNTS)
    for word in words:
        counts[word & 63] += 1
        others[(word >> 6) & 63] += 1
        counts[(word >> 12) & 63] += 1
        others[(word >> 18) & 63] += 1
        counts[(word >> 24) & 63] += 1
        others[(word >> 30) & 63] += 1
        counts[(word >> 36) & 63] += 1
        others[(word >> 42) & 63] += 1
    return [int(counts[value] + others[value]) for value in range(_COUNTS)]


# -- a byte for each register


def _larger_plain(one: bytes, other: bytes) -> bytes:
    """Return the larger of each register."""
    if INTERPRETED:
        larger = _larger(int.from_bytes(one, "little"), int.from_bytes(other, "little"), _ALL_TOP_BITS, 7)
        return larger.to_bytes(REGISTERS, "little")
    out = BytesWriter()
    tops: i64 = _TOP_BITS
    ones: i64 = _ONES
    at: i64 = 0
    while at < REGISTERS:
        first = read_i64_le(one, at)
        second = read_i64_le(other, at)
        kept = ((first | tops) - second) & tops
        kept -= (kept >> 7) & ones
        write_i64_le(out, second ^ ((first ^ second) & kept))
        at += 8
    return out.getvalue()


def _count_plain(plain: bytes) -> list[int]:
    """Return how many registers have each value."""
    if INTERPRETED:
        found = [0] * _COUNTS
        left = REGISTERS
        for value in range(_COUNTS):
            found[value] = plain.count(value)
            left -= found[value]
            if left == 0:
                break
        return found
    counts: vec[i64] = vec[i64]([0] * _COUNTS)
    at: i64 = 0
    while at < REGISTERS:
        counts[plain[at]] += 1
        at += 1
    return [int(counts[value]) for value in range(_COUNTS)]


_LOW_BITS: Final = [bytes([(byte << shift) & 255 for byte in range(256)]) for shift in range(8)]
_HIGH_BITS: Final = [bytes([byte >> shift for byte in range(256)]) for shift in range(8)]
_SIX_BITS: Final = bytes([byte & 63 for byte in range(256)])
_FOUR_BITS: Final = bytes([(byte & 15) << 2 for byte in range(256)])
_TWO_BITS: Final = bytes([(byte & 3) << 4 for byte in range(256)])


def _packed(plain: bytes) -> bytes:
    """Return registers of a byte each in the dense form: every fourth of them at once, by tables."""
    second = plain[1::4]
    third = plain[2::4]
    body = bytearray(_BODY_SIZE)
    body[0::3] = _either(plain[0::4], second.translate(_LOW_BITS[6]))
    body[1::3] = _either(second.translate(_HIGH_BITS[2]), third.translate(_LOW_BITS[4]))
    body[2::3] = _either(third.translate(_HIGH_BITS[4]), plain[3::4].translate(_LOW_BITS[2]))
    return bytes(body)


def _unpacked(body: bytes) -> bytes:
    """Return the registers of the dense form, a byte each."""
    first = body[0::3]
    second = body[1::3]
    third = body[2::3]
    plain = bytearray(REGISTERS)
    plain[0::4] = first.translate(_SIX_BITS)
    plain[1::4] = _either(first.translate(_HIGH_BITS[6]), second.translate(_FOUR_BITS))
    plain[2::4] = _either(second.translate(_HIGH_BITS[4]), third.translate(_TWO_BITS))
    plain[3::4] = third.translate(_HIGH_BITS[2])
    return bytes(plain)


def _either(one: bytes, other: bytes) -> bytes:
    """Return the bits that are set in either of two strings of one length."""
    return (int.from_bytes(one, "little") | int.from_bytes(other, "little")).to_bytes(len(one), "little")


# -- the estimate


def _estimate(counts: list[int]) -> int:
    """Return the cardinality that belongs to so many registers of each value."""
    m = float(REGISTERS)
    z = m * _tau((m - counts[_HASH_BITS + 1]) / m)
    for value in range(_HASH_BITS, 0, -1):
        z += counts[value]
        z *= 0.5
    z += m * _sigma(counts[0] / m)
    if z == 0.0:
        return 1 << 63
    estimate = _ALPHA * m * m / z
    if estimate >= _INT64_LIMIT:
        return 1 << 63
    whole = int(estimate)
    return whole + 1 if estimate - whole >= 0.5 else whole


def _sigma(x: float) -> float:
    if x == 1.0:
        return math.inf
    y = 1.0
    z = x
    last = -1.0
    while z != last:
        x *= x
        last = z
        z += x * y
        y += y
    return z


def _tau(x: float) -> float:
    if x == 0.0 or x == 1.0:
        return 0.0
    y = 1.0
    z = 1.0 - x
    last = -1.0
    while z != last:
        x = math.sqrt(x)
        last = z
        y *= 0.5
        z -= (1.0 - x) * (1.0 - x) * y
    return z / 3.0
