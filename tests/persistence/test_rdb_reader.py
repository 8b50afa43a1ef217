"""Reading RDB files: every version and encoding by hand, in chunks of any size, cut, and damaged at every byte."""

from __future__ import annotations

import math

import pytest

from respd.datatypes.limits import Limits
from respd.persistence.rdb_format import CorruptFile, ShortFile, UnsupportedFile
from respd.persistence.rdb_reader import (
    NO_FREQUENCY,
    NO_IDLE,
    AuxEvent,
    EndEvent,
    FunctionEvent,
    HeaderEvent,
    KeyEvent,
    ModuleAuxEvent,
    RdbEvent,
    RdbReader,
    ResizeEvent,
    SelectEvent,
    SlotEvent,
)
from tests.persistence import rdb_files
from tests.persistence.rdb_files import compressed, file, key, length, number, string, strings
from tests.persistence.reading import events, keys

LONG = b"l" * 65
PAIRS = [b"f", b"v", b"12", b"-7"]
MOMENT = 4_000_000_000_000


def _all_types() -> bytes:
    """Keys of every type and encoding, but for those whose fields expire; named after the encoding."""
    listpack, ziplist = rdb_files.listpack, rdb_files.ziplist
    return b"".join(
        [
            key(b"raw", 0, string(b"hello")),
            key(b"int8", 0, number(-7)),
            key(b"int16", 0, number(-300)),
            key(b"int32", 0, number(70000)),
            key(b"int as text", 0, string(b"123")),
            key(b"no int", 0, string(b"0123")),
            key(b"lzf", 0, compressed(b"abc" * 40)),
            key(b"long", 0, string(b"x" * 20000)),
            key(b"list", 1, length(3) + strings([b"a", LONG]) + number(5)),
            key(b"list ziplist", 10, string(ziplist([b"a", b"5", LONG]))),
            key(b"list quicklist", 14, length(2) + string(ziplist([b"a", b"1"])) + compressed(ziplist([b"b"]))),
            key(b"list quicklist 2", 18, length(2) + b"\x02" + string(listpack([b"a"])) + b"\x01" + string(LONG)),
            key(b"set", 2, length(3) + strings([b"a", b"7", b"b"])),
            key(b"set of numbers", 2, length(2) + strings([b"9"]) + number(-4)),
            key(b"set intset", 11, string(rdb_files.intset([-3, 1, 2]))),
            key(b"set listpack", 20, string(listpack([b"b", b"7", b"a"]))),
            key(b"zset", 3, length(3) + b"\x01a\x0415e1\x01b\xfe\x01c\xff"),
            key(b"zset 2", 5, length(2) + b"\x01a" + bytes(6) + b"\xf8\x3f" + b"\x01b" + bytes(8)),
            key(b"zset ziplist", 12, string(ziplist([b"a", b"-inf", b"b", b"2"]))),
            key(b"zset listpack", 17, string(listpack([b"a", b"-inf", b"b", b"2.5"]))),
            key(b"hash", 4, length(2) + strings(PAIRS)),
            key(b"hash zipmap", 9, string(rdb_files.zipmap(PAIRS, 1))),
            key(b"hash ziplist", 13, string(ziplist(PAIRS))),
            key(b"hash listpack", 16, string(listpack(PAIRS))),
        ]
    )


HASH: object = (b"listpack", {b"f": b"v", b"12": b"-7"}, {})
ALL_TYPES: dict[bytes, object] = {
    b"raw": (b"embstr", b"hello"),
    b"int8": (b"int", b"-7"),
    b"int16": (b"int", b"-300"),
    b"int32": (b"int", b"70000"),
    b"int as text": (b"int", b"123"),
    b"no int": (b"embstr", b"0123"),
    b"lzf": (b"raw", b"abc" * 40),
    b"long": (b"raw", b"x" * 20000),
    b"list": (b"listpack", [b"a", LONG, b"5"]),
    b"list ziplist": (b"listpack", [b"a", b"5", LONG]),
    b"list quicklist": (b"quicklist", [b"a", b"1", b"b"]),
    b"list quicklist 2": (b"quicklist", [b"a", LONG]),
    b"set": (b"listpack", [b"7", b"a", b"b"]),
    b"set of numbers": (b"intset", [b"-4", b"9"]),
    b"set intset": (b"intset", [b"-3", b"1", b"2"]),
    b"set listpack": (b"listpack", [b"7", b"a", b"b"]),
    b"zset": (b"listpack", [(b"c", -math.inf), (b"a", 150.0), (b"b", math.inf)]),
    b"zset 2": (b"listpack", [(b"b", 0.0), (b"a", 1.5)]),
    b"zset ziplist": (b"listpack", [(b"a", -math.inf), (b"b", 2.0)]),
    b"zset listpack": (b"listpack", [(b"a", -math.inf), (b"b", 2.5)]),
    b"hash": HASH,
    b"hash zipmap": HASH,
    b"hash ziplist": HASH,
    b"hash listpack": HASH,
}

