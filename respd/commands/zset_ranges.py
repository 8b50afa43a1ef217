"""The sorted-set commands that take ranges: by rank, score or member. Source: redis.io/commands/?group=sorted-set."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from respd.arguments import int_arg
from respd.command import ACCESS, DELETE, DENYOOM, FAST, OW, READONLY, RO, RW, UPDATE, WRITE, Group, one_key
from respd.commands.zset_arguments import LexRange, ScoreRange, elements_reply
from respd.datatypes.sorted_sets import Element, SortedSet, sorted_set
from respd.errors import SYNTAX, CommandError
from respd.keyspace_events import ZSET

if TYPE_CHECKING:
    from respd.context import Context

_BY_ANY: Final = 0  # as the options say
_BY_RANK: Final = 1
_BY_SCORE: Final = 2
_BY_LEX: Final = 3

_LIMIT_NEEDS_RANGE: Final = b"ERR syntax error, LIMIT is only supported in combination with either BYSCORE or BYLEX"
_NO_SCORES_BY_LEX: Final = b"ERR syntax error, WITHSCORES not supported in combination with BYLEX"
_COST: Final = "O(log(N)+M) where N is the size of the sorted set and M the number of members in the range"
_LOG_COST: Final = "O(log(N)) where N is the size of the sorted set"

group = Group("sorted-set")


class _Query:
    """A range as a command asks for it: options and ends read, no key looked at yet.

    `count` -1 is no limit. Errors come in Redis' order: options, their combination, the ends.
    """

    def __init__(self, args: list[bytes], first: int, by: int, reverse: bool, storing: bool) -> None:
        """Read the two ends at `args[first]` and the options after them; `by` _BY_ANY leaves all choices to those."""
        self.by: int = by
        self.reverse: bool = reverse
        self.with_scores: bool = False
        self.offset: int = 0
        self.count: int = -1
        self._start: int = 0
        self._stop: int = 0
        self._scores: ScoreRange | None = None
        self._members: LexRange | None = None
        if len(args) > first + 2:
            self._read_options(args, first + 2, storing)
        if self.by == _BY_ANY:
            self.by = _BY_RANK
        if self.count != -1 and self.by == _BY_RANK:
            raise CommandError(_LIMIT_NEEDS_RANGE)
        if self.with_scores and self.by == _BY_LEX:
            raise CommandError(_NO_SCORES_BY_LEX)
        low = args[first]
        high = args[first + 1]
        if self.by == _BY_RANK:
            self._start = int_arg(low)
            self._stop = int_arg(high)
            return
        if self.reverse:
            low, high = high, low
        if self.by == _BY_SCORE:
            self._scores = ScoreRange(low, high)
        else:
            self._members = LexRange(low, high)

    def _read_options(self, args: list[bytes], position: int, storing: bool) -> None:
        any_form = self.by == _BY_ANY
        while position < len(args):
            word = args[position].upper()
            if word == b"WITHSCORES" and not storing:
                self.with_scores = True
            elif word == b"LIMIT" and position + 2 < len(args):
                self.offset = int_arg(args[position + 1])
                self.count = int_arg(args[position + 2])
                position += 2
            elif word == b"REV" and any_form and not self.reverse:
                self.reverse = True
            elif word == b"BYLEX" and self.by == _BY_ANY:
                self.by = _BY_LEX
            elif word == b"BYSCORE" and self.by == _BY_ANY:
                self.by = _BY_SCORE
            else:
                raise CommandError(SYNTAX)
            position += 1

    def elements(self, zset: SortedSet) -> list[Element]:
        """Return the elements asked for, in the order asked for. O(log n + result)."""
        size = len(zset)
        if self.by == _BY_RANK:
            start, stop = rank_span(self._start, self._stop, size)
        else:
            start, stop = self._limited_span(zset)
        if start >= stop:
            return []
        if not self.reverse:
            return zset.between(start, stop)
        if self.by == _BY_RANK:
            start, stop = size - stop, size - start
        found = zset.between(start, stop)
        found.reverse()
        return found

    def _limited_span(self, zset: SortedSet) -> tuple[int, int]:
        scores = self._scores
        members = self._members
        if scores is not None:
            start, stop = scores.span(zset)
        else:
            assert members is not None
            start, stop = members.span(zset)
        offset = self.offset
        if offset < 0:  # a skiplist counts from the other end of the range, a listpack finds nothing
            offset += stop - start
            if offset < 0 or zset.encoding() == b"listpack":
                return 0, 0
        count = self.count
        if self.reverse:
            stop -= offset
            if 0 <= count < stop - start:
                start = stop - count
        else:
            start += offset
            if 0 <= count < stop - start:
                stop = start + count
        return start, stop


def rank_span(start: int, stop: int, size: int) -> tuple[int, int]:
    """Return (start, stop) half-open for ranks as clients give them: -1 is the last, and `stop` is included."""
    if start < 0:
        start = max(0, start + size)
    if stop < 0:
        stop += size
    return start, min(stop + 1, size)


def _range(ctx: Context, args: list[bytes], by: int, reverse: bool) -> object:
    query = _Query(args, 2, by, reverse, False)
    zset = ctx.db.read_zset(args[1])
    if zset is None:
        return []
    return elements_reply(query.elements(zset), query.with_scores)


@group.command(
    "ZRANGE",
    arity=-4,
    flags=READONLY,
    keys=one_key(RO | ACCESS),
    since="1.2.0",
    syntax="key start:string stop:string [BYSCORE | BYLEX] [REV] [LIMIT offset count] [WITHSCORES]",
    complexity=_COST,
    history=(("6.2.0", "Takes `REV`, `BYSCORE`, `BYLEX` and `LIMIT`."),),
)
def zrange(ctx: Context, args: list[bytes]) -> object:
    """Return the members of a sorted set within a range of ranks, scores or members.

    Reply: an array, empty when the key is absent; WITHSCORES: member and score in turn, in RESP3 pairs.
    Errors: of the options and their combination, of the ends, then WRONGTYPE. Source: redis.io/commands/zrange.
    """
    return _range(ctx, args, _BY_ANY, False)


@group.command(
    "ZREVRANGE",
    arity=-4,
    flags=READONLY,
    keys=one_key(RO | ACCESS),
    since="1.2.0",
    syntax="key start stop [WITHSCORES]",
    complexity=_COST,
    deprecated=("6.2.0", "`ZRANGE` with the `REV` argument"),
)
def zrevrange(ctx: Context, args: list[bytes]) -> object:
    """Return the members of a sorted set within a range of ranks that count from the highest score.

    Reply and errors: as ZRANGE. Source: redis.io/commands/zrevrange.
    """
    return _range(ctx, args, _BY_RANK, True)


@group.command(
    "ZRANGEBYSCORE",
    arity=-4,
    flags=READONLY,
    keys=one_key(RO | ACCESS),
    since="1.0.5",
    syntax="key min max [WITHSCORES] [LIMIT offset count]",
    complexity=_COST,
    history=(("2.0.0", "Takes `WITHSCORES`."),),
    deprecated=("6.2.0", "`ZRANGE` with the `BYSCORE` argument"),
)
def zrangebyscore(ctx: Context, args: list[bytes]) -> object:
    """Return the members of a sorted set within a range of scores.

    Reply and errors: as ZRANGE; "min or max is not a float". Source: redis.io/commands/zrangebyscore.
    """
    return _range(ctx, args, _BY_SCORE, False)


@group.command(
    "ZREVRANGEBYSCORE",
    arity=-4,
    flags=READONLY,
    keys=one_key(RO | ACCESS),
    since="2.2.0",
    syntax="key max min [WITHSCORES] [LIMIT offset count]",
    complexity=_COST,
    history=(("2.1.6", "`min` and `max` may be exclusive."),),
    deprecated=("6.2.0", "`ZRANGE` with the `REV` and `BYSCORE` arguments"),
)
def zrevrangebyscore(ctx: Context, args: list[bytes]) -> object:
    """Return the members of a sorted set within a range of scores, the highest first.

    Reply and errors: as ZRANGEBYSCORE. Source: redis.io/commands/zrevrangebyscore.
    """
    return _range(ctx, args, _BY_SCORE, True)


@group.command(
    "ZRANGEBYLEX",
    arity=-4,
    flags=READONLY,
    keys=one_key(RO | ACCESS),
    since="2.8.9",
    syntax="key min:string max:string [LIMIT offset count]",
    complexity=_COST,
    deprecated=("6.2.0", "`ZRANGE` with the `BYLEX` argument"),
)
def zrangebylex(ctx: Context, args: list[bytes]) -> object:
    """Return the members within a range of members of a sorted set whose scores are all equal.

    Reply and errors: as ZRANGE; "min or max not valid string range item". Source: redis.io/commands/zrangebylex.
    """
    return _range(ctx, args, _BY_LEX, False)


@group.command(
    "ZREVRANGEBYLEX",
    arity=-4,
    flags=READONLY,
    keys=one_key(RO | ACCESS),
    since="2.8.9",
    syntax="key max:string min:string [LIMIT offset count]",
    complexity=_COST,
    deprecated=("6.2.0", "`ZRANGE` with the `REV` and `BYLEX` arguments"),
)
def zrevrangebylex(ctx: Context, args: list[bytes]) -> object:
    """Return the members within a range of members of a sorted set whose scores are all equal, the highest first.

    Reply and errors: as ZRANGEBYLEX. Source: redis.io/commands/zrevrangebylex.
    """
    return _range(ctx, args, _BY_LEX, True)


@group.command(
    "ZRANGESTORE",
    arity=-5,
    flags=WRITE | DENYOOM,
    keys=one_key(OW | UPDATE) + one_key(RO | ACCESS, 2),
    since="6.2.0",
    syntax="dst src min:string max:string [BYSCORE | BYLEX] [REV] [LIMIT offset count]",
    complexity="O(log(N)+M) where N is the size of the source and M the number of members stored",
)
def zrangestore(ctx: Context, args: list[bytes]) -> object:
    """Store the members of a sorted set within a range in another one.

    Reply: how many they are; with none the destination is deleted. Errors: as ZRANGE, WRONGTYPE for the source.
    Source: redis.io/commands/zrangestore.
    """
    query = _Query(args, 3, _BY_ANY, False, True)
    db = ctx.db
    key = args[1]
    source = db.read_zset(args[2])
    found = [] if source is None else query.elements(source)
    if not found:
        db.delete(key)
        return 0
    if query.reverse:
        found.reverse()
    db.set(key, sorted_set(found, ctx.limits))
    db.changed(key, ZSET, b"zrangestore")
    return len(found)


@group.command(
    "ZCOUNT",
    arity=4,
    flags=READONLY | FAST,
    keys=one_key(RO | ACCESS),
    since="2.0.0",
    syntax="key min max",
    complexity=_LOG_COST,
)
def zcount(ctx: Context, args: list[bytes]) -> object:
    """Return how many members of a sorted set have a score within a range.

    Errors: "min or max is not a float", then WRONGTYPE. Source: redis.io/commands/zcount.
    """
    scores = ScoreRange(args[2], args[3])
    zset = ctx.db.read_zset(args[1])
    if zset is None:
        return 0
    start, stop = scores.span(zset)
    return max(0, stop - start)


@group.command(
    "ZLEXCOUNT",
    arity=4,
    flags=READONLY | FAST,
    keys=one_key(RO | ACCESS),
    since="2.8.9",
    syntax="key min:string max:string",
    complexity=_LOG_COST,
)
def zlexcount(ctx: Context, args: list[bytes]) -> object:
    """Return how many members are within a range of members, in a sorted set whose scores are all equal.

    Errors: "min or max not valid string range item", then WRONGTYPE. Source: redis.io/commands/zlexcount.
    """
    members = LexRange(args[2], args[3])
    zset = ctx.db.read_zset(args[1])
    if zset is None:
        return 0
    start, stop = members.span(zset)
    return max(0, stop - start)


@group.command(
    "ZREMRANGEBYRANK",
    arity=4,
    flags=WRITE,
    keys=one_key(RW | DELETE),
    since="2.0.0",
    syntax="key start stop",
    complexity=_COST,
)
def zremrangebyrank(ctx: Context, args: list[bytes]) -> object:
    """Remove the members of a sorted set within a range of ranks.

    Reply: how many were removed. Errors: not an integer or out of range, then WRONGTYPE.
    Source: redis.io/commands/zremrangebyrank.
    """
    first = int_arg(args[2])
    last = int_arg(args[3])
    zset = ctx.db.write_zset(args[1])
    if zset is None:
        return 0
    start, stop = rank_span(first, last, len(zset))
    return _remove(ctx, args[1], zset, start, stop, b"zremrangebyrank")


@group.command(
    "ZREMRANGEBYSCORE",
    arity=4,
    flags=WRITE,
    keys=one_key(RW | DELETE),
    since="1.2.0",
    syntax="key min max",
    complexity=_COST,
)
def zremrangebyscore(ctx: Context, args: list[bytes]) -> object:
    """Remove the members of a sorted set whose score is within a range.

    Reply: how many were removed. Errors: "min or max is not a float", then WRONGTYPE.
    Source: redis.io/commands/zremrangebyscore.
    """
    scores = ScoreRange(args[2], args[3])
    zset = ctx.db.write_zset(args[1])
    if zset is None:
        return 0
    start, stop = scores.span(zset)
    return _remove(ctx, args[1], zset, start, stop, b"zremrangebyscore")


@group.command(
    "ZREMRANGEBYLEX",
    arity=4,
    flags=WRITE,
    keys=one_key(RW | DELETE),
    since="2.8.9",
    syntax="key min:string max:string",
    complexity=_COST,
)
def zremrangebylex(ctx: Context, args: list[bytes]) -> object:
    """Remove the members within a range of members of a sorted set whose scores are all equal.

    Reply: how many were removed. Errors: "min or max not valid string range item", then WRONGTYPE.
    Source: redis.io/commands/zremrangebylex.
    """
    members = LexRange(args[2], args[3])
    zset = ctx.db.write_zset(args[1])
    if zset is None:
        return 0
    start, stop = members.span(zset)
    return _remove(ctx, args[1], zset, start, stop, b"zremrangebylex")


def _remove(ctx: Context, key: bytes, zset: SortedSet, start: int, stop: int, event: bytes) -> int:
    removed = zset.remove_between(start, stop)
    if removed > 0:
        ctx.db.changed_by(key, ZSET, event, removed)
        ctx.db.drop_if_empty(key)
    return removed
