"""Payloads of RESTORE with a few bytes changed and the checksum made right: refused, or loaded as what they then say.

By hand, `python -m tests.persistence.test_mutations 100000` tries as many.
"""

from __future__ import annotations

import random
import sys
import time
import tracemalloc
from collections import Counter

import pytest

from respd.datatypes.hashes import HashValue
from respd.datatypes.limits import Limits
from respd.datatypes.lists import ListValue
from respd.datatypes.sets import SetValue
from respd.datatypes.sorted_sets import SortedSet
from respd.datatypes.streams import Stream
from respd.persistence import dump_payloads
from respd.persistence.rdb_format import CorruptFile, CorruptPayload
from respd.persistence.rdb_reader import KeyEvent
from tests.cases.dumping import BODIES, payload
from tests.persistence import rdb_files
from tests.persistence.reading import events, plain

MEMORY_MAX = 32 << 20  # what 2 kB can stand for, compressed and all, with Python's overhead
SECONDS_MAX = 5.0
SHORT_FORM = 3000
WORDS = [b"%d" % number for number in (0, 7, -1, 300, -5000, 70000, 1 << 40)] + [b"a", b"", b"x" * 70, b"y" * 300]


def _bodies() -> list[bytes]:
    """Payloads of redis-server, and those of the encodings that only older servers write."""
    old = [
        b"\x01" + rdb_files.length(len(WORDS)) + rdb_files.strings(WORDS),
        b"\x03\x02\x01a\x0215\x01b\xfe",
        b"\x09" + rdb_files.string(rdb_files.zipmap(WORDS[:10], 1)),
        b"\x0a" + rdb_files.string(rdb_files.ziplist(WORDS)),
        b"\x0c" + rdb_files.string(rdb_files.ziplist([b"a", b"1", b"b", b"2.5", b"c", b"inf"])),
        b"\x0d" + rdb_files.string(rdb_files.ziplist(WORDS[:10])),
        b"\x0e\x02" + 2 * rdb_files.string(rdb_files.ziplist(WORDS)),
        b"\x16\x02\x00" + rdb_files.strings([b"a", b"1"]) + rdb_files.length(4 << 40) + rdb_files.strings([b"b", b"2"]),
        b"\x17" + rdb_files.string(rdb_files.listpack([b"a", b"1", b"%d" % (4 << 40), b"b", b"2", b"0"])),
    ]
    return [*BODIES.values(), *old]


def mutated(body: bytes, chance: random.Random) -> bytes:
    """The body with one to three things done to it."""
    data = bytearray(body)
    for _ in range(chance.choice((1, 1, 1, 2, 3))):
        at = chance.randrange(len(data)) if data else 0
        what = chance.randrange(8)
        if what == 0:
            del data[at : at + chance.randrange(1, 9)]
        elif what == 1:
            data[at:at] = chance.randbytes(chance.randrange(1, 9))
        elif what == 2:
            data[at:at] = data[at : at + chance.randrange(1, 60)]
        elif what == 3:
            del data[at:]
        elif what == 4 and data:
            data[at] = chance.choice((0, 1, 0x3F, 0x40, 0x7F, 0x80, 0x81, 0xC0, 0xC3, 0xF0, 0xF4, 0xFE, 0xFF))
        elif data:
            data[at] ^= 1 << chance.randrange(8) if what < 7 else chance.randrange(1, 256)
    return bytes(data)


def attempt(body: bytes, version: int) -> str:
    """Read a payload and check what comes of it; return in a word what that was."""
    started = time.monotonic()
    tracemalloc.reset_peak()
    before = tracemalloc.get_traced_memory()[0]
    data = payload(body, version)
    assert dump_payloads.is_intact(data)
    try:
        value = dump_payloads.read(data, Limits())
    except CorruptPayload:
        return "refused"
    finally:
        assert tracemalloc.get_traced_memory()[1] - before < MEMORY_MAX
        assert time.monotonic() - started < SECONDS_MAX
    if isinstance(value, Stream):
        plain(value)
    elif isinstance(value, (HashValue, ListValue, SetValue, SortedSet)):
        value.check()
        assert len(value) > 0
    else:
        assert isinstance(value, (bytes, int))
    return "loaded"


def run(count: int, seed: int) -> Counter[str]:
    """Try so many mutations; return how many were refused and how many loaded."""
    chance = random.Random(seed)
    bodies = _bodies()
    found: Counter[str] = Counter()
    tracemalloc.start()
    try:
        for _ in range(count):
            body = mutated(chance.choice(bodies), chance)
            version = chance.choice((11, 12, 80))
            try:
                found[attempt(body, version)] += 1
            except Exception as problem:
                raise AssertionError(f"of version {version}: {body!r}") from problem
    finally:
        tracemalloc.stop()
    return found


def test_the_payloads_themselves() -> None:
    """Unchanged they are good."""
    tracemalloc.start()
    try:
        assert [attempt(body, 12) for body in _bodies()] == ["loaded"] * len(_bodies())
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("seed", [1, 2])
def test_mutated_payloads(seed: int) -> None:
    """No crash, no hang, no memory that the bytes do not justify, no value that breaks its own rules."""
    found = run(SHORT_FORM, seed)
    assert found["refused"] > SHORT_FORM // 3
    assert found["loaded"] > SHORT_FORM // 50


def outcome(data: bytes, chunk: int) -> object:
    """What a file without a valid checksum holds, or why it is refused."""
    try:
        found = events(data, chunk, verify=False)
    except CorruptFile as error:
        return type(error)
    pairs = [(event.key, event.value) for event in found if isinstance(event, KeyEvent)]
    return len(found), [(key, None if value is None else plain(value)) for key, value in pairs]


def run_files(count: int, seed: int) -> Counter[str]:
    """Try mutated files, each in one piece and in small ones, with the same outcome."""
    chance = random.Random(seed)
    bodies = _bodies()
    found: Counter[str] = Counter()
    for _ in range(count):
        records = [
            bytes((body[0],)) + b"\x03k%02d" % at + body[1:] for at, body in enumerate(chance.choices(bodies, k=4))
        ]
        records.insert(2, b"\xfc" + (4 << 40).to_bytes(8, "little"))
        data = rdb_files.file(12, *records, checksum=False)
        damaged = data[:9] + mutated(data[9:], chance)
        whole = outcome(damaged, 1 << 30)
        assert outcome(damaged, chance.choice((1, 3, 50))) == whole, damaged
        found["refused" if isinstance(whole, type) else "loaded"] += 1
    return found


def test_mutated_files() -> None:
    """Loaded or refused, and in pieces as in one."""
    found = run_files(SHORT_FORM // 10, 4)
    assert found["refused"] > 0 and found["loaded"] > 0


if __name__ == "__main__":
    print(dict(run(int(sys.argv[1]), 3)))
    print(dict(run_files(int(sys.argv[1]) // 10, 3)))
