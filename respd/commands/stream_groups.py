"""XGROUP: consumer groups are made, moved and deleted; and what all commands of groups do alike.

Source: redis.io/commands/?group=stream.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, final

from respd.arguments import int_arg
from respd.command import (
    DELETE,
    DENYOOM,
    INSERT,
    RW,
    UPDATE,
    WRITE,
    Group,
    one_key,
)
from respd.commands.stream_arguments import id_arg, open_id_arg
from respd.datatypes.stream_groups import (
    FIRST_ID,
    UNKNOWN,
    Consumer,
    ConsumerGroup,
    Pending,
)
from respd.datatypes.stream_nodes import id_text
from respd.datatypes.streams import Stream
from respd.datatypes.strings import INT64_MAX
from respd.errors import CommandError, shown
from respd.keyspace_events import STREAM
from respd.protocol.replies import OK

if TYPE_CHECKING:
    from respd.context import Context

NO_GROUP: Final = b"NOGROUP No such consumer group '%b' for key name '%b'"
NO_KEY_OR_GROUP: Final = b"NOGROUP No such key '%b' or consumer group '%b'"
_NO_KEY: Final = (
    b"ERR The XGROUP subcommand requires the key to exist. Note that for CREATE you may want to use the MKSTREAM "
    b"option to create an empty stream automatically."
)
_ENTRIES_READ_ADDED: Final = (("7.0.0", "Takes `ENTRIESREAD`."),)

group = Group("stream")
group.container("XGROUP", since="5.0.0", summary="A container for commands about consumer groups.", help_since="5.0.0")


# -- what is told to the log


def record_claim(ctx: Context, key: bytes, name: bytes, last_id: int, entry: Pending) -> None:
    """Log that an entry is pending as it is now, for a consumer of a group that was given all up to an id."""
    if ctx.effects.is_on and entry.consumer is not None:
        ctx.record(
            [b"XCLAIM", key, name, entry.consumer, b"0", id_text(entry.id), b"TIME", b"%d" % entry.delivered_ms,
             b"RETRYCOUNT", b"%d" % entry.deliveries, b"FORCE", b"JUSTID", b"LASTID", id_text(last_id)]
        )  # fmt: skip


def drop_deleted(ctx: Context, key: bytes, name: bytes, group: ConsumerGroup, entry: Pending) -> None:
    """End a pending entry that the stream does not hold any more. It is logged as a claim, which will not find it."""
    if entry.consumer is None:
        ctx.record([b"XACK", key, name, id_text(entry.id)])
    else:
        record_claim(ctx, key, name, group.last_id, entry)
    group.acknowledge(entry.id)
    ctx.db.shared.dirty += 1


def record_position(ctx: Context, key: bytes, name: bytes, group: ConsumerGroup) -> None:
    """Log up to where a group has been given entries."""
    if ctx.effects.is_on:
        read = b"%d" % min(group.entries_read, INT64_MAX)  # what XGROUP takes
        ctx.record([b"XGROUP", b"SETID", key, name, id_text(group.last_id), b"ENTRIESREAD", read])


def open_consumer(ctx: Context, key: bytes, group: ConsumerGroup, name: bytes) -> Consumer:
    """Return a consumer of a group that does something now; it is created when absent, which is not logged."""
    consumer = group.consumer(name)
    if consumer is None:
        consumer = group.create_consumer(name, ctx.clock.ms)
        shared = ctx.db.shared
        shared.dirty += 1
        ctx.db.notify(key, STREAM, b"xgroup-createconsumer")
    else:
        consumer.seen_ms = ctx.clock.ms
    return consumer


def claim(
    ctx: Context, key: bytes, name: bytes, group: ConsumerGroup, consumer: Consumer, entry: Pending, at_ms: int
) -> None:
    """Give a pending entry to a consumer as of a moment, and log it."""
    group.hand_over(entry, consumer)
    group.set_delivered(entry, at_ms)
    consumer.active_ms = ctx.clock.ms
    record_claim(ctx, key, name, group.last_id, entry)
    ctx.db.shared.dirty += 1


def count_delivery(entry: Pending) -> None:
    """Note that a pending entry is delivered once more; XNACK FATAL may have set the number to the greatest."""
    if entry.deliveries < INT64_MAX:
        entry.deliveries += 1


# -- XGROUP


def _group_stream(ctx: Context, key: bytes) -> Stream:
    """Return the stream whose groups a sub-command is about; raise WRONGTYPE, or that there is none."""
    stream = ctx.db.write_stream(key)
    if stream is None:
        raise CommandError(_NO_KEY)
    return stream


def _existing_group(stream: Stream, key: bytes, name: bytes) -> ConsumerGroup:
    found = stream.groups.get(name)
    if found is None:
        raise CommandError(NO_GROUP % (shown(name), shown(key)))
    return found


@final
class _GroupOptions:
    """The options behind the id of XGROUP CREATE and XGROUP SETID."""

    def __init__(self, args: list[bytes], may_create: bool) -> None:
        self.makes_stream: bool = False
        self.entries_read: int = UNKNOWN
        at = 5
        while at < len(args):
            word = args[at].upper()
            if word == b"MKSTREAM" and may_create:
                self.makes_stream = True
                at += 1
            elif word == b"ENTRIESREAD" and at + 1 < len(args):
                self.entries_read = int_arg(args[at + 1])
                if self.entries_read < UNKNOWN:
                    raise CommandError(b"ERR value for ENTRIESREAD must be positive or -1")
                at += 2
            else:
                raise wrong_use(b"XGROUP", args[1])


def wrong_use(container: bytes, subcommand: bytes) -> CommandError:
    """Return the error for options that a sub-command does not have."""
    return CommandError(
        b"ERR unknown subcommand or wrong number of arguments for '%b'. Try %b HELP."
        % (shown(subcommand[:128]), container)
    )


@group.command(
    "XGROUP|CREATE",
    arity=-5,
    flags=WRITE | DENYOOM,
    keys=one_key(RW | INSERT, 2),
    since="5.0.0",
    syntax="key group id-selector=<id | new-id=$> [MKSTREAM] [ENTRIESREAD entriesread=entries-read:integer]",
    complexity="O(1)",
    history=_ENTRIES_READ_ADDED,
)
def xgroup_create(ctx: Context, args: list[bytes]) -> object:
    """Create a consumer group that gets the entries behind an id; `$` is the last one's.

    Reply: OK. Errors: wrong options, WRONGTYPE, no stream unless MKSTREAM, invalid id, BUSYGROUP, in this order.
    Source: redis.io/commands/xgroup-create.
    """
    options = _GroupOptions(args, True)
    key, name = args[2], args[3]
    db = ctx.db
    stream = db.write_stream(key) if options.makes_stream else _group_stream(ctx, key)
    if len(args) > 8:
        raise wrong_use(b"XGROUP", args[1])
    if args[4] == b"$":
        last_id = FIRST_ID if stream is None else stream.last_id
    else:
        last_id = id_arg(args[4])
    if stream is None:
        db.open_stream(key).groups[name] = ConsumerGroup(last_id, options.entries_read)
        db.changed(key, STREAM, b"xgroup-create")
        return OK
    if name in stream.groups:
        raise CommandError(b"BUSYGROUP Consumer Group name already exists")
    stream.groups[name] = ConsumerGroup(last_id, options.entries_read)
    db.shared.dirty += 1
    db.notify(key, STREAM, b"xgroup-create")
    return OK


@group.command(
    "XGROUP|SETID",
    arity=-5,
    flags=WRITE,
    keys=one_key(RW | UPDATE, 2),
    since="5.0.0",
    syntax="key group id-selector=<id | new-id=$> [ENTRIESREAD entriesread=entries-read:integer]",
    complexity="O(1)",
    history=_ENTRIES_READ_ADDED,
)
def xgroup_setid(ctx: Context, args: list[bytes]) -> object:
    """Set up to which id a group has been given entries.

    Reply: OK. Errors: wrong options, WRONGTYPE, no stream, NOGROUP, invalid id, in this order.
    Source: redis.io/commands/xgroup-setid.
    """
    options = _GroupOptions(args, False)
    key = args[2]
    stream = _group_stream(ctx, key)
    group = _existing_group(stream, key, args[3])
    if len(args) not in (5, 7):
        raise wrong_use(b"XGROUP", args[1])
    group.last_id = stream.last_id if args[4] == b"$" else open_id_arg(args[4])
    group.entries_read = options.entries_read
    ctx.db.shared.dirty += 1
    ctx.db.notify(key, STREAM, b"xgroup-setid")
    return OK


@group.command(
    "XGROUP|DESTROY",
    arity=4,
    flags=WRITE,
    keys=one_key(RW | DELETE, 2),
    since="5.0.0",
    syntax="key group",
    complexity="O(N) where N is the number of entries that are pending in the group",
)
def xgroup_destroy(ctx: Context, args: list[bytes]) -> object:
    """Delete a consumer group with all that it knows; readers that wait in its name get NOGROUP.

    Reply: 1, or 0 when there was none. Errors: WRONGTYPE, no stream. Source: redis.io/commands/xgroup-destroy.
    """
    key = args[2]
    stream = _group_stream(ctx, key)
    group = stream.groups.pop(args[3], None)
    if group is None:
        return 0
    db = ctx.db
    gone = Stream()
    gone.groups[args[3]] = group
    db.shared.graveyard.bury(gone)  # what is pending is freed in slices
    db.shared.dirty += 1
    db.notify(key, STREAM, b"xgroup-destroy")
    db.waiting.signal(key)
    return 1


@group.command(
    "XGROUP|CREATECONSUMER",
    arity=5,
    flags=WRITE | DENYOOM,
    keys=one_key(RW | INSERT, 2),
    since="6.2.0",
    syntax="key group consumer",
    complexity="O(1)",
)
def xgroup_createconsumer(ctx: Context, args: list[bytes]) -> object:
    """Create a consumer in a group.

    Reply: 1, or 0 when it is there. Errors: WRONGTYPE, no stream, NOGROUP.
    Source: redis.io/commands/xgroup-createconsumer.
    """
    group = _existing_group(_group_stream(ctx, args[2]), args[2], args[3])
    if group.consumer(args[4]) is not None:
        return 0
    open_consumer(ctx, args[2], group, args[4])
    return 1


@group.command(
    "XGROUP|DELCONSUMER",
    arity=5,
    flags=WRITE,
    keys=one_key(RW | DELETE, 2),
    since="5.0.0",
    syntax="key group consumer",
    complexity="O(N) where N is the number of entries that are pending for the consumer",
)
def xgroup_delconsumer(ctx: Context, args: list[bytes]) -> object:
    """Delete a consumer of a group, and what is pending for it.

    Reply: how many entries were pending for it. Errors: WRONGTYPE, no stream, NOGROUP.
    Source: redis.io/commands/xgroup-delconsumer.
    """
    group = _existing_group(_group_stream(ctx, args[2]), args[2], args[3])
    if group.consumer(args[4]) is None:
        return 0
    pending = group.delete_consumer(args[4])
    ctx.db.shared.dirty += 1
    ctx.db.notify(args[2], STREAM, b"xgroup-delconsumer")
    return pending
