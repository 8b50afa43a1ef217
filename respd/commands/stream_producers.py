"""The stream commands about producers whose messages are added once, however often they are sent: XADD's IDMP.

Source: redis.io/docs/latest/develop/data-types/streams/idempotency; newer than the redis-server that respd is compared
with.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from respd.arguments import int_arg
from respd.command import FAST, RW, UPDATE, WRITE, Group, one_key
from respd.commands.stream_arguments import id_arg
from respd.datatypes.stream_producers import Producers
from respd.datatypes.streams import Stream
from respd.errors import NO_SUCH_KEY, SYNTAX, CommandError
from respd.protocol.replies import OK

if TYPE_CHECKING:
    from respd.context import Context

_DURATION_MAX_S: Final = 86_400
_SIZE_MAX: Final = 10_000
_BAD_DURATION: Final = b"ERR IDMP-DURATION must be between 1 and 86400 seconds"
_BAD_SIZE: Final = b"ERR IDMP-MAXSIZE must be between 1 and 10000 entries"
_NOTHING: Final = b"ERR At least one parameter must be specified"

group = Group("stream")


def producers_of(stream: Stream) -> Producers:
    """Return what a stream remembers of its producers, made when there was nothing."""
    if stream.producers is None:
        stream.producers = Producers()
    return stream.producers


@group.command(
    "XCFGSET",
    arity=-2,
    flags=WRITE | FAST,
    keys=one_key(RW | UPDATE),
    since="8.6.0",
    syntax="key [IDMP-DURATION idmp-duration:integer] [IDMP-MAXSIZE idmp-maxsize:integer]",
    complexity="O(1)",
)
def xcfgset(ctx: Context, args: list[bytes]) -> object:
    """Set for how long and how many messages of each producer a stream remembers.

    Reply: OK; what was remembered is forgotten when a figure changes. Errors: syntax error, not an integer, out of
    range, no such key, WRONGTYPE. Source: redis.io/commands/xcfgset.
    """
    duration_s = 0
    max_size = 0
    at = 2
    while at < len(args):
        option = args[at].upper()
        if at + 1 == len(args) or option not in (b"IDMP-DURATION", b"IDMP-MAXSIZE"):
            raise CommandError(SYNTAX)
        value = int_arg(args[at + 1])
        if option == b"IDMP-DURATION":
            if not 1 <= value <= _DURATION_MAX_S:
                raise CommandError(_BAD_DURATION)
            duration_s = value
        else:
            if not 1 <= value <= _SIZE_MAX:
                raise CommandError(_BAD_SIZE)
            max_size = value
        at += 2
    if not duration_s and not max_size:
        raise CommandError(_NOTHING)
    stream = ctx.db.write_stream(args[1])
    if stream is None:
        raise CommandError(NO_SUCH_KEY)
    producers = producers_of(stream)
    if producers.configure(duration_s or producers.duration_s, max_size or producers.max_size):
        ctx.db.shared.dirty += 1
    return OK


@group.command(
    "XIDMPRECORD",
    arity=5,
    flags=WRITE | FAST,
    keys=one_key(RW | UPDATE),
    since="8.6.2",
    syntax="key pid iid stream-id",
    complexity="O(1)",
)
def xidmprecord(ctx: Context, args: list[bytes]) -> object:
    """Have a stream remember that an entry is a certain message of a producer; meant for logs.

    Reply: OK. Errors: an empty pid or iid, an invalid id, no such key, WRONGTYPE, no such entry, the message is another
    entry. Source: redis.io/commands/xidmprecord.
    """
    pid, iid = args[2], args[3]
    if not pid or not iid:
        raise CommandError(b"ERR pid and iid must be non-empty")
    id = id_arg(args[4])
    stream = ctx.db.write_stream(args[1])
    if stream is None:
        raise CommandError(NO_SUCH_KEY)
    if stream.get(id) is None:
        raise CommandError(b"ERR The stream ID does not exist")
    producers = producers_of(stream)
    known = producers.find(pid, iid, int(ctx.clock.ms))
    if known >= 0:
        if known != id:
            raise CommandError(b"ERR The pid and iid already belong to another stream ID")
        return OK
    producers.add(pid, iid, id, int(ctx.clock.ms))
    ctx.db.shared.dirty += 1
    return OK
