"""The stream commands that read in the name of a consumer group, and acknowledge what was read.

Source: redis.io/commands/?group=stream.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, final

from mypy_extensions import i64

from respd.arguments import int_arg, timeout_arg
from respd.blocking import BLOCK_STREAM, Block
from respd.command import ACCESS, BLOCKING, FAST, MOVABLE_KEYS, RO, RW, UPDATE, WRITE, Group, keyword_key, one_key
from respd.commands.stream_arguments import id_arg
from respd.commands.stream_groups import (
    claim,
    count_delivery,
    drop_deleted,
    open_consumer,
    record_claim,
    record_position,
)
from respd.commands.stream_reads import Budget
from respd.datatypes.stream_entries import EVERYTHING, Entries
from respd.datatypes.stream_groups import LAST_ID, Consumer, ConsumerGroup, advance
from respd.datatypes.stream_nodes import id_text
from respd.datatypes.streams import Stream
from respd.datatypes.strings import parse_int
from respd.errors import SYNTAX, CommandError, shown
from respd.protocol.replies import NULL_ARRAY, KeyedReply

if TYPE_CHECKING:
    from respd.context import Context

_MEANINGLESS: Final = (
    b"ERR The %b ID is meaningless in the context of XREADGROUP: you want to read the history of this consumer by "
    b"specifying a proper ID, or use the > ID to get new messages. The %b ID would just return an empty result set."
)
_LOOK_AGAIN_MS: Final = 10
_NEW: Final = LAST_ID  # what stands for the id ">"

group = Group("stream")


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
        self.budget: Budget = Budget()
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
            elif word in (b"MAXCOUNT", b"MAXSIZE") and more:
                self.budget.take(word, args[at + 1])
                at += 2
            elif word == b"CLAIM" and more:
                self.claim_ms = claim_arg(args[at + 1])
                at += 2
            elif word == b"NOACK":
                self.noack = True
                at += 1
            else:
                raise CommandError(SYNTAX)
        self.budget.check(self.count)
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
    syntax="GROUP group-block=<group consumer> [COUNT count:integer] [MAXCOUNT maxcount:integer] "
    "[MAXSIZE maxsize:integer] [BLOCK milliseconds:integer] [CLAIM min-idle-time:integer] [NOACK] "
    "STREAMS streams=<key [key ...] id [id ...]>",
    complexity="For each stream O(M) with M the number of entries returned.",
    history=(("8.4.0", "Takes `CLAIM`."), ("8.10.0", "Takes `MAXCOUNT` and `MAXSIZE`.")),
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
        return _history(ctx, request, stream, group, consumer, after)
    claimed: list[object] = []
    if request.claim_ms >= 0:
        claimed = _claim_idle(ctx, request, key, stream, consumer)
    new: Entries | None = None
    if stream.last_id > group.last_id and not 0 < request.count <= len(claimed):
        left = request.count - len(claimed) if request.count > 0 else EVERYTHING
        new = request.budget.entries(key, stream, group.last_id + 1, left)
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
        if not request.budget.spend(entry.id, fields or []):
            break
        if fields is None:
            found.append([id_text(entry.id), NULL_ARRAY])
        else:
            found.append([id_text(entry.id), fields])
            entry.delivered_ms = ctx.clock.ms
            count_delivery(entry)
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
        if not request.budget.spend(entry.id, fields):
            break
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
