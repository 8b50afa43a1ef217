"""Commands about the server as a whole: the time, memory, slow commands, its role and its end.

Source: redis.io/commands/?group=server.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Final

from respd import gates
from respd.access import not_allowed
from respd.arguments import int_arg, int_arg_between
from respd.command import (
    ADMIN,
    ALLOW_BUSY,
    FAST,
    LOADING,
    NO_ASYNC_LOADING,
    NO_MULTI,
    NOSCRIPT,
    PROTECTED,
    READONLY,
    RO,
    STALE,
    Group,
    one_key,
)
from respd.commands.info import MemoryFigures, human
from respd.datatypes.strings import INT64_MAX
from respd.errors import SYNTAX, CommandError
from respd.memory import Heap
from respd.protocol.replies import NO_REPLY, OK, MapReply, Verbatim
from respd.scripting.busy import refusal
from respd.sizes import ENTRY_AND_PLACES, key_bytes
from respd.version import REDIS_VERSION

if TYPE_CHECKING:
    from random import Random

    from respd.context import Context

group = Group("server")

_ADMIN: Final = ADMIN | LOADING | STALE
_MODULES: Final = ADMIN | NOSCRIPT | NO_ASYNC_LOADING | PROTECTED
_DANGEROUS: Final = ("admin", "dangerous")
_REPORT: Final = ("nondeterministic_output", "request_policy:all_shards", "response_policy:special")
_MAX_PAGE: Final = 500

# -- time, role, modules, art


@group.command(
    "TIME", arity=1, flags=LOADING | STALE | FAST, since="2.6.0", complexity="O(1)", tips=("nondeterministic_output",)
)
def time(ctx: Context, args: list[bytes]) -> object:
    """Return the server's time: seconds since the epoch, and the microseconds of the current second."""
    micros = int(ctx.clock.seconds * 1_000_000)
    return [b"%d" % (micros // 1_000_000), b"%d" % (micros % 1_000_000)]


@group.command(
    "ROLE", arity=1, flags=NOSCRIPT | LOADING | STALE | FAST, since="2.8.12", complexity="O(1)", categories=_DANGEROUS
)
def role(ctx: Context, args: list[bytes]) -> object:
    """Tell the server's part in replication: `master`, its offset in the stream, and its replicas (none)."""
    return [b"master", int(ctx.engine.effects.offset), []]


group.container("MODULE", since="4.0.0", summary="A container for commands about modules.", help_since="5.0.0")


@group.command(
    "MODULE|LIST", arity=2, flags=ADMIN | NOSCRIPT, since="4.0.0", tips=("nondeterministic_output_order",),
    complexity="O(N) where N is the number of modules",
)  # fmt: skip
def module_list(ctx: Context, args: list[bytes]) -> object:
    """List the loaded modules: there are none."""
    return []


def _try_to_load(ctx: Context) -> object:
    """Do what Redis does when a module cannot be loaded."""
    refused = not_allowed(ctx.config, ctx.client, b"module")
    if refused is not None:
        raise refused
    ctx.engine.log.warning("respd loads no modules")
    raise CommandError(b"ERR Error loading the extension. Please check the server logs.")


@group.command("MODULE|LOAD", arity=-3, flags=_MODULES, since="4.0.0", syntax="path [arg [arg ...]]",
               complexity="O(1)")  # fmt: skip
def module_load(ctx: Context, args: list[bytes]) -> object:
    """Load a module, which respd cannot.

    Errors: always.
    """
    return _try_to_load(ctx)


@group.command("MODULE|LOADEX", arity=-3, flags=_MODULES, since="7.0.0",
               syntax="path configs=[CONFIG name value [CONFIG name value ...]] [ARGS args [args ...]]",
               complexity="O(1)")  # fmt: skip
def module_loadex(ctx: Context, args: list[bytes]) -> object:
    """Load a module with directives of its own, which respd cannot.

    Errors: always.
    """
    return _try_to_load(ctx)


@group.command("MODULE|UNLOAD", arity=3, flags=_MODULES, since="4.0.0", syntax="name", complexity="O(1)")
def module_unload(ctx: Context, args: list[bytes]) -> object:
    """Unload a module, of which there is none.

    Errors: always.
    """
    refused = not_allowed(ctx.config, ctx.client, b"module")
    raise refused or CommandError(b"ERR Error unloading module: no such module with that name")


@group.command("LOLWUT", arity=-1, flags=READONLY | FAST, since="5.0.0", syntax="[VERSION version]")
def lolwut(ctx: Context, args: list[bytes]) -> object:
    """Draw something, and tell the version.

    Reply: text, verbatim in RESP3. Its size may be given in columns and rows. Versions without a drawing of their own
    show their number only. Errors: not an integer.
    """
    words = args[1:]
    if len(words) >= 2 and words[0].upper() == b"VERSION":
        version = int_arg(words[1])
        words = words[2:]
        if not 5 <= version <= 8:
            return Verbatim(b"txt", b"Redis ver. %b\n" % REDIS_VERSION.encode())
    elif words and words[0].upper() == b"VERSION":
        words = []
    columns = min(max(int_arg(words[0]), 8), _MAX_PAGE) if words else 60
    rows = min(max(int_arg(words[1]), 4), _MAX_PAGE) if len(words) > 1 else 12
    art = _night_over_hills(ctx.random, columns, rows)
    return Verbatim(b"txt", art.encode() + b"\nRedis ver. %b\n" % REDIS_VERSION.encode())


def _night_over_hills(random: Random, columns: int, rows: int) -> str:
    """Draw two ranges of hills, each a random walk, under stars and a moon."""
    far = _ridge(random, columns, rows, 0.55)
    near = _ridge(random, columns, rows, 0.3)
    moon = random.randrange(2, max(columns - 2, 3))
    lines: list[str] = []
    for row in range(rows):
        height = rows - row
        line = ""
        for column in range(columns):
            if height <= near[column]:
                line += "█"
            elif height <= far[column]:
                line += "▒"
            elif row == 1 and column == moon:
                line += "◐"
            else:
                line += "·" if random.random() < 0.04 else " "
        lines.append(line.rstrip())
    return "\n".join(lines) + "\n"


def _ridge(random: Random, columns: int, rows: int, level: float) -> list[float]:
    """Return the height of a range of hills at each column."""
    height = rows * level
    slope = 0.0
    heights: list[float] = []
    for _ in range(columns):
        slope = max(-0.7, min(0.7, slope + random.uniform(-0.35, 0.35)))
        height += slope
        if not 1.0 <= height <= rows * (level + 0.2):
            slope = -slope
            height = max(1.0, min(height, rows * (level + 0.2)))
        heights.append(height)
    return heights


# -- shutting down


@group.command(
    "SHUTDOWN", arity=-1, flags=ADMIN | NOSCRIPT | LOADING | STALE | NO_MULTI | ALLOW_BUSY, since="1.0.0",
    syntax="[NOSAVE | SAVE] [NOW] [FORCE] [ABORT]",
    complexity="O(N) when saving, where N is the number of keys, otherwise O(1)",
    history=(("7.0.0", "`NOW`, `FORCE` and `ABORT`."),),
)  # fmt: skip
def shutdown(ctx: Context, args: list[bytes]) -> object:
    """End the server.

    A snapshot is taken with SAVE, and with save points unless NOSAVE is given. Should that fail, the server goes on,
    unless FORCE is given. NOW has nothing to hurry: there are no replicas to wait for.

    Reply: none, the connection closes. Errors: syntax error; that no shutdown is in progress (ABORT); saving failed.
    """
    given = [word.lower() for word in args[1:]]
    for word in given:
        if word not in (b"nosave", b"save", b"now", b"force", b"abort"):
            raise CommandError(SYNTAX)
    if b"abort" in given:
        if len(set(given)) > 1:
            raise CommandError(SYNTAX)
        raise CommandError(b"ERR No shutdown in progress.")
    if b"save" in given and b"nosave" in given:
        raise CommandError(SYNTAX)
    if ctx.engine.busy is not None and b"nosave" not in given:
        raise refusal(ctx.engine)
    if not ctx.engine.shut_down(given):
        raise CommandError(b"ERR Errors trying to SHUTDOWN. Check logs.")
    ctx.client.gates |= gates.CLOSING
    return NO_REPLY


# -- memory

group.container("MEMORY", since="4.0.0", summary="A container for commands about memory.", help_since="4.0.0")


@group.command(
    "MEMORY|USAGE", arity=-3, flags=READONLY, keys=one_key(RO, at=2), since="4.0.0", syntax="key [SAMPLES count]",
    complexity="O(1)",
)  # fmt: skip
def memory_usage(ctx: Context, args: list[bytes]) -> object:
    """Estimate the memory that a key takes, its value included.

    Reply: bytes, or null without the key. SAMPLES is checked and makes no difference. Errors: not an integer; syntax.
    """
    at = 3
    while at < len(args):
        if args[at].upper() != b"SAMPLES" or at + 1 == len(args):
            raise CommandError(SYNTAX)
        if int_arg(args[at + 1]) < 0:
            raise CommandError(SYNTAX)
        at += 2
    key = args[2]
    entry = ctx.db.peek(key)
    return None if entry is None else key_bytes(key, entry)


@group.command("MEMORY|DOCTOR", arity=2, since="4.0.0", complexity="O(1)", tips=_REPORT)
def memory_doctor(ctx: Context, args: list[bytes]) -> object:
    """Report what looks unhealthy about the server's memory, as text."""
    figures = MemoryFigures(ctx)
    findings: list[str] = []
    if figures.peak > figures.used * 1.5 and figures.peak > 100 << 20:
        findings.append(
            f"The peak was {human(figures.peak).decode()} and now {human(figures.used).decode()} is in use: the memory "
            "that was freed may not have gone back to the system. MEMORY PURGE asks for it."
        )
    if figures.keys and figures.clients > figures.used / 4:
        findings.append("More than a quarter of the memory is taken by connections and their buffers: see CLIENT LIST.")
    if figures.maxmemory and figures.used > figures.maxmemory * 0.9:
        findings.append("More than nine tenths of maxmemory are in use.")
    if not findings:
        findings.append("Nothing looks wrong with the memory of this server.")
    return Verbatim(b"txt", "\n".join(findings).encode() + b"\n")


@group.command("MEMORY|STATS", arity=2, since="4.0.0", complexity="O(1)", tips=_REPORT)
def memory_stats(ctx: Context, args: list[bytes]) -> object:
    """Return how the memory is spent, as a map of names and figures."""
    figures = MemoryFigures(ctx)
    scripts, libraries = ctx.engine.scripts, ctx.engine.libraries
    net = figures.used - figures.startup
    flat: list[object] = [
        b"peak.allocated", figures.peak,
        b"total.allocated", figures.used,
        b"startup.allocated", figures.startup,
        b"replication.backlog", 0,
        b"replica.fullsync.buffer", 0,
        b"clients.slaves", 0,
        b"clients.normal", figures.clients,
        b"cluster.links", 0,
        b"aof.buffer", ctx.engine.append_log.buffered(),
        b"lua.caches", scripts.size_bytes(),
        b"functions.caches", libraries.size_bytes(),
        b"script.VMs", scripts.memory_bytes() + libraries.memory_bytes(),
    ]  # fmt: skip
    for db in ctx.engine.databases:
        if db.entries:
            table: list[object] = [
                b"overhead.hashtable.main", len(db.entries) * ENTRY_AND_PLACES,
                b"overhead.hashtable.expires", 0,
            ]  # fmt: skip
            flat += [b"db.%d" % db.index, MapReply(table)]
    flat += [
        b"overhead.db.hashtable.lut", 0,
        b"overhead.db.hashtable.rehashing", 0,
        b"overhead.total", figures.overhead,
        b"db.dict.rehashing.count", 0,
        b"keys.count", figures.keys,
        b"keys.bytes-per-key", net // figures.keys if figures.keys else 0,
        b"dataset.bytes", figures.dataset,
        b"dataset.percentage", figures.dataset * 100 / net if net > 0 else 0.0,
        b"peak.percentage", figures.used * 100 / figures.peak if figures.peak else 0.0,
        b"allocator.allocated", figures.used,
        b"allocator.active", figures.resident,
        b"allocator.resident", figures.resident,
        b"allocator.muzzy", 0,
        b"allocator-fragmentation.ratio", figures.fragmentation,
        b"allocator-fragmentation.bytes", figures.kept,
        b"allocator-rss.ratio", 1.0,
        b"allocator-rss.bytes", 0,
        b"rss-overhead.ratio", 1.0,
        b"rss-overhead.bytes", 0,
        b"fragmentation", figures.fragmentation,
        b"fragmentation.bytes", figures.kept,
    ]  # fmt: skip
    return MapReply(flat)


@group.command(
    "MEMORY|MALLOC-STATS", arity=2, since="4.0.0", tips=_REPORT,
    complexity="O(1)",
)  # fmt: skip
def malloc_stats(ctx: Context, args: list[bytes]) -> object:
    """Return what Python's allocator and collector tell about themselves, as text."""
    import gc

    lines = [f"blocks allocated: {sys.getallocatedblocks()}", f"objects out of the collector's sight: {_frozen()}"]
    for generation, counts in enumerate(gc.get_stats()):
        told = ", ".join(f"{name} {count}" for name, count in counts.items())
        lines.append(f"collector, generation {generation}: {told}")
    return Verbatim(b"txt", "\n".join(lines).encode() + b"\n")


def _frozen() -> int:
    import gc

    return gc.get_freeze_count()


@group.command(
    "MEMORY|PURGE", arity=2, since="4.0.0",
    complexity="O(N) where N is the number of objects the collector still looks at",
    tips=("request_policy:all_shards", "response_policy:all_succeeded"),
)  # fmt: skip
def memory_purge(ctx: Context, args: list[bytes]) -> object:
    """Give memory that is not in use back to the system, where that can be done."""
    import gc

    gc.collect()
    Heap().trim()
    return OK


# -- slow commands


@group.command("MONITOR", arity=1, flags=ADMIN | NOSCRIPT | LOADING | STALE, since="1.0.0")
def monitor(ctx: Context, args: list[bytes]) -> object:
    """Show every command that the server runs, until RESET or the end of the connection.

    Reply: OK; then a line for each command: when, database, who and its words. Errors: within a transaction.
    """
    if ctx.deny_blocking:
        raise CommandError(b"ERR MONITOR isn't allowed for DENY BLOCKING client")
    if ctx.client.is_monitor:
        return NO_REPLY
    ctx.engine.start_monitoring(ctx.client)
    return OK


group.container("SLOWLOG", since="2.2.12", summary="A container for commands about slow commands.", help_since="6.2.0")


@group.command(
    "SLOWLOG|GET", arity=-2, flags=_ADMIN, since="2.2.12", syntax="[count]",
    complexity="O(N) where N is the number of entries returned",
    tips=("request_policy:all_nodes", "nondeterministic_output"),
    history=(("4.0.0", "Address and name of the client."),),
)  # fmt: skip
def slowlog_get(ctx: Context, args: list[bytes]) -> object:
    """Return the latest slow commands, newest first: 10, or as many as asked for (-1: all).

    Reply: an array for each of id, time, duration in µs, words, address and name of the client.
    Errors: "count should be greater than or equal to -1".
    """
    if len(args) > 3:
        raise CommandError(
            b"ERR unknown subcommand or wrong number of arguments for '%b'. Try SLOWLOG HELP." % args[1][:128]
        )
    count = 10
    if len(args) == 3:
        count = int_arg_between(args[2], -1, INT64_MAX, b"ERR count should be greater than or equal to -1")
    return ctx.engine.slowlog.shown(count)


@group.command(
    "SLOWLOG|LEN", arity=2, flags=_ADMIN, since="2.2.12", complexity="O(1)",
    tips=("request_policy:all_nodes", "response_policy:agg_sum", "nondeterministic_output"),
)  # fmt: skip
def slowlog_len(ctx: Context, args: list[bytes]) -> object:
    """Return how many slow commands are remembered."""
    return len(ctx.engine.slowlog.entries)


@group.command(
    "SLOWLOG|RESET", arity=2, flags=_ADMIN, since="2.2.12",
    complexity="O(N) where N is the number of entries remembered",
    tips=("request_policy:all_nodes", "response_policy:all_succeeded"),
)  # fmt: skip
def slowlog_reset(ctx: Context, args: list[bytes]) -> object:
    """Forget the slow commands."""
    ctx.engine.slowlog.reset()
    return OK
