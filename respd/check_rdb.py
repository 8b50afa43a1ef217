"""`respd check-rdb`: reads a whole RDB file and tells whether it is sound, in the manner of redis-check-rdb.

Every value is decoded and checked, which is more than redis-check-rdb does: what passes here, respd loads. Values of
types that respd does not have are skipped and told.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

from respd.datatypes.hashes import HashValue
from respd.datatypes.limits import Limits
from respd.persistence import rdb_format
from respd.persistence.rdb_format import CorruptFile
from respd.persistence.rdb_reader import (
    AuxEvent,
    EndEvent,
    FunctionEvent,
    KeyEvent,
    ModuleAuxEvent,
    RdbEvent,
    RdbReader,
    SelectEvent,
)
from respd.persistence.rdb_values import Skipped

_CHUNK_BYTES: Final = 1 << 20
_MS: Final = 1000

_TYPE_NAMES: Final = {
    rdb_format.STRING: "string",
    rdb_format.LIST: "list",
    rdb_format.SET: "set",
    rdb_format.ZSET: "zset with text scores",
    rdb_format.HASH: "hash",
    rdb_format.ZSET_2: "zset",
    rdb_format.MODULE_PRE_GA: "module, before its release",
    rdb_format.MODULE_2: "module",
    rdb_format.HASH_ZIPMAP: "hash in a zipmap",
    rdb_format.LIST_ZIPLIST: "list in a ziplist",
    rdb_format.SET_INTSET: "set in an intset",
    rdb_format.ZSET_ZIPLIST: "zset in a ziplist",
    rdb_format.HASH_ZIPLIST: "hash in a ziplist",
    rdb_format.LIST_QUICKLIST: "list in ziplists",
    rdb_format.STREAM_LISTPACKS: "stream",
    rdb_format.HASH_LISTPACK: "hash in a listpack",
    rdb_format.ZSET_LISTPACK: "zset in a listpack",
    rdb_format.LIST_QUICKLIST_2: "list in listpacks",
    rdb_format.STREAM_LISTPACKS_2: "stream, version 2",
    rdb_format.SET_LISTPACK: "set in a listpack",
    rdb_format.STREAM_LISTPACKS_3: "stream, version 3",
    rdb_format.HASH_METADATA_PRE_GA: "hash with expiry, before its release or of Valkey",
    rdb_format.HASH_LISTPACK_EX_PRE_GA: "hash with expiry in a listpack, before its release",
    rdb_format.HASH_METADATA: "hash with expiry",
    rdb_format.HASH_LISTPACK_EX: "hash with expiry in a listpack",
}


class RdbCheck:
    """What is found in one file: fed in chunks, it writes lines to `say` as it goes and keeps count."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self.reader = RdbReader(Limits(), skips_unknown=True)
        self.keys = 0
        self.expires = 0
        self.already_expired = 0
        self.expiring_hashes = 0
        self.empty = 0
        self.libraries = 0
        self.skipped: dict[str, int] = {}
        self._say = say
        self._now_ms = int(time.time() * _MS)

    def run(self, read: Callable[[int], bytes], on_progress: Callable[[int], None]) -> int:
        """Read the file to its end; return the exit status. `on_progress` learns of every number of bytes read."""
        reader = self.reader
        try:
            while not reader.ended:
                event = reader.next()
                if event is not None:
                    self._take(event)
                    continue
                chunk = read(_CHUNK_BYTES)
                if chunk:
                    reader.feed(chunk)
                    on_progress(len(chunk))
                else:
                    reader.close()
        except CorruptFile as error:
            self._fail(error)
            return 1
        self._say(f"[offset {reader.consumed}] \\o/ RDB looks OK! \\o/")
        self._tell_counts()
        return 0

    def _take(self, event: RdbEvent) -> None:
        offset = self.reader.consumed
        if isinstance(event, KeyEvent):
            self._count(event)
        elif isinstance(event, AuxEvent):
            self._say(f"[offset {offset}] AUX FIELD {_shown(event.name)} = '{_shown(event.value)}'")
        elif isinstance(event, SelectEvent):
            self._say(f"[offset {offset}] Selecting DB ID {event.database}")
        elif isinstance(event, FunctionEvent):
            self.libraries += 1
        elif isinstance(event, ModuleAuxEvent):
            self._skip(f"module '{event.module}'")
        elif isinstance(event, EndEvent):
            told = "Checksum OK" if event.checksum else "The file was saved without a checksum"
            self._say(f"[offset {offset}] {told}")

    def _count(self, event: KeyEvent) -> None:
        self.keys += 1
        value = event.value
        if event.expire_at_ms != 0:
            self.expires += 1
            if event.expire_at_ms < self._now_ms:
                self.already_expired += 1
        if isinstance(value, HashValue) and value.next_expire_ms != 0:
            self.expiring_hashes += 1
        elif isinstance(value, Skipped):
            self._skip(value.name)
        elif value is None:
            self.empty += 1

    def _skip(self, name: str) -> None:
        self.skipped[name] = self.skipped.get(name, 0) + 1

    def _fail(self, error: CorruptFile) -> None:
        self._say("--- RDB ERROR DETECTED ---")
        self._say(f"[offset {error.offset}] {error.reason}")
        reader = self.reader
        if reader.is_in_value:
            kind = int(reader.kind)
            self._say(f"[additional info] Reading key '{_shown(reader.key)}'")
            self._say(f"[additional info] Reading type {kind} ({_TYPE_NAMES.get(kind, 'unknown')})")
        self._tell_counts()

    def _tell_counts(self) -> None:
        self._say(f"[info] {self.keys} keys read")
        self._say(f"[info] {self.expires} expires")
        self._say(f"[info] {self.already_expired} already expired")
        self._say(f"[info] {self.expiring_hashes} subexpires")
        if self.empty:
            self._say(f"[info] {self.empty} keys without members, which no server loads")
        if self.libraries:
            self._say(f"[info] {self.libraries} libraries of functions")
        for name, count in self.skipped.items():
            self._say(f"[warning] respd does not load this file, for it has no such thing: {name} ({count})")


def _shown(data: bytes) -> str:
    return data.decode("utf-8", "backslashreplace")
