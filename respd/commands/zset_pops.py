"""The sorted-set commands that take the lowest or highest members away, waiting for some or not.

Source: redis.io/commands/?group=sorted-set.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, final

from respd.arguments import int_arg_between, positive_int_arg, timeout_arg
from respd.blocking import BLOCK_ZSET, Block
from respd.command import ACCESS, BLOCKING, DELETE, FAST, MOVABLE_KEYS, RW, WRITE, Group, key_range, num_keys, one_key
from respd.commands.zset_arguments import flat_scores, nested_scores
from respd.datatypes.sorted_sets import Element, SortedSet
from respd.datatypes.strings import INT64_MAX
from respd.errors import NUMKEYS_NOT_POSITIVE, SYNTAX, CommandError
from respd.keyspace_events import ZSET
from respd.protocol.replies import NULL_ARRAY, Pairs

if TYPE_CHECKING:
    from respd.context import Context

_COUNT_NOT_POSITIVE: Final = b"ERR count should be greater than 0"
_POP_COST: Final = "O(M*log(N)) where N is the size of the sorted set and M the number of members popped"
_MANY_COST: Final = "O(K+M*log(N)) where K is the number of keys, N the size of the sorted set, M the members popped"

group = Group("sorted-set")


@group.command(
    "ZPOPMIN",
    arity=-2,
    flags=WRITE | FAST,
    keys=one_key(RW | ACCESS | DELETE),
    since="5.0.0",
    syntax="key [count]",
    complexity=_POP_COST,
)
def zpopmin(ctx: Context, args: list[bytes]) -> object:
    """Remove the members of a sorted set with the lowest scores and return them.

    Reply: member and score, nothing when the key is absent; with count, an array of such, in RESP3 of pairs.
    Errors: syntax error; out of range, must be positive; WRONGTYPE. Source: redis.io/commands/zpopmin.
    """
    if len(args) != 2:
        return _pop_count(ctx, args, False)
    key = args[1]
    db = ctx.db
    zset = db.write_zset(key)
    if zset is None:
        return []
    element = zset.pop_min()
    db.changed(key, ZSET, b"zpopmin")
    if len(zset) == 0:
        db.drop_if_empty(key)
    return [element.member, element.score]


@group.command(
    "ZPOPMAX",
    arity=-2,
    flags=WRITE | FAST,
    keys=one_key(RW | ACCESS | DELETE),
    since="5.0.0",
    syntax="key [count]",
    complexity=_POP_COST,
)
def zpopmax(ctx: Context, args: list[bytes]) -> object:
    """Remove the members of a sorted set with the highest scores and return them.

    Reply and errors: as ZPOPMIN. Source: redis.io/commands/zpopmax.
    """
    if len(args) != 2:
        return _pop_count(ctx, args, True)
    zset = ctx.db.write_zset(args[1])
    return [] if zset is None else flat_scores(_pop(ctx, args[1], zset, 1, True))


def _pop_count(ctx: Context, args: list[bytes], highest: bool) -> object:
    if len(args) > 3:
        raise CommandError(SYNTAX)
    count = positive_int_arg(args[2])
    zset = ctx.db.write_zset(args[1])
    if zset is None or count == 0:
        return []
    return Pairs(flat_scores(_pop(ctx, args[1], zset, count, highest)))


def _pop(ctx: Context, key: bytes, zset: SortedSet, count: int, highest: bool) -> list[Element]:
    """Remove and return `count` elements, or as many as there are, from one end of the set at `key`."""
    popped: list[Element] = []
    for _ in range(min(count, len(zset))):
        popped.append(zset.pop_max() if highest else zset.pop_min())
    ctx.db.changed_by(key, ZSET, b"zpopmax" if highest else b"zpopmin", len(popped))
    ctx.db.drop_if_empty(key)
    return popped


@final
class _ManyPop:
    """The words of ZMPOP and BZMPOP from the number of keys on, read and checked in Redis' order."""

    def __init__(self, args: list[bytes], at: int) -> None:
        number = int_arg_between(args[at], 1, INT64_MAX, NUMKEYS_NOT_POSITIVE)
        where = at + 1 + number
        if where >= len(args):
            raise CommandError(SYNTAX)
        self.keys: list[bytes] = args[at + 1 : where]
        word = args[where].upper()
        if word not in (b"MIN", b"MAX"):
            raise CommandError(SYNTAX)
        self.highest: bool = word == b"MAX"
        self.count: int = 1
        if len(args) == where + 1:
            return
        if args[where + 1].upper() != b"COUNT" or len(args) == where + 2:
            raise CommandError(SYNTAX)
        self.count = int_arg_between(args[where + 2], 1, INT64_MAX, _COUNT_NOT_POSITIVE)
        if len(args) > where + 3:
            raise CommandError(SYNTAX)

    def pop(self, ctx: Context) -> object:
        """Pop from the first key that has members: return [key, [[member, score], ...]], or None."""
        for key in self.keys:
            zset = ctx.db.write_zset(key)
            if zset is not None:
                popped = _pop(ctx, key, zset, self.count, self.highest)
                ctx.record([b"ZPOPMAX" if self.highest else b"ZPOPMIN", key, b"%d" % len(popped)])
                return [key, nested_scores(popped)]
        return None


