"""The CLIENT commands. Source: redis.io/commands/client-list and its siblings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from respd import gates
from respd.arguments import int_arg, int_arg_between, timeout_arg
from respd.client import CLASS_PUBSUB, REPLY_OFF, REPLY_ON, REPLY_SKIP_NEXT, Client
from respd.client_info import describe
from respd.command import ADMIN, LOADING, NOSCRIPT, STALE, Group
from respd.commands.connection import BAD_CLIENT_NAME, is_printable
from respd.datatypes.strings import INT64_MAX, INT64_MIN
from respd.errors import SYNTAX, CommandError, shown
from respd.protocol.replies import NO_REPLY, OK, Verbatim

if TYPE_CHECKING:
    from respd.context import Context

group = Group("connection")

_PLAIN: Final = NOSCRIPT | LOADING | STALE
_RESTRICTED: Final = ADMIN | NOSCRIPT | LOADING | STALE
_ALL_NODES: Final = ("request_policy:all_nodes", "response_policy:all_succeeded")
_CLIENT_TYPES: Final = (b"normal", b"slave", b"replica", b"pubsub", b"master")

group.container(
    "CLIENT",
    since="2.4.0",
    summary="A container for commands about client connections.",
    help_since="5.0.0",
)


def _lines(ctx: Context, clients: list[Client], args: list[bytes]) -> Verbatim:
    engine = ctx.engine
    now_ms = int(ctx.clock.ms)
    lines: list[bytes] = []
    for client in clients:
        if client is ctx.client:
            line = describe(client, now_ms, args, engine.exec_size if engine.in_exec else 0)
        else:
            line = describe(client, now_ms, None)
        lines.append(line + b"\n")
    return Verbatim(b"txt", b"".join(lines))


def _client_type(word: bytes) -> bytes:
    """Return the type of client that `word` names, in lower case; raise an error for an unknown one."""
    lowered = word.lower()
    if lowered not in _CLIENT_TYPES:
        raise CommandError(b"ERR Unknown client type '%b'" % shown(word))
    return b"replica" if lowered == b"slave" else lowered


def _is_of_type(client: Client, kind: bytes) -> bool:
    if kind == b"normal":
        return client.output_class() != CLASS_PUBSUB
    return kind == b"pubsub" and client.output_class() == CLASS_PUBSUB


@group.command("CLIENT|GETNAME", arity=2, flags=_PLAIN, since="2.6.9", complexity="O(1)")
def getname(ctx: Context, args: list[bytes]) -> object:
    """Return the name of the connection, null when it has none."""
    return ctx.client.name or None


@group.command("CLIENT|ID", arity=2, flags=_PLAIN, since="5.0.0", complexity="O(1)")
def id_(ctx: Context, args: list[bytes]) -> object:
    """Return the id of the connection: unique, and growing with each new connection."""
    return ctx.client.id


@group.command(
    "CLIENT|INFO", arity=2, flags=_PLAIN, since="6.2.0", complexity="O(1)", tips=("nondeterministic_output",)
)
def info(ctx: Context, args: list[bytes]) -> object:
    """Describe the connection as CLIENT LIST does."""
    return _lines(ctx, [ctx.client], args)


@group.command(
    "CLIENT|KILL", arity=-3, flags=_RESTRICTED, since="2.4.0",
    syntax="filter=<old-format=ip:port | <[ID client-id] | [TYPE <NORMAL | MASTER | SLAVE | REPLICA | PUBSUB>] | "
    "[USER username] | [ADDR addr=ip:port] | [LADDR laddr=ip:port] | [SKIPME <YES | NO>] | [MAXAGE maxage]> ...>",
    complexity="O(N) where N is the number of connections",
    history=(
        ("2.8.12", "Filters, among them `ID`."),
        ("3.2.0", "`TYPE` knows `master`."),
        ("5.0.0", "`TYPE` knows `replica` as the name for `slave`."),
        ("6.2.0", "`LADDR`."),
        ("7.4.0", "`MAXAGE`."),
    ),
)  # fmt: skip
def kill(ctx: Context, args: list[bytes]) -> object:
    """Close the connections of other clients.

    Reply: with one address OK; with filters, which must all hold, the number of clients closed. The caller is spared
    unless SKIPME no or, in the first form, its own address is given; then it is closed after the reply.
    Errors: "No such client" in the first form; an unknown type or user; a bad id or age; syntax error.
    """
    if len(args) == 3:
        if _kill_matching(ctx, _Filter(args[2])) == 0:
            raise CommandError(b"ERR No such client")
        return OK
    return _kill_matching(ctx, _parse_filter(ctx, args))


class _Filter:
    """Which clients to kill: fields that are None, empty or zero do not matter; an empty address is nobody's."""

    def __init__(self, address: bytes | None) -> None:
        self.id: int = 0
        self.kind: bytes = b""
        self.user: bytes | None = None
        self.address: bytes | None = address
        self.local_address: bytes | None = None
        self.max_age_s: int = 0
        self.skip_me: bool = False

    def accepts(self, client: Client, now_ms: int) -> bool:
        """Tell whether all fields hold for a client."""
        if self.address is not None and client.address != self.address:
            return False
        if self.local_address is not None and client.local_address != self.local_address:
            return False
        if self.kind and not _is_of_type(client, self.kind):
            return False
        if self.id and client.id != self.id:
            return False
        if self.user is not None and client.user != self.user:
            return False
        return not self.max_age_s or (now_ms - int(client.created_ms)) // 1000 >= self.max_age_s


