"""The append-only file of a running server: effects go in, and are on the disk as appendfsync has it.

Once a turn of the loop, before any reply of that turn is sent, `flush` writes what the turn's commands have changed, in
one write, and then:

- `always`: syncs, so that no reply tells of what could be lost. Neither may fail: the server would have to end.
- `everysec`: has a thread sync, once a second. A write to a file that is being synced may stall, so while the thread
  works writing is put off, for at most two seconds. When writing fails, what there is is kept, the file is cut back to
  whole commands, and commands that write are refused until a later attempt succeeds.
- `no`: leaves it to the system.

States: OFF; ON; WAITING, from CONFIG SET appendonly yes until the first base has been made: effects go to a temporary
increment, which counts only once that base is there. The files are `log_directory`'s business, bases `rewriting`'s.
"""

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING, Final

from respd import gates
from respd.directive_kinds import ConfigError
from respd.persistence.background import Background
from respd.persistence.log_directory import LogDirectory, LogFileError, reason_of

if TYPE_CHECKING:
    from respd.engine import Engine

OFF: Final = 0
ON: Final = 1
WAITING: Final = 2

_POSTPONED_AT_MOST_MS: Final = 2000
_SYNC_EVERY_MS: Final = 1000
_COMPLAIN_EVERY_MS: Final = 30_000


class FatalDiskError(BaseException):
    """What was promised cannot be kept: the process must end without another reply. The log has been told.

    No defect, and nothing that a client's failure may be isolated from: so it is no Exception.
    """


