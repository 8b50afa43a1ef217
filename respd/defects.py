"""What becomes of an exception that nothing should raise: the server goes on, and tells all about it.

A handler that fails answers an error to its client alone. INFO counts it (`respd_internal_errors`), and the log gets a
report: versions, what ran, its words (long ones cut, passwords left out), the client, the traceback. Reports of one
place in the program come once a minute, lines that it has failed again once a second: no client fills the disk with
them. What the command has done to its keys until then stands, as it would after a script that fails half-way; whoever
watches or caches these keys is told, and the log of changes gets the keys as they are now, since the command as sent
may do something else when it runs again. Source: redis.io, "Debugging", crash reports.
"""

from __future__ import annotations

import os
import platform
import traceback
from typing import TYPE_CHECKING, Final

from respd.client_info import describe
from respd.command import RO, WRITE, Command
from respd.command_keys import keys_of
from respd.database import type_name
from respd.errors import CommandError
from respd.protocol.replies import encode
from respd.slowlog import shorten
from respd.version import REDIS_VERSION, VERSION

if TYPE_CHECKING:
    from respd.client import Client
    from respd.context import Context
    from respd.engine import Engine

NO_MEMORY: Final = b"OOM command not allowed: not enough memory"
_REDACTED: Final = b"*redacted*"
_SECRET: Final = frozenset(
    [b"auth", b"hello", b"acl|setuser", b"acl|deluser", b"acl|getuser", b"config|set", b"migrate"]
)
_COLLECTIONS: Final = (b"list", b"set", b"hash", b"zset")
_REPORT_MS: Final = 60_000  # between two reports of one place
_LINE_MS: Final = 1_000  # between two lines
_MOST_PLACES: Final = 64
_FRAMES: Final = 40
_MOST_TEXT: Final = 16_384


class Place:
    """A line of the program that has failed: when it was reported and told of, and how often since."""

    def __init__(self) -> None:
        self.reported_ms: int = -_REPORT_MS
        self.told_ms: int = -_LINE_MS
        self.since: int = 0


