"""COMMANDLOG, as Valkey has it: slow commands, large requests, large replies. Source: valkey.io/commands/commandlog."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from respd.arguments import int_arg_between
from respd.command import ADMIN, LOADING, STALE, Group
from respd.datatypes.strings import INT64_MAX
from respd.errors import CommandError
from respd.protocol.replies import OK

if TYPE_CHECKING:
    from respd.context import Context
    from respd.slowlog import EntryLog

group = Group("server")

_FLAGS: Final = ADMIN | LOADING | STALE
_TYPES: Final = "type=<SLOW | LARGE-REQUEST | LARGE-REPLY>"
_BAD_TYPE: Final = b"ERR type should be one of the following: slow, large-request, large-reply"
_BAD_COUNT: Final = b"ERR count should be greater than or equal to -1"

group.container("COMMANDLOG", since="8.1.0", summary="A container for commands about commands that cost much.",
                help_since="8.1.0")  # fmt: skip


def _log(ctx: Context, name: bytes) -> EntryLog:
    engine = ctx.engine
    kind = name.lower()
    if kind == b"slow":
        return engine.slowlog
    if kind == b"large-request":
        return engine.command_log.requests
    if kind == b"large-reply":
        return engine.command_log.replies
    raise CommandError(_BAD_TYPE)


@group.command(
    "COMMANDLOG|GET", arity=4, flags=_FLAGS, since="8.1.0", syntax=f"count {_TYPES}",
    complexity="O(N) where N is the number of entries returned",
    tips=("request_policy:all_nodes", "nondeterministic_output"),
)  # fmt: skip
def commandlog_get(ctx: Context, args: list[bytes]) -> object:
    """Return the latest entries of one of the logs, newest first: as many as asked for, -1 for all.

    Reply: an array for each of id, time, duration in µs or size in bytes, words, address and name of the client.
    Errors: "count should be greater than or equal to -1"; an unknown log.
    """
    count = int_arg_between(args[2], -1, INT64_MAX, _BAD_COUNT)
    return _log(ctx, args[3]).shown(count)


@group.command(
    "COMMANDLOG|LEN", arity=3, flags=_FLAGS, since="8.1.0", syntax=_TYPES, complexity="O(1)",
    tips=("request_policy:all_nodes", "response_policy:agg_sum", "nondeterministic_output"),
)  # fmt: skip
def commandlog_len(ctx: Context, args: list[bytes]) -> object:
    """Return how many entries one of the logs has."""
    return len(_log(ctx, args[2]).entries)


@group.command(
    "COMMANDLOG|RESET", arity=3, flags=_FLAGS, since="8.1.0", syntax=_TYPES,
    complexity="O(N) where N is the number of entries",
    tips=("request_policy:all_nodes", "response_policy:all_succeeded"),
)  # fmt: skip
def commandlog_reset(ctx: Context, args: list[bytes]) -> object:
    """Forget the entries of one of the logs."""
    _log(ctx, args[2]).reset()
    return OK
