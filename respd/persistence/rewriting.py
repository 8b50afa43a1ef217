"""Rewriting of the append-only file: a child process writes a new base, while the server goes on in a new increment.

Once the child has ended well, its file gets a base's name, and a manifest that names it and the new increment replaces
the one that names everything. Until that moment, and whatever goes wrong, the old files and the new increment are the
log.
"""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, Final

from respd.persistence.append_log import OFF, ON, WAITING
from respd.persistence.base_commands import CommandWriter
from respd.persistence.children import AOF, KILLED_BY_US, RDB, SUPPORTED
from respd.persistence.log_directory import reason_of
from respd.persistence.snapshot import SnapshotFile

if TYPE_CHECKING:
    from respd.engine import Engine

_SYNC_EVERY: Final = 4 * 1024 * 1024
_FAILURES_ALLOWED: Final = 3
_LONGEST_DELAY_MIN: Final = 60


class _CommandFile:
    """A base of commands under way. A long one is synced as it grows, so that the last sync does not take long."""

    def __init__(self, engine: Engine, fd: int) -> None:
        self.disk = engine.disk
        self.fd = fd
        self._is_incremental = engine.config.aof_rewrite_incremental_fsync
        self._unsynced = 0

    def write(self, data: bytes) -> None:
        """Append to the file."""
        self.disk.write_all(self.fd, data)
        self._unsynced += len(data)
        if self._is_incremental and self._unsynced >= _SYNC_EVERY:
            self.disk.fdatasync(self.fd)
            self._unsynced = 0


