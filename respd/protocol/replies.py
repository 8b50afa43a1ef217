"""Encoding of replies: Python values in, RESP2 or RESP3 bytes out. The two versions differ here and nowhere else.

| a handler returns | RESP2 | RESP3 |
|---|---|---|
| bytes, bytearray | bulk string | bulk string |
| int | integer | integer |
| None, NULL_ARRAY | null bulk, null array | null |
| list | array | array |
| float, PrintedDouble | bulk string | double |
| bool | 1 or 0 | boolean |
| Status | simple string | simple string |
| MapReply, SetReply | flat array | map, set |
| Entries | array of arrays of id and flat fields | the same |
| KeyedReply | array of arrays of two | map |
| Pairs | flat array | array of arrays of two |
| Verbatim | bulk string | verbatim string |
| Push | array | push |
| Several | its values, one after the other | the same |
| BigNumber | bulk string | big number |
| CommandError | error | error |

Source: redis.io, "Redis serialization protocol specification".
"""

from operator import add
from typing import Final, final

from librt.strings import BytesWriter
from mypy_extensions import i64

from respd.builds import INTERPRETED
from respd.datatypes.stream_entries import Entries
from respd.datatypes.strings import format_double
from respd.errors import CommandError
from respd.protocol.stream_entries import write_entries
from respd.protocol.writing import (
    BULK_HEADERS,
    CRLF,
    INTEGERS,
    TABLE,
    write_array_header,
    write_bulk,
    write_header,
)


@final
class Status:
    """A simple string. `text` must hold no line break."""

    def __init__(self, text: bytes) -> None:
        self.text: bytes = text
        self.wire: bytes = b"+" + text + b"\r\n"


@final
class MapReply:
    """A map, as a flat list of key, value, key, value."""

    def __init__(self, flat: list[object]) -> None:
        self.flat: list[object] = flat


@final
class KeyedReply:
    """Keys and what was found there, as a flat list (XREAD): a map in RESP3, but pairs in RESP2."""

    def __init__(self, flat: list[object]) -> None:
        self.flat: list[object] = flat

    def pairs(self) -> list[object]:
        """Return the arrays of two."""
        found: list[object] = []
        for at in range(0, len(self.flat), 2):
            found.append(self.flat[at : at + 2])
        return found


@final
class SetReply:
    """A set of values without order."""

    def __init__(self, items: list[object]) -> None:
        self.items: list[object] = items


@final
class Pairs:
    """Pairs as a flat list: left flat in RESP2, an array of arrays of two in RESP3 (ZRANGE WITHSCORES)."""

    def __init__(self, flat: list[object]) -> None:
        self.flat: list[object] = flat


@final
class Verbatim:
    """Text with a format of three letters, `txt` or `mkd`."""

    def __init__(self, format: bytes, text: bytes) -> None:
        self.format: bytes = format
        self.text: bytes = text


@final
class Push:
    """Out-of-band data, such as a published message."""

    def __init__(self, items: list[object]) -> None:
        self.items: list[object] = items


@final
class Several:
    """Values in a row that count as one element of an array (SUBSCRIBE in a transaction)."""

    def __init__(self, items: list[object]) -> None:
        self.items: list[object] = items


@final
class BigNumber:
    """An integer of any size, as its digits."""

    def __init__(self, digits: bytes) -> None:
        self.digits: bytes = digits


@final
class PrintedDouble:
    """A number with a fraction as its digits: more of them than a float holds."""

    def __init__(self, digits: bytes) -> None:
        self.digits: bytes = digits


@final
class Attributes:
    """A reply with attributes in front (RESP3 only): a flat list of names and values, and the reply itself."""

    def __init__(self, flat: list[object], reply: object) -> None:
        self.flat: list[object] = flat
        self.reply: object = reply


@final
class _Sentinel:
    def __init__(self, name: str) -> None:
        self.name: str = name


OK: Final = Status(b"OK")
QUEUED: Final = Status(b"QUEUED")
PONG: Final = Status(b"PONG")
NULL_ARRAY: Final = _Sentinel("null array")
NO_REPLY: Final = _Sentinel("no reply")

SHORTEST_BULK: Final = 6  # bytes
NULL_BULK: Final = b"$-1\r\n"
_NULL_ARRAY: Final = b"*-1\r\n"
NULL: Final = b"_\r\n"


def encode(out: BytesWriter, value: object, resp: i64) -> None:
    """Append the wire form of `value` in protocol version `resp` (2 or 3) to `out`."""
    if isinstance(value, bytes):
        write_bulk(out, value)
    elif isinstance(value, Status):
        out.write(value.wire)
    elif value is None:
        out.write(NULL_BULK if resp == 2 else NULL)
    elif isinstance(value, bool):
        if resp == 2:
            out.write(INTEGERS[1 if value else 0])
        else:
            out.write(b"#t\r\n" if value else b"#f\r\n")
    elif isinstance(value, int):
        if 0 <= value < TABLE:
            out.write(INTEGERS[value])
        else:
            write_header(out, 58, value)
    elif isinstance(value, list):
        _encode_list(out, value, resp)
    else:
        _encode_rare(out, value, resp)


