"""The short cuts for commands: what a script writes as `redis.call(...)` becomes the call of a local function.

`redis.call` itself is a function of C, as it is in Redis: were it one of Lua, `return redis.call(...)` would be a tail
call, and the line to name in an error lost. But a function of Lua in front of it gets by with fewer values on the way
to Python, where each costs a tenth of a command. So the calls that are written out and not what a `return` begins with
are sent to such a function; whatever else a script does with `redis.call` (keep it, hand it on) has the real one.

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
_OPENING: Final = (b"(", b"[", b"{")
_CLOSING: Final = (b")", b"]", b"}")
_FAR: Final = 400  # tokens that are looked through for the end of a call
_MAY_CHANGE: Final = re.compile(rb"insert|load|_G|table(?!\s*\.)")


def shorten(source: bytes) -> bytes | None:
    """Return a chunk that, given the short cuts, returns the script's function; None when nothing is to be gained.

    There are two: for a command with one word, and for any other.
    """
    if source.count(_CALL) == 0:
        return None
    words: list[bytes] = []
    starts: list[int] = []
    for found in _TOKEN.finditer(source):
        if found["token"] is not None:
            words.append(found["token"])
            starts.append(found.start())
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
        start = starts[place]
        if after[1:] == [b"call", b"("] and before != b"return" and source.startswith(_CALL, start):
            if words[place + 4 : place + 5] == [b")"]:
                continue  # without a name it is an error of redis.call
            parts += (source[end:start], name, b"1" if _has_one_word(words, place + 4) else b"n")
            end = start + len(_CALL)
    if not parts:
        return None
    parts.append(source[end:])
    return b"local %b1, %bn = ... return function() %b\nend" % (name, name, b"".join(parts))


def _has_one_word(words: list[bytes], start: int) -> bool:
    """Tell whether exactly two values are in the parentheses whose insides start there: a command and one word."""
    depth = 0
    commas = 0
    for place in range(start, min(start + _FAR, len(words))):
        word = words[place]
        if word in _OPENING:
            depth += 1
        elif word in _CLOSING:
            if depth == 0:
                return commas == 1 and _is_one_value(words[place - 1], words[place - 2])
            depth -= 1
        elif word == b"," and depth == 0:
            commas += 1
    return False


def _is_one_value(last: bytes, before: bytes) -> bool:
    """Tell whether an expression that ends so is surely no call, which might return any number of values."""
    if last[:1] in (b"'", b'"'):
        return before in (b",", b"..")
    return last == b"]" or last[:1].isalnum() or last[:1] == b"_"


def may_change_libraries(source: bytes) -> bool:
    """Tell whether a script may get at table.insert, the one function that could write into a library."""
    return _MAY_CHANGE.search(source) is not None
