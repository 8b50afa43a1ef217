"""The stream commands that add, remove and count entries, and set a stream's own figures.

Source: redis.io/commands/?group=stream.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, final

from respd.arguments import int_arg
from respd.command import DELETE, DENYOOM, FAST, READONLY, RO, RW, UPDATE, WRITE, Group, noted, one_key
from respd.commands.stream_arguments import SEQUENCE_MAX, Trimming, id_arg, new_id_arg
from respd.commands.stream_producers import producers_of
from respd.datatypes.stream_nodes import id_text
from respd.datatypes.stream_producers import content_iid
from respd.errors import NO_SUCH_KEY, SYNTAX, CommandError, wrong_arity
from respd.keyspace_events import STREAM
from respd.protocol.replies import OK

if TYPE_CHECKING:
    from respd.context import Context
    from respd.datatypes.streams import Stream

_TRIM: Final = "<MAXLEN | MINID> [equal== | approximately=~] threshold [LIMIT count]"
_POLICY: Final = "references=[KEEPREF | DELREF | ACKED]"
_MESSAGE: Final = "idempotency=[IDMPAUTO producer-id | IDMP producer-id idempotent-id]"
_OWN_ID: Final = b"ERR IDMP/IDMPAUTO can be used only with auto-generated IDs"
_TWICE: Final = b"ERR IDMP/IDMPAUTO specified multiple times"
_IS_ZERO: Final = b"ERR The ID specified in XADD must be greater than 0-0"
_NOT_GREATER: Final = b"ERR The ID specified in XADD is equal or smaller than the target stream top item"
_EXHAUSTED: Final = b"ERR The stream has exhausted the last possible ID, unable to add more items"
_TOO_LARGE: Final = b"ERR Elements are too large to be stored"
_BELOW_GIVEN: Final = b"ERR The ID specified in XSETID is smaller than the provided max_deleted_entry_id"
_BELOW_DELETED: Final = b"ERR The ID specified in XSETID is smaller than current max_deleted_entry_id"
_BELOW_TOP: Final = b"ERR The ID specified in XSETID is smaller than the target stream top item"
_TOO_FEW: Final = b"ERR The entries_added specified in XSETID is smaller than the target stream length"

group = Group("stream")


@group.command(
    "XADD",
    arity=-5,
    flags=WRITE | DENYOOM | FAST,
    keys=noted(one_key(RW | UPDATE), "UPDATE rather than INSERT, since it may trim."),
    since="5.0.0",
    syntax=f"key [NOMKSTREAM] {_POLICY} {_MESSAGE} trim=[{_TRIM}] "
    "id-selector=<auto-id=* | id> field value [field value ...]",
    complexity="O(1); with trimming O(N) where N is the number of entries removed",
    tips=("nondeterministic_output",),
    history=(
        ("6.2.0", "Takes `NOMKSTREAM`, `MINID` and `LIMIT`."),
        ("7.0.0", "Takes ids of the form `<ms>-*`."),
        ("8.2.0", "Takes `KEEPREF`, `DELREF` and `ACKED`."),
        ("8.6.0", "Takes `IDMP` and `IDMPAUTO`."),
    ),
)
def xadd(ctx: Context, args: list[bytes]) -> object:
    """Append an entry to a stream, and trim the stream if asked.

    Reply: the new id, that of the first time for a message that its producer has sent before (IDMP), null when the key
    is absent and NOMKSTREAM was given.
    Errors: of the options and the id, the number of words, 0-0, WRONGTYPE, an id that is not above the last.
    Log: XADD with the id that was given, and exact trimming. Source: redis.io/commands/xadd.
    """
    options = _NO_OPTIONS
    at = 2
    if args[2] != b"*":
        options = _Addition(ctx, args)
        at = options.at
    size = len(args) - at - 1
    if size < 2 or size % 2 == 1:
        raise wrong_arity(b"xadd")
    if options.id == 0 and options.has_seq:
        raise CommandError(_IS_ZERO)
    key = args[1]
    db = ctx.db
    if options.creates:
        stream = db.open_stream(key)
    else:
        found = db.write_stream(key)
        if found is None:
            return None
        stream = found
    now_ms = ctx.clock.ms
    iid = options.iid
    if options.pid:
        if not iid:
            iid = content_iid(args[at + 1 :])
        if options.id < 0:
            known = _known(stream, options.pid, iid, int(now_ms))
            if known >= 0:
                return id_text(known)
    if stream.is_exhausted():
        raise CommandError(_EXHAUSTED)
    if options.id < 0:
        is_added = stream.append_now(now_ms, args, at + 1, ctx.limits)
    else:
        is_added = stream.append(_given_id(options, stream.last_id), args[at + 1 :], ctx.limits)
    if not is_added:
        raise CommandError(_TOO_LARGE)
    if options.pid:
        producers_of(stream).add(options.pid, iid, stream.last_id, int(now_ms))
    db.changed(key, STREAM, b"xadd")
    trimming = options.trimming
    if trimming.is_given() and trimming.trim(stream):
        db.notify(key, STREAM, b"xtrim")
    text = stream.last_id_text()
    if ctx.effects.is_on:
        _record(ctx, args, options, stream, text)
    return text


def _record(ctx: Context, args: list[bytes], options: _Addition, stream: Stream, text: bytes) -> None:
    """Log XADD as it would do the same again."""
    trimming = options.trimming
    if trimming.deleted:
        ctx.record([b"XADD", args[1], *options.message(), text, *args[options.at + 1 :]])
        ctx.record([b"XDEL", args[1], *trimming.deleted])
        return
    words = args[:]
    if options.id < 0 or not options.has_seq:
        words[options.at] = text
    trimming.record(ctx, words, stream)


@final
class _Addition:
    """The words of XADD up to the id, checked in Redis' order. `id` is -1 for `*`, `at` its position."""

    def __init__(self, ctx: Context | None, args: list[bytes]) -> None:
        self.trimming: Trimming = Trimming()
        self.creates: bool = True
        self.id: int = -1
        self.has_seq: bool = True
        self.pid: bytes = b""
        self.iid: bytes = b""
        self.at: int = 2
        if ctx is not None:
            self._read(ctx, args)

    def _read(self, ctx: Context, args: list[bytes]) -> None:
        at = 2
        while at < len(args) and args[at] != b"*":
            after = self.trimming.take(args, at)
            if after == at:
                name = args[at].upper()
                more = len(args) - at - 1
                if name == b"NOMKSTREAM":
                    self.creates = False
                    after = at + 1
                elif name in (b"IDMP", b"IDMPAUTO") and more >= (2 if name == b"IDMP" else 1):
                    after = self._take_message(args, at, name)
                else:
                    self.id, self.has_seq = new_id_arg(args[at])
                    if self.pid and ctx.engine.loading is None:
                        raise CommandError(_OWN_ID)
                    break
            at = after
        self.trimming.check(ctx, False)
        self.at = at

    def _take_message(self, args: list[bytes], at: int, name: bytes) -> int:
        """Read IDMP pid iid, or IDMPAUTO pid; return the position behind."""
        if self.pid:
            raise CommandError(_TWICE)
        self.pid = args[at + 1]
        if not self.pid:
            raise CommandError(b"ERR %b requires a non-empty producer ID" % name)
        if name == b"IDMPAUTO":
            return at + 2
        self.iid = args[at + 2]
        if not self.iid:
            raise CommandError(b"ERR IDMP requires a non-empty idempotent ID")
        return at + 3

    def message(self) -> list[bytes]:
        """Return the words that name the message, if there are any."""
        if not self.pid:
            return []
        return [b"IDMP", self.pid, self.iid] if self.iid else [b"IDMPAUTO", self.pid]


