"""Entries of streams, written as they lie in their nodes: without an object for each id, field and value.

Compiled, eight bytes at once are the quickest to write; a slice makes an object.
"""

from typing import Final

from librt.strings import BytesWriter, read_i16_le, read_i32_le, read_i64_le, write_i16_le, write_i32_le, write_i64_le
from mypy_extensions import i16, i64, u8

from respd.builds import INTERPRETED
from respd.datatypes.digits import digit_count, write_digits
from respd.datatypes.listpacks import after, element_at, number_at
from respd.datatypes.stream_entries import Entries, Span
from respd.datatypes.stream_nodes import SAME_FIELDS, Cursor, id_text, joined
from respd.protocol.writing import BULK_HEADERS, write_array_header, write_bulk

_LINE_END: Final[i16] = 0x0A0D
_ENTRY: Final = b"*2\r\n"
_SMALL: Final[i64] = 32  # bytes that are written without a slice
_SIGN: Final[i64] = -(1 << 63)


def write_entries(out: BytesWriter, entries: Entries) -> None:
    """Append an array of entries, each an array of its id and its fields."""
    write_array_header(out, entries.count)
    if INTERPRETED:
        for id, fields in entries.items():
            out.write(_ENTRY)
            write_bulk(out, id_text(id))
            write_array_header(out, len(fields))
            for word in fields:
                write_bulk(out, word)
        return
    for span in entries.spans:
        _write_span(out, span, entries.reverse)


def _write_span(out: BytesWriter, span: Span, reverse: bool) -> None:
    body = span.body
    cursor = Cursor(body, span.ms, span.seq)
    names_at = after(body, 0)
    at = span.at
    left = span.count
    while left > 0:
        if reverse:
            at = cursor.previous(at)
        cursor.open(at)
        behind: i64
        if cursor.is_live():
            out.write(_ENTRY)
            _write_id(out, cursor)
            behind = _write_fields(out, cursor, names_at)
            left -= 1
        else:
            behind = cursor.next()
        if not reverse:
            at = behind


def _write_id(out: BytesWriter, cursor: Cursor) -> None:
    ms = cursor.ms ^ _SIGN
    seq = cursor.seq ^ _SIGN
    if ms < 0 or seq < 0:
        write_bulk(out, id_text(joined(cursor.ms, cursor.seq)))
        return
    out.write(BULK_HEADERS[digit_count(ms) + digit_count(seq) + 1])
    write_digits(out, ms)
    out.append(45)
    write_digits(out, seq)
    write_i16_le(out, _LINE_END)


def _write_fields(out: BytesWriter, cursor: Cursor, names_at: i64) -> i64:
    """Append an entry's fields; return where the next entry begins."""
    body = cursor.body
    at = cursor.values
    count = cursor.count
    if cursor.flags & SAME_FIELDS:
        write_array_header(out, count * 2)
        while count > 0:
            names_at = _write_element(out, body, names_at)
            at = _write_element(out, body, at)
            count -= 1
    else:
        write_array_header(out, count)
        while count > 0:
            at = _write_element(out, body, at)
            count -= 1
    return after(body, at)


def _write_element(out: BytesWriter, body: bytes, at: i64) -> i64:
    """Append an element of a listpack as a bulk string; return where the next one begins."""
    head: i64 = body[at]
    if 0x80 <= head < 0xC0:
        size = head & 0x3F
        out.write(BULK_HEADERS[size])
        if size > _SMALL:
            out.write(body[at + 1 : at + 1 + size])
        else:
            _write_bytes(out, body, at + 1, size)
        write_i16_le(out, _LINE_END)
        return at + size + 2
    if head < 0xE0 or head > 0xF0:
        number = number_at(body, at)
        if number >= 0:
            out.write(BULK_HEADERS[digit_count(number)])
            write_digits(out, number)
            write_i16_le(out, _LINE_END)
            return after(body, at)
    write_bulk(out, element_at(body, at))
    return after(body, at)


def _write_bytes(out: BytesWriter, body: bytes, at: i64, size: i64) -> None:
    """Append a few bytes of a body."""
    while size >= 8:
        write_i64_le(out, read_i64_le(body, at))
        at += 8
        size -= 8
    if size >= 4:
        write_i32_le(out, read_i32_le(body, at))
        at += 4
        size -= 4
    if size >= 2:
        write_i16_le(out, read_i16_le(body, at))
        at += 2
        size -= 2
    if size > 0:
        out.append(u8(body[at]))
