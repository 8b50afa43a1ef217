r"""Cases of the scripts' cmsgpack: what is packed, byte by byte, and what of good and bad bytes is unpacked."""

from __future__ import annotations

from tests.harness import Case, case

SHOW = b"""
local function show(v)
    if type(v) == 'table' then
        local r = {}
        for k, x in pairs(v) do r[#r + 1] = show(k) .. '=' .. show(x) end
        table.sort(r)
        return '{' .. table.concat(r, ',') .. '}'
    end
    if type(v) == 'number' then return string.format('%.17g', v) end
    return type(v) .. ':' .. tostring(v)
end
local function all(...)
    local r = {}
    for i = 1, select('#', ...) do r[i] = show((select(i, ...))) end
    return r
end
"""
_NUMBERS = (
    "0 1 -1 31 32 127 128 255 256 65535 65536 2^31-1 2^31 2^32-1 2^32 2^53 2^63 2^64 -32 -33 -128 -129 "
    "-32768 -32769 -2^31 -2^31-1 -2^53 -2^63 -2^64 0.5 -0.5 0.1 1.5 1e300 1/0 -1/0 0/0 -0 "
    "3.4028234663852886e38 3.5e38 1e-45 1.4012984643248171e-45 1e-310 5e-324 16777217.5 1e15+0.5"
)
NUMBERS = _NUMBERS.split()
VALUES = [
    "nil",
    "true",
    "false",
    "''",
    "'a'",
    "('x'):rep(31)",
    "('x'):rep(32)",
    "('x'):rep(255)",
    "('x'):rep(256)",
    "('x'):rep(65535)",
    "('x'):rep(65536)",
    "{}",
    "{1}",
    "{1,2,3}",
    "{1,nil,3}",
    "{a=1}",
    "{['1']=1}",
    "{[1]=1,['2']=2}",
    "{[0]=1}",
    "{[2]=1}",
    "{[1.5]=1}",
    "{[1]=1,[2]=2,[3]=3}",
    "{1,2,a=3}",
    "{{{}}}",
    "{a={b={c={1}}}}",
    "redis.call",
    "{redis.call}",
    "{a=redis.call}",
    "cjson.null",
    "coroutine.create(function() end)",
    "setmetatable({},{__index={1}})",
    "{[true]=1}",
    "1,2,3",
    "nil,nil",
    "'a',{b=1},2.5",
]
_BYTES = (
    "00 7f 80 8100 810102 90 9101 920102 a0 a161 a261 c0 c1 c2 c3 c4 c40161 c5000161 c6 c7 c8 c9 ca "
    "ca3fc00000 ca3fc000 ca7f800000 caff800000 ca00000001 ca7fc00000 caffc00000 cb3ff8000000000000 "
    "cb7ff0000000000000 cb0000000000000001 cbfff8000000000000 cb3ff80000000000 cc cc00 ccff cd cd00 "
    "cdffff cdff ce ceffffffff ceffffff cf cfffffffffffffffff cf7fffffffffffffff cf8000000000000000 "
    "cf0020000000000001 d0 d0ff d080 d07f d1 d1ffff d18000 d2 d2ffffffff d280000000 d3 "
    "d3ffffffffffffffff d38000000000000000 d37fffffffffffffff d4 d5 d6 d7 d8 d9 d900 d90161 d90261 da "
    "da0000 da000161 db db00000000 db0000000161 dbffffffff61 dc dc0000 dc000101 dc0002c0c2 dcffff dd "
    "dd00000000 dd0000000101 ddffffffff ddffffffff01 de de0000 de00010102 deffff df df00000000 "
    "df000000010102 dfffffffff e0 ff f0 0102 0102c1 01c1 9201 8101 81c001 81c0 81cbfff800000000000001 "
    "81ca7fc0000001 8201010102 81a161a162 c0c0c0 92c0c0 81900181 8190c1 a5616263"
)
BYTES = _BYTES.split()
PARTS = [
    "unpack_one('\\1\\2\\3')",
    "unpack_one('\\1\\2\\3',1)",
    "unpack_one('\\1\\2\\3',3)",
    "unpack_one('\\1\\2\\3',4)",
    "unpack_one('\\1\\2\\3',-1)",
    "unpack_one('\\1\\2\\3',1.9)",
    "unpack_one('\\1\\2\\3','1')",
    "unpack_one('\\1\\2\\3','x')",
    "unpack_one('\\1\\2\\3',nil)",
    "unpack_one('\\1\\2\\3',2^31)",
    "unpack_one('\\1\\2\\3',2^32)",
    "unpack_one('\\1\\2\\3',1e300)",
    "unpack_one('')",
    "unpack_one({},{})",
    "unpack_one('\\193')",
    "unpack_limit('\\1\\2\\3')",
    "unpack_limit('\\1\\2\\3',2)",
    "unpack_limit('\\1\\2\\3',2,1)",
    "unpack_limit('\\1\\2\\3',5,1)",
    "unpack_limit('\\1\\2\\3',0)",
    "unpack_limit('\\1\\2\\3',0,1)",
    "unpack_limit('\\1\\2\\3',-1)",
    "unpack_limit('\\1\\2\\3',1,-1)",
    "unpack_limit('\\1\\2\\3',1,9)",
    "unpack_limit('\\1\\2\\3',2^32)",
    "unpack_limit('\\1\\2\\193',2)",
    "unpack_limit({},1)",
    "unpack()",
    "unpack('')",
    "unpack(nil)",
    "unpack({})",
    "unpack(12)",
    "unpack('\\1',2,3)",
]
MORE = [
    "return cmsgpack.pack()",
    "local p=cmsgpack.pack p()",
    "return {pcall(cmsgpack.pack)}",
    "return {pcall(cmsgpack.unpack)}",
    "cmsgpack:unpack()",
    "local function f()\n return cmsgpack.unpack('\\193') end\nreturn f()",
    "return {pcall(function()\n return cmsgpack.unpack('\\193') end)}",
    "('x'):gsub('x',cmsgpack.unpack_limit)",
    "local r={} for k,v in pairs(cmsgpack) do r[#r+1]=k..(type(v)=='string' and v or type(v)) end table.sort(r) "
    "return r",
    "cmsgpack.x=1",
    "local t={} t.t=t return cmsgpack.pack(t)",
    "local t={} t[1]=t return cmsgpack.pack(t)",
    "local t={} for i=1,20 do t={t,i} end return cmsgpack.pack(t)",
    "local t={} for i=1,20 do t={[t]=1} end return cmsgpack.pack(t)",
    "return cmsgpack.pack(cmsgpack.unpack(cmsgpack.pack({1,{a='b'},2.5,false})))",
    "local t={} for i=1,20 do t[i]=i end return cmsgpack.pack(t)",
    "local t={} for i=1,20 do t['k'..i]=i end return #cmsgpack.pack(t)",
    "local t={} for i=1,70000 do t[i]=i%100 end local s=cmsgpack.pack(t) return {#s,s:sub(1,8),#cmsgpack.unpack(s)}",
    "return {pcall(cmsgpack.unpack,string.rep('\\145',100000))}",
    "return {pcall(cmsgpack.unpack,string.rep('\\129\\1',100000))}",
    "return {pcall(cmsgpack.unpack,string.rep('\\129',100000))}",
    "return {pcall(cmsgpack.unpack,string.rep('\\145\\129\\1',100000))}",
    "return {pcall(cmsgpack.unpack,'\\221\\255\\255\\255\\255'..string.rep('\\192',100000))}",
    *(
        f"local function f(...) return select('#',...) end return f(cmsgpack.{call})"
        for count in (7997, 7998, 7999, 8000)
        for call in (f"unpack(string.rep('\\1',{count}))", f"unpack_limit(string.rep('\\1',{count}),9000,0)")
    ),
    *(f"local ok,e=pcall(cmsgpack.unpack,string.rep('\\145',{n})..'\\1') return ok and 1 or e" for n in (3999, 4000)),
]


def group(name: str, scripts: list[str]) -> Case:
    """One case of many scripts without keys."""
    steps = [[b"EVAL", source.encode(), b"0"] for source in scripts]
    return case(f"cmsgpack: {name}", *steps, script=False, multi=False)


def _unpacking() -> list[Case]:
    code = SHOW + b"return all(cmsgpack.unpack(ARGV[1]))"
    found = []
    for at in range(0, len(BYTES), 25):
        steps = [[b"EVAL", code, b"0", bytes.fromhex(one)] for one in BYTES[at : at + 25]]
        found.append(case(f"cmsgpack: bytes from {BYTES[at]}", *steps, script=False, multi=False))
    return found


CASES = [
    group("numbers", [f"return cmsgpack.pack({one})" for one in NUMBERS]),
    group("numbers there and back", [f"return tostring(cmsgpack.unpack(cmsgpack.pack({one})))" for one in NUMBERS]),
    group("values", [f"return cmsgpack.pack({one})" for one in VALUES]),
    group("values in a table", [f"return cmsgpack.pack({{{one}}})" for one in VALUES]),
    *_unpacking(),
    group("parts", [f"{SHOW.decode()}return all(cmsgpack.{one})" for one in PARTS]),
    group("more", MORE),
]
