"""Streams in RDB's form: what is written is read as it was, and what no server would write is refused."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st
from librt.strings import BytesWriter

from respd.datatypes.limits import Limits
from respd.datatypes.listpacks import encode
from respd.datatypes.stream_groups import ConsumerGroup
from respd.datatypes.streams import Stream
from respd.persistence.rdb_activity import restore_activity
from respd.persistence.rdb_format import CorruptPayload
from respd.persistence.rdb_reader import KeyEvent
from respd.persistence.rdb_values import MoreBytes, ValueReader
from respd.persistence.rdb_writer import RdbWriter, dump
from tests.cases.dumping import BODIES
from tests.persistence.rdb_files import file, key, length, listpack, string
from tests.persistence.reading import events, plain

MS = 1_700_000_000_000
NAMES = st.sampled_from([b"", b"a", b"b" * 30])
FIELDS = st.sampled_from([[b"a", b"1"], [b"a", b"2"], [b"b", b"x" * 100, b"-7", b""], [b"a", b"9" * 25]])
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("add"), st.sampled_from([1, 5, 1 << 64, 1 << 70]), FIELDS),
        st.tuples(st.just("add"), st.sampled_from([1, 5, 1 << 64, 1 << 70]), FIELDS),
        st.tuples(st.just("delete"), st.integers(0, 20)),
        st.tuples(st.just("trim"), st.integers(0, 8)),
        st.tuples(st.just("group"), NAMES),
        st.tuples(st.just("deliver"), NAMES, NAMES, st.integers(0, 20)),
        st.tuples(st.just("see"), NAMES, NAMES),
        st.tuples(st.just("give back"), NAMES, st.integers(0, 20)),
    ),
    max_size=40,
)


def build(steps: list[tuple[object, ...]]) -> Stream:
    """A stream to which all of that was done."""
    limits = Limits()
    limits.stream_node_entries = 4
    stream = Stream()
    ids: list[int] = [0]
    for number, one in enumerate(steps):
        match one:
            case ("add", int(distance), list(fields)):
                stream.append(stream.last_id + distance, fields, limits)
                ids.append(stream.last_id)
            case ("delete", int(place)):
                stream.delete(ids[place % len(ids)])
            case ("trim", int(left)):
                stream.trim_to_length(left, False, 0)
            case ("group", bytes(name)):
                stream.groups[name] = ConsumerGroup(ids[-1], number - 1)
            case ("deliver", bytes(name), bytes(consumer), int(place)) if name in stream.groups:
                group = stream.groups[name]
                owner = group.consumer(consumer) or group.create_consumer(consumer, MS + number)
                owner.active_ms = owner.seen_ms
                group.deliver(ids[place % len(ids)], owner, MS + number)
            case ("see", bytes(name), bytes(consumer)) if name in stream.groups:
                group = stream.groups[name]
                owner = group.consumer(consumer) or group.create_consumer(consumer, MS)
                owner.seen_ms = MS + number
            case ("give back", bytes(name), int(place)) if (
                name in stream.groups and b"" not in stream.groups[name].consumers
            ):
                found = stream.groups[name].pending.get(ids[place % len(ids)])
                if found is not None:
                    stream.groups[name].hand_over(found, None)
            case _:
                pass
    return stream


def read(data: bytes) -> object:
    """The value of a payload without its footer."""
    reader = ValueReader(Limits())
    reader.open(data, 0)
    value = reader.value(reader.byte())
    assert reader.at == reader.size
    return value


def refused(data: bytes) -> str:
    """Why a payload is refused."""
    with pytest.raises((CorruptPayload, MoreBytes)) as caught:
        read(data)
    return str(caught.value)


@given(STEPS)
def test_what_is_written_is_read_as_it_was(steps: list[tuple[object, ...]]) -> None:
    stream = build(steps)
    if any(
        b"" in group.consumers and any(e.consumer is None for e in group.pending.all())
        for group in stream.groups.values()
    ):
        return  # what is nobody's becomes that consumer's
    data, version = dump(stream, True)
    differs = any(
        each.seen_ms != each.active_ms for group in stream.groups.values() for each in group.consumers.values()
    )
    assert (data[0], version) == ((21, 11) if differs else (19, 10))
    found = read(data)
    assert plain(found) == plain(stream)
    assert isinstance(found, Stream)
    assert dump(found, True) == (data, version)
    copy = stream.copy()
    assert plain(copy) == plain(stream)


@given(STEPS)
def test_an_older_file_keeps_when_consumers_were_active_beside_the_stream(steps: list[tuple[object, ...]]) -> None:
    stream = build(steps)
    writer = RdbWriter(10, True, True)
    writer.header([])
    writer.select(0, 2, 0)
    writer.key(b"s", stream, 0, -1, -1)
    writer.key(b"t", build([("group", b"a"), ("see", b"a", b"a")]), 0, -1, -1)
    found = [event for event in events(writer.take() + writer.end()) if isinstance(event, KeyEvent)]
    assert [event.kind for event in found] == [19, 19]
    assert isinstance(found[0].value, Stream)
    seen = {
        (name, consumer.name): (consumer.seen_ms, consumer.active_ms)
        for name, group in stream.groups.items()
        for consumer in group.consumers.values()
    }
    for (name, consumer_name), moments in seen.items():
        consumer = found[0].value.groups[name].consumers[consumer_name]
        assert (consumer.seen_ms, consumer.active_ms) == moments


@pytest.mark.parametrize("words", [[b"a"], [b"a", b"c"], [b"a", b"c", b"x"], [b"a", b"c", b"-2"], [b"a"] * 4])
def test_activity_that_nobody_writes_is_refused(words: list[bytes]) -> None:
    with pytest.raises(CorruptPayload):
        restore_activity({}, encode(words, BytesWriter()))


def test_a_file_of_a_newer_version_has_the_newer_form() -> None:
    writer = RdbWriter(12, True, False)
    writer.value(build([("add", 1, [b"a", b"1"]), ("group", b"g"), ("deliver", b"g", b"c", 1)]), b"k")
    assert writer.out.getvalue()[0] == 21


def test_what_is_nobodys_is_a_nameless_consumers_where_there_is_one() -> None:
    """The form has no other place for it."""
    stream = build([("add", 1, [b"a", b"1"]), ("add", 1, [b"a", b"1"]), ("group", b"g"), ("deliver", b"g", b"c", 1),
                    ("give back", b"g", 1), ("deliver", b"g", b"", 2)])  # fmt: skip
    found = read(dump(stream, False)[0])
    assert isinstance(found, Stream)
    assert [entry.consumer for entry in found.groups[b"g"].pending.all()] == [b"", b""]
    found.check()


def test_the_payloads_of_redis() -> None:
    """Ids of all sizes, tombstones, groups with unknown figures, a consumer that was never active."""
    plain_one = plain(read(BODIES["stream with groups"]))
    assert isinstance(plain_one, tuple)
    groups = plain_one[3]
    assert {name: group[:2] for name, group in groups.items()} == {
        b"one": (3 << 64 | 1, 3),
        b"two": (2 << 64 | 1, -1),
    }
    assert [active for _, active in groups[b"one"][2].values()][2] == -1
    assert [(id >> 64, owner, count) for id, owner, _, count in groups[b"one"][3]] == [
        (1, b"x", 1), (2, b"x", 1), (3, b"y", 1)
    ]  # fmt: skip
    for name in ("stream", "empty stream", "stream with groups"):
        value = read(BODIES[name])
        assert isinstance(value, Stream)
        writer = RdbWriter(12, True, False)
        writer.value(value, None)
        assert read(writer.out.getvalue()) is not None
        assert plain(read(writer.out.getvalue())) == plain(value)
    assert read(BODIES["empty stream"]).last_id == 5 << 64 | 5  # type: ignore[attr-defined]


# -- by hand


def raw(ms: int, seq: int) -> bytes:
    """An id in its sixteen bytes."""
    return struct.pack(">QQ", ms, seq)


def node(ms: int, *elements: int | bytes) -> bytes:
    """A node with an id `ms`-0 and these elements."""
    return string(raw(ms, 0)) + string(listpack([b"%d" % each if isinstance(each, int) else each for each in elements]))


ENTRY = (2, 0, 0, b"v", 4)  # same fields, id of the node, a value, four parts
GOOD = (1, 0, 1, b"f", 0, *ENTRY)
FIGURES = length(1) + length(7) + length(0) + length(7) + length(0) + length(0) + length(0) + length(1)


def old(*nodes: bytes, count: int = 1, last: int = 7, groups: bytes = b"\0") -> bytes:
    """A stream in the first version of the form."""
    return b"\x0f" + length(len(nodes)) + b"".join(nodes) + length(count) + length(last) + length(0) + groups


def group(pending: bytes, consumers: bytes, name: bytes = b"g") -> bytes:
    """A group in the first version of the form, at the entry 7-0."""
    return string(name) + length(7) + length(0) + pending + consumers


def test_the_first_version_of_the_form() -> None:
    """What it does not say is worked out: entries ever added, how far a group is, when a consumer was active."""
    entry = raw(7, 0) + struct.pack("<q", MS) + length(3)
    one = group(length(1) + entry, length(1) + string(b"c") + struct.pack("<q", MS + 5) + length(1) + raw(7, 0))
    value = read(old(node(7, *GOOD), groups=length(1) + one))
    id = 7 << 64
    figures = (1, id, id, 0, 1)
    groups = {b"g": (id, 1, {b"c": (MS + 5, MS + 5)}, [(id, b"c", MS, 3)])}
    assert plain(value) == (b"stream", figures, [(id, [b"f", b"v"])], groups)
    second = b"\x13" + length(1) + node(7, *GOOD) + FIGURES + length(0)
    assert plain(read(second)) == (b"stream", figures, [(id, [b"f", b"v"])], {})


@pytest.mark.parametrize(
    "elements, reason",
    [
        ((), "ends early"),
        ((1, 0), "ends early"),
        ((b"x", 0, 1, b"f", 0, *ENTRY), "a word where"),
        ((-1, 0, 1, b"f", 0, *ENTRY), "more than it has room for"),
        ((2, 0, 1, b"f", 0, *ENTRY), "another number of entries"),
        ((1, 1, 1, b"f", 0, *ENTRY), "another number of entries"),
        ((0, 0, 1, b"f", 0), "another number of entries"),
        ((0, 1, 1, b"f", 0, *ENTRY), "another number of entries"),
        ((1, 0, 1, b"f", 1, *ENTRY), "without an end of its names"),
        ((1, 0, 2, b"f", 0, *ENTRY), "without an end of its names"),
        ((1, 0, 1 << 40, b"f", 0, *ENTRY), "more than it has room for"),
        ((1, 0, 1, b"f", 0, 4, 0, 0, b"v", 4), "unknown flags"),
        ((1, 0, 1, b"f", 0, b"x", 0, 0, b"v", 4), "unknown flags"),
        ((1, 0, 1, b"f", 0, 2, b"x", 0, b"v", 4), "a word where"),
        ((1, 0, 1, b"f", 0, 2, 0, b"x", b"v", 4), "a word where"),
        ((1, 0, 1, b"f", 0, 2, 0, 0, b"v", 5), "wrong number of parts"),
        ((1, 0, 1, b"f", 0, 2, 0, 0, b"v"), "wrong number of parts"),
        ((1, 0, 1, b"f", 0, 0, 0, 0, 1, b"f", b"v", 5), "wrong number of parts"),
        ((1, 0, 1, b"f", 0, 0, 0, 0, 9, b"f", b"v", 6), "ends early"),
        ((2, 0, 1, b"f", 0, *ENTRY, *ENTRY), "another order"),
        ((2, 0, 1, b"f", 0, 2, 1, 0, b"v", 4, *ENTRY), "another order"),
        ((1, 0, 1, b"f", 0, 2, -1, 0, b"v", 4), "before its node"),
        ((1, 0, 1, b"f", 0, 2, 1, 0, b"v", 4), "behind its last one"),
    ],
)
def test_nodes_that_are_none_are_refused(elements: tuple[int | bytes, ...], reason: str) -> None:
    count = elements[0] if elements and isinstance(elements[0], int) and 0 <= elements[0] < 9 else 1
    assert reason in refused(old(node(7, *elements), count=count))


def test_nodes_in_a_wrong_order_are_refused() -> None:
    assert "nodes in another order" in refused(old(node(7, *GOOD), node(7, *GOOD), count=2))
    assert "nodes in another order" in refused(old(node(7, *GOOD), node(6, *GOOD), count=2))
    assert plain(read(old(node(6, *GOOD), node(7, *GOOD), count=2)))


def test_bytes_that_are_no_listpack_are_refused() -> None:
    """Each byte of a node is changed: it is refused, or it is a node still."""
    elements: list[int | bytes] = [*GOOD[:-5], 0, 300, 70000, 1, b"f" * 64, b"v" * 200, 6]
    good = listpack([b"%d" % each if isinstance(each, int) else each for each in elements])
    for at in range(len(good)):
        for byte in (0, 1, 2, 0x7F, 0x80, 0xBF, 0xC0, 0xDF, 0xE1, 0xF0, 0xF1, 0xF3, 0xF4, 0xFF):
            data = good[:at] + bytes([byte]) + good[at + 1 :]
            try:
                value = read(old(string(raw(7, 0)) + string(data), last=1 << 40))
            except (CorruptPayload, MoreBytes):
                continue
            plain(value)
    assert "wrong size" in refused(old(string(raw(7, 0)) + string(good[:-1])))
    assert "without an id" in refused(old(string(b"7") + string(good)))


def test_groups_that_are_none_are_refused() -> None:
    entry = raw(7, 0) + struct.pack("<q", MS) + length(3)
    seen = struct.pack("<q", MS)
    owner = string(b"c") + seen + length(1) + raw(7, 0)

    def reason(pending: bytes, consumers: bytes, groups: bytes = b"") -> str:
        total = 2 if groups else 1
        return refused(old(node(7, *GOOD), groups=length(total) + group(pending, consumers) + groups))

    assert "same pending entry twice" in reason(length(2) + entry + entry, length(1) + owner)
    assert "of no consumer" in reason(length(1) + entry, length(0))
    assert "that is not pending" in reason(length(0), length(1) + owner)
    assert "that is not pending" in reason(
        length(1) + entry, length(2) + owner + string(b"d") + seen + length(1) + raw(7, 0)
    )
    assert "same consumer twice" in reason(length(1) + entry, length(2) + owner + owner)
    assert "same group twice" in reason(length(0), length(0), group(length(0), length(0)))
    assert "another number of entries" in refused(old(node(7, *GOOD), count=2))


@given(st.integers(0, 400))
def test_a_payload_that_ends_early_is_refused(size: int) -> None:
    body = BODIES["stream with groups"]
    if size < len(body):
        refused(body[:size] if size else b"\x15")


def test_whole_files() -> None:
    """Any chunk of a file may be the last that is there."""
    data = file(12, key(b"s", 21, BODIES["stream with groups"][1:]), key(b"e", 21, BODIES["empty stream"][1:]))
    for chunk in (1, 7, 100, 1 << 20):
        found = [plain(event.value) for event in events(data, chunk) if isinstance(event, KeyEvent)]
        assert found == [plain(read(BODIES["stream with groups"])), plain(read(BODIES["empty stream"]))]
