"""The stream commands that make consumer groups and read in their name. Source: redis.io/commands/?group=stream."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, final

from mypy_extensions import i64

from respd.arguments import int_arg, timeout_arg
from respd.blocking import BLOCK_STREAM, Block
from respd.command import (
    ACCESS,
    BLOCKING,
    DELETE,
    DENYOOM,
    FAST,
    INSERT,
    MOVABLE_KEYS,
    RO,
    RW,
    UPDATE,
    WRITE,
    Group,
    keyword_key,
    one_key,
)
from respd.commands.stream_arguments import id_arg, open_id_arg
from respd.datatypes.stream_groups import (
    FIRST_ID,
    LAST_ID,
    UNKNOWN,
    Consumer,
    ConsumerGroup,
    Pending,
    advance,
)
from respd.datatypes.stream_nodes import id_text
from respd.datatypes.streams import EVERYTHING, Entries, Stream
from respd.datatypes.strings import INT64_MAX, parse_int
from respd.errors import SYNTAX, CommandError, shown
from respd.keyspace_events import STREAM
from respd.protocol.replies import NULL_ARRAY, OK, KeyedReply

if TYPE_CHECKING:
    from respd.context import Context

NO_GROUP: Final = b"NOGROUP No such consumer group '%b' for key name '%b'"
NO_KEY_OR_GROUP: Final = b"NOGROUP No such key '%b' or consumer group '%b'"
_NO_KEY: Final = (
    b"ERR The XGROUP subcommand requires the key to exist. Note that for CREATE you may want to use the MKSTREAM "
    b"option to create an empty stream automatically."
)
_MEANINGLESS: Final = (
    b"ERR The %b ID is meaningless in the context of XREADGROUP: you want to read the history of this consumer by "
    b"specifying a proper ID, or use the > ID to get new messages. The %b ID would just return an empty result set."
)
_LOOK_AGAIN_MS: Final = 10
_NEW: Final = LAST_ID  # what stands for the id ">"
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
        read = b"%d" % group.entries_read
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
        db.shared.has_stream_groups = True
        db.open_stream(key).groups[name] = ConsumerGroup(last_id, options.entries_read)
        db.changed(key, STREAM, b"xgroup-create")
        return OK
    if name in stream.groups:
        raise CommandError(b"BUSYGROUP Consumer Group name already exists")
    db.shared.has_stream_groups = True
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
    if stream.groups.pop(args[3], None) is None:
        return 0
    db = ctx.db
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


# -- XREADGROUP


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


@final
class _Request:
    """The words of XREADGROUP, checked in Redis' order. `count` and `claim_ms` are -1 when not given."""

    def __init__(self, args: list[bytes], now_ms: i64) -> None:
        self.group: bytes = b""
        self.consumer: bytes = b""
        self.count: int = -1
        self.claim_ms: int = -1
        self.blocks: bool = False
        self.deadline_ms: int = 0
        self.noack: bool = False
        has_group = False
        at = 1
        total = len(args)
        while True:
            if at == total:
                raise CommandError(SYNTAX)
            word = args[at].upper()
            more = total - at - 1
            if word == b"STREAMS" and more:
                break
            if word == b"BLOCK" and more:
                self.deadline_ms = timeout_arg(args[at + 1], int(now_ms), True)
                self.blocks = True
                at += 2
            elif word == b"COUNT" and more:
                self.count = max(0, int_arg(args[at + 1]))
                at += 2
            elif word == b"GROUP" and more >= 2:
                self.group = args[at + 1]
                self.consumer = args[at + 2]
                has_group = True
                at += 3
            elif word == b"CLAIM" and more:
                self.claim_ms = claim_arg(args[at + 1])
                at += 2
            elif word == b"NOACK":
                self.noack = True
                at += 1
            else:
                raise CommandError(SYNTAX)
        at += 1
        if (total - at) % 2:
            raise CommandError(
                b"ERR Unbalanced 'xreadgroup' list of streams: for each stream key an ID or '>' must be specified."
            )
        if not has_group:
            raise CommandError(b"ERR Missing GROUP option for XREADGROUP")
        half = (total - at) // 2
        self.keys: list[bytes] = args[at : at + half]
        self.ids: list[bytes] = args[at + half :]


