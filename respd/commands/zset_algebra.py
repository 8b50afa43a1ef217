"""Unions, intersections and differences of sorted sets, and of sets as sorted sets whose scores are 1.

Source: redis.io/commands/?group=sorted-set.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, final

from respd.arguments import float_arg, int_arg, positive_int_arg
from respd.command import (
    ACCESS,
    DENYOOM,
    MOVABLE_KEYS,
    OW,
    READONLY,
    RO,
    UPDATE,
    WRITE,
    Group,
    num_keys,
    one_key,
)
from respd.commands.zset_arguments import elements_reply
from respd.datatypes.sets import SetValue
from respd.datatypes.sorted_sets import Element, SortedSet, ordered
from respd.datatypes.strings import format_double
from respd.errors import SYNTAX, WRONG_TYPE, CommandError
from respd.keyspace_events import ZSET

if TYPE_CHECKING:
    from respd.context import Context

_UNION: Final = 0
_INTERSECTION: Final = 1
_DIFFERENCE: Final = 2

_SUM: Final = 0
_MIN: Final = 1
_MAX: Final = 2
_COUNT: Final = 3  # of the sources that have a member; each counts as its weight

_STORED: Final = 0  # what becomes of the result, which decides what options there are
_REPLIED: Final = 1
_COUNTED: Final = 2

_WEIGHT_NOT_FLOAT: Final = b"ERR weight value is not a float"
_NEGATIVE_LIMIT: Final = b"ERR LIMIT can't be negative"
_UNION_COST: Final = "O(N+M*log(M)) where N is the size of all inputs together and M that of the result"
_INTERSECTION_COST: Final = "O(N*K+M*log(M)) where N is the size of the smallest of K inputs and M that of the result"
_COUNT_ADDED: Final = (("8.8.0", "Takes `COUNT` as the aggregate."),)
_DIFFERENCE_COST: Final = "O(L+M*log(M)) where L is the size of all inputs together and M that of the result"

group = Group("sorted-set")


@final
class _Source:
    """One input: a sorted set, a set (each score is 1), or nothing."""

    def __init__(self, zset: SortedSet | None, members: SetValue | None) -> None:
        self.weight: float = 1.0
        self._zset: SortedSet | None = zset
        self._members: SetValue | None = members

    def size(self) -> int:
        """Return the number of members."""
        if self._zset is not None:
            return len(self._zset)
        return len(self._members) if self._members is not None else 0

    def scores(self) -> dict[bytes, float]:
        """Return all members with their scores."""
        found: dict[bytes, float] = {}
        if self._zset is not None:
            for element in self._zset.unordered():
                found[element.member] = element.score
        elif self._members is not None:
            for member in self._members.members():
                found[member] = 1.0
        return found

    def elements(self) -> list[Element]:
        """Return all members with their scores, perhaps the set's own list, to be read at once."""
        if self._zset is not None:
            return self._zset.unordered()
        if self._members is not None:
            return [Element(member, 1.0) for member in self._members.members()]
        return []

    def score(self, member: bytes) -> float | None:
        """Return the score of `member`, None if it is not there."""
        if self._zset is not None:
            element = self._zset.find(member)
            return None if element is None else element.score
        if self._members is not None and self._members.contains(member):
            return 1.0
        return None


@final
class _Query:
    """The words from the number of keys on, read and checked in Redis' order, and the keys looked up."""

    def __init__(self, ctx: Context, name: bytes, args: list[bytes], at: int, operation: int, use: int) -> None:
        number = int_arg(args[at])
        if number < 1:
            raise CommandError(b"ERR at least 1 input key is needed for '%b' command" % name)
        if number > len(args) - at - 1:
            raise CommandError(SYNTAX)
        self.operation: int = operation
        self.sources: list[_Source] = [_source(ctx, key) for key in args[at + 1 : at + 1 + number]]
        self.aggregate: int = _SUM
        self.with_scores: bool = False
        self.limit: int = 0
        position = at + 1 + number
        while position < len(args):
            position = self._read_option(args, position, use)

    def _read_option(self, args: list[bytes], position: int, use: int) -> int:
        """Read the option at `position`; return where the next one is."""
        word = args[position].upper()
        left = len(args) - position
        weighs = self.operation != _DIFFERENCE and use != _COUNTED
        if word == b"WEIGHTS" and weighs and left > len(self.sources):
            for source in self.sources:
                position += 1
                source.weight = float_arg(args[position], _WEIGHT_NOT_FLOAT)
        elif word == b"AGGREGATE" and weighs and left > 1:
            position += 1
            self.aggregate = _aggregate_arg(args[position])
        elif word == b"WITHSCORES" and use == _REPLIED:
            self.with_scores = True
        elif word == b"LIMIT" and use == _COUNTED and left > 1:
            position += 1
            self.limit = positive_int_arg(args[position], _NEGATIVE_LIMIT)
        else:
            raise CommandError(SYNTAX)
        return position + 1

    def scores(self) -> dict[bytes, float]:
        """Return the members of the result with their scores."""
        if self.operation == _DIFFERENCE:
            return _difference(self.sources)
        sources = sorted(self.sources, key=_Source.size)  # as Redis does: the order shows in sums of doubles
        if self.operation == _UNION:
            return _union(sources, self.aggregate)
        return _intersection(sources, self.aggregate)


