"""Reads RDB files: bytes in, keys out, touching neither file nor database.

A record is read in one go. When the bytes so far end within it, it is read anew once there are more: as many as are
known to be missing, and at least twice as many as before, so that a huge record costs no more than twice its size.
Nothing is taken on trust from the file: see `rdb_values`. Source: rdb.fnordig.de, and what redis-server 7.0 and 8.0 and
valkey-server 9.1 write.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, final

from librt.strings import read_i32_le, read_i64_le
from mypy_extensions import i64, mypyc_attr

from respd.datatypes.streams import Stream
from respd.persistence.rdb_activity import ACTIVITY, restore_activity
from respd.persistence.rdb_format import (
    AUX,
    CHECKSUM_BYTES,
    CHECKSUM_VERSION,
    END,
    EXPIRE_MS,
    EXPIRE_S,
    FREQUENCY,
    FUNCTION,
    FUNCTION_PRE_GA,
    HEADER_BYTES,
    IDLE,
    MAGIC,
    NEWEST_VERSION,
    RESIZE,
    SELECT,
    SLOT_IMPORT,
    SLOT_INFO,
    VALKEY_FIRST_VERSION,
    VALKEY_MAGIC,
    VALKEY_NEWEST_VERSION,
    CorruptFile,
    CorruptPayload,
    ShortFile,
    UnsupportedFile,
    UnsupportedPayload,
    WrongChecksum,
)
from respd.persistence.rdb_producers import PRODUCERS, decode_producers
from respd.persistence.rdb_values import MoreBytes, ValueReader, module_name

if TYPE_CHECKING:
    from respd.datatypes.limits import Limits

NO_IDLE: Final = -1
NO_FREQUENCY: Final = -1
_NO_EXPIRY_IN_FILE: Final = -1
_FIRST_OPCODE: Final = SLOT_IMPORT


@mypyc_attr(acyclic=True)
class RdbEvent:
    """One record of the file, or several that belong together."""


@final
@mypyc_attr(acyclic=True)
class HeaderEvent(RdbEvent):
    """The file's magic and version, the first event of all."""

    def __init__(self, version: int, is_valkey: bool) -> None:
        self.version = version
        self.is_valkey = is_valkey


@final
@mypyc_attr(acyclic=True)
class KeyEvent(RdbEvent):
    """A key: `value` is one of the datatypes, None for a collection without members (Redis skips such keys).

    `expire_at_ms` is 0 for never; `idle_s` is NO_IDLE and `frequency` NO_FREQUENCY where the file does not tell.
    """

    def __init__(self, key: bytes, value: object, kind: int) -> None:
        self.key: bytes = key
        self.value: object = value
        self.kind: int = kind
        self.expire_at_ms: i64 = 0
        self.idle_s: i64 = NO_IDLE
        self.frequency: i64 = NO_FREQUENCY


@final
@mypyc_attr(acyclic=True)
class AuxEvent(RdbEvent):
    """What the server that wrote the file says about itself."""

    def __init__(self, name: bytes, value: bytes) -> None:
        self.name = name
        self.value = value


@final
@mypyc_attr(acyclic=True)
class SelectEvent(RdbEvent):
    """The keys that follow belong to this database."""

    def __init__(self, database: int) -> None:
        self.database = database


@final
@mypyc_attr(acyclic=True)
class ResizeEvent(RdbEvent):
    """How many keys, and keys that expire, the database has: a hint."""

    def __init__(self, keys: int, expires: int) -> None:
        self.keys = keys
        self.expires = expires


@final
@mypyc_attr(acyclic=True)
class SlotEvent(RdbEvent):
    """A hint about a cluster's slots, of no use here."""


@final
@mypyc_attr(acyclic=True)
class FunctionEvent(RdbEvent):
    """A library of functions."""

    def __init__(self, code: bytes) -> None:
        self.code = code


@final
@mypyc_attr(acyclic=True)
class ModuleAuxEvent(RdbEvent):
    """What a module saved besides keys; it has been skipped."""

    def __init__(self, module: str) -> None:
        self.module = module


