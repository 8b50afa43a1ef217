"""The small parts of the wire format: bulk strings, headers, numbers."""

from typing import Final

from librt.strings import BytesWriter, write_i16_le, write_i32_le
from mypy_extensions import i16, i32, i64, u8

from respd.builds import INTERPRETED
from respd.datatypes.digits import write_digits

CRLF: Final = b"\r\n"
_LINE_END: Final[i16] = 0x0A0D  # the same as a little-endian number
_EMPTY_BULK: Final[i32] = 0x0A0D3024  # "$0\r\n", the header of an empty bulk string, too
TABLE: Final = 1024
BULK_HEADERS: Final[list[bytes]] = [b"$%d\r\n" % size for size in range(TABLE)]
ARRAY_HEADERS: Final[list[bytes]] = [b"*%d\r\n" % size for size in range(TABLE)]
INTEGERS: Final[list[bytes]] = [b":%d\r\n" % value for value in range(TABLE)]


def write_bulk(out: BytesWriter, data: bytes) -> None:
    """Append a bulk string. Compiled, two and four bytes at once are the quickest to write."""
    size: i64 = len(data)
    if size < 10 and not INTERPRETED:
        write_i32_le(out, _EMPTY_BULK + (i32(size) << 8))
    elif size < TABLE:
        out.write(BULK_HEADERS[size])
    else:
        write_header(out, 36, size)
    out.write(data)
    write_i16_le(out, _LINE_END)


def write_header(out: BytesWriter, kind: u8, value: i64) -> None:
    """Append a line of one type byte and a number: `$12`, `*3`, `:-1`."""
    if INTERPRETED:
        out.write(b"%c%d\r\n" % (kind, value))
        return
    out.append(kind)
    write_digits(out, value)
    out.write(CRLF)


def write_array_header(out: BytesWriter, count: i64) -> None:
    """Append the header of an array of `count` elements."""
    if count < TABLE:
        out.write(ARRAY_HEADERS[count])
    else:
        write_header(out, 42, count)
