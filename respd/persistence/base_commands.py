"""A data set as the commands that make it: the base of an append-only file with aof-use-rdb-preamble no."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from librt.strings import BytesWriter
from mypy_extensions import i64

from respd.datatypes.hashes import HashValue
from respd.datatypes.lists import ListValue
from respd.datatypes.sets import SetValue
from respd.datatypes.sorted_sets import SortedSet
from respd.datatypes.strings import as_bytes, format_double
from respd.effects import write_words

if TYPE_CHECKING:
    from respd.database import Database

_AT_A_TIME: Final = 64  # elements of one command
_CHUNK: Final = 256 * 1024
_KEYS_PER_REPORT: Final = 1024


class CommandWriter:
    """Writes databases as commands; `sink` is given the bytes in chunks, `progress` the number of keys now and then."""

    def __init__(self, sink: Callable[[bytes], None], progress: Callable[[int], None] | None = None) -> None:
        self._sink = sink
        self._progress = progress
        self._keys: i64 = 0
        self._out: BytesWriter = BytesWriter()

    def annotate(self, now_s: int) -> None:
        """Note when the base was made."""
        self._out.write(b"#TS:%d\r\n" % now_s)

    def functions(self, codes: list[bytes]) -> None:
        """Write libraries of functions, given by their sources; they come before the keys."""
        for code in codes:
            self._command([b"FUNCTION", b"LOAD", code])

    def write(self, databases: list[Database]) -> None:
        """Write all keys of all databases. O(bytes)."""
        for db in databases:
            if not db.dense:
                continue
            self._command([b"SELECT", b"%d" % db.index])
            for key in db.dense:
                entry = db.entries[key]
                self._value(key, entry.value)
                if entry.expire_at_ms != 0:
                    self._command([b"PEXPIREAT", key, b"%d" % entry.expire_at_ms])
                self._keys += 1
                if self._progress is not None and self._keys % _KEYS_PER_REPORT == 0:
                    self._progress(int(self._keys))
        self.flush()

    def flush(self) -> None:
        """Hand on what is left."""
        self._sink(self._out.getvalue())
        self._out = BytesWriter()

    def _command(self, words: list[bytes]) -> None:
        write_words(self._out, words)
        if len(self._out) > _CHUNK:
            self._sink(self._out.getvalue())
            self._out.truncate(0)

    def _value(self, key: bytes, value: object) -> None:
        if isinstance(value, ListValue):
            self._in_parts(b"RPUSH", key, value.to_list(), _AT_A_TIME)
        elif isinstance(value, SetValue):
            self._in_parts(b"SADD", key, value.members(), _AT_A_TIME)
        elif isinstance(value, SortedSet):
            flat: list[bytes] = []
            for element in value.unordered():
                flat.append(format_double(element.score))
                flat.append(element.member)
            self._in_parts(b"ZADD", key, flat, 2 * _AT_A_TIME)
        elif isinstance(value, HashValue):
            self._in_parts(b"HMSET", key, value.items(), 2 * _AT_A_TIME)
            if value.next_expire_ms != 0:
                self._field_expiries(key, value)
        elif isinstance(value, (bytes, int, bytearray)):
            self._command([b"SET", key, as_bytes(value)])

    def _in_parts(self, name: bytes, key: bytes, words: list[bytes], size: i64) -> None:
        start: i64 = 0
        count: i64 = len(words)
        while start < count:
            self._command([name, key, *words[start : start + size]])
            start += size

    def _field_expiries(self, key: bytes, value: HashValue) -> None:
        for field in value.fields():
            at_ms = value.expire_at(field)
            if at_ms > 0:
                self._command([b"HPEXPIREAT", key, b"%d" % at_ms, b"FIELDS", b"1", field])
