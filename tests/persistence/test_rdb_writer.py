"""Writing RDB: what RdbReader makes of it, byte for byte where it matters, and the encodings that are chosen."""

from __future__ import annotations

from array import array

import pytest
from librt.strings import BytesWriter

from respd.datatypes.hashes import HashValue
from respd.datatypes.limits import Limits
from respd.datatypes.listpacks import encode as encode_listpack
from respd.datatypes.lists import ListValue
from respd.datatypes.sets import SetValue
from respd.datatypes.sorted_sets import SortedSet
from respd.persistence import dump_payloads, intsets, listpacks, rdb_format
from respd.persistence.rdb_format import NOT_TOLD
from respd.persistence.rdb_reader import AuxEvent, EndEvent, KeyEvent, RdbReader, ResizeEvent, SelectEvent
from respd.persistence.rdb_writer import RdbWriter, dump

NEVER = 0
ELEMENTS = [
    b"", b"0", b"-0", b"00", b"01", b"-", b"-1", b"127", b"128", b"4095", b"4096", b"-4096", b"-4097", b"32767",
    b"32768", b"-32768", b"-32769", b"8388607", b"8388608", b"-8388608", b"-8388609", b"2147483647", b"2147483648",
    b"-2147483649",
    b"999999999999999999", b"1000000000000000000", b"9223372036854775807", b"9223372036854775808",
    b"-9223372036854775808", b"-9223372036854775807", b"+1", b" 1", b"1 ", b"1x", b"a" * 62, b"a" * 63, b"a" * 64,
    b"a" * 4095, b"a" * 4096, b"a" * 16379, b"a" * 70000, bytes(range(256)),
]  # fmt: skip


def test_a_listpack_gives_its_elements_back() -> None:
    """Every width of numbers and of lengths, at its bounds."""
    out = BytesWriter()
    assert listpacks.decode(encode_listpack(ELEMENTS, out)) == ELEMENTS
    for element in ELEMENTS:
        assert listpacks.decode(encode_listpack([element], out)) == [element]
    assert listpacks.decode(encode_listpack([b"x"] * 70000, out)) == [b"x"] * 70000


def test_a_list_node_knows_the_size_of_its_listpack() -> None:
    """The sizes by which lists are bounded are those that are written."""
    made = filled_list(ELEMENTS)
    for node in made.nodes():
        if not node.plain:
            assert node.size == len(encode_listpack(node.ordered(), BytesWriter()))


@pytest.mark.parametrize(
    "numbers, width",
    [([1, 2], 2), ([-32768, 32767], 2), ([-32769], 4), ([0, 32768], 4), ([2147483647], 4), ([1, 2147483648], 8)],
)
def test_an_intset_takes_the_width_its_numbers_need(numbers: list[int], width: int) -> None:
    """And gives them back."""
    data = intsets.encode(array("q", numbers))
    assert data[0] == width and len(data) == 8 + width * len(numbers)
    assert list(intsets.decode(data)) == numbers


def filled_list(elements: list[bytes]) -> ListValue:
    """A list of these elements."""
    made = ListValue()
    for element in elements:
        made.push_tail(element, Limits())
    return made


def filled_set(members: list[bytes]) -> SetValue:
    """A set of these members."""
    made = SetValue()
    for member in members:
        made.add(member, Limits())
    return made


def filled_zset(pairs: list[tuple[bytes, float]]) -> SortedSet:
    """A sorted set of members with scores."""
    made = SortedSet()
    for member, score in pairs:
        made.put(member, score, Limits())
    return made


def filled_hash(flat: list[bytes], moments: dict[bytes, int] | None = None) -> HashValue:
    """A hash of fields and values, some of which expire."""
    made = HashValue()
    for index in range(0, len(flat), 2):
        made.set(flat[index], flat[index + 1], Limits())
    for field, at_ms in (moments or {}).items():
        made.set_expire(field, at_ms)
    return made


MANY = [b"m%d" % number for number in range(1000)]
SOON = 1_700_000_000_000
VALUES = [
    (rdb_format.STRING, b""),
    (rdb_format.STRING, b"hello"),
    (rdb_format.STRING, b"a" * 30),
    (rdb_format.STRING, bytes(range(256)) * 300),
    (rdb_format.STRING, 0),
    (rdb_format.STRING, -129),
    (rdb_format.STRING, 1 << 31),
    (rdb_format.STRING, -(1 << 63)),
    (rdb_format.LIST_QUICKLIST_2, filled_list([b"a", b"1", b""])),
    (rdb_format.LIST_QUICKLIST_2, filled_list([*MANY, b"x" * 100_000, *MANY])),
    (rdb_format.SET_INTSET, filled_set([b"3", b"-1", b"70000"])),
    (rdb_format.SET, filled_set([b"a", b"1"])),
    (rdb_format.SET, filled_set(MANY)),
    (rdb_format.ZSET_LISTPACK, filled_zset([(b"a", 1.0), (b"b", 0.1), (b"c", float("inf")), (b"5", -3e300)])),
    (rdb_format.ZSET_2, filled_zset([(member, index / 7) for index, member in enumerate(MANY)])),
    (rdb_format.HASH_LISTPACK, filled_hash([b"f", b"v", b"1", b"2"])),
    (rdb_format.HASH, filled_hash([*MANY, b"long", b"x" * 100])),
    (rdb_format.HASH_LISTPACK_EX, filled_hash([b"a", b"1", b"b", b"2", b"c", b"3"], {b"b": SOON, b"c": SOON - 1})),
    (rdb_format.HASH_METADATA, filled_hash([*MANY, *MANY[:1], b"x" * 100], {b"m0": SOON, b"m2": SOON + 5})),
]


