"""What the stream commands read alike: ids, the ends of ranges, options of trimming; and how ids are written."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from respd.datatypes.strings import parse_int
from respd.errors import CommandError

if TYPE_CHECKING:
    pass

INVALID_ID: Final = b"ERR Invalid stream ID specified as stream command argument"
NO_SUCH_KEY: Final = b"ERR no such key"
LAST_ID: Final = (1 << 128) - 1
SEQUENCE_MAX: Final = (1 << 64) - 1
_LONGEST: Final = 127
_SPACES: Final = b" \t\n\v\f\r"


def id_text(id: int) -> bytes:
    """Return an id as clients see it."""
    return b"%d-%d" % (id >> 64, id & SEQUENCE_MAX)


def make_id(ms: int, seq: int) -> int:
    """Return the id of milliseconds and a sequence number."""
    return ms << 64 | seq


def id_arg(word: bytes, missing: int = 0) -> int:
    """Return the id that `word` spells; `missing` is the sequence number of one that has none. Raises INVALID_ID."""
    if len(word) > _LONGEST:
        raise CommandError(INVALID_ID)
    ms, dash, seq = word.partition(b"\0")[0].partition(b"-")
    if not dash:
        return _unsigned(ms) << 64 | missing
    return _unsigned(ms) << 64 | _unsigned(seq)


def open_id_arg(word: bytes, missing: int = 0) -> int:
    """Do as `id_arg`, but `-` and `+` are the lowest and the highest id."""
    if word[:1] in (b"-", b"+") and len(word) <= _LONGEST:
        text = word.partition(b"\0")[0]
        if text == b"-":
            return 0
        if text == b"+":
            return LAST_ID
    return id_arg(word, missing)


def new_id_arg(word: bytes) -> tuple[int, bool]:
    """Return the id for a new entry, and False when its sequence number is to be found: `ms-*`. Raises INVALID_ID."""
    text = word.partition(b"\0")[0]
    if text.endswith(b"-*") and text.find(b"-") == len(text) - 2 and len(word) <= _LONGEST:
        return _unsigned(text[:-2]) << 64, False
    return id_arg(word), True


def _unsigned(text: bytes) -> int:
    """Return the number of 64 bits without a sign that C would read, spaces, plus and zeros in front included."""
    number = parse_int(text)
    if number is not None:
        if number < 0:
            raise CommandError(INVALID_ID)
        return number
    digits = text.lstrip(_SPACES)
    negative = digits[:1] == b"-"
    if digits[:1] in (b"-", b"+"):
        digits = digits[1:]
    if not digits.isdigit():
        raise CommandError(INVALID_ID)
    number = int(digits)
    if number > SEQUENCE_MAX:
        raise CommandError(INVALID_ID)
    return -number & SEQUENCE_MAX if negative else number


def range_args(start: bytes, end: bytes) -> tuple[int, int]:
    """Return the ends of a range of ids, both included; `(id` leaves its end out, `-` and `+` are the utmost."""
    low = _end_arg(start, 0)
    if _is_exclusive(start):
        if low == LAST_ID:
            raise CommandError(b"ERR invalid start ID for the interval")
        low += 1
    high = _end_arg(end, SEQUENCE_MAX)
    if _is_exclusive(end):
        if high == 0:
            raise CommandError(b"ERR invalid end ID for the interval")
        high -= 1
    return low, high


def _is_exclusive(word: bytes) -> bool:
    return len(word) > 1 and word[:1] == b"("


def _end_arg(word: bytes, missing: int) -> int:
    return id_arg(word[1:], missing) if _is_exclusive(word) else open_id_arg(word, missing)