def _source(ctx: Context, key: bytes) -> _Source:
    entry = ctx.db.read(key)
    if entry is None:
        return _Source(None, None)
    value = entry.value
    if isinstance(value, SortedSet):
        return _Source(value, None)
    if isinstance(value, SetValue):
        return _Source(None, value)
    raise CommandError(WRONG_TYPE)


def _aggregate_arg(word: bytes) -> int:
    word = word.upper()
    if word == b"SUM":
        return _SUM
    if word == b"MIN":
        return _MIN
    if word == b"MAX":
        return _MAX
    if word == b"COUNT":
        return _COUNT
    raise CommandError(SYNTAX)


def _weighted(score: float, weight: float, aggregate: int) -> float:
    """Return what a score contributes: its product with the weight; infinity times zero counts as zero."""
    if aggregate == _COUNT:
        return weight
    product = score * weight
    return product if product == product else 0.0


def _joined(left: float, right: float, aggregate: int) -> float:
    """Return the aggregate of two scores; infinity and its opposite add up to zero."""
    if aggregate == _MIN:
        return right if right < left else left
    if aggregate == _MAX:
        return right if right > left else left
    total = left + right
    return total if total == total else 0.0


def _union(sources: list[_Source], aggregate: int) -> dict[bytes, float]:
    result: dict[bytes, float] = {}
    for source in sources:
        weight = source.weight
        for element in source.elements():
            score = _weighted(element.score, weight, aggregate)
            other = result.get(element.member)
            result[element.member] = score if other is None else _joined(other, score, aggregate)
    return result


def _intersection(sources: list[_Source], aggregate: int) -> dict[bytes, float]:
    result: dict[bytes, float] = {}
    first = sources[0]
    rest = sources[1:]
    for element in first.elements():
        total = _weighted(element.score, first.weight, aggregate)
        for source in rest:
            other = source.score(element.member)
            if other is None:
                break
            total = _joined(total, source.weight if aggregate == _COUNT else other * source.weight, aggregate)
        else:
            result[element.member] = total
    return result


def _difference(sources: list[_Source]) -> dict[bytes, float]:
    result = sources[0].scores()
    for source in sources[1:]:
        if not result:
            break
        if source.size() <= len(result):
            for member in source.scores():
                result.pop(member, 0.0)
        else:
            for member in list(result):
                if source.score(member) is not None:
                    del result[member]
    return result


def _reply(ctx: Context, name: bytes, args: list[bytes], operation: int) -> object:
    query = _Query(ctx, name, args, 1, operation, _REPLIED)
    return elements_reply(ordered(query.scores()), query.with_scores)


def _store(ctx: Context, name: bytes, args: list[bytes], operation: int) -> object:
    query = _Query(ctx, name, args, 2, operation, _STORED)
    scores = query.scores()
    db = ctx.db
    key = args[1]
    if not scores:
        db.delete(key)
        return 0
    value = SortedSet()
    value.fill(list(scores), list(scores.values()), ctx.limits, False)
    db.set(key, value)
    db.changed(key, ZSET, name)
    if query.aggregate == _COUNT and ctx.effects.is_on:
        _record_result(ctx, key, scores)
    return len(scores)


def _record_result(ctx: Context, key: bytes, scores: dict[bytes, float]) -> None:
    """Log what was stored, in words that every version of redis-server knows."""
    ctx.record([b"DEL", key])
    words = [b"ZADD", key]
    for member, score in scores.items():
        words.append(format_double(score))
        words.append(member)
    ctx.record(words)


@group.command(
    "ZUNION",
    arity=-3,
    flags=READONLY | MOVABLE_KEYS,
    keys=num_keys(1, RO | ACCESS),
    since="6.2.0",
    syntax="numkeys key [key ...] [WEIGHTS weight [weight ...]] [AGGREGATE <SUM | MIN | MAX | COUNT>] [WITHSCORES]",
    complexity=_UNION_COST,
    history=_COUNT_ADDED,
)
def zunion(ctx: Context, args: list[bytes]) -> object:
    """Return the members that any of several sorted sets has.

    Reply: an array in order of the joined scores; WITHSCORES: member and score in turn, in RESP3 pairs.
    Errors: of numkeys, WRONGTYPE (sets are welcome), then of the options. Source: redis.io/commands/zunion.
    """
    return _reply(ctx, b"zunion", args, _UNION)


