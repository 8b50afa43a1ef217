"""Cases of the scripts' struct: every option, byte orders, alignment, and errors."""

from __future__ import annotations

from tests.cases.lua_cmsgpack import SHOW
from tests.harness import Case, case

_SIZES = (
    "b B h H i I l L T f d x s c c0 c1 c5 i1 i3 i8 i9 i16 i32 i33 I33 i0 i2147483647 i2147483648 "
    "c2147483647 c2147483648 c99999999999 i99999999999999999999 !bi bi !2bi !bd !8bl !4bl !16bi16 !bi3 "
    "!i5 !bc3i !bxi !1bi !0 !3 ! !64bi32 !32bi32 >!4 <bi> == = z q 5 b5 ?"
)
SIZES = _SIZES.split()
_NUMBERS = (
    "0 1 -1 127 128 255 256 -128 -129 65535 65541 2^31 2^32 2^40+3 2^53 2^63 -2^63 2^64 2^64-2048 "
    "1e300 -1e300 1.9 -1.9 1/0 -1/0 0/0 '12' '0x10' 0.1 -0 3.5e38 1e-45 7e-46 1e-310 5e-324 16777217 "
    "16777219 33554433 65519.99"
)
NUMBERS = _NUMBERS.split()
_INTEGERS = "b B h H i I l L T i3 I3 i7 i8 i9 i10 i12 i15 i16 I16 i32 f d"
INTEGERS = _INTEGERS.split()
PACKS = [
    "",
    "'b'",
    "'b','x'",
    "'b',nil",
    "'b',{}",
    "'bb',1",
    "'b',1,2",
    "'s'",
    "'s','a'",
    "'s','a\\0b'",
    "'s',12",
    "'s',{}",
    "'c'",
    "'c3','abcd'",
    "'c3','ab'",
    "'c0','abc'",
    "'c0',''",
    "'bc0',3,'abc'",
    "'x'",
    "'xxb',1",
    "'!bi',1,2",
    "'!bhilfd',1,2,3,4,5,6",
    "'>bhil',1,2,3,4",
    "'<i>i',1,2",
    "'>i!4bi',1,2,3",
    "'b b',1,2",
    "'b\\0b',1",
    "'z',1",
    "'b5',1",
    "1,2",
    "{}",
    "nil",
    "'i33',1",
    "'!3b',1",
    "'i99999999999',1",
    "'\\233',1",
    "'!16bi16',1,2",
    "'!8sd','ab',1",
]
UNPACKS = [
    "",
    "'b'",
    "'b',''",
    "'b','a'",
    "'b','a',1",
    "'b','a',2",
    "'b','a',0",
    "'b','a',-1",
    "'b','a',1.9",
    "'b','a','1'",
    "'b','a','x'",
    "'b','a',2^31",
    "'b','a',2^32+1",
    "'b','a',2^53",
    "'b','a',-2^63",
    "'','a'",
    "'','a',5",
    "'','a',-1",
    "' ','a',5",
    "'s','abc'",
    "'s','abc\\0d'",
    "'ss','abc\\0d\\0'",
    "'c0','abc'",
    "'bc0','\\3abcd'",
    "'bc0','\\5abcd'",
    "'bc0','\\255abc'",
    "'bc0','\\0abc'",
    "'sc0','2\\0abc'",
    "'sc0','x\\0abc'",
    "'dc0','\\0\\0\\0\\0\\0\\0\\0@abc'",
    "'>dc0','\\191\\224\\0\\0\\0\\0\\0\\0abc'",
    "'>dc0','\\192\\0\\0\\0\\0\\0\\0\\0abc'",
    "'>dc0','\\127\\240\\0\\0\\0\\0\\0\\0abc'",
    "'>dc0','\\127\\248\\0\\0\\0\\0\\0\\0abc'",
    "'c3','abcd'",
    "'c5','abcd'",
    "'c2147483647','a'",
    "'c2147483648','a'",
    "'x','a'",
    "'xb','ab'",
    "'bbb','abc',2",
    "'!bi','abcdefgh'",
    "'!bi','abcdefgh',2",
    "'!4bl','abcdefghijklmnop'",
    "'b>h<h','abcde'",
    "'z','a'",
    "'i33','a'",
    "'f','\\0\\0\\128?'",
    "'f','\\1\\0\\0\\0'",
    "'>f','\\255\\128\\0\\0'",
    "'>d','\\0\\0\\0\\0\\0\\0\\0\\1'",
    "'b',12",
    "{},{}",
    "'b',nil",
    "'b',{}",
]
READ = [
    f"'{order}{option}','{bytes_}'"
    for option in INTEGERS
    for order in "<>"
    for bytes_ in ("\\255" * 32, "\\128" + "\\0" * 30 + "\\128", "\\1\\2\\3\\4\\5\\6\\7\\8" * 4, "\\127" + "\\255" * 31)
]
MORE = [
    "local r={} for k,v in pairs(struct) do r[#r+1]=k..type(v) end table.sort(r) return r",
    "struct.x=1",
    "local p=struct.pack p()",
    "return {pcall(struct.pack)}",
    "struct:pack('b',1)",
    "struct:size()",
    "local function f()\n return struct.unpack('i','') end\nreturn f()",
    "return struct.size(string.rep('c2147483647',100))",
    "return #struct.pack('c0',string.rep('x',1000000))",
    "return #struct.pack(string.rep('x',100000))",
    *(
        "local function f(...) return select('#',...) end "
        f"return f(struct.unpack(string.rep('b',{n}),string.rep('a',{n})))"
        for n in (7995, 7996, 7997, 7998)
    ),
]


def group(name: str, scripts: list[str]) -> Case:
    """One case of many scripts without keys."""
    steps = [[b"EVAL", source.encode(), b"0"] for source in scripts]
    return case(f"struct: {name}", *steps, script=False, multi=False)


CASES = [
    group("sizes", [f"return struct.size('{one}')" for one in SIZES]),
    group("size of nothing", ["return struct.size()", "return struct.size({})", "return struct.size('')"]),
    *(
        group(f"pack {option}", [f"return struct.pack('{o}{option}',{n})" for n in NUMBERS for o in "<>"])
        for option in INTEGERS
    ),
    group("pack", [f"return struct.pack({one})" for one in PACKS]),
    group("unpack", [f"{SHOW.decode()}return all(struct.unpack({one}))" for one in UNPACKS]),
    group("unpack integers", [f"{SHOW.decode()}return all(struct.unpack({one}))" for one in READ]),
    group("more", MORE),
]
