"""Snapshots: the data in one RDB file, written in the foreground or by a child, at once or when a save point says so.

The file is written under another name, synced, and renamed, and then the directory is synced: whatever happens, the
name stands for a whole snapshot, the old or the new one.
"""

from __future__ import annotations

import os
import sys
import time
from typing import TYPE_CHECKING, Final

from mypy_extensions import i64

from respd.database import access_second
from respd.datatypes.hashes import HashValue
from respd.persistence.children import KILLED_BY_US, RDB, SUPPORTED
from respd.persistence.rdb_format import FIELD_EXPIRY_VERSION, NOT_TOLD, PORTABLE_VERSION
from respd.version import REDIS_VERSION

if TYPE_CHECKING:
    from respd.database import Database
    from respd.engine import Engine

_CHUNK: Final = 256 * 1024
_SYNC_EVERY: Final = 4 * 1024 * 1024
_KEYS_PER_REPORT: Final[i64] = 1024
_RETRY_S: Final = 5
_NEVER: Final = -1


class SnapshotFile:
    """An RDB file that is being written to a descriptor. `keys` are written so far."""

    def __init__(self, engine: Engine, fd: int, is_base: bool) -> None:
        from respd.persistence.rdb_writer import RdbWriter  # not before a first snapshot

        config = engine.config
        self.engine = engine
        self.disk = engine.disk
        self.fd = fd
        self.keys: int = 0
        self._is_base = is_base
        self._is_incremental = config.aof_rewrite_incremental_fsync if is_base else config.rdb_save_incremental_fsync
        self._unsynced: int = 0
        self._writer = RdbWriter(version_needed(engine.databases), config.rdbcompression, config.rdbchecksum)

    def write(self) -> None:
        """Write all libraries of functions and all databases. O(bytes). Raises OSError."""
        writer = self._writer
        writer.header(self._about())
        for library in self.engine.libraries.all():
            writer.function(library.code)
        for db in self.engine.databases:
            if db.dense:
                writer.select(db.index, db.size(), int(db.volatile))
                self._write_keys(db)
        self._put(writer.end())

    def _about(self) -> list[tuple[bytes, bytes]]:
        from respd.stats import resident_bytes

        return [
            (b"redis-ver", REDIS_VERSION.encode()),
            (b"redis-bits", b"64" if sys.maxsize > 2**32 else b"32"),
            (b"ctime", b"%d" % (self.engine.clock.ms // 1000)),
            (b"used-mem", b"%d" % resident_bytes()),
            (b"aof-base", b"%d" % self._is_base),
        ]

    def _write_keys(self, db: Database) -> None:
        writer = self._writer
        out = writer.out
        policy = self.engine.config.maxmemory_policy
        now_s = i64(access_second(self.engine.clock.ms))
        with_idle = policy.endswith((b"-lru", b"-lrm"))
        shared = self.engine.shared
        frequency: i64 = NOT_TOLD
        idle_s: i64 = NOT_TOLD
        delay_us = self.engine.config.rdb_key_save_delay
        children = self.engine.children
        in_child = children.pid == 0 and children.kind != ""
        keys: i64 = self.keys
        for shard in db.entries.parts():
            for key, entry in shard.items():
                if with_idle:
                    idle_s = now_s - i64(entry.access)
                    if idle_s < 0:
                        idle_s = 0
                elif shared.counts_accesses:
                    frequency = shared.frequency(entry)
                writer.key(key, entry.value, entry.expire_at_ms, idle_s, frequency)
                if len(out) >= _CHUNK:
                    self._put(writer.take())
                if delay_us != 0:
                    self._delay(delay_us)
                keys += 1
                if in_child and keys % _KEYS_PER_REPORT == 0:
                    children.progress(int(keys))
        self.keys = int(keys)
        if in_child:
            children.keys_done = self.keys

    def _delay(self, delay_us: int) -> None:
        """Wait between keys, for tests: a negative number of microseconds has so many keys wait for one."""
        if delay_us > 0:
            self._put(self._writer.take())
            time.sleep(delay_us / 1e6)

    def _put(self, data: bytes) -> None:
        self.disk.write_all(self.fd, data)
        self._unsynced += len(data)
        if self._is_incremental and self._unsynced >= _SYNC_EVERY:
            self.disk.fdatasync(self.fd)
            self._unsynced = 0


def version_needed(databases: list[Database]) -> int:
    """Return the lowest version of the format that knows all that the databases hold."""
    for db in databases:
        if not db.field_deadlines.is_empty():
            for shard in db.entries.parts():
                for entry in shard.values():
                    value = entry.value
                    if isinstance(value, HashValue) and value.next_expire_ms != 0:
                        return FIELD_EXPIRY_VERSION
    return PORTABLE_VERSION


class Snapshots:
    """Takes snapshots, and knows how that went. Moments in seconds since the epoch, _NEVER where there was none."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.config = engine.config
        self.log = engine.log
        self.disk = engine.disk
        self.children = engine.children
        self.last_save_s: int = int(engine.clock.ms // 1000)
        self.last_try_s: int = 0
        self.last_succeeded: bool = True
        self.last_duration_s: int = _NEVER
        self.started_s: int = _NEVER
        self.saves: int = 0
        self.is_scheduled: bool = False
        self.last_keys_loaded: int = 0
        self.last_keys_expired: int = 0
        self._dirty_before: i64 = 0

    def runs(self) -> bool:
        """Tell whether a child is taking a snapshot."""
        return self.children.kind == RDB

    def refuses_writes(self) -> bool:
        """Tell whether writes are to be refused, because the last snapshot in the background has failed."""
        return not self.last_succeeded and self.config.stop_writes_on_bgsave_error and bool(self.config.save)

    def _now_s(self) -> int:
        return int(self.engine.clock.ms // 1000)

    # -- in the foreground

    def save(self) -> bool:
        """Take a snapshot now; tell whether that worked, having logged why not."""
        self.saves += 1
        if not self.write(self.config.dbfilename):
            return False
        self.log.notice("DB saved on disk")
        self.engine.shared.dirty = 0
        self.last_save_s = self._now_s()
        self._note(True)
        return True

    def write(self, name: str) -> bool:
        """Write a snapshot under `name`; tell whether that worked, having logged why not."""
        disk = self.disk
        temporary = f"temp-{os.getpid()}.rdb"
        try:
            fd = disk.open_new(temporary)
        except OSError as error:
            self.log.warning(
                f"Failed opening the temp RDB file {temporary} (in server root dir {_here()}) for saving: "
                f"{reason_of(error)}"
            )
            return False
        step = "rdbSaveRio"
        try:
            try:
                SnapshotFile(self.engine, fd, False).write()
                step = "fsync"
                disk.fsync(fd)
                disk.drop_cache(fd)
            finally:
                disk.close(fd)
        except OSError as error:
            self.log.warning(f"Write error while saving DB to the disk({step}): {reason_of(error)}")
            self._remove(temporary)
            return False
        try:
            disk.rename(temporary, name)
        except OSError as error:
            self.log.warning(
                f"Error moving temp DB file {temporary} on the final destination {name} (in server root dir "
                f"{_here()}): {reason_of(error)}"
            )
            self._remove(temporary)
            return False
        try:
            disk.fsync_directory(".")
        except OSError as error:
            self.log.warning(f"Failed to fsync directory while saving DB: {reason_of(error)}")
            return False
        return True

    def _remove(self, name: str) -> None:
        try:
            self.disk.unlink(name)
        except OSError:
            pass

    def _remove_of(self, pid: int) -> None:
        """Remove what the child with this number has written."""
        started_s = time.monotonic()
        self._remove(f"temp-{pid}.rdb")
        self.engine.latency.since(b"rdb-unlink-temp-file", started_s, self.engine.clock.ms)

    def _note(self, succeeded: bool) -> None:
        self.last_succeeded = succeeded
        self.engine.update_disk_gate()

    # -- in the background

    def save_in_background(self) -> bool:
        """Have a child take a snapshot; log why not and return False. There must be no child.

        A system without fork has it taken in the foreground: nobody is served meanwhile.
        """
        self.last_try_s = self._now_s()
        self._dirty_before = self.engine.shared.dirty
        if not SUPPORTED:
            self.log.notice("This system has no fork: saving in the foreground, nobody is served meanwhile")
            self._note(self.save())
            return self.last_succeeded
        self.saves += 1
        try:
            pid = self.children.start(RDB, self._save_as_child, self._finish)
        except OSError as error:
            self._note(False)
            self.log.warning(f"Can't save in background: fork: {reason_of(error)}")
            return False
        self.log.notice(f"Background saving started by pid {pid}")
        self.started_s = self._now_s()
        return True

    def _save_as_child(self) -> int:
        if not self.write(self.config.dbfilename):
            return 1
        self.log.notice("DB saved on disk")
        return 0

    def _finish(self, status: int) -> None:
        """The child has ended with this status."""
        now_s = self._now_s()
        if os.WIFSIGNALED(status):
            number = os.WTERMSIG(status)
            self.log.warning(f"Background saving terminated by signal {number}")
            self._remove_of(self.children.last_pid)
            if number != KILLED_BY_US:
                self._note(False)
        elif os.WEXITSTATUS(status) != 0:
            self.log.warning("Background saving error")
            self._note(False)
        else:
            self.log.notice("Background saving terminated with success")
            shared = self.engine.shared
            shared.dirty = max(0, shared.dirty - self._dirty_before)
            self.last_save_s = now_s
            self._note(True)
        self.last_duration_s = now_s - self.started_s
        self.started_s = _NEVER

    def kill(self) -> None:
        """End the child that takes a snapshot, if one does, and remove what it has written."""
        if self.runs():
            pid = self.children.pid
            self.children.kill()
            self._remove_of(pid)
            self.last_duration_s = self._now_s() - self.started_s
            self.started_s = _NEVER

    def reset(self) -> None:
        """FLUSHALL: with save points, have an empty snapshot at once; one that a child is taking is out of date.

        Not for a FLUSHALL in a log that is being loaded: what follows it there is data too.
        """
        if self.engine.loading is not None:
            return
        if self.runs():
            self.kill()
            self.log.warning(f"Background saving terminated by signal {KILLED_BY_US}")
        if self.config.save:
            self.save()

    # -- when it is due

    def check(self) -> None:
        """Take a snapshot if a save point or a BGSAVE SCHEDULE says so. Called a few times a second."""
        if self.children.runs():
            return
        now_s = self._now_s()
        may_try = self.last_succeeded or now_s - self.last_try_s > _RETRY_S
        if not may_try:
            return
        dirty = self.engine.shared.dirty
        for seconds, changes in self.config.save:
            if dirty >= changes and now_s - self.last_save_s > seconds:
                self.log.notice(f"{changes} changes in {seconds} seconds. Saving...")
                self.save_in_background()
                return
        if self.is_scheduled and self.save_in_background():
            self.is_scheduled = False


def reason_of(error: OSError) -> str:
    """Return what the system says of an error."""
    return error.strerror or str(error)


def _here() -> str:
    try:
        return os.getcwd()
    except OSError:
        return "unknown"
