"""The small parts of the wire format: bulk strings, headers, numbers."""

from typing import Final

from librt.strings import BytesWriter, write_i16_le, write_i32_le
from mypy_extensions import i16, i32, i64, u8

from respd.builds import INTERPRETED

CRLF: Final = b"\r\n"
_LINE_END: Final[i16] = 0x0A0D  # the same as a little-endian number
_EMPTY_BULK: Final[i32] = 0x0A0D3024  # "$0\r\n", the header of an empty bulk string, too
TABLE: Final = 1024
BULK_HEADERS: Final[list[bytes]] = [b"$%d\r\n" % size for size in range(TABLE)]
ARRAY_HEADERS: Final[list[bytes]] = [b"*%d\r\n" % size for size in range(TABLE)]
INTEGERS: Final[list[bytes]] = [b":%d\r\n" % value for value in range(TABLE)]
_THREE_DIGITS: Final[list[bytes]] = [b"%03d" % number for number in range(1000)]
_SHORT: Final[list[bytes]] = [b"%d" % number for number in range(1000)]
_POSITIVE_MAX: Final[i64] = (1 << 63) - 1


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


def write_digits(out: BytesWriter, value: i64) -> None:
    """Append the decimal digits of a 64-bit integer, three at a time: a division takes longer than a table."""
    if value < 0:
        if value < -_POSITIVE_MAX:
            out.write(b"%d" % value)
            return
        out.append(45)
        value = -value
    if value >= 1000:
        write_digits(out, value // 1000)
        out.write(_THREE_DIGITS[value % 1000])
    else:
        out.write(_SHORT[value])


def digit_count(value: i64) -> i64:
    """Return how many decimal digits a number that is not negative has."""
    count: i64 = 1
    while value >= 1000:
        value //= 1000
        count += 3
    if value >= 10:
        count += 1 if value < 100 else 2
    return count


def write_array_header(out: BytesWriter, count: i64) -> None:
    """Append the header of an array of `count` elements."""
    if count < TABLE:
        out.write(ARRAY_HEADERS[count])
    else:
        write_header(out, 42, count)
