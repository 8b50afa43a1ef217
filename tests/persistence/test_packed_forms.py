"""Listpacks, ziplists, zipmaps and intsets: decoded as they were encoded by hand, and refused when damaged."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from librt.strings import BytesWriter

from respd.datatypes.listpacks import encode as encode_listpack
from respd.persistence import intsets, listpacks, ziplists
from respd.persistence.rdb_format import CorruptPayload
from tests.persistence import rdb_files

EDGES = [0, 12, 13, 63, 64, 127, 128, 253, 254, 255, 4095, 4096, 16381, 16382, 16383, 16384, 32767, 32768, 65535]
EDGES += [1 << bits for bits in (16, 23, 24, 31, 32, 62, 63)] + [
    (1 << bits) - 1 for bits in (16, 23, 24, 31, 32, 62, 63)
]
NUMBERS = [each for edge in EDGES for each in (edge, -edge) if -(1 << 63) <= each < 1 << 63]
SIZES = [0, 1, 19, 20, 21, 62, 63, 64, 65, 125, 126, 127, 128, 253, 254, 255, 4095, 4096, 16370, 16384, 70000]
WORDS = [b"%d" % each for each in NUMBERS] + [b"w" * size for size in SIZES] + [b"-0", b"01", b"+1", b" 1", b"1 ", b"-"]
LISTS = st.lists(st.binary(max_size=300) | st.integers(-(1 << 63), (1 << 63) - 1).map(lambda n: b"%d" % n), max_size=40)

Form = tuple[Callable[[list[bytes]], bytes], Callable[[bytes], list[bytes]]]
FORMS: dict[str, Form] = {
    "listpack": (rdb_files.listpack, listpacks.decode),
    "listpack of texts": (lambda words: rdb_files.listpack(words, as_text=True), listpacks.decode),
    "ziplist": (rdb_files.ziplist, ziplists.decode),
}


@pytest.fixture(params=list(FORMS))
def form(request: pytest.FixtureRequest) -> Form:
    """An encoder by hand, and respd's decoder."""
    return FORMS[request.param]


def test_every_size_and_number(form: Form) -> None:
    """Together, in either order, and each alone."""
    encode, decode = form
    for words in (WORDS, WORDS[::-1], *([word] for word in WORDS), []):
        assert decode(encode(words)) == words


@given(LISTS)
def test_any_words(words: list[bytes]) -> None:
    """Of all forms."""
    for encode, decode in FORMS.values():
        assert decode(encode(words)) == words


@given(LISTS)
def test_listpacks_that_respd_writes(words: list[bytes]) -> None:
    """To the byte what they are by hand."""
    assert encode_listpack(words, BytesWriter()) == rdb_files.listpack(words)


def test_more_elements_than_the_header_counts(form: Form) -> None:
    """From 65535 on, the elements are counted."""
    encode, decode = form
    for count in (65534, 65535, 65536, 70000):
        assert decode(encode([b"1"] * count)) == [b"1"] * count


@pytest.mark.parametrize("unused", [0, 3])
def test_zipmaps(unused: int) -> None:
    """With and without unused bytes behind the values."""
    for words in ([], [b"f", b"v"], [b"", b""], [b"f" * 253, b"v" * 254, b"g" * 300, b"12"], [b"a", b"b"] * 253):
        assert ziplists.decode_zipmap(rdb_files.zipmap(words, unused)) == words
    many = [b"%d" % each for each in range(600)]
    assert ziplists.decode_zipmap(rdb_files.zipmap(many, unused)) == many


@given(st.sets(st.integers(-(1 << 63), (1 << 63) - 1) | st.integers(-40000, 40000)))
def test_intsets(numbers: set[int]) -> None:
    """Of every width."""
    data = rdb_files.intset(sorted(numbers))
    assert list(intsets.decode(data)) == sorted(numbers)
    assert intsets.encode(intsets.decode(data)) == data


@pytest.mark.parametrize("numbers", [[2, 1], [1, 1], [70000, 1], [1 << 40, 1], [-1, -2]])
def test_intsets_out_of_order(numbers: list[int]) -> None:
    """A member would be there twice, or not be found."""
    with pytest.raises(CorruptPayload):
        intsets.decode(rdb_files.intset(numbers))


SAMPLES: dict[str, tuple[bytes, Callable[[bytes], object]]] = {
    "listpack": (rdb_files.listpack([b"a", b"7", b"-4000", b"300000", b"w" * 70, b"v" * 130]), listpacks.decode),
    "ziplist": (rdb_files.ziplist([b"a", b"7", b"-4000", b"300000", b"w" * 70, b"v" * 300, b""]), ziplists.decode),
    "zipmap": (rdb_files.zipmap([b"a", b"7", b"w" * 70, b"v" * 300], 2), ziplists.decode_zipmap),
    "intset": (rdb_files.intset([-5, 1, 70000]), intsets.decode),
}


@pytest.mark.parametrize("name", list(SAMPLES))
def test_short_ones_are_refused(name: str) -> None:
    """Cut anywhere."""
    data, decode = SAMPLES[name]
    for size in range(len(data)):
        with pytest.raises(CorruptPayload):
            decode(data[:size])
        with pytest.raises(CorruptPayload):
            decode(data[:size] + data[size + 1 :])
    with pytest.raises(CorruptPayload):
        decode(data + b"\xff")


@pytest.mark.parametrize("name", list(SAMPLES))
def test_each_byte_changed(name: str) -> None:
    """Refused, or read as something else: no other exception, and no more than there is."""
    data, decode = SAMPLES[name]
    for at in range(len(data)):
        for value in range(256):
            damaged = data[:at] + bytes((value,)) + data[at + 1 :]
            try:
                found = decode(damaged)
            except CorruptPayload:
                continue
            assert isinstance(found, list) is (name != "intset")
            if isinstance(found, list):
                assert sum(map(len, found)) <= 20 * len(damaged)


@given(st.binary(max_size=80))
def test_noise(data: bytes) -> None:
    """Bytes of any kind behind a header that looks right."""
    size = len(data) + 7
    for decode, head in (
        (listpacks.decode, size.to_bytes(4, "little") + b"\xff\xff"),
        (ziplists.decode, (size + 4).to_bytes(4, "little") + b"\x0a\0\0\0\xff\xff"),
        (ziplists.decode_zipmap, b"\xfe"),
        (intsets.decode, b"\x02\0\0\0" + (len(data) // 2).to_bytes(4, "little")),
    ):
        try:
            decode(head + data + b"\xff")
        except CorruptPayload:
            pass