def contents(value: object) -> object:
    """What is in a value, to compare."""
    if isinstance(value, ListValue):
        return [(node.ordered(), node.plain) for node in value.nodes()]
    if isinstance(value, SetValue):
        return value.encoding(), set(value.members())
    if isinstance(value, SortedSet):
        return value.encoding(), [(each.member, each.score) for each in value.between(0, len(value))]
    if isinstance(value, HashValue):
        flat = value.items()
        return value.encoding(), {
            field: (flat[2 * index + 1], value.expire_at(field)) for index, field in enumerate(flat[::2])
        }
    return value


@pytest.mark.parametrize("compress", [True, False])
@pytest.mark.parametrize("kind, value", VALUES)
def test_a_payload_gives_the_value_back(kind: int, value: object, compress: bool) -> None:
    """In the type that Redis would use, and in the version that the oldest server reads which knows the type."""
    payload = dump_payloads.write(value, compress)
    assert payload[0] == kind
    assert dump_payloads.is_intact(payload)
    newest = kind in (rdb_format.HASH_METADATA, rdb_format.HASH_LISTPACK_EX)
    assert payload[-10:-8] == (b"\x0c\0" if newest else b"\x0a\0")
    assert contents(dump_payloads.read(payload, Limits())) == contents(value)


def test_a_small_set_is_a_listpack_where_readers_know_it() -> None:
    """From version 11 on."""
    writer = RdbWriter(12, True, False)
    writer.value(filled_set([b"a", b"b"]), None)
    assert writer.take()[0] == rdb_format.SET_LISTPACK


def test_a_hash_whose_fields_expire_no_more_is_a_plain_one() -> None:
    """Servers before 7.4 then read it."""
    value = filled_hash([b"a", b"1", b"b", b"2"], {b"a": SOON})
    value.persist(b"a")
    assert value.encoding() == b"listpackex"
    assert dump(value, True)[0][0] == rdb_format.HASH_LISTPACK


def test_what_repeats_is_compressed_beyond_twenty_bytes() -> None:
    """And nothing shorter."""
    assert len(dump(b"a" * 20, True)[0]) == 22
    assert len(dump(b"a" * 21, True)[0]) < 12
    assert len(dump(b"a" * 21, False)[0]) == 23


def written(writer: RdbWriter) -> bytes:
    """A file with every value, twice: in two databases, in chunks."""
    parts = []
    writer.header([(b"redis-ver", b"7.2.0"), (b"used-mem", b"12345")])
    parts.append(writer.take())
    for index in (0, 9):
        writer.select(index, len(VALUES), 1)
        for number, (_kind, value) in enumerate(VALUES):
            writer.key(b"key:%d" % number, value, SOON if number == 1 else NEVER, 70 if number == 2 else NOT_TOLD,
                       255 if number == 3 else NOT_TOLD)  # fmt: skip
            parts.append(writer.take())
    parts.append(writer.end())
    data = b"".join(parts)
    assert writer.written == len(data)
    return data


@pytest.mark.parametrize("checksum", [True, False])
def test_a_file_gives_everything_back(checksum: bool) -> None:
    """Databases with their sizes, keys with expiries and access times, the checksum."""
    data = written(RdbWriter(12, True, checksum))
    reader = RdbReader(Limits())
    reader.feed(data)
    reader.close()
    keys = 0
    selected = []
    while (event := reader.next()) is not None:
        if isinstance(event, KeyEvent):
            number = int(event.key[4:])
            assert contents(event.value) == contents(VALUES[number][1])
            assert event.expire_at_ms == (SOON if number == 1 else 0)
            assert event.idle_s == (70 if number == 2 else -1)
            assert event.frequency == (255 if number == 3 else -1)
            keys += 1
        elif isinstance(event, SelectEvent):
            selected.append(event.database)
        elif isinstance(event, ResizeEvent):
            assert (event.keys, event.expires) == (len(VALUES), 1)
        elif isinstance(event, AuxEvent):
            assert event.name in (b"redis-ver", b"used-mem")
        elif isinstance(event, EndEvent):
            assert (event.checksum != 0) == checksum
    assert reader.ended and keys == 2 * len(VALUES) and selected == [0, 9]
