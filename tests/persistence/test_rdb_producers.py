"""What a stream remembers of its producers: kept by snapshots and bases of logs, and passed over by others."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from librt.strings import BytesWriter

from respd.commands import stream_producers, streams
from respd.datatypes.limits import Limits
from respd.datatypes.listpacks import encode
from respd.datatypes.stream_producers import Producers
from respd.datatypes.streams import Stream
from respd.persistence.aof_reader import AofReader
from respd.persistence.base_commands import CommandWriter
from respd.persistence.rdb_format import CorruptPayload
from respd.persistence.rdb_producers import decode_producers, encode_producers
from respd.persistence.rdb_reader import AuxEvent, KeyEvent
from respd.persistence.rdb_writer import RdbWriter
from tests.local import Local
from tests.persistence.reading import events

MESSAGES = st.dictionaries(
    st.binary(min_size=1, max_size=5),
    st.dictionaries(st.binary(min_size=1, max_size=5), st.integers(0, (1 << 128) - 1), max_size=4),
    max_size=4,
)


def remembered(producers: Producers) -> list[object]:
    figures = [producers.duration_s, producers.max_size, producers.added, producers.duplicates]
    return [figures, [(pid, list(own.items())) for pid, own in producers.messages.items()]]


@given(MESSAGES, st.integers(1, 86400), st.integers(1, 10_000))
def test_they_are_read_as_they_were_written(
    messages: dict[bytes, dict[bytes, int]], duration_s: int, size: int
) -> None:
    producers = Producers()
    producers.configure(duration_s, size)
    producers.messages = messages
    producers.added = 7
    assert remembered(decode_producers(encode_producers(producers, BytesWriter()))) == remembered(producers)


@pytest.mark.parametrize(
    "words",
    [
        [],
        [b"1", b"2", b"3"],
        [b"1", b"2", b"3", b"x"],
        [b"1", b"2", b"3", b"-4"],
        [b"1", b"2", b"3", b"4", b"pid"],
        [b"1", b"2", b"3", b"4", b"pid", b"1", b"iid", b"5"],
        [b"1", b"2", b"3", b"4", b"pid", b"1", b"iid", b"5", b"18446744073709551616"],
    ],
)
def test_what_nobody_writes_is_refused(words: list[bytes]) -> None:
    with pytest.raises(CorruptPayload):
        decode_producers(encode(words, BytesWriter()))


def stream_with_messages() -> Stream:
    stream = Stream()
    stream.append(5 << 64, [b"f", b"v"], Limits())
    stream.producers = Producers()
    stream.producers.add(b"p", b"1", 5 << 64, 5)
    stream.producers.add(b"p", b"2", 4 << 64, 5)
    return stream


def test_snapshots_keep_them_beside_the_stream() -> None:
    writer = RdbWriter(10, True, True)
    writer.header([])
    writer.select(0, 3, 1)
    writer.key(b"a", Stream(), 0, -1, -1)
    writer.key(b"s", stream_with_messages(), 1 << 50, -1, -1)
    writer.key(b"t", Stream(), 0, -1, -1)
    found = events(writer.take() + writer.end())
    streams = {event.key: event.value for event in found if isinstance(event, KeyEvent)}
    told = {key: stream.producers for key, stream in streams.items() if isinstance(stream, Stream)}
    assert told[b"a"] is None and told[b"t"] is None
    assert told[b"s"] is not None
    assert remembered(told[b"s"]) == [[100, 100, 2, 0], [(b"p", [(b"1", 5 << 64), (b"2", 4 << 64)])]]
    assert [event.name for event in found if isinstance(event, AuxEvent)] == [b"stream-producers"]


def test_bases_of_commands_tell_of_messages_whose_entries_are_there() -> None:
    local = Local(streams.group, stream_producers.group)
    local.engine.databases[0].add(b"s", stream_with_messages())
    written: list[bytes] = []
    base = CommandWriter(written.append)
    base.write(local.engine.databases)
    reader = AofReader(0)
    reader.feed(b"".join(written))
    words = []
    while (command := reader.next()) is not None:
        words.append(command)
    assert words[-2:] == [
        [b"XCFGSET", b"s", b"IDMP-DURATION", b"100", b"IDMP-MAXSIZE", b"100"],
        [b"XIDMPRECORD", b"s", b"p", b"1", b"5-0"],
    ]
