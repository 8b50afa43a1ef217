"""Cases of the scripts' cjson: decoding, encoding, errors with their place, settings, and what lies around it."""

from __future__ import annotations

from tests.harness import Case, case

_TEXTS = (
    "|  |1|-1|0|-0|1.5|1e3|1E+2|1e-2|-0.0|1e400|-1e400|1e|1e+|0x10|0X1F|0x1.8p1|0x|0xg|0x.8|0x1p|+1|+|"
    "-|--1|.5|-.5|+.5|1.|1..2|1.2.3|01|00|-01|inf|-inf|Infinity|INFINITY|infinit|nan|-nan|NaN|nan(abc)|"
    "nan(abc|nanx|+nan|i|n|N|I|true|false|null|tru|truex|nul|nullx|True|[]|{}|[ ]|{ }|[1]|[1,2]|"
    '[ 1 , 2 ]|[1,]|[,1]|[1 2]|[|[1|[1,|{|{"a"|{"a":|{"a":1|{"a":1,|{"a" : 1 }|{ "a":1,"b":2}|'
    '{"a":1,"a":2}|{"a":1,}|{,}|{1:2}|{a:1}|{"a" 1}|{"a":1 "b"}|{"a":}|{"a"::1}|[}|{]|[1}|{"a":1]|"|"a|'
    r'"a"|""|"\n"|"\q"|"\|"\u"|"\u1"|"\u12"|"\u123"|"\u1234"|"\u0000"|"\ud83d\ude00"|'
    r'"\ud83d"|"\ud83dx"|"\ude00"|"\ud83d\u0041"|"\uD83D\uDE00"|"\udbff\udfff"|"\u00e9"|'
    r'"\u07ff\u0800\uffff"|"é"|"\/"|"\"\\\b\f\n\r\t"|[1]x|[1] |[1]]|1 2|"a""b"|'
    r'{"a":"b\"c","d":[1,"x\n"]}|{"a":"b","c\n":"d"}|["a\n","b"]|{"a\n" : 1}|{"":1}|{"1":2}|'
    '[null,null]|[[[[]]]]|{"a":{"b":{"c":{}}}}|{"a":[1,{"b":2}]}|{"a":tru}|[tru]|{"a":1x}|[1x]|'
    '{"a":"b"x}|["b"x]|{"a":[1]x}|[{"a":1}x]|{"a" :1}|{"a":  "b"}|{"a":"b" ,"c":1}|{"a":12 }|'
    '{"a":-5,"b":-0.5,"c":0,"d":007}|[-5,-0.5,0,007]|[0x10,1e2,1.5e-3]|{"a":0x10,"b":1e2}|'
    "[1e5,1E5,1.e2]|123456789012345678901234567890|0.1|1e22|1e23|[truefalse]|[true,false,null]|"
    '{"t":true,"f":false,"n":null}|{"a":1}{"b":2}|[1,//c|9007199254740993|{"a":"x,y}z"}|["a]b","c,d"]|'
    '[1,[2,[3]]]|[{"a":[{"b":[{}]}]}]|{"a"|{"a":"|{"a":"b|{"a":"b"|{"a":1,"|["|["a|["a"|["a",'
)
TEXTS = _TEXTS.split("|")
RAW = [
    b"[1]\n\t\r ",
    b'"a\tb\nc\x01\x7f\xff"',
    b"\xc2\xa0 1",
    b"\x0b1",
    b"[1,\n2]",
    b'{"a":\n1,\n"b":\n"c"\n}',
    b'{\n"a":1}',
    b'[\n"a"\n,\n"b"]',
    b"\xef\xbb\xbf1",
    b"\x00",
    b"1\x00x",
    b"\x001",
    b"[1\x00",
    b"[1]\x00x",
    b'["a\x00"]',
    b'["a\\\x00"]',
    b'{"a\x00":1}',
]
VALUES = [
    "nil",
    "true",
    "0",
    "-0",
    "1.5",
    "1e14",
    "1e15",
    "123456789012345",
    "1/3",
    "1e-7",
    "1e300",
    "2^53",
    "2^63",
    "1/0",
    "-1/0",
    "0/0",
    "''",
    "'a/b'",
    r"'\n\t\r\b\f'",
    r"'\0\1\31\127\128\255'",
    "'\"\\\\'",
    "{}",
    "{1,2,3}",
    "{nil,2}",
    "{1,nil,3}",
    "{[1]=1,[3]=3}",
    "{[10]=1}",
    "{[11]=1}",
    "{[5]=1,[11]=1}",
    "{[20]=1,1,2,3,4,5,6,7,8,9}",
    "{[21]=1,1,2,3,4,5,6,7,8,9}",
    "{[22]=1,1,2,3,4,5,6,7,8,9,10}",
    "{a={b={c=1}}}",
    "{[0]=1}",
    "{[-1]=1}",
    "{[1.5]=1}",
    "{1,2,x=3}",
    "{[1e10]=1}",
    "{[2^31]=1}",
    "{[2^31-1]=1}",
    "{1,[2^31]=2}",
    "{[1/0]=1}",
    "{[true]=1}",
    "{[{}]=1}",
    "{[cjson.null]=1}",
    "cjson.null",
    "{a=cjson.null}",
    "{cjson.null,1}",
    "redis.call",
    "{redis.call}",
    "{a=redis.call}",
    "coroutine.create(function() end)",
    "{{},{a={}}}",
    "setmetatable({},{__index={1,2}})",
    "setmetatable({1,nil,3},{__index=function() return 5 end})",
    "{['\"']=1}",
    "{['']=1}",
    "{['1']=1}",
    "{[1]='a',['1']='b'}",
    "{['a/b']=1}",
    "{0.1,100,101,99,-1}",
    "{a=1,b=2,c=3,d=4,e=5,f=6,g=7,h=8,i=9}",
    "('x'):rep(1000)",
    "{[('x'):rep(50)]=1}",
    "{'é','\\195\\169'}",
]
SETTINGS = [
    "encode_sparse_array",
    "encode_max_depth",
    "decode_max_depth",
    "encode_number_precision",
    "encode_keep_buffer",
    "encode_invalid_numbers",
    "decode_invalid_numbers",
]
GIVEN = [
    "",
    "1",
    "0",
    "-1",
    "14",
    "15",
    "true",
    "false",
    "nil",
    "'x'",
    "'null'",
    "'on'",
    "'off'",
    "'on\\0x'",
    "{}",
    "1,2",
    "1.9",
    "true,2,3",
    "true,2,3,4",
    "false,-1",
    "false,1,-1",
    "2147483647",
    "2147483648",
    "4294967297",
    "'10'",
    "true,'a'",
    "nil,nil,5",
]
AROUND = [
    "return tostring(cjson.null)",
    "return type(cjson.null)",
    "return getmetatable(cjson.null)",
    "return cjson.null.x",
    "cjson.null.x=1",
    "return #cjson.null",
    "return cjson.null+1",
    "return cjson.null..''",
    "return cjson.null<cjson.null",
    "return cjson.null()",
    "return {cjson.null}",
    "return {tostring(cjson.null==nil), tostring(not cjson.null), tostring(cjson.null==cjson.decode('null'))}",
    "redis.call('set','x',cjson.null)",
    "local t={[cjson.null]=5} return t[cjson.decode('[null]')[1]]",
    "return tostring(cjson.new().null==cjson.null)",
    "return {pcall(error,cjson.null)}",
    "error(cjson.null)",
    "return cjson.new(1,2)._VERSION",
    "local c=cjson.new() c.x=1 return c.x",
    "local r={} for k,v in pairs(cjson) do r[#r+1]=k..' '..type(v) end table.sort(r) return r",
    "cjson.x=1",
    "return cjson()",
    "cjson.encode_max_depth(5)",
    "return cjson.encode_max_depth()",
    "cjson.encode_max_depth(1000) cjson.encode_number_precision(3)",
    "return cjson.encode({1.23456,123456,1e-5})",
    "cjson.encode_sparse_array(true)",
]
PLACES = [
    "return {0}",
    "\n\nreturn {0}",
    "local x={0}",
    "local function f() return {0} end\nreturn f()",
    "local function f()\n local x={0} end\n\nreturn f()",
    "return {{pcall(function() return {0} end)}}",
    "coroutine.wrap(function()\n {0} end)()",
    "return {{coroutine.resume(coroutine.create(function()\n return {0} end))}}",
    "return {{xpcall(function() local x={0} end,function(e) return e end)}}",
]
CALLS = ["cjson.decode('[1,')", "cjson.decode()", "cjson.encode(redis.call)", "cjson.encode({0/0})"]
NAMED = [
    "local d=cjson.decode d()",
    "local t={d=cjson.decode} t.d(1,2)",
    "return {pcall(cjson.decode)}",
    "return {pcall(cjson.encode,1,2)}",
    "cjson:decode()",
    "cjson:decode('[]')",
    "('x'):gsub('x',cjson.decode)",
    "table.sort({1,2},cjson.encode)",
    "local t=setmetatable({},{__index=cjson.decode}) return t.x",
    "return cjson.decode(12)",
    "return cjson.decode({})",
    "return cjson.decode(nil)",
]
DEEP = [
    "return cjson.decode(string.rep('[',1001)..string.rep(']',1001))",
    "return #cjson.decode(string.rep('[',1000)..string.rep(']',1000))",
    "return {pcall(cjson.decode,string.rep('{\"a\":',100000))}",
    "local c=cjson.new() c.decode_max_depth(100000) return {pcall(c.decode,string.rep('[',100000))}",
    "local c=cjson.new() c.decode_max_depth(100000) return {pcall(c.decode,string.rep('{\"a\":',100000))}",
    "local c=cjson.new() c.decode_max_depth(100000) return {pcall(c.decode,string.rep('[{\"a\":',100000))}",
    "local t={} t[1]=t return {pcall(cjson.encode,t)}",
    "local c=cjson.new() c.encode_max_depth(100000) local t={} t.t=t return {pcall(c.encode,t)}",
    "local c=cjson.new() c.encode_max_depth(100000) local t={} t[1]=t return {pcall(c.encode,t)}",
    "local c=cjson.new() c.encode_max_depth(100000) local t={} t[1]={a=t} return {pcall(c.encode,t)}",
    "local c=cjson.new() c.encode_max_depth(2) return {c.encode({{1}}),pcall(c.encode,{{{}}})}",
    "local c=cjson.new() c.decode_max_depth(2) return {#c.decode('[[1]]'),pcall(c.decode,'[[[]]]')}",
    "return #cjson.encode(string.rep('x',1000000))",
    "return #cjson.decode('['..string.rep('1,',100000)..'1]')",
]


