"""Classes of keyspace events, as `notify-keyspace-events` names them by letters.

Source: redis.io, "Redis keyspace notifications".
"""

from typing import Final

KEYSPACE: Final = 1 << 0  # K
KEYEVENT: Final = 1 << 1  # E
GENERIC: Final = 1 << 2  # g
STRING: Final = 1 << 3  # $
LIST: Final = 1 << 4  # l
SET: Final = 1 << 5  # s
HASH: Final = 1 << 6  # h
ZSET: Final = 1 << 7  # z
EXPIRED: Final = 1 << 8  # x
EVICTED: Final = 1 << 9  # e
STREAM: Final = 1 << 10  # t
KEY_MISS: Final = 1 << 11  # m
MODULE: Final = 1 << 13  # d
NEW: Final = 1 << 14  # n
ALL: Final = GENERIC | STRING | LIST | SET | HASH | ZSET | EXPIRED | EVICTED | STREAM | MODULE  # A

_LETTERS: Final = (
    (ord("g"), GENERIC),
    (ord("$"), STRING),
    (ord("l"), LIST),
    (ord("s"), SET),
    (ord("h"), HASH),
    (ord("z"), ZSET),
    (ord("x"), EXPIRED),
    (ord("e"), EVICTED),
    (ord("t"), STREAM),
    (ord("d"), MODULE),
)


def parse_classes(letters: bytes) -> int:
    """Return the bits that `letters` name, or -1 when a letter is unknown."""
    bits = 0
    for letter in letters:
        if letter == ord("A"):
            bits |= ALL
        elif letter == ord("K"):
            bits |= KEYSPACE
        elif letter == ord("E"):
            bits |= KEYEVENT
        elif letter == ord("m"):
            bits |= KEY_MISS
        elif letter == ord("n"):
            bits |= NEW
        else:
            for known, bit in _LETTERS:
                if known == letter:
                    bits |= bit
                    break
            else:
                return -1
    return bits


def format_classes(bits: int) -> bytes:
    """Return the letters of `bits` in the order CONFIG GET shows them."""
    letters = bytearray()
    if bits & ALL == ALL:
        letters += b"A"
    else:
        for letter, bit in _LETTERS:
            if bits & bit:
                letters.append(letter)
        if bits & NEW:
            letters += b"n"
    if bits & KEYSPACE:
        letters += b"K"
    if bits & KEYEVENT:
        letters += b"E"
    if bits & KEY_MISS:
        letters += b"m"
    return bytes(letters)
