"""The stream commands about what is pending in a group: looking at it, taking it over, giving it back, ending it.

Source: redis.io/commands/?group=stream.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, final

from respd.arguments import int_arg, int_arg_between
from respd.command import ACCESS, DELETE, FAST, READONLY, RO, RW, UPDATE, WRITE, Group, one_key
from respd.commands.stream_arguments import id_arg, range_args
from respd.commands.stream_groups import (
    NO_KEY_OR_GROUP,
    claim,
    count_delivery,
    drop_deleted,
    open_consumer,
    record_position,
)
from respd.database import stream_of
from respd.datatypes.stream_groups import (
    LAST_ID,
    ConsumerGroup,
    Pending,
    PendingEntries,
)
from respd.datatypes.stream_nodes import id_text
from respd.datatypes.streams import Stream
from respd.datatypes.strings import INT64_MAX, parse_int
from respd.errors import SYNTAX, CommandError, shown
from respd.protocol.replies import NULL_ARRAY

if TYPE_CHECKING:
    from respd.context import Context

_BAD_MIN_IDLE: Final = b"ERR Invalid min-idle-time argument for %b"
_BAD_OPTION: Final = b"ERR Invalid %b option argument for XCLAIM"
_ATTEMPTS: Final = 10  # how many entries XAUTOCLAIM looks at for each that it may claim
_MOST_CLAIMED: Final = INT64_MAX // 16
_AT_A_TIME: Final = 256
_NOT_GIVEN: Final = -1

group = Group("stream")


def _found_group(stream: Stream | None, key: bytes, name: bytes) -> ConsumerGroup:
    """Return a group that must be there."""
    found = None if stream is None else stream.groups.get(name)
    if found is None:
        raise CommandError(NO_KEY_OR_GROUP % (shown(key), shown(name)))
    return found


# -- XPENDING


@group.command(
    "XPENDING",
    arity=-3,
    flags=READONLY,
    keys=one_key(RO | ACCESS),
    since="5.0.0",
    syntax="key group filters=[[IDLE min-idle-time:integer] start:string end:string count:integer [consumer]]",
    complexity="O(N) with N the number of entries returned, or looked at with IDLE.",
    tips=("nondeterministic_output",),
    history=(("6.2.0", "Takes `IDLE` and exclusive ranges."),),
)
def xpending(ctx: Context, args: list[bytes]) -> object:
    """Tell what was delivered to a group's consumers and not acknowledged.

    Reply: how many entries, the first and last id, and how many each consumer has; with a range an array of id,
    consumer, idle time in ms and number of deliveries for each entry.
    Errors: syntax, of the numbers, of the range, WRONGTYPE, NOGROUP, in this order. Source: redis.io/commands/xpending.
    """
    if len(args) == 3:
        return _summary(_found_group(ctx.db.read_stream(args[1]), args[1], args[2]))
    if not 6 <= len(args) <= 9:
        raise CommandError(SYNTAX)
    at = 3
    min_idle_ms = 0
    if args[3].upper() == b"IDLE":
        min_idle_ms = int_arg(args[4])
        if len(args) < 8:
            raise CommandError(SYNTAX)
        at = 5
    count = int_arg(args[at + 2])
    start, end = range_args(args[at], args[at + 1])
    group = _found_group(ctx.db.read_stream(args[1]), args[1], args[2])
    entries = group.pending
    if at + 3 < len(args):
        consumer = group.consumer(args[at + 3])
        if consumer is None:
            return []
        entries = consumer.pending
    return _listed(entries, start, end, count, min_idle_ms, int(ctx.clock.ms))


def _summary(group: ConsumerGroup) -> object:
    pending = group.pending
    if len(pending) == 0:
        return [0, None, None, NULL_ARRAY]
    owners: list[object] = []
    for consumer in group.sorted_consumers():
        if len(consumer.pending):
            owners.append([consumer.name, b"%d" % len(consumer.pending)])
    return [len(pending), id_text(pending.first_id()), id_text(pending.last_id()), owners]


def _listed(entries: PendingEntries, start: int, end: int, count: int, min_idle_ms: int, now_ms: int) -> list[object]:
    """Return up to `count` of the entries in a range that are idle for so long."""
    found: list[object] = []
    while count > 0:
        some = entries.between(start, end, min(count, _AT_A_TIME) if min_idle_ms else count)
        for entry in some:
            idle_ms = now_ms - int(entry.delivered_ms)
            if min_idle_ms and idle_ms < min_idle_ms:
                continue
            if entry.consumer is None:
                found.append([id_text(entry.id), b"", -1, int(entry.deliveries)])
            else:
                found.append([id_text(entry.id), entry.consumer, max(0, idle_ms), int(entry.deliveries)])
            count -= 1
        if not min_idle_ms or not some or some[-1].id >= end:
            break
        start = some[-1].id + 1
    return found


# -- XCLAIM and XAUTOCLAIM


@final
class _ClaimOptions:
    """The ids of XCLAIM, and the options behind them; those that are numbers are _NOT_GIVEN if so."""

    def __init__(self, args: list[bytes], now_ms: int) -> None:
        self.ids: list[int] = []
        self.delivered_ms: int = _NOT_GIVEN
        self.deliveries: int = _NOT_GIVEN
        self.forces: bool = False
        self.just_id: bool = False
        self.last_id: int = 0
        at = 5
        total = len(args)
        while at < total:
            try:
                self.ids.append(id_arg(args[at]))
            except CommandError:
                break  # an option
            at += 1
        while at < total:
            word = args[at].upper()
            more = at + 1 < total
            at += 1
            if word == b"FORCE":
                self.forces = True
            elif word == b"JUSTID":
                self.just_id = True
            elif word in (b"IDLE", b"TIME", b"RETRYCOUNT") and more:
                number = parse_int(args[at])
                if number is None:
                    raise CommandError(_BAD_OPTION % word)
                if word == b"RETRYCOUNT":
                    self.deliveries = number
                else:
                    self.delivered_ms = now_ms - number if word == b"IDLE" else number
                at += 1
            elif word == b"LASTID" and more:
                self.last_id = id_arg(args[at])
                at += 1
            else:
                raise CommandError(b"ERR Unrecognized XCLAIM option '%b'" % shown(args[at - 1]))


@group.command(
    "XCLAIM",
    arity=-6,
    flags=WRITE | FAST,
    keys=one_key(RW | UPDATE),
    since="5.0.0",
    syntax="key group consumer min-idle-time:string id [id ...] [IDLE ms:integer] "
    "[unix-time-milliseconds=TIME unix-time-milliseconds:unix-time] [RETRYCOUNT count:integer] [FORCE] [JUSTID] "
    "[LASTID lastid:string]",
    complexity="O(log N) with N the number of entries that are pending in the group.",
    tips=("nondeterministic_output",),
)
def xclaim(ctx: Context, args: list[bytes]) -> object:
    """Give pending entries to a consumer, those that have been idle for so long.

    Reply: the entries, or their ids with JUSTID. What the stream does not hold any more is not pending any more either.
    Errors: WRONGTYPE; NOGROUP; of the numbers and options. Log: XCLAIM with TIME and RETRYCOUNT for each entry, XGROUP
    SETID when only LASTID did something. Source: redis.io/commands/xclaim.
    """
    key, name = args[1], args[2]
    stream = ctx.db.read_stream(key)
    group = _found_group(stream, key, name)
    assert stream is not None
    min_idle_ms = _min_idle_arg(args[4], b"XCLAIM")
    now_ms = int(ctx.clock.ms)
    options = _ClaimOptions(args, now_ms)
    ctx.record_nothing()
    is_moved = options.last_id > group.last_id
    if is_moved:
        group.last_id = options.last_id
    if not 0 <= options.delivered_ms <= now_ms:
        options.delivered_ms = now_ms
    consumer = open_consumer(ctx, key, group, args[3])
    found: list[object] = []
    for id in options.ids:
        entry = group.pending.get(id)
        fields = stream.get(id)
        if fields is None:
            if entry is not None:
                drop_deleted(ctx, key, name, group, entry)
                is_moved = False
            continue
        if entry is None:
            if not options.forces:
                continue
            entry = Pending(id, None, now_ms, 1)
            group.add(entry)
        elif not _is_idle(entry, min_idle_ms, now_ms):
            continue
        if options.deliveries >= 0:
            entry.deliveries = options.deliveries
        elif not options.just_id:
            count_delivery(entry)
        claim(ctx, key, name, group, consumer, entry, options.delivered_ms)
        found.append(id_text(id) if options.just_id else [id_text(id), fields])
        is_moved = False
    if is_moved:
        record_position(ctx, key, name, group)
        ctx.db.shared.dirty += 1
    return found


def _min_idle_arg(word: bytes, name: bytes) -> int:
    found = parse_int(word)
    if found is None:
        raise CommandError(_BAD_MIN_IDLE % name)
    return max(0, found)


def _is_idle(entry: Pending, min_idle_ms: int, now_ms: int) -> bool:
    """Tell whether a pending entry may be claimed that must be idle for so long; what is nobody's always may."""
    return min_idle_ms == 0 or entry.consumer is None or now_ms - int(entry.delivered_ms) >= min_idle_ms


