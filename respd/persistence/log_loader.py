"""Loading of the append-only file: the base, then every increment, in slices, so that the server can answer meanwhile.

Nothing expires while a log is loaded: a key's end is in the log, as a DEL. Errors that commands reply with are told and
passed over, as Redis does. A transaction is run when its EXEC has come. The end of the last file may be short: it is
cut to the last whole command or transaction, or the log refused, as aof-load-truncated has it. Whatever else is wrong
refuses the log.
"""

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING, Final

from respd.client import Client, Outbox
from respd.context import Context
from respd.errors import CommandError
from respd.persistence.aof_reader import AofReader, CorruptLog, begins_with_snapshot
from respd.persistence.disk import cut_file
from respd.persistence.loading import UNREADABLE, load_library
from respd.persistence.log_directory import LogFileError, reason_of
from respd.persistence.rdb_format import CorruptFile, WrongChecksum
from respd.persistence.rdb_reader import EndEvent, FunctionEvent, KeyEvent, ModuleAuxEvent, RdbReader, SelectEvent

if TYPE_CHECKING:
    from respd.command import Command
    from respd.engine import Engine
    from respd.persistence.manifest import LogFile

_CHUNK: Final = 256 * 1024
_LOOK_AT_CLOCK: Final = 64  # commands or keys between two looks


def prepare_log(engine: Engine) -> LogLoader | None:
    """Return what loads the log, if there is one; raise LogFileError. Then `engine.append_log.begin` follows."""
    return LogLoader(engine) if engine.append_log.find() else None