def write_base(engine: Engine, path: str) -> None:
    """Write the whole data set to a new file, synced; raise OSError."""
    disk = engine.disk
    fd = disk.open_new(path)
    try:
        if engine.config.aof_use_rdb_preamble:
            SnapshotFile(engine, fd, True).write()
        else:
            children = engine.children
            in_child = children.pid == 0 and children.kind != ""
            writer = CommandWriter(_CommandFile(engine, fd).write, children.progress if in_child else None)
            if engine.config.aof_timestamp_enabled:
                writer.annotate(int(engine.clock.ms) // 1000)
            writer.functions([library.code for library in engine.libraries.all()])
            writer.write(engine.databases)
        disk.fsync(fd)
    finally:
        disk.close(fd)


class Rewriter:
    """Starts rewrites, and finishes them; `check` is called a few times a second. Times are in ms, -1 for never."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.config = engine.config
        self.log = engine.log
        self.clock = engine.clock
        self.disk = engine.disk
        self.is_scheduled: bool = False
        self.last_succeeded: bool = True
        self.rewrites: int = 0
        self.failures: int = 0  # in a row
        self.started_ms: int = -1
        self.last_duration_s: int = -1
        self.children = engine.children
        self._pid: int = 0  # of the child that rewrites
        self._is_snapshot: bool = True  # what it writes
        self._retry_ms: int = 0
        self._delay_min: int = 0

    def runs(self) -> bool:
        """Tell whether a rewrite is under way."""
        return self.children.kind == AOF

    def other_child_runs(self) -> bool:
        """Tell whether a snapshot is under way."""
        return self.children.kind == RDB

    def any_child_runs(self) -> bool:
        """Tell whether either is."""
        return self.children.runs()

    # -- starting

    def start(self) -> bool:
        """Begin a rewrite; log why not and return False."""
        append_log = self.engine.append_log
        directory = append_log.directory
        if self.any_child_runs():
            return False
        if not directory.create():
            self.last_succeeded = False
            return False
        if append_log.state != OFF:
            append_log.flush(True)
            if not append_log.open_increment():
                self.last_succeeded = False
                return False
        self.rewrites += 1
        self._is_snapshot = self.config.aof_use_rdb_preamble
        if not SUPPORTED:
            return self._rewrite_in_foreground()
        try:
            pid = self.children.start(AOF, self._be_child, self._finish)
        except OSError as error:
            self.last_succeeded = False
            self.log.warning(f"Can't rewrite append only file in background: fork: {reason_of(error)}")
            return False
        self._pid = pid
        self.log.notice(f"Background append only file rewriting started by pid {pid}")
        self.is_scheduled = False
        self.started_ms = int(self.clock.ms)
        return True

    def _be_child(self) -> int:
        """Write the base; return the exit status of the process."""
        path = _temporary_base(os.getpid())
        try:
            write_base(self.engine, path)
        except OSError as error:
            self.log.warning(f"Write error writing append only file on disk: {reason_of(error)}")
            return 1
        self.log.notice(f"Successfully created the temporary AOF base file {path}")
        return 0

    def _rewrite_in_foreground(self) -> bool:
        """Where there is no fork: nobody is served meanwhile."""
        self.log.notice("This system has no fork: rewriting in the foreground, nobody is served meanwhile")
        self._pid = os.getpid()
        self.started_ms = int(self.clock.ms)
        self.is_scheduled = False
        self._note(self._be_child() == 0 and self._install())
        self._end()
        return self.last_succeeded

    def kill(self) -> None:
        """End the rewrite under way, if one is, and remove what it has written."""
        if self.runs():
            self.log.notice(f"Killing running AOF rewrite child: {self._pid}")
            self.children.kill()

    def _end(self) -> None:
        try:
            self.disk.unlink(_temporary_base(self._pid))
        except OSError:
            pass  # it is the base now, or was never begun
        self.last_duration_s = (int(self.clock.ms) - self.started_ms) // 1000
        self.started_ms = -1
        append_log = self.engine.append_log
        if append_log.state == WAITING:
            append_log.discard_until_base()
            self.is_scheduled = True

    # -- going on

    def check(self) -> None:
        """See whether a rewrite is due."""
        if self.any_child_runs():
            return
        if self.is_scheduled:
            if not self._is_limited():
                self.start()
        elif self.engine.append_log.state == ON and self.config.auto_aof_rewrite_percentage:
            self._start_when_grown()

    def _start_when_grown(self) -> None:
        append_log = self.engine.append_log
        if append_log.current_size <= self.config.auto_aof_rewrite_min_size:
            return
        growth = append_log.current_size * 100 // (append_log.base_size or 1) - 100
        if growth >= self.config.auto_aof_rewrite_percentage and not self._is_limited():
            self.log.notice(f"Starting automatic rewriting of AOF on {growth}% growth")
            self.start()

    def _is_limited(self) -> bool:
        """Tell whether it is too early to try again: after three failures a minute passes, then two, up to an hour."""
        if self.failures < _FAILURES_ALLOWED:
            self._delay_min = 0
            self._retry_ms = 0
            return False
        now_ms = int(self.clock.ms)
        if self._retry_ms:
            if now_ms < self._retry_ms:
                return True
            self._retry_ms = 0
            return False
        self._delay_min = min(2 * self._delay_min or 1, _LONGEST_DELAY_MIN)
        self._retry_ms = now_ms + self._delay_min * 60_000
        self.log.warning(
            "Background AOF rewrite has repeatedly failed and triggered the limit, will retry in "
            f"{self._delay_min} minutes"
        )
        return True

    def _finish(self, status: int) -> None:
        """The child has ended: put its base into the log, or say what went wrong."""
        if os.WIFSIGNALED(status):
            number = os.WTERMSIG(status)
            self.log.warning(f"Background AOF rewrite terminated by signal {number}")
            if number != KILLED_BY_US:
                self._note(False)
        elif os.WEXITSTATUS(status) != 0:
            self.log.warning("Background AOF rewrite terminated with error")
            self._note(False)
        else:
            self.log.notice("Background AOF rewrite terminated with success")
            self._note(self._install())
        self._end()

    def _note(self, succeeded: bool) -> None:
        self.last_succeeded = succeeded
        if not succeeded:
            self.failures += 1
            return
        self.failures = 0
        self.log.notice("Background AOF rewrite finished successfully")
        if self.engine.append_log.state == WAITING:
            self.engine.append_log.state = ON

    def _install(self) -> bool:
        """Make the child's file the base of the log; log a failure and return False, with the log as it was."""
        append_log = self.engine.append_log
        directory = append_log.directory
        manifest = directory.manifest.copy()
        temporary = _temporary_base(self._pid)
        base = manifest.new_base(directory.stem, self._is_snapshot)
        started_s = time.monotonic()
        try:
            self.disk.rename(temporary, directory.path(base))
        except OSError as error:
            self.log.warning(
                f"Error trying to rename the temporary AOF base file {temporary} into {base}: {reason_of(error)}"
            )
            return False
        self.engine.latency.since(b"aof-rename", started_s, self.engine.clock.ms)
        self.log.notice(f"Successfully renamed the temporary AOF base file {temporary} into {base}")
        increment = ""
        if append_log.state == WAITING:
            waiting = directory.temporary_increment()
            increment = manifest.new_increment(directory.stem)
            started_s = time.monotonic()
            try:
                self.disk.rename(directory.path(waiting), directory.path(increment))
            except OSError as failure:
                self.log.warning(
                    f"Error trying to rename the temporary AOF incr file {waiting} into {increment}: "
                    f"{reason_of(failure)}"
                )
                append_log.background.remove(directory.path(base))
                return False
            self.engine.latency.since(b"aof-rename", started_s, self.engine.clock.ms)
            self.log.notice(f"Successfully renamed the temporary AOF incr file {waiting} into {increment}")
            append_log.name = increment
        manifest.retire_increments(1 if append_log.fd >= 0 else 0)
        if not directory.persist(manifest) and directory.manifest is not manifest:
            append_log.background.remove(directory.path(base))
            if increment:
                append_log.background.remove(directory.path(increment))
            return False
        if append_log.state != OFF:
            append_log.current_size = directory.size(base) + append_log.written
            append_log.base_size = append_log.current_size
        append_log.remove_history()
        return True


def _temporary_base(pid: int) -> str:
    return f"temp-rewriteaof-bg-{pid}.aof"
