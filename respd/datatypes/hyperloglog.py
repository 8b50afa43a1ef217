"""HyperLogLogs: how many different elements were added, to within a percent, in 12 kilobytes at most.

An element's hash picks one of 16384 registers, which keeps the longest run of zeros ever seen behind it. A value is a
string, the same bytes as in Redis: a header of 16 bytes, `HYLL`, the form, three unused ones, the cached cardinality
(little-endian; its top bit says that it is stale), then the registers, *dense* with 6 bits each or *sparse* as runs
(`hyperloglog_sparse`). It is edited in place, as a `bytearray`.

Compiled, loops over machine words of eight registers do what takes long; interpreted, all registers together are one
integer, and arithmetic on it does the same.

Cardinalities are estimated as Redis does it, after Otmar Ertl, "New cardinality estimation algorithms for HyperLogLog
sketches", arXiv:1702.01284.
"""

from __future__ import annotations

import math
from typing import Final, final

from librt.strings import BytesWriter, read_i64_le, write_i64_le
from librt.vecs import vec
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
    no_registers,
    raise_registers,
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
_LANES: Final = 0x03F03F03F03F
_GUARDS: Final = 0x040040040040
# All registers as an integer.
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
    plain = no_registers()
    raise_registers(plain, runs)
    data[HEADER_SIZE:] = _packed(plain.getvalue())
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
        return _count_dense(bytes(data[HEADER_SIZE:]))
    runs = _whole_runs(data)
    counts = [0] * _COUNTS
    for run in runs:
        counts[int(run_value(run))] += int(run_length(run))
    return _estimate(counts)


def _count_dense(body: bytes) -> int:
    """Return the estimated cardinality of registers in the dense form. O(registers)."""
    return _estimate(_count_plain(_unpacked(body)) if INTERPRETED else _count_body(body))


def merge(data: bytearray, union: Union, sparse_max: i64) -> None:
    """Raise the registers to those of a union that includes this one. It stays sparse if all are and it may."""
    if union.is_dense():
        data[HEADER_SIZE:] = union.body()
        data[_FORM] = DENSE
        forget_count(data)
        return
    plain = union.registers()
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
    """The largest of each register of several HyperLogLogs: a byte each of the sparse, a body of the dense ones."""

    def __init__(self) -> None:
        self._plain: BytesWriter | None = None
        self._body: bytes = b""

    def is_dense(self) -> bool:
        """Tell whether any of them is dense."""
        return len(self._body) > 0

    def merge(self, data: bytes | bytearray) -> None:
        """Take a valid HyperLogLog in. Raises CorruptRegisters."""
        if data[_FORM] == DENSE:
            body = bytes(data[HEADER_SIZE:])
            self._body = _larger_body(self._body, body) if self._body else body
        else:
            runs = _whole_runs(data)
            if self._plain is None:
                self._plain = no_registers()
            raise_registers(self._plain, runs)

    def registers(self) -> bytes:
        """Return the registers when all are sparse, a byte each."""
        return bytes(REGISTERS) if self._plain is None else self._plain.getvalue()

    def body(self) -> bytes:
        """Return the registers in the dense form when any is dense."""
        if self._plain is not None:
            self._body = _larger_body(self._body, _packed(self._plain.getvalue()))
            self._plain = None
        return self._body

    def count(self) -> int:
        """Return the estimated cardinality, a 64-bit number. O(registers)."""
        return _count_dense(self.body()) if self.is_dense() else _estimate(_count_plain(self.registers()))


# -- all registers as one integer


def _larger_of_all(one: int, other: int) -> bytes:
    """Return the larger of each register of two dense forms."""
    even = _larger_lanes(one & _ALL_LANES, other & _ALL_LANES)
    odd = _larger_lanes((one >> 6) & _ALL_LANES, (other >> 6) & _ALL_LANES)
    return (even | (odd << 6)).to_bytes(_BODY_SIZE, "little")


def _larger_lanes(one: int, other: int) -> int:
    """Return the larger of each lane: where `other` is, subtracting it takes the guard bit above."""
    kept = ((one | _ALL_GUARDS) - other) & _ALL_GUARDS
    kept -= kept >> 6
    return other ^ ((one ^ other) & kept)


# -- registers in machine words of eight


def _larger_word(one: i64, other: i64) -> i64:
    """Return the larger of each of eight registers."""
    even = other & _LANES
    kept = (((one & _LANES) | _GUARDS) - even) & _GUARDS
    kept -= kept >> 6
    even ^= (one ^ other) & kept
    one >>= 6
    other >>= 6
    odd = other & _LANES
    kept = (((one & _LANES) | _GUARDS) - odd) & _GUARDS
    kept -= kept >> 6
    return even | ((odd ^ ((one ^ other) & kept)) << 6)


def _larger_body(one: bytes, other: bytes) -> bytes:
    """Return the larger of each register of two dense forms: four words of 48 bits at once, which fill three of 64."""
    if INTERPRETED:
        return _larger_of_all(int.from_bytes(one, "little"), int.from_bytes(other, "little"))
    out = BytesWriter()
    at: i64 = 0
    while at < _BODY_SIZE:
        first = _larger_word(read_i64_le(one, at), read_i64_le(other, at))
        second = _larger_word(read_i64_le(one, at + 6), read_i64_le(other, at + 6))
        third = _larger_word(read_i64_le(one, at + 12), read_i64_le(other, at + 12))
        fourth = _larger_word(read_i64_le(one, at + 16) >> 16, read_i64_le(other, at + 16) >> 16)
        write_i64_le(out, first | (second << 48))
        write_i64_le(out, (second >> 16) | (third << 32))
        write_i64_le(out, (third >> 32) | (fourth << 16))
        at += 24
    return out.getvalue()


def _count_body(body: bytes) -> list[int]:
    """Return how many registers have each value."""
    counts: vec[i64] = vec[i64]([0] * _COUNTS)
    others: vec[i64] = vec[i64]([0] * _COUNTS)
    at: i64 = 0
    while at < _BODY_SIZE:
        word = read_i64_le(body, at) if at < _BODY_SIZE - 6 else read_i64_le(body, at - 2) >> 16
        counts[word & 63] += 1
        others[(word >> 6) & 63] += 1
        counts[(word >> 12) & 63] += 1
        others[(word >> 18) & 63] += 1
        counts[(word >> 24) & 63] += 1
        others[(word >> 30) & 63] += 1
        counts[(word >> 36) & 63] += 1
        others[(word >> 42) & 63] += 1
        at += 6
    return [int(counts[value] + others[value]) for value in range(_COUNTS)]


# -- a byte for each register


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
    others: vec[i64] = vec[i64]([0] * _COUNTS)
    at: i64 = 0
    while at < REGISTERS:
        word = read_i64_le(plain, at)
        counts[word & 63] += 1
        others[(word >> 8) & 63] += 1
        counts[(word >> 16) & 63] += 1
        others[(word >> 24) & 63] += 1
        counts[(word >> 32) & 63] += 1
        others[(word >> 40) & 63] += 1
        counts[(word >> 48) & 63] += 1
        others[(word >> 56) & 63] += 1
        at += 8
    return [int(counts[value] + others[value]) for value in range(_COUNTS)]


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
