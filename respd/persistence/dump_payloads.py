"""What DUMP gives and RESTORE takes: a value as in an RDB file, and a footer.

    payload = type, value, version of the format in 2 bytes, CRC-64 of all before in 8; both little-endian

What FUNCTION DUMP gives has, in place of a type and a value, the libraries' records as in an RDB file.

Source: redis.io/commands/dump, redis.io/commands/function-dump.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from respd.datatypes.limits import Limits
from respd.persistence.crc64 import crc64
from respd.persistence.rdb_format import (
    CHECKSUM_BYTES,
    FUNCTION,
    FUNCTION_PRE_GA,
    NEWEST_VERSION,
    PORTABLE_VERSION,
    VALKEY_FIRST_VERSION,
    VALKEY_NEWEST_VERSION,
    CorruptPayload,
)
from respd.persistence.rdb_values import MoreBytes, ValueReader
from respd.persistence.rdb_writer import RdbWriter, dump

FOOTER_BYTES: Final = 2 + CHECKSUM_BYTES


def is_intact(payload: bytes, verify_checksum: bool = True) -> bool:
    """Tell whether the footer is right: its version is one that respd reads, its checksum that of the payload."""
    if len(payload) < FOOTER_BYTES:
        return False
    version = _version(payload)
    if version > NEWEST_VERSION and not VALKEY_FIRST_VERSION <= version <= VALKEY_NEWEST_VERSION:
        return False
    checksum = int.from_bytes(payload[-CHECKSUM_BYTES:], "little")
    return not verify_checksum or crc64(payload[:-CHECKSUM_BYTES]) == checksum


def read(payload: bytes, limits: Limits) -> object:
    """Return the value of an intact payload; raise CorruptPayload. O(size).

    Unlike Redis this refuses bytes behind the value, which no server writes.
    """
    values = ValueReader(limits)
    values.open(payload[:-FOOTER_BYTES], 0)
    values.is_valkey = _version(payload) >= VALKEY_FIRST_VERSION
    try:
        value = values.value(values.byte())
    except MoreBytes:
        raise CorruptPayload("the payload ends early") from None
    if value is None:
        raise CorruptPayload("a collection without members")
    if values.at != values.size:
        raise CorruptPayload("the payload goes on behind the value")
    return value


def write(value: object, compress: bool) -> bytes:
    """Return the payload of a value; its strings are compressed if that is asked for. O(size)."""
    body, version = dump(value, compress)
    return _finished(body, version)


def read_functions(payload: bytes, limits: Limits) -> Iterator[bytes]:
    """Give the sources of an intact payload of libraries of functions; raise CorruptPayload. O(size)."""
    values = ValueReader(limits)
    values.open(payload[:-FOOTER_BYTES], 0)
    while values.at < values.size:
        kind = values.byte()
        if kind == FUNCTION_PRE_GA:
            raise CorruptPayload("Pre-GA function format not supported")
        if kind != FUNCTION:
            raise CorruptPayload("given type is not a function")
        try:
            code = values.string()
        except (CorruptPayload, MoreBytes):
            raise CorruptPayload("Failed loading library payload") from None
        yield code


def write_functions(codes: list[bytes], compress: bool) -> bytes:
    """Return the payload of libraries of functions, given by their sources. O(size)."""
    writer = RdbWriter(PORTABLE_VERSION, compress, False)
    for code in codes:
        writer.function(code)
    return _finished(writer.out.getvalue(), PORTABLE_VERSION)


def _finished(body: bytes, version: int) -> bytes:
    body += version.to_bytes(2, "little")
    return body + crc64(body).to_bytes(CHECKSUM_BYTES, "little")


def _version(payload: bytes) -> int:
    return int.from_bytes(payload[-FOOTER_BYTES:-CHECKSUM_BYTES], "little")
