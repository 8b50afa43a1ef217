"""Cases of the scripts' bit: all functions over the edges of what they take."""

from __future__ import annotations

from tests.harness import Case, case

EDGES = (
    "0,1,-1,2,255,65535,2147483647,2147483648,-2147483648,4294967295,4294967296,0.5,1.5,2.5,-0.5,-1.5,1e10,-1e10,2^51,"
    "2^51-1,-2^51,2^52+1,2^53,2^63,1e300,-1e300,1/0,-1/0,0/0,'10','0x1F',' 7 ',305419896,31,32,33,-31,-0"
)
ONE = ["tobit", "bnot", "bswap", "tohex"]
TWO = ["band", "bor", "bxor", "lshift", "rshift", "arshift", "rol", "ror", "tohex"]
ALL = [*ONE[:3], *TWO]
ERRORS = [
    "bit.{0}()",
    "return bit.{0}('x')",
    "return bit.{0}(1,'x','y')",
    "return bit.{0}('z','x','y')",
    "return bit.{0}(1,nil)",
    "return bit.{0}(1,{{}})",
    "return bit.{0}(true,1)",
    "return bit.{0}(7,2,3,4)",
    "return {{pcall(bit.{0})}}",
    "local f=bit.{0} f()",
    "bit:{0}()",
    "bit:{0}(1,2)",
    "coroutine.wrap(function()\n bit.{0}() end)()",
    "local function f()\n return bit.{0}() end\nreturn f()",
    "('x'):gsub('x',bit.{0})",
]
RANDOM = (
    "local r={{}} local x={1} for i=1,200 do x=(x*1103515245+12345)%2147483648 local y=(x*7919)%4294967296 "
    "r[i]=bit.{0}({2}) end return r"
)


def group(name: str, scripts: list[str]) -> Case:
    """One case of many scripts without keys."""
    steps = [[b"EVAL", source.encode(), b"0"] for source in scripts]
    return case(f"bit: {name}", *steps, script=False, multi=False)


def _over_edges(call: str) -> str:
    return f"local e={{{EDGES}}} local r={{}} for i=1,#e do r[i]={call} end return r"


CASES = [
    *(group(name, [_over_edges(f"bit.{name}(e[i])")]) for name in ONE),
    *(
        group(
            f"{name} of two",
            [
                f"local e={{{EDGES}}} local r={{}} "
                f"for i=1,#e do for j=1,#e do r[#r+1]=bit.{name}(e[i],e[j]) end end return r"
            ],
        )
        for name in TWO
    ),
    *(group(f"errors of {name}", [one.format(name) for one in ERRORS]) for name in ALL),
    *(
        group(f"{name} at random", [RANDOM.format(name, 12345, "x,y%64"), RANDOM.format(name, 99, "x-1e9,y")])
        for name in ALL
    ),
    group("members", ["local r={} for k in pairs(bit) do r[#r+1]=k end table.sort(r) return r", "bit.x=1"]),
]