class LogLoader:
    """Loads the log that the directory's manifest names. `step` works for a while and tells whether all is done.

    Raises LogFileError when the log is refused, after telling why.
    """

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.disk = engine.disk
        self.log = engine.log
        self.directory = engine.append_log.directory
        self.total_bytes: int = self.directory.check_files()
        self.loaded_bytes: int = 0
        self.used_memory_bytes: int = 0
        self.loaded_keys: int = 0
        self._parts: list[LogFile] = self.directory.manifest.parts()
        self._at = 0  # of the part under way
        self._fd = -1
        self._file_bytes = 0  # read of it so far
        self._file_started_s = 0.0
        self._started_s = monotonic()
        self._snapshot: RdbReader | None = None
        self._commands: AofReader | None = None
        self._ctx = Context(Client(0, Outbox(), engine.clock.ms), engine.databases[0], engine)
        self._ctx.deny_blocking = True
        self._queue: list[list[bytes]] | None = None
        engine.shared.expire_off = True

    def step(self, budget_s: float) -> bool:
        """Load for `budget_s` seconds, and something however short that is; return True when everything is loaded."""
        until_s = monotonic() + budget_s
        try:
            while True:
                if self._fd < 0 and not self._open_next():
                    self.close()
                    self.engine.shared.dirty = 0
                    seconds = monotonic() - self._started_s
                    self.log.notice(f"DB loaded from append only file: {seconds:.3f} seconds")
                    return True
                if self._drain(until_s):
                    self._read_more()
                if monotonic() >= until_s:
                    return False
        except LogFileError:
            self.close()
            raise

    def close(self) -> None:
        """End, done or not."""
        self.engine.shared.expire_off = False
        if self._fd >= 0:
            self.disk.close(self._fd)
            self._fd = -1

    # -- files

    def _name(self) -> str:
        part: LogFile = self._parts[self._at]
        return part.name

    def _kind(self) -> str:
        return "base" if self._parts[self._at] is self.directory.manifest.base else "incr"

    def _open_next(self) -> bool:
        """Open the file at `_at`, or tell that there is none."""
        if self._at >= len(self._parts):
            return False
        name = self._name()
        try:
            self._fd = self.disk.open_read(self.directory.path(name))
        except OSError as error:
            self._refuse(f"Fatal error: can't open the append log file {name} for reading: {reason_of(error)}")
        self._file_bytes = 0
        self._file_started_s = monotonic()
        self._ctx.select(0)
        chunk = self._read()
        if not chunk:
            if name.endswith(".rdb"):
                self._refuse(f"The append log file {name} is empty: a base cannot be")
            self._end_file()
        elif begins_with_snapshot(chunk):
            if name.endswith(".rdb"):
                self.log.notice("Reading RDB base file on AOF loading...")
            else:
                self.log.notice("Reading RDB preamble from AOF file...")
            self._snapshot = RdbReader(self.engine.config.limits, self.engine.config.values[b"rdbchecksum"] is True)
            self._snapshot.feed(chunk)
        else:
            self._commands = AofReader()
            self._commands.feed(chunk)
        return True

    def _read(self) -> bytes:
        try:
            chunk = self.disk.read(self._fd, _CHUNK)
        except OSError as error:
            self._refuse(f"Unrecoverable error reading the append only file {self._name()}: {reason_of(error)}")
        self._file_bytes += len(chunk)
        self.loaded_bytes += len(chunk)
        return chunk

    def _read_more(self) -> None:
        """Feed the reader; at the end of the file see whether it ends well."""
        if self._fd < 0:
            return
        chunk = self._read()
        snapshot, commands = self._snapshot, self._commands
        if snapshot is not None:
            if chunk:
                snapshot.feed(chunk)
            else:
                snapshot.close()
                self._load_snapshot(monotonic() + 1)
                if self._snapshot is not None:
                    self._refuse_snapshot(UNREADABLE)
        elif commands is not None:
            if chunk:
                commands.feed(chunk)
            elif commands.unread() > 0 or commands.in_transaction:
                self._cut(commands)
            else:
                self._end_file()

    def _end_file(self) -> None:
        self.disk.close(self._fd)
        self._fd = -1
        seconds = monotonic() - self._file_started_s
        if self._file_bytes:
            self.log.notice(f"DB loaded from {self._kind()} file {self._name()}: {seconds:.3f} seconds")
        self._commands = None
        self._snapshot = None
        self._queue = None
        self._at += 1

    def _cut(self, commands: AofReader) -> None:
        """The file ends within a command or a transaction: cut it where it is whole, or refuse it."""
        name, log = self._name(), self.log
        if commands.in_transaction:
            log.warning(f"Revert incomplete MULTI/EXEC transaction in AOF file {name}")
        if not self.engine.config.aof_load_truncated:
            self._refuse(
                f"Unexpected end of file reading the append only file {name}. You can: 1) Make a backup of your AOF "
                "file, then use ./redis-check-aof --fix <filename.manifest>. 2) Alternatively you can set the "
                "'aof-load-truncated' configuration option to yes and restart the server."
            )
        log.warning(f"!!! Warning: short read while loading the AOF file {name}!!!")
        if not self._is_last():
            self._refuse("Fatal error: the truncated file is not the last file")
        end = int(commands.safe_end)
        log.warning(f"!!! Truncating the AOF {name} at offset {end} !!!")
        path = self.directory.path(name)
        try:
            cut_file(self.disk, path, end)
        except OSError as error:
            self._refuse(f"Error truncating the AOF file {name}: {reason_of(error)}")
        log.warning(f"AOF {name} loaded anyway because aof-load-truncated is enabled")
        self._end_file()

    def _is_last(self) -> bool:
        """Tell whether nothing was written after the file under way: an increment that was just begun may follow."""
        return sum([self.directory.size(part.name) for part in self._parts[self._at + 1 :]]) == 0

    def _refuse(self, line: str) -> None:
        self.log.warning(line)
        raise LogFileError

    # -- contents

    def _drain(self, until_s: float) -> bool:
        """Load what the reader has; tell whether it needs more bytes."""
        if self._snapshot is not None:
            return self._load_snapshot(until_s)
        if self._commands is not None:
            return self._run_commands(self._commands, until_s)
        return False

    def _load_snapshot(self, until_s: float) -> bool:
        """Put the snapshot's keys and functions where they belong; go on with the commands that may follow its end."""
        reader = self._snapshot
        assert reader is not None
        engine = self.engine
        db = self._ctx.db
        seen = 0
        try:
            while True:
                event = reader.next()
                if event is None:
                    return True
                if isinstance(event, KeyEvent):
                    if event.value is not None:
                        if not db.load(event.key, event.value, event.expire_at_ms):
                            self._refuse_snapshot("a key is there twice")
                        self.loaded_keys += 1
                    seen += 1
                    if seen % _LOOK_AT_CLOCK == 0 and monotonic() >= until_s:
                        return False
                elif isinstance(event, SelectEvent):
                    if event.database >= len(engine.databases):
                        self._refuse_snapshot(f"database {event.database} is out of range")
                    self._ctx.select(event.database)
                    db = self._ctx.db
                elif isinstance(event, FunctionEvent):
                    if not load_library(engine, event.code, False):
                        self._refuse_snapshot(UNREADABLE)
                elif isinstance(event, ModuleAuxEvent):
                    self._refuse_snapshot(f"it holds data of the module {event.module}")
                elif isinstance(event, EndEvent):
                    break
        except CorruptFile as fault:
            if isinstance(fault, WrongChecksum):
                self.log.warning(fault.details)
            self._refuse_snapshot(str(fault))
        self._snapshot = None
        self._ctx.select(0)
        commands = AofReader(reader.consumed)
        rest = reader.rest()
        if rest:
            self.log.notice("Reading the remaining AOF tail...")
            commands.feed(rest)
        self._commands = commands
        return False

    def _refuse_snapshot(self, reason: str) -> None:
        name = self._name()
        self.log.warning(reason)
        if name.endswith(".rdb"):
            self._refuse(f"Error reading the RDB base file {name}, AOF loading aborted")
        self._refuse(f"Error reading the RDB preamble of the AOF file {name}, AOF loading aborted")

    def _run_commands(self, reader: AofReader, until_s: float) -> bool:
        engine = self.engine
        ctx = self._ctx
        spellings = engine.spellings
        seen = 0
        try:
            while True:
                words = reader.next()
                if words is None:
                    return True
                command = spellings.get(words[0])
                if command is None or command.subcommands is not None:
                    command = self._find(words)
                if not command.min_words <= len(words) <= command.max_words:
                    raise CorruptLog(f"wrong number of words for '{command.name.decode()}'", int(reader.offset))
                if reader.in_transaction or self._queue is not None:
                    self._transact(ctx, command, words)
                else:
                    self._run(ctx, command, words)
                seen += 1
                if seen % _LOOK_AT_CLOCK == 0 and monotonic() >= until_s:
                    return False
        except CorruptLog as fault:
            name = self._name()
            self.log.warning(f"The AOF file {name} is damaged: {fault}")
            self._refuse(
                f"Bad file format reading the append only file {name}: make a backup of your AOF file, then use "
                "./redis-check-aof --fix <filename.manifest>"
            )
        return False

    def _find(self, words: list[bytes]) -> Command:
        command = self.engine.commands.lookup(words)
        if command is None:
            shown = words[0].decode(errors="backslashreplace")
            self._refuse(f"Unknown command '{shown}' reading the append only file {self._name()}")
        assert command is not None
        return command

    def _transact(self, ctx: Context, command: Command, words: list[bytes]) -> None:
        """Queue a command of a transaction, or run the queue when it is EXEC."""
        queue = self._queue
        if queue is None:
            self._queue = []  # the command is MULTI
        elif command.name == b"exec":
            self._queue = None
            for queued in queue:
                found = self.engine.spellings.get(queued[0])
                if found is None or found.subcommands is not None:
                    found = self._find(queued)
                self._run(ctx, found, queued)
        elif command.name != b"multi":
            queue.append(words)

    def _run(self, ctx: Context, command: Command, words: list[bytes]) -> None:
        try:
            value = command.handler(ctx, words)  # type: ignore[misc]
        except CommandError as error:
            error.__traceback__ = None
            value = error
        if isinstance(value, CommandError):
            shown = value.text.removeprefix(b"ERR ") if value.text.startswith(b"ERR ") else b"-" + value.text
            text = shown.decode(errors="backslashreplace")
            if command.name == b"select":
                self._refuse(f"The AOF file {self._name()} selects a database that there is not: '{text}'")
            self.log.warning(
                f"== CRITICAL == This server is sending an error to its AOF-loading-client: '{text}' after processing "
                f"the command '{command.name.decode()}'"
            )
