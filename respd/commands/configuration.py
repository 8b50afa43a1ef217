"""CONFIG: look at the directives, change them, write them back to the configuration file.

Source: redis.io/commands/config-get, config-set, config-rewrite, config-resetstat.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from respd import errors, gates
from respd.command import ADMIN, LOADING, NOSCRIPT, STALE, Group
from respd.config import SetError
from respd.directives import SENSITIVE
from respd.errors import SYNTAX, CommandError
from respd.protocol.replies import OK, MapReply

if TYPE_CHECKING:
    from respd.context import Context

_FLAGS: Final = ADMIN | NOSCRIPT | LOADING | STALE
_NOT_WHILE_LOADING: Final = (b"dir", b"repl-diskless-load")
_EVERYWHERE: Final = ("request_policy:all_nodes", "response_policy:all_succeeded")
_PER_PARAMETER: Final = "O(N) when N is the number of configuration parameters provided"

group = Group("server")
group.container("CONFIG", since="2.0.0", summary="Looks at the configuration and changes it.", help_since="5.0.0")


@group.command(
    "CONFIG|GET",
    arity=-3,
    flags=_FLAGS,
    since="2.0.0",
    syntax="parameter [parameter ...]",
    complexity=_PER_PARAMETER,
    history=(("7.0.0", "Takes several patterns in one call."),),
)
def config_get(ctx: Context, args: list[bytes]) -> object:
    """Return the directives whose names match one of several glob patterns, with their values.

    Reply: a map of names to values, empty when nothing matches. Each directive once.
    Source: redis.io/commands/config-get.
    """
    return MapReply(list(ctx.config.get(args[2:])))


@group.command(
    "CONFIG|SET",
    arity=-4,
    flags=_FLAGS,
    since="2.0.0",
    syntax="parameter value [parameter value ...]",
    complexity=_PER_PARAMETER,
    tips=_EVERYWHERE,
    history=(("7.0.0", "Sets several parameters in one call."),),
)
def config_set(ctx: Context, args: list[bytes]) -> object:
    """Change one or more directives, all of them or none.

    Reply: OK. Errors: unknown or immutable directives, duplicates, values that do not fit; each names the directive.
    LOADING for the two that stay while data is loaded.
    Source: redis.io/commands/config-set.
    """
    if len(args) % 2:
        raise CommandError(SYNTAX)
    pairs = [(args[index], args[index + 1]) for index in range(2, len(args), 2)]
    for index in range(2, len(args), 2):
        directive = ctx.config.by_name.get(args[index].lower())
        if directive is not None and directive.flags & SENSITIVE:
            ctx.engine.slowlog.hide(args, index + 1)
        if directive is not None and directive.name in _NOT_WHILE_LOADING and ctx.engine.gates & gates.LOADING:
            raise CommandError(errors.LOADING)
    try:
        ctx.config.set(pairs, ctx.client.is_local())
    except SetError as error:
        if error.unapplied:
            ctx.engine.log.warning(
                "Failed applying new configuration. Possibly related to new "
                f"{error.unapplied.decode()} setting. Restoring previous settings."
            )
        raise CommandError(error.text) from None
    return OK


@group.command("CONFIG|REWRITE", arity=2, flags=_FLAGS, since="2.8.0", complexity="O(1)", tips=_EVERYWHERE)
def config_rewrite(ctx: Context, args: list[bytes]) -> object:
    """Write the values in force to the configuration file, keeping its comments and its order.

    Reply: OK. Errors: no configuration file; what the operating system says. Source: redis.io/commands/config-rewrite.
    """
    from respd.acl_file import user_lines
    from respd.config_rewrite import rewrite_file

    log = ctx.engine.log
    if not ctx.config.config_file:
        raise CommandError(b"ERR The server is running without a config file")
    try:
        rewrite_file(ctx.config, [] if ctx.config.aclfile else user_lines(ctx.engine.acl))
    except OSError as error:
        log.warning(f"CONFIG REWRITE failed: {error.strerror}")
        raise CommandError(b"ERR Rewriting config file: " + str(error.strerror).encode()) from None
    log.notice("CONFIG REWRITE executed with success.")
    return OK


@group.command("CONFIG|RESETSTAT", arity=2, flags=_FLAGS, since="2.0.0", complexity="O(1)", tips=_EVERYWHERE)
def config_resetstat(ctx: Context, args: list[bytes]) -> object:
    """Set the counters that INFO reports back to zero.

    Reply: OK. Source: redis.io/commands/config-resetstat.
    """
    ctx.engine.reset_stats()
    return OK
