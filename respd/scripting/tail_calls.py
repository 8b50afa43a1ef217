"""Makes plain calls of a compiled chunk's tail calls to libraries, so that errors in them can name their line.

`return cjson.decode(text)` is a tail call: Lua forgets the function that makes it and with it the line. For a function
written in C it stays, as the call ends before anything is forgotten; ours are partly written in Lua, and would lose
it. So in the byte code of a chunk, as `string.dump` gives it, the tail calls become calls whose results the RETURN that
always follows hands on: all in the chunk's main function, which nothing can call again from within; in others those
whose function is a global or a field of one. Others stay, since a function that calls itself so may do it forever.
The main function of a chunk made by `sources.shorten` is the one inside it.

On the way it is seen whether the chunk sets a global anywhere: one that does not may be given the globals themselves,
where each is found at once, rather than the proxy that refuses to have them set.

Source: lua.org/source/5.1, lopcodes.h (the instructions), ldump.c (the format).
"""

from __future__ import annotations

from typing import Final

_HEADER: Final = b"\x1bLua\x51\x00\x01\x04\x08\x04\x08\x00"  # little endian, 64 bits, numbers that are doubles
_GETGLOBAL: Final = 5
_GETTABLE: Final = 6
_SETGLOBAL: Final = 7
_SELF: Final = 11
_CALL: Final = 28
_TAILCALL: Final = 29
_OPCODE: Final = 0x3F
_WRITES_A: Final = frozenset({*range(7), *range(10, 22), 27, 28, 36, 37})
_SIZES: Final = (0, 1, 0, 8)  # of constants: nil, boolean, none, number


_LARGEST: Final = 16 << 20  # larger chunks are left as they are: they may not fit into Lua's memory twice


def without_tail_calls(code: bytes, main_depth: int) -> tuple[bytes | None, bool]:
    """Return byte code without the tail calls to libraries, and whether it sets globals. O(size).

    The code is None where there is nothing to change. Functions less than `main_depth` deep are main functions.
    """
    if not code.startswith(_HEADER) or len(code) > _LARGEST:
        return None, True
    walk = _Walk(code)
    walk.function(main_depth)
    return bytes(walk.code) if walk.is_changed else None, walk.sets_globals


class _Walk:
    """Reads byte code from its start, changing calls."""

    def __init__(self, code: bytes) -> None:
        self.code = bytearray(code)
        self.at = len(_HEADER)
        self.is_changed = False
        self.sets_globals = False

    def _int(self) -> int:
        at = self.at
        self.at = at + 4
        return int.from_bytes(self.code[at : at + 4], "little")

    def _skip_string(self) -> None:
        size = int.from_bytes(self.code[self.at : self.at + 8], "little")
        self.at += 8 + size

    def function(self, main_depth: int) -> None:
        """Go over one function and those inside it."""
        self._skip_string()
        self.at += 12  # lines, counts of values, stack
        self._instructions(main_depth > 0)
        for _ in range(self._int()):
            kind = self.code[self.at]
            self.at += 1
            if kind == 4:
                self._skip_string()
            else:
                self.at += _SIZES[kind]
        for _ in range(self._int()):
            self.function(main_depth - 1)
        lines = self._int()  # which moves `at`
        self.at += 4 * lines
        for _ in range(self._int()):  # local variables
            self._skip_string()
            self.at += 8
        for _ in range(self._int()):  # names of upvalues
            self._skip_string()

    def _instructions(self, is_main: bool) -> None:
        count = self._int()
        start = self.at
        self.at += 4 * count
        for place in range(start, self.at, 4):
            opcode = self.code[place] & _OPCODE
            if opcode == _SETGLOBAL:
                self.sets_globals = True
            elif opcode == _TAILCALL and (is_main or self._is_global(start, place)):
                self.code[place] = self.code[place] & ~_OPCODE | _CALL
                self.is_changed = True

    def _is_global(self, start: int, place: int) -> bool:
        """Tell whether what the call at `place` calls was read from a global, or from a field of one."""
        register = self._a(place)
        field_of = False
        for before in range(place - 4, start - 4, -4):
            opcode = self.code[before] & _OPCODE
            if opcode in _WRITES_A and self._a(before) == register:
                if opcode == _GETGLOBAL:
                    return True
                if field_of or opcode not in (_GETTABLE, _SELF):
                    return False
                field_of = True
                register = int.from_bytes(self.code[before : before + 4], "little") >> 23
        return False

    def _a(self, place: int) -> int:
        """The register that the instruction at `place` names first."""
        return (self.code[place] | self.code[place + 1] << 8) >> 6 & 0xFF
