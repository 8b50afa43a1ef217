"""What depends on the string that is there: DIGEST, DELEX, and the conditions that DELEX shares with SET.

A digest is the 64-bit XXH3 of the string, as 16 hexadecimal digits. Source: redis.io/commands/delex, /digest and /set.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from respd.command import ACCESS, DELETE, FAST, READONLY, RO, RW, VARIABLE_FLAGS, WRITE, Group, one_key
from respd.datatypes.strings import StringValue, as_bytes
from respd.errors import CommandError, wrong_arity

if TYPE_CHECKING:
    from respd.context import Context

IFEQ: Final = 1
IFNE: Final = 2
IFDEQ: Final = 3
IFDNE: Final = 4

CONDITIONS: Final[dict[bytes, int]] = {b"IFEQ": IFEQ, b"IFNE": IFNE, b"IFDEQ": IFDEQ, b"IFDNE": IFDNE}
_DIGEST_DIGITS: Final = 16
_NO_DIGEST: Final = b"ERR must be exactly 16 hexadecimal characters"
_NO_STRING: Final = b"ERR Key should be of string type if conditions are specified"
_NO_CONDITION: Final = b"ERR Invalid condition. Use IFEQ, IFNE, IFDEQ, or IFDNE"

group = Group("string")


def digest_of(value: StringValue) -> bytes:
    """Return the digest of a string in lower case. O(N)."""
    import xxhash

    digits: str = xxhash.xxh3_64_hexdigest(as_bytes(value))
    return digits.encode()


def is_met(value: StringValue, condition: int, operand: bytes) -> bool:
    """Tell whether a string meets a condition (IFEQ...); digests are compared in any case.

    Raises CommandError for an operand that is not as long as a digest: nothing more of it is checked, as in Redis.
    """
    if condition == IFEQ:
        return as_bytes(value) == operand
    if condition == IFNE:
        return as_bytes(value) != operand
    if len(operand) != _DIGEST_DIGITS:
        raise CommandError(_NO_DIGEST)
    return (digest_of(value) == operand.lower()) == (condition == IFDEQ)


@group.command(
    "DIGEST",
    arity=2,
    flags=READONLY | FAST,
    keys=one_key(RO | ACCESS),
    since="8.4.0",
    syntax="key",
    complexity="O(N) where N is the length of the string.",
)
def digest(ctx: Context, args: list[bytes]) -> object:
    """Return the digest of the string stored at a key, for IFDEQ and IFDNE.

    Reply: 16 hexadecimal digits, null when the key is absent. Errors: WRONGTYPE. Source: redis.io/commands/digest.
    """
    value = ctx.db.read_string(args[1])
    return None if value is None else digest_of(value)


@group.command(
    "DELEX",
    arity=-2,
    flags=WRITE | FAST,
    keys=one_key(RW | DELETE | VARIABLE_FLAGS),
    since="8.4.0",
    syntax="key condition=[IFEQ ifeq-value | IFNE ifne-value | IFDEQ ifdeq-digest | IFDNE ifdne-digest]",
    complexity="O(1), with IFDEQ and IFDNE O(N) where N is the length of the string.",
)
def delex(ctx: Context, args: list[bytes]) -> object:
    """Delete a key, or delete it only if its string, or the digest of that, is or is not a given one.

    Reply: 1 when deleted, else 0. Errors: wrong number of arguments; only where the key exists: "Key should be of
    string type...", "Invalid condition...", "must be exactly 16 hexadecimal characters".
    Log: DEL key. Source: redis.io/commands/delex.
    """
    count = len(args)
    if count != 2 and count != 4:
        raise wrong_arity(b"delex")
    key = args[1]
    db = ctx.db
    entry = db.write(key)
    if entry is None:
        return 0
    if count == 4:
        value = entry.value
        if not isinstance(value, (bytes, int, bytearray)):
            raise CommandError(_NO_STRING)
        condition = CONDITIONS.get(args[2].upper(), 0)
        if condition == 0:
            raise CommandError(_NO_CONDITION)
        if not is_met(value, condition, args[3]):
            return 0
    db.delete(key)
    ctx.record([b"DEL", key])
    return 1
