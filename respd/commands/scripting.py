"""The commands that run Lua scripts. Source: redis.io, "Scripting with Lua".

The scripts themselves, and what they see, are `respd.scripting`'s business.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from respd.arguments import int_arg
from respd.command import (
    ACCESS,
    ALLOW_BUSY,
    MAY_REPLICATE,
    MOVABLE_KEYS,
    NO_MANDATORY_KEYS,
    NOSCRIPT,
    READONLY,
    RO,
    RW,
    SKIP_MONITOR,
    STALE,
    UPDATE,
    Group,
    noted,
    num_keys,
)
from respd.errors import CommandError
from respd.protocol.replies import OK
from respd.scripting import busy
from respd.scripting.running import run_script

if TYPE_CHECKING:
    from respd.context import Context

_EVAL: Final = MAY_REPLICATE | NOSCRIPT | STALE | SKIP_MONITOR | NO_MANDATORY_KEYS | MOVABLE_KEYS
_EVAL_RO: Final = _EVAL & ~MAY_REPLICATE | READONLY
_SYNTAX: Final = "numkeys [key [key ...]] [arg [arg ...]]"
_WORST: Final = "We cannot tell how the keys will be used so we assume the worst"
_NO_SCRIPT: Final = b"NOSCRIPT No matching script. Please use EVAL."
group = Group("scripting")


def _run(ctx: Context, args: list[bytes], by_digest: bool, read_only: bool) -> object:
    """Run a script with the keys and arguments that follow in `args`, as one command that nothing comes between."""
    engine = ctx.engine
    scripts = engine.scripts
    if by_digest and len(args[1]) != 40:
        raise CommandError(_NO_SCRIPT)
    count = int_arg(args[2])
    if count > len(args) - 3:
        raise CommandError(b"ERR Number of keys can't be greater than number of args")
    if count < 0:
        raise CommandError(b"ERR Number of keys can't be negative")
    if by_digest:
        digest = args[1].lower()
    else:
        digest = scripts.add(args[1])
        engine.stats.evicted_scripts = scripts.evicted
    script = scripts.get(digest)
    keys, arguments = args[3 : 3 + count], args[3 + count :]
    return run_script(ctx, scripts.state(), script.function, digest, keys, arguments, script.flags, read_only)


@group.command("EVAL", arity=-3, flags=_EVAL, since="2.6.0", syntax=f"script {_SYNTAX}",
               keys=noted(num_keys(2, RW | ACCESS | UPDATE), f"{_WORST}, RW and UPDATE"),
               complexity="That of the script.")  # fmt: skip
def eval_(ctx: Context, args: list[bytes]) -> object:
    """Run a Lua script.

    Reply: what the script returns. Errors: of Lua, with the script's SHA1 and line; a bad number of keys.
    Log: what the commands it calls log. Cost: the script's. Source: redis.io/commands/eval.
    """
    return _run(ctx, args, False, False)


@group.command("EVALSHA", arity=-3, flags=_EVAL, keys=num_keys(2, RW | ACCESS | UPDATE), since="2.6.0",
               syntax=f"sha1 {_SYNTAX}", complexity="That of the script.")  # fmt: skip
def evalsha(ctx: Context, args: list[bytes]) -> object:
    """Run a Lua script that the server keeps, by its SHA1.

    Reply, log: as EVAL's. Errors: NOSCRIPT too. Source: redis.io/commands/evalsha.
    """
    return _run(ctx, args, True, False)


@group.command("EVAL_RO", arity=-3, flags=_EVAL_RO, since="7.0.0", syntax=f"script {_SYNTAX}",
               keys=noted(num_keys(2, RO | ACCESS), f"{_WORST}, RO and ACCESS"), categories=("scripting",),
               complexity="That of the script.")  # fmt: skip
def eval_ro(ctx: Context, args: list[bytes]) -> object:
    """Run a Lua script that changes nothing.

    Reply: as EVAL's. Errors: when the script calls a command that writes. Source: redis.io/commands/eval_ro.
    """
    return _run(ctx, args, False, True)


@group.command("EVALSHA_RO", arity=-3, flags=_EVAL_RO, keys=num_keys(2, RO | ACCESS), since="7.0.0",
               categories=("scripting",),
               syntax=f"sha1 {_SYNTAX}", complexity="That of the script.")  # fmt: skip
def evalsha_ro(ctx: Context, args: list[bytes]) -> object:
    """Run a Lua script that the server keeps and that changes nothing, by its SHA1.

    Reply: as EVAL's. Errors: as EVAL_RO's, and NOSCRIPT. Source: redis.io/commands/evalsha_ro.
    """
    return _run(ctx, args, True, True)


group.container("SCRIPT", since="2.6.0", summary="Manages the Lua scripts that the server keeps.",
                help_since="5.0.0")  # fmt: skip


@group.command("SCRIPT|LOAD", arity=3, flags=NOSCRIPT | STALE, since="2.6.0", syntax="script",
               complexity="O(N) with N the size of the script.",
               tips=("request_policy:all_nodes", "response_policy:all_succeeded"))  # fmt: skip
def script_load(ctx: Context, args: list[bytes]) -> object:
    """Keep a Lua script without running it.

    Reply: its SHA1. Errors: when it does not compile. Source: redis.io/commands/script-load.
    """
    return ctx.engine.scripts.add(args[2], load=True)


@group.command("SCRIPT|EXISTS", arity=-3, flags=NOSCRIPT, since="2.6.0", syntax="sha1 [sha1 ...]",
               complexity="O(1) for each script.",
               tips=("request_policy:all_shards", "response_policy:agg_logical_and"))  # fmt: skip
def script_exists(ctx: Context, args: list[bytes]) -> object:
    """Tell which scripts the server keeps.

    Reply: 1 or 0 for each SHA1. Source: redis.io/commands/script-exists.
    """
    return [int(ctx.engine.scripts.has(digest.lower())) for digest in args[2:]]


@group.command("SCRIPT|FLUSH", arity=-2, flags=NOSCRIPT, since="2.6.0", syntax="[ASYNC | SYNC]",
               complexity="O(N) with N the number of scripts.", history=(("6.2.0", "Takes ASYNC and SYNC."),),
               tips=("request_policy:all_nodes", "response_policy:all_succeeded"))  # fmt: skip
def script_flush(ctx: Context, args: list[bytes]) -> object:
    """Forget all Lua scripts.

    Reply: OK. Errors: a bad option. Source: redis.io/commands/script-flush.
    """
    if len(args) > 3 or (len(args) == 3 and args[2].upper() not in (b"ASYNC", b"SYNC")):
        raise CommandError(b"ERR SCRIPT FLUSH only support SYNC|ASYNC option")
    ctx.engine.scripts.flush()
    return OK


@group.command("SCRIPT|KILL", arity=2, flags=NOSCRIPT | ALLOW_BUSY, since="2.6.0", complexity="O(1)",
               tips=("request_policy:all_shards", "response_policy:one_succeeded"))  # fmt: skip
def script_kill(ctx: Context, args: list[bytes]) -> object:
    """End the running script, if it has written nothing.

    Reply: OK. Errors: none runs for long, it is a function, it has written. Source: redis.io/commands/script-kill.
    """
    busy.kill(ctx.engine, True)
    return OK


@group.command(
    "SCRIPT|DEBUG", arity=3, flags=NOSCRIPT, since="3.2.0", syntax="mode=<YES | SYNC | NO>", complexity="O(1)"
)
def script_debug(ctx: Context, args: list[bytes]) -> object:
    """Switch the debugger for scripts off.

    Reply: OK. Errors: it cannot be switched on. Source: redis.io/commands/script-debug.
    """
    mode = args[2].lower()
    if mode == b"no":
        return OK
    if mode in (b"yes", b"sync"):
        raise CommandError(b"ERR respd has no debugger for scripts")
    raise CommandError(b"ERR Use SCRIPT DEBUG YES/SYNC/NO")
