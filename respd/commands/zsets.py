"""The sorted-set commands on single members. Source: redis.io/commands/?group=sorted-set."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

from respd.arguments import int_arg
from respd.command import ACCESS, DELETE, DENYOOM, FAST, READONLY, RO, RW, UPDATE, WRITE, Group, one_key
from respd.commands.zset_arguments import RESULT_IS_NAN, elements_reply, read_score, score_arg
from respd.datatypes.sorted_sets import Element
from respd.datatypes.strings import INT64_MAX, format_double
from respd.errors import OUT_OF_RANGE, SYNTAX, CommandError, wrong_arity
from respd.keyspace_events import ZSET
from respd.protocol.replies import NO_REPLY, NULL_ARRAY, SHORTEST_BULK
from respd.scan_arguments import cursor_arg, scan_options

if TYPE_CHECKING:
    from respd.context import Context
    from respd.datatypes.sorted_sets import SortedSet

# Options of ZADD.
OPTION_NX: Final = 1
OPTION_XX: Final = 2
_GT: Final = 4
_LT: Final = 8
OPTION_CH: Final = 16
_INCR: Final = 32

_ADD_OPTIONS: Final = (b"NX", b"XX", b"GT", b"LT", b"CH", b"INCR")
_NX_AND_XX: Final = b"ERR XX and NX options at the same time are not compatible"
_GT_LT_NX: Final = b"ERR GT, LT, and/or NX options at the same time are not compatible"
_ONE_INCR: Final = b"ERR INCR option supports a single increment-element pair"
_COUNT_RANGE: Final = b"ERR value is out of range, value must between -%d and %d" % (INT64_MAX, INT64_MAX)
_LOG_COST: Final = "O(log(N)) where N is the size of the sorted set"

group = Group("sorted-set")


@group.command(
    "ZADD",
    arity=-4,
    flags=WRITE | DENYOOM | FAST,
    keys=one_key(RW | UPDATE),
    since="1.2.0",
    syntax="key [NX | XX] [GT | LT] [change=CH] [increment=INCR] score member [score member ...]",
    complexity="O(log(N)) for each member, where N is the size of the sorted set",
    history=(
        ("2.4.0", "Takes several members."),
        ("3.0.2", "Takes `XX`, `NX`, `CH` and `INCR`."),
        ("6.2.0", "Takes `GT` and `LT`."),
    ),
)
def zadd(ctx: Context, args: list[bytes]) -> object:
    """Add members to a sorted set, or give them other scores.

    Reply: how many are new; with CH, how many are new or have another score; with INCR the new score, or null when NX,
    XX, GT or LT kept it from changing. Errors: syntax error, options that exclude each other, not a valid float, then
    WRONGTYPE; the resulting score is not a number. Source: redis.io/commands/zadd.
    """
    if len(args) != 4:
        return _zadd_many(ctx, args)
    score = read_score(args[2])
    if score != score:  # an option, or an error
        return _zadd_many(ctx, args)
    return put_score(ctx, args[1], args[3], score)


def put_score(ctx: Context, key: bytes, member: bytes, score: float) -> int:
    """Add a member to the sorted set at `key`, or give it this score; return how many are new. Event: "zadd"."""
    db = ctx.db
    zset = db.open_zset(key)
    element = zset.find(member)
    if element is None:
        zset.add(member, score, ctx.limits)
        db.changed(key, ZSET, b"zadd")
        return 1
    if element.score != score:
        zset.change(element, score)
        db.changed(key, ZSET, b"zadd")
    return 0


def _zadd_many(ctx: Context, args: list[bytes]) -> object:
    options = 0
    first = 2
    while first < len(args):
        option = zadd_option(args[first])
        if option == 0:
            break
        options |= option
        first += 1
    words = len(args) - first
    if words == 0 or words % 2:
        raise CommandError(SYNTAX)
    if options & OPTION_NX and options & OPTION_XX:
        raise CommandError(_NX_AND_XX)
    if (options & OPTION_NX and options & (_GT | _LT)) or (options & _GT and options & _LT):
        raise CommandError(_GT_LT_NX)
    if options & _INCR and words > 2:
        raise CommandError(_ONE_INCR)
    scores: list[float] = []
    for position in range(first, len(args), 2):
        scores.append(score_arg(args[position]))
    if options & _INCR:
        return _increment(ctx, args[1], args[first + 1], scores[0], options)
    return put_scores(ctx, args[1], args, first + 1, 2, scores, options)


def put_scores(
    ctx: Context, key: bytes, args: list[bytes], position: int, stride: int, scores: list[float], options: int
) -> int:
    """Give scores to the members at every `stride`th position of `args` as ZADD's options say; return its reply."""
    db = ctx.db
    zset = db.write_zset(key)
    if zset is None:
        if options & OPTION_XX:
            return 0
        zset = db.open_zset(key)
    zset.grow_for(len(scores), ctx.limits)
    added = 0
    updated = 0
    for score in scores:
        member = args[position]
        position += stride
        element = zset.find(member)
        if element is None:
            if not options & OPTION_XX:
                zset.add(member, score, ctx.limits)
                added += 1
        elif element.score != score and _may_change(element.score, score, options):
            zset.change(element, score)
            updated += 1
    if added + updated > 0:
        db.changed_by(key, ZSET, b"zadd", added + updated)
    return added + updated if options & OPTION_CH else added