def group(name: str, scripts: list[str], *words: bytes) -> Case:
    """One case of many scripts without keys."""
    steps = [[b"EVAL", source.encode(), b"0", *words] for source in scripts]
    return case(f"cjson: {name}", *steps, script=False, multi=False)


def _decoding() -> list[Case]:
    """Each text, decoded and encoded again; and with the numbers that JSON has not turned off."""
    again = b"local v = cjson.decode(ARGV[1])\nreturn cjson.encode(v)"
    strict = (
        b"local c = cjson.new() c.decode_invalid_numbers(false) c.encode_invalid_numbers(true)\n"
        b"return {c.encode(1), c.encode(c.decode(ARGV[1]))}"
    )
    bare = b"return cjson.decode(ARGV[1])"
    caught = b"local ok, v = pcall(cjson.decode, ARGV[1]) return {tostring(ok), type(v), v}"
    texts = [*(text.encode() for text in TEXTS), *RAW]
    found = []
    for at in range(0, len(texts), 12):
        steps = [[b"EVAL", code, b"0", text] for text in texts[at : at + 12] for code in (again, strict, bare, caught)]
        found.append(case(f"cjson: texts from {at}", *steps, script=False, multi=False))
    return found


ENCODINGS = [
    "return cjson.encode({0})",
    "local x = cjson.encode({0})\nreturn x",
    "return {{pcall(cjson.encode, {0})}}",
    "local c=cjson.new() c.encode_invalid_numbers(true) c.encode_sparse_array(true) return c.encode({0})",
    "local c=cjson.new() c.encode_invalid_numbers('null') c.encode_sparse_array(true,1,0) "
    "c.encode_number_precision(3) return c.encode({0})",
]
CASES = [
    *_decoding(),
    *(group(f"value {value}", [code.format(value) for code in ENCODINGS]) for value in VALUES),
    *(
        group(
            name,
            [
                f"local c=cjson.new() local r={{c.{name}({given})}} for i=1,#r do r[i]=tostring(r[i]) end return r"
                for given in GIVEN
            ],
        )
        for name in SETTINGS
    ),
    *(group(f"error in {call}", [place.format(call) for place in PLACES]) for call in CALLS),
    group("names in errors", NAMED),
    group("deep and long", DEEP),
    case(
        "cjson: around it; settings stay, until the scripts are flushed",
        *([b"EVAL", source.encode(), b"0"] for source in AROUND),
        "SCRIPT FLUSH",
        [b"EVAL", b"return {cjson.encode_max_depth(), cjson.encode_number_precision(), cjson.encode(1.23456)}", b"0"],
        script=False,
        multi=False,
    ),
]
