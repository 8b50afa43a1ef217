"""The table of conversions between Lua and the protocols, row by row: redis.io, "Redis Lua API reference", data types.

Each row is true of respd and of redis-server. Replies are written as `tests.wire.render` shows them, with their wire
types: `$` a bulk string, `:` an integer, `_` RESP3's null, `,` a double, `#` a boolean, `(` a big number.
"""

from __future__ import annotations

import pytest

from tests.servers import Server
from tests.wire import Frame

# What a script returns, and what comes of it over RESP2 and over RESP3.
OUT_OF_LUA = [
    ("3", ":3", ":3"),
    ("3.99", ":3", ":3"),
    ("-3.99", ":-3", ":-3"),
    ("0", ":0", ":0"),
    ("2^53", ":9007199254740992", ":9007199254740992"),
    ("2^62", ":4611686018427387904", ":4611686018427387904"),
    ("2^63", ":-9223372036854775808", ":-9223372036854775808"),
    ("-2^63", ":-9223372036854775808", ":-9223372036854775808"),
    ("1e300", ":-9223372036854775808", ":-9223372036854775808"),
    ("1/0", ":-9223372036854775808", ":-9223372036854775808"),
    ("0/0", ":-9223372036854775808", ":-9223372036854775808"),
    ("'text'", "$'text'", "$'text'"),
    ("''", "$''", "$''"),
    ("'3.99'", "$'3.99'", "$'3.99'"),
    ("'a\\0\\r\\nb'", r"$'a\x00\r\nb'", r"$'a\x00\r\nb'"),
    ("true", ":1", ":1"),
    ("false", "$ null", "_ null"),
    ("nil", "$ null", "_ null"),
    ("", "$ null", "_ null"),
    ("function() end", "$ null", "_ null"),
    ("cjson.null", "$ null", "_ null"),
    ("coroutine.create(function() end)", "$ null", "_ null"),
    ("{}", "*0", "*0"),
    ("{1, 'a', {2.5}}", "*3 :1 $'a' *1 :2", "*3 :1 $'a' *1 :2"),
    ("{1, nil, 3}", "*1 :1", "*1 :1"),
    ("{1, false, true, 'x'}", "*4 :1 $ null :1 $'x'", "*4 :1 _ null :1 $'x'"),
    ("{1, cjson.null, 3}", "*3 :1 $ null :3", "*3 :1 _ null :3"),
    ("{1, x = 2, [3] = 3}", "*1 :1", "*1 :1"),
    ("{x = 2}", "*0", "*0"),
    ("{ok = 'fine'}", "+'fine'", "+'fine'"),
    ("{ok = 'two\\r\\nlines'}", "+'two  lines'", "+'two  lines'"),
    ("{ok = 1}", "*0", "*0"),
    ("redis.status_reply('fine')", "+'fine'", "+'fine'"),
    ("{err = 'MY words'}", "-'MY words'", "-'MY words'"),
    ("{err = 'one'}", "-'one'", "-'one'"),
    ("redis.error_reply('one')", "-'ERR one'", "-'ERR one'"),
    ("redis.error_reply('MY words')", "-'MY words'", "-'MY words'"),
    ("{ok = 'a', err = 'b'}", "-'b'", "-'b'"),
    ("{1, {ok = 'a'}, {err = 'b'}}", "*3 :1 +'a' -'b'", "*3 :1 +'a' -'b'"),
    ("{double = 3.5}", "$'3.5'", ",'3.5'"),
    ("{double = 3}", "$'3'", ",'3'"),
    ("{double = -1/0}", "$'-inf'", ",'-inf'"),
    ("{double = 0.1}", "$'0.1'", ",'0.1'"),
    ("{double = '3.5'}", "*0", "*0"),
    ("{map = {a = 1}}", "*2 $'a' :1", "%2 $'a' :1"),
    ("{map = {[1] = 'x'}}", "*2 :1 $'x'", "%2 :1 $'x'"),
    ("{map = {}}", "*0", "%0"),
    ("{map = {a = {map = {b = true}}}}", "*2 $'a' *2 $'b' :1", "%2 $'a' %2 $'b' :1"),
    ("{set = {a = true}}", "*1 $'a'", "~1 $'a'"),
    ("{set = {a = 7}}", "*1 $'a'", "~1 $'a'"),
    ("{set = {}}", "*0", "~0"),
    ("{big_number = '123456789012345678901234567890'}", "$'123456789012345678901234567890'",
     "('123456789012345678901234567890'"),
    ("{verbatim_string = {format = 'mkd', string = '# x'}}", "$'# x'", "='mkd:# x'"),
    ("{verbatim_string = 'x'}", "*0", "*0"),
    ("setmetatable({}, {__index = {1}})", "*0", "*0"),
]  # fmt: skip

