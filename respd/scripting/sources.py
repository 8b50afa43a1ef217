"""The short cut for commands: what a script writes as `redis.call(...)` becomes the call of a local function.

`redis.call` itself is a function of C, as it is in Redis: were it one of Lua, `return redis.call(...)` would be a tail
call, and the line to name in an error lost. But a function of Lua in front of it gets by with fewer values on the way
to Python, where each costs a tenth of a command. So the calls that are written out and not what a `return` begins with
are sent to that function; whatever else a script does with `redis.call` (keep it, hand it on) has the real one.

Lines stay what they are. A script that means something else by `redis` anywhere, or takes `...`, is left alone.
"""

from __future__ import annotations

import re
from typing import Final

_TOKEN: Final = re.compile(
    rb"""
    --\[(?P<comment>=*)\[ .*? \](?P=comment)\] | --[^\n]* |
    (?P<token> \[(?P<string>=*)\[ .*? \](?P=string)\] | "(?:\\.|[^"\\])*" | '(?:\\.|[^'\\])*' |
               [A-Za-z_]\w* | [0-9][\w.]* | \.\.\. | \.\. | \S )
    """,
    re.DOTALL | re.VERBOSE,
)
_CALL: Final = b"redis.call"
_MAY_CHANGE: Final = re.compile(rb"insert|load|_G|table(?!\s*\.)")


def shorten(source: bytes) -> bytes | None:
    """Return a chunk that, given the short cut, returns the script's function; None when nothing is to be gained."""
    if source.count(_CALL) == 0:
        return None
    tokens = [(found["token"], found.start()) for found in _TOKEN.finditer(source) if found["token"] is not None]
    words = [word for word, _ in tokens]
    name = b"call_"
    while name in source:
        name += b"_"
    parts: list[bytes] = []
    end = 0
    for place in range(len(words)):
        if words[place] == b"...":
            return None
        if words[place] != b"redis":
            continue
        before = words[place - 1] if place else b""
        if before in (b".", b":"):
            continue
        after = words[place + 1 : place + 4]
        if after[:1] != [b"."] or before == b"function":
            return None
        start = tokens[place][1]
        if after[1:] == [b"call", b"("] and before != b"return" and source.startswith(_CALL, start):
            parts += (source[end:start], name)
            end = start + len(_CALL)
    if not parts:
        return None
    parts.append(source[end:])
    return b"local %b = ... return function() %b\nend" % (name, b"".join(parts))


def may_change_libraries(source: bytes) -> bool:
    """Tell whether a script may get at table.insert, the one function that could write into a library."""
    return _MAY_CHANGE.search(source) is not None
