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
from respd.datatypes.stream_groups import FIRST_ID, LAST_ID, ConsumerGroup
from respd.datatypes.stream_nodes import id_text
from respd.datatypes.stream_producers import Producers
from respd.datatypes.streams import Stream
from respd.datatypes.strings import INT64_MAX, as_bytes, format_double
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
        elif isinstance(value, Stream):
            self._stream(key, value)
        elif isinstance(value, (bytes, int, bytearray)):
            self._command([b"SET", key, as_bytes(value)])

    def _in_parts(self, name: bytes, key: bytes, words: list[bytes], size: i64) -> None:
        start: i64 = 0
        count: i64 = len(words)
        while start < count:
            self._command([name, key, *words[start : start + size]])
            start += size

    def _stream(self, key: bytes, stream: Stream) -> None:
        """Write a stream: its entries, an empty one as one whose only entry is trimmed; then what it remembers."""
        if stream.length == 0:
            self._command([b"XADD", key, b"MAXLEN", b"0", b"0-1", b"x", b"y"])
        start = FIRST_ID
        while start <= stream.last_id:
            some = stream.range(start, LAST_ID, _AT_A_TIME, False)
            for id, fields in some:
                self._command([b"XADD", key, id_text(id), *fields])
            if not some:
                break
            start = some[-1][0] + 1
        added = b"%d" % min(stream.entries_added, INT64_MAX)  # what XSETID takes
        deleted = id_text(stream.max_deleted_id)
        self._command([b"XSETID", key, id_text(stream.last_id), b"ENTRIESADDED", added, b"MAXDELETEDID", deleted])
        if stream.producers is not None:
            self._producers(key, stream, stream.producers)
        for name in sorted(stream.groups):
            self._group(key, name, stream.groups[name])

    def _producers(self, key: bytes, stream: Stream, producers: Producers) -> None:
        """Write what is remembered of producers, but for messages whose entries the stream does not hold."""
        duration, size = b"%d" % producers.duration_s, b"%d" % producers.max_size
        self._command([b"XCFGSET", key, b"IDMP-DURATION", duration, b"IDMP-MAXSIZE", size])
        for pid, own in producers.messages.items():
            for iid, id in own.items():
                if stream.get(id) is not None:
                    self._command([b"XIDMPRECORD", key, pid, iid, id_text(id)])

    def _group(self, key: bytes, name: bytes, group: ConsumerGroup) -> None:
        """Write a group, its consumers, and what is pending, but for entries that the stream does not hold."""
        read = b"%d" % min(group.entries_read, INT64_MAX)
        self._command([b"XGROUP", b"CREATE", key, name, id_text(group.last_id), b"ENTRIESREAD", read])
        for consumer in group.sorted_consumers():
            if len(consumer.pending) == 0:
                self._command([b"XGROUP", b"CREATECONSUMER", key, name, consumer.name])
            for entry in consumer.pending.all():
                self._command(
                    [b"XCLAIM", key, name, consumer.name, b"0", id_text(entry.id), b"TIME", b"%d" % entry.delivered_ms,
                     b"RETRYCOUNT", b"%d" % entry.deliveries, b"JUSTID", b"FORCE"]
                )  # fmt: skip
        for entry in group.pending.all():
            if entry.consumer is None:
                self._command(
                    [b"XNACK", key, name, b"FAIL", b"IDS", b"1", id_text(entry.id), b"RETRYCOUNT",
                     b"%d" % entry.deliveries, b"FORCE"]
                )  # fmt: skip

    def _field_expiries(self, key: bytes, value: HashValue) -> None:
        for field in value.fields():
            at_ms = value.expire_at(field)
            if at_ms > 0:
                self._command([b"HPEXPIREAT", key, b"%d" % at_ms, b"FIELDS", b"1", field])
