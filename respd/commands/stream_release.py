"""The stream commands that came after Redis 8.0: deleting with a look at the groups, giving pending entries back.

What they do is logged in the words of older servers where those have some.
Source: redis.io/commands/xdelex, redis.io/commands/xackdel, redis.io/commands/xnack.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, final

from respd.arguments import int_arg_between
from respd.command import DELETE, FAST, RW, UPDATE, WRITE, Group, one_key
from respd.commands.stream_arguments import id_arg
from respd.commands.stream_groups import NO_KEY_OR_GROUP
from respd.datatypes.stream_groups import Pending, forget, is_settled
from respd.datatypes.stream_nodes import id_text
from respd.datatypes.streams import Stream
from respd.datatypes.strings import INT64_MAX
from respd.errors import SYNTAX, CommandError, shown
from respd.keyspace_events import STREAM

if TYPE_CHECKING:
    from respd.context import Context

_KEEP: Final = b"KEEPREF"
_FORGET: Final = b"DELREF"
_SETTLED: Final = b"ACKED"
_PARTS: Final = (_KEEP, _FORGET, _SETTLED)
_MODES: Final = (b"SILENT", b"FAIL", b"FATAL")
_NO_SUCH: Final = -1
_DELETED: Final = 1
_KEPT: Final = 2
_NOT_GIVEN: Final = -1
_BAD_NUMBER: Final = b"ERR Number of IDs must be a positive integer"
_TOO_FEW: Final = b"ERR The `numids` parameter must match the number of arguments"
_PER_ID: Final = "O(1) for each id."

group = Group("stream")


def _ids(args: list[bytes], at: int) -> tuple[list[int], int]:
    """Read the number of ids at a place and the ids behind it; return them, and where they end."""
    number = int_arg_between(args[at], 1, INT64_MAX, _BAD_NUMBER)
    end = at + 1 + number
    if end > len(args):
        raise CommandError(_TOO_FEW)
    return [id_arg(word) for word in args[at + 1 : end]], end


@final
class _Deletion:
    """What XDELEX and XACKDEL are asked for: ids, and what is to become of references to them."""

    def __init__(self, args: list[bytes], at: int) -> None:
        self.ids: list[int] = []
        self.part: bytes = b""
        while at < len(args):
            word = args[at].upper()
            if word in _PARTS and not self.part:
                self.part = word
                at += 1
            elif word == b"IDS" and at + 1 < len(args) and not self.ids:
                self.ids, at = _ids(args, at + 1)
            else:
                raise CommandError(SYNTAX)
        if not self.ids:
            raise CommandError(SYNTAX)


def _delete(ctx: Context, key: bytes, stream: Stream, part: bytes, id: int, words: list[list[bytes]]) -> int:
    """Delete an entry if `part` lets it be; add to `words` what is to be logged."""
    if part == _SETTLED and not is_settled(stream.groups, id):
        return _KEPT if stream.get(id) is not None else _NO_SUCH
    text = id_text(id)
    if part == _FORGET:
        for name, each in stream.groups.items():
            if each.pending.get(id) is not None:
                words.append([b"XACK", key, name, text])
        forget(stream.groups, id)
    if not stream.delete(id):
        return _NO_SUCH
    words.append([b"XDEL", key, text])
    return _DELETED


def _finish(ctx: Context, key: bytes, words: list[list[bytes]]) -> None:
    """Tell everybody what was done, and log it."""
    deleted = 0
    for each in words:
        ctx.record(each)
        deleted += each[0] == b"XDEL"
    if deleted:
        ctx.db.changed(key, STREAM, b"xdel")
    ctx.db.shared.dirty += len(words) - (1 if deleted else 0)


@group.command(
    "XDELEX",
    arity=-5,
    flags=WRITE | FAST,
    keys=one_key(RW | DELETE),
    since="8.2.0",
    syntax="key [condition=<KEEPREF | DELREF | ACKED>] ids=IDS <numids:integer id:string [id:string ...]>",
    complexity=_PER_ID,
)
def xdelex(ctx: Context, args: list[bytes]) -> object:
    """Delete entries of a stream, and say what is to become of groups in which they are pending.

    KEEPREF lets them be pending, DELREF ends that, ACKED deletes only what every group has acknowledged.
    Reply: for each id 1 if it was deleted, -1 without such an entry, 2 if it was kept. Errors: syntax; of the numbers;
    invalid id; WRONGTYPE. Log: XACK and XDEL. Source: redis.io/commands/xdelex.
    """
    asked = _Deletion(args, 2)
    stream = ctx.db.write_stream(args[1])
    if stream is None:
        return [_NO_SUCH] * len(asked.ids)
    words: list[list[bytes]] = []
    found: list[object] = [_delete(ctx, args[1], stream, asked.part, id, words) for id in asked.ids]
    _finish(ctx, args[1], words)
    return found


@group.command(
    "XACKDEL",
    arity=-6,
    flags=WRITE | FAST,
    keys=one_key(RW | UPDATE | DELETE),
    since="8.2.0",
    syntax="key group [condition=<KEEPREF | DELREF | ACKED>] ids=IDS <numids:integer id:string [id:string ...]>",
    complexity=_PER_ID,
)
def xackdel(ctx: Context, args: list[bytes]) -> object:
    """Acknowledge entries in a group and delete them from the stream; what the options do, XDELEX says.

    Reply: for each id 1 if it was deleted, -1 if it was not pending, 2 if it was acknowledged, but kept.
    Errors: syntax; of the numbers; invalid id; WRONGTYPE. Log: XACK and XDEL. Source: redis.io/commands/xackdel.
    """
    asked = _Deletion(args, 3)
    key, name = args[1], args[2]
    stream = ctx.db.write_stream(key)
    group = None if stream is None else stream.groups.get(name)
    if stream is None or group is None:
        return [_NO_SUCH] * len(asked.ids)
    words: list[list[bytes]] = []
    found: list[object] = []
    for id in asked.ids:
        if not group.acknowledge(id):
            found.append(_NO_SUCH)
            continue
        words.append([b"XACK", key, name, id_text(id)])
        done = _delete(ctx, key, stream, asked.part, id, words)
        found.append(_KEPT if done == _KEPT else _DELETED)
    _finish(ctx, key, words)
    return found


@final
class _Return:
    """The options of XNACK; `deliveries` is _NOT_GIVEN if so."""

    def __init__(self, args: list[bytes]) -> None:
        self.mode: bytes = args[3].upper()
        self.ids: list[int] = []
        self.deliveries: int = _NOT_GIVEN
        self.forces: bool = False
        if self.mode not in _MODES:
            raise CommandError(SYNTAX)
        at = 4
        while at < len(args):
            word = args[at].upper()
            has_more = at + 1 < len(args)
            if word == b"IDS" and has_more and not self.ids:
                self.ids, at = _ids(args, at + 1)
            elif word == b"RETRYCOUNT" and has_more:
                error = b"ERR Invalid RETRYCOUNT option argument for XNACK"
                self.deliveries = int_arg_between(args[at + 1], 0, INT64_MAX, error)
                at += 2
            elif word == b"FORCE":
                self.forces = True
                at += 1
            else:
                raise CommandError(SYNTAX)
        if not self.ids:
            raise CommandError(SYNTAX)

    def count(self, entry: Pending) -> None:
        """Set how often an entry that is given back counts as delivered."""
        if self.deliveries != _NOT_GIVEN:
            entry.deliveries = self.deliveries
        elif self.mode == b"FATAL":
            entry.deliveries = INT64_MAX
        elif self.mode == b"SILENT" and entry.deliveries > 0:
            entry.deliveries -= 1


@group.command(
    "XNACK",
    arity=-7,
    flags=WRITE | FAST,
    keys=one_key(RW | UPDATE),
    since="8.8.0",
    syntax="key group mode=<SILENT | FAIL | FATAL> ids=IDS <numids:integer id:string [id:string ...]> "
    "[count=RETRYCOUNT count:integer] [FORCE]",
    complexity=_PER_ID,
)
def xnack(ctx: Context, args: list[bytes]) -> object:
    """Give pending entries back to their group: they are nobody's, and whoever claims gets them first.

    SILENT counts their last delivery as none, FATAL counts it as very many, RETRYCOUNT sets the number. With FORCE
    entries that are not pending become so.
    Reply: how many are nobody's now. Errors: syntax; of the numbers; invalid id; WRONGTYPE; NOGROUP.
    Log: XNACK with the number of deliveries. Source: redis.io/commands/xnack.
    """
    asked = _Return(args)
    key, name = args[1], args[2]
    stream = ctx.db.write_stream(key)
    group = None if stream is None else stream.groups.get(name)
    if stream is None or group is None:
        raise CommandError(NO_KEY_OR_GROUP % (shown(key), shown(name)))
    done = 0
    for id in asked.ids:
        entry = group.pending.get(id)
        if entry is None:
            if not asked.forces or stream.get(id) is None:
                continue
            entry = Pending(id, None, 0, 0)
            group.add(entry)
        asked.count(entry)
        group.hand_over(entry, None)
        group.set_delivered(entry, 0)
        _record(ctx, key, name, entry)
        done += 1
    ctx.db.shared.dirty += done
    if done:
        ctx.db.waiting.signal(key)
    return done


def _record(ctx: Context, key: bytes, name: bytes, entry: Pending) -> None:
    """Log that an entry is pending, and nobody's."""
    ctx.record([b"XNACK", key, name, b"FAIL", b"IDS", b"1", id_text(entry.id), b"RETRYCOUNT", b"%d" % entry.deliveries,
                b"FORCE"])  # fmt: skip