def zadd_option(word: bytes) -> int:
    """Return the option of ZADD that `word` spells, else 0."""
    if len(word) == 2:
        word = word.upper()
        if word == b"NX":
            return OPTION_NX
        if word == b"XX":
            return OPTION_XX
        if word == b"GT":
            return _GT
        if word == b"LT":
            return _LT
        if word == b"CH":
            return OPTION_CH
    elif len(word) == 4 and word.upper() == b"INCR":
        return _INCR
    return 0


def _may_change(old: float, new: float, options: int) -> bool:
    """Tell whether the options let a member's score become `new`."""
    if options & OPTION_NX:
        return False
    if options & _GT:
        return new > old
    if options & _LT:
        return new < old
    return True


def _increment(ctx: Context, key: bytes, member: bytes, increment: float, options: int) -> object:
    """Add to a member's score, 0 if it is new; return the score, None if the options forbid it."""
    db = ctx.db
    zset = db.write_zset(key)
    element = None if zset is None else zset.find(member)
    if zset is None or element is None:
        if options & OPTION_XX:
            return None
        db.open_zset(key).add(member, increment, ctx.limits)
        db.changed(key, ZSET, b"zincr")
        return increment
    if options & OPTION_NX:
        return None
    old = element.score
    score = old + increment
    if math.isnan(score):
        raise CommandError(RESULT_IS_NAN)
    if not _may_change(old, score, options):
        return None
    if score != old:
        zset.change(element, score)
        db.changed(key, ZSET, b"zincr")
    return score


@group.command(
    "ZINCRBY",
    arity=4,
    flags=WRITE | DENYOOM | FAST,
    keys=one_key(RW | ACCESS | UPDATE),
    since="1.2.0",
    syntax="key increment member",
    complexity=_LOG_COST,
)
def zincrby(ctx: Context, args: list[bytes]) -> object:
    """Add to the score of a member, which is 0 if it is new.

    Reply: the new score. Errors: not a valid float, then WRONGTYPE; the resulting score is not a number.
    An increment that reads like an option of ZADD is a syntax error. Source: redis.io/commands/zincrby.
    """
    increment = read_score(args[2])
    if increment != increment:
        if args[2].upper() in _ADD_OPTIONS:
            raise CommandError(SYNTAX)
        increment = score_arg(args[2])
    return _increment(ctx, args[1], args[3], increment, 0)


