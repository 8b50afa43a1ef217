"""LMOVEM and BLMOVEM: LMOVE and BLMOVE for several elements. Source: redis.io/commands/lmovem and /blmovem."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, final

from respd.arguments import int_arg_between, timeout_arg
from respd.blocking import BLOCK_LIST, Block
from respd.command import ACCESS, BLOCKING, DELETE, DENYOOM, INSERT, RW, WRITE, Group, one_key
from respd.commands.lists import COUNT_NOT_POSITIVE, is_left
from respd.datatypes.lists import ListValue
from respd.datatypes.strings import INT64_MAX
from respd.errors import SYNTAX, CommandError
from respd.keyspace_events import LIST
from respd.protocol.replies import NULL_ARRAY

if TYPE_CHECKING:
    from respd.context import Context

_PER_ELEMENT: Final = "O(N) where N is the number of elements moved."
_HOW_MANY: Final = "how-many=[selector=<COUNT count | EXACTLY exactly:integer> ordering=<OBO | BULK>]"

group = Group("list")


@final
class _Move:
    """What is to be moved: from which end to which, how many elements at most or exactly, and in which order.

    `reverses`: the elements come to stand in the order opposite to that in which they are popped. One by one (OBO) that
    is so at the head; in bulk they keep the order of the source, in which they are popped from its head.
    """

    def __init__(self, args: list[bytes], options_at: int) -> None:
        self.from_head: bool = is_left(args[3])
        self.to_head: bool = is_left(args[4])
        self.count: int = 1
        self.is_exact: bool = False
        self.reverses: bool = False
        options = args[options_at:]
        if not options:
            return
        if len(options) != 3:
            raise CommandError(SYNTAX)
        selector = options[0].upper()
        if selector == b"EXACTLY":
            self.is_exact = True
        elif selector != b"COUNT":
            raise CommandError(SYNTAX)
        self.count = int_arg_between(options[1], 1, INT64_MAX, COUNT_NOT_POSITIVE)
        order = options[2].upper()
        if order == b"OBO":
            self.reverses = self.to_head
        elif order == b"BULK":
            self.reverses = not self.from_head
        else:
            raise CommandError(SYNTAX)

    def finds_enough(self, source: ListValue | None) -> bool:
        """Tell whether there is something to move."""
        return source is not None and (not self.is_exact or len(source) >= self.count)


@group.command(
    "LMOVEM",
    arity=-5,
    flags=WRITE | DENYOOM,
    keys=one_key(RW | ACCESS | DELETE) + one_key(RW | INSERT, 2),
    since="8.10.0",
    syntax=f"source destination wherefrom=<LEFT | RIGHT> whereto=<LEFT | RIGHT> {_HOW_MANY}",
    complexity=_PER_ELEMENT,
)
def lmovem(ctx: Context, args: list[bytes]) -> object:
    """Take elements from one end of a list and put them at an end of another, or of the same.

    OBO: one after the other; BULK: in the order they have. Reply: the elements in the order in which they now stand; a
    null array without a source, or with EXACTLY without enough of them. Errors: syntax error; "count should be greater
    than 0"; WRONGTYPE, of the destination only when there is something to move. Log: a pop and a push.
    Source: redis.io/commands/lmovem.
    """
    move = _Move(args, 5)
    source = ctx.db.write_list(args[1])
    if source is None or not move.finds_enough(source):
        return NULL_ARRAY
    return _carry_out(ctx, args[1], args[2], source, move)


@group.command(
    "BLMOVEM",
    arity=-6,
    flags=WRITE | DENYOOM | BLOCKING,
    keys=one_key(RW | ACCESS | DELETE) + one_key(RW | INSERT, 2),
    since="8.10.0",
    syntax=f"source destination wherefrom=<LEFT | RIGHT> whereto=<LEFT | RIGHT> timeout {_HOW_MANY}",
    complexity=_PER_ELEMENT,
)
def blmovem(ctx: Context, args: list[bytes]) -> object:
    """Move elements from one end of a list to an end of another, or wait until there are any, with EXACTLY enough.

    Reply: as LMOVEM; a null array when the timeout (in seconds, 0 for none) is over, or in a transaction.
    Errors: those of LMOVEM, those of the timeout before WRONGTYPE. Log: as LMOVEM. Source: redis.io/commands/blmovem.
    """
    move = _Move(args, 6)
    deadline_ms = timeout_arg(args[5], ctx.clock.ms)
    source = ctx.db.write_list(args[1])
    if source is None or not move.finds_enough(source):
        return NULL_ARRAY if ctx.deny_blocking else Block([args[1]], deadline_ms, NULL_ARRAY, BLOCK_LIST)
    return _carry_out(ctx, args[1], args[2], source, move)


def _carry_out(ctx: Context, key: bytes, to: bytes, source: ListValue, move: _Move) -> list[bytes]:
    """Move the elements; as with LMOVE the push is signalled before the pop. Return them as they now stand."""
    db = ctx.db
    limits = ctx.limits
    destination = db.open_list(to)
    size = len(source)
    count = min(move.count, size)
    moved = source.pop_heads(count) if move.from_head else source.pop_tails(count)
    if move.reverses:
        moved.reverse()
    if move.to_head:
        destination.push_heads(moved[::-1], 0, limits)
    else:
        destination.push_tails(moved, 0, limits)
    source.shrink(limits)
    db.changed_by(to, LIST, b"lpush" if move.to_head else b"rpush", count)
    db.changed_by(key, LIST, b"lpop" if move.from_head else b"rpop", 0)
    if len(source) == 0:
        db.drop_if_empty(key)
    if ctx.effects.is_on:
        _record(ctx, key, to, moved, move, size)
    return moved


def _record(ctx: Context, key: bytes, to: bytes, moved: list[bytes], move: _Move, size: int) -> None:
    """Log a pop and a push, which every version of redis-server knows; `size` is what the source had before.

    A list that moves within itself as a whole would be gone, with its expiry, between the two: it is pushed first, and
    popped where the old elements then are.
    """
    count = b"%d" % len(moved)
    if move.to_head:
        push = [b"LPUSH", to, *moved[::-1]]
    else:
        push = [b"RPUSH", to, *moved]
    if key == to and len(moved) == size:
        ctx.record(push)
        ctx.record([b"RPOP" if move.to_head else b"LPOP", key, count])
    else:
        ctx.record([b"LPOP" if move.from_head else b"RPOP", key, count])
        ctx.record(push)
