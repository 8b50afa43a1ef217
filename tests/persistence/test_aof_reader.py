"""The reader of append-only files: round trips, the file cut at every byte, damage."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from respd.persistence.aof_reader import AofReader, CorruptLog, begins_with_snapshot
from tests.wire import encode

Commands = list[list[bytes]]


def read(data: bytes, step: int = 0) -> tuple[Commands, AofReader]:
    """Read `data` in chunks of `step` bytes, all at once with 0."""
    reader = AofReader()
    found: Commands = []
    for start in range(0, len(data), step or max(len(data), 1)):
        reader.feed(data[start : start + (step or len(data))])
        while (words := reader.next()) is not None:
            found.append(words)
    return found, reader


COMMANDS = st.lists(st.lists(st.binary(max_size=40), min_size=1, max_size=12), max_size=8)


@given(COMMANDS, st.integers(0, 9))
def test_round_trip_in_chunks_of_any_size(commands: Commands, step: int) -> None:
    data = b"".join(map(encode, commands))
    found, reader = read(data, step)
    assert found == commands
    assert (reader.offset, reader.unread()) == (len(data), 0)


SMALL = b"".join(
    [
        b"#TS:1700000000\r\n",
        encode([b"SELECT", b"0"]),
        encode([b"SET", b"k", b"\r\n*1\r\n" + b"v" * 12]),
        encode([b"MULTI"]),
        encode([b"SET", b"a", b""]),
        b"#TS:1700000001\r\n",
        encode([b"exec"]),
        encode([b"w%d" % number for number in range(12)]),
    ]
)


def test_cut_at_every_byte() -> None:
    """Whole commands come out, nothing else; `safe_end` never lies inside a command or a transaction."""
    whole, _ = read(SMALL)
    ends: list[int] = []
    safe_ends: list[int] = []
    reader = AofReader()
    reader.feed(SMALL)
    while reader.next() is not None:
        ends.append(int(reader.offset))
        safe_ends.append(int(reader.safe_end))
    for cut in range(len(SMALL) + 1):
        found, reader = read(SMALL[:cut])
        assert found == whole[: len(found)]
        assert reader.safe_end == (safe_ends[len(found) - 1] if found else 0)
        assert reader.safe_end <= reader.offset <= cut
        assert reader.offset + reader.unread() == cut
        again, _ = read(SMALL[: int(reader.safe_end)])
        assert again == [words for words, end in zip(whole, ends) if end <= reader.safe_end]


def test_a_transaction_is_safe_only_as_a_whole() -> None:
    start = len(encode([b"SET", b"a", b"1"]))
    data = encode([b"SET", b"a", b"1"]) + encode([b"MULTI"]) + encode([b"SET", b"b", b"2"])
    _, reader = read(data)
    assert (reader.safe_end, reader.offset, reader.in_transaction) == (start, len(data), True)
    _, reader = read(data + encode([b"EXEC"]))
    assert (reader.safe_end, reader.in_transaction) == (len(data) + len(encode([b"EXEC"])), False)


def test_timestamps() -> None:
    _, reader = read(SMALL)
    assert reader.timestamp == 1700000001


def test_offsets_count_from_the_start_of_the_file() -> None:
    reader = AofReader(100)
    reader.feed(encode([b"PING"]))
    assert reader.next() == [b"PING"]
    assert reader.safe_end == 100 + len(encode([b"PING"]))


@pytest.mark.parametrize(
    "damage",
    [
        b"SET k v\r\n",
        b"\x00\x00\x00\x00",
        b"*0\r\n",
        b"*-1\r\n",
        b"*x\r\n",
        b"*1\n$4\r\nPING\r\n",
        b"*1\r\n+PING\r\n",
        b"*1\r\n$-1\r\n",
        b"*1\r\n$x\r\n",
        b"*1\r\n$3\r\nPING\r\n",
        b"*1\r\n$5\r\nPING\r\n*1",
        b"*99999999999999999999\r\n",
        b"*1\r\n$9999999999999999\r\n",
        b"#TS:abc\r\n",
        b"#" + b"x" * 2000,
    ],
)
def test_damage_is_refused_with_its_offset(damage: bytes) -> None:
    good = encode([b"SET", b"k", b"v"])
    with pytest.raises(CorruptLog) as caught:
        read(good + damage)
    assert caught.value.offset == len(good)


@given(st.binary(max_size=60), st.integers(0, 200))
def test_any_bytes_are_read_or_refused(noise: bytes, at: int) -> None:
    data = SMALL[:at] + noise + SMALL[at:]
    try:
        _, reader = read(data)
    except CorruptLog as error:
        assert error.offset <= len(data)
    else:
        assert reader.safe_end <= reader.offset <= len(data)


def test_a_long_word_costs_linear_time() -> None:
    word = b"x" * (8 << 20)
    found, _ = read(encode([b"SET", b"k", word]), 4096)
    assert found == [[b"SET", b"k", word]]


def test_snapshots_are_known_by_their_beginning() -> None:
    assert begins_with_snapshot(b"REDIS0011")
    assert not begins_with_snapshot(b"*2\r\n$6")
