"""The sparse form of a HyperLogLog: runs of equal registers, behind the header.

| opcode | means |
|---|---|
| 00xxxxxx | xxxxxx + 1 registers are 0 |
| 01xxxxxx yyyyyyyy | xxxxxxyyyyyyyy + 1 registers are 0 |
| 1vvvvvxx | xx + 1 registers are vvvvv + 1 |

A register that grows splits its run in up to three; then equal neighbours among the five opcodes from the one before on
are joined. Redis does exactly this much and no more, and the bytes show it, so it is followed here step by step.
Source: redis.io, "HyperLogLog"; the format as GET and DUMP of redis-server show it.
"""

from __future__ import annotations

import re
from typing import Final, final

from librt.strings import BytesWriter
from librt.vecs import append, vec
from mypy_extensions import i64, mypyc_attr, u8

from respd.builds import INTERPRETED

HEADER_SIZE: Final = 16
REGISTERS: Final = 16384
VALUE_MAX: Final = 32
EMPTY_RUNS: Final = b"\x7f\xff"  # all registers are 0

# What an edit has done.
CORRUPT: Final = -1
UNCHANGED: Final = 0
CHANGED: Final = 1
TOO_LARGE: Final = 2  # nothing: the sparse form cannot hold it

_VALUE: Final = 0x80
_LONG_ZEROS: Final = 0x40
_ZEROS_MAX: Final = 64
_VALUE_RUN_MAX: Final = 4
_JOINED: Final = 5  # opcodes looked at to be joined
_LENGTH_BITS: Final = 15
_LENGTH_MASK: Final = (1 << _LENGTH_BITS) - 1
_SEVERAL: Final = re.compile(rb"[^\x40-\x7f]{1,32}|[\x40-\x7f].?", re.DOTALL)  # opcodes of one byte, or one of two
_LENGTHS: Final = bytes(range(1, 65)) + bytes(64) + bytes([1, 2, 3, 4]) * 32  # of the opcodes of one byte


def read_runs(data: bytes) -> vec[i64]:
    """Return the runs as numbers for `run_value` and `run_length`."""
    runs: vec[i64] = vec[i64]()
    size: i64 = len(data)
    at: i64 = HEADER_SIZE
    while at < size:
        opcode: i64 = data[at]
        at += 1
        if opcode & _VALUE:
            length: i64 = (opcode & 3) + 1
            runs = append(runs, ((((opcode >> 2) & 31) + 1) << _LENGTH_BITS) | length)
        elif opcode & _LONG_ZEROS:
            low: i64 = data[at] if at < size else 0
            at += 1
            length = ((opcode & 63) << 8) + low + 1
            runs = append(runs, length)
        else:
            length = opcode + 1
            runs = append(runs, length)
    return runs


def is_whole(runs: vec[i64]) -> bool:
    """Tell whether the runs are those of all registers."""
    total: i64 = 0
    for run in runs:
        total += run & _LENGTH_MASK
    return total == REGISTERS


def run_value(run: i64) -> i64:
    """Return the value of a run's registers."""
    return run >> _LENGTH_BITS


def run_length(run: i64) -> i64:
    """Return how many registers a run has."""
    return run & _LENGTH_MASK


def no_registers() -> BytesWriter:
    """Return registers that are all 0, a byte each."""
    plain = BytesWriter()
    plain.write(bytes(REGISTERS))
    return plain


def raise_registers(plain: BytesWriter, runs: vec[i64]) -> None:
    """Raise registers, a byte each, to what the runs of all of them say."""
    first: i64 = 0
    for run in runs:
        end: i64 = first + (run & _LENGTH_MASK)
        if run > _LENGTH_MASK:
            value = u8(run >> _LENGTH_BITS)
            while first < end:
                if plain[first] < value:
                    plain[first] = value
                first += 1
        first = end


def text_of_runs(data: bytes) -> bytes:
    """Return the runs as PFDEBUG DECODE shows them: z:1 Z:9 v:2,4 for some zeros, many zeros, four registers of 2."""
    parts: list[bytes] = []
    at = HEADER_SIZE
    for run in read_runs(data):
        value = run_value(run)
        if value:
            parts.append(b"v:%d,%d" % (value, run_length(run)))
        elif data[at] & _LONG_ZEROS:
            parts.append(b"Z:%d" % run_length(run))
            at += 1
        else:
            parts.append(b"z:%d" % run_length(run))
        at += 1
    return b" ".join(parts)


def _zeros(length: i64) -> bytes:
    """The opcode for so many registers that are 0."""
    if length > _ZEROS_MAX:
        return bytes([_LONG_ZEROS | ((length - 1) >> 8), (length - 1) & 255])
    return bytes([length - 1])


def _values(value: i64, length: i64) -> i64:
    """The opcode for `length` registers that are `value`."""
    return _VALUE | ((value - 1) << 2) | (length - 1)