# A command, and what `redis.call` gives for it after redis.setresp(2) and (3). HELLO alone says nothing about it.
INTO_LUA = [
    ("INCRBY n 5", "number:5", "number:5"),
    ("STRLEN none", "number:0", "number:0"),
    ("GET s", "string:text", "string:text"),
    ("GET b", "string:\\0\\r\\n", "string:\\0\\r\\n"),
    ("LRANGE l 0 -1", "{1=string:a,2=string:1}", "{1=string:a,2=string:1}"),
    ("LRANGE none 0 -1", "{}", "{}"),
    ("SET s text", "{ok=string:OK}", "{ok=string:OK}"),
    ("PING", "{ok=string:PONG}", "{ok=string:PONG}"),
    ("GET none", "boolean:false", "nil"),
    ("LPOP none 2", "boolean:false", "nil"),
    ("MGET s none", "{1=string:text,2=boolean:false}", "{1=string:text}"),
    ("HGETALL h", "{1=string:f,2=string:v}", "{map={f=string:v}}"),
    ("HGETALL none", "{}", "{map={}}"),
    ("SMEMBERS t", "{1=string:m}", "{set={m=boolean:true}}"),
    ("SMEMBERS none", "{}", "{set={}}"),
    ("ZSCORE z m", "string:1.5", "{double=number:1.5}"),
    ("ZSCORE z none", "boolean:false", "nil"),
    ("ZRANGE z 0 -1 WITHSCORES", "{1=string:m,2=string:1.5}", "{1={1=string:m,2={double=number:1.5}}}"),
    ("ZMSCORE z m none", "{1=string:1.5,2=boolean:false}", "{1={double=number:1.5}}"),
    ("INCRBYFLOAT f 0.25", "string:0.25", "string:0.25"),
    ("EXISTS s", "number:1", "number:1"),
    ("XRANGE x - +", "{1={1=string:1-1,2={1=string:f,2=string:v}}}", "{1={1=string:1-1,2={1=string:f,2=string:v}}}"),
    ("XREAD STREAMS x 0", "{1={1=string:x,2={1={1=string:1-1,2={1=string:f,2=string:v}}}}}",
     "{map={x={1={1=string:1-1,2={1=string:f,2=string:v}}}}}"),
    ("XREAD STREAMS x 9", "boolean:false", "nil"),
    ("MEMORY DOCTOR", "string", "{verbatim_string={format=string:txt,string=string}}"),
    ("GEOPOS g m none", "{1={1=string,2=string},2=boolean:false}", "{1={1={double=number},2={double=number}}}"),
]  # fmt: skip
_SETUP = [
    "DEL n f none", "SET s text", "RPUSH l a 1", "HSET h f v", "SADD t m", "ZADD z 1.5 m", "XADD x 1-1 f v",
    "GEOADD g 13.5 38.5 m",
]  # fmt: skip
_SHOW = """
local hides = ARGV[1] == '1'
local function show(v)
    local t = type(v)
    if t == 'table' then
        local r = {}
        for k, x in pairs(v) do r[#r + 1] = k .. '=' .. show(x) end
        table.sort(r)
        return '{' .. table.concat(r, ',') .. '}'
    end
    if t == 'nil' or hides and (t == 'string' and v ~= 'txt' or t == 'number') then return t end
    return t .. ':' .. (tostring(v):gsub('%z', '\\\\0'):gsub('\\r\\n', '\\\\r\\\\n'))
end
redis.setresp(tonumber(ARGV[2]))
return show(redis.call(unpack(ARGV, 3)))
"""


@pytest.fixture(params=["respd", "redis"])
def either(request: pytest.FixtureRequest) -> Server:
    """Both servers, one after the other."""
    found = request.getfixturevalue("server" if request.param == "respd" else "oracle")
    assert isinstance(found, Server)
    return found


def _shown(frame: Frame) -> str:
    return " ".join(line.strip() for line in str(frame).split("\n"))


@pytest.mark.parametrize("resp", [2, 3])
def test_what_comes_out_of_lua(either: Server, resp: int) -> None:
    with either.connect(resp) as connection:
        found = {}
        for source, *_ in OUT_OF_LUA:
            frame = connection.call([b"EVAL", f"return {source}".encode(), b"0"])
            found[source] = _shown(frame)
    assert found == {source: expected[resp - 2] for source, *expected in OUT_OF_LUA}


@pytest.mark.parametrize(
    ("connected", "chosen", "expected"),
    [(2, 2, ":1 $ null *1 $ null"), (3, 2, ":1 _ null *1 _ null"), (2, 3, ":1 :0 *1 :0"), (3, 3, "#'t' #'f' *1 #'f'")],
)
def test_booleans_are_booleans_where_the_script_has_chosen_resp3(
    either: Server, connected: int, chosen: int, expected: str
) -> None:
    with either.connect(connected) as connection:
        found = []
        for value in ("true", "false", "{false}"):
            found.append(_shown(connection.call([b"EVAL", f"redis.setresp({chosen}) return {value}".encode(), b"0"])))
    assert " ".join(found) == expected


@pytest.mark.parametrize("resp", [2, 3])
@pytest.mark.parametrize("connected", [2, 3])
def test_what_goes_into_lua(either: Server, resp: int, connected: int) -> None:
    """The protocol of the client is of no consequence, but that which the script has set is."""
    with either.connect(connected) as connection:
        connection.call([b"SET", b"b", b"\0\r\n"])
        for line in _SETUP:
            connection.call(line)
        found = {}
        for line, *expected in INTO_LUA:
            hides = b"1" if "string:" not in expected[0] and "string" in expected[0] else b"0"
            frame = connection.call([b"EVAL", _SHOW.encode(), b"0", hides, b"%d" % resp, *line.encode().split()])
            assert isinstance(frame.value, bytes)
            found[line] = frame.value.decode()
            connection.call("SET n 0")
            connection.call("DEL f")
    assert found == {line: expected[resp - 2] for line, *expected in INTO_LUA}
