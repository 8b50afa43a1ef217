"""Runs what a client has sent in one piece, where Python is interpreted: `Engine.execute` for many commands at once.

Interpreted, each call of a function and each attribute costs as much as a look-up in a dictionary, and between the
parser and the handler a plain command meets some twenty of both. Here it meets them once a pipeline: it is the same
steps in the same order, laid out in one function, for as long as nothing stands in a command's way. Whatever does
(gates, words in the wrong number, a container of sub-commands) is left to `Engine.execute`. Compiled, where calls cost
next to nothing, all commands go there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from librt.time import time

from respd.client import NO_LIMIT
from respd.clock import Clock
from respd.errors import CommandError
from respd.protocol.replies import NULL, NULL_BULK, Status
from respd.protocol.writing import BULK_HEADERS, CRLF, INTEGERS, TABLE

if TYPE_CHECKING:
    from respd.context import Context
    from respd.engine import Engine

_LONGEST_WIRE: Final = 2 * TABLE  # of the replies that are written here


def run_ahead(engine: Engine, ctx: Context, ahead: list[list[bytes]], until_s: float) -> bool:
    """Run commands from the end of `ahead`, taking them from it, until `until_s`; return whether any was run."""
    client = ctx.client
    outbox = engine.outbox
    if not ahead or outbox.normal_limit != NO_LIMIT or engine.large_reply <= _LONGEST_WIRE:
        return False
    stats = engine.stats
    shared = engine.shared
    spellings = engine.spellings
    clock = engine.clock
    is_real = type(clock) is Clock
    next_s = 0.0  # when its milliseconds move on
    write = client.out.write
    tracked_s = engine.tracked_s
    slow_s = engine.slow_s
    name = b""
    count = 0
    ran = False
    command = None
    while ahead:
        args = ahead[-1]
        if command is None or args[0] != name or len(args) != count:
            name = args[0]
            count = len(args)
            command = spellings.get(name)
            if command is None or command.subcommands is not None:
                break
            if count < command.min_words or count > command.max_words:
                break
            handler = command.handler
        if client.gates or engine.gates:
            break
        del ahead[-1]
        ran = True
        client.last_command = command.name
        engine.current = client
        started = engine.moment
        value: object
        try:
            value = handler(ctx, args)  # type: ignore[misc]
        except CommandError as error:
            error.__traceback__ = None  # as in Engine.call
            value = error
        except Exception as defect:
            value = engine.defects.in_command(ctx, command, args, defect)
        now = time()
        if started <= now < next_s:
            clock.seconds = now  # all that Clock.refresh would move on
        else:
            now = clock.refresh()
            if is_real:
                next_s = float(clock.ms + 1) / 1000.0
        engine.moment = now
        elapsed = now - started
        command.calls += 1
        command.seconds += elapsed
        stats.total_commands_processed += 1
        client.commands_total += 1
        if elapsed >= tracked_s:
            command.note_latency(elapsed)
            if elapsed >= slow_s:
                engine.note_slow(ctx, command, args, elapsed)
        wire: bytes | None = None
        if type(value) is bytes:
            size = len(value)
            if size < TABLE:
                wire = BULK_HEADERS[size] + value + CRLF
        elif type(value) is Status:
            wire = value.wire
        elif type(value) is int:
            wire = INTEGERS[value] if 0 <= value < TABLE else b":%d\r\n" % value
        elif value is None:
            wire = NULL_BULK if client.resp == 2 else NULL
        elif isinstance(value, CommandError):
            engine.note_failure(command, value)
        if wire is None:
            engine.answer(ctx, command, args, value)
        else:
            write(wire)
            if not client.wants_flush:
                client.wants_write()
        if shared.hooks != 0:
            engine.blocked.serve_ready()
        if now >= until_s:
            break
    return ran