class AppendLog:
    """The log of one engine. `current_size` counts all its files, `base_size` what they had after the last rewrite."""

    def __init__(self, engine: Engine) -> None:
        config = engine.config
        self.engine = engine
        self.config = config
        self.disk = engine.disk
        self.log = engine.log
        self.clock = engine.clock
        self.effects = engine.effects
        self.background = Background(self.disk)
        folder = config.appenddirname.decode("utf-8", "surrogateescape")
        stem = config.appendfilename.decode("utf-8", "surrogateescape")
        self.directory = LogDirectory(self.disk, self.background, self.log, folder, stem)
        self.state: int = OFF
        self.fd: int = -1
        self.name: str = ""  # of the increment that is written
        self.current_size: int = 0
        self.base_size: int = 0
        self.written: int = 0  # bytes of the increment that have been written
        self.synced: int = 0  # bytes of it for which a sync was asked
        self.last_sync_ms: int = 0
        self.delayed_fsyncs: int = 0
        self.write_error: str = ""  # why the last write failed, "" when it did not
        self._sync_error: str = ""
        self.was_loaded: bool = False  # the server has started from it, or with none
        self._buffer: list[bytes] = []
        self._buffered: int = 0
        self._postponed_since_ms: int = 0
        self._complained_ms: int = -_COMPLAIN_EVERY_MS
        self._timestamp: int = 0
        # Places in the stream of effects: what was gathered, written, synced by this thread.
        self._gathered_offset: int = 0
        self._written_offset: int = 0
        self._synced_offset: int = -1

    # -- beginning and ending

    def find(self) -> bool:
        """Read the manifest, as the server starts; tell whether there is a log to load. Raise LogFileError.

        The single file of an older Redis is taken over first.
        """
        directory = self.directory
        directory.load()
        self.was_loaded = self.config.appendonly
        if not self.config.appendonly:
            return False
        if directory.is_old_style():
            directory.adopt_single_file()
        return not directory.manifest.is_empty()

    def begin(self) -> None:
        """Begin to log, if that is asked for, once what is on the disk has been loaded. Raise LogFileError.

        When CONFIG SET asked for it meanwhile, the log that is there, if any, is not what was loaded: it is replaced.
        """
        if not self.config.appendonly:
            return
        if self.was_loaded:
            self.open_at_start()
            return
        try:
            self.start()
        except ConfigError:
            raise LogFileError from None

    def open_at_start(self) -> None:
        """Begin to log, after loading: go on with the last increment, or make the first files. Raise LogFileError."""
        directory, log = self.directory, self.log
        if not directory.create():
            raise LogFileError
        manifest = directory.manifest.copy()
        is_new = not manifest.increments
        if manifest.is_empty():
            from respd.persistence.rewriting import write_base

            name = manifest.new_base(directory.stem, self.config.aof_use_rdb_preamble)
            try:
                write_base(self.engine, directory.path(name))
            except OSError as error:
                log.warning(f"Write error writing append only file on disk: {reason_of(error)}")
                raise LogFileError from None
            log.notice(f"Creating AOF base file {name} on server start")
        name = manifest.new_increment(directory.stem) if is_new else manifest.increments[-1].name
        try:
            self.fd = self.disk.open_append(directory.path(name))
        except OSError as failure:
            log.warning(f"Can't open the append-only file {name}: {reason_of(failure)}")
            raise LogFileError from None
        if not directory.persist(manifest):
            raise LogFileError
        self.name = name
        self.written = self.synced = directory.size(name)
        self.current_size = self.base_size = sum(directory.size(part.name) for part in manifest.parts())
        log.notice(f"{'Creating' if is_new else 'Opening'} AOF incr file {name} on server start")
        self.remove_history()
        self._turn_on(ON)

    def remove_history(self) -> None:
        """Forget, and remove, the files that a rewrite has replaced, unless they are to stay."""
        if not self.config.aof_disable_auto_gc:
            self.directory.remove_history()

    def _turn_on(self, state: int) -> None:
        self.state = state
        self.last_sync_ms = int(self.clock.ms)
        self.write_error = self._sync_error = ""
        self.background.error = None
        self._gathered_offset = self._written_offset = self._synced_offset = int(self.effects.offset)
        self.engine.record_effects(True)
        self._update_gate()

    def open_increment(self) -> bool:
        """Go on in a new increment, as a rewrite begins; log a failure and return False.

        A log that is ON names it in the manifest at once: until the new base is there, the old files and this one hold
        everything.
        """
        directory, log = self.directory, self.log
        manifest = directory.manifest.copy()
        if self.state == WAITING:
            name = directory.temporary_increment()
        else:
            name = manifest.new_increment(directory.stem)
        try:
            self.disk.close(self.disk.open_new(directory.path(name)))
            fd = self.disk.open_append(directory.path(name))
        except OSError as error:
            log.warning(f"Can't open the append-only file {name}: {reason_of(error)}")
            return False
        log.notice(f"Creating AOF incr file {name} on background rewrite")
        if self.state != WAITING:
            before = directory.manifest
            if not directory.persist(manifest):
                self.disk.close(fd)
                if directory.manifest is before:
                    self.background.remove(directory.path(name))
                else:  # it may be named already: the file before goes on, and this one is left there, empty
                    directory.manifest = before
                    before.is_dirty = True
                return False
        if self.fd >= 0:
            self.background.retire(self.fd, self._written_offset)
        if self.state == WAITING:
            self._gathered_offset = self._written_offset = self._synced_offset = int(self.effects.offset)
        self.fd = fd
        self.name = name
        self.written = self.synced = 0
        self.effects.database = -1
        self._timestamp = 0
        return True

    def start(self) -> None:
        """CONFIG SET appendonly yes: log from now on, and make a base of what there is. Raise ConfigError."""
        rewriter = self.engine.rewriter
        self.state = WAITING
        if rewriter.other_child_runs():
            rewriter.is_scheduled = True
            self.log.notice(
                "AOF was enabled but there is already another background operation. An AOF background was scheduled to "
                "start when possible."
            )
        elif self.engine.in_exec:
            rewriter.is_scheduled = True
            self.log.notice(
                "AOF was enabled during a transaction. An AOF background was scheduled to start when possible."
            )
        else:
            if rewriter.runs():
                self.log.notice(
                    "AOF was enabled but there is already an AOF rewriting in background. Stopping background AOF and "
                    "starting a rewrite now."
                )
                rewriter.kill()
            if not rewriter.start():
                self.state = OFF
                self.log.warning(
                    "Redis needs to enable the AOF but can't trigger a background AOF rewrite operation. Check the "
                    "above logs for more info about the error."
                )
                raise ConfigError(b"Unable to turn on AOF. Check server logs.")
        self._turn_on(WAITING)

    def stop(self) -> None:
        """CONFIG SET appendonly no: write what there is, and log no more."""
        self._write_and_sync("")
        if self.fd >= 0:
            self.disk.close(self.fd)
        self.fd = -1
        was_waiting = self.state == WAITING
        self.state = OFF
        self.engine.rewriter.is_scheduled = False
        self.engine.rewriter.kill()
        self.engine.record_effects(False)
        self._forget_buffer()
        if was_waiting:
            self.directory.remove_temporary_increment()
        self.write_error = self._sync_error = ""
        self._update_gate()

    def close(self) -> None:
        """The server ends: write and sync what there is, before the last replies are sent."""
        if self.state == OFF:
            return
        if self.engine.rewriter.runs():
            self.log.warning("There is a child rewriting the AOF. Killing it!")
            self.engine.rewriter.kill()
        self.log.notice("Calling fsync() on the AOF file.")
        self._write_and_sync(".")

    def _write_and_sync(self, mark: str) -> None:
        """Have everything on the disk; log a failure, `mark` behind it."""
        self.flush(True)
        self.background.drain()
        if self.fd >= 0:
            try:
                self.disk.fsync(self.fd)
            except OSError as error:
                self.log.warning(f"Fail to fsync the AOF file: {reason_of(error)}{mark}")

    def discard_until_base(self) -> None:
        """The first base could not be made: forget what was logged meanwhile, another base will hold it."""
        self.effects.take()
        self._forget_buffer()
        if self.fd >= 0:
            self.background.retire(self.fd, -1)
            self.fd = -1
        self.directory.remove_temporary_increment()

    def _forget_buffer(self) -> None:
        self._buffer = []
        self._buffered = 0
        self._postponed_since_ms = 0

    # -- once a turn

    def flush(self, force: bool = False) -> None:
        """Write, and sync, what has come, as the policy says; `force`: put nothing off. Raise FatalDiskError."""
        if self.state == OFF:
            return
        if self.fd < 0:  # the first base has yet to be begun, and will hold it all
            self.effects.take()
            return
        self._gather()
        policy = self.config.appendfsync
        if self.background.error is not None or self._sync_error:
            self._note_sync_result()
        if not self._buffered:
            if self.synced != self.written or self._sync_error:
                self._sync(policy)
            return
        if policy == b"everysec" and not force and self._must_wait():
            return
        self._postponed_since_ms = 0
        if self._write(policy):
            self._sync(policy)

    def synced_offset(self) -> int:
        """Return how much of the stream of effects is on the disk.

        Nothing, 0, while the first base is made; -1 before that, -2 without a log.
        """
        if self.state == OFF:
            return -2
        if self.state == WAITING:
            return 0 if self.fd >= 0 else -1
        return max(self._synced_offset, self.background.synced_offset)

    def buffered(self) -> int:
        """Return how many bytes wait to be written."""
        return self._buffered + len(self.effects.out)

    def is_failing(self) -> bool:
        """Tell whether the last write or sync failed."""
        return bool(self.write_error or self._sync_error)

    def error_text(self) -> bytes:
        """Return the error that commands that write get while writing fails."""
        return b"MISCONF Errors writing to the AOF file: " + self.error_reason()

    def error_reason(self) -> bytes:
        """Return what the system says of that failure."""
        return (self.write_error or self._sync_error).encode()

    def is_waiting(self) -> bool:
        """Tell whether the log has no base yet."""
        return self.state == WAITING

    def syncs_each_turn(self) -> bool:
        """Tell whether every turn that writes has to wait for a sync."""
        return self.state != OFF and self.config.appendfsync == b"always"

    def _gather(self) -> None:
        data = self.effects.take()
        if not data:
            return
        self._gathered_offset = int(self.effects.offset)
        if self.config.aof_timestamp_enabled:
            now_s = int(self.clock.ms) // 1000
            if now_s > self._timestamp:
                self._timestamp = now_s
                data = b"#TS:%d\r\n%b" % (now_s, data)
        self._buffer.append(data)
        self._buffered += len(data)

    def _must_wait(self) -> bool:
        """Tell whether writing is put off because the file is being synced."""
        if not self.background.pending_syncs():
            return False
        now_ms = int(self.clock.ms)
        if self._postponed_since_ms == 0:
            self._postponed_since_ms = now_ms
            return True
        if now_ms - self._postponed_since_ms < _POSTPONED_AT_MOST_MS:
            return True
        self.delayed_fsyncs += 1
        self.log.notice(
            "Asynchronous AOF fsync is taking too long (disk is busy?). Writing the AOF buffer without waiting for "
            "fsync to complete, this may slow down Redis."
        )
        return False

    def _write(self, policy: bytes) -> bool:
        """Write all that waits; tell whether that was possible."""
        data = self._buffer[0] if len(self._buffer) == 1 else b"".join(self._buffer)
        taken = 0
        is_syncing = self.background.pending_syncs() > 0
        started_s = monotonic()
        try:
            taken = self.disk.write(self.fd, data)
            while taken < len(data):
                taken += self.disk.write(self.fd, data[taken:])
        except OSError as error:
            self._write_failed(data, taken, reason_of(error), policy)
            return False
        self._note_write(started_s, is_syncing)
        self._forget_buffer()
        self.written += taken
        self.current_size += taken
        self._written_offset = self._gathered_offset
        if self.write_error:
            self.log.notice("AOF write error looks solved, Redis can write again.")
            self.write_error = ""
            self._update_gate()
        return True

    def _write_failed(self, data: bytes, taken: int, reason: str, policy: bytes) -> None:
        log = self.log
        now_ms = int(self.clock.ms)
        complains = now_ms - self._complained_ms >= _COMPLAIN_EVERY_MS
        if complains:
            self._complained_ms = now_ms
        if taken == 0:
            if complains:
                log.warning(f"Error writing to the AOF file: {reason}")
        else:
            if complains:
                log.warning(f"Short write while writing to the AOF file: (nwritten={taken}, expected={len(data)})")
            try:
                self.disk.truncate(self.directory.path(self.name), self.written)
                taken = 0
            except OSError as error:
                if complains:
                    log.warning(
                        "Could not remove short write from the append-only file.  Redis may refuse to load the AOF the "
                        f"next time it starts.  ftruncate: {reason_of(error)}"
                    )
        if policy == b"always":
            log.warning("Can't recover from AOF write error when the AOF fsync policy is 'always'. Exiting...")
            raise FatalDiskError
        self.write_error = reason
        self.written += taken
        self.current_size += taken
        self._buffer = [data[taken:]]
        self._buffered = len(data) - taken
        self._update_gate()

    def _sync(self, policy: bytes) -> None:
        if policy == b"no":
            return
        if self.config.no_appendfsync_on_rewrite and self.engine.rewriter.any_child_runs():
            return
        if policy == b"always":
            started_s = monotonic()
            try:
                self.disk.fdatasync(self.fd)
            except OSError as error:
                self.log.warning(
                    "Can't persist AOF for fsync error when the AOF fsync policy is 'always': "
                    f"{reason_of(error)}. Exiting..."
                )
                raise FatalDiskError from None
            self.engine.latency.since(b"aof-fsync-always", started_s, self.clock.ms)
            self._synced_offset = self._written_offset
            self.synced = self.written
            self.last_sync_ms = int(self.clock.ms)
        elif int(self.clock.ms) - self.last_sync_ms >= _SYNC_EVERY_MS and not self.background.pending_syncs():
            self.background.sync(self.fd, self._written_offset)
            self.synced = self.written
            self.last_sync_ms = int(self.clock.ms)

    def _note_write(self, started_s: float, is_syncing: bool) -> None:
        """Tell the latency monitor of a slow write, and what else went on."""
        engine = self.engine
        if monotonic() - started_s < engine.latency.threshold_s:
            return
        if is_syncing:
            engine.latency.since(b"aof-write-pending-fsync", started_s, self.clock.ms)
        elif engine.rewriter.any_child_runs():
            engine.latency.since(b"aof-write-active-child", started_s, self.clock.ms)
        else:
            engine.latency.since(b"aof-write-alone", started_s, self.clock.ms)
        engine.latency.since(b"aof-write", started_s, self.clock.ms)

    def _note_sync_result(self) -> None:
        """See how the thread's last sync went: commands that write are refused until one succeeds."""
        error = self.background.error
        reason = "" if error is None else reason_of(error)
        if reason != self._sync_error:
            if reason:
                self.log.warning(f"Fail to fsync the AOF file: {reason}")
            self._sync_error = reason
            self._update_gate()

    def _update_gate(self) -> None:
        if self.state != OFF and self.is_failing():
            self.engine.gates |= gates.LOG_FAILS
        else:
            self.engine.gates &= ~gates.LOG_FAILS

    # -- configuration

    def follow_switch(self) -> None:
        """CONFIG SET appendonly."""
        if self.config.appendonly and self.state == OFF:
            self.start()
        elif not self.config.appendonly and self.state != OFF:
            self.stop()