@group.command(
    "ZREM",
    arity=-3,
    flags=WRITE | FAST,
    keys=one_key(RW | DELETE),
    since="1.2.0",
    syntax="key member [member ...]",
    complexity="O(M*log(N)) where N is the size of the sorted set and M the number of members to remove",
    history=(("2.4.0", "Takes several members."),),
)
def zrem(ctx: Context, args: list[bytes]) -> object:
    """Remove members from a sorted set.

    Reply: how many there were. Errors: WRONGTYPE. Source: redis.io/commands/zrem.
    """
    db = ctx.db
    key = args[1]
    zset = db.write_zset(key)
    if zset is None:
        return 0
    removed = 0
    for position in range(2, len(args)):
        if zset.discard(args[position]):
            removed += 1
    if removed > 0:
        db.changed_by(key, ZSET, b"zrem", removed)
        db.drop_if_empty(key)
    return removed


@group.command(
    "ZCARD",
    arity=2,
    flags=READONLY | FAST,
    keys=one_key(RO),
    since="1.2.0",
    syntax="key",
    complexity="O(1)",
)
def zcard(ctx: Context, args: list[bytes]) -> object:
    """Return the number of members of a sorted set, 0 when the key is absent.

    Errors: WRONGTYPE. Source: redis.io/commands/zcard.
    """
    zset = ctx.db.read_zset(args[1])
    return 0 if zset is None else len(zset)


@group.command(
    "ZSCORE",
    arity=3,
    flags=READONLY | FAST,
    keys=one_key(RO | ACCESS),
    since="1.2.0",
    syntax="key member",
    complexity="O(1)",
)
def zscore(ctx: Context, args: list[bytes]) -> object:
    """Return the score of a member of a sorted set, null when there is no such member.

    Errors: WRONGTYPE. Source: redis.io/commands/zscore.
    """
    zset = ctx.db.read_zset(args[1])
    return None if zset is None else _score(zset, args[2])


@group.command(
    "ZMSCORE",
    arity=-3,
    flags=READONLY | FAST,
    keys=one_key(RO | ACCESS),
    since="6.2.0",
    syntax="key member [member ...]",
    complexity="O(N) where N is the number of members asked for",
)
def zmscore(ctx: Context, args: list[bytes]) -> object:
    """Return the scores of several members of a sorted set, null for each that is not there.

    Errors: WRONGTYPE. Source: redis.io/commands/zmscore.
    """
    zset = ctx.db.read_zset(args[1])
    scores: list[object] = []
    for position in range(2, len(args)):
        scores.append(None if zset is None else _score(zset, args[position]))
    return scores


def _score(zset: SortedSet, member: bytes) -> float | None:
    element = zset.find(member)
    return None if element is None else element.score


@group.command(
    "ZRANK",
    arity=-3,
    flags=READONLY | FAST,
    keys=one_key(RO | ACCESS),
    since="2.0.0",
    syntax="key member [WITHSCORE]",
    complexity=_LOG_COST,
    history=(("7.2.0", "Takes `WITHSCORE`."),),
)
def zrank(ctx: Context, args: list[bytes]) -> object:
    """Return how many members of a sorted set come before a member.

    Reply: the rank, null when there is no such member; WITHSCORE: rank and score, a null array.
    Errors: wrong number of arguments; syntax error; WRONGTYPE. Source: redis.io/commands/zrank.
    """
    return _rank(ctx, args, False)


@group.command(
    "ZREVRANK",
    arity=-3,
    flags=READONLY | FAST,
    keys=one_key(RO | ACCESS),
    since="2.0.0",
    syntax="key member [WITHSCORE]",
    complexity=_LOG_COST,
    history=(("7.2.0", "Takes `WITHSCORE`."),),
)
def zrevrank(ctx: Context, args: list[bytes]) -> object:
    """Return how many members of a sorted set come after a member.

    Reply and errors: as ZRANK. Source: redis.io/commands/zrevrank.
    """
    return _rank(ctx, args, True)


