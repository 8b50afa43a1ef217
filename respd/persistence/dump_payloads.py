"""What DUMP gives and RESTORE takes: a value as in an RDB file, and a footer.

    payload = type, value, version of the format in 2 bytes, CRC-64 of all before in 8; both little-endian

Source: redis.io/commands/dump.
"""

from __future__ import annotations

from typing import Final

from respd.datatypes.limits import Limits
from respd.persistence.crc64 import crc64
from respd.persistence.rdb_format import (
    CHECKSUM_BYTES,
    NEWEST_VERSION,
    VALKEY_FIRST_VERSION,
    VALKEY_NEWEST_VERSION,
    CorruptPayload,
)
from respd.persistence.rdb_values import MoreBytes, ValueReader
from respd.persistence.rdb_writer import dump

FOOTER_BYTES: Final = 2 + CHECKSUM_BYTES


def is_intact(payload: bytes) -> bool:
    """Tell whether the footer is right: its version is one that respd reads, its checksum that of the payload."""
    if len(payload) < FOOTER_BYTES:
        return False
    version = _version(payload)
    if version > NEWEST_VERSION and not VALKEY_FIRST_VERSION <= version <= VALKEY_NEWEST_VERSION:
        return False
    return crc64(payload[:-CHECKSUM_BYTES]) == int.from_bytes(payload[-CHECKSUM_BYTES:], "little")


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
    body += version.to_bytes(2, "little")
    return body + crc64(body).to_bytes(CHECKSUM_BYTES, "little")


def _version(payload: bytes) -> int:
    return int.from_bytes(payload[-FOOTER_BYTES:-CHECKSUM_BYTES], "little")
