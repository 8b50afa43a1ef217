"""The stream commands that read entries without a group, waiting for some or not.

Source: redis.io/commands/?group=stream.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, final

from respd.arguments import int_arg, int_arg_between, timeout_arg
from respd.blocking import BLOCK_STREAM, Block
from respd.command import ACCESS, BLOCKING, MOVABLE_KEYS, READONLY, RO, Group, keyword_key, one_key
from respd.commands.stream_arguments import id_arg, range_args
from respd.datatypes.stream_entries import EVERYTHING, Entries
from respd.datatypes.stream_nodes import LAST_ID, id_text
from respd.datatypes.streams import Stream
from respd.datatypes.strings import INT64_MAX
from respd.errors import SYNTAX, CommandError
from respd.protocol.replies import NULL_ARRAY, KeyedReply

if TYPE_CHECKING:
    from respd.context import Context

_RANGE_COST: Final = "O(N) where N is the number of entries returned"
_GROUP_OPTION: Final = b"ERR The GROUP option is only supported by XREADGROUP. You called XREAD instead."
_NOACK_OPTION: Final = b"ERR The NOACK option is only supported by XREADGROUP. You called XREAD instead."
_NEW_ID: Final = (
    b"ERR The > ID can be specified only when calling XREADGROUP using the GROUP <group> <consumer> option."
)
_UNBALANCED: Final = (
    b"ERR Unbalanced 'xread' list of streams: for each stream key an ID, '+', or '$' must be specified."
)

_ARRAY_BYTES: Final = 4  # of a short array's header

group = Group("stream")


@group.command(
    "XRANGE",
    arity=-4,
    flags=READONLY,
    keys=one_key(RO | ACCESS),
    since="5.0.0",
    syntax="key start:string end:string [COUNT count]",
    complexity=_RANGE_COST,
    history=(("6.2.0", "Ends may be left out with `(`."),),
)
def xrange(ctx: Context, args: list[bytes]) -> object:
    """Return the entries of a stream within a range of ids.

    Reply: an array of pairs of id and fields; a null array for COUNT 0.
    Errors: an invalid id, of an end or the count, syntax error, WRONGTYPE. Source: redis.io/commands/xrange.
    """
    return _range(ctx, args, args[2], args[3], False)


@group.command(
    "XREVRANGE",
    arity=-4,
    flags=READONLY,
    keys=one_key(RO | ACCESS),
    since="5.0.0",
    syntax="key end:string start:string [COUNT count]",
    complexity=_RANGE_COST,
    history=(("6.2.0", "Ends may be left out with `(`."),),
)
def xrevrange(ctx: Context, args: list[bytes]) -> object:
    """Return the entries of a stream within a range of ids, the last one first.

    Reply and errors: as XRANGE. Source: redis.io/commands/xrevrange.
    """
    return _range(ctx, args, args[3], args[2], True)


def _range(ctx: Context, args: list[bytes], first: bytes, last: bytes, reverse: bool) -> object:
    start, end = range_args(first, last)
    count = EVERYTHING
    at = 4
    while at < len(args):
        if args[at].upper() != b"COUNT" or at + 1 == len(args):
            raise CommandError(SYNTAX)
        count = max(0, int_arg(args[at + 1]))
        at += 2
    stream = ctx.db.read_stream(args[1])
    if stream is None:
        return []
    if count == 0:
        return NULL_ARRAY
    return stream.entries(start, end, count, reverse)


@group.command(
    "XREAD",
    arity=-4,
    flags=READONLY | BLOCKING | MOVABLE_KEYS,
    keys=keyword_key("STREAMS", 1, RO | ACCESS, last=-1, step=1, limit=2),
    since="5.0.0",
    syntax="[COUNT count] [MAXCOUNT maxcount:integer] [MAXSIZE maxsize:integer] [BLOCK milliseconds] "
    "STREAMS key [key ...] id [id ...]",
    history=(("8.10.0", "Takes `MAXCOUNT` and `MAXSIZE`."),),
)
def xread(ctx: Context, args: list[bytes]) -> object:
    """Return the entries of several streams behind given ids, or wait for some.

    Reply: a map from keys to arrays of pairs of id and fields, an array of pairs in RESP2; null when there are none.
    Errors: of the options, an invalid id, WRONGTYPE. Source: redis.io/commands/xread.
    """
    request = ReadOptions(ctx, args)
    after: list[int] = []
    for index, key in enumerate(request.keys):
        stream = ctx.db.read_stream(key)
        after.append(_after(request.ids[index], stream))
    flat: list[object] = []
    budget = request.budget
    for index, key in enumerate(request.keys):
        stream = ctx.db.read_stream(key)
        if stream is not None and after[index] < stream.last_id:
            entries = budget.entries(key, stream, after[index] + 1, request.count)
            if entries.count > 0:
                flat.append(key)
                flat.append(entries)
    if flat:
        return KeyedReply(flat)
    if not request.blocks:
        return NULL_ARRAY
    block = Block(request.keys, request.deadline_ms, NULL_ARRAY, BLOCK_STREAM)
    if b"$" in request.ids:
        words = args[: -len(after)]
        for index, word in enumerate(request.ids):
            words.append(id_text(after[index]) if word == b"$" else word)
        block.args = words
    return block


def _after(word: bytes, stream: Stream | None) -> int:
    """Return the id behind which XREAD is to read."""
    if word == b"$":
        return 0 if stream is None else stream.last_id
    if word == b"+":
        return 0 if stream is None else max(0, stream.last_live_id() - 1)
    if word == b">":
        raise CommandError(_NEW_ID)
    return id_arg(word)


@final
class Budget:
    """MAXCOUNT and MAXSIZE: how much a reply may hold, of all its streams together; -1 for any amount.

    MAXSIZE counts the bytes of the reply, in RESP2. The first entry is returned however large it is.
    """

    def __init__(self) -> None:
        self.count: int = -1
        self.size: int = -1
        self.is_empty: bool = True  # nothing has been spent yet

    def take(self, option: bytes, word: bytes) -> None:
        """Read the value of an option."""
        value = int_arg_between(word, 1, INT64_MAX, b"ERR %b must be a positive integer" % option)
        if option == b"MAXCOUNT":
            self.count = value
        else:
            self.size = value

    def check(self, count: int) -> None:
        """Check that COUNT is not more than MAXCOUNT."""
        if 0 <= self.count < count:
            raise CommandError(b"ERR MAXCOUNT must be greater than or equal to COUNT")

    def entries(self, key: bytes, stream: Stream, start: int, count: int) -> Entries:
        """Return up to `count` entries of a stream from an id on, as many as fit, and spend what they take."""
        if self.count >= 0 and (count < 0 or count > self.count):
            count = self.count
        if self.size < 0:
            found = stream.entries(start, LAST_ID, count, False)
        else:
            found = stream.entries(start, LAST_ID, self._fitting(key, stream, start, count), False)
        if self.count >= 0:
            self.count -= int(found.count)
        return found

    def spend(self, id: int, fields: list[bytes]) -> bool:
        """Take away what one more entry needs; tell whether it was there."""
        if self.count == 0:
            return False
        if self.size >= 0:
            needed = _entry_size(id, fields)
            if needed > self.size and not self.is_empty:
                return False
            self.size = max(0, self.size - needed)
            self.is_empty = False
        if self.count > 0:
            self.count -= 1
        return True

    def _fitting(self, key: bytes, stream: Stream, start: int, count: int) -> int:
        """Return how many entries fit into the bytes that are left, and take away what they need."""
        left = self.size - _bulk_size(len(key)) - 2 * _ARRAY_BYTES
        fitting = 0
        while fitting != count:
            some = stream.entries(start, LAST_ID, 1, False).items()
            if not some:
                break
            id, fields = some[0]
            left -= _entry_size(id, fields)
            if left < 0 and not self.is_empty:
                break
            self.is_empty = False
            fitting += 1
            start = id + 1
        if fitting:
            self.size = max(0, left)
        return fitting


def _entry_size(id: int, fields: list[bytes]) -> int:
    size = 2 * _ARRAY_BYTES + _bulk_size(len(id_text(id)))
    for word in fields:
        size += _bulk_size(len(word))
    return size


def _bulk_size(size: int) -> int:
    """Return the bytes of a bulk string on the wire."""
    return size + len(b"$%d" % size) + 4


@final
class ReadOptions:
    """The words of XREAD, checked in Redis' order."""

    def __init__(self, ctx: Context, args: list[bytes]) -> None:
        self.blocks: bool = False
        self.deadline_ms: int = 0
        self.count: int = EVERYTHING
        self.budget: Budget = Budget()
        at = 1
        total = len(args)
        while True:
            option = args[at].upper() if at < total else b""
            more = total - at - 1
            if option == b"NOACK":
                raise CommandError(_NOACK_OPTION)
            if more < 1:
                raise CommandError(SYNTAX)
            if option == b"STREAMS":
                break
            if option == b"BLOCK":
                self.deadline_ms = timeout_arg(args[at + 1], int(ctx.clock.ms), unit_ms=True)
                self.blocks = True
            elif option == b"COUNT":
                count = int_arg(args[at + 1])
                self.count = count if count > 0 else EVERYTHING
            elif option in (b"MAXCOUNT", b"MAXSIZE"):
                self.budget.take(option, args[at + 1])
            elif option == b"GROUP" and more > 1:
                raise CommandError(_GROUP_OPTION)
            else:
                raise CommandError(SYNTAX)
            at += 2
        self.budget.check(self.count)
        count = total - at - 1
        if count % 2:
            raise CommandError(_UNBALANCED)
        self.keys: list[bytes] = args[at + 1 : at + 1 + count // 2]
        self.ids: list[bytes] = args[at + 1 + count // 2 :]