def _rank(ctx: Context, args: list[bytes], reverse: bool) -> object:
    with_score = len(args) > 3
    if len(args) > 4:
        raise wrong_arity(b"zrevrank" if reverse else b"zrank")
    if with_score and args[3].upper() != b"WITHSCORE":
        raise CommandError(SYNTAX)
    zset = ctx.db.read_zset(args[1])
    element = None if zset is None else zset.find(args[2])
    if zset is None or element is None:
        return NULL_ARRAY if with_score else None
    rank = zset.rank(element)
    if reverse:
        rank = len(zset) - 1 - rank
    return [rank, element.score] if with_score else rank


@group.command(
    "ZRANDMEMBER",
    arity=-2,
    flags=READONLY,
    keys=one_key(RO | ACCESS),
    since="6.2.0",
    syntax="key options=[count [WITHSCORES]]",
    complexity="O(1) without a count, else O(N) where N is the count without its sign",
    tips=("nondeterministic_output",),
)
def zrandmember(ctx: Context, args: list[bytes]) -> object:
    """Return random members of a sorted set: different ones, or any with a negative count.

    Reply: a member, or null when the key is absent; with count an array; WITHSCORES: member and score in turn, in
    RESP3 pairs. Errors: not an integer or out of range; syntax error; WRONGTYPE. Source: redis.io/commands/zrandmember.
    """
    if len(args) > 2:
        return _zrandmember_count(ctx, args)
    zset = ctx.db.read_zset(args[1])
    return None if zset is None else zset.pick(ctx.random).member


def _zrandmember_count(ctx: Context, args: list[bytes]) -> object:
    count = int_arg(args[2])
    if count < -INT64_MAX:
        raise CommandError(_COUNT_RANGE)
    with_scores = len(args) == 4 and args[3].upper() == b"WITHSCORES"
    if len(args) > 3 and not with_scores:
        raise CommandError(SYNTAX)
    if with_scores and abs(count) > INT64_MAX // 2:
        raise CommandError(OUT_OF_RANGE)
    zset = ctx.db.read_zset(args[1])
    if zset is None or count == 0:
        return []
    elements: list[Element] = []
    if count >= len(zset):
        elements = zset.between(0, len(zset))
    elif count > 0:
        elements = ctx.random.sample(zset.unordered(), count)
    elif not ctx.has_room_for(-count * SHORTEST_BULK):
        return NO_REPLY
    else:
        for _ in range(-count):
            elements.append(zset.pick(ctx.random))
    return elements_reply(elements, with_scores)


@group.command(
    "ZSCAN",
    arity=-3,
    flags=READONLY,
    keys=one_key(RO | ACCESS),
    since="2.8.0",
    syntax="key cursor [MATCH pattern] [COUNT count]",
    complexity="O(1) for a call, O(N) for all the calls until the cursor is 0 again, where N is the number of members",
    tips=("nondeterministic_output",),
)
def zscan(ctx: Context, args: list[bytes]) -> object:
    """Walk over the members of a sorted set and their scores in steps.

    Reply: the next cursor, 0 at the end, and an array of member and score in turn. What stays in the set from the first
    call to the last is returned at least once; a small set is returned at once.
    Errors: invalid cursor; WRONGTYPE; then, only when the key exists, those of the options.
    Source: redis.io/commands/scan.
    """
    cursor = cursor_arg(args[2])
    zset = ctx.db.read_zset(args[1])
    if zset is None:
        return [b"0", []]
    options = scan_options(args, 3)
    cursor, elements = zset.scan(cursor, options.count)
    shortest = zset.encoding() == b"listpack"
    pattern = options.pattern
    flat: list[object] = []
    for element in elements:
        if pattern is None or pattern.matches(element.member):
            flat.append(element.member)
            # Redis prints the scores of a skiplist here, and only here, with 17 digits.
            flat.append(format_double(element.score) if shortest else b"%.17g" % element.score)
    return [b"%d" % cursor, flat]
