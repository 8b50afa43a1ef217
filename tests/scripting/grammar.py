"""Random Lua scripts that are valid Lua, whatever becomes of them when they run.

A script calls commands of all groups (those of tests/test_random_commands.py) with keys that it does not declare, has
variables, branches, loops, functions and pcall inside pcall, uses the libraries, and returns something. What it does
is up to its text alone: nothing is asked of the clock or of chance, and tables are shown with their keys sorted.
"""

from __future__ import annotations

import re
from random import Random
from typing import Final

from tests.test_random_commands import CHOICES, PARSED

# Shows any value. The second line of a script: what comes after has lines of its own, which errors name.
_SHOW: Final = (
    "local function show(v, d) d = d or 0 if d > 4 then return '...' end local t = type(v) if t == 'table' then "
    "local r = {} for k, x in pairs(v) do r[#r + 1] = show(k, d + 1) .. '=' .. show(x, d + 1) end table.sort(r) "
    "return '{' .. table.concat(r, ',') .. '}' elseif t == 'number' then return string.format('%.17g', v) "
    "elseif t == 'function' or t == 'userdata' then return t else return t .. ':' .. tostring(v) end end"
)
_TEMPLATES: Final = [
    words for words in PARSED if not words[0].startswith((b"~", b"B", b"SORT")) and b"ANY" not in words
]
# What stands for `<symbol>`: one of these lines, in which holes stand for more. `|` separates what ends a branch, used
# where things are nested deeply, from the rest. `<name>` is a variable, `<command>` calls a command.
_GRAMMAR: Final = {
    "number": """
0
1
2
-1
3.5
-0.25
10
1e3
1e15
123456789012
0.1
1/3
-7
255
2^53
1e300*1e10
-(1e300*1e10)
1e-7
|
(<number> <operator> <operand>)
(<number> <operator> <operand>)
#<text>
math.floor(<operand>)
math.ceil(<operand>)
math.abs(<operand>)
math.sqrt(<operand>)
math.max(<number>, <operand>)
math.min(<number>, <operand>)
math.fmod(<number>, <operand>)
tonumber(<operand>)
tonumber(<text>, <small>)
bit.<bits>(<number>, <operand>)
bit.tobit(<operand>)
bit.bnot(<operand>)
bit.bswap(<operand>)
""",
    "operator": "+\n-\n*\n/\n%\n^",
    "comparison": "==\n~=\n<\n>\n<=\n>=",
    "bits": "band\nbor\nbxor\nlshift\nrshift\narshift\nrol\nror",
    "small": "-4\n-2\n-1\n0\n1\n2\n3\n16",
    "operand": "<name>\n<text>\n<number>\n<number>\n<number>\n<number>\n|",
    "text": """
''
'a'
'b'
'abc'
'10'
'3.0'
'-1'
' 7 '
'0x10'
'nan'
'hello world'
'\\0\\255\\r\\n'
'k1'
'%d'
'[1,2]'
'{"a":[1,null]}'
'[1.5,"x",[],{},true,1e20]'
'\\129\\161a\\1'
'OK'
'ERR x'
'-WRONG y'
""",
    "string": """
<text>
|
(<string> .. <operand>)
tostring(<number>)
string.format(<format>, <operand>)
string.upper(<operand>)
string.lower(<operand>)
string.reverse(<operand>)
string.byte(<operand>)
string.rep(<string>, <small>)
string.sub(<string>, <small>, <small>)
(<string>):gsub(<text>, <text>)
string.find(<string>, <text>)
string.char(<number>)
table.concat(<array>, <text>)
redis.sha1hex(<operand>)
cjson.encode(<plain>)
cmsgpack.pack(<plain>)
struct.pack(<packing>, <operand>)
bit.tohex(<operand>)
type(<any>)
""",
    "format": "'%d'\n'%s'\n'%5.2f'\n'%x'\n'%q'\n'%g'\n'%c'\n'%10s'\n'%.3s'\n'%i'\n'%e'\n'%%'\n'%s-%s'",
    "packing": "'>i4'\n'<I2'\n'b'\n'B'\n'>h'\n's'\n'd'\n'f'\n'>l'\n'i8'\n'c0'\n'>I3'\n'x'\n'z'",
    "plain": "<number>\n<text>\n|\n<array>\n<array>\n{<field> = <operand>}\n<operand>\n<any>",
    "field": "a\nb\nok\nerr",
    "array": """
{}
{1, 2}
{'a', false, 'b'}
{1, nil, 3}
{3.7, {'z'}}
|
{<any>}
{<any>, <any>}
{<any>, <any>, <any>}
{<any>, <any>, <any>, <any>}
""",
    "any": """
<name>
<number>
<text>
nil
true
false
cjson.null
{}
|
<name>
<number>
<string>
<array>
<command>
<command>
<library>
<library>
<reply>
""",
    "condition": """
<name>
not <name>
type(<name>) == <type>
|
<operand> <comparison> <operand>
<operand> <comparison> <operand>
""",
    "type": "'table'\n'string'\n'number'\n'boolean'",
    "library": """
cjson.decode(<text>)
|
cjson.decode(cjson.encode(<plain>))
cmsgpack.unpack(cmsgpack.pack(<plain>))
{cmsgpack.unpack(<text>)}
{struct.unpack(<packing>, <string>)}
{unpack(<array>)}
{string.byte(<string>, 1, -1)}
{string.find(<string>, <text>, <small>, true)}
select(<small>, <any>, <any>)
{pcall(<function>, <any>)}
#<array>
<name>.<part>
<name>[<small>]
redis.acl_check_cmd(<checked>)
""",
    "level": "0\n1\n2",
    "checked": "'get', 'k1'\n'set', 'k1', <text>\n'nosuch'\n'ping'",
    "function": "error\ntonumber\nredis.call\nredis.pcall\ncjson.decode\nstring.upper\nredis.error_reply",
    "part": "err\nok\nmap\ndouble\na\nset",
    "reply": """
redis.error_reply(<text>)
|
redis.error_reply(<string>)
redis.status_reply(<string>)
{err = <string>}
{ok = <operand>}
{double = <operand>}
{map = {[<operand>] = <any>}}
{set = {[<operand>] = true}}
{big_number = <text>}
{verbatim_string = {format = <text>, string = <text>}}
""",
    "raising": """
error(<any>)
error(<string>, <level>)
error({err = <string>})
error(redis.error_reply(<string>))
assert(<any>, <string>)
undefined_name()
redis.nothing(<any>)
redis.sha1hex(<any>, <any>)
redis.log(<any>)
redis.setresp(<any>)
redis.set_repl(<any>)
""",
    "ending": """
show(<name>)
<name>
{<name>, {<name>, <any>}, <any>}
<any>
<command>
<reply>
<reply>
""",
}
_HOLE: Final = re.compile(r"<(\w+)>")