class Defects:
    """Takes the exceptions of one server."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._places: dict[str, Place] = {}

    def in_command(self, ctx: Context, command: Command, words: list[bytes], error: Exception) -> CommandError:
        """Return the error reply of a command whose handler has failed; see to its keys."""
        is_memory = isinstance(error, MemoryError)
        self._report(f"command '{command.name.decode()}'", error, ctx, command, words)
        error.__traceback__ = None
        if command.flags & WRITE:
            try:
                self._settle_keys(ctx, command, words)
            except Exception as second:
                self._report(f"the keys of '{command.name.decode()}'", second, ctx, command, words)
        return CommandError(NO_MEMORY) if is_memory else _reply(command, error)

    def in_reply(self, client: Client, command: Command | None, written: int, error: Exception) -> None:
        """Take back what was written of a reply that could not be written whole, and write an error instead."""
        self._report("writing a reply", error, self._engine.contexts.get(client.id), command, None)
        error.__traceback__ = None
        client.out.truncate(written)
        answer = CommandError(NO_MEMORY) if isinstance(error, MemoryError) else _reply(command, error)
        self._engine.stats.record_error(answer.text)
        encode(client.out, answer, client.resp)

    def outside(self, where: str, error: BaseException, client: Client | None = None) -> None:
        """Report what has failed outside of a command, and undo what a command may have left behind."""
        engine = self._engine
        ctx = None if client is None else engine.contexts.get(client.id)
        self._report(where, error, ctx, None, None)
        error.__traceback__ = None
        if engine.busy is None:
            engine.tracking.current = None
            engine.shared.tick(engine.clock.ms)
            engine.effects.commit(True)

    def _settle_keys(self, ctx: Context, command: Command, words: list[bytes]) -> None:
        """Tell of the keys that a command may have changed, and log what they are now."""
        engine = self._engine
        db = ctx.db
        for position, flags in keys_of(command, words) or []:
            key = words[position]
            if flags & RO:
                continue
            entry = db.entries.get(key)
            if entry is not None and type_name(entry.value) in _COLLECTIONS and db.drop_if_empty(key):
                entry = None
            db.changed(key, 0, b"")
            if not engine.effects.is_on:
                continue
            if entry is None:
                ctx.record([b"DEL", key])
            else:
                from respd.persistence import dump_payloads

                payload = dump_payloads.write(entry.value, engine.config.rdbcompression)
                until = b"%d" % entry.expire_at_ms
                ctx.record([b"RESTORE", key, until, payload, b"REPLACE", b"ABSTTL"])

    # -- telling

    def _report(
        self, where: str, error: BaseException, ctx: Context | None, command: Command | None, words: list[bytes] | None
    ) -> None:
        engine = self._engine
        engine.stats.internal_errors += 1
        now_ms = int(engine.clock.ms)
        name = f"{type(error).__name__} at {_place_of(error)}"
        place = self._places.get(name)
        if place is None:
            if len(self._places) >= _MOST_PLACES:
                self._places.clear()
            place = self._places[name] = Place()
        place.since += 1
        if isinstance(error, MemoryError) or not engine.config.crash_log_enabled:
            is_full = False
        else:
            is_full = now_ms - place.reported_ms >= _REPORT_MS
        if is_full:
            place.reported_ms = place.told_ms = now_ms
            place.since = 0
            engine.log.warning(f"internal error in {where}: {name}; the server goes on. What is known:")
            engine.log.report("".join(line + "\n" for line in self._lines(error, ctx, command, words)))
        elif now_ms - place.told_ms >= _LINE_MS:
            place.told_ms = now_ms
            engine.log.warning(f"internal error in {where}: {name}; {place.since} times since it was last reported")

    def _lines(
        self, error: BaseException, ctx: Context | None, command: Command | None, words: list[bytes] | None
    ) -> list[str]:
        from respd import build

        engine = self._engine
        hides = engine.config.hide_user_data_from_log
        keys = sum([len(db.entries) for db in engine.databases])
        uptime_s = (int(engine.clock.ms) - engine.started_ms) // 1000
        lines = [
            "=== RESPD BUG REPORT START: cut and paste from here ===",
            f"respd {VERSION} ({build()}), as Redis {REDIS_VERSION}; Python {platform.python_version()}, "
            f"{platform.system()} {platform.release()} {platform.machine()}",
            f"process {os.getpid()}, up for {uptime_s} s, {len(engine.clients)} clients, {keys} keys, "
            f"{engine.stats.total_commands_processed} commands, {engine.stats.internal_errors} internal errors",
        ]
        if ctx is not None:
            lines += ["------ CLIENT ------", _decoded(describe(ctx.client, int(engine.clock.ms), words))]
        if command is not None:
            state = ", in a script" if engine.in_script else ", in a transaction" if engine.in_exec else ""
            lines += ["------ COMMAND ------", f"{command.name.decode()}, database {ctx.db.index if ctx else 0}{state}"]
            for index, word in enumerate(shorten(self._shown(command, words or [], hides))):
                lines.append(f"argv[{index}]: {word!r}")
        lines.append("------ TRACEBACK ------")
        if hides:
            told = [*traceback.format_tb(error.__traceback__, -_FRAMES), type(error).__name__]
        else:
            told = traceback.format_exception(type(error), error, error.__traceback__, -_FRAMES)
        text = "".join(told).rstrip()
        lines.append(text if len(text) <= _MOST_TEXT else f"...{text[-_MOST_TEXT:]}")
        lines.append("=== RESPD BUG REPORT END ===")
        return lines

    def _shown(self, command: Command, words: list[bytes], hides: bool) -> list[bytes]:
        """Return the words of a command as the report shows them: without secrets, or without what users have sent."""
        named = 2 if b"|" in command.name else 1
        if hides or command.name in _SECRET:
            return words[:named] + [_REDACTED] * (len(words) - named)
        return self._engine.slowlog.without_secrets(words)


def _reply(command: Command | None, error: Exception) -> CommandError:
    name = b"a command" if command is None else b"'%b'" % command.name
    return CommandError(b"ERR internal error in %b: %b" % (name, type(error).__name__.encode()))


def _place_of(error: BaseException) -> str:
    """Return the file and line that an exception comes from."""
    trace = error.__traceback__
    if trace is None:
        return "no known place"
    while trace.tb_next is not None:
        trace = trace.tb_next
    return f"{os.path.basename(trace.tb_frame.f_code.co_filename)}:{trace.tb_lineno}"


def _decoded(text: bytes) -> str:
    return text.decode(errors="backslashreplace")
