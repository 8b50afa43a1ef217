"""The commands about a connection itself. Source: redis.io/commands/?group=connection."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from respd import gates
from respd.acl import DEFAULT
from respd.arguments import int_arg, int_arg_between
from respd.client import REPLY_ON, Client
from respd.command import ALLOW_BUSY, FAST, LOADING, NO_AUTH, NOSCRIPT, STALE, Group
from respd.datatypes.strings import INT64_MAX, INT64_MIN
from respd.errors import DB_OUT_OF_RANGE, SYNTAX, CommandError, shown, wrong_arity
from respd.protocol.replies import OK, PONG, MapReply, Status
from respd.version import REDIS_VERSION

if TYPE_CHECKING:
    from respd.context import Context

group = Group("connection")

_OPEN: Final = NOSCRIPT | LOADING | STALE | FAST | NO_AUTH | ALLOW_BUSY
INT_MIN: Final = -(1 << 31)
INT_MAX: Final = (1 << 31) - 1
_RESET: Final = Status(b"RESET")

WRONG_PASSWORD: Final = b"WRONGPASS invalid username-password pair or user is disabled."
BAD_CLIENT_NAME: Final = b"ERR Client names cannot contain spaces, newlines or special characters."
_NO_PASSWORD_SET: Final = (
    b"ERR AUTH <password> called without any password configured for the default user. Are you sure your configuration "
    b"is correct?"
)
_BAD_PROTOCOL: Final = b"ERR Protocol version is not an integer or out of range"
_UNKNOWN_PROTOCOL: Final = b"NOPROTO unsupported protocol version"
_HELLO_NEEDS_AUTH: Final = (
    b"NOAUTH HELLO must be called with the client already authenticated, otherwise the HELLO <proto> AUTH <user> "
    b"<pass> option can be used to authenticate the client and select the RESP protocol version at the same time"
)


def is_printable(text: bytes) -> bool:
    """Tell whether `text` is all visible ASCII without spaces, as client names and library names must be.

    As in Redis, what follows a zero byte is not looked at.
    """
    return all(33 <= byte <= 126 for byte in text.split(b"\x00", 1)[0])


def authenticate(ctx: Context, command: bytes, user: bytes, password: bytes) -> None:
    """Log the client in or raise WRONGPASS; `command` is the one that tries, as sent."""
    engine = ctx.engine
    found = engine.acl.authenticate(user, password)
    if found is None:
        engine.access.note_failed_login(ctx.client, command, user)
        raise CommandError(WRONG_PASSWORD)
    engine.access.assign(ctx.client, found)
    ctx.client.gates &= ~gates.AUTH


def set_protocol(client: Client, version: int) -> None:
    """Speak RESP2 or RESP3 to the client from now on."""
    client.speak(version)
    client.update_subscribed_gate()


@group.command(
    "AUTH", arity=-2, flags=_OPEN, since="1.0.0", syntax="[username] password",
    complexity="O(N) where N is the number of passwords of the user",
    history=(("6.0.0", "Accepts a user name (ACL)."),),
)  # fmt: skip
def auth(ctx: Context, args: list[bytes]) -> object:
    """Authenticate the connection.

    Reply: OK. Errors: syntax error; that no password is configured; WRONGPASS.
    """
    for index in range(1, len(args)):
        ctx.engine.slowlog.hide(args, index)
    if len(args) > 3:
        raise CommandError(SYNTAX)
    if len(args) == 2:
        if ctx.engine.acl.default.no_password:
            raise CommandError(_NO_PASSWORD_SET)
        authenticate(ctx, args[0], DEFAULT, args[1])
    else:
        authenticate(ctx, args[0], args[1], args[2])
    return OK


@group.command("ECHO", arity=2, flags=LOADING | STALE | FAST, since="1.0.0", syntax="message", complexity="O(1)")
def echo(ctx: Context, args: list[bytes]) -> object:
    """Return the given string."""
    return args[1]


@group.command(
    "HELLO", arity=-1, flags=_OPEN, since="6.0.0", complexity="O(1)",
    syntax="arguments=[protover [AUTH username password] [SETNAME clientname]]",
    history=(("6.2.0", "`protover` may be left out: the reply then describes the connection as it is."),),
)  # fmt: skip
def hello(ctx: Context, args: list[bytes]) -> object:
    """Choose the version of the protocol, optionally authenticating and naming the connection.

    Reply: a map that describes server and connection, already in the chosen version.
    Errors: NOPROTO; a syntax error that names the option; WRONGPASS; NOAUTH when still not authenticated; a bad name.
    """
    client = ctx.client
    version = 0
    if len(args) > 1:
        version = int_arg_between(args[1], INT64_MIN, INT64_MAX, _BAD_PROTOCOL)
        if version not in (2, 3):
            raise CommandError(_UNKNOWN_PROTOCOL)
    user = password = name = None
    at = 2
    while at < len(args):
        option = args[at].upper()
        left = len(args) - at - 1
        if option == b"AUTH" and left >= 2:
            user = args[at + 1]
            password = args[at + 2]
            ctx.engine.slowlog.hide(args, at + 1)
            ctx.engine.slowlog.hide(args, at + 2)
            at += 3
        elif option == b"SETNAME" and left >= 1:
            name = args[at + 1]
            if not is_printable(name):
                raise CommandError(BAD_CLIENT_NAME)
            at += 2
        else:
            raise CommandError(b"ERR Syntax error in HELLO option '%b'" % shown(args[at]))
    if user is not None and password is not None:
        authenticate(ctx, args[0], user, password)
    if client.gates & gates.AUTH:
        raise CommandError(_HELLO_NEEDS_AUTH)
    if name is not None:
        client.name = name
    if version:
        set_protocol(client, version)
    return MapReply(
        [
            b"server", b"redis", b"version", REDIS_VERSION.encode(), b"proto", int(client.resp), b"id", client.id,
            b"mode", b"standalone", b"role", b"master", b"modules", [],
        ]
    )  # fmt: skip


@group.command(
    "PING", arity=-1, flags=FAST, since="1.0.0", syntax="[message]", complexity="O(1)",
    tips=("request_policy:all_shards", "response_policy:all_succeeded"),
)  # fmt: skip
def ping(ctx: Context, args: list[bytes]) -> object:
    """Return PONG, or the given string: the server is alive.

    Reply: for a RESP2 client with subscriptions an array of `pong` and the string, so that it looks like a message.
    """
    if len(args) > 2:
        raise wrong_arity(b"ping")
    if ctx.client.gates & gates.SUBSCRIBED and ctx.client.resp == 2:
        return [b"pong", args[1] if len(args) == 2 else b""]
    return PONG if len(args) == 1 else args[1]


@group.command(
    "QUIT", arity=-1, flags=_OPEN, since="1.0.0", complexity="O(1)", deprecated=("7.2.0", "just closing the connection")
)
def quit_(ctx: Context, args: list[bytes]) -> object:
    """Close the connection after an OK."""
    client = ctx.client
    client.close_after_reply = True
    client.gates |= gates.CLOSING
    client.wants_write()
    return OK


@group.command("RESET", arity=1, flags=_OPEN, since="6.2.0", complexity="O(1)")
def reset(ctx: Context, args: list[bytes]) -> object:
    """Make the connection what it was when it was new.

    Reply: RESET. Ends a transaction, watching, subscriptions, MONITOR, RESP3 and CLIENT REPLY, selects database 0,
    forgets the name, and logs out where a password is set.
    """
    client = ctx.client
    engine = ctx.engine
    engine.transactions.discard(client)
    engine.pubsub.disconnect(client)
    engine.end_tracking(client)
    engine.stop_monitoring(client)
    ctx.select(0)
    set_protocol(client, 2)
    client.name = b""
    client.reply_mode = REPLY_ON
    client.no_evict = False
    client.fieldsets = {}
    client.gates &= ~(gates.REPLY | gates.NO_TOUCH)
    engine.access.log_out(client)
    return _RESET


@group.command("SELECT", arity=2, flags=LOADING | STALE | FAST, since="1.0.0", syntax="index", complexity="O(1)")
def select(ctx: Context, args: list[bytes]) -> object:
    """Select the database that the connection works with.

    Reply: OK. Errors: not an integer; "DB index is out of range".
    """
    index = int_arg(args[1])
    if not INT_MIN <= index <= INT_MAX:
        raise CommandError(b"ERR value is out of range, value must between %d and %d" % (INT_MIN, INT_MAX))
    if not 0 <= index < len(ctx.engine.databases):
        raise CommandError(DB_OUT_OF_RANGE)
    ctx.select(index)
    return OK
