"""What a script returns, on its way out of Lua. Source: redis.io, "Redis Lua API reference", data type conversion.

Strings, numbers, booleans and nil come as they are. A table comes as many values, made by the sandbox:

    true, count, items...      an array of such simple values
    false, count, tokens...    anything else: pairs of a kind and a value, in the order of the reply

At most `_AT_ONCE` come at once; `more(place)` returns those from a place on, behind a value that says nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from respd.errors import CommandError
from respd.protocol.replies import BigNumber, MapReply, SetReply, Status, Verbatim

# Kinds of tokens; the sandbox writes them. An array, map or set is followed by as many values as it says, or pairs.
_SIMPLE: Final = 1
_ARRAY: Final = 2
_STATUS: Final = 3
_ERROR: Final = 4
_DOUBLE: Final = 5
_BIG_NUMBER: Final = 6
_VERBATIM: Final = 7  # the text; the token after it has the format
_MAP: Final = 8
_SET: Final = 9
_COUNTED_ERROR: Final = 10
_NOTHING: Final = 11

_MIN_INT: Final = -(1 << 63)
_PUNCTUATION: Final = bytes.maketrans(b"\r\n", b"  ")


def reply_of(value: object, resp: int, more: Callable[[int], Any] | None) -> object:
    """The reply for what the sandbox returned. O(size)."""
    if isinstance(value, tuple):
        values = list(value[2:])
        count: int = value[1]
        while len(values) < count:
            assert more is not None
            values += more(len(values) + 1)[1:]
        if value[0]:
            return [simple_reply(item, resp) for item in values]
        return _Tokens(values, resp).next()
    return simple_reply(value, resp)


def simple_reply(value: object, resp: int) -> object:
    """The reply for a string, number, boolean or nil; null for other things."""
    if isinstance(value, bytes):
        return value
    if isinstance(value, bool):
        if resp == 3:
            return value
        return 1 if value else None
    if isinstance(value, int):
        return value
    if isinstance(value, float):
        return int(value) if -9.3e18 < value < 9223372036854775807.0 else _MIN_INT
    return None


class _Tokens:
    """Reads the values of a reply one after the other."""

    def __init__(self, tokens: list[Any], resp: int) -> None:
        self._tokens = tokens
        self._resp = resp
        self._at = 0

    def next(self) -> object:
        """The next value, with all that belongs to it."""
        kind: int = self._tokens[self._at]
        value: Any = self._tokens[self._at + 1]
        self._at += 2
        if kind == _SIMPLE:
            return simple_reply(value, self._resp)
        if kind == _ARRAY:
            return [self.next() for _ in range(value)]
        if kind == _STATUS:
            return Status(value.partition(b"\0")[0].translate(_PUNCTUATION))
        if kind in (_ERROR, _COUNTED_ERROR):
            return CommandError(value.partition(b"\0")[0], kind == _COUNTED_ERROR)
        if kind == _DOUBLE:
            return float(value)
        if kind == _BIG_NUMBER:
            return BigNumber(value.translate(_PUNCTUATION))
        if kind == _VERBATIM:
            format: bytes = self._tokens[self._at + 1]
            self._at += 2
            return Verbatim(format.partition(b"\0")[0][:3].ljust(3), value)
        if kind == _MAP:
            return MapReply([self.next() for _ in range(2 * value)])
        if kind == _NOTHING:
            return None
        assert kind == _SET
        return SetReply([self.next() for _ in range(value)])
