"""The scripts' cjson, cmsgpack and struct: what goes in comes out, and bad input ends as redis-server has it."""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tests.cases.lua_cmsgpack import SHOW
from tests.local import Local
from tests.servers import Server
from tests.wire import Connection, Error

MANY = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
COMPARED = settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])

numbers = st.integers(-(10**14) + 1, 10**14 - 1) | st.integers(-(10**6), 10**6).map(lambda one: one / 64)
texts = st.text(max_size=20)
plain_values = st.none() | st.booleans() | numbers | texts
documents = st.recursive(
    plain_values,
    lambda inner: (
        st.lists(inner.filter(lambda one: one is not None), max_size=4)
        | st.dictionaries(texts, inner.filter(lambda one: one is not None), min_size=1, max_size=4)
    ),
    max_leaves=12,
)


def run(local: Local, source: str | bytes, *words: bytes) -> Any:
    """Run a script without keys."""
    code = source.encode() if isinstance(source, str) else source
    return local.run([b"EVAL", code, b"0", *words])


def as_lua(value: Any) -> Any:
    """What is left of a JSON value when Lua has had it: an empty array is an empty object."""
    if isinstance(value, list):
        return [as_lua(one) for one in value] or {}
    if isinstance(value, dict):
        return {key: as_lua(one) for key, one in value.items()}
    return value


@MANY
@given(document=documents, as_ascii=st.booleans(), indent=st.sampled_from([None, 0, 2]))
@example(document={"a": [1, {"b": None}], "é\n": "\U0001f600"}, as_ascii=True, indent=None)
def test_json_comes_back(local: Local, document: Any, as_ascii: bool, indent: int | None) -> None:
    """Whatever its spaces and escapes are, a document is the same after cjson has read and written it."""
    text = json.dumps(document, ensure_ascii=as_ascii, indent=indent).encode()
    written = run(local, "return cjson.encode(cjson.decode(ARGV[1]))", text)
    assert json.loads(written) == as_lua(document)


@MANY
@given(document=documents)
def test_msgpack_comes_back(local: Local, document: Any) -> None:
    """A table is the same after it was packed and unpacked."""
    source = "local v = cjson.decode(ARGV[1]) return cjson.encode(cmsgpack.unpack(cmsgpack.pack(v)))"
    written = run(local, source, json.dumps(document).encode())
    assert json.loads(written) == as_lua(document)


@MANY
@given(
    order=st.sampled_from("<>"),
    codes=st.lists(st.sampled_from("bBhHiIf"), min_size=1, max_size=8),
    data=st.binary(min_size=32, max_size=32),
)
def test_struct_is_pythons(local: Local, order: str, codes: list[str], data: bytes) -> None:
    """Packed and unpacked, bytes are as Python's struct has them."""
    layout = order + "".join(codes)
    values = struct.unpack(layout, data[: struct.calcsize(layout)])
    if any(value != value for value in values):
        return
    code = "return struct.pack(ARGV[1], struct.unpack(ARGV[1], ARGV[2]))"
    assert run(local, code, layout.encode(), data) == struct.pack(layout, *values)


# -- beside redis-server

DECODE = SHOW + b"return show(cjson.decode(ARGV[1]))"
UNPACK = SHOW + b"return all(cmsgpack.unpack(ARGV[1]))"
STRUCT = SHOW + b"return all(struct.unpack(ARGV[1], ARGV[2], tonumber(ARGV[3])))"
SIZE = SHOW + b"return all(struct.size(ARGV[1]))"

PIECES = r'{|}|[|]|,|:|"|"a"|"b":|{"k":|[1,|1|-0|0x1F|1e5|.5|true|false|null|nan|-inf|\n|\u00e9|\ud83d|\ude00| |x'
json_pieces = st.lists(st.sampled_from([*PIECES.split("|"), "\n", "\0"]), max_size=14).map(
    lambda parts: "".join(parts).encode()
)


@st.composite
def _spoiled(draw: st.DrawFn, whole: st.SearchStrategy[bytes]) -> bytes:
    """Bytes of which some are changed, left out or cut off."""
    data = bytearray(draw(whole))
    for _ in range(draw(st.integers(0, 3))):
        if not data:
            break
        place = draw(st.integers(0, len(data) - 1))
        change = draw(st.integers(0, 3))
        if change == 0:
            data[place] = draw(st.integers(0, 255))
        elif change == 1:
            del data[place]
        elif change == 2:
            data[place:place] = draw(st.binary(max_size=2))
        else:
            del data[place:]
    return bytes(data)