_NO_OPTIONS: Final = _Addition(None, [])


def _known(stream: Stream, pid: bytes, iid: bytes, now_ms: int) -> int:
    """Return the id of a producer's message that was added before, -1 if it was not."""
    producers = stream.producers
    if producers is None:
        return -1
    known = producers.find(pid, iid, now_ms)
    if known >= 0:
        producers.duplicates += 1
    return known


def _given_id(options: _Addition, last_id: int) -> int:
    """Return the id that was given, or the one that `ms-*` asks for; it must come after `last_id`."""
    id = options.id
    if not options.has_seq and id >> 64 == last_id >> 64:
        if last_id & SEQUENCE_MAX == SEQUENCE_MAX:
            raise CommandError(_NOT_GREATER)
        id = last_id + 1
    if id <= last_id:
        raise CommandError(_NOT_GREATER)
    return id


@group.command(
    "XTRIM",
    arity=-4,
    flags=WRITE,
    keys=one_key(RW | DELETE),
    since="5.0.0",
    syntax=f"key trim=({_TRIM}) {_POLICY}",
    complexity="O(N) where N is the number of entries removed, quick as nodes go as a whole",
    tips=("nondeterministic_output",),
    history=(("6.2.0", "Takes `MINID` and `LIMIT`."), ("8.2.0", "Takes `KEEPREF`, `DELREF` and `ACKED`.")),
)
def xtrim(ctx: Context, args: list[bytes]) -> object:
    """Remove the oldest entries of a stream, down to a length or up to an id.

    Reply: how many were removed. Errors: of the options, WRONGTYPE. Log: the exact trimming that has the same effect.
    Source: redis.io/commands/xtrim.
    """
    trimming = Trimming()
    at = 2
    while at < len(args):
        after = trimming.take(args, at)
        if after == at:
            raise CommandError(SYNTAX)
        at = after
    trimming.check(ctx, True)
    key = args[1]
    stream = ctx.db.write_stream(key)
    if stream is None:
        return 0
    removed = trimming.trim(stream)
    if removed:
        _removed(ctx, key, b"xtrim", removed)
        if trimming.deleted:
            ctx.record([b"XDEL", key, *trimming.deleted])
        elif ctx.effects.is_on:
            trimming.record(ctx, args[:], stream)
    return removed