@final
@mypyc_attr(acyclic=True)
class EndEvent(RdbEvent):
    """The end of the file: its checksum (0: not saved, or a version without), and `computed`, from the bytes.

    They differ only where the reader was told not to verify, or has nothing to compare with: `computed` is 0 then.
    """

    def __init__(self, checksum: int, computed: int) -> None:
        self.checksum = checksum
        self.computed = computed


class RdbReader:
    """Turns the bytes of an RDB file into events.

    `feed` takes chunks of any size and `close` says that no more will come; `next` returns an event, or None when it
    needs more bytes, or has returned the last. `consumed` is the offset after what `next` has returned: after EndEvent
    that of whatever follows in the file. Raises CorruptFile (ShortFile, UnsupportedFile), always with the offset. With
    `skips_unknown` the values of types that respd does not have are `Skipped`.
    """

    def __init__(self, limits: Limits, verify_checksum: bool = True, skips_unknown: bool = False) -> None:
        self.version: int = 0
        self.key: bytes = b""  # the last one that was met
        self.kind: i64 = 0  # the type of its value
        self.is_in_value: bool = False  # that value is being read, or could not be
        self.verify_checksum = verify_checksum
        self.ended: bool = False
        self._values = ValueReader(limits)
        self._values.skips_unknown = skips_unknown
        self._base: i64 = 0  # offset in the file of the first byte of the reader's data
        self._pending: list[bytes] = []  # chunks that are not yet part of it
        self._pending_bytes: i64 = 0
        self._wanted: i64 = HEADER_BYTES  # bytes to be there, from the start of the record on, to try again
        self._closed: bool = False
        self._producers: bytes = b""  # those of the stream that comes next
        self._activity: bytes = b""  # of its consumers
        self._checksum: int = 0  # of all before `_base`

    @property
    def consumed(self) -> int:
        """The offset in the file up to which everything has been returned."""
        return int(self._base + self._values.at)

    def feed(self, chunk: bytes) -> None:
        """Take the next bytes of the file."""
        self._pending.append(chunk)
        self._pending_bytes += i64(len(chunk))

    def close(self) -> None:
        """Know that the file ends here."""
        self._closed = True

    def rest(self) -> bytes:
        """Return the bytes that were fed and not consumed: what follows the end, if it has been reached."""
        values = self._values
        return b"".join([values.data[values.at :], *self._pending])

    def next(self) -> RdbEvent | None:
        """Return the next event, None when more bytes are needed or all have been returned."""
        if self.ended:
            return None
        values = self._values
        there = values.size - values.at
        if there < self._wanted:
            if self._pending_bytes > 0 and (there + self._pending_bytes >= self._wanted or self._closed):
                self._refill()
            elif not self._closed:
                return None
        start = values.at
        try:
            event = self._record() if self.version else self._header()
        except MoreBytes as short:
            there = values.size - start
            wanted = short.wanted - start
            if self._pending_bytes > 0 and there + self._pending_bytes >= wanted:
                values.at = start
                self.is_in_value = False
                self._refill()
                return self.next()
            if self._closed:
                raise ShortFile("Unexpected EOF reading RDB file", int(self._base + values.size)) from None
            values.at = start
            self.is_in_value = False
            self._wanted = max(wanted, 2 * there)
            return None
        except UnsupportedPayload as unsupported:
            raise UnsupportedFile(self._named(unsupported.reason), self.consumed) from None
        except CorruptPayload as corrupt:
            raise CorruptFile(self._named(corrupt.reason), self.consumed) from None
        self._wanted = 1
        return event

    def _named(self, reason: str) -> str:
        """Return the reason of a failure, with the key in whose value it happened."""
        return f"{reason}, in key '{self.key.decode(errors='backslashreplace')}'" if self.is_in_value else reason

    def _refill(self) -> None:
        """Join what has not been consumed with the chunks that have come since."""
        values = self._values
        gone = values.data[: values.at]
        if self.verify_checksum and gone:
            self._checksum = _crc64(gone, self._checksum)
        self._base += values.at
        values.open(self.rest(), 0)
        self._pending = []
        self._pending_bytes = 0

    def _header(self) -> RdbEvent:
        values = self._values
        start = values.take(HEADER_BYTES)
        header = values.data[start : start + HEADER_BYTES]
        is_valkey = header.startswith(VALKEY_MAGIC)
        digits = header[len(VALKEY_MAGIC) :] if is_valkey else header[len(MAGIC) :]
        if not (is_valkey or header.startswith(MAGIC)):
            raise CorruptFile("Wrong signature trying to load DB from file", 0)
        version = int(digits) if digits.isdigit() else 0
        oldest = VALKEY_FIRST_VERSION if is_valkey else 1
        if not oldest <= version <= (VALKEY_NEWEST_VERSION if is_valkey else NEWEST_VERSION):
            raise UnsupportedFile(f"Can't handle RDB format version {version}", 0)
        self.version = version
        values.is_valkey = is_valkey
        return HeaderEvent(version, is_valkey)

    def _record(self) -> RdbEvent:
        values = self._values
        expire_at_ms: i64 = 0
        idle_s: i64 = NO_IDLE
        frequency: i64 = NO_FREQUENCY
        while True:
            kind = values.byte()
            if kind < _FIRST_OPCODE:
                key = values.string()
                self.key = key
                self.kind = kind
                self.is_in_value = True
                value = values.value(kind)
                if self._producers:
                    if isinstance(value, Stream):
                        value.producers = decode_producers(self._producers)
                    self._producers = b""
                if self._activity:
                    if isinstance(value, Stream):
                        restore_activity(value.groups, self._activity)
                    self._activity = b""
                event = KeyEvent(key, value, int(kind))
                self.is_in_value = False
                event.expire_at_ms = expire_at_ms
                event.idle_s = idle_s
                event.frequency = frequency
                return event
            if kind == EXPIRE_MS:
                expire_at_ms = _expiry(values.milliseconds())
            elif kind == EXPIRE_S:
                start = values.take(4)
                expire_at_ms = _expiry(i64(read_i32_le(values.data, start)) * 1000)
            elif kind == IDLE:
                idle_s = values.length()
            elif kind == FREQUENCY:
                frequency = values.byte()
            elif expire_at_ms != 0 or idle_s != NO_IDLE or frequency != NO_FREQUENCY:
                raise CorruptPayload("an expiry or access time without a key")
            else:
                return self._other_record(kind)

    def _other_record(self, kind: i64) -> RdbEvent:
        """Read on after an opcode that does not belong to a key."""
        values = self._values
        if kind == AUX:
            about = AuxEvent(values.string(), values.string())
            if about.name == PRODUCERS:
                self._producers = about.value
            elif about.name == ACTIVITY:
                self._activity = about.value
            return about
        if kind == SELECT:
            return SelectEvent(int(values.length()))
        if kind == RESIZE:
            return ResizeEvent(int(values.length()), int(values.length()))
        if kind == END:
            return self._end()
        if kind == SLOT_INFO:
            for _ in range(3):
                values.length()
            return SlotEvent()
        if kind == SLOT_IMPORT:
            values.string()
            for _ in range(2 * values.count()):
                values.length()
            return SlotEvent()
        if kind == FUNCTION:
            return FunctionEvent(values.string())
        if kind == FUNCTION_PRE_GA:
            raise UnsupportedPayload("Pre-release function format not supported.")
        return self._module_aux()

    def _module_aux(self) -> RdbEvent:
        values = self._values
        name = module_name(values.any_number())
        values.length()
        values.any_number()
        values.skip_module_data()
        return ModuleAuxEvent(name)

    def _end(self) -> EndEvent:
        values = self._values
        checksum = 0
        computed = 0
        if self.version >= CHECKSUM_VERSION:
            start = values.take(CHECKSUM_BYTES)
            checksum = int(read_i64_le(values.data, start)) & 0xFFFFFFFFFFFFFFFF
            if self.verify_checksum and checksum != 0:
                computed = _crc64(values.data[:start], self._checksum)
                if computed != checksum:
                    raise WrongChecksum(checksum, computed, int(self._base + start + CHECKSUM_BYTES))
        self.ended = True
        return EndEvent(checksum, computed)


def _expiry(at_ms: i64) -> i64:
    """Return a moment in the file as that of a KeyEvent."""
    if at_ms == 0:
        return 1
    return 0 if at_ms == _NO_EXPIRY_IN_FILE else at_ms


def _crc64(data: bytes, before: int) -> int:
    from respd.persistence.crc64 import crc64

    return crc64(data, before)
