"""XINFO: what streams, groups and consumers are like. Source: redis.io/commands/xinfo-stream and its neighbours."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from respd.arguments import int_arg
from respd.command import ACCESS, READONLY, RO, Group, one_key
from respd.commands.stream_groups import NO_GROUP, wrong_use
from respd.datatypes.radix_trees import tree_nodes
from respd.datatypes.stream_entries import EVERYTHING
from respd.datatypes.stream_groups import LAST_ID, UNKNOWN, Consumer, ConsumerGroup, lag
from respd.datatypes.stream_nodes import id_text
from respd.datatypes.stream_producers import Producers
from respd.datatypes.streams import Stream
from respd.datatypes.strings import INT64_MAX
from respd.errors import NO_SUCH_KEY, CommandError, shown
from respd.protocol.replies import MapReply

if TYPE_CHECKING:
    from respd.context import Context

_SHOWN: Final = 10  # entries of each list, unless COUNT says otherwise

group = Group("stream")
group.container("XINFO", since="5.0.0", summary="A container for commands that look at streams.", help_since="5.0.0")


def _stream(ctx: Context, key: bytes) -> Stream:
    """Return the stream to tell about; raise that there is none, or WRONGTYPE."""
    stream = ctx.db.read_stream(key)
    if stream is None:
        raise CommandError(NO_SUCH_KEY)
    return stream


def _signed(number: int) -> int:
    """Return what Redis shows of a count beyond the greatest one of 64 bits with a sign."""
    return number if number <= INT64_MAX else number - (1 << 64)


def _known(number: int) -> int | None:
    return None if number == UNKNOWN else _signed(number)


def _lag(stream: Stream, group: ConsumerGroup) -> int | None:
    missing = lag(stream, group)
    return None if missing is None else _signed(missing)


@group.command(
    "XINFO|STREAM",
    arity=-3,
    flags=READONLY,
    keys=one_key(RO | ACCESS, 2),
    since="5.0.0",
    syntax="key full-block=[full=FULL [COUNT count:integer]]",
    complexity="O(1)",
    history=(
        ("6.0.0", "Takes `FULL`."),
        ("7.0.0", "Tells of deleted entries, entries ever added and the lag of groups."),
        ("7.2.0", "Tells when a consumer got something last; `seen-time` is when it asked."),
    ),
)
def xinfo_stream(ctx: Context, args: list[bytes]) -> object:
    """Tell about a stream; with FULL its entries, groups, consumers and what is pending, too.

    COUNT is how many entries to show of each list, 0 for all. Reply: a map.
    Errors: wrong options, of the number, no such key, WRONGTYPE. Source: redis.io/commands/xinfo-stream.
    """
    is_full = len(args) > 3
    stream = _stream(ctx, args[2])
    count = _SHOWN
    if is_full:
        if len(args) not in (4, 6) or args[3].upper() != b"FULL":
            raise wrong_use(b"XINFO", args[1])
        if len(args) == 6:
            if args[4].upper() != b"COUNT":
                raise wrong_use(b"XINFO", args[1])
            count = int_arg(args[5])
            if count < 0:
                count = _SHOWN
    nodes = stream.nodes()
    flat: list[object] = [
        b"length", stream.length,
        b"radix-tree-keys", len(nodes),
        b"radix-tree-nodes", tree_nodes(nodes),
        b"last-generated-id", id_text(stream.last_id),
        b"max-deleted-entry-id", id_text(stream.max_deleted_id),
        b"entries-added", _signed(stream.entries_added),
        b"recorded-first-entry-id", id_text(stream.first_id()),
    ]  # fmt: skip
    if stream.producers is not None:
        flat += _producers(stream.producers, int(ctx.clock.ms))
    if is_full:
        flat += [b"entries", _entries(stream, count), b"groups", _groups(stream, count)]
    else:
        flat += [
            b"groups",
            len(stream.groups),
            b"first-entry",
            _edge(stream, False),
            b"last-entry",
            _edge(stream, True),
        ]
    return MapReply(flat)


def _producers(producers: Producers, now_ms: int) -> list[object]:
    """Return what a stream remembers of its producers (Redis 8.6), for streams that do."""
    producers.sweep(now_ms)
    return [
        b"idmp-duration", producers.duration_s,
        b"idmp-maxsize", producers.max_size,
        b"pids-tracked", len(producers.messages),
        b"iids-tracked", sum(len(own) for own in producers.messages.values()),
        b"iids-added", producers.added,
        b"iids-duplicates", producers.duplicates,
    ]  # fmt: skip


def _entries(stream: Stream, count: int) -> list[object]:
    found: list[object] = []
    for id, fields in stream.range(0, LAST_ID, count or EVERYTHING, False):
        found.append([id_text(id), fields])
    return found


def _edge(stream: Stream, is_last: bool) -> object:
    """Return the first or the last entry, None without any."""
    for id, fields in stream.range(0, LAST_ID, 1, is_last):
        return [id_text(id), fields]
    return None


def _groups(stream: Stream, count: int) -> list[object]:
    found: list[object] = []
    for name in sorted(stream.groups):
        group = stream.groups[name]
        flat: list[object] = [
            b"name", name,
            b"last-delivered-id", id_text(group.last_id),
            b"entries-read", _known(group.entries_read),
            b"lag", _lag(stream, group),
            b"pel-count", len(group.pending),
            b"pending", _pending(group, count),
            b"consumers", [_full_consumer(consumer, count) for consumer in group.sorted_consumers()],
        ]  # fmt: skip
        found.append(MapReply(flat))
    return found


def _pending(group: ConsumerGroup, count: int) -> list[object]:
    found: list[object] = []
    for entry in group.pending.between(0, LAST_ID, count or len(group.pending)):
        found.append([id_text(entry.id), entry.consumer or b"", int(entry.delivered_ms), int(entry.deliveries)])
    return found


def _full_consumer(consumer: Consumer, count: int) -> object:
    pending: list[object] = []
    for entry in consumer.pending.between(0, LAST_ID, count or len(consumer.pending)):
        pending.append([id_text(entry.id), int(entry.delivered_ms), int(entry.deliveries)])
    return MapReply(
        [
            b"name", consumer.name,
            b"seen-time", int(consumer.seen_ms),
            b"active-time", int(consumer.active_ms),
            b"pel-count", len(consumer.pending),
            b"pending", pending,
        ]
    )  # fmt: skip


@group.command(
    "XINFO|GROUPS",
    arity=3,
    flags=READONLY,
    keys=one_key(RO | ACCESS, 2),
    since="5.0.0",
    syntax="key",
    complexity="O(1)",
    history=(("7.0.0", "Tells how many entries were read, and the lag."),),
)
def xinfo_groups(ctx: Context, args: list[bytes]) -> object:
    """Tell about the consumer groups of a stream.

    Reply: a map for each. Errors: no such key, WRONGTYPE. Source: redis.io/commands/xinfo-groups.
    """
    stream = _stream(ctx, args[2])
    found: list[object] = []
    for name in sorted(stream.groups):
        group = stream.groups[name]
        flat: list[object] = [
            b"name", name,
            b"consumers", len(group.consumers),
            b"pending", len(group.pending),
            b"last-delivered-id", id_text(group.last_id),
            b"entries-read", _known(group.entries_read),
            b"lag", _lag(stream, group),
        ]  # fmt: skip
        found.append(MapReply(flat))
    return found


@group.command(
    "XINFO|CONSUMERS",
    arity=4,
    flags=READONLY,
    keys=one_key(RO | ACCESS, 2),
    since="5.0.0",
    syntax="key group",
    complexity="O(1)",
    tips=("nondeterministic_output",),
    history=(("7.2.0", "Tells how long a consumer got nothing; `idle` is since it asked."),),
)
def xinfo_consumers(ctx: Context, args: list[bytes]) -> object:
    """Tell about the consumers of a group.

    Reply: a map for each; `inactive` is -1 for one that never got anything. Errors: no such key, WRONGTYPE, NOGROUP.
    Source: redis.io/commands/xinfo-consumers.
    """
    group = _stream(ctx, args[2]).groups.get(args[3])
    if group is None:
        raise CommandError(NO_GROUP % (shown(args[3]), shown(args[2])))
    now_ms = int(ctx.clock.ms)
    found: list[object] = []
    for consumer in group.sorted_consumers():
        active_ms = int(consumer.active_ms)
        flat: list[object] = [
            b"name", consumer.name,
            b"pending", len(consumer.pending),
            b"idle", max(0, now_ms - int(consumer.seen_ms)),
            b"inactive", active_ms if active_ms < 0 else max(0, now_ms - active_ms),
        ]  # fmt: skip
        found.append(MapReply(flat))
    return found
