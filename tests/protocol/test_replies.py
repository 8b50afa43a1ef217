"""The reply encoder: the wire form of every kind of value in RESP2 and RESP3, read back by the tests' own reader."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from librt.strings import BytesWriter

from respd.errors import CommandError
from respd.protocol.replies import (
    NULL_ARRAY,
    OK,
    PONG,
    QUEUED,
    Attributes,
    BigNumber,
    MapReply,
    Pairs,
    PrintedDouble,
    Push,
    SetReply,
    Status,
    Verbatim,
    encode,
)
from tests.wire import Frame, ReplyReader


def wire(value: object, resp: int) -> bytes:
    """The bytes of a value."""
    out = BytesWriter()
    encode(out, value, resp)
    return out.getvalue()


SAME = [
    (b"", b"$0\r\n\r\n"),
    (b"a\r\n\x00", b"$4\r\na\r\n\x00\r\n"),
    (b"x" * 5000, b"$5000\r\n" + b"x" * 5000 + b"\r\n"),
    (bytearray(b"ab"), b"$2\r\nab\r\n"),
    (0, b":0\r\n"),
    (-1, b":-1\r\n"),
    (1023, b":1023\r\n"),
    (1024, b":1024\r\n"),
    ((1 << 63) - 1, b":9223372036854775807\r\n"),
    (-(1 << 63), b":-9223372036854775808\r\n"),
    (OK, b"+OK\r\n"),
    (QUEUED, b"+QUEUED\r\n"),
    (PONG, b"+PONG\r\n"),
    (Status(b"hello"), b"+hello\r\n"),
    ([], b"*0\r\n"),
    ([b"a", 1, [OK, []]], b"*3\r\n$1\r\na\r\n:1\r\n*2\r\n+OK\r\n*0\r\n"),
    ([b""] * 2000, b"*2000\r\n" + b"$0\r\n\r\n" * 2000),
    (CommandError(b"ERR no"), b"-ERR no\r\n"),
    (CommandError(b"ERR a\r\nb\r\n"), b"-ERR a  b\r\n"),
    (CommandError(b"ERR option a\0b"), b"-ERR option a\r\n"),
    ([CommandError(b"WRONGTYPE x"), b"a"], b"*2\r\n-WRONGTYPE x\r\n$1\r\na\r\n"),
]

DIFFERENT = [
    (None, b"$-1\r\n", b"_\r\n"),
    (NULL_ARRAY, b"*-1\r\n", b"_\r\n"),
    (True, b":1\r\n", b"#t\r\n"),
    (False, b":0\r\n", b"#f\r\n"),
    (1.5, b"$3\r\n1.5\r\n", b",1.5\r\n"),
    (3.0, b"$1\r\n3\r\n", b",3\r\n"),
    (float("inf"), b"$3\r\ninf\r\n", b",inf\r\n"),
    (float("-inf"), b"$4\r\n-inf\r\n", b",-inf\r\n"),
    (MapReply([b"a", 1]), b"*2\r\n$1\r\na\r\n:1\r\n", b"%1\r\n$1\r\na\r\n:1\r\n"),
    (MapReply([]), b"*0\r\n", b"%0\r\n"),
    ({b"a": None}, b"*2\r\n$1\r\na\r\n$-1\r\n", b"%1\r\n$1\r\na\r\n_\r\n"),
    (SetReply([b"a"]), b"*1\r\n$1\r\na\r\n", b"~1\r\n$1\r\na\r\n"),
    (Pairs([b"a", 1.0]), b"*2\r\n$1\r\na\r\n$1\r\n1\r\n", b"*1\r\n*2\r\n$1\r\na\r\n,1\r\n"),
    (Pairs([]), b"*0\r\n", b"*0\r\n"),
    (Verbatim(b"txt", b"hi"), b"$2\r\nhi\r\n", b"=6\r\ntxt:hi\r\n"),
    (Push([b"message", 1]), b"*2\r\n$7\r\nmessage\r\n:1\r\n", b">2\r\n$7\r\nmessage\r\n:1\r\n"),
    (BigNumber(b"123"), b"$3\r\n123\r\n", b"(123\r\n"),
    (PrintedDouble(b"0.5"), b"$3\r\n0.5\r\n", b",0.5\r\n"),
    (Attributes([b"ttl", 1], b"x"), b"$1\r\nx\r\n", b"|1\r\n$3\r\nttl\r\n:1\r\n$1\r\nx\r\n"),
]


@pytest.mark.parametrize("value, expected", SAME)
def test_alike_in_both_protocols(value: object, expected: bytes) -> None:
    """Bulk strings, integers, simple strings, arrays and errors."""
    assert wire(value, 2) == expected
    assert wire(value, 3) == expected


@pytest.mark.parametrize("value, resp2, resp3", DIFFERENT)
def test_different_in_the_protocols(value: object, resp2: bytes, resp3: bytes) -> None:
    """What RESP2 has no type for, alone and inside an array."""
    assert wire(value, 2) == resp2
    assert wire(value, 3) == resp3
    assert wire([value], 2) == b"*1\r\n" + resp2
    assert wire([value], 3) == b"*1\r\n" + resp3


def test_what_is_no_reply_is_refused() -> None:
    """A mistake in a handler shows itself."""
    with pytest.raises(TypeError):
        wire(object(), 2)


_scalars = st.binary(max_size=40) | st.integers(-(1 << 63), (1 << 63) - 1) | st.none() | st.booleans()
_values = st.recursive(_scalars, lambda inner: st.lists(inner, max_size=6), max_leaves=30)


def frame_of(value: object) -> Frame:
    """The RESP3 frame that a value should become."""
    if isinstance(value, bytes):
        return Frame("$", value)
    if isinstance(value, bool):
        return Frame("#", b"t" if value else b"f")
    if isinstance(value, int):
        return Frame(":", value)
    if isinstance(value, list):
        return Frame("*", tuple(frame_of(item) for item in value))
    return Frame("_", None)


@given(st.lists(_values, min_size=1, max_size=6), st.integers(1, 64))
def test_round_trip(values: list[object], size: int) -> None:
    """Replies one after the other are read back as they were, in whatever pieces."""
    data = b"".join(wire(value, 3) for value in values)
    reader = ReplyReader()
    found = []
    for at in range(0, len(data), size):
        reader.feed(data[at : at + size])
        while (frame := reader.next()) is not None:
            found.append(frame)
    assert found == [frame_of(value) for value in values]
    assert reader.pending == b""
