"""What SCAN, SSCAN, HSCAN and ZSCAN read alike: the cursor and the options. Source: redis.io/commands/scan."""

import re
from typing import Final

from respd.arguments import int_arg
from respd.datatypes.strings import parse_int
from respd.errors import INVALID_CURSOR, SYNTAX, CommandError
from respd.glob import Glob

_CURSOR: Final = re.compile(rb"[ \t\n\v\f\r]*([+-]?)([0-9]+)")
_CURSORS: Final = 1 << 64
_DEFAULT_COUNT: Final = 10


class ScanOptions:
    """The options of a scan. `pattern` and `type_name` (lower case) are None where everything is wanted."""

    def __init__(self) -> None:
        self.pattern: Glob | None = None
        self.count: int = _DEFAULT_COUNT
        self.type_name: bytes | None = None
        self.no_values: bool = False


def cursor_arg(word: bytes) -> int:
    """Return the cursor that `word` spells, read as C's strtoull reads it; raise INVALID_CURSOR."""
    number = parse_int(word)
    if number is None:
        found = _CURSOR.fullmatch(word)
        if found is None:
            raise CommandError(INVALID_CURSOR)
        number = int(found[2])
        if number >= _CURSORS:
            raise CommandError(INVALID_CURSOR)
        if found[1] == b"-":
            number = -number % _CURSORS
    if number < 0:
        raise CommandError(INVALID_CURSOR)
    return number


def scan_options(args: list[bytes], first: int, keys: bool = False, fields: bool = False) -> ScanOptions:
    """Return the options from `args[first]` on: TYPE only where `keys` are scanned, NOVALUES only for hash `fields`.

    Commands on one key read the cursor first, then look the key up, and read the options only when it exists.
    """
    options = ScanOptions()
    position = first
    while position < len(args):
        word = args[position].upper()
        has_value = position + 1 < len(args)
        if word == b"COUNT" and has_value:
            options.count = int_arg(args[position + 1])
            if options.count < 1:
                raise CommandError(SYNTAX)
            position += 2
        elif word == b"MATCH" and has_value:
            pattern = Glob(args[position + 1])
            options.pattern = None if pattern.matches_all else pattern
            position += 2
        elif word == b"TYPE" and keys and has_value:
            options.type_name = args[position + 1].lower()
            position += 2
        elif word == b"NOVALUES":
            if not fields:
                raise CommandError(b"ERR NOVALUES option can only be used in HSCAN")
            options.no_values = True
            position += 1
        else:
            raise CommandError(SYNTAX)
    return options
