"""The ACL commands: users, what they may do, and what they were denied. Source: redis.io/commands/?group=server."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Final

from respd.acl import DEFAULT, User, join_selectors, reason_denied
from respd.arguments import int_arg, int_arg_between
from respd.command import ADMIN, LOADING, NOSCRIPT, STALE, Group
from respd.errors import CommandError, shown, wrong_arity
from respd.permissions import CATEGORIES, RuleError, Selector, has_spaces
from respd.protocol.replies import OK, MapReply, SetReply

if TYPE_CHECKING:
    from respd.client import Client
    from respd.context import Context

group = Group("server")

_ADMIN: Final = ADMIN | NOSCRIPT | LOADING | STALE
_OPEN: Final = NOSCRIPT | LOADING | STALE
_MAX_BITS: Final = 4096
_LOG_SHOWN: Final = 10
_BAD_BITS: Final = (
    b"ERR ACL GENPASS argument must be the number of bits for the output password, a positive number up to %d"
    % _MAX_BITS
)
_NO_FILE: Final = (
    b"ERR This Redis instance is not configured to use an ACL file. You may want to specify users via the ACL SETUSER "
    b"command and then issue a CONFIG REWRITE (assuming you have a Redis configuration file set) in order to store "
    b"users in the Redis configuration."
)

group.container("ACL", since="6.0.0", summary="Users and what they may do.", help_since="6.0.0")


@group.command("ACL|CAT", arity=-2, flags=_OPEN, since="6.0.0", syntax="[category]",
               complexity="O(1), as the number of categories and commands is fixed")  # fmt: skip
def cat(ctx: Context, args: list[bytes]) -> object:
    """List the categories of commands, or the commands of one.

    Errors: an unknown category.
    """
    if len(args) > 3:
        raise _wrong_number(args)
    if len(args) == 2:
        return list(CATEGORIES)
    commands = ctx.engine.acl.table.category(args[2].lower())
    if commands is None:
        raise CommandError(b"ERR Unknown category '%b'" % shown(args[2]))
    return [command.name for command in commands]


@group.command("ACL|DELUSER", arity=-3, flags=_ADMIN, since="6.0.0", syntax="username [username ...]",
               complexity="O(1) for each user, and O(N) with N the number of connections",
               tips=("request_policy:all_nodes", "response_policy:all_succeeded"))  # fmt: skip
def deluser(ctx: Context, args: list[bytes]) -> object:
    """Remove users, and close their connections.

    Reply: how many there were. Errors: `default` cannot be removed.
    """
    for index in range(2, len(args)):
        ctx.engine.slowlog.hide(args, index)
    if DEFAULT in args[2:]:
        raise CommandError(b"ERR The 'default' user cannot be removed")
    acl = ctx.engine.acl
    removed = 0
    for name in args[2:]:
        user = acl.users.pop(name, None)
        if user is not None:
            removed += 1
            _close_clients_of(ctx, user)
    return removed


@group.command("ACL|DRYRUN", arity=-4, flags=_ADMIN, since="7.0.0", syntax="username command [arg [arg ...]]",
               complexity="O(1)")  # fmt: skip
def dryrun(ctx: Context, args: list[bytes]) -> object:
    """Tell whether a user may run a command, without running it.

    Reply: OK, or why not. Errors: unknown user or command, a wrong number of arguments.
    """
    engine = ctx.engine
    user = engine.acl.users.get(args[2])
    if user is None:
        raise CommandError(b"ERR User '%b' not found" % shown(args[2]))
    words = args[3:]
    command = engine.commands.lookup(words)
    if command is None:
        raise CommandError(b"ERR Command '%b' not found" % shown(words[0]))
    if not command.min_words <= len(words) <= command.max_words:
        raise wrong_arity(command.name)
    denial = user.check(command, words)
    return OK if denial is None else reason_denied(user, denial, verbose=True)


@group.command("ACL|GENPASS", arity=-2, flags=_OPEN, since="6.0.0", syntax="[bits]", complexity="O(1)")
def genpass(ctx: Context, args: list[bytes]) -> object:
    """Return a random password in hexadecimal digits, of 256 bits or so many.

    Errors: a number of bits that is none, or out of range.
    """
    if len(args) > 3:
        raise _wrong_number(args)
    bits = 256 if len(args) == 2 else int_arg(args[2])
    if not 0 < bits <= _MAX_BITS:
        raise CommandError(_BAD_BITS)
    digits = (bits + 3) // 4
    return secrets.token_hex((digits + 1) // 2)[:digits].encode()


def _describe_selector(selector: Selector) -> list[object]:
    return [
        b"commands", selector.command_rules(), b"keys", selector.key_rules(), b"channels", selector.channel_rules()
    ]  # fmt: skip


@group.command("ACL|GETUSER", arity=3, flags=_ADMIN, since="6.0.0", syntax="username",
               complexity="O(N) with N the number of passwords, rules and patterns",
               history=(("6.2.0", "Tells the channel patterns."),
                        ("7.0.0", "Tells the selectors; key and channel rules are a string each.")))  # fmt: skip
def getuser(ctx: Context, args: list[bytes]) -> object:
    """Describe a user: flags, hashes of passwords, rules, selectors.

    Reply: a map, null for an unknown user.
    """
    ctx.engine.slowlog.hide(args, 2)
    user = ctx.engine.acl.users.get(args[2])
    if user is None:
        return None
    flags: list[object] = list(user.flags())
    selectors: list[object] = [MapReply(_describe_selector(selector)) for selector in user.selectors[1:]]
    return MapReply(
        [
            b"flags", SetReply(flags), b"passwords", list(user.passwords), *_describe_selector(user.selectors[0]),
            b"selectors", selectors,
        ]
    )  # fmt: skip


@group.command("ACL|LIST", arity=2, flags=_ADMIN, since="6.0.0", complexity="O(N) with N the number of users")
def list_(ctx: Context, args: list[bytes]) -> object:
    """List the users with their rules, as the ACL file has them."""
    return [b"user %b %b" % (user.name, user.describe()) for user in ctx.engine.acl.sorted_users()]


@group.command("ACL|LOAD", arity=2, flags=_ADMIN, since="6.0.0", complexity="O(N) with N the number of users")
def load(ctx: Context, args: list[bytes]) -> object:
    """Take the users from the ACL file, all or none; the connections of users that are gone are closed.

    Reply: OK. Errors: no ACL file is configured; what is wrong with it.
    """
    from respd.acl_file import AclFileError, read_users

    engine = ctx.engine
    if not ctx.config.aclfile:
        raise CommandError(_NO_FILE)
    try:
        users = read_users(engine.acl, ctx.config.aclfile)
    except AclFileError as error:
        raise CommandError(b"ERR " + error.text) from None
    for user in engine.acl.replace(users):
        _close_clients_of(ctx, user)
    for user in engine.acl.users.values():
        _close_subscribers_of(ctx, user)
    engine.access.update()
    return OK


@group.command("ACL|LOG", arity=-2, flags=_ADMIN, since="6.0.0", syntax="[operation=<count | RESET>]",
               complexity="O(N) with N the number of entries shown",
               history=(("7.2.0", "Tells the number and the times of entries."),))  # fmt: skip
def log(ctx: Context, args: list[bytes]) -> object:
    """Show the last denied calls and failed logins, newest first; or forget them.

    Reply: maps; OK for RESET. Errors: a count that is no number.
    """
    if len(args) > 3:
        raise _wrong_number(args)
    acl_log = ctx.engine.acl_log
    count = _LOG_SHOWN
    if len(args) == 3:
        if args[2].lower() == b"reset":
            acl_log.reset()
            return OK
        count = max(
            int_arg_between(args[2], -(1 << 63), (1 << 63) - 1, b"ERR value is not an integer or out of range"), 0
        )
    now_ms = int(ctx.clock.ms)
    result: list[object] = []
    for entry in acl_log.entries[:count]:
        result.append(
            MapReply(
                [
                    b"count", entry.count, b"reason", entry.reason, b"context", entry.context,
                    b"object", entry.object, b"username", entry.username,
                    b"age-seconds", (now_ms - entry.created_ms) / 1000, b"client-info", entry.client,
                    b"entry-id", entry.id, b"timestamp-created", entry.created_ms,
                    b"timestamp-last-updated", entry.updated_ms,
                ]
            )
        )  # fmt: skip
    return result


@group.command("ACL|SAVE", arity=2, flags=_ADMIN, since="6.0.0", complexity="O(N) with N the number of users",
               tips=("request_policy:all_nodes", "response_policy:all_succeeded"))  # fmt: skip
def save(ctx: Context, args: list[bytes]) -> object:
    """Write the users to the ACL file.

    Reply: OK. Errors: no ACL file is configured; it cannot be written.
    """
    from respd.acl_file import save_users

    if not ctx.config.aclfile:
        raise CommandError(_NO_FILE)
    try:
        save_users(ctx.engine.acl, ctx.config.aclfile)
    except OSError as error:
        ctx.engine.log.warning(f"Saving the ACL file failed: {error.strerror}")
        raise CommandError(
            b"ERR There was an error trying to save the ACLs. Please check the server logs for more information"
        ) from None
    return OK


@group.command("ACL|SETUSER", arity=-3, flags=_ADMIN, since="6.0.0", syntax="username [rule [rule ...]]",
               complexity="O(N) with N the number of rules",
               tips=("request_policy:all_nodes", "response_policy:all_succeeded"),
               history=(("6.2.0", "Takes rules about channels."),
                        ("7.0.0", "Takes selectors, and what may be done to keys.")))  # fmt: skip
def setuser(ctx: Context, args: list[bytes]) -> object:
    """Create a user, or change what a user may do, by rules; all of them are applied or none.

    Reply: OK. Errors: a bad name; the first rule that cannot be applied.
    """
    engine = ctx.engine
    for index in range(2, len(args)):
        engine.slowlog.hide(args, index)
    name = args[2]
    if has_spaces(name):
        raise CommandError(b"ERR Usernames can't contain spaces or null characters")
    try:
        changed = engine.acl.changed(name, join_selectors(args[3:]))
    except RuleError as error:
        raise CommandError(b"ERR " + error.reason) from None
    user = engine.acl.put(changed)
    _close_subscribers_of(ctx, user)
    engine.access.update()
    return OK


@group.command("ACL|USERS", arity=2, flags=_ADMIN, since="6.0.0", complexity="O(N) with N the number of users")
def users(ctx: Context, args: list[bytes]) -> object:
    """List the names of the users."""
    return [user.name for user in ctx.engine.acl.sorted_users()]


@group.command("ACL|WHOAMI", arity=2, flags=_OPEN, since="6.0.0", complexity="O(1)")
def whoami(ctx: Context, args: list[bytes]) -> object:
    """Return the name of the user that the connection acts as."""
    return ctx.client.user


def _wrong_number(args: list[bytes]) -> CommandError:
    return CommandError(
        b"ERR unknown subcommand or wrong number of arguments for '%b'. Try ACL HELP." % shown(args[1][:128])
    )


def _clients_of(ctx: Context, user: User) -> list[Client]:
    return [client for client in ctx.engine.clients.values() if client.permissions is user]


def _close_clients_of(ctx: Context, user: User) -> None:
    """Close the connections of a user that is gone."""
    engine = ctx.engine
    for client in _clients_of(ctx, user):
        engine.access.log_out(client)
        engine.kill(client)


def _close_subscribers_of(ctx: Context, user: User) -> None:
    """Close the connections that are subscribed to what their user may not use any more."""
    if any(selector.all_channels for selector in user.selectors):
        return
    for client in _clients_of(ctx, user):
        if not _may_keep(user, list(client.patterns), True) or not _may_keep(
            user, [*client.channels, *client.shard_channels], False
        ):
            ctx.engine.kill(client)


def _may_keep(user: User, channels: list[bytes], is_pattern: bool) -> bool:
    return all(any(selector.allows_channel(channel, is_pattern) for selector in user.selectors) for channel in channels)