@group.command(
    "ZUNIONSTORE",
    arity=-4,
    flags=WRITE | DENYOOM | MOVABLE_KEYS,
    keys=one_key(OW | UPDATE) + num_keys(2, RO | ACCESS),
    since="2.0.0",
    syntax="destination numkeys key [key ...] [WEIGHTS weight [weight ...]] [AGGREGATE <SUM | MIN | MAX | COUNT>]",
    complexity=_UNION_COST,
    history=_COUNT_ADDED,
)
def zunionstore(ctx: Context, args: list[bytes]) -> object:
    """Store the members that any of several sorted sets has in another one.

    Reply: how many they are; with none the destination is deleted. Errors: as ZUNION. Log: as sent; with AGGREGATE
    COUNT the result, as DEL and ZADD. Source: redis.io/commands/zunionstore.
    """
    return _store(ctx, b"zunionstore", args, _UNION)


@group.command(
    "ZINTER",
    arity=-3,
    flags=READONLY | MOVABLE_KEYS,
    keys=num_keys(1, RO | ACCESS),
    since="6.2.0",
    syntax="numkeys key [key ...] [WEIGHTS weight [weight ...]] [AGGREGATE <SUM | MIN | MAX | COUNT>] [WITHSCORES]",
    complexity=_INTERSECTION_COST,
    history=_COUNT_ADDED,
)
def zinter(ctx: Context, args: list[bytes]) -> object:
    """Return the members that several sorted sets have in common.

    Reply and errors: as ZUNION. Source: redis.io/commands/zinter.
    """
    return _reply(ctx, b"zinter", args, _INTERSECTION)


@group.command(
    "ZINTERSTORE",
    arity=-4,
    flags=WRITE | DENYOOM | MOVABLE_KEYS,
    keys=one_key(OW | UPDATE) + num_keys(2, RO | ACCESS),
    since="2.0.0",
    syntax="destination numkeys key [key ...] [WEIGHTS weight [weight ...]] [AGGREGATE <SUM | MIN | MAX | COUNT>]",
    complexity=_INTERSECTION_COST,
    history=_COUNT_ADDED,
)
def zinterstore(ctx: Context, args: list[bytes]) -> object:
    """Store the members that several sorted sets have in common in another one.

    Reply: how many they are; with none the destination is deleted. Errors: as ZUNION. Log: as sent; with AGGREGATE
    COUNT the result, as DEL and ZADD. Source: redis.io/commands/zinterstore.
    """
    return _store(ctx, b"zinterstore", args, _INTERSECTION)


@group.command(
    "ZINTERCARD",
    arity=-3,
    flags=READONLY | MOVABLE_KEYS,
    keys=num_keys(1, RO | ACCESS),
    since="7.0.0",
    syntax="numkeys key [key ...] [LIMIT limit]",
    complexity="O(N*K) where N is the size of the smallest of K inputs",
)
def zintercard(ctx: Context, args: list[bytes]) -> object:
    """Return how many members several sorted sets have in common.

    Reply: an integer, at most LIMIT unless that is 0. Errors: of numkeys, WRONGTYPE, then of LIMIT.
    Source: redis.io/commands/zintercard.
    """
    query = _Query(ctx, b"zintercard", args, 1, _INTERSECTION, _COUNTED)
    sources = sorted(query.sources, key=_Source.size)
    limit = query.limit
    count = 0
    rest = sources[1:]
    for element in sources[0].elements():
        for source in rest:
            if source.score(element.member) is None:
                break
        else:
            count += 1
            if count == limit:
                break
    return count


@group.command(
    "ZDIFF",
    arity=-3,
    flags=READONLY | MOVABLE_KEYS,
    keys=num_keys(1, RO | ACCESS),
    since="6.2.0",
    syntax="numkeys key [key ...] [WITHSCORES]",
    complexity=_DIFFERENCE_COST,
)
def zdiff(ctx: Context, args: list[bytes]) -> object:
    """Return the members of a sorted set that others do not have.

    Reply and errors: as ZUNION, with the scores of the first. Source: redis.io/commands/zdiff.
    """
    return _reply(ctx, b"zdiff", args, _DIFFERENCE)


@group.command(
    "ZDIFFSTORE",
    arity=-4,
    flags=WRITE | DENYOOM | MOVABLE_KEYS,
    keys=one_key(OW | UPDATE) + num_keys(2, RO | ACCESS),
    since="6.2.0",
    syntax="destination numkeys key [key ...]",
    complexity=_DIFFERENCE_COST,
)
def zdiffstore(ctx: Context, args: list[bytes]) -> object:
    """Store the members of a sorted set that others do not have in another one.

    Reply: how many they are; with none the destination is deleted. Errors: as ZUNION.
    Source: redis.io/commands/zdiffstore.
    """
    return _store(ctx, b"zdiffstore", args, _DIFFERENCE)