@final
@mypyc_attr(acyclic=True)
class SparseEditor:
    """Raises registers of a sparse HyperLogLog in place: quick when they come in order, for it goes on from the last.

    Invariant: an opcode begins at `_start`, and `_start_register` is its first register.
    """

    def __init__(self, data: bytearray, max_bytes: i64) -> None:
        self._data: bytearray = data
        self._max_bytes: i64 = max_bytes
        self._start: i64 = HEADER_SIZE
        self._start_register: i64 = 0

    def put(self, index: i64, value: i64) -> int:
        """Raise a register to `value`; return CHANGED, UNCHANGED, TOO_LARGE or CORRUPT. O(opcodes from the last)."""
        if value > VALUE_MAX:
            return TOO_LARGE
        raw = bytes(self._data)
        size: i64 = len(raw)
        at = self._start
        first = self._start_register
        if INTERPRETED and (at == HEADER_SIZE or index < first):
            at, first = _nearby(raw, index)
        elif index < first:
            at = HEADER_SIZE
            first = 0
        before: i64 = -1  # the opcode before the previous one
        previous: i64 = -1
        before_length: i64 = 0
        previous_length: i64 = 0
        length: i64 = 0
        opcode: i64 = 0
        width: i64 = 1
        while at < size:
            opcode = raw[at]
            width = 1
            if opcode & _VALUE:
                length = (opcode & 3) + 1
            elif opcode & _LONG_ZEROS:
                low: i64 = raw[at + 1] if at + 1 < size else 0
                length = ((opcode & 63) << 8) + low + 1
                width = 2
            else:
                length = opcode + 1
            if index < first + length:
                if previous >= 0 or at == HEADER_SIZE:
                    break
                at = HEADER_SIZE  # what comes before must be known, too: once more from the front
                first = 0
                continue
            before = previous
            before_length = previous_length
            previous = at
            previous_length = length
            at += width
            first += length
        if at >= size:
            return CORRUPT
        if before >= 0:
            self._start = before
            self._start_register = first - previous_length - before_length
        else:
            self._start = HEADER_SIZE
            self._start_register = 0
        data = self._data
        if opcode & _VALUE and ((opcode >> 2) & 31) + 1 >= value:
            return UNCHANGED
        if length == 1 and width == 1:
            data[at] = int(_values(value, 1))
        else:
            split = _split(opcode, index - first, value, first + length - 1 - index)
            growth: i64 = len(split) - width
            if growth > 0 and size + growth > self._max_bytes:
                return TOO_LARGE
            data[at : at + width] = split
            if len(data) > size + growth:  # the last opcode was cut short
                del data[size + growth :]
        self._join(previous if previous >= 0 else HEADER_SIZE)
        return CHANGED

    def _join(self, at: i64) -> None:
        """Join equal neighbours among some opcodes from `at` on."""
        data = self._data
        left: i64 = _JOINED
        while at < len(data) and left > 0:
            left -= 1
            opcode: i64 = data[at]
            if not opcode & _VALUE:
                at += 2 if opcode & _LONG_ZEROS else 1
                continue
            if at + 1 < len(data):
                other: i64 = data[at + 1]
                length: i64 = (opcode & 3) + (other & 3) + 2
                if other >> 2 == opcode >> 2 and length <= _VALUE_RUN_MAX:
                    data[at + 1] = int((opcode & 0xFC) | (length - 1))
                    del data[at]
                    continue
            at += 1


def _nearby(raw: bytes, index: i64) -> tuple[int, int]:
    """Return where an opcode stands not far before that of a register, not the last one before, and its first register.

    Interpreted, this saves looking at all the opcodes before: C adds the lengths of several up.
    """
    starts = [HEADER_SIZE, HEADER_SIZE, HEADER_SIZE]
    firsts = [0, 0, 0]
    first = 0
    for found in _SEVERAL.finditer(raw, HEADER_SIZE):
        part = found[0]
        starts.append(found.start())
        firsts.append(first)
        if _LONG_ZEROS <= part[0] < _VALUE:
            first += ((part[0] & 63) << 8) + (part[1] if len(part) > 1 else 0) + 1
        else:
            first += sum(part.translate(_LENGTHS))
        if first > index:
            break
    return starts[-3], firsts[-3]


def _split(opcode: i64, left: i64, value: i64, right: i64) -> bytes:
    """Return what takes the place of a run: `left` registers as they are, one of `value`, `right` as they are."""
    middle = bytes([_values(value, 1)])
    if opcode & _VALUE:
        old: i64 = ((opcode >> 2) & 31) + 1
        head = bytes([_values(old, left)]) if left else b""
        tail = bytes([_values(old, right)]) if right else b""
    else:
        head = _zeros(left) if left else b""
        tail = _zeros(right) if right else b""
    return head + middle + tail
