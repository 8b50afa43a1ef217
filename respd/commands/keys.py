"""The generic commands, which work on keys of any type; those of expiry, and SORT, have modules of their own.

Source: redis.io/commands/?group=generic.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from respd.arguments import int_arg
from respd.command import (
    ACCESS,
    DELETE,
    DENYOOM,
    FAST,
    INSERT,
    OW,
    READONLY,
    RM,
    RO,
    RW,
    TOUCHES_ARBITRARY_KEYS,
    UPDATE,
    WRITE,
    Group,
    key_range,
    one_key,
)
from respd.database import Database, Entry, type_name
from respd.datatypes import strings
from respd.datatypes.hashes import HashValue
from respd.datatypes.lists import ListValue
from respd.datatypes.sets import SetValue
from respd.datatypes.sorted_sets import SortedSet
from respd.datatypes.streams import Stream
from respd.errors import DB_OUT_OF_RANGE, NO_SUCH_KEY, SYNTAX, CommandError
from respd.glob import Glob
from respd.keyspace_events import GENERIC
from respd.protocol.replies import OK, Status
from respd.scan_arguments import cursor_arg, scan_options

if TYPE_CHECKING:
    from respd.context import Context

_INT_MIN: Final = -(1 << 31)
_INT_MAX: Final = (1 << 31) - 1
_SHARED_INTEGERS: Final = 10_000
_NONE: Final = Status(b"none")
_TYPES: Final = {name: Status(name) for name in (b"string", b"list", b"set", b"zset", b"hash", b"stream")}
_SAME_OBJECT: Final = b"ERR source and destination objects are the same"
_INT_RANGE: Final = b"ERR value is out of range, value must between %d and %d" % (_INT_MIN, _INT_MAX)
_NOT_LFU: Final = (
    b"ERR An LFU maxmemory policy is not selected, access frequency not tracked. Please note that when switching "
    b"between policies at runtime LRU and LFU data will take some time to adjust."
)
_IS_LFU: Final = (
    b"ERR An LFU maxmemory policy is selected, idle time not tracked. Please note that when switching between "
    b"policies at runtime LRU and LFU data will take some time to adjust."
)
_ALL_SHARDS_SUM: Final = ("request_policy:multi_shard", "response_policy:agg_sum")

group = Group("generic")


# -- deleting


@group.command(
    "DEL",
    arity=-2,
    flags=WRITE,
    keys=key_range(1, -1, 1, RM | DELETE),
    since="1.0.0",
    syntax="key [key ...]",
    complexity="O(N) where N is the number of keys; the memory of large values is given back later, in slices",
    tips=_ALL_SHARDS_SUM,
)
def del_(ctx: Context, args: list[bytes]) -> object:
    """Delete keys.

    Reply: how many there were. Source: redis.io/commands/del.
    """
    db = ctx.db
    if len(args) == 2:
        return 1 if db.delete(args[1]) else 0
    deleted = 0
    for index in range(1, len(args)):
        if db.delete(args[index]):
            deleted += 1
    return deleted


@group.command(
    "UNLINK",
    arity=-2,
    flags=WRITE | FAST,
    keys=key_range(1, -1, 1, RM | DELETE),
    since="4.0.0",
    syntax="key [key ...]",
    complexity="O(1) for each key; the memory of large values is given back later, in slices",
    tips=_ALL_SHARDS_SUM,
)
def unlink(ctx: Context, args: list[bytes]) -> object:
    """Delete keys and leave the freeing of their memory for later.

    Reply: how many there were. Source: redis.io/commands/unlink.
    """
    return del_(ctx, args)


# -- asking about keys


@group.command(
    "EXISTS",
    arity=-2,
    flags=READONLY | FAST,
    keys=key_range(1, -1, 1, RO),
    since="1.0.0",
    syntax="key [key ...]",
    complexity="O(N) where N is the number of keys",
    tips=_ALL_SHARDS_SUM,
    history=(("3.0.3", "Takes several `key` arguments."),),
)
def exists(ctx: Context, args: list[bytes]) -> object:
    """Tell how many of the given keys exist.

    Reply: an integer; a key given twice counts twice. Source: redis.io/commands/exists.
    """
    found = 0
    for index in range(1, len(args)):
        if look(ctx.db, args[index]) is not None:
            found += 1
    return found


@group.command(
    "TOUCH",
    arity=-2,
    flags=READONLY | FAST,
    keys=key_range(1, -1, 1, RO),
    since="3.2.1",
    syntax="key [key ...]",
    complexity="O(N) where N is the number of keys",
    tips=_ALL_SHARDS_SUM,
)
def touch(ctx: Context, args: list[bytes]) -> object:
    """Note an access to keys, and tell how many of them exist.

    Reply: an integer; a key given twice counts twice. Source: redis.io/commands/touch.
    """
    found = 0
    for index in range(1, len(args)):
        if ctx.db.read(args[index]) is not None:
            found += 1
    return found


@group.command(
    "TYPE",
    arity=2,
    flags=READONLY | FAST,
    keys=one_key(RO),
    since="1.0.0",
    syntax="key",
    complexity="O(1)",
)
def type_(ctx: Context, args: list[bytes]) -> object:
    """Tell the type of a key's value.

    Reply: the simple string `string`, `list`, `set`, `zset` or `hash`, or `none`. Source: redis.io/commands/type.
    """
    entry = look(ctx.db, args[1])
    return _NONE if entry is None else _TYPES[type_name(entry.value)]


group.container(
    "OBJECT", since="2.2.3", summary="A container for commands that look at how a value is kept.", help_since="6.2.0"
)


@group.command(
    "OBJECT|ENCODING",
    arity=3,
    flags=READONLY,
    keys=one_key(RO, at=2),
    since="2.2.3",
    syntax="key",
    complexity="O(1)",
    tips=("nondeterministic_output",),
)
def object_encoding(ctx: Context, args: list[bytes]) -> object:
    """Return the name of a value's internal representation.

    Reply: what redis-server would call it, null when the key is absent. Source: redis.io/commands/object-encoding.
    """
    entry = _look_quietly(ctx.db, args[2])
    return None if entry is None else encoding_of(entry.value)


@group.command(
    "OBJECT|FREQ",
    arity=3,
    flags=READONLY,
    keys=one_key(RO, at=2),
    since="4.0.0",
    syntax="key",
    complexity="O(1)",
    tips=("nondeterministic_output",),
)
def object_freq(ctx: Context, args: list[bytes]) -> object:
    """Return how often a key is used, on a logarithmic scale.

    Reply: 0 to 255, 5 for a new key; null when the key is absent. It falls with the time without an access.
    Errors: when maxmemory-policy is none of the LFU ones. Source: redis.io/commands/object-freq.
    """
    entry = _look_quietly(ctx.db, args[2])
    if entry is None:
        return None
    if not ctx.db.shared.counts_accesses:
        raise CommandError(_NOT_LFU)
    return ctx.db.shared.frequency(entry)


@group.command(
    "OBJECT|IDLETIME",
    arity=3,
    flags=READONLY,
    keys=one_key(RO, at=2),
    since="2.2.3",
    syntax="key",
    complexity="O(1)",
    tips=("nondeterministic_output",),
)
def object_idletime(ctx: Context, args: list[bytes]) -> object:
    """Return for how many seconds a key has not been used.

    Reply: an integer, null when the key is absent. Errors: when maxmemory-policy is one of the LFU ones.
    Source: redis.io/commands/object-idletime.
    """
    entry = _look_quietly(ctx.db, args[2])
    if entry is None:
        return None
    if ctx.db.shared.counts_accesses:
        raise CommandError(_IS_LFU)
    return ctx.db.idle_s(entry)


@group.command(
    "OBJECT|REFCOUNT",
    arity=3,
    flags=READONLY,
    keys=one_key(RO, at=2),
    since="2.2.3",
    syntax="key",
    complexity="O(1)",
    tips=("nondeterministic_output",),
)
def object_refcount(ctx: Context, args: list[bytes]) -> object:
    """Return how many references to a value there are.

    Reply: 1, or 2147483647 for the small integers that redis-server shares; null when the key is absent. It shares none
    while maxmemory goes by what each key was used for.
    Source: redis.io/commands/object-refcount.
    """
    entry = _look_quietly(ctx.db, args[2])
    if entry is None:
        return None
    value = entry.value
    return _INT_MAX if is_shared(ctx, value) else 1


def is_shared(ctx: Context, value: object) -> bool:
    """Tell whether redis-server has one object for all keys with this value."""
    config = ctx.config
    if not isinstance(value, int) or not 0 <= value < _SHARED_INTEGERS:
        return False
    return not config.maxmemory or not config.maxmemory_policy.endswith((b"-lru", b"-lrm", b"-lfu"))


def encoding_of(value: object) -> bytes:
    """Return OBJECT ENCODING's answer for a value of any type."""
    if isinstance(value, SetValue):
        return value.encoding()
    if isinstance(value, ListValue):
        return value.encoding()
    if isinstance(value, HashValue):
        return value.encoding()
    if isinstance(value, SortedSet):
        return value.encoding()
    if isinstance(value, Stream):
        return value.encoding()
    assert isinstance(value, (bytes, int, bytearray))
    return strings.encoding(value)