def _choices(lines: str) -> tuple[list[str], list[str]]:
    """What ends a branch, and all; the former are all where nothing is separated."""
    found = lines.strip().split("\n")
    if "|" not in found:
        return found, found
    at = found.index("|")
    return found[:at], found[:at] + found[at + 1 :]


_CHOICES_OF: Final = {symbol: _choices(lines) for symbol, lines in _GRAMMAR.items()}


class ScriptMaker:
    """Makes one script after the other. `depth` bounds how far things nest."""

    def __init__(self, seed: int) -> None:
        self._random = Random(seed)
        self._lines: list[str] = []
        self._names: list[str] = []
        self._count = 0
        self._depth = 0

    def script(self) -> str:
        """Return the text of a new script."""
        random = self._random
        self._names, self._count, self._depth = [], 0, 0
        self._lines = [_SHOW, f"local x, y = {self._expand('any', 2)}, {self._expand('any', 2)}"]
        self._names = ["x", "y"]
        if random.random() < 0.35:
            self._lines.insert(0, random.choice(["redis.setresp(3)", "redis.setresp(3)", "redis.setresp(2)"]))
        if random.random() < 0.1:
            flags = random.choice(["", "", " flags=no-writes", " flags=allow-oom,allow-stale", " flags=no-cluster"])
            self._lines.insert(0, f"#!lua{flags}")
        for _ in range(random.randint(1, 7)):
            self._statement()
        self._lines.append(self._ending())
        return "\n".join(self._lines)

    # -- statements

    def _new_name(self) -> str:
        self._count += 1
        return f"v{self._count}"

    def _statement(self) -> None:
        kinds = [self._assign, self._assign, self._declare, self._declare, self._call, self._call, self._call]
        if self._depth < 3:
            kinds += [self._branch, self._loop, self._protected, self._protected, self._function]
        if self._random.random() < 0.03:
            kinds = [self._raise]
        self._random.choice(kinds)()

    def _block(self, head: str, tail: str, longest: int = 3) -> None:
        names = list(self._names)
        self._depth += 1
        self._lines.append(head)
        for _ in range(self._random.randint(1, longest)):
            self._statement()
        self._lines.append(tail)
        self._depth -= 1
        self._names = names

    def _declare(self) -> None:
        value, name = self._expand("any", 3), self._new_name()
        self._lines.append(f"local {name} = {value}")
        self._names.append(name)

    def _assign(self) -> None:
        self._lines.append(f"{self._random.choice(self._names)} = {self._expand('any', 3)}")

    def _call(self) -> None:
        self._lines.append(f"{self._random.choice(self._names)} = {self._command()}")

    def _branch(self) -> None:
        self._block(f"if {self._expand('condition', 2)} then", "end", 2)
        if self._random.random() < 0.3:
            self._lines[-1] = "else"
            self._block("", "end", 2)

    def _loop(self) -> None:
        name = self._new_name()
        head = f"for {name} = 1, {self._random.randint(1, 3)} do"
        if self._random.random() < 0.3:
            head = f"for _, {name} in ipairs({self._expand('array', 2)}) do"
        self._names.append(name)
        self._block(head, "end")
        self._names.remove(name)

    def _function(self) -> None:
        name, parameter = self._new_name(), self._new_name()
        outer = list(self._names)
        self._names.append(parameter)
        self._block(f"local function {name}({parameter})", "end")
        self._lines[-1] = f"return {self._expand('any', 2)} end" if self._random.random() < 0.8 else "end"
        self._names = outer
        self._lines.append(f"{self._random.choice(outer)} = {name}({self._expand('any', 2)})")

    def _protected(self) -> None:
        done, result = self._new_name(), self._new_name()
        outer = list(self._names)
        self._block(f"local {done}, {result} = pcall(function()", "end)")
        if self._random.random() < 0.5:
            self._lines[-1] = f"return {self._expand('any', 2)} end)"
        self._names = [*outer, done, result]
        if self._random.random() < 0.3:
            self._lines.append(f"if type({result}) == 'table' then {result} = {result}.err end")

    def _raise(self) -> None:
        self._lines.append(self._expand("raising", 2))

    def _ending(self) -> str:
        names = ", ".join(self._names)
        all_of_it = self._random.choice([f"show({{{names}}})", f"{{{names}}}", ""])
        return "return " + (all_of_it or self._expand("ending", 3))

    # -- values

    def _expand(self, symbol: str, depth: int) -> str:
        """Text for a symbol, with holes filled in to a depth."""
        if symbol == "name":
            return self._random.choice(self._names) if self._names else "nil"
        if symbol == "command":
            return self._command()
        line = self._random.choice(_CHOICES_OF[symbol][depth > 0])
        return _HOLE.sub(lambda hole: self._expand(hole[1], depth - 1), line)

    def _command(self) -> str:
        random = self._random
        how = random.choice(["call", "pcall", "pcall", "pcall"])
        words = list(random.choice(_TEMPLATES))
        given = [_quoted(words[0].lower() if random.random() < 0.2 else words[0])]
        for word in words[1:]:
            choices = CHOICES.get(word)
            given.append(self._word(random.choice(choices) if choices else word))
        wrong = random.random()
        if wrong < 0.02:
            given.pop()
        elif wrong < 0.04:
            given.append(self._expand("any", 0))
        elif wrong < 0.05:
            given[0] = "'nosuchcommand'"
        return f"redis.{how}({', '.join(given)})"

    def _word(self, word: bytes) -> str:
        """A word of a command: its text, the number it is, or what a variable holds."""
        chance = self._random.random()
        if chance < 0.04:
            return self._expand("name", 0)
        if chance < 0.3 and re.fullmatch(rb"-?\d{1,15}(\.\d+)?", word):
            return word.decode()
        return _quoted(word)


def _quoted(word: bytes) -> str:
    return "'" + "".join(chr(c) if 32 <= c < 127 and c not in b"'\\" else f"\\{c:03d}" for c in word) + "'"
