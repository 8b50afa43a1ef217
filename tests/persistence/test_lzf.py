"""LZF: what is compressed comes back, and nothing that is damaged does."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from respd.persistence.lzf import Compressor, decompress
from respd.persistence.rdb_format import CorruptPayload

REPETITIVE = st.lists(st.sampled_from([b"a", b"ab", b"field", b"\0\0\0", b"value:"]) | st.binary(max_size=5)).map(
    b"".join
)


@given(st.lists(REPETITIVE | st.binary(max_size=600), max_size=5))
def test_round_trip(words: list[bytes]) -> None:
    """One compressor for several strings: what it remembers of the earlier ones does no harm."""
    compressor = Compressor()
    for word in words:
        packed = compressor.compress(word)
        if packed is not None:
            assert len(packed) <= len(word) - 4
            assert decompress(packed, len(word)) == word


@pytest.mark.parametrize("size", [0, 1, 2, 3, 4, 5, 7, 8, 20, 31, 32, 33, 263, 264, 265, 8191, 8192, 8193, 20000])
def test_a_run_of_one_letter(size: int) -> None:
    """At all the lengths where the encoding changes."""
    packed = Compressor().compress(b"x" * size)
    assert (packed is None) == (size < 8)
    if packed is not None:
        assert decompress(packed, size) == b"x" * size


def test_the_farthest_reference() -> None:
    """A repetition is found up to 8 kB back, and not beyond."""
    phrase = random.Random(1).randbytes(200)
    sizes = {}
    for distance in (8191, 8192, 8193):
        word = phrase + bytes(distance - len(phrase)) + phrase
        packed = Compressor().compress(word)
        assert packed is not None
        assert decompress(packed, len(word)) == word
        sizes[distance] = len(packed)
    assert sizes[8191] == sizes[8192] < sizes[8193] - 150


def test_noise_is_not_compressed() -> None:
    """It would grow."""
    assert Compressor().compress(random.Random(2).randbytes(5000)) is None


@pytest.mark.parametrize(
    "data, size, expected",
    [
        (b"", 0, b""),
        (b"\x00a", 1, b"a"),
        (b"\x02abc\x20\x02", 6, b"abcabc"),
        (b"\x00a\xe0\x00\x00", 10, b"a" * 10),
        (b"\x00a\xe0\xff\x00", 265, b"a" * 265),
    ],
)
def test_by_hand(data: bytes, size: int, expected: bytes) -> None:
    """Literals, references, and references into themselves."""
    assert decompress(data, size) == expected


@pytest.mark.parametrize(
    "data, size",
    [
        (b"", 1),
        (b"\x00", 1),
        (b"\x02ab", 3),
        (b"\x00a", 2),
        (b"\x01ab", 1),
        (b"\x20", 3),
        (b"\xe0", 3),
        (b"\xe0\x00", 9),
        (b"\x20\x00", 3),
        (b"\x00a\x20\x01", 4),
        (b"\x00a\x20\x00", 3),
        (b"\x00a", 1 << 40),
        (b"\x00a", -1),
    ],
)
def test_damage(data: bytes, size: int) -> None:
    """Short data, references to before the start, and sizes that do not fit."""
    with pytest.raises(CorruptPayload):
        decompress(data, size)


@given(REPETITIVE, st.integers(0, 1 << 40), st.data())
def test_damaged_data_is_refused_or_of_the_right_size(word: bytes, size: int, data: st.DataObject) -> None:
    """Whatever the bytes."""
    packed = bytearray(Compressor().compress(word * 3) or b"\x00a")
    packed[data.draw(st.integers(0, len(packed) - 1))] = data.draw(st.integers(0, 255))
    for claim in (size, 3 * len(word)):
        try:
            assert len(decompress(bytes(packed), claim)) == claim
        except CorruptPayload:
            pass