def _packed(size: int, code: int, inner: st.SearchStrategy[bytes]) -> st.SearchStrategy[bytes]:
    return st.lists(inner, min_size=size, max_size=size).map(lambda parts: bytes([code]) + b"".join(parts))


packed_plain = (
    st.sampled_from([b"\xc0", b"\xc2", b"\xc3", b"\x00", b"\x7f", b"\xe0", b"\xff", b"\xa0", b"\xd9\x02ab", b"\xc1"])
    | st.sampled_from([(0xCA, 4), (0xCB, 8), (0xCC, 1), (0xCD, 2), (0xCE, 4), (0xCF, 8)]).flatmap(
        lambda kind: st.binary(min_size=kind[1], max_size=kind[1]).map(lambda data: bytes([kind[0]]) + data)
    )
    | st.sampled_from([(0xD0, 1), (0xD1, 2), (0xD2, 4), (0xD3, 8)]).flatmap(
        lambda kind: st.binary(min_size=kind[1], max_size=kind[1]).map(lambda data: bytes([kind[0]]) + data)
    )
    | st.binary(max_size=31).map(lambda data: bytes([0xA0 + len(data)]) + data)
)
packed = st.recursive(
    packed_plain,
    lambda inner: (
        _packed(2, 0x92, inner)
        | st.tuples(packed_plain, inner).map(lambda pair: b"\x81" + b"".join(pair))
        | st.tuples(packed_plain, inner).map(lambda pair: b"\xde\x00\x01" + b"".join(pair))
        | inner.map(lambda one: b"\xdc\x00\x01" + one)
    ),
    max_leaves=8,
)
OPTIONS = "b B h H l L T f d s x i I c c0 c2 i3 i7 i9 i10 i15 i16 I16 i32 < > ! !2 !4 !16 !3 i33 = 5 z c99999999999"
layouts = st.lists(
    st.sampled_from([*OPTIONS.split(), " ", "\0", "\xe9"]),
    max_size=6,
).map(lambda parts: "".join(parts).encode("latin-1"))


@pytest.fixture
def redis(oracle: Server) -> Iterator[Connection]:
    """A connection to redis-server."""
    with oracle.connect() as connection:
        yield connection


def _same(local: Local, redis: Connection, source: bytes, *words: bytes) -> None:
    """Run a script on both; replies and errors must be the same."""
    assert run(local, source, *words) == redis.ask(b"EVAL", source, b"0", *words)


@COMPARED
@given(text=json_pieces | _spoiled(documents.map(lambda one: json.dumps(one).encode())))
def test_bad_json(local: Local, redis: Connection, text: bytes) -> None:
    """Text of pieces of JSON, and JSON that was spoiled."""
    _same(local, redis, DECODE, text)


@COMPARED
@given(data=_spoiled(packed))
def test_bad_msgpack(local: Local, redis: Connection, data: bytes) -> None:
    """MessagePack of all kinds, and spoiled."""
    _same(local, redis, UNPACK, data)


@COMPARED
@given(layout=layouts, data=st.binary(max_size=60), start=st.integers(-1, 9))
def test_bad_struct(local: Local, redis: Connection, layout: bytes, data: bytes, start: int) -> None:
    """Formats good and bad, over bytes long enough and not."""
    _same(local, redis, STRUCT, layout, data, b"%d" % start)
    _same(local, redis, SIZE, layout)


# -- harm


def test_what_grows_too_large_ends(local: Local, long_form: bool) -> None:
    """Memory is the script's own: the script fails, and the next one runs."""
    sources = ["cjson.encode_sparse_array(false, 0) return cjson.encode({[2147483647] = 1})"]
    if long_form:
        sources += [
            "local t = {} for i = 1, 60 do t = {t, t} end return cjson.encode(t)",
            "return #cjson.decode('[' .. string.rep('[],', 30000000) .. '1]')",
            "return #cmsgpack.unpack('\\221\\1\\255\\255\\255' .. string.rep('\\144', 33554431))",
        ]
    for source in sources:
        answer = run(local, source)
        assert isinstance(answer, Error) and "not enough memory" in str(answer)
        assert run(local, "return cjson.encode({cmsgpack.unpack(cmsgpack.pack(1))})") == b"[1]"
