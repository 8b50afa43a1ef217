"""Replies on their way into Lua. Source: redis.io, "Redis Lua API reference", data type conversion."""

from __future__ import annotations

from typing import Any

from respd.datatypes.stream_entries import Entries
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


class Converter:
    """Converts for one Lua state. `resp` is the protocol version that the running script has chosen."""

    def __init__(self, lua: Any) -> None:
        self.lua = lua
        self.resp: int = 2

    def close(self) -> None:
        """Let go of the state."""
        self.lua = None

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


def size_in_lua(reply: Any) -> int:
    """Return about how many bytes a reply takes as a Lua value."""
    if isinstance(reply, (bytes, bytearray)):
        return len(reply) + 24
    items: Any = None
    if isinstance(reply, list):
        items = reply
    elif isinstance(reply, (SetReply, Push)):
        items = reply.items
    elif isinstance(reply, (MapReply, Pairs, KeyedReply)):
        items = reply.flat
    elif isinstance(reply, Verbatim):
        return len(reply.text) + 300
    elif isinstance(reply, Entries):
        items = reply.listed()
    if not isinstance(items, list):
        return 64
    size = 64
    for item in items:
        size += 40 + (len(item) if isinstance(item, bytes) else size_in_lua(item))
    return size
