"""The list commands. Source: redis.io/commands/?group=list."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from mypy_extensions import i64

from respd.arguments import int_arg, int_arg_between, positive_int_arg, timeout_arg
from respd.blocking import BLOCK_LIST, Block
from respd.command import (
    ACCESS,
    BLOCKING,
    DELETE,
    DENYOOM,
    FAST,
    INSERT,
    MOVABLE_KEYS,
    READONLY,
    RO,
    RW,
    UPDATE,
    WRITE,
    Group,
    key_range,
    num_keys,
    one_key,
)
from respd.datatypes.lists import ListValue
from respd.datatypes.strings import INT64_MAX
from respd.errors import (
    INDEX_OUT_OF_RANGE,
    NO_SUCH_KEY,
    NUMKEYS_NOT_POSITIVE,
    SYNTAX,
    CommandError,
    wrong_arity,
)
from respd.keyspace_events import LIST
from respd.protocol.replies import NULL_ARRAY, OK

if TYPE_CHECKING:
    from respd.context import Context

COUNT_NOT_POSITIVE: Final = b"ERR count should be greater than 0"
_NOT_SYMMETRIC: Final = b"ERR value is out of range, value must between -%d and %d" % (INT64_MAX, INT64_MAX)
_ZERO_RANK: Final = (
    b"ERR RANK can't be zero: use 1 to start from the first match, 2 from the second ... or use negative to start from "
    b"the end of the list"
)
_NEGATIVE_COUNT: Final = b"ERR COUNT can't be negative"
_NEGATIVE_MAXLEN: Final = b"ERR MAXLEN can't be negative"

_HALF_INT32: Final = 1 << 31

_PER_ELEMENT: Final = "O(N) with N the number of elements added."
_PER_POPPED: Final = "O(N) with N the number of elements taken."
_PER_KEY: Final = "O(N) with N the number of keys."
_PER_KEY_AND_POPPED: Final = "O(N+M) with N the number of keys and M the number of elements taken."
_MANY_ELEMENTS: Final = "Takes several elements."
_COUNT_ADDED: Final = (("6.2.0", "Takes a count."),)
_TIMEOUT_IS_DOUBLE: Final = (("6.0.0", "The timeout may have a fraction."),)

group = Group("list")


# -- pushing and popping


@group.command(
    "LPUSH",
    arity=-3,
    flags=WRITE | DENYOOM | FAST,
    keys=one_key(RW | INSERT),
    since="1.0.0",
    syntax="key element [element ...]",
    complexity=_PER_ELEMENT,
    history=(("2.4.0", _MANY_ELEMENTS),),
)
def lpush(ctx: Context, args: list[bytes]) -> object:
    """Put elements in front of a list, which is created when absent; the last one given comes first.

    Reply: the length of the list. Errors: WRONGTYPE. Cost: O(1) per element. Source: redis.io/commands/lpush.
    """
    key = args[1]
    db = ctx.db
    value = db.open_list(key)
    if len(args) == 3:
        value.push_head(args[2], ctx.limits)
    else:
        value.push_heads(args, 2, ctx.limits)
    db.changed_by(key, LIST, b"lpush", len(args) - 2)
    return len(value)


@group.command(
    "RPUSH",
    arity=-3,
    flags=WRITE | DENYOOM | FAST,
    keys=one_key(RW | INSERT),
    since="1.0.0",
    syntax="key element [element ...]",
    complexity=_PER_ELEMENT,
    history=(("2.4.0", _MANY_ELEMENTS),),
)
def rpush(ctx: Context, args: list[bytes]) -> object:
    """Put elements at the end of a list, which is created when absent.

    Reply: the length of the list. Errors: WRONGTYPE. Cost: O(1) per element. Source: redis.io/commands/rpush.
    """
    key = args[1]
    db = ctx.db
    value = db.open_list(key)
    if len(args) == 3:
        value.push_tail(args[2], ctx.limits)
    else:
        value.push_tails(args, 2, ctx.limits)
    db.changed_by(key, LIST, b"rpush", len(args) - 2)
    return len(value)


@group.command(
    "LPUSHX",
    arity=-3,
    flags=WRITE | DENYOOM | FAST,
    keys=one_key(RW | INSERT),
    since="2.2.0",
    syntax="key element [element ...]",
    complexity=_PER_ELEMENT,
    history=(("4.0.0", _MANY_ELEMENTS),),
)
def lpushx(ctx: Context, args: list[bytes]) -> object:
    """Put elements in front of a list, but only if there is one.

    Reply: the length of the list, 0 without one. Errors: WRONGTYPE. Source: redis.io/commands/lpushx.
    """
    key = args[1]
    value = ctx.db.write_list(key)
    if value is None:
        return 0
    value.push_heads(args, 2, ctx.limits)
    ctx.db.changed_by(key, LIST, b"lpush", len(args) - 2)
    return len(value)


@group.command(
    "RPUSHX",
    arity=-3,
    flags=WRITE | DENYOOM | FAST,
    keys=one_key(RW | INSERT),
    since="2.2.0",
    syntax="key element [element ...]",
    complexity=_PER_ELEMENT,
    history=(("4.0.0", _MANY_ELEMENTS),),
)
def rpushx(ctx: Context, args: list[bytes]) -> object:
    """Put elements at the end of a list, but only if there is one.

    Reply: the length of the list, 0 without one. Errors: WRONGTYPE. Source: redis.io/commands/rpushx.
    """
    key = args[1]
    value = ctx.db.write_list(key)
    if value is None:
        return 0
    value.push_tails(args, 2, ctx.limits)
    ctx.db.changed_by(key, LIST, b"rpush", len(args) - 2)
    return len(value)


@group.command(
    "LPOP",
    arity=-2,
    flags=WRITE | FAST,
    keys=one_key(RW | ACCESS | DELETE),
    since="1.0.0",
    syntax="key [count]",
    complexity=_PER_POPPED,
    history=_COUNT_ADDED,
)
def lpop(ctx: Context, args: list[bytes]) -> object:
    """Take the first element of a list, or the first few.

    Reply: the element, null without a list; with count an array, null without a list.
    Errors: "value is out of range, must be positive", before WRONGTYPE. Source: redis.io/commands/lpop.
    """
    if len(args) > 2:
        return _pop_count(ctx, args, True)
    key = args[1]
    db = ctx.db
    value = db.write_list(key)
    if value is None:
        return None
    element = value.pop_head()
    value.shrink(ctx.limits)
    db.changed(key, LIST, b"lpop")
    if len(value) == 0:
        db.drop_if_empty(key)
    return element


@group.command(
    "RPOP",
    arity=-2,
    flags=WRITE | FAST,
    keys=one_key(RW | ACCESS | DELETE),
    since="1.0.0",
    syntax="key [count]",
    complexity=_PER_POPPED,
    history=_COUNT_ADDED,
)
def rpop(ctx: Context, args: list[bytes]) -> object:
    """Take the last element of a list, or the last few, the very last first.

    Reply: the element, null without a list; with count an array, null without a list.
    Errors: "value is out of range, must be positive", before WRONGTYPE. Source: redis.io/commands/rpop.
    """
    if len(args) > 2:
        return _pop_count(ctx, args, False)
    key = args[1]
    db = ctx.db
    value = db.write_list(key)
    if value is None:
        return None
    element = value.pop_tail()
    value.shrink(ctx.limits)
    db.changed(key, LIST, b"rpop")
    if len(value) == 0:
        db.drop_if_empty(key)
    return element


def _pop_count(ctx: Context, args: list[bytes], from_head: bool) -> object:
    if len(args) > 3:
        raise wrong_arity(args[0])
    count = positive_int_arg(args[2])
    value = ctx.db.write_list(args[1])
    if value is None:
        return NULL_ARRAY
    if count == 0:
        return []
    return _take(ctx, args[1], value, from_head, count)


def _take(ctx: Context, key: bytes, value: ListValue, from_head: bool, count: int) -> list[bytes]:
    """Pop up to `count` elements and tell everybody."""
    found = value.pop_heads(count) if from_head else value.pop_tails(count)
    value.shrink(ctx.limits)
    ctx.db.changed_by(key, LIST, b"lpop" if from_head else b"rpop", len(found))
    if len(value) == 0:
        ctx.db.drop_if_empty(key)
    return found


@group.command(
    "LMPOP",
    arity=-4,
    flags=WRITE | MOVABLE_KEYS,
    keys=num_keys(1, RW | ACCESS | DELETE),
    since="7.0.0",
    syntax="numkeys key [key ...] <LEFT | RIGHT> [COUNT count]",
    complexity=_PER_KEY_AND_POPPED,
)
def lmpop(ctx: Context, args: list[bytes]) -> object:
    """Take elements from the first list that there is among several keys.

    Reply: the key and an array of elements; a null array without any list.
    Errors: "numkeys should be greater than 0", syntax error, "count should be greater than 0", in this order;
    WRONGTYPE. Log: LPOP or RPOP with the number of elements taken. Source: redis.io/commands/lmpop.
    """
    request = _Request(args, 1)
    for key in request.keys:
        value = ctx.db.write_list(key)
        if value is not None:
            return _take_recorded(ctx, key, value, request.from_head, request.count)
    return NULL_ARRAY


def _take_recorded(ctx: Context, key: bytes, value: ListValue, from_head: bool, count: int) -> list[object]:
    """Pop elements and log it as a plain pop; return the key and the elements."""
    found = _take(ctx, key, value, from_head, count)
    ctx.record([b"LPOP" if from_head else b"RPOP", key, b"%d" % len(found)])
    return [key, found]


class _Request:
    """What LMPOP and BLMPOP are asked for; `at` is the position of numkeys."""

    def __init__(self, args: list[bytes], at: int) -> None:
        total = int_arg_between(args[at], 1, INT64_MAX, NUMKEYS_NOT_POSITIVE)
        where = at + total + 1
        if where >= len(args):
            raise CommandError(SYNTAX)
        self.keys: list[bytes] = args[at + 1 : where]
        self.from_head: bool = is_left(args[where])
        self.count: int = 1
        options = args[where + 1 :]
        if options:
            if len(options) < 2 or options[0].upper() != b"COUNT":
                raise CommandError(SYNTAX)
            self.count = int_arg_between(options[1], 1, INT64_MAX, COUNT_NOT_POSITIVE)
            if len(options) > 2:
                raise CommandError(SYNTAX)


def is_left(word: bytes) -> bool:
    """Return whether `word` says LEFT, not RIGHT; raise a syntax error when neither."""
    upper = word.upper()
    if upper == b"LEFT":
        return True
    if upper == b"RIGHT":
        return False
    raise CommandError(SYNTAX)


# -- moving


@group.command(
    "LMOVE",
    arity=5,
    flags=WRITE | DENYOOM,
    keys=one_key(RW | ACCESS | DELETE) + one_key(RW | INSERT, 2),
    since="6.2.0",
    syntax="source destination wherefrom=<LEFT | RIGHT> whereto=<LEFT | RIGHT>",
    complexity="O(1)",
)
def lmove(ctx: Context, args: list[bytes]) -> object:
    """Take an element from one end of a list and put it at an end of another, or of the same.

    Reply: the element, null when the source is absent. Errors: syntax error; WRONGTYPE, of the destination only when
    there is a source. Source: redis.io/commands/lmove.
    """
    from_head = is_left(args[3])
    to_head = is_left(args[4])
    source = ctx.db.write_list(args[1])
    if source is None:
        return None
    return _move(ctx, args[1], args[2], source, from_head, to_head)


@group.command(
    "RPOPLPUSH",
    arity=3,
    flags=WRITE | DENYOOM,
    keys=one_key(RW | ACCESS | DELETE) + one_key(RW | INSERT, 2),
    since="1.2.0",
    syntax="source destination",
    complexity="O(1)",
    deprecated=("6.2.0", "`LMOVE` from `RIGHT` to `LEFT`"),
)
def rpoplpush(ctx: Context, args: list[bytes]) -> object:
    """Take the last element of a list and put it in front of another, or of the same.

    Reply: the element, null when the source is absent. Errors: WRONGTYPE. Source: redis.io/commands/rpoplpush.
    """
    source = ctx.db.write_list(args[1])
    if source is None:
        return None
    return _move(ctx, args[1], args[2], source, False, True)


def _move(ctx: Context, key: bytes, to: bytes, source: ListValue, from_head: bool, to_head: bool) -> bytes:
    """Move an element between lists; Redis signals the push before the pop."""
    db = ctx.db
    destination = db.open_list(to)
    element = source.pop_head() if from_head else source.pop_tail()
    destination.push_moved(element, to_head, ctx.limits)
    source.shrink(ctx.limits)
    db.changed(to, LIST, b"lpush" if to_head else b"rpush")
    db.changed_by(key, LIST, b"lpop" if from_head else b"rpop", 0)
    if len(source) == 0:
        db.drop_if_empty(key)
    return element


# -- blocking


@group.command(
    "BLPOP",
    arity=-3,
    flags=WRITE | BLOCKING,
    keys=key_range(1, -2, 1, RW | ACCESS | DELETE),
    since="2.0.0",
    syntax="key [key ...] timeout",
    complexity=_PER_KEY,
    history=_TIMEOUT_IS_DOUBLE,
)
def blpop(ctx: Context, args: list[bytes]) -> object:
    """Take the first element of the first list that there is among several keys, or wait for one.

    Reply: the key and the element; a null array when the timeout (in seconds, 0 for none) is over.
    Errors: of the timeout; WRONGTYPE. Log: LPOP. Source: redis.io/commands/blpop.
    """
    return _blocking_pop(ctx, args, True)


@group.command(
    "BRPOP",
    arity=-3,
    flags=WRITE | BLOCKING,
    keys=key_range(1, -2, 1, RW | ACCESS | DELETE),
    since="2.0.0",
    syntax="key [key ...] timeout",
    complexity=_PER_KEY,
    history=_TIMEOUT_IS_DOUBLE,
)
def brpop(ctx: Context, args: list[bytes]) -> object:
    """Take the last element of the first list that there is among several keys, or wait for one.

    Reply: the key and the element; a null array when the timeout (in seconds, 0 for none) is over.
    Errors: of the timeout; WRONGTYPE. Log: RPOP. Source: redis.io/commands/brpop.
    """
    return _blocking_pop(ctx, args, False)


def _blocking_pop(ctx: Context, args: list[bytes], from_head: bool) -> object:
    deadline_ms = timeout_arg(args[-1], ctx.clock.ms)
    keys = args[1:-1]
    for key in keys:
        value = ctx.db.write_list(key)
        if value is not None:
            element = _take(ctx, key, value, from_head, 1)[0]
            ctx.record([b"LPOP" if from_head else b"RPOP", key])
            return [key, element]
    return Block(keys, deadline_ms, NULL_ARRAY, BLOCK_LIST)


@group.command(
    "BLMPOP",
    arity=-5,
    flags=WRITE | BLOCKING | MOVABLE_KEYS,
    keys=num_keys(2, RW | ACCESS | DELETE),
    since="7.0.0",
    syntax="timeout numkeys key [key ...] <LEFT | RIGHT> [COUNT count]",
    complexity=_PER_KEY_AND_POPPED,
)
def blmpop(ctx: Context, args: list[bytes]) -> object:
    """Take elements from the first list that there is among several keys, or wait for one.

    Reply: the key and an array of elements; a null array when the timeout (in seconds, 0 for none) is over.
    Errors: those of LMPOP, then of the timeout; WRONGTYPE. Log: LPOP or RPOP with the number of elements taken.
    Source: redis.io/commands/blmpop.
    """
    request = _Request(args, 2)
    deadline_ms = timeout_arg(args[1], ctx.clock.ms)
    for key in request.keys:
        value = ctx.db.write_list(key)
        if value is not None:
            return _take_recorded(ctx, key, value, request.from_head, request.count)
    return Block(request.keys, deadline_ms, NULL_ARRAY, BLOCK_LIST)


@group.command(
    "BLMOVE",
    arity=6,
    flags=WRITE | DENYOOM | BLOCKING,
    keys=one_key(RW | ACCESS | DELETE) + one_key(RW | INSERT, 2),
    since="6.2.0",
    syntax="source destination wherefrom=<LEFT | RIGHT> whereto=<LEFT | RIGHT> timeout",
    complexity="O(1)",
)
def blmove(ctx: Context, args: list[bytes]) -> object:
    """Move an element from one end of a list to an end of another, or wait until there is one.

    Reply: the element; a null array when the timeout (in seconds, 0 for none) is over, null in a transaction.
    Errors: syntax error, then of the timeout; WRONGTYPE, of the destination only when there is a source.
    Log: LMOVE. Source: redis.io/commands/blmove.
    """
    from_head = is_left(args[3])
    to_head = is_left(args[4])
    deadline_ms = timeout_arg(args[5], ctx.clock.ms)
    source = ctx.db.write_list(args[1])
    if source is None:
        return _wait_for_source(ctx, args[1], deadline_ms)
    element = _move(ctx, args[1], args[2], source, from_head, to_head)
    ctx.record([b"LMOVE", *args[1:5]])
    return element


@group.command(
    "BRPOPLPUSH",
    arity=4,
    flags=WRITE | DENYOOM | BLOCKING,
    keys=one_key(RW | ACCESS | DELETE) + one_key(RW | INSERT, 2),
    since="2.2.0",
    syntax="source destination timeout",
    complexity="O(1)",
    history=_TIMEOUT_IS_DOUBLE,
    deprecated=("6.2.0", "`BLMOVE` from `RIGHT` to `LEFT`"),
)
def brpoplpush(ctx: Context, args: list[bytes]) -> object:
    """Move the last element of a list to the front of another, or wait until there is one.

    Reply: the element; a null array when the timeout (in seconds, 0 for none) is over, null in a transaction.
    Errors: of the timeout; WRONGTYPE. Log: RPOPLPUSH. Source: redis.io/commands/brpoplpush.
    """
    deadline_ms = timeout_arg(args[3], ctx.clock.ms)
    source = ctx.db.write_list(args[1])
    if source is None:
        return _wait_for_source(ctx, args[1], deadline_ms)
    element = _move(ctx, args[1], args[2], source, False, True)
    ctx.record([b"RPOPLPUSH", args[1], args[2]])
    return element


def _wait_for_source(ctx: Context, key: bytes, deadline_ms: int) -> object:
    return None if ctx.deny_blocking else Block([key], deadline_ms, NULL_ARRAY, BLOCK_LIST)


# -- looking


@group.command("LLEN", arity=2, flags=READONLY | FAST, keys=one_key(RO), since="1.0.0", syntax="key", complexity="O(1)")
def llen(ctx: Context, args: list[bytes]) -> object:
    """Return the length of a list, 0 when it is absent.

    Errors: WRONGTYPE. Source: redis.io/commands/llen.
    """
    value = ctx.db.read_list(args[1])
    return 0 if value is None else len(value)


@group.command(
    "LRANGE",
    arity=4,
    flags=READONLY,
    keys=one_key(RO | ACCESS),
    since="1.0.0",
    syntax="key start stop",
    complexity="O(S+N) with S the way to the first element from the nearer end and N the number of elements returned.",
)
def lrange(ctx: Context, args: list[bytes]) -> object:
    """Return the elements between two indices, both included; negative ones count from the end.

    Reply: an array, empty without a list or when nothing lies between. Errors: not an integer, before WRONGTYPE.
    Source: redis.io/commands/lrange.
    """
    start: i64 = int_arg(args[2])
    stop: i64 = int_arg(args[3])
    value = ctx.db.read_list(args[1])
    if value is None:
        return []
    length: i64 = len(value)
    if start < 0:
        start += length
        if start < 0:
            start = 0
    if stop < 0:
        stop += length
    if stop >= length:
        stop = length - 1
    if start > stop:
        return []
    return value.slice(start, stop + 1)


@group.command(
    "LINDEX",
    arity=3,
    flags=READONLY,
    keys=one_key(RO | ACCESS),
    since="1.0.0",
    syntax="key index",
    complexity="O(N) with N the way to the element from the nearer end, O(1) at the ends.",
)
def lindex(ctx: Context, args: list[bytes]) -> object:
    """Return the element at an index; a negative one counts from the end.

    Reply: the element, null when there is none. Errors: WRONGTYPE; not an integer, unless the key is absent.
    Source: redis.io/commands/lindex.
    """
    value = ctx.db.read_list(args[1])
    if value is None:
        return None
    return value.get(int_arg(args[2]))


@group.command(
    "LPOS",
    arity=-3,
    flags=READONLY,
    keys=one_key(RO | ACCESS),
    since="6.0.6",
    syntax="key element [RANK rank] [COUNT num-matches] [MAXLEN len]",
    complexity="O(N) with N the number of elements compared: the length of the list, or less with MAXLEN.",
)
def lpos(ctx: Context, args: list[bytes]) -> object:
    """Return the indices of the elements that equal a given one.

    Reply: the first index or null; with COUNT (0: all) an array. Errors: syntax error; "RANK can't be zero...",
    "COUNT can't be negative", "MAXLEN can't be negative"; WRONGTYPE. Source: redis.io/commands/lpos.
    """
    rank = 1
    count = -1
    depth = 0
    for at in range(3, len(args), 2):
        option = args[at].upper()
        if at + 1 == len(args):
            raise CommandError(SYNTAX)
        word = args[at + 1]
        if option == b"RANK":
            rank = int_arg(word)
            if rank < -INT64_MAX:
                raise CommandError(_NOT_SYMMETRIC)
            if rank == 0:
                raise CommandError(_ZERO_RANK)
        elif option == b"COUNT":
            count = positive_int_arg(word, _NEGATIVE_COUNT)
        elif option == b"MAXLEN":
            depth = positive_int_arg(word, _NEGATIVE_MAXLEN)
        else:
            raise CommandError(SYNTAX)
    value = ctx.db.read_list(args[1])
    found = [] if value is None else value.positions(args[2], rank, 1 if count < 0 else count, depth)
    if count >= 0:
        return found
    return found[0] if found else None


# -- changing the middle


@group.command(
    "LINSERT",
    arity=5,
    flags=WRITE | DENYOOM,
    keys=one_key(RW | INSERT),
    since="2.2.0",
    syntax="key <BEFORE | AFTER> pivot element",
    complexity="O(N) with N the number of elements up to the pivot.",
)
def linsert(ctx: Context, args: list[bytes]) -> object:
    """Put an element before or after the first that equals a given one.

    Reply: the length of the list, -1 when there is no such element, 0 without a list.
    Errors: syntax error, before WRONGTYPE. Source: redis.io/commands/linsert.
    """
    where = args[2].upper()
    if where not in (b"BEFORE", b"AFTER"):
        raise CommandError(SYNTAX)
    key = args[1]
    value = ctx.db.write_list(key)
    if value is None:
        return 0
    if not value.insert(args[3], args[4], where == b"AFTER", ctx.limits):
        return -1
    ctx.db.changed(key, LIST, b"linsert")
    return len(value)


@group.command(
    "LSET",
    arity=4,
    flags=WRITE | DENYOOM,
    keys=one_key(RW | UPDATE),
    since="1.0.0",
    syntax="key index element",
    complexity="O(N) with N the way to the element from the nearer end, O(1) at the ends.",
)
def lset(ctx: Context, args: list[bytes]) -> object:
    """Replace the element at an index; a negative one counts from the end.

    Reply: OK. Errors: no such key, WRONGTYPE, not an integer, "index out of range". Source: redis.io/commands/lset.
    """
    key = args[1]
    value = ctx.db.write_list(key)
    if value is None:
        raise CommandError(NO_SUCH_KEY)
    index = (int_arg(args[2]) + _HALF_INT32) % (2 * _HALF_INT32) - _HALF_INT32  # Redis keeps the lower 32 bits
    if not value.set(index, args[3], ctx.limits):
        raise CommandError(INDEX_OUT_OF_RANGE)
    ctx.db.changed(key, LIST, b"lset")
    return OK


@group.command(
    "LREM",
    arity=4,
    flags=WRITE,
    keys=one_key(RW | DELETE),
    since="1.0.0",
    syntax="key count element",
    complexity="O(N+M) with N the length of the list and M the number of elements removed.",
)
def lrem(ctx: Context, args: list[bytes]) -> object:
    """Remove the elements that equal a given one: the first few, with a negative count the last few, with 0 all.

    Reply: how many were removed. Errors: not an integer, before WRONGTYPE. Source: redis.io/commands/lrem.
    """
    count = int_arg(args[2])
    if count < -INT64_MAX:
        raise CommandError(_NOT_SYMMETRIC)
    key = args[1]
    value = ctx.db.write_list(key)
    if value is None:
        return 0
    removed = value.remove(args[3], count, ctx.limits)
    if removed > 0:
        ctx.db.changed_by(key, LIST, b"lrem", removed)
        ctx.db.drop_if_empty(key)
    return removed


@group.command(
    "LTRIM",
    arity=4,
    flags=WRITE,
    keys=one_key(RW | DELETE),
    since="1.0.0",
    syntax="key start stop",
    complexity="O(N) with N the number of elements removed.",
)
def ltrim(ctx: Context, args: list[bytes]) -> object:
    """Keep only the elements between two indices, both included; negative ones count from the end.

    Reply: OK, also without a list. Errors: not an integer, before WRONGTYPE. Source: redis.io/commands/ltrim.
    """
    start = int_arg(args[2])
    stop = int_arg(args[3])
    key = args[1]
    value = ctx.db.write_list(key)
    if value is None:
        return OK
    length = len(value)
    start = max(0, start + length if start < 0 else start)
    stop = min(length - 1, stop + length if stop < 0 else stop)
    if start > stop:
        value.trim(0, 0, ctx.limits)
    else:
        value.trim(start, stop + 1, ctx.limits)
    if len(value) == length:
        ctx.db.rewritten(key, LIST, b"ltrim")
        return OK
    ctx.db.changed_by(key, LIST, b"ltrim", length - len(value))
    ctx.db.drop_if_empty(key)
    return OK
