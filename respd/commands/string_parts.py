"""Parts of strings: APPEND, GETRANGE, SETRANGE and STRLEN. Source: redis.io/commands/?group=string.

Strings that grow are `bytearray`s edited in place (never handed out: replies get a copy).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from respd.arguments import int_arg
from respd.command import ACCESS, DENYOOM, FAST, INSERT, READONLY, RO, RW, UPDATE, WRITE, Group, one_key
from respd.database import Entry, string_of
from respd.datatypes.bits import grow
from respd.datatypes.strings import as_bytes, try_int, view_of
from respd.errors import STRING_TOO_LONG, CommandError
from respd.keyspace_events import STRING

if TYPE_CHECKING:
    from respd.context import Context

_NEGATIVE_OFFSET: Final = b"ERR offset is out of range"

group = Group("string")


@group.command(
    "APPEND",
    arity=3,
    flags=WRITE | DENYOOM | FAST,
    keys=one_key(RW | INSERT),
    since="2.0.0",
    syntax="key value",
    complexity="O(1) amortized, for values that are small beside the string.",
)
def append(ctx: Context, args: list[bytes]) -> object:
    """Add to the end of the string stored at a key, or store it where there is none.

    Reply: the new length. Errors: WRONGTYPE; string too long. Source: redis.io/commands/append.
    """
    key = args[1]
    db = ctx.db
    entry = db.write(key)
    if entry is None:
        db.add(key, try_int(args[2]))
        size = len(args[2])
    else:
        value = entry.value
        if not isinstance(value, bytearray):
            value = bytearray(as_bytes(string_of(entry)))
        size = len(value) + len(args[2])
        check_size(ctx, size)
        value += args[2]
        entry.value = value
    db.changed(key, STRING, b"append")
    return size


def check_size(ctx: Context, size: int) -> None:
    """Refuse a string that would be longer than proto-max-bulk-len."""
    if size > ctx.config.proto_max_bulk_len:
        raise CommandError(STRING_TOO_LONG)


@group.command(
    "STRLEN",
    arity=2,
    flags=READONLY | FAST,
    keys=one_key(RO),
    since="2.2.0",
    syntax="key",
    complexity="O(1)",
)
def strlen(ctx: Context, args: list[bytes]) -> object:
    """Return the length of the string stored at a key.

    Reply: bytes, 0 when the key is absent. Errors: WRONGTYPE. Source: redis.io/commands/strlen.
    """
    value = ctx.db.read_string(args[1])
    if value is None:
        return 0
    return len(view_of(value))


@group.command(
    "GETRANGE",
    arity=4,
    flags=READONLY,
    keys=one_key(RO | ACCESS),
    since="2.4.0",
    syntax="key start end",
    complexity="O(N) where N is the length of the reply.",
)
def getrange(ctx: Context, args: list[bytes]) -> object:
    """Return a part of the string stored at a key, from one offset to another.

    Both offsets are included; negative ones count from the end. Reply: a string, maybe empty.
    Errors: not an integer; WRONGTYPE. Source: redis.io/commands/getrange.
    """
    return _part(ctx, args)


@group.command(
    "SUBSTR",
    arity=4,
    flags=READONLY,
    keys=one_key(RO | ACCESS),
    since="1.0.0",
    syntax="key start end",
    complexity="O(N) where N is the length of the reply.",
    deprecated=("2.0.0", "`GETRANGE`"),
)
def substr(ctx: Context, args: list[bytes]) -> object:
    """Return a part of the string stored at a key: the old name of GETRANGE.

    Source: redis.io/commands/substr.
    """
    return _part(ctx, args)


def _part(ctx: Context, args: list[bytes]) -> bytes:
    start = int_arg(args[2])
    end = int_arg(args[3])
    value = ctx.db.read_string(args[1])
    if value is None:
        return b""
    data = view_of(value)
    size = len(data)
    if start < 0 and end < 0 and start > end:
        return b""
    if start < 0:
        start = max(start + size, 0)
    if end < 0:
        end = max(end + size, 0)
    if start > end:  # compiled, a slice that ends before it begins is an error
        return b""
    return data[start : end + 1] if isinstance(data, bytes) else bytes(data[start : end + 1])


@group.command(
    "SETRANGE",
    arity=4,
    flags=WRITE | DENYOOM,
    keys=one_key(RW | UPDATE),
    since="2.2.0",
    syntax="key offset value",
    complexity="O(N) where N is the length of the value, and of the gap filled with zero bytes.",
)
def setrange(ctx: Context, args: list[bytes]) -> object:
    """Overwrite a part of the string stored at a key, from an offset on; gaps are filled with zero bytes.

    Reply: the length. An empty value changes nothing. Errors: not an integer; offset out of range; WRONGTYPE;
    string too long. Source: redis.io/commands/setrange.
    """
    key = args[1]
    patch = args[3]
    offset = int_arg(args[2])
    if offset < 0:
        raise CommandError(_NEGATIVE_OFFSET)
    db = ctx.db
    entry = db.write(key)
    if entry is None:
        if not patch:
            return 0
        check_size(ctx, offset + len(patch))
        data = bytearray(offset)
        data += patch
        db.add(key, data)
    else:
        value = string_of(entry)
        if not patch:
            return len(view_of(value))
        check_size(ctx, offset + len(patch))
        data = make_raw(entry)
        grow(data, offset)
        data[offset : offset + len(patch)] = patch
    db.changed(key, STRING, b"setrange")
    return len(data)


def make_raw(entry: Entry) -> bytearray:
    """Return the entry's string as one that can be edited in place; from now on it is stored as such."""
    value = string_of(entry)
    if isinstance(value, bytearray):
        return value
    raw = bytearray(as_bytes(value))
    entry.value = raw
    return raw