def claim_arg(word: bytes) -> int:
    """Return the milliseconds of CLAIM."""
    found = parse_int(word)
    if found is None:
        raise CommandError(b"ERR min-idle-time is not an integer or out of range")
    if found < 0:
        raise CommandError(b"ERR min-idle-time must be a positive integer")
    return found


@group.command(
    "XREADGROUP",
    arity=-7,
    flags=WRITE | BLOCKING | MOVABLE_KEYS,
    keys=keyword_key("STREAMS", 4, RO | ACCESS, last=-1, limit=2),
    since="5.0.0",
    syntax="GROUP group-block=<group consumer> [COUNT count:integer] [BLOCK milliseconds:integer] "
    "[CLAIM min-idle-time:integer] [NOACK] STREAMS streams=<key [key ...] id [id ...]>",
    complexity="For each stream O(M) with M the number of entries returned.",
    history=(("8.4.0", "Takes `CLAIM`."),),
)
def xreadgroup(ctx: Context, args: list[bytes]) -> object:
    """Read entries of streams as a consumer of a group: new ones, or those that are pending for it.

    Reply: for each stream that has some (with an id instead of `>`: for each) its name and entries, each with its id
    and flat fields, null fields when the entry is gone; a null array without any, or when the timeout is over. With
    CLAIM each entry is followed by its idle time and number of deliveries.
    Errors: syntax; of the numbers; unbalanced streams; no GROUP; for each stream WRONGTYPE, NOGROUP, invalid id.
    Log: XGROUP CREATECONSUMER for a new consumer, XCLAIM for each new entry, XGROUP SETID. Source:
    redis.io/commands/xreadgroup.
    """
    request = _Request(args, ctx.clock.ms)
    after: list[int] = []
    for index, key in enumerate(request.keys):
        after.append(_start(ctx, request, key, request.ids[index]))
    flat: list[object] = []
    ctx.record_nothing()
    for index, key in enumerate(request.keys):
        stream = ctx.db.read_stream(key)
        if stream is not None:
            entries = _read(ctx, request, key, stream, after[index])
            if entries is not None:
                flat.append(key)
                flat.append(entries)
    if flat:
        return KeyedReply(flat)
    if request.blocks:
        block = Block(request.keys, request.deadline_ms, NULL_ARRAY, BLOCK_STREAM)
        block.awaits_loss = True
        if request.claim_ms >= 0:
            block.again_ms = _next_claim_ms(ctx, request)
        return block
    return NULL_ARRAY


def _next_claim_ms(ctx: Context, request: _Request) -> int:
    """Return when CLAIM may find something that it does not find now; what may be delivered meanwhile included."""
    now_ms = int(ctx.clock.ms)
    next_ms = now_ms + max(request.claim_ms, _LOOK_AGAIN_MS)
    for key in request.keys:
        stream = ctx.db.read_stream(key)
        if stream is not None:
            group = stream.groups[request.group]
            for entry in group.idle_since(now_ms):
                next_ms = min(next_ms, max(int(entry.delivered_ms) + request.claim_ms, now_ms + 1))
                break
    return next_ms


def _start(ctx: Context, request: _Request, key: bytes, word: bytes) -> int:
    """Check what is asked of one stream; return the id behind which to read, _NEW for `>`."""
    stream = ctx.db.read_stream(key)
    if stream is None or request.group not in stream.groups:
        raise CommandError(
            b"NOGROUP No such key '%b' or consumer group '%b' in XREADGROUP with GROUP option"
            % (shown(key), shown(request.group))
        )
    if word == b">":
        return _NEW
    if word in (b"$", b"+"):
        raise CommandError(_MEANINGLESS % (word, word))
    return id_arg(word)


