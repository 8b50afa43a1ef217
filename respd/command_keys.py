"""The keys and channels that a call names, and what is done to them: for COMMAND GETKEYS and for permissions."""

from __future__ import annotations

from typing import Final

from respd.command import ACCESS, DELETE, INCOMPLETE, NOT_KEY, OW, RM, RO, RW, UPDATE, Command

_CONDITIONS: Final = frozenset([b"IFEQ", b"IFNE", b"IFDEQ", b"IFDNE"])  # with which SET looks at the value
# Where the channels of a command begin among its words; the flag tells whether they are patterns.
_CHANNELS: Final[dict[bytes, bool]] = {
    b"subscribe": False,
    b"ssubscribe": False,
    b"psubscribe": True,
    b"publish": False,
    b"spublish": False,
}


def keys_of(command: Command, words: list[bytes]) -> list[tuple[int, int]] | None:
    """Return the position and flags of each key in `words`, or None when the words do not fit.

    For SORT, whose STORE may stand anywhere, and for SET, DELEX and BITFIELD, whose use of the key depends on their
    options, the options are looked at; for all others the key specifications tell.
    """
    name = command.name
    if name == b"sort":
        return _keys_of_sort(words)
    if name == b"sort_ro":
        return [(1, RO | ACCESS)]
    if name == b"set":
        return [(1, _use_of_set(words))]
    if name == b"delex":
        return [(1, RM | DELETE if len(words) == 2 else RW | DELETE)]
    if name == b"bitfield":
        return [(1, RW | ACCESS | UPDATE if _bitfield_writes(words) else RO | ACCESS)]
    found: list[tuple[int, int]] = []
    for spec in command.declaration.keys:
        if spec.flags & NOT_KEY:
            continue
        positions = spec.positions(words)
        if positions is None:
            if not spec.flags & INCOMPLETE:
                return None
            continue
        for position in positions:
            found.append((position, spec.flags))
    return found


def channels_of(command: Command, words: list[bytes]) -> tuple[list[bytes], bool]:
    """Return the channels that a call subscribes or publishes to, and whether they are patterns."""
    is_pattern = _CHANNELS.get(command.name)
    if is_pattern is None:
        return [], False
    return (words[1:2] if command.name.endswith(b"publish") else words[1:]), is_pattern


def _use_of_set(words: list[bytes]) -> int:
    options = {word.upper() for word in words[3:]}
    if b"GET" in options:
        return RW | ACCESS | UPDATE
    return RW | UPDATE if options & _CONDITIONS else OW | UPDATE


def _keys_of_sort(words: list[bytes]) -> list[tuple[int, int]]:
    store = 0
    at = 2
    while at < len(words):
        option = words[at].upper()
        if option == b"LIMIT":
            at += 2
        elif option in (b"GET", b"BY"):
            at += 1
        elif option == b"STORE" and at + 1 < len(words):
            store = at + 1
            at += 1
        at += 1
    keys = [(1, RO | ACCESS)]
    if store:
        keys.append((store, OW | UPDATE))
    return keys


def _bitfield_writes(words: list[bytes]) -> bool:
    at = 2
    while at < len(words):
        operation = words[at].upper()
        left = len(words) - at - 1
        if operation == b"GET" and left >= 2:
            at += 3
        elif operation == b"OVERFLOW" and left >= 1:
            at += 2
        else:
            return True
    return False