SMALL = file(
    11,
    rdb_files.aux(b"redis-ver", b"7.2.0"),
    rdb_files.select(0),
    b"\xfb\x04\x01",
    key(b"s", 0, string(b"some text"), expire_ms=MOMENT),
    b"\xf8\x09" + key(b"h", 16, string(rdb_files.listpack(PAIRS))),
    b"\xf9\x07" + key(b"l", 18, b"\x01\x02" + string(rdb_files.listpack([b"a", b"300"]))),
    key(b"z", 5, b"\x01\x01m" + bytes(6) + b"\xf8\x3f"),
)


@pytest.mark.parametrize("version", range(1, 13))
def test_every_type_in_every_version(version: int) -> None:
    """What the format came to know later is no problem in an older file."""
    assert keys(file(version, _all_types())) == ALL_TYPES


@pytest.mark.parametrize("chunk", [1, 2, 3, 100, 4096])
def test_chunks(chunk: int) -> None:
    """Of any size, the records larger than they are."""
    assert keys(file(10, _all_types()), chunk) == ALL_TYPES


def test_events() -> None:
    """All that is in a file, in its order."""
    found = events(SMALL)
    assert [type(event) for event in found] == [
        HeaderEvent, AuxEvent, SelectEvent, ResizeEvent, KeyEvent, KeyEvent, KeyEvent, KeyEvent, EndEvent,
    ]  # fmt: skip
    header, aux, selected, resize, one, two, three, four, end = found
    assert isinstance(header, HeaderEvent) and (header.version, header.is_valkey) == (11, False)
    assert isinstance(aux, AuxEvent) and (aux.name, aux.value) == (b"redis-ver", b"7.2.0")
    assert isinstance(selected, SelectEvent) and selected.database == 0
    assert isinstance(resize, ResizeEvent) and (resize.keys, resize.expires) == (4, 1)
    told = [
        (event.key, event.expire_at_ms, event.idle_s, event.frequency, event.kind)
        for event in (one, two, three, four)
        if isinstance(event, KeyEvent)
    ]
    assert told == [
        (b"s", MOMENT, NO_IDLE, NO_FREQUENCY, 0),
        (b"h", 0, 9, NO_FREQUENCY, 16),
        (b"l", 0, NO_IDLE, 7, 18),
        (b"z", 0, NO_IDLE, NO_FREQUENCY, 5),
    ]
    assert isinstance(end, EndEvent) and end.checksum == end.computed != 0


@pytest.mark.parametrize(
    "expiry, expected",
    [
        ({"expire_s": 1}, 1000),
        ({"expire_s": 2_000_000_000}, 2_000_000_000_000),
        ({"expire_s": -5}, -5000),
        ({"expire_ms": MOMENT}, MOMENT),
        ({"expire_ms": -2}, -2),
        ({"expire_ms": -1}, 0),
    ],
)
def test_expiries(expiry: dict[str, int], expected: int) -> None:
    """In seconds and milliseconds; Redis takes -1 for none."""
    found = events(file(9, key(b"k", 0, string(b"v"), **expiry)))[1]
    assert isinstance(found, KeyEvent) and found.expire_at_ms == expected


def test_a_moment_of_zero_is_one_gone_by() -> None:
    """It is not the same as none."""
    found = events(file(9, b"\xfc" + bytes(8) + key(b"k", 0, string(b"v"))))[1]
    assert isinstance(found, KeyEvent) and found.expire_at_ms == 1


def _only(record: bytes, version: int = 12, limits: Limits | None = None, magic: bytes = b"REDIS") -> object:
    return keys(file(version, record, magic=magic), limits=limits)[b"k"]


EX = [(b"a", b"1", MOMENT), (b"b", b"2", MOMENT + 5), (b"c", b"3", 0)]
EXPIRING = ({b"a": b"1", b"b": b"2", b"c": b"3"}, {b"a": MOMENT, b"b": MOMENT + 5})


