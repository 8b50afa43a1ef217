"""Values on their way into Lua and out. Source: redis.io, "Redis Lua API reference", data type conversion.

Tables that come out are read without their metamethods, so no code of the script runs outside its protected call.
"""

from __future__ import annotations

from typing import Any, Final

from respd.datatypes.streams import Entries
from respd.datatypes.strings import format_double
from respd.errors import CommandError
from respd.protocol.replies import (
    NULL_ARRAY,
    Attributes,
    BigNumber,
    KeyedReply,
    MapReply,
    Pairs,
    PrintedDouble,
    Push,
    SetReply,
    Status,
    Verbatim,
)

_MAX_DEPTH: Final = 200
_TOO_DEEP: Final = b"ERR reached lua stack limit"
_MIN_INT: Final = -(1 << 63)
_PUNCTUATION: Final = bytes.maketrans(b"\r\n", b"  ")


def number_word(number: float) -> bytes:
    """A number as a word of a command."""
    if isinstance(number, int):
        return b"%d" % number
    if number != number:
        return b"-nan"
    if number == 0.0:
        return b"0"
    return format_double(number)


class Converter:
    """Converts for one Lua state. `resp` is the protocol version that the running script has chosen."""

    def __init__(self, lua: Any) -> None:
        self.lua = lua
        self.table_type = type(lua.table())
        self.resp = 2

    # -- into Lua

    def to_lua(self, reply: Any) -> Any:
        """The Lua value of a command's reply. O(size)."""
        if isinstance(reply, bytes):
            return reply
        if isinstance(reply, bool):
            return reply if self.resp == 3 else int(reply)
        if isinstance(reply, int):
            return reply
        if reply is None or reply is NULL_ARRAY:
            return None if self.resp == 3 else False
        if isinstance(reply, list):
            return self._array(reply)
        if isinstance(reply, Status):
            return self.lua.table_from({b"ok": reply.text})
        if isinstance(reply, float):
            return self.lua.table_from({b"double": reply}) if self.resp == 3 else format_double(reply)
        if isinstance(reply, MapReply):
            return self._map(reply.flat)
        if isinstance(reply, dict):
            return self._map([part for item in reply.items() for part in item])
        if isinstance(reply, SetReply):
            return self._set(reply.items)
        return self._rare_to_lua(reply)

    def _rare_to_lua(self, reply: Any) -> Any:
        if isinstance(reply, bytearray):
            return bytes(reply)
        if isinstance(reply, CommandError):
            return self.lua.table_from({b"err": reply.text})
        if isinstance(reply, Pairs):
            flat = reply.flat
            if self.resp == 3:
                return self._array([flat[at : at + 2] for at in range(0, len(flat), 2)])
            return self._array(flat)
        if isinstance(reply, Verbatim):
            if self.resp == 2:
                return reply.text
            parts = self.lua.table_from({b"string": reply.text, b"format": reply.format})
            return self.lua.table_from({b"verbatim_string": parts})
        if isinstance(reply, BigNumber):
            return self.lua.table_from({b"big_number": reply.digits}) if self.resp == 3 else reply.digits
        if isinstance(reply, PrintedDouble):
            return self.lua.table_from({b"double": float(reply.digits)}) if self.resp == 3 else reply.digits
        if isinstance(reply, Push):
            return self._array(reply.items)
        if isinstance(reply, Attributes):
            return self.to_lua(reply.reply)
        if isinstance(reply, KeyedReply):
            return self._map(reply.flat) if self.resp == 3 else self._array(reply.pairs())
        if isinstance(reply, Entries):
            return self._array(reply.listed())
        return False

    def _array(self, items: list[Any]) -> Any:
        for item in items:
            if not isinstance(item, bytes):
                return self.lua.table_from([self.to_lua(item) for item in items])
        return self.lua.table_from(items)

    def _map(self, flat: list[Any]) -> Any:
        if self.resp == 2:
            return self._array(flat)
        table = self.lua.table()
        for at in range(0, len(flat), 2):
            table[self.to_lua(flat[at])] = self.to_lua(flat[at + 1])
        return self.lua.table_from({b"map": table})

    def _set(self, items: list[Any]) -> Any:
        if self.resp == 2:
            return self._array(items)
        table = self.lua.table()
        for item in items:
            table[self.to_lua(item)] = True
        return self.lua.table_from({b"set": table})

    # -- out of Lua

    def to_reply(self, value: Any, depth: int = 0) -> object:
        """The reply that a Lua value stands for. O(size)."""
        if isinstance(value, bytes):
            return value
        if value is None:
            return None
        if isinstance(value, bool):
            if self.resp == 3:
                return value
            return 1 if value else None
        if isinstance(value, int):
            return value
        if isinstance(value, float):
            return int(value) if -9.3e18 < value < 9223372036854775807.0 else _MIN_INT
        if type(value) is not self.table_type:
            return None  # a function, a thread, or userdata
        if depth > _MAX_DEPTH:
            return CommandError(_TOO_DEEP)
        return self._table_to_reply(value, depth)

    def _is_table(self, value: Any) -> bool:
        return type(value) is self.table_type

    def _table_to_reply(self, table: Any, depth: int) -> object:
        named: dict[bytes, Any] = {}
        numbered: dict[int, Any] = {}
        for key, value in table.items():
            if isinstance(key, bytes):
                named[key] = value
            elif isinstance(key, int) and not isinstance(key, bool):
                numbered[key] = value
        if named:
            special = self._named_to_reply(named, depth)
            if special is not self:
                return special
        items: list[object] = []
        place = 1
        while place in numbered:
            items.append(self.to_reply(numbered[place], depth + 1))
            place += 1
        return items

    def _named_to_reply(self, named: dict[bytes, Any], depth: int) -> object:
        """The reply of a table with a field that says what it is; `self` without one."""
        error = named.get(b"err")
        if isinstance(error, bytes):
            return CommandError(error.partition(b"\0")[0], bool(named.get(b"ignore_error_stats_update")))
        status = named.get(b"ok")
        if isinstance(status, bytes):
            return Status(status.partition(b"\0")[0].translate(_PUNCTUATION))
        double = named.get(b"double")
        if isinstance(double, (int, float)) and not isinstance(double, bool):
            return float(double)
        digits = named.get(b"big_number")
        if isinstance(digits, bytes):
            return BigNumber(digits.translate(_PUNCTUATION))
        verbatim: Any = named.get(b"verbatim_string")
        if self._is_table(verbatim):
            parts = {key: value for key, value in verbatim.items() if isinstance(key, bytes)}
            text, kind = parts.get(b"string"), parts.get(b"format")
            if isinstance(text, bytes) and isinstance(kind, bytes):
                return Verbatim(kind.partition(b"\0")[0][:3].ljust(3), text)
        mapping: Any = named.get(b"map")
        if self._is_table(mapping):
            flat: list[object] = []
            for key, value in mapping.items():
                flat.append(self.to_reply(key, depth + 1))
                flat.append(self.to_reply(value, depth + 1))
            return MapReply(flat)
        members: Any = named.get(b"set")
        if self._is_table(members):
            return SetReply([self.to_reply(key, depth + 1) for key, _ in members.items()])
        return self