def _removed(ctx: Context, key: bytes, event: bytes, count: int) -> None:
    """Signal that so many entries were removed: as many changes."""
    ctx.db.changed(key, STREAM, event)
    ctx.db.shared.dirty += count - 1


@group.command(
    "XDEL",
    arity=-3,
    flags=WRITE | FAST,
    keys=one_key(RW | DELETE),
    since="5.0.0",
    syntax="key id [id ...]",
    complexity="O(1) for each entry",
)
def xdel(ctx: Context, args: list[bytes]) -> object:
    """Delete entries of a stream.

    Reply: how many there were. Errors: WRONGTYPE, then an invalid id. Source: redis.io/commands/xdel.
    """
    key = args[1]
    stream = ctx.db.write_stream(key)
    if stream is None:
        return 0
    ids: list[int] = []
    for word in args[2:]:
        ids.append(id_arg(word))
    removed = 0
    for id in ids:
        if stream.delete(id):
            removed += 1
    if removed:
        _removed(ctx, key, b"xdel", removed)
    return removed


@group.command(
    "XLEN",
    arity=2,
    flags=READONLY | FAST,
    keys=one_key(RO),
    since="5.0.0",
    syntax="key",
    complexity="O(1)",
)
def xlen(ctx: Context, args: list[bytes]) -> object:
    """Count the entries of a stream.

    Reply: their number, 0 when the key is absent. Errors: WRONGTYPE. Source: redis.io/commands/xlen.
    """
    stream = ctx.db.read_stream(args[1])
    return 0 if stream is None else stream.length


@group.command(
    "XSETID",
    arity=-3,
    flags=WRITE | DENYOOM | FAST,
    keys=one_key(RW | UPDATE),
    since="5.0.0",
    syntax="key last-id [ENTRIESADDED entries-added] [MAXDELETEDID max-deleted-id]",
    complexity="O(1)",
    history=(("7.0.0", "Takes `ENTRIESADDED` and `MAXDELETEDID`."),),
)
def xsetid(ctx: Context, args: list[bytes]) -> object:
    """Set the last id of a stream, and what it remembers of entries that were added and deleted.

    Reply: OK. Errors: an invalid id, of the options, no such key, WRONGTYPE, what does not
    fit the entries. Source: redis.io/commands/xsetid.
    """
    id = id_arg(args[2])
    added = -1
    max_deleted = 0
    at = 3
    while at < len(args):
        option = args[at].upper()
        if option == b"ENTRIESADDED" and at + 1 < len(args):
            added = int_arg(args[at + 1])
            if added < 0:
                raise CommandError(b"ERR entries_added must be positive")
        elif option == b"MAXDELETEDID" and at + 1 < len(args):
            max_deleted = id_arg(args[at + 1])
            if id < max_deleted:
                raise CommandError(_BELOW_GIVEN)
        else:
            raise CommandError(SYNTAX)
        at += 2
    stream = ctx.db.write_stream(args[1])
    if stream is None:
        raise CommandError(NO_SUCH_KEY)
    if id < stream.max_deleted_id:
        raise CommandError(_BELOW_DELETED)
    if stream.length > 0:
        if id < stream.last_live_id():
            raise CommandError(_BELOW_TOP)
        if 0 <= added < stream.length:
            raise CommandError(_TOO_FEW)
    stream.last_id = id
    if added >= 0:
        stream.entries_added = added
    if max_deleted > 0:
        stream.max_deleted_id = max_deleted
    ctx.db.shared.dirty += 1
    ctx.db.notify(args[1], STREAM, b"xsetid")  # as in Redis, it spoils no WATCH
    return OK