def _listpack_ex(rows: list[tuple[bytes, bytes, int]]) -> bytes:
    return string(rdb_files.listpack([word for f, v, at in rows for word in (f, v, b"%d" % at)]))


def _metadata(rows: list[tuple[bytes, bytes, int]], earliest: int) -> bytes:
    """`earliest` 0: moments as they are, as before 7.4 was released."""
    return length(len(rows)) + b"".join(
        length(at - earliest + 1 if at and earliest else at) + strings([f, v]) for f, v, at in rows
    )


@pytest.mark.parametrize(
    "kind, value",
    [
        (22, _metadata(EX, 0)),
        (23, _listpack_ex(EX)),
        (24, MOMENT.to_bytes(8, "little") + _metadata(EX, MOMENT)),
        (25, MOMENT.to_bytes(8, "little") + _listpack_ex(EX)),
    ],
)
def test_hashes_with_fields_that_expire(kind: int, value: bytes) -> None:
    """As Redis 7.4 writes them, and as its release candidates did; small and large."""
    limits = Limits()
    assert _only(key(b"k", kind, value), limits=limits) == (b"listpackex", *EXPIRING)
    limits.hash_max_entries = 2
    assert _only(key(b"k", kind, value), limits=limits) == (b"hashtable", *EXPIRING)


def test_a_valkey_hash_with_fields_that_expire() -> None:
    """Valkey uses the number of Redis' release candidates for a form of its own."""
    rows = b"".join(strings([f, v]) + (at or -1).to_bytes(8, "little", signed=True) for f, v, at in EX)
    record = key(b"k", 22, length(3) + rows)
    assert _only(record, 80, magic=b"VALKEY") == (b"listpackex", *EXPIRING)
    undying = key(b"k", 22, length(1) + strings([b"a", b"1"]) + b"\xff" * 8)
    assert _only(undying, 80, magic=b"VALKEY") == (b"listpack", {b"a": b"1"}, {})


def test_limits_in_force() -> None:
    """Values take the encoding that Redis gives them with the same limits."""
    limits = Limits()
    limits.hash_max_entries = limits.zset_max_entries = limits.set_max_entries = limits.set_max_intset = 1
    limits.list_max_size = 1
    found = keys(file(12, _all_types()), limits=limits)
    encodings = {name: value[0] for name, value in found.items() if isinstance(value, tuple)}
    for name, encoding in encodings.items():
        if name.startswith((b"hash", b"set")):
            assert encoding == b"hashtable"
        elif name.startswith(b"zset"):
            assert encoding == b"skiplist"
        elif name.startswith(b"list"):
            assert encoding == b"quicklist"


def test_long_members() -> None:
    """They make a large value of what was saved one by one, but not of a listpack, as in Redis."""
    listpack = string(rdb_files.listpack([LONG, b"1"]))
    for kind, value, encoding in [
        (20, listpack, b"listpack"),
        (2, length(2) + strings([LONG, b"1"]), b"hashtable"),
        (2, length(2) + strings([b"1", LONG]), b"hashtable"),
        (17, listpack, b"listpack"),
        (5, length(1) + string(LONG) + bytes(8), b"skiplist"),
        (16, listpack, b"listpack"),
        (4, length(1) + strings([LONG, b"1"]), b"hashtable"),
        (4, length(1) + strings([b"1", LONG]), b"hashtable"),
    ]:
        found = _only(key(b"k", kind, value))
        assert isinstance(found, tuple) and found[0] == encoding


@pytest.mark.parametrize(
    "kind, value",
    [
        (1, b"\0"),
        (2, b"\0"),
        (3, b"\0"),
        (4, b"\0"),
        (5, b"\0"),
        (9, string(rdb_files.zipmap([]))),
        (10, string(rdb_files.ziplist([]))),
        (11, string(rdb_files.intset([]))),
        (14, b"\0"),
        (14, b"\1" + string(rdb_files.ziplist([]))),
        (16, string(rdb_files.listpack([]))),
        (18, b"\1\2" + string(rdb_files.listpack([]))),
        (24, bytes(8) + b"\0"),
        (25, bytes(8) + string(rdb_files.listpack([]))),
    ],
)
def test_collections_without_members(kind: int, value: bytes) -> None:
    """Redis skips such keys, so they are no error here."""
    assert _only(key(b"k", kind, value)) is None