def _read(ctx: Context, request: _Request, key: bytes, stream: Stream, after: int) -> object:
    """Return the entries for a stream, None when there is nothing new."""
    name = request.group
    group = stream.groups[name]
    if request.noack and group.consumer(request.consumer) is None:
        ctx.record([b"XGROUP", b"CREATECONSUMER", key, name, request.consumer])
    consumer = open_consumer(ctx, key, group, request.consumer)
    if after != _NEW:
        ctx.db.shared.dirty += 1
        return _history(ctx, request, stream, group, consumer, after)
    claimed: list[object] = []
    if request.claim_ms >= 0:
        claimed = _claim_idle(ctx, request, key, stream, consumer)
    new: Entries | None = None
    if stream.last_id > group.last_id and not 0 < request.count <= len(claimed):
        left = request.count - len(claimed) if request.count > 0 else EVERYTHING
        new = stream.entries(group.last_id + 1, LAST_ID, left, False)
    if new is None or new.count == 0:
        if not claimed:
            return None
    else:
        _deliver(ctx, request, key, group, consumer, new.ids(), stream)
    if not request.noack:
        consumer.active_ms = ctx.clock.ms
    ctx.db.shared.dirty += 1
    if request.claim_ms < 0:
        return new
    if new is not None:
        for id, fields in new.items():
            claimed.append([id_text(id), fields, 0, 0])
    return claimed


def _history(
    ctx: Context, request: _Request, stream: Stream, group: ConsumerGroup, consumer: Consumer, after: int
) -> list[object]:
    """Return what is pending for a consumer behind an id, and note that it was delivered once more."""
    found: list[object] = []
    count = request.count if request.count > 0 else len(consumer.pending)
    for entry in consumer.pending.between(after + 1, LAST_ID, count):
        fields = stream.get(entry.id)
        if fields is None:
            found.append([id_text(entry.id), NULL_ARRAY])
        else:
            found.append([id_text(entry.id), fields])
            entry.delivered_ms = ctx.clock.ms
            entry.deliveries += 1
    return found


def _claim_idle(ctx: Context, request: _Request, key: bytes, stream: Stream, consumer: Consumer) -> list[object]:
    """Give a consumer what has been pending for so long (CLAIM), the longest first; each with its past."""
    name = request.group
    group = stream.groups[name]
    now_ms = int(ctx.clock.ms)
    found: list[object] = []
    for entry in group.idle_since(now_ms if request.claim_ms == 0 else max(0, now_ms - request.claim_ms)):
        if len(found) == request.count and request.count > 0:
            break
        fields = stream.get(entry.id)
        if fields is None:
            drop_deleted(ctx, key, name, group, entry)
            continue
        found.append([id_text(entry.id), fields, max(0, now_ms - int(entry.delivered_ms)), int(entry.deliveries)])
        count_delivery(entry)
        claim(ctx, key, name, group, consumer, entry, now_ms)
    return found


def _deliver(
    ctx: Context,
    request: _Request,
    key: bytes,
    group: ConsumerGroup,
    consumer: Consumer,
    ids: list[int],
    stream: Stream,
) -> None:
    """Give the next entries of a stream to a consumer."""
    if not request.noack:
        now_ms = ctx.clock.ms
        is_logged = ctx.effects.is_on
        for id in ids:
            entry = group.deliver(id, consumer, now_ms)
            if is_logged:
                record_claim(ctx, key, request.group, id, entry)
    advance(stream, group, ids)
    record_position(ctx, key, request.group, group)


# -- XACK


@group.command(
    "XACK",
    arity=-4,
    flags=WRITE | FAST,
    keys=one_key(RW | UPDATE),
    since="5.0.0",
    syntax="key group id [id ...]",
    complexity="O(1) for each id.",
)
def xack(ctx: Context, args: list[bytes]) -> object:
    """Acknowledge entries: they are pending in the group no more.

    Reply: how many were pending. Errors: WRONGTYPE; invalid id, if there is the group.
    Source: redis.io/commands/xack.
    """
    stream = ctx.db.read_stream(args[1])
    group = None if stream is None else stream.groups.get(args[2])
    if group is None:
        return 0
    ids = [id_arg(word) for word in args[3:]]
    done = 0
    for id in ids:
        if group.acknowledge(id):
            done += 1
    ctx.db.shared.dirty += done
    return done