@group.command(
    "ZMPOP",
    arity=-4,
    flags=WRITE | MOVABLE_KEYS,
    keys=num_keys(1, RW | ACCESS | DELETE),
    since="7.0.0",
    syntax="numkeys key [key ...] <MIN | MAX> [COUNT count]",
    complexity=_MANY_COST,
)
def zmpop(ctx: Context, args: list[bytes]) -> object:
    """Remove the lowest or highest members of the first of several sorted sets that is not empty, and return them.

    Reply: the key and an array of pairs of member and score; a null array when all are empty.
    Errors: numkeys or count should be greater than 0; syntax error; WRONGTYPE. Log: ZPOPMIN or ZPOPMAX key count.
    Source: redis.io/commands/zmpop.
    """
    query = _ManyPop(args, 1)
    reply = query.pop(ctx)
    return NULL_ARRAY if reply is None else reply


@group.command(
    "BZMPOP",
    arity=-5,
    flags=WRITE | BLOCKING | MOVABLE_KEYS,
    keys=num_keys(2, RW | ACCESS | DELETE),
    since="7.0.0",
    syntax="timeout numkeys key [key ...] <MIN | MAX> [COUNT count]",
    complexity=_MANY_COST,
)
def bzmpop(ctx: Context, args: list[bytes]) -> object:
    """Do as ZMPOP, but wait for members when there are none.

    Reply: as ZMPOP, a null array when the time is up. Errors: those of ZMPOP but WRONGTYPE, of the timeout, WRONGTYPE.
    Log: ZPOPMIN or ZPOPMAX key count. Source: redis.io/commands/bzmpop.
    """
    query = _ManyPop(args, 2)
    deadline_ms = timeout_arg(args[1], ctx.clock.ms)
    reply = query.pop(ctx)
    return Block(query.keys, deadline_ms, NULL_ARRAY, BLOCK_ZSET) if reply is None else reply


@group.command(
    "BZPOPMIN",
    arity=-3,
    flags=WRITE | FAST | BLOCKING,
    keys=key_range(1, -2, 1, RW | ACCESS | DELETE),
    since="5.0.0",
    syntax="key [key ...] timeout",
    complexity=_POP_COST,
    history=(("6.0.0", "`timeout` may have a fraction."),),
)
def bzpopmin(ctx: Context, args: list[bytes]) -> object:
    """Remove and return the lowest member of the first of several sorted sets that is not empty, or wait for one.

    Reply: key, member and score; a null array when the time is up. Errors: of the timeout, then WRONGTYPE.
    Log: ZPOPMIN key. Source: redis.io/commands/bzpopmin.
    """
    return _blocking_pop(ctx, args, False)


@group.command(
    "BZPOPMAX",
    arity=-3,
    flags=WRITE | FAST | BLOCKING,
    keys=key_range(1, -2, 1, RW | ACCESS | DELETE),
    since="5.0.0",
    syntax="key [key ...] timeout",
    complexity=_POP_COST,
    history=(("6.0.0", "`timeout` may have a fraction."),),
)
def bzpopmax(ctx: Context, args: list[bytes]) -> object:
    """Remove and return the highest member of the first of several sorted sets that is not empty, or wait for one.

    Reply, errors and log: as BZPOPMIN, with ZPOPMAX. Source: redis.io/commands/bzpopmax.
    """
    return _blocking_pop(ctx, args, True)


def _blocking_pop(ctx: Context, args: list[bytes], highest: bool) -> object:
    deadline_ms = timeout_arg(args[-1], ctx.clock.ms)
    keys = args[1:-1]
    for key in keys:  # all of them even after a wait, as in Redis: the first may be ready as well by now
        zset = ctx.db.write_zset(key)
        if zset is not None:
            element = _pop(ctx, key, zset, 1, highest)[0]
            ctx.record([b"ZPOPMAX" if highest else b"ZPOPMIN", key])
            return [key, element.member, element.score]
    return Block(keys, deadline_ms, NULL_ARRAY, BLOCK_ZSET)