def _parse_filter(ctx: Context, args: list[bytes]) -> _Filter:
    chosen = _Filter(None)
    chosen.skip_me = True
    at = 2
    while at < len(args):
        if at + 1 == len(args):
            raise CommandError(SYNTAX)
        option = args[at].upper()
        value = args[at + 1]
        if option == b"ID":
            chosen.id = int_arg_between(value, 1, INT64_MAX, b"ERR client-id should be greater than 0")
        elif option == b"MAXAGE":
            error = b"ERR maxage is not an integer or out of range"
            chosen.max_age_s = int_arg_between(value, INT64_MIN, INT64_MAX, error)
            if chosen.max_age_s <= 0:
                raise CommandError(b"ERR maxage should be greater than 0")
        elif option == b"TYPE":
            chosen.kind = _client_type(value)
        elif option == b"ADDR":
            chosen.address = value
        elif option == b"LADDR":
            chosen.local_address = value
        elif option == b"USER":
            if value not in ctx.engine.acl.users:
                raise CommandError(b"ERR No such user '%b'" % shown(value))
            chosen.user = value
        elif option == b"SKIPME":
            wish = value.lower()
            if wish not in (b"yes", b"no"):
                raise CommandError(SYNTAX)
            chosen.skip_me = wish == b"yes"
        else:
            raise CommandError(SYNTAX)
        at += 2
    return chosen


def _kill_matching(ctx: Context, chosen: _Filter) -> int:
    now_ms = int(ctx.clock.ms)
    killed = 0
    for client in list(ctx.engine.clients.values()):
        if client.close_now or (client is ctx.client and chosen.skip_me) or not chosen.accepts(client, now_ms):
            continue
        ctx.engine.kill(client)
        killed += 1
    return killed


@group.command(
    "CLIENT|LIST", arity=-2, flags=_RESTRICTED, since="2.4.0", tips=("nondeterministic_output",),
    syntax="[TYPE <NORMAL | MASTER | REPLICA | PUBSUB>] [ID client-id [client-id ...]]",
    complexity="O(N) where N is the number of connections",
    history=(
        ("2.8.12", "`id` field."),
        ("5.0.0", "`TYPE` filter."),
        ("6.0.0", "`user` field."),
        ("6.2.0", "`argv-mem`, `tot-mem`, `laddr` and `redir` fields, and the `ID` filter."),
        ("7.0.0", "`resp`, `multi-mem`, `rbs` and `rbp` fields."),
        ("7.0.3", "`ssub` field."),
        ("7.2.0", "`lib-name` and `lib-ver` fields."),
        ("7.4.0", "`watch` field."),
        ("8.0.0", "`io-thread` field."),
    ),
)  # fmt: skip
def list_(ctx: Context, args: list[bytes]) -> object:
    """List the connections, a line of `field=value` pairs for each.

    Reply: text, verbatim in RESP3. Errors: unknown client type; "Invalid client ID"; syntax error.
    """
    clients = ctx.engine.clients
    if len(args) == 2:
        return _lines(ctx, list(clients.values()), args)
    option = args[2].upper()
    chosen: list[Client] = []
    if option == b"TYPE" and len(args) == 4:
        kind = _client_type(args[3])
        for client in clients.values():
            if _is_of_type(client, kind):
                chosen.append(client)
    elif option == b"ID" and len(args) > 3:
        ids = [int_arg_between(word, INT64_MIN, INT64_MAX, b"ERR Invalid client ID") for word in args[3:]]
        for id in ids:
            found = clients.get(id)
            if found is not None:
                chosen.append(found)
    else:
        raise CommandError(SYNTAX)
    return _lines(ctx, chosen, args)


def _on_or_off(word: bytes) -> bool:
    wish = word.lower()
    if wish not in (b"on", b"off"):
        raise CommandError(SYNTAX)
    return wish == b"on"


@group.command("CLIENT|NO-EVICT", arity=3, flags=_RESTRICTED, since="7.0.0", syntax="<ON | OFF>", complexity="O(1)")
def no_evict(ctx: Context, args: list[bytes]) -> object:
    """Spare the connection when clients are evicted for their memory, or no longer."""
    ctx.client.no_evict = _on_or_off(args[2])
    return OK


@group.command("CLIENT|NO-TOUCH", arity=3, flags=_PLAIN, since="7.2.0", syntax="<ON | OFF>", complexity="O(1)")
def no_touch(ctx: Context, args: list[bytes]) -> object:
    """Leave the access times of keys alone when this connection's commands use them, or no longer."""
    if _on_or_off(args[2]):
        ctx.client.gates |= gates.NO_TOUCH
    else:
        ctx.client.gates &= ~gates.NO_TOUCH
    return OK