@group.command(
    "XAUTOCLAIM",
    arity=-6,
    flags=WRITE | FAST,
    keys=one_key(RW | DELETE),
    since="6.2.0",
    syntax="key group consumer min-idle-time:string start:string [COUNT count:integer] [JUSTID]",
    complexity="O(1) if COUNT is small.",
    tips=("nondeterministic_output",),
    history=(("7.0.0", "Returns the ids of deleted entries, too, which are not pending any more."),),
)
def xautoclaim(ctx: Context, args: list[bytes]) -> object:
    """Give pending entries that have been idle for so long to a consumer, looking from an id on.

    Reply: the id to go on from, 0-0 at the end; the entries, or their ids with JUSTID; the ids of those that the stream
    does not hold any more, which are not pending any more either. Errors: of the numbers, of the id, syntax, WRONGTYPE,
    NOGROUP, in this order. Log: XCLAIM with TIME and RETRYCOUNT for each entry. Source: redis.io/commands/xautoclaim.
    """
    looked_up = ctx.db.read(args[1])  # a miss is told even when the words are wrong
    min_idle_ms = _min_idle_arg(args[4], b"XAUTOCLAIM")
    start, _ = range_args(args[5], b"+")
    count = 100
    just_id = False
    at = 6
    while at < len(args):
        word = args[at].upper()
        if word == b"COUNT" and at + 1 < len(args):
            count = int_arg_between(args[at + 1], 1, _MOST_CLAIMED, b"ERR COUNT must be > 0")
            at += 2
        elif word == b"JUSTID":
            just_id = True
            at += 1
        else:
            raise CommandError(SYNTAX)
    key, name = args[1], args[2]
    stream = None if looked_up is None else stream_of(looked_up)
    group = _found_group(stream, key, name)
    assert stream is not None
    ctx.record_nothing()
    consumer = open_consumer(ctx, key, group, args[3])
    now_ms = int(ctx.clock.ms)
    found: list[object] = []
    deleted: list[object] = []
    attempts = count * _ATTEMPTS
    next_id = start
    while attempts > 0 and len(found) + len(deleted) < count:
        some = group.pending.between(next_id, LAST_ID, min(attempts, _AT_A_TIME))
        if not some:
            break
        for entry in some:
            next_id = entry.id + 1
            attempts -= 1
            fields = stream.get(entry.id)
            if fields is None:
                drop_deleted(ctx, key, name, group, entry)
                deleted.append(id_text(entry.id))
            elif _is_idle(entry, min_idle_ms, now_ms):
                if not just_id:
                    count_delivery(entry)
                claim(ctx, key, name, group, consumer, entry, now_ms)
                found.append(id_text(entry.id) if just_id else [id_text(entry.id), fields])
            if len(found) + len(deleted) == count:
                break
    rest = group.pending.between(next_id, LAST_ID, 1)
    return [id_text(rest[0].id if rest else 0), found, deleted]