def test_empty_nodes_of_a_list_are_dropped() -> None:
    """As in Redis."""
    nodes = [string(rdb_files.ziplist(words)) for words in ([], [b"a"], [])]
    assert _only(key(b"k", 14, length(3) + b"".join(nodes))) == (b"listpack", [b"a"])


@pytest.mark.parametrize(
    "kind, value",
    [
        (2, length(2) + strings([b"a", b"a"])),
        (2, length(2) + strings([b"1"]) + number(1)),
        (20, string(rdb_files.listpack([b"a", b"b", b"a"]))),
        (4, length(2) + strings([b"a", b"1", b"a", b"2"])),
        (16, string(rdb_files.listpack([b"a", b"1", b"a", b"2"]))),
        (16, string(rdb_files.listpack([b"a", b"1", b"b"]))),
        (5, length(2) + (b"\x01a" + bytes(8)) * 2),
        (17, string(rdb_files.listpack([b"a", b"1", b"a", b"2"]))),
        (17, string(rdb_files.listpack([b"a", b"1", b"b"]))),
        (17, string(rdb_files.listpack([b"a", b"nan"]))),
        (17, string(rdb_files.listpack([b"a", b"x"]))),
        (3, b"\x01\x01a\xfd"),
        (3, b"\x01\x01a\x03nan"),
        (3, b"\x01\x01a\x02.."),
        (5, b"\x01\x01a" + bytes(6) + b"\xf8\x7f"),
        (18, b"\x01\x03" + string(rdb_files.listpack([b"a"]))),
        (18, b"\x01\x01\x00"),
        (0, b"\xc4"),
        (0, b"\xc3\x02\x05\x00a"),
        (0, b"\x82"),
        (1, b"\xc1\x00"),
        (2, b"\x81" + b"\xff" * 8),
        (22, length(1) + length(1 << 48) + strings([b"a", b"1"])),
        (23, string(rdb_files.listpack([b"a", b"1"]))),
        (23, string(rdb_files.listpack([b"a", b"1", b"x"]))),
        (23, string(rdb_files.listpack([b"a", b"1", b"-1"]))),
        (25, bytes(8) + _listpack_ex([(b"a", b"1", 7), (b"b", b"2", 6)])),
        (25, bytes(8) + _listpack_ex([(b"a", b"1", 0), (b"b", b"2", 6)])),
        (24, b"\xff" * 8 + b"\x01\x01\x01a\x01b"),
        (24, bytes(8) + b"\x02" + (b"\x00" + strings([b"a", b"1"])) * 2),
        (8, b"\x01a"),
        (26, b"\x01a"),
        (242, b"\x01a"),
    ],
)
def test_damaged_values_are_refused(kind: int, value: bytes) -> None:
    """Members that come twice, scores that are no numbers, lengths that are none, types there are not."""
    with pytest.raises(CorruptFile) as caught:
        keys(file(12, key(b"k", kind, value + bytes(20))))
    assert caught.value.offset > 9


@pytest.mark.parametrize(
    "record, reason",
    [
        (key(b"k", 7, b"\x81" + (0x410840E3CD34D401).to_bytes(8, "big")), "data of the module type '"),
        (b"\xf6", "Pre-release function format not supported."),
    ],
)
def test_what_respd_does_not_have_is_refused_by_name(record: bytes, reason: str) -> None:
    """And not as damage."""
    with pytest.raises(UnsupportedFile) as caught:
        events(file(11, record))
    assert caught.value.reason.startswith(reason)
    assert caught.value.reason.endswith(", in key 'k'") == (record[0] < 200)


def test_functions_slots_and_modules_data() -> None:
    """They are told, or skipped, and reading goes on."""
    module = b"\xf7\x81" + b"\x12" * 8 + b"\x02\x01\x02\x81" + b"\xff" * 8 + b"\x01\x05\x03" + bytes(4)
    module += b"\x04" + bytes(8) + b"\x05\x01a\x00"
    slots = b"\xf4\x01\x02\x03" + b"\xf3\x03job\x01\x00\x05"
    function = b"\xf5" + string(b"#!lua name=x\n")
    found: list[RdbEvent] = events(file(12, slots, function, module, key(b"k", 0, string(b"v"))))
    assert [type(event) for event in found[1:]] == [
        SlotEvent, SlotEvent, FunctionEvent, ModuleAuxEvent, KeyEvent, EndEvent,
    ]  # fmt: skip
    assert isinstance(found[3], FunctionEvent) and found[3].code == b"#!lua name=x\n"