@group.command(
    "CLIENT|PAUSE", arity=-3, flags=_RESTRICTED, since="3.0.0", syntax="timeout:integer [WRITE | ALL]",
    complexity="O(1)", history=(("6.2.0", "The mode; `WRITE` holds back only what writes."),),
)  # fmt: skip
def pause(ctx: Context, args: list[bytes]) -> object:
    """Hold back the commands of all clients for a time in ms, or only those that write.

    Reply: OK. Errors: the mode; that the timeout is no integer, out of range or negative; wrong number of arguments.
    """
    write_only = False
    if len(args) > 4:
        raise _wrong_use(args[1])
    if len(args) == 4:
        mode = args[3].upper()
        if mode not in (b"WRITE", b"ALL"):
            raise CommandError(b"ERR CLIENT PAUSE mode must be WRITE or ALL")
        write_only = mode == b"WRITE"
    now_ms = int(ctx.clock.ms)
    until_ms = timeout_arg(args[2], now_ms, True)
    ctx.engine.pause.start(until_ms or now_ms, write_only)
    return OK


def _wrong_use(subcommand: bytes) -> CommandError:
    return CommandError(
        b"ERR unknown subcommand or wrong number of arguments for '%b'. Try CLIENT HELP." % subcommand[:128]
    )


@group.command("CLIENT|REPLY", arity=3, flags=_PLAIN, since="3.2.0", syntax="<ON | OFF | SKIP>", complexity="O(1)")
def reply(ctx: Context, args: list[bytes]) -> object:
    """Have the server reply, not reply, or not reply to the next command.

    Reply: OK for ON, nothing else. Errors: syntax error.
    """
    client = ctx.client
    mode = args[2].upper()
    if mode == b"ON":
        client.reply_mode = REPLY_ON
        client.gates &= ~gates.REPLY
        return OK
    if mode == b"OFF":
        client.reply_mode = REPLY_OFF
    elif mode != b"SKIP":
        raise CommandError(SYNTAX)
    elif client.reply_mode != REPLY_OFF:
        client.reply_mode = REPLY_SKIP_NEXT
    client.gates |= gates.REPLY
    return NO_REPLY


@group.command(
    "CLIENT|SETINFO", arity=4, flags=_PLAIN, since="7.2.0", syntax="<LIB-NAME libname | LIB-VER libver>",
    complexity="O(1)", tips=_ALL_NODES,
)  # fmt: skip
def setinfo(ctx: Context, args: list[bytes]) -> object:
    """Tell the server the name or version of the client's library.

    Reply: OK. Errors: unrecognized option; spaces or special characters in the value.
    """
    option = args[2].lower()
    if option not in (b"lib-name", b"lib-ver"):
        raise CommandError(b"ERR Unrecognized option '%b'" % shown(args[2]))
    if not is_printable(args[3]):
        raise CommandError(b"ERR %b cannot contain spaces, newlines or special characters." % args[2])
    if option == b"lib-name":
        ctx.client.lib_name = args[3]
    else:
        ctx.client.lib_ver = args[3]
    return OK


@group.command(
    "CLIENT|SETNAME", arity=3, flags=_PLAIN, since="2.6.9", syntax="connection-name", complexity="O(1)",
    tips=_ALL_NODES,
)  # fmt: skip
def setname(ctx: Context, args: list[bytes]) -> object:
    """Name the connection; an empty name takes its name away.

    Reply: OK. Errors: spaces or special characters in the name.
    """
    if not is_printable(args[2]):
        raise CommandError(BAD_CLIENT_NAME)
    ctx.client.name = args[2]
    return OK


@group.command(
    "CLIENT|UNBLOCK", arity=-3, flags=_RESTRICTED, since="5.0.0", syntax="client-id [TIMEOUT | ERROR]",
    complexity="O(log N) where N is the number of connections",
)  # fmt: skip
def unblock(ctx: Context, args: list[bytes]) -> object:
    """End another client's wait in a blocking command, as if its time were over or with an error.

    Reply: 1, or 0 when there was none that waits. Errors: the reason; not an integer; wrong number of arguments.
    """
    if len(args) > 4:
        raise _wrong_use(args[1])
    with_error = False
    if len(args) == 4:
        reason = args[3].upper()
        if reason not in (b"TIMEOUT", b"ERROR"):
            raise CommandError(b"ERR CLIENT UNBLOCK reason should be TIMEOUT or ERROR")
        with_error = reason == b"ERROR"
    client = ctx.engine.clients.get(int_arg(args[2]))
    if client is None:
        return 0
    if not ctx.engine.blocked.unblock(client, with_error):
        return 0
    if with_error:  # Redis counts an error to whoever runs when it comes, and to the command that waited
        command = ctx.engine.commands.lookup(args)
        assert command is not None
        command.failed += 1
    return 1


@group.command(
    "CLIENT|UNPAUSE", arity=2, flags=_RESTRICTED, since="6.2.0", complexity="O(N) where N is the number of held clients"
)
def unpause(ctx: Context, args: list[bytes]) -> object:
    """End CLIENT PAUSE: what was held back runs."""
    ctx.engine.pause.end()
    return OK