def least_size(value: object) -> i64:
    """Return how long the wire form of `value` is at least: nearly so, but for entries of streams."""
    if isinstance(value, (bytes, bytearray)):
        return len(value) + 5
    if isinstance(value, list):
        return _least_size_of_each(value)
    if isinstance(value, (MapReply, KeyedReply, Pairs)):
        return _least_size_of_each(value.flat)
    if isinstance(value, (SetReply, Push, Several)):
        return _least_size_of_each(value.items)
    if isinstance(value, Verbatim):
        return len(value.text)
    return 3


def _least_size_of_each(items: list[object]) -> i64:
    size: i64 = 4
    for item in items:
        size += len(item) + 5 if isinstance(item, bytes) else least_size(item)
    return size


def _encode_list(out: BytesWriter, items: list[object], resp: i64) -> None:
    write_array_header(out, len(items))
    if INTERPRETED and len(items) > 1 and _write_bulks(out, items):
        return
    for item in items:
        if isinstance(item, bytes):
            write_bulk(out, item)
        else:
            encode(out, item, resp)


def _write_bulks(out: BytesWriter, items: list[object]) -> bool:
    """Append short bulk strings, without a loop of Python; False, and nothing is done, when there are others too."""
    try:
        data = CRLF.join(map(add, map(BULK_HEADERS.__getitem__, map(len, items)), items))  # type: ignore[arg-type]
    except (TypeError, IndexError):
        return False
    out.write(data)
    out.write(CRLF)
    return True


def _encode_each(out: BytesWriter, items: list[object], resp: i64) -> None:
    for item in items:
        encode(out, item, resp)


def _encode_rare(out: BytesWriter, value: object, resp: i64) -> None:
    if isinstance(value, float):
        text = format_double(value)
        if resp == 2:
            encode(out, text, 2)
        else:
            out.write(b"," + text + CRLF)
    elif isinstance(value, MapReply):
        if resp == 2:
            write_array_header(out, len(value.flat))
        else:
            write_header(out, 37, len(value.flat) // 2)
        _encode_each(out, value.flat, resp)
    elif isinstance(value, KeyedReply):
        if resp == 2:
            _encode_list(out, value.pairs(), resp)
        else:
            encode(out, MapReply(value.flat), resp)
    elif isinstance(value, SetReply):
        if resp == 2:
            write_array_header(out, len(value.items))
        else:
            write_header(out, 126, len(value.items))
        _encode_each(out, value.items, resp)
    elif isinstance(value, Pairs):
        if resp == 2:
            _encode_list(out, value.flat, resp)
        else:
            write_array_header(out, len(value.flat) // 2)
            for index in range(0, len(value.flat), 2):
                out.write(b"*2\r\n")
                encode(out, value.flat[index], resp)
                encode(out, value.flat[index + 1], resp)
    elif isinstance(value, CommandError):
        encode_error(out, value.text)
    elif isinstance(value, Entries):
        write_entries(out, value)
    elif isinstance(value, bytearray):
        encode(out, bytes(value), resp)
    elif value is NULL_ARRAY:
        out.write(_NULL_ARRAY if resp == 2 else NULL)
    elif isinstance(value, Verbatim):
        if resp == 2:
            encode(out, value.text, 2)
        else:
            write_header(out, 61, len(value.text) + 4)
            out.write(value.format + b":")
            out.write(value.text)
            out.write(CRLF)
    elif isinstance(value, Push):
        if resp == 2:
            write_array_header(out, len(value.items))
        else:
            write_header(out, 62, len(value.items))
        _encode_each(out, value.items, resp)
    elif isinstance(value, Several):
        _encode_each(out, value.items, resp)
    elif value is NO_REPLY:
        pass  # CLIENT REPLY OFF in a transaction: the client has chosen not to be told
    elif isinstance(value, BigNumber):
        if resp == 2:
            encode(out, value.digits, 2)
        else:
            out.write(b"(" + value.digits + CRLF)
    elif isinstance(value, PrintedDouble):
        if resp == 2:
            encode(out, value.digits, 2)
        else:
            out.write(b"," + value.digits + CRLF)
    elif isinstance(value, Attributes):
        if resp != 2:
            write_header(out, 124, len(value.flat) // 2)
            _encode_each(out, value.flat, resp)
        encode(out, value.reply, resp)
    elif isinstance(value, dict):
        flat: list[object] = []
        for name, item in value.items():
            flat.append(name)
            flat.append(item)
        encode(out, MapReply(flat), resp)
    else:
        raise TypeError(f"a handler returned {type(value).__name__}, which is no reply")


def encode_error(out: BytesWriter, text: bytes) -> None:
    """Append an error reply; line breaks inside `text` become spaces, those at its end go, as does all after a NUL."""
    if 0 in text:
        text = text.partition(b"\0")[0]
    if 10 in text or 13 in text:
        text = text.rstrip(b"\r\n").replace(b"\r", b" ").replace(b"\n", b" ")
    out.write(b"-" + text + CRLF)