# -- all keys


@group.command(
    "KEYS",
    arity=2,
    flags=READONLY | TOUCHES_ARBITRARY_KEYS,
    since="1.0.0",
    syntax="pattern",
    complexity="O(N) where N is the number of keys in the database",
    categories=("dangerous",),
    tips=("request_policy:all_shards", "nondeterministic_output_order"),
)
def keys(ctx: Context, args: list[bytes]) -> object:
    """Return all keys that match a pattern.

    Reply: an array. Source: redis.io/commands/keys.
    """
    pattern = Glob(args[1])
    if pattern.is_literal:
        return [] if ctx.db.peek(args[1]) is None else [args[1]]
    found = ctx.db.keys()
    return found if pattern.matches_all else [key for key in found if pattern.matches(key)]


@group.command(
    "SCAN",
    arity=-2,
    flags=READONLY | TOUCHES_ARBITRARY_KEYS,
    since="2.8.0",
    syntax="cursor [MATCH pattern] [COUNT count] [TYPE type]",
    complexity="O(1) for a call, O(N) for all the calls until the cursor is 0 again, where N is the number of keys",
    tips=("nondeterministic_output", "request_policy:special", "response_policy:special"),
    history=(("6.0.0", "Has the option `TYPE`."),),
)
def scan(ctx: Context, args: list[bytes]) -> object:
    """Walk over the keys of the database in steps.

    Reply: the next cursor, 0 at the end, and an array of keys. A key that stays from the first call to the last is
    returned at least once. Errors: invalid cursor, then those of the options. Source: redis.io/commands/scan.
    """
    cursor = cursor_arg(args[1])
    options = scan_options(args, 2, keys=True)
    db = ctx.db
    cursor, found = db.scan(cursor, options.count)
    pattern = options.pattern
    wanted = options.type_name
    chosen: list[bytes] = []
    for key in found:
        if pattern is not None and not pattern.matches(key):
            continue
        entry = db.peek(key)
        if entry is None or (wanted is not None and type_name(entry.value) != wanted):
            continue
        chosen.append(key)
    return [b"%d" % cursor, chosen]


