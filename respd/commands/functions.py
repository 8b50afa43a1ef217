"""FUNCTION and FCALL: functions that live in libraries. Source: redis.io, "Redis functions".

The libraries, and what a function sees, are `respd.scripting`'s business.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from respd.command import (
    ACCESS,
    ALLOW_BUSY,
    DENYOOM,
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
    WRITE,
    Group,
    noted,
    num_keys,
)
from respd.datatypes.strings import parse_int
from respd.errors import CommandError
from respd.glob import matches
from respd.persistence.rdb_format import CorruptPayload
from respd.protocol.replies import OK, MapReply, SetReply, Status
from respd.scripting import busy
from respd.scripting.flags import FLAG_NAMES
from respd.scripting.functions import ENGINE, LOAD_LIMIT_S, Library
from respd.scripting.running import run_script

if TYPE_CHECKING:
    from respd.context import Context

_FCALL: Final = MAY_REPLICATE | NOSCRIPT | STALE | SKIP_MONITOR | NO_MANDATORY_KEYS | MOVABLE_KEYS
_FCALL_RO: Final = _FCALL & ~MAY_REPLICATE | READONLY
_SYNTAX: Final = "function numkeys [key [key ...]] [arg [arg ...]]"
_WORST: Final = "We cannot tell how the keys will be used so we assume the worst"
_ALL_SHARDS: Final = ("request_policy:all_shards", "response_policy:all_succeeded")
_BAD_SYNTAX: Final = b"ERR unknown subcommand or wrong number of arguments for '%b'. Try FUNCTION HELP."

group = Group("scripting")


def _call(ctx: Context, args: list[bytes], read_only: bool) -> object:
    """Run a function with the keys and arguments that follow in `args`."""
    libraries = ctx.engine.libraries
    function = libraries.find(args[1])
    if function is None:
        raise CommandError(b"ERR Function not found")
    count = parse_int(args[2])
    if count is None:
        raise CommandError(b"ERR Bad number of keys provided")
    if count > len(args) - 3:
        raise CommandError(b"ERR Number of keys can't be greater than number of args")
    if count < 0:
        raise CommandError(b"ERR Number of keys can't be negative")
    keys, arguments = args[3 : 3 + count], args[3 + count :]
    state = libraries.state()
    state.current.words = args
    return run_script(ctx, state, function.number, function.name, keys, arguments, function.flags, read_only, True)


@group.command("FCALL", arity=-3, flags=_FCALL, since="7.0.0", syntax=_SYNTAX,
               keys=noted(num_keys(2, RW | ACCESS | UPDATE), f"{_WORST}, RW and UPDATE"),
               complexity="That of the function.")  # fmt: skip
def fcall(ctx: Context, args: list[bytes]) -> object:
    """Run a function of a library.

    Reply: what the function returns. Errors: no such function; of Lua, with the function's name and line; a bad number
    of keys. Log: what the commands it calls log. Cost: the function's. Source: redis.io/commands/fcall.
    """
    return _call(ctx, args, False)


@group.command("FCALL_RO", arity=-3, flags=_FCALL_RO, since="7.0.0", syntax=_SYNTAX,
               keys=noted(num_keys(2, RO | ACCESS), f"{_WORST}, RO and ACCESS"), categories=("scripting",),
               complexity="That of the function.")  # fmt: skip
def fcall_ro(ctx: Context, args: list[bytes]) -> object:
    """Run a function that says that it changes nothing.

    Reply: as FCALL's. Errors: when the function lacks the flag no-writes. Source: redis.io/commands/fcall_ro.
    """
    return _call(ctx, args, True)


group.container("FUNCTION", since="7.0.0", summary="Manages libraries of functions.", help_since="7.0.0")


@group.command("FUNCTION|LOAD", arity=-3, flags=WRITE | DENYOOM | NOSCRIPT, since="7.0.0",
               syntax="[REPLACE] function-code", complexity="O(N) with N the size of the library.",
               tips=_ALL_SHARDS)  # fmt: skip
def function_load(ctx: Context, args: list[bytes]) -> object:
    """Add a library of functions.

    Reply: its name. Errors: of its first line, of Lua, of redis.register_function; a name that is taken; more than
    half a second. Log: as sent. Source: redis.io/commands/function-load.
    """
    for option in args[2:-1]:
        if option.lower() != b"replace":
            raise CommandError(b"ERR Unknown option given: " + option)
    engine = ctx.engine
    limit_s = LOAD_LIMIT_S if engine.loading is None else 0.0
    name = engine.libraries.load(args[-1], len(args) > 3, limit_s)
    engine.shared.dirty += 1
    return name


@group.command("FUNCTION|LIST", arity=-2, flags=NOSCRIPT, since="7.0.0",
               syntax="[LIBRARYNAME library-name-pattern:string] [WITHCODE]",
               complexity="O(N) with N the number of functions.",
               tips=("nondeterministic_output_order",))  # fmt: skip
def function_list(ctx: Context, args: list[bytes]) -> object:
    """Return the libraries, their functions and, if asked for, their sources.

    Reply: a list of maps. Errors: an unknown argument. Source: redis.io/commands/function-list.
    """
    pattern: bytes | None = None
    with_code = False
    at = 2
    while at < len(args):
        option = args[at].lower()
        if option == b"withcode" and not with_code:
            with_code = True
        elif option == b"libraryname" and pattern is None:
            at += 1
            if at == len(args):
                raise CommandError(b"ERR library name argument was not given")
            pattern = args[at]
        else:
            raise CommandError(b"ERR Unknown argument " + args[at])
        at += 1
    found: list[object] = []
    for library in ctx.engine.libraries.all():
        if pattern is None or matches(pattern, library.name, True):
            found.append(_described(library, with_code))
    return found


def _described(library: Library, with_code: bool) -> MapReply:
    functions: list[object] = []
    for function in library.functions.values():
        flags: list[object] = [Status(name) for name, flag in FLAG_NAMES.items() if function.flags & flag]
        functions.append(
            MapReply([b"name", function.name, b"description", function.description, b"flags", SetReply(flags)])
        )
    about: list[object] = [b"library_name", library.name, b"engine", ENGINE, b"functions", functions]
    if with_code:
        about += [b"library_code", library.code]
    return MapReply(about)


@group.command("FUNCTION|DELETE", arity=3, flags=WRITE | NOSCRIPT, since="7.0.0", syntax="library-name",
               complexity="O(1)", tips=_ALL_SHARDS)  # fmt: skip
def function_delete(ctx: Context, args: list[bytes]) -> object:
    """Remove a library and its functions.

    Reply: OK. Errors: no such library. Log: as sent. Source: redis.io/commands/function-delete.
    """
    if not ctx.engine.libraries.delete(args[2]):
        raise CommandError(b"ERR Library not found")
    ctx.engine.shared.dirty += 1
    return OK


@group.command("FUNCTION|FLUSH", arity=-2, flags=WRITE | NOSCRIPT, since="7.0.0", syntax="[ASYNC | SYNC]",
               complexity="O(N) with N the number of functions.", tips=_ALL_SHARDS)  # fmt: skip
def function_flush(ctx: Context, args: list[bytes]) -> object:
    """Remove all libraries.

    Reply: OK. Errors: a bad option. Log: as sent. Source: redis.io/commands/function-flush.
    """
    if len(args) > 3:
        raise CommandError(_BAD_SYNTAX % args[1][:128])
    if len(args) == 3 and args[2].lower() not in (b"async", b"sync"):
        raise CommandError(b"ERR FUNCTION FLUSH only supports SYNC|ASYNC option")
    ctx.engine.libraries.flush()
    ctx.engine.shared.dirty += 1
    return OK


@group.command("FUNCTION|DUMP", arity=2, flags=NOSCRIPT, since="7.0.0",
               complexity="O(N) with N the size of the libraries.")  # fmt: skip
def function_dump(ctx: Context, args: list[bytes]) -> object:
    """Return all libraries as one payload that FUNCTION RESTORE takes.

    Reply: bytes, made of records as in an RDB file. Source: redis.io/commands/function-dump.
    """
    from respd.persistence import dump_payloads

    codes = [library.code for library in ctx.engine.libraries.all()]
    return dump_payloads.write_functions(codes, ctx.config.rdbcompression)


@group.command("FUNCTION|RESTORE", arity=-3, flags=WRITE | DENYOOM | NOSCRIPT, since="7.0.0",
               syntax="serialized-value [FLUSH | APPEND | REPLACE]",
               complexity="O(N) with N the size of the libraries.", tips=_ALL_SHARDS)  # fmt: skip
def function_restore(ctx: Context, args: list[bytes]) -> object:
    """Add the libraries of a payload, or have them instead of those that are there.

    Reply: OK. Errors: a bad payload or policy; those of FUNCTION LOAD, and then no library is added. Log: as sent.
    Source: redis.io/commands/function-restore.
    """
    from respd.persistence import dump_payloads

    if len(args) > 4:
        raise CommandError(_BAD_SYNTAX % args[1][:128])
    policy = args[3].lower() if len(args) == 4 else b"append"
    if policy not in (b"append", b"replace", b"flush"):
        raise CommandError(b"ERR Wrong restore policy given, value should be either FLUSH, APPEND or REPLACE.")
    if not dump_payloads.is_intact(args[2], not ctx.engine.shared.skips_checksums):
        raise CommandError(b"ERR DUMP payload version or checksum are wrong")
    codes = dump_payloads.read_functions(args[2], ctx.limits)
    try:
        ctx.engine.libraries.restore(codes, policy == b"replace", policy == b"flush")
    except CorruptPayload as corrupt:
        raise CommandError(b"ERR " + corrupt.reason.encode()) from None
    ctx.engine.shared.dirty += 1
    return OK


@group.command("FUNCTION|STATS", arity=2, flags=NOSCRIPT | ALLOW_BUSY, since="7.0.0", complexity="O(1)",
               tips=("nondeterministic_output", "request_policy:all_shards", "response_policy:special"))  # fmt: skip
def function_stats(ctx: Context, args: list[bytes]) -> object:
    """Tell what function runs, and how many libraries and functions there are.

    Reply: a map. Source: redis.io/commands/function-stats.
    """
    libraries = ctx.engine.libraries
    counts = MapReply([b"libraries_count", len(libraries), b"functions_count", libraries.count_functions()])
    running = busy.running(ctx.engine)
    return MapReply([b"running_script", running, b"engines", MapReply([ENGINE, counts])])


@group.command("FUNCTION|KILL", arity=2, flags=NOSCRIPT | ALLOW_BUSY, since="7.0.0", complexity="O(1)",
               tips=("request_policy:all_shards", "response_policy:one_succeeded"))  # fmt: skip
def function_kill(ctx: Context, args: list[bytes]) -> object:
    """End the running function, if it has written nothing.

    Reply: OK. Errors: none runs for long, it is a script, it has written. Source: redis.io/commands/function-kill.
    """
    busy.kill(ctx.engine, False)
    return OK