@pytest.mark.parametrize(
    "data, reason",
    [
        (b"REDIX0011\xff" + bytes(8), "Wrong signature trying to load DB from file"),
        (b"redis0011\xff" + bytes(8), "Wrong signature trying to load DB from file"),
        (b"*2\r\n$6\r\nSELECT\r\n", "Wrong signature trying to load DB from file"),
        (b"REDIS0000\xff" + bytes(8), "Can't handle RDB format version 0"),
        (b"REDIS0013\xff" + bytes(8), "Can't handle RDB format version 13"),
        (b"REDIS00x1\xff" + bytes(8), "Can't handle RDB format version 0"),
        (b"VALKEY079\xff" + bytes(8), "Can't handle RDB format version 79"),
        (b"VALKEY081\xff" + bytes(8), "Can't handle RDB format version 81"),
    ],
)
def test_headers_of_other_files(data: bytes, reason: str) -> None:
    """In the words that Redis logs."""
    with pytest.raises(CorruptFile) as caught:
        events(data)
    assert caught.value.reason == reason


def test_checksums() -> None:
    """Compared, unless it is 0 or the reader was told not to."""
    good = file(9, key(b"k", 0, string(b"v")))
    assert keys(file(9, key(b"k", 0, string(b"v")), checksum=False)) == {b"k": (b"embstr", b"v")}
    wrong = good[:-1] + bytes((good[-1] ^ 1,))
    with pytest.raises(CorruptFile, match="RDB CRC error"):
        events(wrong)
    assert len(events(wrong, verify=False)) == 3
    for chunk in (1, 5, 1000):
        assert len(events(good, chunk)) == 3


def test_what_follows_the_end() -> None:
    """A log may go on behind an RDB file: it is told where, and what has been fed of it is handed back."""
    for chunk in (1, 7, 1000):
        reader = RdbReader(Limits())
        data = SMALL + b"*1\r\n$4\r\nPING\r\n"
        fed = 0
        while not reader.ended:
            if reader.next() is None:
                reader.feed(data[fed : fed + chunk])
                fed += chunk
        assert reader.next() is None
        assert reader.consumed == len(SMALL)
        assert reader.rest() == data[len(SMALL) : fed]


def test_a_file_cut_at_every_byte() -> None:
    """It is never taken for a whole one."""
    for size in range(len(SMALL)):
        with pytest.raises(ShortFile) as caught:
            events(SMALL[:size])
        assert caught.value.offset == size


def test_each_byte_changed() -> None:
    """The checksum tells, or the reader met it before; without a checksum there is no other error than CorruptFile."""
    expected = keys(SMALL)
    for at in range(len(SMALL)):
        for flipped in (1, 0x80, 0xFF):
            damaged = SMALL[:at] + bytes((SMALL[at] ^ flipped,)) + SMALL[at + 1 :]
            if damaged[:9] == b"REDIS0001":
                assert keys(damaged) == expected  # that version has no checksum, and what follows the end is not read
                continue
            with pytest.raises(CorruptFile):
                events(damaged)
            try:
                events(damaged, verify=False)
            except CorruptFile:
                pass


def test_claims_of_more_than_there_is() -> None:
    """Lengths up to 2**63 - 1 are waited for, not reserved."""
    for record in (
        key(b"k", 0, b"\x81" + b"\x7f" + b"\xff" * 7),
        key(b"k", 1, b"\x81" + b"\x7f" + b"\xff" * 7),
        key(b"k", 4, b"\x80" + b"\xff" * 4),
        key(b"k", 5, b"\x80" + b"\xff" * 4),
        key(b"k", 18, b"\x80" + b"\xff" * 4),
        key(b"k", 0, b"\xc3\x80" + b"\xff" * 4 + b"\x81\x7f" + b"\xff" * 7),
        b"\xfa\x80" + b"\xff" * 4,
    ):
        with pytest.raises(CorruptFile):
            events(file(11, record))


def test_a_huge_record_is_not_read_again_for_every_chunk() -> None:
    """Only when it has at least doubled, or may be whole."""
    value = length(20_000) + b"".join(string(b"%d" % each) for each in range(20_000))
    data = file(11, key(b"k", 2, value))
    reader = RdbReader(Limits())
    tries = 0
    for at in range(0, len(data), 64):
        reader.feed(data[at : at + 64])
        before = reader._values.data
        while reader.next() is not None:
            pass
        tries += reader._values.data is not before
    reader.close()
    while reader.next() is not None:
        pass
    assert reader.ended
    assert tries < 40
