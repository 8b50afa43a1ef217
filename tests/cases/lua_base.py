"""Cases of Lua's own functions in scripts: what they do with wrong arguments, by name, by pcall and as methods."""

from __future__ import annotations

from tests.harness import Case, case

FUNCTIONS = [
    "string.find",
    "string.match",
    "string.gmatch",
    "string.gsub",
    "string.rep",
    "string.sub",
    "string.format",
    "string.byte",
    "string.len",
    "table.concat",
    "table.insert",
    "table.sort",
    "math.floor",
    "math.max",
    "tonumber",
    "setmetatable",
    "getmetatable",
    "rawget",
    "rawset",
    "next",
    "pairs",
    "ipairs",
    "select",
    "unpack",
    "xpcall",
    "assert",
    "load",
    "coroutine.create",
    "coroutine.resume",
    "coroutine.wrap",
]
GIVEN = [
    "",
    "nil",
    "{}",
    "true",
    "1",
    "'x'",
    "'x',{}",
    "'x','%'",
    "'x','('",
    "'x','[a'",
    "'x','a',{}",
    "{},nil",
    "{},1,{}",
    "{},'x'",
    "nil,1",
    "'%d','x'",
    "'%y'",
    "-1",
    "'x',-1",
    "cjson.null",
]
METHODS = [
    "('x'):find()",
    "('x'):find({})",
    "('x'):find('[a')",
    "('x'):rep()",
    "('x'):rep({})",
    "('x'):gsub('x')",
    "('x'):gsub('x',cjson.new)",
    "('x'):gsub('(','')",
    "string:find()",
    "local f = string.find f({})",
    "local t = {f = string.gsub} t.f('x', '%')",
    "local function f()\n return string.find('x', '[a') end\n\nreturn f()",
    "return {pcall(function() local x = 1 return next(x) end) == false}",
    "table.sort({3, 2, 1}, function(a, b) return string.find(a, {}) end)",
    "coroutine.wrap(function()\n string.rep() end)()",
    "return {xpcall(function() return string.match('x') end, function(e) return e end) == false}",
]


def group(name: str, scripts: list[str]) -> Case:
    """One case of many scripts without keys."""
    steps = [[b"EVAL", source.encode(), b"0"] for source in scripts]
    return case(f"lua: {name}", *steps, script=False, multi=False)


def _calls(function: str) -> list[str]:
    show = "for i = 1, #r do r[i] = tostring(r[i]):gsub('0x%x+', '') end return r"
    scripts = []
    for given in GIVEN:
        scripts.append(f"local x = {function}({given})\nreturn type(x)")
        scripts.append(f"local r = {{pcall({', '.join(filter(None, (function, given)))})}} {show}")
    return scripts


CASES = [*(group(function, _calls(function)) for function in FUNCTIONS), group("methods and callbacks", METHODS)]
