"""Numbers and texts as C functions take them from a script. Source: lua.org/manual/5.1."""

from __future__ import annotations

import math
from typing import Final

from respd.datatypes.strings import format_double

_EXACT: Final = 1 << 62  # integers up to this are printed in full
_INTS: Final = 1 << 31  # half as many as there are


def to_number(text: bytes) -> float | None:
    """A number as Lua reads it from a string; None when it is none."""
    stripped = text.strip(b" \t\n\v\f\r")
    try:
        if stripped[:2].lower() == b"0x":
            return float(int(stripped, 16))
        if b"_" in stripped:
            return None
        return float(stripped)
    except ValueError:
        return None


def number_word(number: float) -> bytes:
    """A number as a word of a command."""
    if isinstance(number, int) and -_EXACT <= number <= _EXACT:
        return b"%d" % number
    if number != number:
        return _nan(number)
    if number == 0.0:
        return b"0"
    return format_double(float(number))


def _nan(number: float) -> bytes:
    """No number, as C prints it: with its sign."""
    return b"-nan" if math.copysign(1.0, number) < 0 else b"nan"


def as_text(word: object) -> bytes:
    """A string or number as Lua's tostring has it; nothing for other values."""
    if isinstance(word, bytes):
        return word
    if isinstance(word, bool) or not isinstance(word, (int, float)):
        return b""
    return b"%.14g" % word if word == word else _nan(word)


def as_integer(word: object) -> int:
    """A number, or a string that reads as one, cut to 32 bits as C does it; else 0."""
    number: object = to_number(word) if isinstance(word, bytes) else word
    if isinstance(number, bool) or not isinstance(number, (int, float)):
        return 0
    return int(number) if -_INTS < number < _INTS else -_INTS
