"""The numbers of the RDB format, and the errors of whoever reads it.

An RDB file is a magic with a version, records, and a checksum. Each record starts with an opcode or, for a key, with
the type of its value. Source: rdb.fnordig.de, and the files that redis-server and valkey-server write.
"""

from typing import Final

NOT_TOLD: Final = -1  # an idle time or frequency that is not in the file
MAGIC: Final = b"REDIS"
VALKEY_MAGIC: Final = b"VALKEY"
HEADER_BYTES: Final = 9  # magic and version together, whichever magic it is
CHECKSUM_BYTES: Final = 8
NEWEST_VERSION: Final = 12  # of Redis; Valkey counts on from VALKEY_FIRST_VERSION
FIELD_EXPIRY_VERSION: Final = 12  # the first that knows hashes whose fields expire
CHECKSUM_VERSION: Final = 5  # the first with a checksum
STREAM_ACTIVE_VERSION: Final = 11  # the first that knows when consumers of streams were active
SET_LISTPACK_VERSION: Final = 11  # the first that knows small sets of words as listpacks
PORTABLE_VERSION: Final = 10  # of redis-server 7.0
VALKEY_FIRST_VERSION: Final = 80
VALKEY_NEWEST_VERSION: Final = 80

# Opcodes.
SLOT_IMPORT: Final = 243  # Valkey
SLOT_INFO: Final = 244
FUNCTION: Final = 245
FUNCTION_PRE_GA: Final = 246
MODULE_AUX: Final = 247
IDLE: Final = 248
FREQUENCY: Final = 249
AUX: Final = 250
RESIZE: Final = 251
EXPIRE_MS: Final = 252
EXPIRE_S: Final = 253
SELECT: Final = 254
END: Final = 255

# Types of values.
STRING: Final = 0
LIST: Final = 1
SET: Final = 2
ZSET: Final = 3  # scores as text
HASH: Final = 4
ZSET_2: Final = 5  # scores as eight bytes
MODULE_PRE_GA: Final = 6
MODULE_2: Final = 7
HASH_ZIPMAP: Final = 9
LIST_ZIPLIST: Final = 10
SET_INTSET: Final = 11
ZSET_ZIPLIST: Final = 12
HASH_ZIPLIST: Final = 13
LIST_QUICKLIST: Final = 14
STREAM_LISTPACKS: Final = 15
HASH_LISTPACK: Final = 16
ZSET_LISTPACK: Final = 17
LIST_QUICKLIST_2: Final = 18
STREAM_LISTPACKS_2: Final = 19
SET_LISTPACK: Final = 20
STREAM_LISTPACKS_3: Final = 21
HASH_METADATA_PRE_GA: Final = 22  # in Redis' files; in Valkey's, VALKEY_HASH_2
HASH_LISTPACK_EX_PRE_GA: Final = 23
HASH_METADATA: Final = 24
HASH_LISTPACK_EX: Final = 25
VALKEY_HASH_2: Final = 22

# The first byte of a length, and how a string is encoded that begins with no length.
LENGTH_SIX_BITS: Final = 0
LENGTH_FOURTEEN_BITS: Final = 1
LENGTH_32_BITS: Final = 0x80
LENGTH_64_BITS: Final = 0x81
LENGTH_IS_ENCODING: Final = 3
ENCODED_INT8: Final = 0
ENCODED_INT16: Final = 1
ENCODED_INT32: Final = 2
ENCODED_LZF: Final = 3

# How a node of a quicklist 2 holds its elements.
NODE_PLAIN: Final = 1
NODE_PACKED: Final = 2

# What a text score's length byte says when no text follows.
SCORE_NAN: Final = 253
SCORE_INFINITY: Final = 254
SCORE_MINUS_INFINITY: Final = 255

FIELD_EXPIRE_MAX_MS: Final = (1 << 48) - 1  # the latest moment of a field that Redis loads; commands allow less


class CorruptPayload(Exception):
    """A value's bytes do not hold what they should; `reason` says what is wrong."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class UnsupportedPayload(CorruptPayload):
    """A value is of a type that respd does not have; `reason` names it."""


class CorruptFile(Exception):
    """A file cannot be read on: `reason` says why, `offset` is where, in bytes from its start."""

    def __init__(self, reason: str, offset: int) -> None:
        super().__init__(f"{reason} (at offset {offset})")
        self.reason = reason
        self.offset = offset


class WrongChecksum(CorruptFile):
    """The file does not have the checksum `found` that stands at its end, but `computed`."""

    def __init__(self, found: int, computed: int, offset: int) -> None:
        super().__init__("RDB CRC error", offset)
        self.details = f"Wrong RDB checksum expected: ({computed:x}) but got ({found:x}). Aborting now."


class ShortFile(CorruptFile):
    """The file ends before it should."""


class UnsupportedFile(CorruptFile):
    """The file holds what respd has no use for: a newer version, a module's data, or a type it does not have."""