@group.command(
    "RANDOMKEY",
    arity=1,
    flags=READONLY | TOUCHES_ARBITRARY_KEYS,
    since="1.0.0",
    complexity="O(1)",
    tips=("request_policy:all_shards", "response_policy:special", "nondeterministic_output"),
)
def randomkey(ctx: Context, args: list[bytes]) -> object:
    """Return a random key.

    Reply: a key, null when the database is empty. Source: redis.io/commands/randomkey.
    """
    return ctx.db.random_key(ctx.random.random())


# -- from one place to another


@group.command(
    "RENAME",
    arity=3,
    flags=WRITE,
    keys=one_key(RW | ACCESS | DELETE) + one_key(OW | UPDATE, at=2),
    since="1.0.0",
    syntax="key newkey",
    complexity="O(1)",
)
def rename(ctx: Context, args: list[bytes]) -> object:
    """Give a key another name, replacing whatever has that name.

    Reply: OK. Errors: no such key. Source: redis.io/commands/rename.
    """
    _rename(ctx, args, True)
    return OK


@group.command(
    "RENAMENX",
    arity=3,
    flags=WRITE | FAST,
    keys=one_key(RW | ACCESS | DELETE) + one_key(OW | INSERT, at=2),
    since="1.0.0",
    syntax="key newkey",
    complexity="O(1)",
    history=(("3.2.0", "Equal names are no error any more."),),
)
def renamenx(ctx: Context, args: list[bytes]) -> object:
    """Give a key another name unless that is taken.

    Reply: 1 or 0. Errors: no such key. Source: redis.io/commands/renamenx.
    """
    return 1 if _rename(ctx, args, False) else 0


def _rename(ctx: Context, args: list[bytes], replace: bool) -> bool:
    db = ctx.db
    key = args[1]
    new_key = args[2]
    entry = db.write(key)
    if entry is None:
        raise CommandError(NO_SUCH_KEY)
    if key == new_key:
        return False
    if db.write(new_key) is not None:
        if not replace:
            return False
        db.remove(new_key)
    expire_at_ms = entry.expire_at_ms
    place(db, new_key, _take(db, key, entry), expire_at_ms)
    db.changed(key, GENERIC, b"rename_from")
    db.changed_by(new_key, GENERIC, b"rename_to", 0)
    return True


