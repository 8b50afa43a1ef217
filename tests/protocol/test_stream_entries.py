"""Entries of streams on the wire: as lists of the same ids and fields would be."""

from hypothesis import given
from hypothesis import strategies as st
from librt.strings import BytesWriter

from respd.datatypes.digits import digit_count, write_digits
from respd.datatypes.limits import Limits
from respd.datatypes.stream_entries import EVERYTHING
from respd.datatypes.stream_nodes import LAST_ID
from respd.datatypes.streams import Stream
from respd.protocol.replies import KeyedReply, MapReply, encode

NUMBERS = [number for power in range(19) for number in (10**power - 1, 10**power, 10**power + 1)]
IDS = st.one_of(
    st.integers(1, 1000),
    st.sampled_from(NUMBERS),
    st.integers(1, LAST_ID),
    st.sampled_from([1 << 63, 1 << 127, LAST_ID]),
)
WORDS = st.one_of(
    st.binary(max_size=80),
    st.sampled_from([b"x" * size for size in (31, 32, 33, 63, 64, 100, 1023, 1024, 5000)]),
    st.sampled_from([b"%d" % number for number in NUMBERS] + [b"%d" % -number for number in NUMBERS]),
)
ENTRIES = st.lists(
    st.tuples(IDS, st.lists(st.tuples(st.sampled_from([b"a", b"bb"]), WORDS), min_size=1, max_size=3)), max_size=30
)


def wire(value: object, resp: int) -> bytes:
    out = BytesWriter()
    encode(out, value, resp)
    return out.getvalue()


@given(ENTRIES, st.integers(0, 30), st.booleans())
def test_entries_are_written_as_lists(
    entries: list[tuple[int, list[tuple[bytes, bytes]]]], at: int, reverse: bool
) -> None:
    stream = Stream()
    for id, fields in sorted(dict(entries).items()):
        assert stream.append(id, [word for pair in fields for word in pair], Limits())
    if at < len(entries):
        stream.delete(entries[at][0])
    found = stream.entries(0, LAST_ID, EVERYTHING, reverse)
    for resp in (2, 3):
        assert wire(found, resp) == wire(found.listed(), resp)


def test_keys_and_what_was_found() -> None:
    flat: list[object] = [b"k", [1], b"l", [2]]
    assert wire(KeyedReply(flat), 2) == wire([[b"k", [1]], [b"l", [2]]], 2)
    assert wire(KeyedReply(flat), 3) == wire(MapReply(flat), 3)


@given(st.one_of(st.sampled_from(NUMBERS), st.integers(-(1 << 63), (1 << 63) - 1)))
def test_digits(number: int) -> None:
    out = BytesWriter()
    write_digits(out, number)
    assert out.getvalue() == b"%d" % number
    if number >= 0:
        assert digit_count(number) == len(out.getvalue())
