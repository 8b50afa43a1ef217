"""The set commands. Source: redis.io/commands/?group=set."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, cast

from respd.arguments import int_arg, positive_int_arg
from respd.command import (
    ACCESS,
    DELETE,
    DENYOOM,
    FAST,
    INSERT,
    MOVABLE_KEYS,
    OW,
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
from respd.datatypes.sets import (
    SetValue,
    difference,
    difference_size,
    intersection,
    stored_difference,
    stored_intersection,
    stored_union,
    union,
    union_size,
)
from respd.datatypes.strings import INT64_MAX
from respd.errors import NUMKEYS_NOT_POSITIVE, SYNTAX, WRONG_TYPE, CommandError
from respd.keyspace_events import SET
from respd.protocol.replies import NO_REPLY, SHORTEST_BULK, SetReply
from respd.scan_arguments import cursor_arg, scan_options

if TYPE_CHECKING:
    from respd.context import Context

_RECORD_WORDS: Final = 1024
_TOO_MANY_KEYS: Final = b"ERR Number of keys can't be greater than number of args"
_NEGATIVE_LIMIT: Final = b"ERR LIMIT can't be negative"
_COUNT_RANGE: Final = b"ERR value is out of range, value must between -%d and %d" % (INT64_MAX, INT64_MAX)
_ALL_MEMBERS: Final = "O(N) where N is the total number of members in all the sets."
_SMALLEST_TIMES_SETS: Final = "O(N*M) worst case, N the size of the smallest set and M the number of sets."

group = Group("set")


@group.command(
    "SADD",
    arity=-3,
    flags=WRITE | DENYOOM | FAST,
    keys=one_key(RW | INSERT),
    since="1.0.0",
    syntax="key member [member ...]",
    complexity="O(1) for each member",
    history=(("2.4.0", "Takes several `member` arguments."),),
)
def sadd(ctx: Context, args: list[bytes]) -> object:
    """Add members to a set, which is created when there is none.

    Reply: how many members are new. Errors: WRONGTYPE. Source: redis.io/commands/sadd.
    """
    db = ctx.db
    key = args[1]
    members = db.open_set(key)
    limits = ctx.limits
    added = 0
    if len(args) == 3:
        if members.add(args[2], limits):
            added = 1
    else:
        members.prepare(args[2], len(args) - 2, limits)
        for index in range(2, len(args)):
            if members.add(args[index], limits):
                added += 1
    if added > 0:
        db.changed_by(key, SET, b"sadd", added)
    return added


@group.command(
    "SREM",
    arity=-3,
    flags=WRITE | FAST,
    keys=one_key(RW | DELETE),
    since="1.0.0",
    syntax="key member [member ...]",
    complexity="O(N) where N is the number of members to remove",
    history=(("2.4.0", "Takes several `member` arguments."),),
)
def srem(ctx: Context, args: list[bytes]) -> object:
    """Remove members from a set, and the key with the last of them.

    Reply: how many members were there. Errors: WRONGTYPE. Source: redis.io/commands/srem.
    """
    db = ctx.db
    key = args[1]
    members = db.write_set(key)
    if members is None:
        return 0
    removed = 0
    for index in range(2, len(args)):
        if members.discard(args[index]):
            removed += 1
    if removed > 0:
        db.changed_by(key, SET, b"srem", removed)
        if len(members) == 0:
            db.drop_if_empty(key)
    return removed


@group.command(
    "SMOVE",
    arity=4,
    flags=WRITE | FAST,
    keys=one_key(RW | ACCESS | DELETE) + one_key(RW | INSERT, at=2),
    since="1.0.0",
    syntax="source destination member",
    complexity="O(1)",
)
def smove(ctx: Context, args: list[bytes]) -> object:
    """Move a member from one set to another.

    Reply: 1, or 0 when it is not in the source. Errors: WRONGTYPE for either key, when the source exists.
    Source: redis.io/commands/smove.
    """
    db = ctx.db
    source_key = args[1]
    target_key = args[2]
    member = args[3]
    source_entry = db.write(source_key)
    target_entry = db.write(target_key)
    if source_entry is None:
        return 0
    source = source_entry.value
    if not isinstance(source, SetValue):
        raise CommandError(WRONG_TYPE)
    if target_entry is not None and not isinstance(target_entry.value, SetValue):
        raise CommandError(WRONG_TYPE)
    if source_entry is target_entry:
        return 1 if source.contains(member) else 0
    if not source.discard(member):
        return 0
    db.changed(source_key, SET, b"srem")
    if len(source) == 0:
        db.drop_if_empty(source_key)
    if db.open_set(target_key).add(member, ctx.limits):
        db.changed(target_key, SET, b"sadd")
    return 1


@group.command(
    "SISMEMBER",
    arity=3,
    flags=READONLY | FAST,
    keys=one_key(RO),
    since="1.0.0",
    syntax="key member",
    complexity="O(1)",
)
def sismember(ctx: Context, args: list[bytes]) -> object:
    """Tell whether a set has a member.

    Reply: 1 or 0. Errors: WRONGTYPE. Source: redis.io/commands/sismember.
    """
    members = ctx.db.read_set(args[1])
    return 1 if members is not None and members.contains(args[2]) else 0


@group.command(
    "SMISMEMBER",
    arity=-3,
    flags=READONLY | FAST,
    keys=one_key(RO | ACCESS),
    since="6.2.0",
    syntax="key member [member ...]",
    complexity="O(N) where N is the number of members asked about",
)
def smismember(ctx: Context, args: list[bytes]) -> object:
    """Tell for each of several members whether a set has it.

    Reply: an array of 1 and 0. Errors: WRONGTYPE. Source: redis.io/commands/smismember.
    """
    members = ctx.db.read_set(args[1])
    found: list[object] = []
    for index in range(2, len(args)):
        found.append(1 if members is not None and members.contains(args[index]) else 0)
    return found


@group.command(
    "SCARD", arity=2, flags=READONLY | FAST, keys=one_key(RO), since="1.0.0", syntax="key", complexity="O(1)"
)
def scard(ctx: Context, args: list[bytes]) -> object:
    """Return the number of members of a set.

    Reply: an integer, 0 when the key is absent. Errors: WRONGTYPE. Source: redis.io/commands/scard.
    """
    members = ctx.db.read_set(args[1])
    return 0 if members is None else len(members)


@group.command(
    "SPOP",
    arity=-2,
    flags=WRITE | FAST,
    keys=one_key(RW | ACCESS | DELETE),
    since="1.0.0",
    syntax="key [count]",
    complexity="O(1) without a count, else O(N) where N is the count",
    tips=("nondeterministic_output",),
    history=(("3.2.0", "Takes a `count`."),),
)
def spop(ctx: Context, args: list[bytes]) -> object:
    """Remove random members of a set and return them.

    Reply: a member, or null when the key is absent; with a count a set of members, maybe empty.
    Errors: "value is out of range, must be positive"; syntax error; WRONGTYPE, in this order.
    Log: SREM key member..., or DEL key when the count takes all. Cost: O(1) a member. Source: redis.io/commands/spop.
    """
    if len(args) > 2:
        return _spop_count(ctx, args)
    db = ctx.db
    key = args[1]
    members = db.write_set(key)
    if members is None:
        return None
    member = members.pop_random(ctx.random)
    db.changed(key, SET, b"spop")
    if len(members) == 0:
        db.drop_if_empty(key)
    ctx.record([b"SREM", key, member])
    return member


def _spop_count(ctx: Context, args: list[bytes]) -> object:
    if len(args) > 3:
        raise CommandError(SYNTAX)
    count = positive_int_arg(args[2])
    db = ctx.db
    key = args[1]
    members = db.write_set(key)
    if members is None or count == 0:
        return SetReply([])
    if count >= len(members):
        popped = members.members()
        db.changed_by(key, SET, b"spop", len(popped) - 1)  # deleting the key counts, too
        db.delete(key)
        ctx.record([b"UNLINK" if ctx.config.lazyfree_lazy_server_del else b"DEL", key])
        return _set_reply(popped)
    popped = members.pop_many(count, ctx.random, ctx.limits)
    db.changed_by(key, SET, b"spop", count)
    for start in range(0, count, _RECORD_WORDS):
        ctx.record([b"SREM", key, *popped[start : start + _RECORD_WORDS]])
    return _set_reply(popped)


@group.command(
    "SRANDMEMBER",
    arity=-2,
    flags=READONLY,
    keys=one_key(RO | ACCESS),
    since="1.0.0",
    syntax="key [count]",
    complexity="O(1) without a count, else O(N) where N is the count without its sign",
    tips=("nondeterministic_output",),
    history=(("2.6.0", "Takes a `count`."),),
)
def srandmember(ctx: Context, args: list[bytes]) -> object:
    """Return random members of a set: different ones, or any with a negative count.

    Reply: a member, or null when the key is absent; with a count an array of members.
    Errors: not an integer or out of range; syntax error; WRONGTYPE. Source: redis.io/commands/srandmember.
    """
    if len(args) > 2:
        return _srandmember_count(ctx, args)
    members = ctx.db.read_set(args[1])
    return None if members is None else members.pick(ctx.random)


def _srandmember_count(ctx: Context, args: list[bytes]) -> object:
    if len(args) > 3:
        raise CommandError(SYNTAX)
    count = int_arg(args[2])
    if count < -INT64_MAX:
        raise CommandError(_COUNT_RANGE)
    members = ctx.db.read_set(args[1])
    if members is None or count == 0:
        return []
    random = ctx.random
    if count > 0:
        return members.sample(count, random)
    if not ctx.has_room_for(-count * SHORTEST_BULK):
        return NO_REPLY
    picked: list[object] = []
    for _ in range(-count):
        picked.append(members.pick(random))
    return picked


@group.command(
    "SMEMBERS",
    arity=2,
    flags=READONLY,
    keys=one_key(RO | ACCESS),
    since="1.0.0",
    syntax="key",
    complexity="O(N) where N is the number of members",
    tips=("nondeterministic_output_order",),
)
def smembers(ctx: Context, args: list[bytes]) -> object:
    """Return all members of a set.

    Reply: a set, empty when the key is absent. Errors: WRONGTYPE. Source: redis.io/commands/smembers.
    """
    members = ctx.db.read_set(args[1])
    return SetReply([]) if members is None else _set_reply(members.members())


@group.command(
    "SSCAN",
    arity=-3,
    flags=READONLY,
    keys=one_key(RO | ACCESS),
    since="2.8.0",
    syntax="key cursor [MATCH pattern] [COUNT count]",
    complexity="O(1) for a call, O(N) for all the calls until the cursor is 0 again, where N is the number of members",
    tips=("nondeterministic_output",),
)
def sscan(ctx: Context, args: list[bytes]) -> object:
    """Walk over the members of a set in steps.

    Reply: the next cursor, 0 at the end, and an array of members. What stays in the set from the first call to the
    last is returned at least once; a small set is returned at once.
    Errors: invalid cursor; WRONGTYPE; then, only when the key exists, those of the options.
    Source: redis.io/commands/scan.
    """
    cursor = cursor_arg(args[2])
    members = ctx.db.read_set(args[1])
    if members is None:
        return [b"0", []]
    options = scan_options(args, 3)
    cursor, found = members.scan(cursor, options.count)
    pattern = options.pattern
    if pattern is not None:
        found = [member for member in found if pattern.matches(member)]
    return [b"%d" % cursor, found]


@group.command(
    "SUNION",
    arity=-2,
    flags=READONLY,
    keys=key_range(1, -1, 1, RO | ACCESS),
    since="1.0.0",
    syntax="key [key ...]",
    complexity=_ALL_MEMBERS,
    tips=("nondeterministic_output_order",),
)
def sunion(ctx: Context, args: list[bytes]) -> object:
    """Return the members of several sets together.

    Reply: a set. Errors: WRONGTYPE. Source: redis.io/commands/sunion.
    """
    return _set_reply(union(_present(_sets(ctx, args, 1))))


@group.command(
    "SUNIONCARD",
    arity=-3,
    flags=READONLY | MOVABLE_KEYS,
    keys=num_keys(1, RO | ACCESS),
    since="8.10.0",
    syntax="numkeys key [key ...] [APPROX] [LIMIT limit]",
    complexity=_ALL_MEMBERS,
)
def sunioncard(ctx: Context, args: list[bytes]) -> object:
    """Return how many members several sets have together.

    Reply: an integer, at most LIMIT unless that is 0. With APPROX Redis may estimate; this one counts.
    Errors: of numkeys, of the options, then WRONGTYPE. Source: redis.io/commands/sunioncard.
    """
    sets, limit = _counted_sets(ctx, args, True)
    return union_size(_present(sets), limit)


@group.command(
    "SUNIONSTORE",
    arity=-3,
    flags=WRITE | DENYOOM,
    keys=one_key(OW | UPDATE) + key_range(2, -1, 1, RO | ACCESS),
    since="1.0.0",
    syntax="destination key [key ...]",
    complexity=_ALL_MEMBERS,
)
def sunionstore(ctx: Context, args: list[bytes]) -> object:
    """Store the members of several sets together in another.

    Reply: how many they are; with none the destination is deleted. Errors: WRONGTYPE for a source.
    Source: redis.io/commands/sunionstore.
    """
    return _store(ctx, args[1], stored_union(_present(_sets(ctx, args, 2)), ctx.limits), b"sunionstore")


@group.command(
    "SINTER",
    arity=-2,
    flags=READONLY,
    keys=key_range(1, -1, 1, RO | ACCESS),
    since="1.0.0",
    syntax="key [key ...]",
    complexity=_SMALLEST_TIMES_SETS,
    tips=("nondeterministic_output_order",),
)
def sinter(ctx: Context, args: list[bytes]) -> object:
    """Return the members that several sets have in common.

    Reply: a set, empty when one of the keys is absent. Errors: WRONGTYPE for any key. Source: redis.io/commands/sinter.
    """
    sets = _sets(ctx, args, 1)
    return SetReply([]) if None in sets else _set_reply(intersection(_present(sets)))


@group.command(
    "SINTERCARD",
    arity=-3,
    flags=READONLY | MOVABLE_KEYS,
    keys=num_keys(1, RO | ACCESS),
    since="7.0.0",
    syntax="numkeys key [key ...] [LIMIT limit]",
    complexity=_SMALLEST_TIMES_SETS,
)
def sintercard(ctx: Context, args: list[bytes]) -> object:
    """Return how many members several sets have in common.

    Reply: an integer, at most LIMIT unless that is 0. Errors: of numkeys, of the options, then WRONGTYPE.
    Source: redis.io/commands/sintercard.
    """
    sets, limit = _counted_sets(ctx, args, False)
    return 0 if None in sets else len(intersection(_present(sets), limit))


def _counted_sets(ctx: Context, args: list[bytes], may_estimate: bool) -> tuple[list[SetValue | None], int]:
    """Read the words of SINTERCARD and its kin; return the sets, as `_sets` does, and LIMIT, 0 for none."""
    number = positive_int_arg(args[1], NUMKEYS_NOT_POSITIVE)
    if number == 0:
        raise CommandError(NUMKEYS_NOT_POSITIVE)
    if number > len(args) - 2:
        raise CommandError(_TOO_MANY_KEYS)
    limit = 0
    position = 2 + number
    while position < len(args):
        option = args[position].upper()
        if option == b"LIMIT" and position + 1 < len(args):
            position += 1
            limit = positive_int_arg(args[position], _NEGATIVE_LIMIT)
        elif option != b"APPROX" or not may_estimate:
            raise CommandError(SYNTAX)
        position += 1
    return _sets(ctx, args[: 2 + number], 2), limit


@group.command(
    "SINTERSTORE",
    arity=-3,
    flags=WRITE | DENYOOM,
    keys=one_key(OW | UPDATE) + key_range(2, -1, 1, RO | ACCESS),
    since="1.0.0",
    syntax="destination key [key ...]",
    complexity=_SMALLEST_TIMES_SETS,
)
def sinterstore(ctx: Context, args: list[bytes]) -> object:
    """Store the members that several sets have in common in another set.

    Reply: how many they are; with none the destination is deleted. Errors: WRONGTYPE for a source.
    Source: redis.io/commands/sinterstore.
    """
    sets = _sets(ctx, args, 2)
    result = SetValue() if None in sets else stored_intersection(_present(sets), ctx.limits)
    return _store(ctx, args[1], result, b"sinterstore")


@group.command(
    "SDIFF",
    arity=-2,
    flags=READONLY,
    keys=key_range(1, -1, 1, RO | ACCESS),
    since="1.0.0",
    syntax="key [key ...]",
    complexity=_ALL_MEMBERS,
    tips=("nondeterministic_output_order",),
)
def sdiff(ctx: Context, args: list[bytes]) -> object:
    """Return the members of the first set that are in none of the others.

    Reply: a set. Errors: WRONGTYPE for any key. Source: redis.io/commands/sdiff.
    """
    sets = _sets(ctx, args, 1)
    first = sets[0]
    return SetReply([]) if first is None else _set_reply(difference(first, _present(sets[1:])))


@group.command(
    "SDIFFCARD",
    arity=-3,
    flags=READONLY | MOVABLE_KEYS,
    keys=num_keys(1, RO | ACCESS),
    since="8.10.0",
    syntax="numkeys key [key ...] [LIMIT limit]",
    complexity=_ALL_MEMBERS,
)
def sdiffcard(ctx: Context, args: list[bytes]) -> object:
    """Return how many members of the first set are in none of the others.

    Reply: an integer, at most LIMIT unless that is 0. Errors: of numkeys, of the options, then WRONGTYPE.
    Source: redis.io/commands/sdiffcard.
    """
    sets, limit = _counted_sets(ctx, args, False)
    first = sets[0]
    return 0 if first is None else difference_size(first, _present(sets[1:]), limit)


@group.command(
    "SDIFFSTORE",
    arity=-3,
    flags=WRITE | DENYOOM,
    keys=one_key(OW | UPDATE) + key_range(2, -1, 1, RO | ACCESS),
    since="1.0.0",
    syntax="destination key [key ...]",
    complexity=_ALL_MEMBERS,
)
def sdiffstore(ctx: Context, args: list[bytes]) -> object:
    """Store the members of the first source that are in none of the others in another set.

    Reply: how many they are; with none the destination is deleted. Errors: WRONGTYPE for a source.
    Source: redis.io/commands/sdiffstore.
    """
    sets = _sets(ctx, args, 2)
    first = sets[0]
    result = SetValue() if first is None else stored_difference(first, _present(sets[1:]), ctx.limits)
    return _store(ctx, args[1], result, b"sdiffstore")


def _sets(ctx: Context, args: list[bytes], first: int) -> list[SetValue | None]:
    """Return the sets at the keys from `args[first]` on, None for each that is absent; raise WRONGTYPE."""
    db = ctx.db
    found: list[SetValue | None] = []
    for index in range(first, len(args)):
        found.append(db.read_set(args[index]))
    return found


def _present(sets: list[SetValue | None]) -> list[SetValue]:
    return [each for each in sets if each is not None]


def _store(ctx: Context, key: bytes, result: SetValue, event: bytes) -> int:
    """Put the result of a set operation at `key`, or delete that when it is empty; return its size."""
    db = ctx.db
    size = len(result)
    if size == 0:
        db.delete(key)
    else:
        db.set(key, result)
        db.changed(key, SET, event)
    return size


def _set_reply(members: list[bytes]) -> SetReply:
    return SetReply(cast("list[object]", members))