@group.command(
    "MOVE",
    arity=3,
    flags=WRITE | FAST,
    keys=one_key(RW | ACCESS | UPDATE),
    since="1.0.0",
    syntax="key db",
    complexity="O(1)",
)
def move(ctx: Context, args: list[bytes]) -> object:
    """Move a key to another database.

    Reply: 1, or 0 when it is absent here or present there. Errors: of the number; the same database.
    Source: redis.io/commands/move.
    """
    source = ctx.db
    target = _database(ctx, args[2])
    if source is target:
        raise CommandError(_SAME_OBJECT)
    key = args[1]
    entry = source.write(key)
    if entry is None or target.write(key) is not None:
        return 0
    expire_at_ms = entry.expire_at_ms
    place(target, key, _take(source, key, entry), expire_at_ms)
    source.changed(key, GENERIC, b"move_from")
    target.changed_by(key, GENERIC, b"move_to", 0)
    return 1


@group.command(
    "COPY",
    arity=-3,
    flags=WRITE | DENYOOM,
    keys=one_key(RO | ACCESS) + one_key(OW | UPDATE, at=2),
    since="6.2.0",
    syntax="source destination [DB destination-db] [REPLACE]",
    complexity="O(N) where N is the number of members of a collection, O(1) for a string",
)
def copy(ctx: Context, args: list[bytes]) -> object:
    """Copy a key's value and expiry to another key.

    Reply: 1, or 0 when the source is absent or the destination is taken and not to be replaced.
    Errors: syntax, of the number, the same key. Source: redis.io/commands/copy.
    """
    source = ctx.db
    target = source
    replace = False
    position = 3
    while position < len(args):
        word = args[position].upper()
        if word == b"REPLACE":
            replace = True
            position += 1
        elif word == b"DB" and position + 1 < len(args):
            target = _database(ctx, args[position + 1])
            position += 2
        else:
            raise CommandError(SYNTAX)
    key = args[1]
    new_key = args[2]
    if source is target and key == new_key:
        raise CommandError(_SAME_OBJECT)
    entry = source.read(key)
    if entry is None:
        return 0
    taken = target.write(new_key) is not None
    if taken and not replace:
        return 0
    value = _copy_value(entry.value)
    expire_at_ms = entry.expire_at_ms
    if taken:
        target.remove(new_key)
    place(target, new_key, value, expire_at_ms)
    target.changed(new_key, GENERIC, b"copy_to")
    return 1


def _database(ctx: Context, word: bytes) -> Database:
    """Return the database of the number `word`; raise Redis' errors."""
    index = int_arg(word)
    if not _INT_MIN <= index <= _INT_MAX:
        raise CommandError(_INT_RANGE)
    databases = ctx.engine.databases
    if not 0 <= index < len(databases):
        raise CommandError(DB_OUT_OF_RANGE)
    return databases[index]


def _take(db: Database, key: bytes, entry: Entry) -> object:
    """Remove a key and return its value, which lives on elsewhere and so must not be freed with the key."""
    value = entry.value
    db.forget_fields(key, value)
    entry.value = b""
    db.remove(key)
    return value


def place(db: Database, key: bytes, value: object, expire_at_ms: int) -> None:
    """Put a value at an absent key, with its expiry (0: none) and that of its hash fields."""
    db.add(key, value)
    if expire_at_ms != 0:
        db.set_expire(key, expire_at_ms)
    if isinstance(value, HashValue):
        db.note_fields(key, 0, value.next_expire_ms)


def _copy_value(value: object) -> object:
    if isinstance(value, SetValue):
        return value.copy()
    if isinstance(value, ListValue):
        return value.copy()
    if isinstance(value, HashValue):
        return value.copy()
    if isinstance(value, SortedSet):
        return value.copy()
    if isinstance(value, Stream):
        return value.copy()
    if isinstance(value, bytearray):
        return bytearray(value)
    return value


# -- looking without a trace in the access time


def look(db: Database, key: bytes) -> Entry | None:
    """Look a key up for a question about it: a hit or a miss, but no access."""
    entry = db.peek(key)
    if entry is None:
        return db.read(key)
    db.stats.keyspace_hits += 1
    return entry


def _look_quietly(db: Database, key: bytes) -> Entry | None:
    """Look a key up for OBJECT: as `look`, without the event of a miss."""
    entry = db.peek(key)
    if entry is None:
        db.stats.keyspace_misses += 1
    else:
        db.stats.keyspace_hits += 1
    return entry
