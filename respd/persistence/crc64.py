"""The checksum of RDB files and DUMP payloads: CRC-64 in Redis' own model (anycrc's CRC64-REDIS, 15 GB/s).

Kept in a room of its own because importing anycrc takes some milliseconds that a server without data need not spend:
whoever needs a checksum imports this module when it does.
"""

from __future__ import annotations

from typing import Final

import anycrc

_MODEL: Final = anycrc.Model("CRC64-REDIS")


def crc64(data: bytes, before: int = 0) -> int:
    """Return the checksum of `data`, which follows bytes whose checksum is `before`."""
    return int(_MODEL.calc(data, before))
